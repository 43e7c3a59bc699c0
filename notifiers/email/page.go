package email

import (
	"bytes"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/alertvitals/notifier/alert"
	"github.com/alertvitals/notifier/notifiers"
	"github.com/alertvitals/notifier/templates"
)

// Sizes of the parts, in characters: a text that is longer is not read.
const (
	titleSize    = 200
	headlineSize = 600
	newsSize     = 1000
	noteSize     = 600
	stateSize    = 150
	checksSize   = 600
	nameSize     = 100
	valueSize    = 80
	changeSize   = 200
	lineSize     = 300
	footSize     = 500
	countsSize   = 300
	linkSize     = 60
	addressSize  = 2000
	receiverSize = 100
)

// More of these than that are not read; the alerts that are not named are counted.
const (
	mostVitals  = 20
	mostChanges = 20
	mostTables  = 8
	mostAlerts  = 60
	mostLinks   = 8
	mostCharts  = 4
	mostRefused = 10
)

// chartsSize bounds all charts of a mail together, in bytes. They are pictures of some 20 kB each.
const chartsSize = 2 << 20

// bodySize bounds the HTML, in bytes: Gmail folds away what is beyond 102 kB
// (https://support.google.com/mail/thread/6530145).
const bodySize = 90_000

// fewestAlerts is how many alerts stay named for as long as something else can go.
const fewestAlerts = 3

// page is what stands in a mail, the same in its text and its HTML. Every text is clipped and otherwise as untrusted as it was.
type page struct {
	Subject string
	// Bar is the colour at the top; the state stands in words and in a sign, too.
	Bar      string
	Title    string
	News     string
	Headline string
	Note     string
	// Refused are the recipients that the server does not take, and why: those who get the mail are the ones who can mend it.
	Refused []string
	State   string
	Checks  string
	Changes []string
	Vitals  []templates.Vital
	Charts  []chart
	Tables  []templates.Line
	Foot    string
	Alerts  []templates.Line
	// Hidden is how many alerts are not named.
	Hidden  int
	Counts  string
	Links   []templates.Link
	Silence string
	// Receiver and Delivery say why one gets the mail.
	Receiver, Delivery string
}

// chart is a picture within the mail; CID is its name there.
type chart struct {
	templates.Image

	CID string
}

// Says is the picture for who does not see it.
func (c chart) Says() string { return join(": ", c.Title, c.Alt) }

func pageOf(m notifiers.Message, t thread, id string) *page {
	c := m.Content
	p := &page{
		Subject:  t.subject(),
		Bar:      bar(m),
		Title:    strings.TrimSpace(clip(c.Emoji, 8) + " " + clip(c.Title, titleSize)),
		News:     clip(c.NewsBesideTitle(), newsSize),
		Headline: clip(c.Headline, headlineSize),
		Note:     clip(c.Note, noteSize),
		State:    clip(c.State, stateSize),
		Checks:   clip(c.Checks, checksSize),
		Tables:   lines(c.Tables, mostTables),
		Foot:     clip(c.Foot, footSize),
		Alerts:   lines(c.Alerts, mostAlerts),
		Hidden:   max(0, len(c.Alerts)-mostAlerts),
		Counts:   clip(c.Counts, countsSize),
		Receiver: clip(m.Receiver, receiverSize),
		Delivery: clip(m.ID, nameSize),
	}
	for _, change := range c.Changes[:min(len(c.Changes), mostChanges)] {
		p.Changes = append(p.Changes, clip(change, changeSize))
	}
	// Of an agent that has recovered, what differs from when it was ill says it all.
	over := c.Status == alert.StatusResolved && len(c.Changes) > 0
	for _, v := range c.Vitals {
		v.Name, v.Value, v.Change = clip(v.Name, nameSize), clip(v.Value, valueSize), clip(v.Change, changeSize)
		if v.Name != "" && len(p.Vitals) < mostVitals && (v.Loud || !over) {
			p.Vitals = append(p.Vitals, v)
		}
	}
	p.addCharts(c.Charts, id)
	p.addLinks(c.Links)
	return p
}

// notices say how the mail itself fared.
func (p *page) notices() []string {
	var all []string
	if p.Note != "" {
		all = append(all, p.Note)
	}
	for _, refused := range p.Refused {
		all = append(all, "Not delivered to "+refused)
	}
	return all
}

// fewestRows is how many vitals have a row though they are normal: those that matter most to the alert.
const fewestRows = 6

