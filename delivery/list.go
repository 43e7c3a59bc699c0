package delivery

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/alertvitals/notifier/alert"
)

// List gives deliveries, the newest first: those that wait, the dead ones, and of those that are over what is kept.
func (ls *Loops) List(ctx context.Context, q Query) ([]Delivery, error) {
	// What waits is asked first, and what is over last: what is settled meanwhile is in both, and else it would be in neither.
	open := map[string]Delivery{}
	add := func(d Delivery) {
		if q.selects(d) {
			open[d.ID] = d
		}
	}
	if q.wants(Pending, Retrying) {
		for _, r := range ls.runs() {
			for _, d := range r.list(ctx) {
				add(d)
			}
		}
	}
	personal := ls.personal()
	if q.wants(Dead) {
		// What a letter tells is let go at once: it can be megabytes for each.
		if err := ls.letters.each(ctx, ls.logger, func(l letter) { add(shown(l, personal)) }); err != nil {
			return nil, fmt.Errorf("listing the dead letters: %w", err)
		}
	}
	var over newest
	if q.wants(Sent, Suppressed) {
		over.limit = q.Limit
		err := ls.outcomes.each(ctx, func(h head, _ []byte, after time.Time) error {
			if d := withoutPersonal(h.Delivery, personal); q.selects(d) {
				if open[d.ID].Status != Dead { // it is that again, until it is replayed
					delete(open, d.ID)
					over.add(d)
				}
			}
			if over.before(after) {
				return errEnough
			}
			return nil
		})
		if err != nil && !errors.Is(err, errEnough) {
			return nil, fmt.Errorf("listing what was delivered: %w", err)
		}
	}
	all := slices.AppendSeq(over.all, maps.Values(open))
	slices.SortFunc(all, byAge)
	if q.Limit > 0 && len(all) > q.Limit {
		all = all[:q.Limit]
	}
	return all, nil
}

// errEnough ends the reading of outcomes.
var errEnough = errors.New("enough")

// byAge orders deliveries: the newest first.
func byAge(a, b Delivery) int { return cmp.Or(b.Accepted.Compare(a.Accepted), cmp.Compare(a.ID, b.ID)) }

// newest keeps the newest of many deliveries.
type newest struct {
	limit int // 0 is no limit
	all   []Delivery
	// full is whether all are the limit's number, in order, and more may follow.
	full bool
}

func (n *newest) add(d Delivery) {
	n.all = append(n.all, d)
	if n.full = false; n.limit > 0 && len(n.all) >= 2*n.limit {
		slices.SortFunc(n.all, byAge)
		n.all = slices.Delete(n.all, n.limit, len(n.all))
		n.full = true
	}
}

// before is whether nothing that was accepted until then is among the newest any more.
func (n *newest) before(then time.Time) bool { return n.full && n.all[n.limit-1].Accepted.After(then) }

func (q Query) wants(statuses ...Status) bool {
	return q.Status == "" || slices.Contains(statuses, q.Status)
}

func (q Query) selects(d Delivery) bool {
	return (q.Receiver == "" || q.Receiver == d.Receiver) &&
		(q.Status == "" || q.Status == d.Status) &&
		(q.Alertname == "" || q.Alertname == d.Alertname) &&
		(q.Before.IsZero() || d.Accepted.Before(q.Before) || q.AfterID != "" && d.Accepted.Equal(q.Before) && d.ID > q.AfterID)
}

// Show gives one of them with all that is known of it. It is found by its own ID, and by those that it had before newer
// notifications were merged into it.
func (ls *Loops) Show(ctx context.Context, id string) (Delivery, error) {
	if _, group, ok := parseID(id); ok && group == "" {
		return Delivery{}, fmt.Errorf("showing %q: %w", id, ErrWebhook)
	}
	for _, r := range ls.runs() {
		if d, ok, err := r.show(ctx, id); ok || err != nil {
			return d, err
		}
	}
	l, err := ls.letters.get(ctx, id)
	if err == nil {
		return detailed(l, ls.personal()), nil
	}
	if !errors.Is(err, ErrNotFound) {
		return Delivery{}, fmt.Errorf("looking for the delivery %q: %w", id, err)
	}
	o, err := ls.outcome(ctx, id)
	if errors.Is(err, ErrNotFound) { // a dead letter has the IDs, too, that it had before newer notifications were merged into it
		var found []Delivery
		if found, err = ls.find(ctx, func(d Delivery, holds func(uint64) bool) bool { return names(id, d, holds) }); err == nil {
			err = ErrNotFound
		}
		if len(found) > 0 {
			return found[0], nil
		}
	}
	if err != nil {
		return Delivery{}, fmt.Errorf("looking for the delivery %q: %w", id, err)
	}
	return withoutPersonal(o.shown(), ls.personal()), nil
}

