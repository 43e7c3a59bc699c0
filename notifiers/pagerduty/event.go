package pagerduty

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	api "github.com/PagerDuty/go-pagerduty"
	"github.com/prometheus/alertmanager/template"

	"github.com/alertvitals/notifier/alert"
	"github.com/alertvitals/notifier/notifiers"
	"github.com/alertvitals/notifier/notifiers/post"
)

// The limits of an event.
//
// Sources: https://developer.pagerduty.com/docs/send-alert-event (summary) and
// https://developer.pagerduty.com/docs/events-api-v2-overview#size-limits (512 KB, taken as 512,000 bytes as Alertmanager does).
// The other fields and lists have no documented limit; these are sane ones.
const (
	eventSize   = 512000
	summarySize = 1024
	fieldSize   = 255
	addressSize = 2000
	mostLinks   = 10
)

// action is what an event does.
type action string

const (
	trigger action = "trigger"
	resolve action = "resolve"
)

// event is what PagerDuty is told, in either version of its API.
type event struct {
	action                    action
	dedupKey                  string
	summary, source, severity string
	component, group, class   string
	client, clientURL         string
	since                     time.Time
	details                   details
	links                     []Link
	images                    []Image
}

// keyOf is a dedup_key. With the groupKey alone it is the one that Alertmanager itself sends, so that an incident which it opened
// is closed by us. It says nothing of what it is made of.
func keyOf(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:])
}

// groupEvent is the event of a whole group, still without an action and a key.
func (n *Notifier) groupEvent(m notifiers.Message) event {
	shared := m.Group.CommonLabels()
	lead := m.Group.Lead().Labels
	agent := ""
	if m.Snapshot != nil && m.Group.OneJob() {
		agent = m.Snapshot.Agent
	}
	w := n.wordsOf(m)
	e := n.fields(m, shared, agent, w)
	e.summary = cmp.Or(line(w.text("description", n.config.Description), summarySize), line(m.Content.Title, summarySize), "an alert without a name")
	e.source = cmp.Or(w.field("source", n.config.Source), label(lead, "instance"), line(agent, fieldSize), label(lead, "job"), "Alertmanager")
	e.severity = w.severity(n.config.Severity, m.Group.Severity())
	e.since = m.Group.Since()
	e.details = n.ofGroup(m, w)
	return e
}

// alertEvent is the event of one alert of the group, still without an action and a key.
func (n *Notifier) alertEvent(m notifiers.Message, a template.Alert) event {
	agent := ""
	if m.Snapshot != nil && (m.Group.OneJob() || a.Labels["job"] == m.Group.Lead().Labels["job"]) {
		agent = m.Snapshot.Agent
	}
	w := n.wordsOf(m, a)
	e := n.fields(m, a.Labels, agent, w)
	severity := a.Labels["severity"]
	state := strings.ToUpper(severity)
	if a.Status == alert.StatusResolved {
		state = "RESOLVED"
	}
	ours := joined(state, a.Labels["alertname"], cmp.Or(a.Labels["instance"], a.Labels["job"]), cmp.Or(a.Annotations["summary"], a.Annotations["description"]))
	e.summary = cmp.Or(line(w.text("description", n.config.Description), summarySize), line(ours, summarySize), "an alert without a name")
	e.source = cmp.Or(w.field("source", n.config.Source), label(a.Labels, "instance"), line(agent, fieldSize), label(a.Labels, "job"), "Alertmanager")
	e.severity = w.severity(n.config.Severity, alert.Severity(severity))
	e.since = a.StartsAt
	e.details = n.ofAlert(m, a, w)
	for i, l := range e.links {
		if l.Href == m.Group.Lead().GeneratorURL && forPeople(a.GeneratorURL) {
			e.links[i].Href = a.GeneratorURL
		}
	}
	return e
}

