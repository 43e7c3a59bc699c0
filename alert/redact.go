package alert

import (
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/prometheus/alertmanager/template"
)

// Redacted stands in the place of a personal label's value.
const Redacted = "[redacted]"

// shortestSecret is the length below which a label's value is not looked for in other texts: a user_id of "1" would
// turn every number of a description into "[redacted]".
const shortestSecret = 3

// Redact is the group without the values of the named labels: neither in the labels nor, where an author repeated them,
// in the annotations and source links. The group is not changed; Key stays as it is, because it is the group's identity
// and is never shown.
func (g Group) Redact(names []string) Group {
	personal := func(a template.Alert) bool { return hasAny(a.Labels, names) }
	if !slices.ContainsFunc(g.Alerts, personal) && !slices.ContainsFunc(g.Gone, personal) {
		return g
	}
	group := g.GroupLabels
	redact := func(alerts template.Alerts) template.Alerts {
		redacted := make(template.Alerts, len(alerts))
		for i, a := range alerts {
			hide := hider(a.Labels, names)
			a.Labels = hide.labels(a.Labels, names)
			a.Annotations = hide.texts(a.Annotations)
			a.GeneratorURL = hide.text(a.GeneratorURL)
			group = hide.labels(group, names)
			redacted[i] = a
		}
		return redacted
	}
	g.Alerts, g.Gone = redact(g.Alerts), redact(g.Gone)
	g.GroupLabels = group
	return g
}

func hasAny(labels template.KV, names []string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return labels[name] != "" })
}

// replacer finds the values of one alert's personal labels in texts; nil finds none.
type replacer struct{ *regexp.Regexp }

func hider(labels template.KV, names []string) replacer {
	var values []string
	for _, name := range names {
		if value := labels[name]; len(value) >= shortestSecret {
			// A source link holds the value as it is escaped in a query.
			values = append(values, value, url.QueryEscape(value))
		}
	}
	if len(values) == 0 {
		return replacer{}
	}
	// The longest first: one value may begin another.
	slices.SortStableFunc(values, func(a, b string) int { return len(b) - len(a) })
	for i, value := range values {
		values[i] = regexp.QuoteMeta(value)
		// A number or a word within a longer one is not the person: an ID of 100 is not in 1004.
		if word.MatchString(value) {
			values[i] = `\b` + value + `\b`
		}
	}
	return replacer{regexp.MustCompile(strings.Join(values, "|"))}
}

var word = regexp.MustCompile(`^[0-9A-Za-z_]+$`)

func (r replacer) text(text string) string {
	if r.Regexp == nil {
		return text
	}
	return r.ReplaceAllString(text, Redacted)
}

func (r replacer) labels(labels template.KV, names []string) template.KV {
	kept := r.texts(labels)
	for _, name := range names {
		if kept[name] != "" {
			kept[name] = Redacted
		}
	}
	return kept
}

func (r replacer) texts(texts template.KV) template.KV {
	kept := make(template.KV, len(texts))
	for name, text := range texts {
		kept[name] = r.text(text)
	}
	return kept
}