// outcome is that of a delivery, or ErrNotFound: the one of that very ID, or else the newest that goes by it. One that cannot be read
// whole has no details.
func (ls *Loops) outcome(ctx context.Context, id string) (o outcome, err error) {
	err = ls.outcomes.each(ctx, func(h head, packed []byte, _ time.Time) error {
		switch {
		case h.ID == id:
			o = ls.opened(h, packed)
			return errEnough
		case o.ID == "" && names(id, h.Delivery, func(record uint64) bool { return holdsRecord(h.Records, record) }):
			o = ls.opened(h, packed)
		}
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return outcome{}, err
	}
	if o.ID == "" {
		return outcome{}, ErrNotFound
	}
	return o, nil
}

func (ls *Loops) opened(h head, packed []byte) outcome {
	d, err := openDetails(packed)
	if err != nil {
		ls.logger.Warn("The details of a delivery cannot be read", slog.String("delivery", h.ID), slog.Any("err", err))
	}
	return outcome{h, d}
}

// withoutPersonal is a delivery that is over without what is personal now, which may be more than when it was kept.
func withoutPersonal(d Delivery, personal []string) Delivery {
	if d.Group != nil {
		shown := d.Group.Redact(personal)
		d.describe(shown)
		for i, route := range d.Routes {
			d.Routes[i] = alert.Group{Key: route, Alerts: d.Group.Alerts}.ShownKey(personal)
		}
		d.Group = &shown
		return d
	}
	for _, name := range personal {
		if d.GroupLabels[name] != "" {
			d.GroupLabels[name] = alert.Redacted
		}
	}
	for i, route := range d.Routes {
		d.Routes[i] = alert.Group{Key: route}.ShownKey(personal)
	}
	return d
}

// detailed is a dead letter with all its details.
func detailed(l letter, personal []string) Delivery {
	d := shown(l, personal)
	d.Tries, d.Snapshot, d.Webhooks = l.Tries, l.Snapshot, webhooks(unpackRecords(l.Records))
	if l.Told != nil {
		d.Group = withoutKey(l.Told.Redact(personal))
	}
	return d
}

// shown is a dead letter as a list has it, without what is personal now, which may be more than when it was kept.
func shown(l letter, personal []string) Delivery {
	d := l.Delivery
	d.Tries, d.Snapshot = nil, nil
	if l.Told != nil {
		shown := l.Told.Redact(personal)
		if len(d.GroupLabels) > 0 {
			d.describe(shown)
		}
		for i, route := range d.Routes {
			d.Routes[i] = alert.Group{Key: route, Alerts: l.Told.Alerts}.ShownKey(personal)
		}
	}
	return d
}

// personal are the labels whose values nobody is shown.
func (ls *Loops) personal() []string {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	return ls.redact
}

// withoutKey is a group for people: Alertmanager's key repeats labels.
func withoutKey(g alert.Group) *alert.Group {
	g.Key = ""
	return &g
}

func (ls *Loops) runs() []*run {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	runs := make([]*run, 0, len(ls.loops))
	for _, m := range ls.loops {
		runs = append(runs, m.run)
	}
	return runs
}

// list is what waits, and what it says as far as that can be read.
func (r *run) list(ctx context.Context) []Delivery {
	l := r.settings.Load()
	r.mu.Lock()
	all := make([]Delivery, 0, len(r.groups))
	newest := make([]entry, 0, len(r.groups))
	keys := make([]string, 0, len(r.groups))
	for _, g := range r.groups {
		if entries := g.untold(); len(entries) > 0 {
			all = append(all, r.delivery(l, g))
			newest, keys = append(newest, newestOf(entries)), append(keys, g.key)
		}
	}
	r.mu.Unlock()
	for i := range all {
		read := func() (*alert.Group, error) { return r.groupOf(ctx, l, newest[i]) }
		if newest[i].held > 0 {
			read = func() (*alert.Group, error) { return r.heldOf(ctx, keys[i]) }
		}
		if g, err := read(); err == nil {
			all[i].describe(g.Redact(l.Redact))
		}
	}
	return all
}

// untold is what waits for a group, or else what stands for what it holds. The caller holds mu.
func (g *group) untold() []entry {
	if len(g.waiting) == 0 && g.held != nil {
		return []entry{g.held.entry}
	}
	return g.waiting
}

// heldOf is what a group holds.
func (r *run) heldOf(ctx context.Context, key string) (*alert.Group, error) {
	value, _, err := r.journal.State(ctx, r.cursor, key)
	if err != nil {
		return nil, err
	}
	s, err := decodeState(value)
	if err != nil {
		return nil, err
	}
	if s.Held == nil {
		return nil, errGone
	}
	return &s.Held.Group, nil
}

// groupOf is what an entry says.
func (r *run) groupOf(ctx context.Context, l *Loop, e entry) (*alert.Group, error) {
	record, ok, err := r.recordOf(ctx, e)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, errGone
	}
	return l.read(record)
}

