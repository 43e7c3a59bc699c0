package delivery

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/alertmanager/template"

	"github.com/alertvitals/notifier/envelope"
)

// Trace is where one accepted notification went.
type Trace struct {
	// ID is that with which its sender was answered.
	ID string `json:"id"`
	// Accepted is when it was put on disk; zero when it is not in the journal any more, and then what follows is not known either.
	Accepted    time.Time   `json:"accepted,omitzero"`
	Alertname   string      `json:"alertname,omitempty"`
	State       string      `json:"state,omitempty"`
	Severity    string      `json:"severity,omitempty"`
	GroupLabels template.KV `json:"groupLabels,omitempty"`
	// Alerts is how many it has.
	Alerts int `json:"alerts,omitempty"`
	// Receivers are those that it was addressed to when it was accepted.
	Receivers []string `json:"receivers,omitempty"`
	// Deliveries are all that came of it, those to fallbacks and by replays included, each with all that is known of it.
	Deliveries []Delivery `json:"deliveries"`
	// Unknown are the integrations that are done with it, of which nothing is kept any more: the newest outcomes took its place.
	Unknown []string `json:"unknown,omitempty"`
}

// mostGenerations bounds how far Trace follows what came of what.
const mostGenerations = 5

// Trace says where the notification went whose sender was answered with this ID; ErrNotFound when nothing is known of it.
func (ls *Loops) Trace(ctx context.Context, id string) (Trace, error) {
	seq, group, ok := parseID(id)
	if !ok || group != "" {
		return Trace{}, fmt.Errorf("looking for the notification %q: %w", id, ErrNotFound)
	}
	t, env, err := ls.accepted(ctx, seq)
	if err == nil {
		t.Deliveries, err = ls.follow(ctx, seq)
	}
	if err != nil {
		return Trace{}, fmt.Errorf("looking for the notification %q: %w", id, err)
	}
	if len(t.Deliveries) == 0 && t.Accepted.IsZero() {
		return Trace{}, fmt.Errorf("looking for the notification %q: %w", id, ErrNotFound)
	}
	ls.account(&t, seq, env)
	slices.SortStableFunc(t.Deliveries, func(a, b Delivery) int {
		return cmp.Or(a.Accepted.Compare(b.Accepted), cmp.Compare(a.Receiver, b.Receiver), cmp.Compare(a.Integration, b.Integration))
	})
	return t, nil
}

// accepted is what the journal has of a notification.
func (ls *Loops) accepted(ctx context.Context, seq uint64) (t Trace, env envelope.Envelope, err error) {
	t = Trace{ID: strconv.FormatUint(seq, 10), Deliveries: []Delivery{}}
	rec, there, err := ls.journal.Get(ctx, seq)
	if err != nil || !there {
		return t, env, err
	}
	t.Accepted = rec.Time.UTC()
	if env, err = envelope.Open(rec.Data); err != nil {
		return t, env, nil //nolint:nilerr // it is a dead letter, and found as one
	}
	t.Receivers = slices.Sorted(maps.Keys(env.To))
	whole, err := envelope.Envelope{Again: env.Again, Body: env.Body}.Group("") // all of its alerts
	if err != nil {
		return t, env, nil //nolint:nilerr // so is this
	}
	var d Delivery
	d.describe(whole.Redact(ls.personal()))
	t.Alertname, t.State, t.Severity, t.GroupLabels, t.Alerts = d.Alertname, d.State, d.Severity, d.GroupLabels, len(whole.Alerts)
	return t, env, nil
}

