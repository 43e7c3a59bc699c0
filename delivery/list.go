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
	for _, g := range r.groups {
		if len(g.waiting) > 0 {
			all = append(all, r.delivery(l, g))
			newest = append(newest, g.newest())
		}
	}
	r.mu.Unlock()
	for i := range all {
		if g, err := r.groupOf(ctx, l, newest[i]); err == nil {
			all[i].describe(g.Redact(l.Redact))
		}
	}
	return all
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
	d := Delivery{
		ID: r.id(g.key, g.waiting), Status: Pending, Receiver: l.Receiver, Integration: l.Integration,
		Notifications: len(g.waiting), Accepted: g.newest().accepted,
		Attempts: g.attempts, Reason: g.reason, Error: g.err, Failed: g.failed,
	}
	if g.attempts > 0 {
		d.Status = Retrying
	}
	if g.place == delayed {
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
	for _, g := range r.groups {
		if len(g.waiting) > 0 && r.id(g.key, g.waiting) == id {
			waiting, d = slices.Clone(g.waiting), r.delivery(l, g)
		}
	}
	r.mu.Unlock()
	var told *alert.Group
	for _, e := range waiting {
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