var errGone = errors.New("the journal has dropped the record")

// delivery is what waits for a group, without what it says. The caller holds mu.
func (r *run) delivery(l *Loop, g *group) Delivery {
	entries := g.untold()
	d := Delivery{
		ID: r.id(g.key, entries), Status: Pending, Receiver: l.Receiver, Integration: l.Integration,
		Notifications: len(g.waiting), Accepted: newestOf(entries).accepted,
		Attempts: g.failures, Reason: g.reason, Error: g.err, Failed: g.failed,
	}
	if g.held != nil {
		d.Notifications += g.held.notifications
		if g.held.due.IsZero() {
			mute := g.held.mute
			d.Muted = &mute
		}
	}
	if g.failures > 0 {
		d.Status = Retrying
	}
	d.relate(g.standIn, entries)
	switch {
	case d.Muted != nil && g.failures == 0:
		d.Next = d.Muted.Until
	case r.behind:
		d.Note = "what waited before the restart is being read"
	case !g.doubt.IsZero():
		d.Note = "says of an alert that it fires which was resolved: told when it is clear that it does"
	case g.place == queued && r.calm.After(time.Now()):
		d.Next, d.Note = r.calm, "the far side is left alone for a while: it was asked too often"
	}
	if d.Muted == nil && g.place == delayed {
		d.Next = g.next
	}
	return d
}

// describe says what a group, without personal labels, is about.
func (d *Delivery) describe(g alert.Group) {
	d.Alertname, d.State, d.Severity, d.GroupLabels = g.Name(), g.Status(), string(g.Severity()), g.GroupLabels
}

// show is what waits under this ID, with its group.
func (r *run) show(ctx context.Context, id string) (d Delivery, ok bool, err error) {
	l := r.settings.Load()
	r.mu.Lock()
	var waiting []entry
	var told *alert.Group
	key := ""
	for _, g := range r.groups {
		entries := g.untold()
		if len(entries) == 0 || !names(id, Delivery{ID: r.id(g.key, entries)}, g.waitsFor) {
			continue
		}
		waiting, d = slices.Clone(entries), r.delivery(l, g)
		d.Tries = g.tries
		records := packRecords(entries)
		if g.held != nil {
			key = g.key
			_, records = including(0, records, &held{Records: g.held.records})
		}
		d.Webhooks = webhooks(unpackRecords(records))
	}
	r.mu.Unlock()
	if key != "" {
		if told, err = r.heldOf(ctx, key); err != nil && !errors.Is(err, errGone) {
			return Delivery{}, false, fmt.Errorf("reading what is muted: %w", err)
		}
	}
	for _, e := range waiting {
		if e.held > 0 {
			continue
		}
		g, err := r.groupOf(ctx, l, e)
		if errors.Is(err, errGone) {
			continue
		}
		if err != nil {
			return Delivery{}, false, fmt.Errorf("reading a notification: %w", err)
		}
		if told != nil {
			*g = g.After(*told)
		}
		told = g
	}
	if told != nil {
		shown := told.Redact(l.Redact)
		d.describe(shown)
		d.Group, d.Routes = withoutKey(shown), l.routesOf(*told)
	}
	return d, waiting != nil, nil
}

// waitsFor is whether a record is among those that wait for the group. The caller holds the run's mu.
func (g *group) waitsFor(record uint64) bool {
	return slices.ContainsFunc(g.waiting, func(e entry) bool { return e.seq == record }) ||
		g.held != nil && holdsRecord(g.held.records, record)
}
