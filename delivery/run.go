package delivery

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/alertmanager/template"
	"golang.org/x/sync/semaphore"

	"github.com/alertvitals/notifier/alert"
)

// run is a Loop at work.
type run struct {
	Loop
	series   series
	progress progress
	saved    uint64 // the position on disk; only the saver uses it, and Run after the saver has ended

	// room bounds what waits, in bytes of JSON; sends bounds the tries that are under way.
	room, sends *semaphore.Weighted

	workers sync.WaitGroup
	mu      sync.Mutex
	queues  map[string][]entry // a group that is in the map has a worker
}

// entry is what one record tells this receiver.
type entry struct {
	seq      uint64
	accepted time.Time
	group    alert.Group
	weight   int64 // of room
}

// take puts a record into its group's queue. It blocks while too much waits.
func (r *run) take(ctx context.Context, rec Record) error {
	if rec.Missed > 0 {
		r.series.missed.Add(float64(rec.Missed))
		r.Logger.Error("Records were too old to be kept before they could be delivered",
			slog.Uint64("records", rec.Missed), slog.Uint64("before", rec.Seq))
	}
	n, err := alert.Decode(rec.Data)
	if err != nil {
		r.series.unreadable.Inc()
		r.Logger.Error("A record of the journal is no notification, skipping it",
			slog.Uint64("seq", rec.Seq), slog.Any("err", err))
	}
	// A notification without alerts, such as that of an unreadable record, gives no group.
	group, mine := n.Pick(func(a template.Alert) bool { return slices.Contains(r.Routes(a.Labels), r.Receiver) })
	if !mine {
		r.progress.skip(rec.Seq)
		return nil
	}
	e := entry{seq: rec.Seq, accepted: rec.Time, group: group, weight: r.weigh(rec.Data)}
	if err := r.room.Acquire(ctx, e.weight); err != nil {
		return fmt.Errorf("waiting for room: %w", err)
	}
	r.progress.begin(e.seq)
	r.series.pending.Inc()
	r.enqueue(ctx, e)
	return nil
}

// weigh makes one semaphore hold both bounds: a small record weighs as much as a share of Limits.Entries.
func (r *run) weigh(data []byte) int64 {
	share := r.Limits.Bytes / int64(r.Limits.Entries)
	return min(max(int64(len(data)), share, 1), r.Limits.Bytes)
}

func (r *run) enqueue(ctx context.Context, e entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := e.group.Key
	waiting, busy := r.queues[key]
	r.queues[key] = append(waiting, e)
	if !busy {
		r.workers.Go(func() { r.work(ctx, key) })
	}
}

// next takes the oldest entry of a group; when there is none it forgets the group, whose worker ends.
func (r *run) next(key string) (entry, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	waiting := r.queues[key]
	if len(waiting) == 0 {
		delete(r.queues, key)
		return entry{}, false
	}
	r.queues[key] = waiting[1:]
	return waiting[0], true
}

// work delivers what waits for one group, in order, until nothing does or ctx ends.
func (r *run) work(ctx context.Context, key string) {
	known, ok := r.load(ctx, key)
	for ok {
		e, more := r.next(key)
		if !more {
			return
		}
		if known, ok = r.deliver(ctx, e, known); ok {
			r.progress.settle(e.seq)
			r.series.pending.Dec()
			r.room.Release(e.weight)
		}
	}
}

func (r *run) saveOften(ctx context.Context) {
	tick := time.NewTicker(saveEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			r.save(ctx)
		}
	}
}

// save stores the position when it has moved. A position that could not be stored is stored later.
func (r *run) save(ctx context.Context) {
	position := r.progress.position()
	if position == r.saved {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
	defer cancel()
	if err := r.Journal.SetPosition(ctx, r.Cursor, position); err != nil {
		r.Logger.Error("The position could not be stored", slog.Uint64("seq", position), slog.Any("err", err))
		return
	}
	r.saved = position
}
