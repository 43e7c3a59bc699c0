package templates

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	amtemplate "github.com/prometheus/alertmanager/template"

	"github.com/alertvitals/notifier/alert"
	"github.com/alertvitals/notifier/diagnostics"
)

// alertLines is one line for each alert: those that fire, those that are resolved, those that are no longer reported.
func alertLines(g alert.Group, late bool) []Line {
	var firing, resolved, gone []Line
	shared := sharedLabels(g)
	line := func(a amtemplate.Alert, states ...string) Line {
		text := explain(a.Annotations, "description", "summary", "message")
		return Line{
			Name: alertName(a.Labels, shared),
			Text: oneLine(strings.TrimSuffix(strings.Join(append(states, text), " · "), " · ")),
		}
	}
	for _, a := range g.Alerts {
		switch {
		case a.Status != alert.StatusFiring:
			resolved = append(resolved, line(a, "resolved"))
		case late:
			firing = append(firing, line(a, "was firing"))
		default:
			firing = append(firing, line(a))
		}
	}
	for _, a := range g.Gone {
		gone = append(gone, line(a, "fired, then no longer reported"))
	}
	return slices.Concat(firing, resolved, gone)
}

// sharedLabels are the labels that do not tell the alerts of the group apart. They are found once, and not for each alert: a
// group may have thousands.
func sharedLabels(g alert.Group) amtemplate.KV {
	return alert.Group{Alerts: slices.Concat(g.Alerts, g.Gone)}.CommonLabels()
}

// alertName tells an alert from the others of its group: by the labels that they do not all share, its instance first.
func alertName(labels, shared amtemplate.KV) string {
	var parts []string
	for _, name := range []string{"alertname", "instance"} {
		if _, same := shared[name]; !same && labels[name] != "" {
			parts = append(parts, labels[name])
		}
	}
	for _, pair := range labels.SortedPairs() {
		if _, same := shared[pair.Name]; !same && pair.Name != "alertname" && pair.Name != "instance" {
			parts = append(parts, pair.Name+"="+pair.Value)
		}
	}
	if len(parts) == 0 {
		parts = append(parts, explain(labels, "instance", "job", "alertname"))
	}
	if name := oneLine(strings.Join(parts, " ")); name != "" {
		return name
	}
	return "the alert"
}

// links are the addresses that help: how to act first, then what the agent's configuration has, where the alert came from last. What
// the alert itself names, such as its dashboard, takes the place of a configured link of that name.
func links(g alert.Group, ofAgent []diagnostics.Link) []Link {
	first := g.Lead()
	candidates := []Link{
		{"Runbook", explain(first.Annotations, "runbook_url", "runbook")},
		{"Source", first.GeneratorURL},
	}
	dashboard := Link{"Dashboard", explain(first.Annotations, "dashboard_url", "dashboard")}
	var alertmanager Link
	if g.ExternalURL != "" {
		filter := filterOf(g)
		base := strings.TrimSuffix(g.ExternalURL, "/")
		alertmanager = Link{"Alertmanager", base + "/#/alerts?filter=" + filter}
		if g.Status() == alert.StatusFiring {
			candidates = append(candidates, Link{"Silence…", base + "/#/silences/new?filter=" + filter})
		}
	}
	for _, l := range ofAgent {
		link := Link{oneLine(l.Name), l.URL}
		if link.Text == dashboard.Text && forPeople(dashboard.URL) {
			link.URL, dashboard.URL = dashboard.URL, ""
		}
		named := func(c Link) bool { return c.Text == link.Text && forPeople(c.URL) }
		if !slices.ContainsFunc(candidates, named) {
			candidates = append(candidates, link)
		}
	}
	return slices.DeleteFunc(append(candidates, dashboard, alertmanager), func(l Link) bool { return !forPeople(l.URL) })
}

// filterOf selects the group in Alertmanager's own pages, as its links do: {alertname="A",job="b"}, escaped.
func filterOf(g alert.Group) string {
	from := g.GroupLabels
	if len(from) == 0 {
		from = g.CommonLabels()
	}
	var matchers []string
	for _, pair := range from.SortedPairs() {
		if !strings.Contains(pair.Value, alert.Redacted) {
			matchers = append(matchers, fmt.Sprintf("%s=%q", pair.Name, pair.Value))
		}
	}
	return url.QueryEscape("{" + strings.Join(matchers, ",") + "}")
}

// forPeople is whether an address, which comes from a label or an annotation, may become a button.
func forPeople(address string) bool {
	u, err := url.Parse(address)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.User == nil
}
