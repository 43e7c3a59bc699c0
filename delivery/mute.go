package delivery

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/prometheus/alertmanager/template"

	"github.com/alertvitals/notifier/alert"
	"github.com/alertvitals/notifier/envelope"
)

// Why an alert is muted, in Alertmanager's words.
const (
	reasonMuteInterval   = "mute_time_interval"
	reasonActiveInterval = "active_time_interval"
)

var muteReasons = []string{reasonMuteInterval, reasonActiveInterval}

// Mute is why nobody is told of an alert for now.
type Mute struct {
	// Reason is mute_time_interval or active_time_interval.
	Reason string `json:"reason"`
	// By are the names of the time intervals.
	By []string `json:"by"`
	// Until is when it ends; zero when that is years ahead.
	Until time.Time `json:"until,omitzero"`
}

// held is what a group has to tell once it is muted no more. It is a part of the group's state, so nothing of the journal waits for it
// and it has no age. Its JSON is in the journals of running systems, as the state's is.
type held struct {
	// Group is the newest word of each alert: of all that fire, and of those whose end people wait for.
	Group alert.Group `json:"group"`
	// Known is what was said of the group, told or not.
	Known knowledge `json:"known"`
	// Owed are the alerts that people should have been told of when they fired: they are told even when they are over.
	Owed []string `json:"owed,omitempty"`
	// Seq, At and Accepted are those of the newest entry in it, Notifications is how many there are, and Again the newest one's.
	Seq           uint64          `json:"seq"`
	At            time.Time       `json:"at"`
	Accepted      time.Time       `json:"accepted"`
	Notifications int             `json:"notifications"`
	Again         *envelope.Again `json:"again,omitempty"`
	// Trace is the traceparent of the newest entry that has one, Merged are those of the newest before it.
	Trace  string   `json:"trace,omitempty"`
	Merged []string `json:"merged,omitempty"`
	// Records are the numbers of the records in it, as head.Records has them.
	Records []byte `json:"records,omitempty"`
	// Part tells its messages apart from others of the same newest entry.
	Part int `json:"part"`
	// Mute is why it is held.
	Mute Mute `json:"mute"`
	// Due is since when something of it is to be told, zero while all of it is muted. Its age counts from then.
	Due time.Time `json:"due,omitzero"`
	// HandedOver is whether the fallback was told of what is due.
	HandedOver bool `json:"handed_over,omitempty"`
	// Stored is when it was written, for a state that is not written ages away.
	Stored time.Time `json:"stored"`
}

const (
	// mostRest is how long a muted group rests before it is looked at again, whatever its mute says: a machine that slept, or whose clock
	// was set, is not late for longer.
	mostRest = time.Hour
	// storeHeldEvery is how often what is held is written anew.
	storeHeldEvery = 24 * time.Hour
)

// entry stands for what is held where entries are told of.
func (h *held) entry() entry {
	return entry{
		seq: h.Seq, at: later(h.At, h.Due), accepted: h.Accepted, again: h.Again, trace: h.Trace, merged: h.Merged, group: &h.Group, held: h.Part,
	}
}

// mutes is whether nobody is told of an alert at a time.
type mutes func(labels template.KV, at time.Time) (Mute, bool)

// mutes is nil when nothing is ever muted. What a fallback is handed is told at once: it did not come by a route.
func (l *Loop) mutes(entries []entry) mutes {
	if l.Mutes == nil || slices.ContainsFunc(entries, entry.standsIn) {
		return nil
	}
	return func(labels template.KV, at time.Time) (Mute, bool) { return l.Mutes(labels, l.Receiver, at) }
}

// mutesAny is whether nobody is told for now of one of the alerts at least.
func (l *Loop) mutesAny(g alert.Group) (mute Mute, is bool) {
	if l.Mutes == nil {
		return Mute{}, false
	}
	for _, a := range g.Alerts {
		if mute, is = l.Mutes(a.Labels, l.Receiver, time.Now()); is {
			return mute, true
		}
	}
	return Mute{}, false
}

// heldShort is what the state of a group holds, in short: while a group rests, its state is on disk alone.
type heldShort struct {
	entry         entry // without what it says
	notifications int
	mute          Mute
	due           time.Time
	handedOver    bool
	records       []byte
}

// overdue is whether the fallback should have been told of what is held. A mute does not count: what it holds is not due.
func (h *heldShort) overdue(due time.Time) bool {
	return h != nil && !h.due.IsZero() && !h.due.After(due) && !h.handedOver
}

// keep keeps what the state holds in short. The caller holds mu.
func (r *run) keep(g *group) {
	before := g.held
	if g.held = nil; g.state.Held != nil {
		h := g.state.Held
		g.held = &heldShort{entry: h.entry(), notifications: h.Notifications, mute: h.Mute, due: h.Due, handedOver: h.HandedOver, records: h.Records}
		g.held.entry.group, g.held.entry.merged = nil, nil
	}
	switch {
	case before == nil && g.held != nil:
		r.series.muted.Inc()
	case before != nil && g.held == nil:
		r.series.muted.Dec()
	}
}