// rows splits the vitals into those that have a row each, all that are not normal among them, and the rest.
func (p *page) rows() (rows []templates.Vital, rest string) {
	n := fewestRows
	for i, v := range p.Vitals {
		if v.Loud {
			n = max(n, i+1)
		}
	}
	n = min(n, len(p.Vitals))
	var all []string
	for _, v := range p.Vitals[n:] {
		all = append(all, join(" ", v.Name, v.Value, v.Change))
	}
	return p.Vitals[:n], strings.Join(all, " · ")
}

// Rows and Rest are the parts of rows for the HTML.
func (p *page) Rows() []templates.Vital { rows, _ := p.rows(); return rows }

// Rest are the vitals without a row.
func (p *page) Rest() string { _, rest := p.rows(); return rest }

func lines(of []templates.Line, most int) []templates.Line {
	var all []templates.Line
	for _, line := range of[:min(len(of), most)] {
		all = append(all, templates.Line{Name: clip(line.Name, nameSize), Text: clip(line.Text, lineSize)})
	}
	return all
}

var pngSign = []byte("\x89PNG\r\n\x1a\n") // https://www.w3.org/TR/png-3/#3PNGsignature

func (p *page) addCharts(images []templates.Image, id string) {
	size := 0
	for _, image := range images {
		size += len(image.PNG)
		if len(p.Charts) == mostCharts || size > chartsSize {
			return
		}
		if bytes.HasPrefix(image.PNG, pngSign) {
			image.Title, image.Alt = clip(image.Title, nameSize), clip(image.Alt, lineSize)
			p.Charts = append(p.Charts, chart{Image: image, CID: fmt.Sprintf("chart-%d.%s", len(p.Charts)+1, strings.Trim(id, "<>"))})
		}
	}
}

func (p *page) addLinks(links []templates.Link) {
	for _, link := range links {
		link.Text = clip(link.Text, linkSize)
		if link.Text == "" || len(link.URL) > addressSize || !forPeople(link.URL) {
			continue
		}
		if p.Silence == "" && strings.HasPrefix(link.Text, "Silence") {
			p.Silence = link.URL
		}
		if len(p.Links) < mostLinks {
			p.Links = append(p.Links, link)
		}
	}
}

// forPeople is whether an address may become a link. One with a space or a control character would break the text.
func forPeople(address string) bool {
	u, err := url.Parse(address)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.User == nil &&
		!strings.ContainsFunc(address, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune("<>\"", r) })
}

// The colours are dark enough for white beside them and bright enough for black.
func bar(m notifiers.Message) string {
	switch {
	case m.Late:
		return "#7d8590" // the past is neither good nor bad any more
	case m.Content.Status == alert.StatusResolved:
		return "#1f883d"
	case m.Content.Severity == alert.Critical:
		return "#d1242f"
	case m.Content.Severity == alert.Info:
		return "#0969da"
	default:
		return "#d4880f"
	}
}

// drop removes the least useful part that is left. It is false when only what must stay is left: title, headline, note and
// counts are small enough.
func (p *page) drop() bool {
	quiet := -1
	for i, v := range slices.Backward(p.Vitals) {
		if !v.Loud {
			quiet = i
			break
		}
	}
	switch {
	case p.Foot != "":
		p.Foot = ""
	case len(p.Alerts) > 4*fewestAlerts:
		p.dropAlerts(len(p.Alerts) / 4)
	case len(p.Tables) > 0:
		p.Tables = p.Tables[:len(p.Tables)-1]
	case quiet >= 0:
		p.Vitals = slices.Delete(slices.Clone(p.Vitals), quiet, quiet+1)
	case len(p.Alerts) > fewestAlerts:
		p.dropAlerts(1)
	case len(p.Changes) > 1:
		p.Changes = p.Changes[:len(p.Changes)-1]
	case len(p.Vitals) > 0:
		p.Vitals = p.Vitals[:len(p.Vitals)-1]
	case len(p.Links) > 0:
		p.Links = p.Links[:len(p.Links)-1]
	case p.Checks != "":
		p.Checks = ""
	case len(p.Alerts) > 0:
		p.dropAlerts(1)
	default:
		return false
	}
	return true
}

func (p *page) dropAlerts(n int) {
	p.Alerts = p.Alerts[:len(p.Alerts)-n]
	p.Hidden += n
}

// bodies are the page as text and as HTML that a client shows whole.
func (p *page) bodies() (text, html string, err error) {
	for {
		if html, err = p.html(); err != nil {
			return "", "", err
		}
		if len(html) <= bodySize || !p.drop() {
			return p.text(), html, nil
		}
	}
}
