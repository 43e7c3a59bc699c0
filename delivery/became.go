package delivery

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/alertvitals/notifier/alert"
	"github.com/alertvitals/notifier/envelope"
)

// outcome is what became of entries that say told, which is nil for what only repeats; who calls says why, and what was shown.
func (r *run) outcome(l *Loop, g *group, told *alert.Group, entries []entry, status Status) outcome {
	if len(entries) == 0 {
		return outcome{} // nothing became of nothing
	}
	newest := newestOf(entries)
	o := outcome{head: head{
		Delivery: Delivery{
			ID: r.id(g.key, entries), Status: status, Receiver: l.Receiver, Integration: l.Integration,
			Notifications: countSaid(entries), Accepted: newest.accepted.UTC(), Settled: time.Now().UTC(),
		},
		Cursor: l.Cursor, Records: packRecords(entries),
	}}
	o.relate(g.state.standIn(l), entries)
	r.mu.Lock()
	o.Attempts, o.Tries = g.failures, g.tries
	r.mu.Unlock()
	about := told
	if about == nil {
		about, _ = newest.says() // it was read a moment ago; an outcome without it is better than none
	}
	if about == nil {
		return o
	}
	shown := about.Redact(l.Redact)
	o.describe(shown)
	o.GroupLabels = clipAll(o.GroupLabels, longestLabel)
	if told != nil {
		o.Routes = l.routesOf(*told)
		o.Group, o.LeftOut = kept(shown)
	}
	return o
}

// countSaid is how many of the entries are notifications, and do not stand for what is held.
func countSaid(entries []entry) int {
	_, said := split(entries, func(e entry) bool { return e.held > 0 })
	return len(said)
}

// including is the outcome of what was held before, too, when f tells of it or forgets it.
func (o outcome) including(f folded, h *held) outcome {
	if o.ID != "" && f.lifted {
		o.Notifications, o.Records = including(o.Notifications, o.Records, h)
	}
	return o
}

// including are the number of some notifications and their records, with those that are held.
func including(notifications int, records []byte, h *held) (int, []byte) {
	if h == nil {
		return notifications, records
	}
	return notifications + h.Notifications, packNumbers(append(unpackRecords(records), unpackRecords(h.Records)...))
}

// relate says which other deliveries this one has to do with. standIn is the fallback that was told in this one's stead.
func (d *Delivery) relate(standIn string, entries []entry) {
	if again := againOf(entries); again != nil {
		if again.From != "" {
			d.InsteadOf = &InsteadOf{Receiver: again.From, Delivery: again.Delivery, Reason: again.Reason}
		} else {
			d.Replays = again.Delivery
		}
	}
	d.HandedOver = standIn
}

// againOf is that of the newest entry that has one.
func againOf(entries []entry) (again *envelope.Again) {
	seq := uint64(0)
	for _, e := range entries {
		if e.again != nil && e.seq > seq {
			again, seq = e.again, e.seq
		}
	}
	return again
}

// sealed is an outcome as it is stored, without anything when there is none.
func (r *run) sealed(o outcome) written {
	if o.ID == "" {
		return written{}
	}
	sealed, err := o.seal()
	if err != nil {
		r.logger.Error("An outcome cannot be kept", slog.String("delivery", o.ID), slog.Any("err", err))
	}
	return written{o.ID, sealed}
}

// mostRoutes is how many routes of a group are named.
const mostRoutes = 5

// routesOf are the routes by which alerts of the group came, each once.
func (l *Loop) routesOf(g alert.Group) []string {
	var routes []string
	for _, route := range l.routes(g) {
		if route = clip(route, longestText); route != "" && !slices.Contains(routes, route) {
			routes = append(routes, route)
		}
	}
	slices.Sort(routes)
	return routes[:min(len(routes), mostRoutes)]
}

// lose keeps that an entry's record was dropped by the journal before it could be delivered. What it said is not known any more.
func (r *run) lose(l *Loop, g *group, e entry) {
	e.group, e.read = nil, func() (*alert.Group, error) { return nil, errGone }
	o := r.outcome(l, g, nil, []entry{e}, Suppressed)
	o.Reason = ReasonGone
	if w := r.sealed(o); w.Sealed != nil {
		r.outcomes.add(w)
	}
}

// tried remembers a try for what waits for the group.
func (r *run) tried(g *group, a Attempt) {
	if a.Reason == reasonRemoved {
		return // nobody was there to be tried
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	g.tries = withAttempt(g.tries, a)
	if a.Reason != "" {
		g.failures++
	}
}

// begin forgets the tries of what was told. The caller holds the run's mu.
func (g *group) begin() {
	g.attempts, g.failures, g.tries, g.reason, g.err = 0, 0, nil, "", ""
}

// keepTries writes down that tries failed, now and then: they outlive the process, and are no promise.
func (r *run) keepTries(ctx context.Context, g *group) {
	r.mu.Lock()
	failures, tries := g.failures, g.tries
	r.mu.Unlock()
	if !isPowerOfTwo(failures) {
		return
	}
	after := g.state
	after.Failures, after.Tries = failures, tries
	if err := r.store(ctx, g.key, after); err != nil {
		r.logger.Warn("Failed tries could not be written down", slog.Any("err", err))
		return
	}
	g.state = after
}
