package delivery

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/alertmanager/template"
	"go.opentelemetry.io/otel/trace"

	"github.com/alertvitals/notifier/alert"
	"github.com/alertvitals/notifier/diagnostics"
	"github.com/alertvitals/notifier/notifiers"
	"github.com/alertvitals/notifier/templates"
	"github.com/alertvitals/notifier/tracing"
)

// mostRead is how many bytes of what waits for a group are read at once; what is beyond is read one by one.
const mostRead = 8 << 20

// freshFor is how long after a snapshot another try shows it again instead of looking anew.
const freshFor = time.Minute

// turn is a group's turn: it makes at most one try for all that waits for the group. It returns how long the group is to be
// left alone.
func (r *run) turn(ctx context.Context, g *group) time.Duration {
	if ctx.Err() != nil {
		return time.Second // nobody waits for it
	}
	l := r.settings.Load()
	r.rise(g)
	entries, err := r.prepare(ctx, l, g)
	if err != nil {
		return r.unread(ctx, err)
	}
	now := time.Now()
	tooOld, entries := split(entries, func(e entry) bool { return now.Sub(e.at) >= l.Limits.MaxAge })
	if h := g.state.Held; len(tooOld) > 0 || h != nil && !h.Due.IsZero() && now.Sub(h.Due) >= l.Limits.MaxAge {
		if len(tooOld) == 0 {
			tooOld = []entry{h.entry()}
		}
		f := r.fold(l, g, tooOld)
		if f.err != nil {
			return r.unread(ctx, f.err)
		}
		r.bury(ctx, l, g, f, tooOld, reasonExpired, errExpired)
		return 0
	}
	late, entries := split(entries, func(e entry) bool { return e.again != nil && (e.accepted.Before(g.state.heard().At) || e.askedFor()) })
	if len(entries) == 0 && len(late) == 0 {
		r.amend(ctx, l, g)
	}
	if len(entries) == 0 && g.state.Held != nil {
		entries = []entry{g.state.Held.entry()}
	}
	var wait time.Duration
	if len(entries) > 0 {
		f := r.fold(l, g, entries)
		if f.err != nil {
			return r.unread(ctx, f.err)
		}
		wait = r.tell(ctx, l, g, f, entries)
	}
	// News go first: a late message that cannot be told must not hold them up. Neither a doubt nor a mute holds up a late message.
	if len(late) > 0 && (len(entries) == 0 || !g.doubt.IsZero() || g.rests) {
		g.rests = false
		return r.tellLate(ctx, l, g, late[0])
	}
	return wait
}

// prepare is what waits for the group, when its state is read, too.
func (r *run) prepare(ctx context.Context, l *Loop, g *group) ([]entry, error) {
	if err := r.load(ctx, g); err != nil {
		return nil, fmt.Errorf("reading the state of a group: %w", err)
	}
	return r.readable(ctx, l, g)
}

// unread logs that a turn failed before its try, and gives the pause before the next one.
func (r *run) unread(ctx context.Context, err error) time.Duration {
	if ctx.Err() == nil {
		r.logger.Error("A group's turn failed, it comes again", slog.Any("err", err))
	}
	return Next(1, err, rand.Float64())
}

// fold is what entries come to, parted by what is muted.
func (r *run) fold(l *Loop, g *group, entries []entry) folded {
	now := time.Now()
	return foldAt(l, g, entries, now, now)
}

// foldAt is fold when doubts are of another time than mutes.
func foldAt(l *Loop, g *group, entries []entry, now, doubts time.Time) folded {
	_, said := split(entries, func(e entry) bool { return e.held > 0 })
	f := fold(g.state.heard(), said, doubts, l.Limits.DedupeWindow)
	f.traces = tracesOf(entries)
	return f.weigh(g.state, said, now, l.Limits.DedupeWindow, l.mutes(said))
}

// undoubted is f, which the entries come to, for what cannot wait until its doubts pass: they count as passed.
func (r *run) undoubted(l *Loop, g *group, f folded, entries []entry) folded {
	for f.doubtful != nil {
		f = foldAt(l, g, entries, time.Now(), f.inDoubt)
	}
	return f
}

