package pagerduty

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/prometheus/alertmanager/template"

	"github.com/alertvitals/notifier/alert"
	"github.com/alertvitals/notifier/notifiers"
	"github.com/alertvitals/notifier/templates"
)

// words makes the configured texts for one event. A template that fails leaves the standard text, and the event says which did.
type words struct {
	set    *templates.Set
	data   templates.Data
	failed []string
}

// wordsOf sees the whole group, or one alert of it as a group of its own.
func (n *Notifier) wordsOf(m notifiers.Message, one ...template.Alert) *words {
	group := m.Group
	if len(one) > 0 {
		group.Alerts, group.Truncated = one, 0
	}
	return &words{set: n.set, data: templates.DataOf(m.Receiver, group, m.Snapshot)}
}

// text is what a text of the configuration says, "" when it says nothing.
func (w *words) text(name, source string) string {
	if literal(source) == source {
		return source
	}
	text, err := w.set.Text(source, w.data)
	if err != nil {
		w.failed = append(w.failed, name)
		return ""
	}
	return strings.TrimSpace(text)
}

// field is text on one line.
func (w *words) field(name, source string) string { return line(w.text(name, source), fieldSize) }

// address is text that is an http or https address for people.
func (w *words) address(name, source string) string {
	if address := w.text(name, source); forPeople(address) {
		return address
	}
	return ""
}

// details adds what is configured. A value that comes out as JSON is one, as with Alertmanager's toJson; it takes the place of a
// detail of its name.
func (w *words) details(d details, configured map[string]any) details {
	for _, name := range slices.Sorted(maps.Keys(configured)) {
		value, err := copied(configured[name], func(source string) (string, error) {
			if literal(source) == source {
				return source, nil
			}
			return w.set.Text(source, w.data)
		})
		if err != nil {
			w.failed = append(w.failed, "details."+name)
			continue
		}
		if text, ok := value.(string); ok {
			value = lines(text)
		}
		if value == "" {
			continue
		}
		name = line(name, nameSize)
		d = append(slices.DeleteFunc(d, func(other detail) bool { return other.name == name }), detail{name, value, veryUseful})
	}
	if len(w.failed) > 0 {
		d.add(useful, "templates", "standard text in place of "+strings.Join(w.failed, ", ")+", which failed")
	}
	return d
}

// copied is a value of the configuration whose texts are made by text.
func copied(value any, text func(string) (string, error)) (any, error) {
	switch value := value.(type) {
	case string:
		made, err := text(value)
		if err != nil {
			return nil, err
		}
		if trimmed := strings.TrimSpace(made); made != value && strings.ContainsAny(trimmed[:min(1, len(trimmed))], "{[") && len(trimmed) < eventSize {
			var compact bytes.Buffer
			if json.Compact(&compact, []byte(strings.ToValidUTF8(trimmed, "\uFFFD"))) == nil {
				return json.RawMessage(compact.Bytes()), nil
			}
		}
		return made, nil
	case map[string]any:
		all := make(map[string]any, len(value))
		for name, inner := range value {
			made, err := copied(inner, text)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			all[name] = made
		}
		return all, nil
	case []any:
		all := make([]any, len(value))
		for i, inner := range value {
			made, err := copied(inner, text)
			if err != nil {
				return nil, fmt.Errorf("[%d]: %w", i, err)
			}
			all[i] = made
		}
		return all, nil
	default:
		return value, nil
	}
}

// lines is the beginning of a text of several lines, each as line has it.
func lines(text string) string {
	var all []string
	size := 0
	for one := range strings.SplitSeq(text, "\n") {
		one = line(one, valueSize)
		if size += len(one) + 1; size > longSize {
			all = append(all, "…")
			break
		}
		all = append(all, one)
	}
	return strings.TrimSpace(strings.Join(all, "\n"))
}

// longSize bounds a configured detail, in bytes.
const longSize = 20000

// severity is the configured one in PagerDuty's words, or that of the alerts.
func (w *words) severity(source string, of alert.Severity) string {
	if text := w.text("severity", source); text != "" {
		return severityOf(text)
	}
	return severityOf(string(of))
}
