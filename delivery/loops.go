package delivery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/alertvitals/notifier/notifiers"
	"github.com/alertvitals/notifier/templates"
)

const (
	// lastCall is how long after its removal a loop still takes what is accepted for it: a webhook that was routed just
	// before is on disk by then.
	lastCall = 30 * time.Second
	// lookEvery is how often a removed loop is looked at.
	lookEvery = time.Second
	// countEvery is how often the dead letters are counted, which age away by themselves.
	countEvery = time.Hour
)

// Loops are the loops that run. They change as a whole when the configuration does.
type Loops struct {
	journal Journal
	letters *letters
	// outcomes are what became of deliveries; writing begins their writer.
	outcomes *outcomes
	writing  sync.Once
	metrics  *Metrics
	logger   *slog.Logger

	// work ends when Run does.
	work    context.Context //nolint:containedctx // loops are begun by Apply and outlive it
	stop    context.CancelFunc
	running sync.WaitGroup
	failed  chan error

	// replaying has room for one Replay at a time: of two that have one letter told again, the second finds none.
	replaying chan struct{}
	applying  sync.Mutex // one Apply at a time
	mu        sync.Mutex
	loops     map[string]*member // by cursor
	redact    []string
}

// member is a loop that runs.
type member struct {
	run  *run
	stop context.CancelFunc
	// removed is when the configuration stopped to want it; zero while it does.
	removed time.Time
}

// NewLoops runs nothing yet.
func NewLoops(j Journal, metrics *Metrics, logger *slog.Logger) *Loops {
	ls := &Loops{
		journal: j, letters: &letters{journal: j, metrics: metrics}, outcomes: newOutcomes(j, metrics, logger), metrics: metrics, logger: logger,
		failed: make(chan error, 1), replaying: make(chan struct{}, 1), loops: map[string]*member{},
	}
	ls.work, ls.stop = context.WithCancel(context.Background())
	return ls
}

// Apply makes these the loops that run: what runs already under the same cursor goes on with the new settings, what is new
// starts at the end of the journal, and what is not wanted any more first delivers all that was accepted for it. It returns when
// every loop has its place in the journal: what is accepted from then on reaches it. An error means that nothing has changed.
func (ls *Loops) Apply(ctx context.Context, wanted []Loop) error {
	ls.applying.Lock()
	defer ls.applying.Unlock()
	places, last, err := ls.places(ctx, wanted)
	if err != nil {
		return fmt.Errorf("preparing the delivery: %w", err)
	}
	ls.mu.Lock()
	first := len(ls.loops) == 0
	ls.mu.Unlock()
	if first {
		if err := ls.letters.count(ctx, ls.logger); err != nil {
			return fmt.Errorf("preparing the delivery: %w", err)
		}
		wanted = append(wanted[:len(wanted):len(wanted)], ls.left(places, wanted)...)
	}

	ls.mu.Lock()
	defer ls.mu.Unlock()
	if ls.work.Err() != nil {
		return errors.New("preparing the delivery: it has ended")
	}
	ls.writing.Do(func() { ls.running.Go(func() { ls.outcomes.run(ls.work) }) })
	if len(wanted) > 0 {
		ls.redact = wanted[0].Redact
	}
	keep := map[string]bool{}
	for _, l := range wanted {
		keep[l.Cursor] = true
		m, runs := ls.loops[l.Cursor]
		if runs {
			m.run.change(l)
			m.removed = time.Time{}
			continue
		}
		ls.start(l, places[l.Cursor], last)
	}
	for cursor, m := range ls.loops {
		_, removed := m.run.settings.Load().Sink.(nobody)
		if m.removed.IsZero() && (!keep[cursor] || removed) {
			m.removed = time.Now()
			ls.running.Go(func() { ls.drain(cursor, m) })
		}
	}
	return nil
}

// places are the positions of all cursors, those of new ones included, which are on disk when it returns, and the number of the
// newest record.
func (ls *Loops) places(ctx context.Context, wanted []Loop) (places map[string]uint64, last uint64, err error) {
	if places, err = ls.journal.Positions(ctx); err != nil {
		return nil, 0, err
	}
	if last, err = ls.journal.Last(ctx); err != nil {
		return nil, 0, err
	}
	start := last
	if len(places) == 0 && last > 0 {
		oldest, err := ls.journal.Oldest(ctx)
		if err != nil {
			return nil, 0, err
		}
		start = min(last, max(oldest, 1)-1)
		ls.logger.Error("The journal has notifications and no positions: a part of it was lost. All that it has is delivered again",
			slog.Uint64("from", oldest))
	}
	for cursor, seq := range places {
		if seq > last {
			ls.logger.Error("The journal ends before a position: its newest records were lost",
				slog.String("cursor", cursor), slog.Uint64("position", seq), slog.Uint64("last", last))
			delete(places, cursor)
		}
	}
	for _, l := range wanted {
		if _, has := places[l.Cursor]; has {
			continue
		}
		if err := ls.journal.SetPosition(ctx, l.Cursor, start); err != nil {
			return nil, 0, err
		}
		places[l.Cursor] = start
	}
	return places, last, nil
}