var errExpired = errors.New("it waited too long to be delivered")

// load reads the state of a group when that has not been done yet.
func (r *run) load(ctx context.Context, g *group) error {
	if g.loaded {
		return nil
	}
	value, _, err := r.journal.State(ctx, r.cursor, g.key)
	if err != nil {
		return err
	}
	s, err := decodeState(value)
	if err != nil {
		r.logger.Error("Starting afresh with a group", slog.Any("err", err))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	g.state, g.loaded = s, true
	g.handedOver, g.standIn = s.HandedOver, s.standIn(r.settings.Load())
	r.keep(g)
	g.failures, g.tries = max(g.failures, s.Failures), s.Tries
	if n := len(g.tries); n > 0 {
		last := g.tries[n-1]
		g.reason, g.err, g.failed = last.Reason, last.Error, last.At
	}
	return nil
}

// readable are the entries that wait for the group and are not settled yet, each with what it says or a way to read it. What is
// settled already, gone or unreadable waits no more.
func (r *run) readable(ctx context.Context, l *Loop, g *group) ([]entry, error) {
	waiting := r.waiting(g)
	settled, waiting := split(waiting, g.state.holds)
	if slices.ContainsFunc(settled, func(e entry) bool { return e.seq <= r.reread }) { // they were settled before a crash, which may have come before their outcome was written
		r.outcomes.recover(ctx, g.state.Outcomes)
	}
	r.forget(g, settled)
	var entries []entry
	size := 0
	for _, e := range waiting {
		record, ok, err := r.recordOf(ctx, e)
		if err != nil {
			return nil, err
		}
		if !ok {
			r.series.missed.Inc()
			r.logger.Error("A record was too old to be kept before it could be delivered", slog.Uint64("seq", e.seq))
			r.lose(l, g, e)
			r.forget(g, []entry{e})
			continue
		}
		if e.group, err = l.read(record); err != nil {
			if !r.putAside(ctx, Record{Seq: e.seq, Time: e.at, Data: record}, err) {
				return nil, ctx.Err()
			}
			r.forget(g, []entry{e})
			continue
		}
		if size += len(record); size > mostRead {
			left := e
			e.group, e.read = nil, func() (*alert.Group, error) { return r.groupOf(ctx, l, left) }
		}
		entries = append(entries, e)
	}
	return entries, nil
}

// recordOf is an entry's record; ok is false when the journal has dropped it.
func (r *run) recordOf(ctx context.Context, e entry) (record []byte, ok bool, err error) {
	if !e.record.none() {
		record, err = e.record.unpack()
		return record, true, err
	}
	rec, ok, err := r.journal.Get(ctx, e.seq)
	return rec.Data, ok, err
}

// tell tells f, which entries come to.
func (r *run) tell(ctx context.Context, l *Loop, g *group, f folded, entries []entry) time.Duration {
	log := r.log(g.key, entries)
	_, done := split(entries, func(e entry) bool { return f.doubtful != nil && e.seq == f.doubtful.seq })
	switch {
	case f.quiet:
		r.mute(ctx, l, log, g, f, done)
	case f.group == nil && f.doubtful != nil:
		log.Info("Says of an alert that it fires which was resolved: from an Alertmanager that is behind, or firing again",
			slog.Time("known_at", f.inDoubt))
		if len(done) > 0 {
			r.duplicate(ctx, l, log, g, f, done)
		}
	case f.group == nil:
		r.duplicate(ctx, l, log, g, f, done)
	case !r.release(ctx, g, f):
		return time.Second // the run has ended: nobody waits for it
	case f.group.Status() == alert.StatusResolved && !l.SendResolved && !f.fired:
		log.Debug("Resolved, which this receiver does not want to hear")
		id := r.id(g.key, entries)
		o := r.outcome(l, g, f.group, entries, Suppressed)
		o.ID, o.Reason = id, ReasonUnwanted
		o = o.including(f, g.state.Held)
		r.finish(ctx, l, log, g, g.state.told(f, id, nil, nil), f, entries, done, o)
	default:
		d := draft{folded: f, id: r.id(g.key, entries), before: g.state}
		receipt, err := r.try(ctx, l, g, d)
		if err != nil {
			r.keepProgress(ctx, g, receipt)
			return r.failed(ctx, l, g, f, entries, err)
		}
		took := time.Since(r.dueSince(g, entries))
		o := r.outcome(l, g, f.group, entries, Sent)
		o.ID, o.Snapshot = d.id, g.snapshot
		o = o.including(f, g.state.Held)
		told := countSaid(done) // what is in doubt is told later
		if f.lifted && g.state.Held != nil {
			told += g.state.Held.Notifications
		}
		r.series.sent(took, told)
		log.Info("Sent", slog.String("status", f.known.Status), slog.Int("notifications", told),
			slog.Int("failed", g.failures), slog.Duration("after", took))
		r.finish(ctx, l, log, g, g.state.told(f, d.id, receipt, g.snapshot), f, entries, done, o)
		r.amendLater(l, g, f, d, newestOf(entries).seq, o)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	g.heard = newestOf(entries).seq
	wait := r.rest(g, f)
	g.doubt = time.Time{}
	if f.doubtful != nil {
		g.doubt = f.inDoubt
		if doubt := time.Until(f.inDoubt); wait == 0 || doubt < wait {
			wait = doubt
		}
	}
	return wait
}

// dueSince is since when what is told could be told: since it was on disk, and of what was muted since that ended.
func (r *run) dueSince(g *group, entries []entry) time.Time {
	if newest := entries[len(entries)-1]; newest.held == 0 || g.state.Held == nil {
		return newest.at
	}
	return g.state.Held.entry().at
}

// duplicate settles what says nothing new.
func (r *run) duplicate(ctx context.Context, l *Loop, log *slog.Logger, g *group, f folded, done []entry) {
	_, said := split(done, func(e entry) bool { return e.held > 0 })
	if len(said) == 0 {
		return
	}
	o := r.outcome(l, g, nil, said, Suppressed)
	o.Reason, o.ShownBy = ReasonDuplicate, g.state.Told
	if h := g.state.Held; h != nil {
		o.ShownBy = r.id(g.key, []entry{h.entry()})
	}
	if o.ID == g.state.Told {
		o = outcome{} // it was told, and waited on in doubt
	}
	if r.settle(ctx, g, g.state, done, o) {
		log.Info("Says nothing new", slog.Int("notifications", len(done)))
		r.series.duplicates.Add(float64(f.duplicates))
	}
}

// finish settles those of the entries that are done with what was told. Whichever fallback was told that the group fires is
// told of the end, too.
func (r *run) finish(
	ctx context.Context, l *Loop, log *slog.Logger, g *group, after state, f folded, entries, done []entry, o outcome,
) {
	if f.known.Status == alert.StatusResolved && !r.handOver(ctx, l, g, f, entries, reasonRecovered, g.state.standIns(l)...) {
		return
	}
	if r.settle(ctx, g, after, done, o) {
		r.series.duplicates.Add(float64(f.duplicates))
		r.countMuted(log, f, done)
		r.mu.Lock()
		defer r.mu.Unlock()
		g.handedOver, g.standIn = after.HandedOver, after.standIn(l)
		g.begin()
		return
	}
	log.Warn("Told, but that could not be stored before the end: it may be told once more")
}

// tellLate tells what could not be delivered in its time, when newer news of the group were told since.
func (r *run) tellLate(ctx context.Context, l *Loop, g *group, e entry) time.Duration {
	log := r.log(g.key, []entry{e})
	says, err := e.says()
	if err != nil {
		return r.unread(ctx, err)
	}
	if !e.askedFor() && g.state.Known.old(*says) {
		r.duplicate(ctx, l, log, g, folded{duplicates: 1}, []entry{e})
		return 0
	}
	f := folded{group: says, again: e.again, known: g.state.Known, held: g.state.Held, traces: tracesOf([]entry{e})}
	if mute, is := l.mutesAny(*says); is && !e.askedFor() && !e.standsIn() {
		r.bury(ctx, l, g, f, []entry{e}, reasonMuted, fmt.Errorf("it is muted by %s", strings.Join(mute.By, ", ")))
		return 0
	}
	receipt, err := r.try(ctx, l, g, draft{folded: f, id: r.id(g.key, []entry{e}), before: g.state, late: true})
	if err != nil {
		r.keepProgress(ctx, g, receipt)
		return r.failed(ctx, l, g, f, []entry{e}, err)
	}
	r.series.sent(time.Since(e.at), 1)
	log.Info("Sent late", slog.Int("failed", g.failures))
	o := r.outcome(l, g, says, []entry{e}, Sent)
	if o.Snapshot = g.snapshot; !e.askedFor() {
		o.Note = "told late: newer news of its group had been told"
	}
	r.finish(ctx, l, log, g, g.state, folded{}, []entry{e}, []entry{e}, o)
	return 0
}

// failed is what follows a failed try.
func (r *run) failed(ctx context.Context, l *Loop, g *group, f folded, entries []entry, err error) time.Duration {
	if ctx.Err() != nil {
		r.log(g.key, entries).Info("Interrupted, goes on after the restart")
		return time.Second // nobody waits for it
	}
	r.series.failed(err)
	r.mu.Lock()
	r.lastFailure = &Failure{At: time.Now().UTC(), Reason: reason(err), Error: err.Error()}
	r.mu.Unlock()
	if permanent(err) {
		r.bury(ctx, l, g, f, entries, reason(err), err)
		return 0
	}
	if e, ok := errors.AsType[*notifiers.Error](err); ok && e.Reason == notifiers.RateLimited && !e.Partly {
		r.keepCalm(wish(err))
	}
	wait := Next(g.attempts+1, err, rand.Float64())
	r.keepTries(ctx, g)
	r.mu.Lock()
	defer r.mu.Unlock()
	g.attempts++
	g.doubt = time.Time{}
	g.reason, g.err, g.failed = reason(err), err.Error(), time.Now()
	logFailure(r.log(g.key, entries), g.failures, err, wait)
	return wait
}

// keepProgress stores how far a try came that failed half way, so that whatever comes next, a crash too, tells nobody again.
func (r *run) keepProgress(ctx context.Context, g *group, receipt notifiers.Receipt) {
	if receipt == nil || maps.Equal(receipt, g.state.Receipt) {
		return
	}
	after := g.state
	after.Receipt = receipt
	if r.insist(ctx, "Storing how far a message came", func() error { return r.store(ctx, g.key, after) }) {
		g.state = after
	}
}

// draft is a message that is not yet sent.
type draft struct {
	folded

	id     string
	before state
	late   bool
	amends bool
}

// try makes one try. A panic below it is an error like any other.
func (r *run) try(ctx context.Context, l *Loop, g *group, d draft) (receipt notifiers.Receipt, err error) {
	g.asked = true
	if g.attempts > 0 && !d.amends {
		r.series.retries.Inc()
	}
	ctx, cancel := tryContext(ctx, l.Limits)
	defer cancel()
	ctx, span := l.begin(ctx, g, d)
	defer func() { span.end(err) }()
	began, ear := time.Now(), &ear{}
	defer func() {
		if !d.amends {
			r.tried(g, tried(began, ear.end(), err))
		}
	}()
	defer func() {
		if p := recover(); p != nil {
			err = &panicError{value: p, stack: debug.Stack()}
		}
	}()
	if g.lookedFor != d.id || time.Since(g.lookedAt) > freshFor {
		g.lookedFor, g.lookedAt, g.snapshot = d.id, time.Now(), nil // before looking: a Snapshotter that panics must not stop the message for ever
		g.snapshot = l.lookTraced(ctx, *d.group)
	}
	shown := d.group.Redact(l.Redact)
	content := l.renderTraced(ctx, templates.Input{
		Receiver: l.Receiver, Group: shown, Snapshot: g.snapshot, AtFire: d.before.AtFire, Known: d.before.Known.firing(), Ended: d.before.Known.over(shown),
		Links: l.links(*d.group, shown), Now: time.Now(), Again: d.tellsAgain(),
	})
	if d.amends {
		content.News = "" // it was told
	}
	ctx, sending := tracing.Begin(ctx, "send", trace.WithSpanKind(trace.SpanKindClient))
	defer func() { fail(sending, err); sending.End() }()
	return l.Sink.Notify(ctx, notifiers.Message{
		ID: d.id, Receiver: l.Receiver, Group: shown, GroupKey: d.group.ShownKey(l.Redact), Content: content, Snapshot: g.snapshot,
		Previous: d.before.Receipt, Late: d.late, Amends: d.amends, Routes: l.routes(*d.group), Draw: r.drawing(l, d), Heard: ear.hear,
	})
}

// drawing draws the pictures of a message. What is told late is of the past, of which there are none. The message may have gone
// out by then, so nothing that goes wrong here may make it a failure.
func (r *run) drawing(l *Loop, d draft) func(context.Context) []templates.Image {
	if l.Snapshots == nil || d.late {
		return nil
	}
	return func(ctx context.Context) (images []templates.Image) {
		defer func() {
			if p := recover(); p != nil {
				r.logger.Error("The charts of a message could not be drawn", slog.Any("err", &panicError{value: p}))
				images = nil
			}
		}()
		var alerts []diagnostics.ChartedAlert
		for _, a := range d.group.Telling() {
			alerts = append(alerts, diagnostics.ChartedAlert{Labels: a.Labels, StartsAt: a.StartsAt, GeneratorURL: a.GeneratorURL})
		}
		for _, c := range l.Snapshots.Charts(ctx, alerts) {
			images = append(images, templates.Image{Title: c.Title, Alt: c.Alt, PNG: c.PNG})
		}
		return images
	}
}

// routes are by which route each alert of the group came, as the routes are now, by its fingerprint.
func (l *Loop) routes(g alert.Group) map[string]string {
	if l.Way == nil {
		return nil
	}
	routes, shown := map[string]string{}, map[string]string{}
	for _, alerts := range []template.Alerts{g.Alerts, g.Gone} {
		for _, a := range alerts {
			way := l.Way(a.Labels, l.Receiver)
			if _, known := shown[way]; !known {
				shown[way] = alert.Group{Key: way}.ShownKey(l.Redact) // a matcher may name a person
			}
			routes[a.Fingerprint] = shown[way]
		}
	}
	return routes
}

func (d draft) tellsAgain() *templates.Again {
	if d.again == nil {
		return nil
	}
	return &templates.Again{From: d.again.From, Reason: d.again.Reason, Accepted: d.again.Accepted, Late: d.late, Asked: !d.again.Asked.IsZero()}
}

// look takes a snapshot of the agent that the whole group is about, or else of the agent of its first firing alert.
func (l *Loop) look(ctx context.Context, g alert.Group) *diagnostics.Snapshot {
	if l.Snapshots == nil {
		return nil
	}
	return look(ctx, g, l.Snapshots.Snapshot)
}

func look(
	ctx context.Context, g alert.Group, at func(context.Context, map[string]string) *diagnostics.Snapshot,
) *diagnostics.Snapshot {
	s := at(ctx, g.CommonLabels())
	if s != nil && s.Instance != "" || len(g.Alerts) == 1 {
		return s
	}
	// What the alerts have in common may not say where the agent is; one of them does.
	if of := at(ctx, g.Lead().Labels); of != nil {
		return of
	}
	return s
}

// links are those of the agent that look finds. Nothing that shown hides is in them.
func (l *Loop) links(g, shown alert.Group) []diagnostics.Link {
	if l.Snapshots == nil {
		return nil
	}
	return LinksOf(g, shown, l.Snapshots.Links)
}

// LinksOf are the links of the agent that a group is about, as of answers for labels: that of all its alerts, or else that of the first
// that fires. Nothing that shown, the group without personal labels, hides is in them.
func LinksOf(
	g, shown alert.Group, of func(labels, shown map[string]string, starts, ends time.Time) []diagnostics.Link,
) []diagnostics.Link {
	labels := maps.Clone(shown.Lead().Labels)
	maps.DeleteFunc(labels, func(_, value string) bool { return strings.Contains(value, alert.Redacted) })
	var ends time.Time
	if g.Status() == alert.StatusResolved {
		ends = g.Until()
	}
	if links := of(g.CommonLabels(), labels, g.Since(), ends); links != nil {
		return links
	}
	return of(g.Lead().Labels, labels, g.Since(), ends)
}

// tryContext bounds a try by Limits.Try, and by Limits.Grace after the end of ctx.
func tryContext(ctx context.Context, limits Limits) (context.Context, context.CancelFunc) {
	try, cancel := context.WithTimeout(context.WithoutCancel(ctx), limits.Try)
	stop := context.AfterFunc(ctx, func() {
		if pause(try, limits.Grace) {
			cancel()
		}
	})
	return try, func() {
		stop()
		cancel()
	}
}

// settle stores the state of a group, with what became of a delivery, when the entries are done with, and tries until it is on disk: sending again is no way
// out. It says false when the run has ended and the write failed.
func (r *run) settle(ctx context.Context, g *group, after state, done []entry, o outcome) bool {
	_, rest := split(r.waiting(g), among(done))
	after = after.settled(done, rest)
	w := r.sealed(o)
	if after.Outcomes = r.outcomes.unwrittenOf(g.state.Outcomes); w.Sealed != nil {
		after = after.with(w, after.Outcomes)
	}
	if !r.insist(ctx, "Storing the state of a group", func() error { return r.store(ctx, g.key, after) }) {
		return false
	}
	g.state = after
	if w.Sealed != nil {
		r.outcomes.add(w) // before the records are settled: a position never passes what was not added
	}
	r.forget(g, done)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.keep(g)
	return true
}

// waiting is a copy of what waits for a group.
func (r *run) waiting(g *group) []entry {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(g.waiting)
}

// forget takes entries out of what waits for a group.
func (r *run) forget(g *group, done []entry) {
	if len(done) == 0 {
		return
	}
	r.mu.Lock()
	gone, rest := split(g.waiting, among(done))
	g.waiting = rest
	r.mu.Unlock()
	for _, e := range gone {
		r.progress.settle(e.seq)
		r.series.pending.Dec()
		if e.placed {
			r.places.Release(1)
		}
		r.room.Release(e.weight)
	}
}

// split parts entries without changing them.
func split[E any](entries []E, apart func(E) bool) (is, isNot []E) {
	for _, e := range entries {
		if apart(e) {
			is = append(is, e)
		} else {
			isNot = append(isNot, e)
		}
	}
	return is, isNot
}

// among is whether an entry is one of these.
func among(entries []entry) func(entry) bool {
	numbers := make(map[uint64]bool, len(entries))
	for _, e := range entries {
		numbers[e.seq] = true
	}
	return func(e entry) bool { return numbers[e.seq] }
}

// id names the delivery of a message that the entries come to. It is made of what stays the same over tries and restarts.
func (r *run) id(key string, entries []entry) string {
	sum := sha256.Sum256([]byte(r.cursor + "\x00" + key))
	newest := newestOf(entries)
	if newest.held > 0 {
		return fmt.Sprintf("%d-%x-%d", newest.seq, sum[:4], newest.held)
	}
	return fmt.Sprintf("%d-%x", newest.seq, sum[:4])
}

func logFailure(log *slog.Logger, attempt int, err error, wait time.Duration) {
	level := slog.LevelWarn
	attrs := []slog.Attr{
		slog.Int("attempt", attempt), slog.String("reason", reason(err)), slog.Duration("again_in", wait),
		slog.Any("err", err),
	}
	if p, ok := errors.AsType[*panicError](err); ok {
		level = slog.LevelError
		attrs = append(attrs, slog.String("stack", string(p.stack)))
	}
	log.LogAttrs(context.Background(), level, "A try failed", attrs...)
}

// panicError is a panic of a sink, a template or a snapshot.
type panicError struct {
	value any
	stack []byte
}

func (e *panicError) Error() string { return fmt.Sprintf("panic: %v", e.value) }
