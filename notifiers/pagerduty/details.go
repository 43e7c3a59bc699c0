package pagerduty

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/prometheus/alertmanager/template"

	"github.com/alertvitals/notifier/notifiers"
	"github.com/alertvitals/notifier/templates"
)

// use is how useful a detail is; what is least useful goes first when there is no room.
type use int

const (
	stays use = iota
	veryUseful
	useful
	lessUseful
	leastUseful
)

// Sizes in characters, and how many alerts an incident names: nobody reads more.
const (
	nameSize   = 100
	valueSize  = 2000
	mostAlerts = 50
	firstFew   = 3
)

// detail is one line of the table that PagerDuty shows.
type detail struct {
	name  string
	value any
	use   use
}

// details are custom_details: a flat map whose order is kept.
type details []detail //nolint:recvcheck // MarshalJSON has to serve a value

// MarshalJSON writes an object in the order of the details.
func (d details) MarshalJSON() ([]byte, error) {
	var out bytes.Buffer
	for i, one := range d {
		name, err := encode(one.name)
		if err != nil {
			return nil, err
		}
		content, err := encode(one.value)
		if err != nil {
			return nil, err
		}
		out.WriteByte("{,"[min(i, 1)])
		out.Write(name)
		out.WriteByte(':')
		out.Write(content)
	}
	if len(d) == 0 {
		out.WriteByte('{')
	}
	out.WriteByte('}')
	return out.Bytes(), nil
}

// encode is JSON in which "<" takes one byte.
func encode(v any) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return nil, fmt.Errorf("encoding an event: %w", err)
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}

// add adds a detail that says something. A name that is taken gets a number: a map has each name once.
func (d *details) add(u use, name, text string) {
	name, text = line(name, nameSize), line(text, valueSize)
	if text == "" {
		return
	}
	unique := name
	for n := 2; unique == "" || d.has(unique); n++ {
		unique = strings.TrimSpace(fmt.Sprintf("%s (%d)", name, n))
	}
	*d = append(*d, detail{unique, text, u})
}

func (d details) has(name string) bool {
	return slices.ContainsFunc(d, func(one detail) bool { return one.name == name })
}

// drop removes the least useful details, the last of them first, until that many bytes are gone. It is false when only what stays
// is left.
func (d *details) drop(size int) bool {
	kept := slices.Clone(*d)
	for u := leastUseful; u > stays && size > 0; u-- {
		for i := len(kept) - 1; i >= 0 && size > 0; i-- {
			if kept[i].use == u {
				text, _ := encode(kept[i].value) // it was encoded before
				size -= len(kept[i].name) + len(text)
				kept = slices.Delete(kept, i, i+1)
			}
		}
	}
	dropped := len(kept) < len(*d)
	*d = kept
	return dropped
}

// ofGroup are the details of a whole group.
func (n *Notifier) ofGroup(m notifiers.Message, w *words) details {
	c := m.Content
	var d details
	d.add(stays, "headline", c.Headline)
	d.add(stays, "note", c.Note)
	d.add(useful, "news", c.News)
	d.agent(c)
	for i, a := range c.Alerts[:min(len(c.Alerts), mostAlerts)] {
		u := lessUseful
		if i < firstFew {
			u = veryUseful
		}
		d.add(u, fmt.Sprintf("alert %d of %d", i+1, len(c.Alerts)), joined(a.Name, a.Text))
	}
	d.add(stays, "alerts", c.Counts)
	d.add(leastUseful, "taken", c.Foot)
	return w.details(d, n.config.Details)
}

// ofAlert are the details of one alert of the group. What is known of an agent is said only of its own alerts.
func (n *Notifier) ofAlert(m notifiers.Message, a template.Alert, w *words) details {
	var d details
	d.add(stays, "note", m.Content.Note)
	for _, pair := range a.Annotations.SortedPairs() {
		d.add(veryUseful, pair.Name, pair.Value)
	}
	if m.Group.OneJob() || a.Labels["job"] == m.Group.Lead().Labels["job"] {
		d.agent(m.Content)
		d.add(leastUseful, "taken", m.Content.Foot)
	}
	for _, pair := range a.Labels.SortedPairs() {
		d.add(useful, pair.Name, pair.Value)
	}
	d.add(stays, "alert group", m.Content.Title)
	d.add(stays, "alerts", m.Content.Counts)
	return w.details(d, n.config.Details)
}

// agent adds how the agent is: its vitals, then its health, then its tables.
func (d *details) agent(c templates.Content) {
	d.add(veryUseful, "agent", c.State)
	for _, change := range c.Changes {
		d.add(veryUseful, "change", change)
	}
	for _, v := range c.Vitals {
		u := lessUseful
		if v.Loud {
			u = veryUseful
		}
		d.add(u, v.Name, value(v.Value, v.Change))
	}
	d.add(useful, "health", c.Checks)
	for _, t := range c.Tables {
		d.add(leastUseful, t.Name, t.Text)
	}
}

func joined(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(part string) bool { return part == "" }), " · ")
}
