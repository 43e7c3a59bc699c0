package raise

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/prometheus/alertmanager/template"

	"github.com/alertvitals/notifier/alert"
)

// A notification of mostAlerts alerts has about a MiB, when their labels are not long; it has to be within the journal's limit when they
// are. Whoever makes more of one rule and one agent is told how many are left out.
const (
	// mostAlerts is how many alerts a group may have.
	mostAlerts = 1000
	// mostBytes is how long they may be together.
	mostBytes = 3 << 20
)

// group is the alerts of one name and one agent.
type group struct {
	key    string
	labels template.KV
	alerts map[string]*lived
	// bytes is how long they are together.
	bytes int
	// hidden are the alerts that fire beyond mostAlerts or mostBytes, and until when that is believed.
	hidden map[string]time.Time
	// told is when somebody was told last; zero for a new group.
	told time.Time
	// retry is when the next try is due after one that failed.
	retry time.Time
}

// stored is a group as it is on disk.
type stored struct {
	Key    string      `json:"key"`
	Labels template.KV `json:"labels,omitempty"`
	Told   time.Time   `json:"told,omitzero"`
	Alerts []*lived    `json:"alerts,omitempty"`
}

func newGroup(labels template.KV) *group {
	return &group{key: groupKey(labels), labels: labels, alerts: map[string]*lived{}, hidden: map[string]time.Time{}}
}

// hear takes what was found of one alert of the group.
func (g *group) hear(a Alert, now time.Time) {
	mark := fingerprint(a.Labels)
	if known := g.alerts[mark]; known != nil {
		g.bytes -= known.bytes
		known.hear(a, now, mostBytes-g.bytes)
		g.bytes += known.bytes
		return
	}
	if delete(g.hidden, mark); a.State != Firing {
		return
	}
	if len(g.alerts) >= mostAlerts || g.bytes >= mostBytes-longestAnnotation {
		g.hidden[mark] = now.Add(a.Lease)
		return
	}
	fresh := &lived{Lease: a.Lease, Until: now.Add(a.Lease)}
	fresh.Labels, fresh.Annotations, fresh.GeneratorURL = a.Labels, bounded(a.Annotations), a.GeneratorURL
	fresh.Status, fresh.StartsAt, fresh.Fingerprint = alert.StatusFiring, a.StartsAt, mark
	if fresh.measure(); len(g.alerts) > 0 && g.bytes+fresh.bytes > mostBytes {
		g.hidden[mark] = now.Add(a.Lease)
		return
	}
	g.add(fresh)
}

func (g *group) add(a *lived) {
	g.alerts[a.Fingerprint] = a
	g.bytes += a.bytes
}

// age ends the alerts whose lease is over.
func (g *group) age(now time.Time) {
	for _, a := range g.alerts {
		if a.Status == alert.StatusFiring && !now.Before(a.Until) {
			a.end(a.Until)
		}
	}
	for mark, until := range g.hidden {
		if !now.Before(until) {
			delete(g.hidden, mark)
		}
	}
}

// due is when there is something to tell next, as things are; repeat is whether only because repeat_interval passes then.
// Zero is never.
func (g *group) due(interval, repeatInterval time.Duration) (at time.Time, repeat bool) {
	fires := false
	for _, a := range g.alerts {
		fires = fires || a.Status == alert.StatusFiring
		if !a.untold() {
			continue
		}
		if g.told.IsZero() {
			return later(time.Unix(0, 0), g.retry), false
		}
		return later(g.told.Add(interval), g.retry), false
	}
	if !fires {
		return time.Time{}, false
	}
	return later(g.told.Add(repeatInterval), g.retry), true
}

// expiry is when the next lease is over; zero is never.
func (g *group) expiry() time.Time {
	var next time.Time
	for _, a := range g.alerts {
		if a.Status == alert.StatusFiring && (next.IsZero() || a.Until.Before(next)) {
			next = a.Until
		}
	}
	return next
}

// notification is what Alertmanager would say of the group.
func (g *group) notification(repeat bool) alert.Notification {
	n := alert.Notification{Version: "4", GroupKey: g.key, TruncatedAlerts: uint64(len(g.hidden))}
	n.Receiver, n.GroupLabels = receiver, g.labels
	for _, a := range inOrder(g.alerts) {
		n.Alerts = append(n.Alerts, a.Alert)
	}
	whole, _ := n.Choose(nil)
	n.Status = alert.StatusResolved
	if len(n.Alerts.Firing()) > 0 {
		n.Status = alert.StatusFiring
	}
	n.CommonLabels, n.CommonAnnotations = whole.CommonLabels(), whole.CommonAnnotations()
	switch {
	case repeat:
		n.NotificationReason = "repeat interval elapsed"
	case g.told.IsZero():
		n.NotificationReason = "first notification"
	}
	return n
}

// settle takes down that n was told of the group.
func (g *group) settle(n alert.Notification, now time.Time) {
	g.told, g.retry = now, time.Time{}
	for _, told := range n.Alerts {
		a := g.alerts[told.Fingerprint]
		if a == nil {
			continue
		}
		a.Told, a.Since = told.Status, told.StartsAt
		if a.Status == alert.StatusResolved && !a.untold() {
			delete(g.alerts, told.Fingerprint)
			g.bytes -= a.bytes
		}
	}
}

func (g *group) clone() *group {
	c := *g
	c.alerts = make(map[string]*lived, len(g.alerts))
	for mark, a := range g.alerts {
		own := *a
		c.alerts[mark] = &own
	}
	return &c
}

func (g *group) encode() ([]byte, error) {
	value, err := json.Marshal(stored{Key: g.key, Labels: g.labels, Told: g.told, Alerts: inOrder(g.alerts)})
	if err != nil {
		return nil, fmt.Errorf("encoding the state of %s: %w", g.key, err)
	}
	return value, nil
}

// decode is a group as it was stored. Its alerts live for another lease: nobody could be heard meanwhile. A clock that has gone back
// since then makes nobody wait until it is where it was.
func decode(value []byte, now time.Time) (*group, error) {
	var s stored
	if err := json.Unmarshal(value, &s); err != nil {
		return nil, fmt.Errorf("reading the state of a group: %w", err)
	}
	g := newGroup(s.Labels)
	g.key, g.told = s.Key, s.Told
	if g.told.After(now) {
		g.told = now
	}
	for _, a := range s.Alerts {
		a.Until = now.Add(a.Lease)
		a.measure()
		g.add(a)
	}
	return g, nil
}
