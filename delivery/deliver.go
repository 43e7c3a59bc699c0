package delivery

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"time"

	"github.com/alertvitals/notifier/alert"
	"github.com/alertvitals/notifier/diagnostics"
	"github.com/alertvitals/notifier/notifiers"
	"github.com/alertvitals/notifier/templates"
)

// deliver tells one entry, and tries until that succeeds. It returns the group's new state once that is stored; ok is
// false when ctx ended before, and then the entry is not settled.
func (r *run) deliver(ctx context.Context, e entry, before state) (after state, ok bool) {
	log := r.Logger.With(slog.String("delivery", r.id(e)))
	switch {
	case before.holds(e):
		log.Debug("Was sent before the restart")
		return before, true
	case before.repeats(e):
		log.Info("Says what was told already")
		r.series.duplicates.Inc()
		after = before.past(e)
		return after, r.store(ctx, log, e.group.Key, after)
	case e.group.Status() == alert.StatusResolved && !r.SendResolved:
		log.Debug("Resolved, which this receiver does not want to hear")
		after = before.next(e, nil, nil)
		return after, r.store(ctx, log, e.group.Key, after)
	}
	d := draft{entry: e, before: before}
	for attempt := 1; ; attempt++ {
		receipt, err := r.try(ctx, &d)
		if err == nil {
			took := time.Since(e.accepted)
			r.series.sent(took)
			log.Info("Sent", slog.String("status", e.group.Status()), slog.Int("attempt", attempt), slog.Duration("after", took))
			after = before.next(e, receipt, d.snapshot)
			return after, r.store(ctx, log, e.group.Key, after)
		}
		if ctx.Err() != nil {
			log.Info("Interrupted, goes on after the restart", slog.Int("attempt", attempt))
			return before, false
		}
		wait := Next(attempt, err, rand.Float64())
		r.series.failed(err)
		logFailure(log, attempt, err, wait)
		if !pause(ctx, wait) {
			return before, false
		}
	}
}

// draft is a message that is not yet sent. Its snapshot is taken once, with the first try.
type draft struct {
	entry    entry
	before   state
	looked   bool
	snapshot *diagnostics.Snapshot
}

// try makes one try. A panic below it is an error like any other.
func (r *run) try(ctx context.Context, d *draft) (receipt notifiers.Receipt, err error) {
	if err = r.sends.Acquire(ctx, 1); err != nil {
		return nil, fmt.Errorf("waiting for a turn: %w", err)
	}
	defer r.sends.Release(1)
	ctx, cancel := r.tryContext(ctx)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			err = &panicError{value: p, stack: debug.Stack()}
		}
	}()
	if !d.looked {
		d.looked = true // before looking: a Snapshotter that panics must not stop the message for ever
		d.snapshot = r.look(ctx, d.entry.group)
	}
	e := d.entry
	shown := e.group.Redact(r.Redact)
	content := r.Render(templates.Input{
		Group: shown, Snapshot: d.snapshot, AtFire: d.before.AtFire, Known: d.before.Known, Now: time.Now(),
	})
	return r.Sink.Notify(ctx, notifiers.Message{
		ID: r.id(e), Receiver: r.Receiver, Group: shown, Content: content, Snapshot: d.snapshot, Previous: d.before.Receipt,
	})
}

// look takes a snapshot of the agent that the whole group is about, or else of the agent of its first firing alert.
func (r *run) look(ctx context.Context, g alert.Group) *diagnostics.Snapshot {
	if r.Snapshots == nil {
		return nil
	}
	if s := r.Snapshots.Snapshot(ctx, g.CommonLabels()); s != nil || len(g.Alerts) == 1 {
		return s
	}
	return r.Snapshots.Snapshot(ctx, g.Lead().Labels)
}

// tryContext bounds a try by Limits.Try, and by Limits.Grace after the end of ctx.
func (r *run) tryContext(ctx context.Context) (context.Context, context.CancelFunc) {
	try, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.Limits.Try)
	stop := context.AfterFunc(ctx, func() {
		if pause(try, r.Limits.Grace) {
			cancel()
		}
	})
	return try, func() {
		stop()
		cancel()
	}
}

// id names a delivery. It is made of what stays the same over tries and restarts.
func (r *run) id(e entry) string {
	sum := sha256.Sum256([]byte(r.Cursor + "\x00" + e.group.Key))
	return fmt.Sprintf("%d-%x", e.seq, sum[:4])
}

func logFailure(log *slog.Logger, attempt int, err error, wait time.Duration) {
	level := slog.LevelWarn
	attrs := []slog.Attr{
		slog.Int("attempt", attempt), slog.String("reason", reason(err)), slog.Duration("again_in", wait),
		slog.Any("err", err),
	}
	if e, ok := errors.AsType[*notifiers.Error](err); ok && e.Permanent {
		level = slog.LevelError
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

// pause waits, and says whether it waited to the end.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
