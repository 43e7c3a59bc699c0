package templates

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	amtemplate "github.com/prometheus/alertmanager/template"

	"github.com/alertvitals/notifier/alert"
)

// alertLines is one line for each alert, firing ones first.
func alertLines(g alert.Group) []Line {
	var firing, resolved []Line
	// Once, and not for each alert: a group may have thousands.
	shared := g.CommonLabels()
	for _, a := range g.Alerts {
		line := Line{Name: alertName(a.Labels, shared), Text: oneLine(explain(a.Annotations, "description", "summary", "message"))}
		if a.Status == alert.StatusFiring {
			firing = append(firing, line)
		} else {
			line.Text = strings.TrimSuffix("resolved · "+line.Text, " · ")
			resolved = append(resolved, line)
		}
	}
	return append(firing, resolved...)
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

// links are the addresses that help: how to act first, where it came from last.
func links(g alert.Group) []Link {
	first := g.Lead()
	candidates := []Link{
		{"Runbook", explain(first.Annotations, "runbook_url", "runbook")},
		{"Dashboard", explain(first.Annotations, "dashboard_url", "dashboard")},
		{"Source", first.GeneratorURL},
	}
	if g.ExternalURL != "" {
		filter := filterOf(g)
		base := strings.TrimSuffix(g.ExternalURL, "/")
		candidates = append(candidates,
			Link{"Alertmanager", base + "/#/alerts?filter=" + filter},
			Link{"Silence…", base + "/#/silences/new?filter=" + filter})
	}
	return slices.DeleteFunc(candidates, func(l Link) bool { return !forPeople(l.URL) })
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
