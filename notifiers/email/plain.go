package email

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/alertvitals/notifier/templates"
)

// text is the page for who reads mail without HTML. It says what the HTML says.
func (p *page) text() string {
	var out strings.Builder
	paragraph := func(texts ...string) {
		said := false
		for _, text := range texts {
			if text != "" {
				out.WriteString(text + "\n")
				said = true
			}
		}
		if said {
			out.WriteByte('\n')
		}
	}
	paragraph(p.Title, p.News, p.Headline)
	for _, notice := range p.notices() {
		paragraph(notice)
	}
	paragraph(p.State, p.Checks)
	paragraph(p.Changes...)
	rows, rest := p.rows()
	paragraph(append(aligned(rows), rest)...)
	for _, chart := range p.Charts {
		paragraph(chart.Says())
	}
	for _, table := range p.Tables {
		paragraph(join(": ", table.Name, table.Text))
	}
	var alerts []string
	for _, line := range p.Alerts {
		alerts = append(alerts, "- "+join("  ", line.Name, line.Text))
	}
	if p.Hidden > 0 {
		alerts = append(alerts, fmt.Sprintf("- and %d more", p.Hidden))
	}
	paragraph(alerts...)
	paragraph(p.Counts)
	paragraph(p.Foot)
	var links []string
	for _, link := range p.Links {
		links = append(links, link.Text+": "+link.URL)
	}
	paragraph(links...)
	paragraph("-- ", p.why(), p.how(), p.which()) // what follows "-- " is a signature: https://www.rfc-editor.org/rfc/rfc3676#section-4.3
	return strings.TrimRight(out.String(), "\n") + "\n"
}

// aligned are vitals in columns; what is not normal has a sign.
func aligned(vitals []templates.Vital) []string {
	names, values := 0, 0
	for _, v := range vitals {
		names, values = max(names, utf8.RuneCountInString(v.Name)), max(values, utf8.RuneCountInString(v.Value))
	}
	names, values = min(names, 24), min(values, 16)
	var all []string
	for _, v := range vitals {
		sign := "  "
		if v.Loud {
			sign = "! "
		}
		all = append(all, strings.TrimRight(fmt.Sprintf("%s%-*s  %-*s  %s", sign, names, v.Name, values, v.Value, v.Change), " "))
	}
	return all
}

// why, how and which are the foot of both bodies.
func (p *page) why() string {
	return "You get this mail because you are a recipient of the receiver “" + p.Receiver + "”."
}

func (p *page) how() string {
	if p.Silence == "" {
		return "To hear no more of it for a while, silence it in Alertmanager, or mute its route."
	}
	return "To hear no more of it for a while, silence it: " + p.Silence
}

func (p *page) which() string {
	if p.Delivery == "" {
		return ""
	}
	return "Delivery " + p.Delivery + " of the notifier."
}

// Notices are those of both bodies.
func (p *page) Notices() []string { return p.notices() }

// Why and Which are the foot in HTML.
func (p *page) Why() string { return p.why() }

// Which names the delivery.
func (p *page) Which() string { return p.which() }

// join leaves out what is empty.
func join(separator string, texts ...string) string {
	var said []string
	for _, text := range texts {
		if text != "" {
			said = append(said, text)
		}
	}
	return strings.Join(said, separator)
}
