package raise

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/alertmanager/template"
	"github.com/prometheus/common/model"

	"github.com/alertvitals/notifier/alert"
)

// State is what is found of an alert.
type State string

// The states of an alert.
const (
	// Firing is an alert that fires.
	Firing State = "firing"
	// Resolved is one that fired and does no more.
	Resolved State = "resolved"
	// Held is one of which cannot be said whether it fires, as a pending one after a restart: if it is known to fire, it stays.
	Held State = "held"
)

// Alert is one alert as it was found.
type Alert struct {
	State               State
	Labels, Annotations map[string]string
	// StartsAt is since when it fires, EndsAt when it ended; the latter counts for Resolved alone.
	StartsAt, EndsAt time.Time
	// GeneratorURL holds the rule's expression, as Prometheus's does.
	GeneratorURL string
	// Lease is for how long it is believed: one of which nothing is heard for so long counts as resolved.
	Lease time.Duration
}

// lived is an alert of a group.
type lived struct {
	// Alert is as in a notification: Status is its state now.
	template.Alert

	// Told is the status that was told last, "" when none was; Since the start that was told with it.
	Told  string    `json:"told,omitempty"`
	Since time.Time `json:"since,omitzero"`
	// Lease is how long it lives from the last news on; Until is when that ends.
	Lease time.Duration `json:"lease"`
	Until time.Time     `json:"-"`
	// bytes is how long it is in a notification.
	bytes int
}

// untold is whether there is something to tell of the alert.
func (l *lived) untold() bool { return l.Told != l.Status || !l.Since.Equal(l.StartsAt) }

// hear takes what was found of an alert that is known. Words that make it longer than most bytes are left out.
func (l *lived) hear(a Alert, now time.Time, most int) {
	if a.State == Resolved && !a.EndsAt.After(l.StartsAt) {
		// An older one with the same labels, of another rule, ended before this one began.
		return
	}
	l.Lease, l.Until = a.Lease, now.Add(a.Lease)
	switch {
	case a.State == Held:
		return
	case a.State == Resolved:
		l.end(a.EndsAt)
		return
	case l.Status == alert.StatusResolved:
		// It ended and fires anew, before anybody was told of the end.
		l.StartsAt = later(a.StartsAt, l.EndsAt)
	case a.StartsAt.Before(l.StartsAt) && l.Told == "":
		l.StartsAt = a.StartsAt
	}
	// Else it fires since when it was first found to: after a restart, whoever finds it counts anew.
	l.Status, l.EndsAt = alert.StatusFiring, time.Time{}
	if l.GeneratorURL == a.GeneratorURL && maps.Equal(l.Annotations, bounded(a.Annotations)) {
		return
	}
	before := *l
	l.Annotations, l.GeneratorURL = bounded(a.Annotations), a.GeneratorURL
	if l.measure(); l.bytes > most {
		*l = before
	}
}

// measure takes down how long the alert is.
func (l *lived) measure() {
	text, _ := json.Marshal(l.Alert) //nolint:errchkjson // strings and times have no error
	l.bytes = len(text)
}

// longestAnnotation is more than any sink shows, in bytes.
const longestAnnotation = 16 << 10

// bounded is an alert's annotations, of which none is too long.
func bounded(annotations map[string]string) template.KV {
	short := maps.Clone(annotations)
	for name, text := range annotations {
		if len(text) > longestAnnotation {
			short[name] = strings.ToValidUTF8(text[:longestAnnotation], "") + "…"
		}
	}
	return short
}

func (l *lived) end(at time.Time) {
	if l.Status == alert.StatusResolved {
		return
	}
	l.Status, l.EndsAt = alert.StatusResolved, later(at, l.StartsAt)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// groupLabels are those that the alerts of a group share: their name and their agent. One that an alert lacks is not among
// them, as in Alertmanager.
func groupLabels(of map[string]string) template.KV {
	shared := template.KV{}
	for _, name := range []string{model.AlertNameLabel, model.JobLabel, model.InstanceLabel} {
		if of[name] != "" {
			shared[name] = of[name]
		}
	}
	return shared
}

// groupKey is a key of Alertmanager's form. No Alertmanager has such a route, so its groups are others.
func groupKey(labels template.KV) string {
	set := make(model.LabelSet, len(labels))
	for name, value := range labels {
		set[model.LabelName(name)] = model.LabelValue(value)
	}
	return `{}/{source="notifier"}:` + set.String()
}

func fingerprint(of map[string]string) string {
	set := make(model.LabelSet, len(of))
	for name, value := range of {
		set[model.LabelName(name)] = model.LabelValue(value)
	}
	return set.Fingerprint().String()
}

// inOrder are the alerts of a group, those that fire first.
func inOrder(alerts map[string]*lived) []*lived {
	return slices.SortedFunc(maps.Values(alerts), func(a, b *lived) int {
		if a.Status != b.Status {
			return strings.Compare(a.Status, b.Status) // firing, resolved
		}
		if !a.StartsAt.Equal(b.StartsAt) {
			return a.StartsAt.Compare(b.StartsAt)
		}
		return strings.Compare(a.Fingerprint, b.Fingerprint)
	})
}