// fields are those that the labels say, and the links.
func (n *Notifier) fields(m notifiers.Message, labels template.KV, agent string, w *words) event {
	e := event{
		component: cmp.Or(w.field("component", n.config.Component), label(labels, "component"), line(agent, fieldSize), label(labels, "job")),
		group:     cmp.Or(w.field("group", n.config.Group), label(labels, "group"), label(labels, "cluster"), label(labels, "namespace")),
		class:     cmp.Or(w.field("class", n.config.Class), label(labels, "class"), label(labels, "alertname")),
		client:    cmp.Or(w.field("client", n.config.Client), "Alertmanager"),
		clientURL: w.address("client_url", n.config.ClientURL),
	}
	for _, l := range n.config.Links {
		if href := w.address("links", l.Href); href != "" {
			e.links = append(e.links, Link{Href: href, Text: line(w.text("links", l.Text), nameSize)})
		}
	}
	for _, l := range m.Content.Links {
		if !forPeople(l.URL) {
			continue
		}
		if l.Text == "Alertmanager" && e.clientURL == "" && e.client == "Alertmanager" {
			e.clientURL = l.URL // it has a button of its own
			continue
		}
		e.links = append(e.links, Link{Href: l.URL, Text: line(l.Text, nameSize)})
	}
	e.links = e.links[:min(len(e.links), mostLinks)]
	for _, image := range n.config.Images {
		if src := w.address("images", image.Src); strings.HasPrefix(src, "https://") {
			e.images = append(e.images, Image{Src: src, Alt: line(w.text("images", image.Alt), nameSize), Href: w.address("images", image.Href)})
		}
	}
	return e
}

// label is a label's value, "" when it is personal.
func label(labels template.KV, name string) string {
	if strings.Contains(labels[name], alert.Redacted) {
		return ""
	}
	return line(labels[name], fieldSize)
}

// severityOf is PagerDuty's word for a severity. One that it does not know is an error, which pages: whoever wrote it meant
// something.
//
// Source: https://developer.pagerduty.com/docs/send-alert-event (payload.severity).
func severityOf(severity string) string {
	switch severity = strings.ToLower(severity); severity {
	case "critical", "error", "warning", "info":
		return severity
	default:
		return "error"
	}
}

// forPeople is whether an address may become a link.
func forPeople(address string) bool {
	u := post.Address(address)
	return u != nil && u.User == nil && len(address) <= addressSize
}

// v2 is the event for https://developer.pagerduty.com/docs/send-alert-event.
func (e event) v2(key string) any {
	event := api.V2Event{
		RoutingKey: key, Action: string(e.action), DedupKey: e.dedupKey, Client: e.client, ClientURL: e.clientURL,
		Payload: &api.V2Payload{
			Summary: e.summary, Source: e.source, Severity: e.severity, Component: e.component, Group: e.group, Class: e.class,
			Details: e.details,
		},
	}
	if !e.since.IsZero() {
		event.Payload.Timestamp = e.since.UTC().Format(time.RFC3339)
	}
	for _, l := range e.links {
		event.Links = append(event.Links, linkOf(l))
	}
	for _, image := range e.images {
		event.Images = append(event.Images, imageOf(image))
	}
	return event
}

// v1 is the event for https://developer.pagerduty.com/docs/trigger-an-event (Events API v1), which knows no severity, source,
// component, group and class: they stand in the details.
func (e event) v1(key string) any {
	all := slices.Clone(e.details)
	for _, field := range []struct{ name, text string }{
		{"severity", e.severity}, {"source", e.source}, {"component", e.component}, {"group", e.group}, {"class", e.class},
	} {
		if !all.has(field.name) {
			all.add(useful, field.name, field.text)
		}
	}
	event := api.Event{
		ServiceKey: key, Type: string(e.action), IncidentKey: e.dedupKey, Description: e.summary, Details: all,
	}
	if e.action == trigger { // the others have no such fields
		event.Client, event.ClientURL = e.client, e.clientURL
		for _, l := range e.links {
			event.Contexts = append(event.Contexts, typed("link", linkOf(l)))
		}
		for _, image := range e.images {
			event.Contexts = append(event.Contexts, typed("image", imageOf(image)))
		}
	}
	return event
}

func linkOf(l Link) map[string]string {
	return given(map[string]string{"href": l.Href, "text": l.Text})
}

func imageOf(image Image) map[string]string {
	return given(map[string]string{"src": image.Src, "alt": image.Alt, "href": image.Href})
}

func typed(kind string, context map[string]string) map[string]string {
	context["type"] = kind
	return context
}

// given is without what is empty.
func given(m map[string]string) map[string]string {
	for name, text := range m {
		if text == "" {
			delete(m, name)
		}
	}
	return m
}

// fit encodes the event and leaves out its least useful details until it is small enough. Without any it always is.
func (n *Notifier) fit(e event, key string) ([]byte, error) {
	for {
		form := e.v2
		if n.config.v1() {
			form = e.v1
		}
		body, err := encode(form(key))
		if err != nil || len(body) <= eventSize || !e.details.drop(len(body)-eventSize) {
			return body, err
		}
	}
}