// rise ends a group's rest: its turn has come.
func (r *run) rise(g *group) {
	r.mu.Lock()
	defer r.mu.Unlock()
	g.rests, g.asked = false, false
}

// rest is how long a group that holds something is to be left alone, 0 when it holds nothing. The caller holds mu.
func (r *run) rest(g *group, f folded) time.Duration {
	if g.state.Held == nil || f.held == nil {
		return 0
	}
	h := *g.state.Held
	h.Mute = f.held.Mute // the configuration may have changed
	g.state.Held = &h
	r.keep(g)
	g.rests = true
	if h.Mute.Until.IsZero() {
		return mostRest
	}
	return max(min(time.Until(h.Mute.Until), mostRest), time.Millisecond)
}

// unload leaves the state of a group that rests on disk. The caller holds mu.
func (g *group) unload() {
	if g.rests && len(g.waiting) == 0 && g.amends == nil {
		g.state, g.loaded, g.snapshot = state{}, false, nil
	}
}

// mute settles what changes a group without being told: what is muted is held, what ended quietly is forgotten.
func (r *run) mute(ctx context.Context, l *Loop, log *slog.Logger, g *group, f folded, done []entry) {
	after := g.state.told(f, g.state.Told, g.state.Receipt, nil)
	o := outcome{}     // none yet for what is held
	if f.held != nil { // there is more to come
		after.Receipt, after.AtFire = g.state.Receipt, g.state.AtFire
		after.HandedOver, after.HandedTo = g.state.HandedOver, g.state.HandedTo
		if g.state.Held == nil {
			until := slog.Time("until", f.held.Mute.Until)
			if f.held.Mute.Until.IsZero() {
				until = slog.String("until", "years from now")
			}
			log.Info("Muted, it is told when that ends", slog.Any("by", f.held.Mute.By), until)
		}
	}
	if f.held == nil {
		o = r.outcome(l, g, nil, done, Suppressed)
		o.Reason, o.Muted = ReasonMuted, &f.mute
		o = o.including(f, g.state.Held)
	}
	if !r.settle(ctx, g, after, done, o) {
		return
	}
	r.series.duplicates.Add(float64(f.duplicates))
	r.countMuted(log, f, done)
	r.mu.Lock()
	defer r.mu.Unlock()
	g.begin()
}

// countMuted counts the notifications that were not told of all that they say, and names the alerts that are never told.
func (r *run) countMuted(log *slog.Logger, f folded, done []entry) {
	_, said := split(done, func(e entry) bool { return e.held > 0 })
	if counter := r.series.suppressed[f.mute.Reason]; counter != nil {
		counter.Add(float64(max(0, len(said)-f.duplicates)))
	}
	if len(f.suppressed) > 0 {
		log.Info("Suppressed: alerts fired and ended while they were muted", slog.Int("alerts", len(f.suppressed)), slog.Any("by", f.mute.By))
	}
}

// release makes due what is held, when some of it is told: from now on it ages, and what fires is told even when it ends before that
// succeeds. It says false when the run has ended before that was certain.
func (r *run) release(ctx context.Context, g *group, f folded) bool {
	h := g.state.Held
	if h == nil || !h.Due.IsZero() {
		return true
	}
	due := *h
	due.Due = time.Now()
	due.Stored = due.Due
	due.Owed = slices.Clone(h.Owed)
	for _, a := range f.group.Alerts.Firing() {
		if _, known := g.state.Known.Firing[a.Fingerprint]; !known {
			due.Owed = append(due.Owed, a.Fingerprint)
		}
	}
	after := g.state
	after.Held = &due
	if !r.insist(ctx, "Storing the state of a group", func() error { return r.store(ctx, g.key, after) }) {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	g.state = after
	r.keep(g)
	return true
}

// seekHeld finds the groups that hold something since before the start.
func (r *run) seekHeld(ctx context.Context) {
	found := r.insist(ctx, "Looking for what is muted", func() error {
		return r.journal.States(ctx, r.cursor, func(value []byte) error {
			if s, err := decodeState(value); err == nil && s.Held != nil {
				r.awake(s.Held)
			}
			return ctx.Err()
		})
	})
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sought = found
}

// awake has a group that holds something take its turn. When something waits for it, it does anyway.
func (r *run) awake(h *held) {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := h.Group.Key
	if _, known := r.groups[key]; known || r.ended {
		return
	}
	// Its turn reads the state anew: it may have changed meanwhile.
	g := &group{key: key, rank: h.Group.Severity().Rank(), state: state{Held: h}}
	r.keep(g)
	g.state = state{}
	r.groups[key] = g
	r.ready.add(g)
	r.dispatch()
}

// holds is whether a group holds something, as far as that is known.
func (r *run) holds() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.sought {
		return true
	}
	for _, g := range r.groups {
		if g.held != nil {
			return true
		}
	}
	return false
}

// forgetHeld takes what is held out of the metrics when the run ends.
func (r *run) forgetHeld() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, g := range r.groups {
		if g.held != nil {
			r.series.muted.Dec()
		}
	}
}
