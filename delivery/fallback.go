package delivery

import (
	"container/heap"
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/alertvitals/notifier/alert"
	"github.com/alertvitals/notifier/envelope"
)

// mostHandOvers is how many groups are handed over at once.
const mostHandOvers = 1024

// handOver gives each of these fallbacks what entries come to. It says false when the run has ended before that was certain.
func (r *run) handOver(ctx context.Context, l *Loop, g *group, f folded, entries []entry, why string, to ...string) bool {
	for i, receiver := range to {
		if receiver != "" && !slices.Contains(to[:i], receiver) && !r.handOverTo(ctx, l, g, f, entries, why, receiver) {
			return false
		}
	}
	return true
}

// handOverTo gives a fallback what entries come to, through the journal: from there it is as safe as any notification. It
// says false when the run has ended before that was certain. A crash after it may hand over once more, and then the fallback's
// own loop sees that nothing is new.
func (r *run) handOverTo(ctx context.Context, l *Loop, g *group, f folded, entries []entry, why, to string) bool {
	id, newest := r.id(g.key, entries), newestOf(entries)
	again := envelope.Again{Delivery: id, From: l.Receiver, Reason: why, Accepted: newest.accepted}
	record, err := sealAgain(*f.group, to, f.newestTrace(), again)
	if err != nil {
		r.logger.Error("A message cannot be handed over", slog.Any("err", err))
		return true // it came from JSON: this cannot be
	}
	if len(record) > mostRecord { // what fired and ended meanwhile is left to the receiver itself
		short := *f.group
		if f.held == nil && newest.held == 0 {
			says, unread := newest.says()
			if err = unread; err == nil {
				short = *says
			}
		}
		cut(&short)
		if err == nil {
			record, err = sealAgain(short, to, f.newestTrace(), again)
		}
		if err != nil {
			r.logger.Error("A message cannot be handed over", slog.Any("err", err))
			return false
		}
	}
	if !r.insist(ctx, "Handing over to the fallback", func() error { return r.append(ctx, record) }) {
		return false
	}
	r.series.handedOver.Inc()
	r.log(g.key, entries).Warn("Handed over to the fallback", slog.String("fallback", to), slog.String("reason", why))
	r.mu.Lock()
	defer r.mu.Unlock()
	g.state.HandedOver = max(g.state.HandedOver, newest.seq)
	if !slices.Contains(g.state.HandedTo, to) {
		g.state.HandedTo = append(slices.Clone(g.state.HandedTo), to)
	}
	g.handedOver, g.standIn = g.state.HandedOver, to
	if h := g.state.Held; h != nil && !h.Due.IsZero() {
		told := *h
		told.HandedOver = true
		g.state.Held = &told
		r.keep(g)
	}
	return true
}

// sealAgain is the record that tells a message again.
func sealAgain(g alert.Group, receiver, traceparent string, again envelope.Again) ([]byte, error) {
	e, err := envelope.OfGroup(g, receiver, again)
	if err != nil {
		return nil, err
	}
	e.Trace = traceparent
	return e.Seal()
}

func (r *run) append(ctx context.Context, record []byte) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
	defer cancel()
	_, err := r.journal.Append(ctx, record)
	return err
}

func newestOf(entries []entry) entry {
	newest := entries[0]
	for _, e := range entries {
		if e.seq > newest.seq {
			newest = e
		}
	}
	return newest
}

// handOverOverdue begins to hand over every message that has waited too long, whatever it waits for.
func (r *run) handOverOverdue() {
	l := r.settings.Load()
	if l.Fallback.Receiver == "" {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended || r.behind {
		return
	}
	now := time.Now()
	due := now.Add(-l.Fallback.After)
	var overdue []*group
	for _, g := range r.groups {
		waits := len(g.waiting) > 0 && !g.oldest().at.After(due) && g.newest().seq > g.handedOver && !now.Before(g.doubt)
		if (waits || g.held.overdue(due)) && g.place != working {
			overdue = append(overdue, g)
		}
	}
	slices.SortFunc(overdue, compareGroups)
	for _, g := range overdue[:min(len(overdue), mostHandOvers-r.handing)] {
		var left time.Duration
		if g.place == queued {
			heap.Remove(r.ready.of(g), g.index)
		} else {
			g.timer.Stop()
			left = time.Until(g.next)
		}
		g.place = working
		r.handing++
		r.workers.Go(func() {
			r.handOverGroup(r.work, l, g)
			r.mu.Lock()
			defer r.mu.Unlock()
			r.handing--
			r.putBack(g, left)
			r.dispatch()
		})
	}
}

// handOverGroup hands over all that waits for a group. It waits on nonetheless: the receiver itself has to be told, too.
func (r *run) handOverGroup(ctx context.Context, l *Loop, g *group) {
	entries, err := r.prepare(ctx, l, g)
	if err != nil {
		r.unread(ctx, err)
		return
	}
	if h := g.state.Held; len(entries) == 0 && h != nil && !h.Due.IsZero() {
		entries = []entry{h.entry()}
	}
	if len(entries) == 0 || g.state.handedOver(newestOf(entries)) {
		return
	}
	f := r.fold(l, g, entries)
	if f.err != nil {
		r.unread(ctx, f.err)
		return
	}
	r.mu.Lock()
	why := g.reason
	switch {
	case f.group != nil:
	case f.quiet: // nobody is told for now; its turn sees to that
		g.handedOver = newestOf(entries).seq
		if g.held != nil {
			g.held.handedOver = true
		}
	case f.doubtful != nil:
		g.doubt, g.heard = f.inDoubt, newestOf(entries).seq
	default:
		g.handedOver = newestOf(entries).seq // nothing new: nobody need hear of it
	}
	r.mu.Unlock()
	if f.group == nil {
		return
	}
	// Whoever is told of the rest is told of what is in doubt, too: it is handed over once.
	f = r.undoubted(l, g, f, entries)
	if f.err != nil || f.group == nil {
		return
	}
	if r.handOver(ctx, l, g, f, entries, why, l.Fallback.Receiver) {
		r.insist(ctx, "Storing the state of a group", func() error { return r.store(ctx, g.key, g.state) })
	}
}
