package delivery

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"
)

const (
	// saveEvery is how often a position that has moved is stored. A position that lags costs a few records that are read
	// again and skipped, never a message. It is also how exactly a fallback's time is kept.
	saveEvery = time.Second
	// storeTimeout bounds one write to the journal that must not be cut off by the end of the run.
	storeTimeout = 5 * time.Second
)

// run is a loop at work. One goroutine reads; groups whose turn it is have a worker each, as many as Limits.Sends allows.
type run struct {
	cursor   string
	settings atomic.Pointer[Loop] // a change of the configuration replaces it
	journal  Journal
	letters  *letters
	outcomes *outcomes
	series   series
	logger   *slog.Logger
	progress progress
	saved    uint64 // the position on disk; only the saver uses it, and run after the saver has ended

	packer packer
	// room is for records that are kept in memory, in bytes; places is for entries that wait.
	room, places *semaphore.Weighted

	work    context.Context //nolint:containedctx // timers begin work, and that has no other caller
	workers sync.WaitGroup
	ending  sync.WaitGroup // done when run has returned

	mu     sync.Mutex
	ended  bool
	groups map[string]*group
	ready  ready
	// reread is the newest record when the run began. Nothing is told before all up to it is read: a message that was told just
	// before a crash may have merged all of it, and people must not be told a part of it afterwards.
	reread uint64
	behind bool
	// busy is how many workers try, retrying how many of them a message that has failed before.
	busy, retrying int
	// handing is how many groups are being handed over.
	handing int
	// spare is how many times the sink may be asked that were counted by turns which did not ask it.
	spare int
	// sought is whether all groups that hold something are among groups.
	sought bool
	// calm is when the sink may be asked again after it said that we are too fast.
	calm      time.Time
	calmTimer *time.Timer
	// paced is calm when it is for the pace alone.
	paced time.Time
	// lastFailure is the newest failed try, for Receivers.
	lastFailure *Failure
}

// newRun makes a run that goes on after a position in a journal that ends with the record last.
func newRun(l Loop, after, last uint64, j Journal, lt *letters, os *outcomes, m *Metrics, logger *slog.Logger) *run {
	settings := withDefaults(l)
	r := &run{
		cursor:   l.Cursor,
		journal:  j,
		letters:  lt,
		outcomes: os,
		series:   m.of(l.Receiver, l.Integration),
		logger:   logger.With(slog.String("receiver", l.Receiver), slog.String("integration", l.Integration)),
		progress: progress{last: after},
		saved:    after,
		reread:   last,
		behind:   last > after,
		room:     semaphore.NewWeighted(settings.Limits.Bytes),
		places:   semaphore.NewWeighted(int64(settings.Limits.Entries)),
		groups:   map[string]*group{},
	}
	r.settings.Store(settings)
	r.ending.Add(1)
	return r
}

// change replaces the settings: what is under way goes on with the old ones. What rests is looked at again, for it may be muted no more.
func (r *run) change(l Loop) {
	r.settings.Store(withDefaults(l))
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, g := range r.groups {
		if g.place == delayed && g.rests {
			g.timer.Stop()
			r.ready.add(g)
		}
	}
	r.dispatch()
}

// run delivers until ctx ends, and then returns nil; it returns an error when the journal cannot be read any more. Nothing is
// lost by ending it: what was not settled is taken again by the next run.
func (r *run) run(ctx context.Context) error {
	defer r.ending.Done()
	work, cancel := context.WithCancel(ctx)
	defer cancel()
	r.work = work
	var saver sync.WaitGroup
	saver.Go(func() { r.saveOften(work) })
	saver.Go(func() { r.seekHeld(work) })

	err := r.journal.Read(ctx, r.saved, func(rec Record) error {
		err := r.take(work, rec)
		if rec.Seq >= r.reread {
			r.catchUp()
		}
		return err
	})

	cancel()
	r.end()
	r.workers.Wait()
	saver.Wait()
	r.save(ctx)
	r.series.pending.Sub(float64(r.progress.waiting()))
	r.forgetHeld()
	if ctx.Err() == nil {
		return fmt.Errorf("delivering to %s: %w", r.cursor, err)
	}
	return nil
}

// end keeps timers from beginning anything.
func (r *run) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended = true
	for _, g := range r.groups {
		if g.timer != nil {
			g.timer.Stop()
		}
	}
	if r.calmTimer != nil {
		r.calmTimer.Stop()
	}
}

// take puts a record into its group's queue. It blocks while too much waits.
func (r *run) take(ctx context.Context, rec Record) error {
	if rec.Missed > 0 {
		r.series.missed.Add(float64(rec.Missed))
		r.logger.Error("Records were too old to be kept before they could be delivered",
			slog.Uint64("records", rec.Missed), slog.Uint64("before", rec.Seq))
	}
	e, key, severity, mine, err := r.settings.Load().open(rec)
	if err != nil {
		if !r.putAside(ctx, rec, err) {
			return ctx.Err()
		}
		r.progress.skip(rec.Seq)
		return nil
	}
	if !mine {
		r.progress.skip(rec.Seq)
		return nil
	}
	// What is read again has no bound but the journal's own: nothing can be told before it is read.
	if e.placed = rec.Seq > r.reread; e.placed {
		if err := r.places.Acquire(ctx, 1); err != nil {
			return fmt.Errorf("waiting for room: %w", err)
		}
	}
	r.progress.begin(e.seq)
	r.series.pending.Inc()
	record := r.packer.pack(rec.Data)
	if weight := int64(len(record.data)); r.room.TryAcquire(weight) {
		e.record, e.weight = record, weight
	}
	r.enqueue(key, e, severity.Rank())
	return nil
}