// start begins a loop. The caller holds mu.
func (ls *Loops) start(l Loop, after, last uint64) {
	ctx, stop := context.WithCancel(ls.work)
	m := &member{run: newRun(l, after, last, ls.journal, ls.letters, ls.outcomes, ls.metrics, ls.logger), stop: stop}
	ls.loops[l.Cursor] = m
	ls.running.Go(func() {
		defer stop()
		if err := m.run.run(ctx); err != nil {
			select {
			case ls.failed <- err:
			default:
			}
		}
	})
}

// drain waits until a removed loop has delivered all that was accepted for it, then ends and forgets it.
func (ls *Loops) drain(cursor string, m *member) {
	ls.logger.Info("A receiver was removed: what was accepted for it is still delivered", slog.String("cursor", cursor))
	for pause(ls.work, lookEvery) {
		ls.mu.Lock()
		if m.removed.IsZero() {
			ls.mu.Unlock()
			return // it is wanted again
		}
		due := time.Since(m.removed) >= lastCall
		ls.mu.Unlock()
		if !due || !ls.caughtUp(m.run) {
			continue
		}
		ls.mu.Lock()
		again := m.removed.IsZero() || ls.loops[cursor] != m
		if !again {
			delete(ls.loops, cursor)
			m.stop()
		}
		ls.mu.Unlock()
		if again {
			return
		}
		ls.forget(cursor, m)
		return
	}
}

func (ls *Loops) caughtUp(r *run) bool {
	last, err := ls.journal.Last(ls.work)
	return err == nil && r.progress.position() >= last && !r.holds()
}

func (ls *Loops) forget(cursor string, m *member) {
	ls.applying.Lock()
	defer ls.applying.Unlock()
	ls.mu.Lock()
	_, again := ls.loops[cursor]
	ls.mu.Unlock()
	if again {
		return
	}
	m.run.ending.Wait()
	if err := ls.journal.Forget(ls.work, cursor); err != nil {
		ls.logger.Error("A removed receiver's position could not be dropped", slog.String("cursor", cursor), slog.Any("err", err))
		return
	}
	ls.dropMetrics(m.run.settings.Load())
	ls.logger.Info("A removed receiver has been told all that was accepted for it", slog.String("cursor", cursor))
}

// dropMetrics drops a removed loop's metrics, unless another integration of its kind shares them.
func (ls *Loops) dropMetrics(l *Loop) {
	for _, r := range ls.runs() {
		if other := r.settings.Load(); other.Receiver == l.Receiver && other.Integration == l.Integration {
			return
		}
	}
	ls.metrics.drop(l.Receiver, l.Integration)
}

// left are loops for cursors whose receiver was removed while nothing ran: what was accepted for them becomes dead letters.
func (ls *Loops) left(places map[string]uint64, wanted []Loop) (left []Loop) {
	known := map[string]bool{}
	var redact []string
	for _, l := range wanted {
		known[l.Cursor], redact = true, l.Redact
	}
	for cursor := range places {
		if known[cursor] {
			continue
		}
		receiver, integration := named(cursor)
		left = append(left, Loop{
			Cursor: cursor, Receiver: receiver, Integration: integration, SendResolved: true, Redact: redact, Sink: nobody{},
			Render: func(templates.Input) templates.Content { return templates.Content{} },
		})
	}
	return left
}

// Cursor is the name of the loop of a receiver's nth integration of a kind.
func Cursor(receiver, integration string, nth int) string {
	return fmt.Sprintf("%s/%s/%d", receiver, integration, nth)
}

// named are the receiver and the integration in a cursor. A receiver's name may hold anything, a slash too.
func named(cursor string) (receiver, integration string) {
	i := strings.LastIndexByte(cursor, '/')
	if i < 0 {
		return cursor, ""
	}
	receiver = cursor[:i]
	if i = strings.LastIndexByte(receiver, '/'); i < 0 {
		return receiver, ""
	}
	return receiver[:i], receiver[i+1:]
}

// nobody is the sink of a receiver that is no more.
type nobody struct{}

func (nobody) Notify(context.Context, notifiers.Message) (receipt notifiers.Receipt, err error) {
	return receipt, &notifiers.Error{Reason: reasonRemoved, Permanent: true, Err: errRemoved}
}

// Run waits until ctx ends, then stops every loop, and returns nil; it returns an error when a loop failed.
func (ls *Loops) Run(ctx context.Context) error {
	tick := time.NewTicker(countEvery)
	defer tick.Stop()
	var err error
	for open := true; open; {
		select {
		case <-ctx.Done():
			open = false
		case err = <-ls.failed:
			open = false
		case <-tick.C:
			ls.outcomes.recovered()
			if counting := ls.letters.count(ctx, ls.logger); counting != nil {
				ls.logger.Error("The dead letters could not be counted", slog.Any("err", counting))
			}
			for _, r := range ls.runs() {
				l := r.settings.Load()
				ls.metrics.letters.WithLabelValues(l.Receiver, l.Integration) // 0 is a number, too
			}
		}
	}
	ls.mu.Lock()
	ls.stop()
	ls.mu.Unlock()
	ls.running.Wait()
	return err
}
