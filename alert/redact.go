package alert

import (
	"crypto/sha256"
	"encoding/hex"
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
	group, route := g.GroupLabels, g.RouteLabels
	redact := func(alerts template.Alerts) template.Alerts {
		redacted := make(template.Alerts, len(alerts))
		for i, a := range alerts {
			hide := hider(a.Labels, names)
			a.Labels = hide.labels(a.Labels, names)
			a.Annotations = hide.texts(a.Annotations)
			a.GeneratorURL = hide.text(a.GeneratorURL)
			group, route = hide.labels(group, names), hide.labels(route, names)
			redacted[i] = a
		}
		return redacted
	}
	g.Alerts, g.Gone = redact(g.Alerts), redact(g.Gone)
	g.GroupLabels, g.RouteLabels = group, route
	return g
}

// ShownKey is the group's key for others to tell groups apart by: the key itself when it holds no value of the named labels, and
// else the key without those and with a digest of the whole, so that two persons' groups stay two. It is the same for the
// group's whole life.
func (g Group) ShownKey(names []string) string {
	shown := g.Key
	if len(names) > 0 {
		quoted := make([]string, len(names))
		for i, name := range names {
			quoted[i] = regexp.QuoteMeta(name)
		}
		// A label in Alertmanager's groupKey, among its group labels or its routes' matchers: user_id="1", "user.id"!~"x".
		personal := regexp.MustCompile(`(^|[^0-9A-Za-z_:.])("?(?:` + strings.Join(quoted, "|") + `)"?(?:=|!=|=~|!~))"(?:[^"\\]|\\.)*"`)
		shown = personal.ReplaceAllString(shown, `${1}${2}"`+Redacted+`"`)
	}
	for _, a := range g.Alerts {
		if hasAny(a.Labels, names) {
			shown = hider(a.Labels, names).text(shown)
		}
	}
	if shown == g.Key {
		return g.Key
	}
	sum := sha256.Sum256([]byte(g.Key))
	return shown + "#" + hex.EncodeToString(sum[:8])
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
