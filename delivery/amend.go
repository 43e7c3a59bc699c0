package delivery

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/alertvitals/notifier/alert"
	"github.com/alertvitals/notifier/diagnostics"
	"github.com/alertvitals/notifier/notifiers"
)

// amendment is what completes a group's last message: a snapshot that was not ready for it in time. It is a kindness and no
// promise: a crash, newer news of the group or a sink in trouble end it.
type amendment struct {
	folded

	id string
	// seq is the newest entry of the message that is completed, by which the group takes its turn.
	seq uint64
	// snapshot is nil until it is there.
	snapshot *diagnostics.Snapshot
	// outcome is what became of the message.
	outcome outcome
}

// amendLater completes what was just told when its snapshot missed the deadline. It does not wait for that.
func (r *run) amendLater(l *Loop, g *group, f folded, d draft, seq uint64, o outcome) {
	first := g.snapshot
	r.mu.Lock()
	g.amends = nil
	if first != nil && first.Unfinished && f.known.Status == alert.StatusFiring {
		g.amends = &amendment{folded: f, id: d.id + "-vitals", seq: seq, outcome: o}
	}
	a := g.amends
	r.mu.Unlock()
	if a == nil {
		return
	}
	r.workers.Go(func() {
		later := r.lookLater(l, a.group)
		r.mu.Lock()
		defer r.mu.Unlock()
		switch {
		case g.amends != a: // newer news were told
		case later == nil || !tellsMore(first, later):
			g.amends = nil
			if g.place == looking {
				delete(r.groups, g.key)
			}
		default:
			a.snapshot = later
			if r.ended {
				return
			}
			if g.place == delayed && g.rests {
				g.timer.Stop()
				g.place = looking
			}
			if g.place == looking {
				r.ready.add(g)
				r.dispatch()
			}
		}
	})
}

func (r *run) lookLater(l *Loop, g *alert.Group) (s *diagnostics.Snapshot) {
	defer func() {
		if p := recover(); p != nil {
			r.logger.Error("Looking at an agent once more failed", slog.Any("err", &panicError{value: p}))
			s = nil
		}
	}()
	return look(r.work, *g, l.Snapshots.SnapshotLater)
}

// tellsMore is whether the later snapshot has an answer that the first one lacks.
func tellsMore(first, later *diagnostics.Snapshot) bool {
	answered := func(c *diagnostics.Check) bool { return c != nil && c.StatusCode != 0 }
	return later.Metrics.OK && !first.Metrics.OK || len(later.Vitals) > len(first.Vitals) ||
		answered(later.Health) && !answered(first.Health) || answered(later.Ready) && !answered(first.Ready)
}

// amend completes the group's last message when that can be done by now. It is tried once.
func (r *run) amend(ctx context.Context, l *Loop, g *group) {
	r.mu.Lock()
	a := g.amends
	if a == nil || a.snapshot == nil {
		r.mu.Unlock()
		return
	}
	g.amends = nil
	r.mu.Unlock()
	log := r.logOf(a.id, a.newestTrace())
	g.lookedFor, g.lookedAt, g.snapshot = a.id, time.Now(), a.snapshot
	receipt, err := r.try(ctx, l, g, draft{folded: a.folded, id: a.id, before: g.state, amends: true})
	if err != nil {
		log.Info("The vitals came late and could not be added", slog.Any("err", err))
		if e, ok := errors.AsType[*notifiers.Error](err); ok && e.Reason == notifiers.RateLimited && !e.Partly {
			r.keepCalm(wish(err))
		}
		return
	}
	after := g.state
	after.Receipt = receipt
	if after.AtFire != nil && after.AtFire.Unfinished {
		after.AtFire = a.snapshot
	}
	a.outcome.Snapshot, a.outcome.Note = a.snapshot, "completed with vitals that came late"
	if r.settle(ctx, g, after, nil, a.outcome) {
		log.Info("Completed with vitals that came late", slog.Duration("after", time.Since(a.snapshot.TakenAt)))
	}
}
