package delivery

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/alertvitals/notifier/alert"
	"github.com/alertvitals/notifier/envelope"
)

// List gives the deliveries that wait or are dead, the newest first.
func (ls *Loops) List(ctx context.Context, q Query) ([]Delivery, error) {
	var all []Delivery
	add := func(d Delivery) {
		if q.selects(d) {
			all = append(all, d)
		}
	}
	if q.Status != Dead {
		for _, r := range ls.runs() {
			for _, d := range r.list(ctx) {
				add(d)
			}
		}
	}
	if q.Status == "" || q.Status == Dead {
		personal := ls.personal()
		// What a letter tells is let go at once: it can be megabytes for each.
		err := ls.letters.each(ctx, ls.logger, func(l letter) { add(shown(l, personal)) })
		if err != nil {
			return nil, fmt.Errorf("listing the dead letters: %w", err)
		}
	}
	slices.SortFunc(all, func(a, b Delivery) int {
		return cmp.Or(b.Accepted.Compare(a.Accepted), cmp.Compare(a.ID, b.ID))
	})
	if q.Limit > 0 && len(all) > q.Limit {
		all = all[:q.Limit]
	}
	return all, nil
}

func (q Query) selects(d Delivery) bool {
	return (q.Receiver == "" || q.Receiver == d.Receiver) &&
		(q.Status == "" || q.Status == d.Status) &&
		(q.Alertname == "" || q.Alertname == d.Alertname) &&
		(q.Before.IsZero() || d.Accepted.Before(q.Before) || q.AfterID != "" && d.Accepted.Equal(q.Before) && d.ID > q.AfterID)
}

// Show gives one of them with its group.
func (ls *Loops) Show(ctx context.Context, id string) (Delivery, error) {
	for _, r := range ls.runs() {
		if d, ok, err := r.show(ctx, id); ok || err != nil {
			return d, err
		}
	}
	l, err := ls.letters.get(ctx, id)
	if err != nil {
		return Delivery{}, fmt.Errorf("looking for the delivery %q: %w", id, err)
	}
	personal := ls.personal()
	d := shown(l, personal)
	if l.Told != nil {
		d.Group = withoutKey(l.Told.Redact(personal))
	}
	return d, nil
}

// shown is a dead letter without what is personal now, which may be more than when it was kept.
func shown(l letter, personal []string) Delivery {
	if l.Told != nil && len(l.GroupLabels) > 0 {
		l.describe(l.Told.Redact(personal))
	}
	return l.Delivery
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
		Attempts: g.attempts, Reason: g.reason, Error: g.err, Failed: g.failed,
	}
	if g.held != nil {
		d.Notifications += g.held.notifications
		if g.held.due.IsZero() {
			mute := g.held.mute
			d.Muted = &mute
		}
	}
	if g.attempts > 0 {
		d.Status = Retrying
	}
	switch {
	case d.Muted != nil && g.attempts == 0:
		d.Next = d.Muted.Until
	case g.place == delayed:
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
		if entries := g.untold(); len(entries) > 0 && r.id(g.key, entries) == id {
			waiting, d = slices.Clone(entries), r.delivery(l, g)
			if g.held != nil {
				key = g.key
			}
		}
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
		d.Group = withoutKey(shown)
	}
	return d, waiting != nil, nil
}

// Replay has a dead letter told again, in its place among its group's messages. It is no dead letter any more when Replay returns.
func (ls *Loops) Replay(ctx context.Context, id string) error {
	select {
	case ls.replaying <- struct{}{}:
		defer func() { <-ls.replaying }()
	case <-ctx.Done():
		return fmt.Errorf("replaying %q: %w", id, ctx.Err())
	}
	l, err := ls.letters.get(ctx, id)
	if err != nil {
		return ls.whyNot(ctx, id, err)
	}
	record, err := ls.again(l)
	if err != nil {
		return fmt.Errorf("replaying %s: %w", id, err)
	}
	if _, err := ls.journal.Append(ctx, record); err != nil {
		return fmt.Errorf("replaying %s: %w", id, err)
	}
	// A crash here leaves the letter: when it is replayed once more, its loop sees that it was told.
	if err := ls.letters.drop(ctx, l); err != nil {
		return fmt.Errorf("replaying %s: it will be told, but is still listed: %w", id, err)
	}
	ls.logger.Info("A dead letter is told again", "delivery", id, "receiver", l.Receiver)
	return nil
}

func (ls *Loops) whyNot(ctx context.Context, id string, err error) error {
	for _, r := range ls.runs() {
		if _, waits, _ := r.show(ctx, id); waits {
			return ErrNotDead
		}
	}
	return fmt.Errorf("replaying %q: %w", id, err)
}

// again is the record that tells a dead letter again.
func (ls *Loops) again(l letter) ([]byte, error) {
	if l.Told == nil {
		return l.Record, ls.stillUnreadable(l.Record)
	}
	ls.mu.Lock()
	m, runs := ls.loops[l.Cursor]
	runs = runs && m.removed.IsZero()
	ls.mu.Unlock()
	if !runs {
		return nil, ErrGoneIntegration
	}
	return sealAgain(*l.Told, l.Receiver,
		envelope.Again{Delivery: l.ID, Cursor: l.Cursor, Reason: l.Reason, Accepted: l.Accepted})
}

// stillUnreadable is why a record cannot be told even now: a newer program may read what this one could not.
func (ls *Loops) stillUnreadable(record []byte) error {
	env, err := envelope.Open(record)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	for receiver := range env.To {
		if _, err := env.Group(receiver); err != nil {
			return fmt.Errorf("%w: %w", ErrUnreadable, err)
		}
	}
	return nil
}