func (r *run) enqueue(key string, e entry, rank int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	g, known := r.groups[key]
	if !known {
		g = &group{key: key}
		r.groups[key] = g
	}
	g.waiting = append(g.waiting, e)
	g.rank = rank
	inDoubt := !g.doubt.IsZero()
	g.doubt = time.Time{}
	switch {
	case !known:
		r.ready.add(g)
	case g.place == queued:
		r.ready.fix(g)
	case g.place == looking:
		r.ready.add(g)
	case g.place == delayed && (g.attempts == 0 || inDoubt):
		// It waits for a doubt to pass, which the new entry may do. A group whose try failed waits for its turn.
		g.timer.Stop()
		r.ready.add(g)
	}
	r.dispatch()
}

// catchUp lets the run tell what it has read.
func (r *run) catchUp() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.behind {
		r.behind = false
		r.dispatch()
	}
}

// dispatch gives groups to workers while both are there. The caller holds mu.
func (r *run) dispatch() {
	l := r.settings.Load()
	limits := l.Limits
	for !r.ended && !r.behind && r.busy < limits.Sends && !time.Now().Before(r.calm) {
		g := r.ready.take(r.retrying < max(1, limits.Sends/2))
		if g == nil {
			return
		}
		if r.spare > 0 {
			r.spare--
		} else if pause := l.tooFast(time.Now()); pause > 0 {
			r.ready.add(g)
			r.hold(pause)
			r.paced = r.calm
			return
		}
		retry := g.attempts > 0
		r.busy++
		if retry {
			r.retrying++
		}
		r.workers.Go(func() {
			after := r.turn(r.work, g)
			r.mu.Lock()
			defer r.mu.Unlock()
			r.busy--
			if l.Pace != nil && !g.asked {
				r.giveBack()
			}
			if retry {
				r.retrying--
			}
			r.putBack(g, after)
			r.dispatch()
		})
	}
}

// putBack puts a group where it belongs after its worker is done with it: nowhere when nothing waits, in a queue, with a timer,
// or aside until its agent was looked at. The caller holds mu.
func (r *run) putBack(g *group, pause time.Duration) {
	switch {
	case len(g.waiting) == 0 && g.amends == nil && g.held == nil:
		delete(r.groups, g.key)
	case len(g.waiting) == 0 && g.held == nil && g.amends.snapshot == nil:
		g.place = looking
	case pause <= 0:
		r.ready.add(g)
	case (!g.doubt.IsZero() || g.rests) && len(g.waiting) > 0 && g.newest().seq > g.heard:
		// It came meanwhile, and need not wait for the doubt, nor for the end of a mute.
		g.doubt = time.Time{}
		r.ready.add(g)
	case r.ended:
	default:
		g.unload()
		g.place, g.next = delayed, time.Now().Add(pause)
		g.timer = time.AfterFunc(pause, func() {
			r.mu.Lock()
			defer r.mu.Unlock()
			// The timer may have been stopped too late.
			if g.place == delayed && !time.Now().Before(g.next) && !r.ended {
				r.ready.add(g)
				r.dispatch()
			}
		})
	}
}

// giveBack lets another group ask the sink in the place of one that did not: what is muted, or was said already, must not slow down what
// is told. The caller holds mu.
func (r *run) giveBack() {
	r.spare++
	if r.calm.Equal(r.paced) {
		r.calm = time.Time{}
	}
}

// tooFast is how long the sink is to be left alone before it may be asked once more; 0 lets it be asked now, and counts that. A
// reservation that is cancelled would not do: what another loop reserves in between makes the limiter keep what was cancelled.
func (l *Loop) tooFast(now time.Time) time.Duration {
	if l.Pace == nil || l.Pace.AllowN(now, 1) {
		return 0
	}
	missing := 1 - l.Pace.TokensAt(now)
	return max(time.Nanosecond, time.Duration(math.Ceil(missing/float64(l.Pace.Limit())*float64(time.Second))))
}

// keepCalm keeps the whole sink from being asked for a while.
func (r *run) keepCalm(pause time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.hold(pause)
}

// hold is keepCalm for a caller that holds mu.
func (r *run) hold(pause time.Duration) {
	until := time.Now().Add(pause)
	if r.ended || !until.After(r.calm) {
		return
	}
	r.calm = until
	if r.calmTimer != nil {
		r.calmTimer.Stop()
	}
	r.calmTimer = time.AfterFunc(pause, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.dispatch()
	})
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
			r.handOverOverdue()
		}
	}
}

// save stores the position when it has moved. A position that could not be stored is stored later. The outcomes of what lies before
// it are stored first, if the journal takes them: what comes after it is read again after a crash, and gives its outcome then.
func (r *run) save(ctx context.Context) {
	position := r.progress.position()
	r.outcomes.flush(ctx)
	if position == r.saved {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
	defer cancel()
	if err := r.journal.SetPosition(ctx, r.cursor, position); err != nil {
		r.logger.Error("The position could not be stored", slog.Uint64("seq", position), slog.Any("err", err))
		return
	}
	r.saved = position
}

// insist tries something until it succeeds. It gives up only when ctx has ended, and then says false.
func (r *run) insist(ctx context.Context, doing string, what func() error) bool {
	for attempt := 1; ; attempt++ {
		err := what()
		if err == nil {
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		r.logger.Error(doing+" failed", slog.Int("attempt", attempt), slog.Any("err", err))
		if !pause(ctx, Next(attempt, err, rand.Float64())) {
			return false
		}
	}
}

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