// follow is what came of a record, and of what came of it.
func (ls *Loops) follow(ctx context.Context, seq uint64) ([]Delivery, error) {
	is := func(_ Delivery, holds func(uint64) bool) bool { return holds(seq) }
	var all []Delivery
	for range mostGenerations {
		found, err := ls.find(ctx, is)
		if err != nil {
			return nil, err
		}
		found = slices.DeleteFunc(found, func(d Delivery) bool {
			return slices.ContainsFunc(all, func(o Delivery) bool { return o.ID == d.ID })
		})
		if len(found) == 0 {
			return all, nil
		}
		all = append(all, found...)
		is = func(d Delivery, _ func(uint64) bool) bool {
			from := d.Replays
			if d.InsteadOf != nil {
				from = d.InsteadOf.Delivery
			}
			return from != "" && slices.ContainsFunc(found, func(o Delivery) bool {
				return names(from, o, func(record uint64) bool { return slices.Contains(o.Webhooks, strconv.FormatUint(record, 10)) })
			})
		}
	}
	return all, nil
}

// find is every delivery that is one of those, with its details.
func (ls *Loops) find(ctx context.Context, is func(d Delivery, holds func(record uint64) bool) bool) (found []Delivery, err error) {
	personal := ls.personal()
	add := func(d Delivery) { // what is settled meanwhile comes twice
		found = append(slices.DeleteFunc(found, func(o Delivery) bool { return o.ID == d.ID && o.Status != Dead }), d)
	}
	for _, r := range ls.runs() {
		for _, id := range r.matching(is) {
			d, there, unread := r.show(ctx, id)
			if unread != nil {
				return nil, unread
			}
			if there {
				add(d)
			}
		}
	}
	err = ls.letters.each(ctx, ls.logger, func(l letter) {
		first, _, _ := parseID(l.ID) // a letter of an older version has no records
		if is(l.Delivery, func(record uint64) bool { return record == first || holdsRecord(l.Records, record) }) {
			add(detailed(l, personal))
		}
	})
	if err != nil {
		return nil, err
	}
	err = ls.outcomes.each(ctx, func(h head, packed []byte, _ time.Time) error {
		isDead := func(o Delivery) bool { return o.ID == h.ID && o.Status == Dead }
		if is(h.Delivery, func(record uint64) bool { return holdsRecord(h.Records, record) }) && !slices.ContainsFunc(found, isDead) {
			add(withoutPersonal(ls.opened(h, packed).shown(), personal))
		}
		return nil
	})
	return found, err
}

// matching are the IDs of what waits that is one of those.
func (r *run) matching(is func(d Delivery, holds func(record uint64) bool) bool) (ids []string) {
	l := r.settings.Load()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, g := range r.groups {
		if len(g.untold()) == 0 {
			continue
		}
		if d := r.delivery(l, g); is(d, g.waitsFor) {
			ids = append(ids, d.ID)
		}
	}
	return ids
}

// account adds to a trace the integrations that the notification was addressed to and of which nothing was found: those that have
// not read it yet, and those that are done with it.
func (ls *Loops) account(t *Trace, seq uint64, env envelope.Envelope) {
	for _, r := range ls.runs() {
		l := r.settings.Load()
		_, own, _ := parseID(r.id(env.Key, []entry{{seq: seq}}))
		found := slices.ContainsFunc(t.Deliveries, func(d Delivery) bool {
			_, group, _ := parseID(d.ID)
			return strings.HasPrefix(group, own) || group == unreadableID
		})
		switch {
		case found || !env.For(l.Receiver, l.Cursor):
		case r.progress.hasRead(seq):
			t.Unknown = append(t.Unknown, l.Receiver+"/"+l.Integration)
		default:
			t.Deliveries = append(t.Deliveries, Delivery{
				ID: r.id(env.Key, []entry{{seq: seq}}), Status: Pending, Receiver: l.Receiver, Integration: l.Integration,
				Alertname: t.Alertname, State: t.State, Severity: t.Severity, GroupLabels: t.GroupLabels,
				Notifications: 1, Accepted: t.Accepted, Note: "too much waits before it: it is not read yet", Webhooks: []string{t.ID},
			})
		}
	}
	slices.Sort(t.Unknown)
}
