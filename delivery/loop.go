package delivery

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/alertvitals/notifier/diagnostics"
	"github.com/alertvitals/notifier/notifiers"
	"github.com/alertvitals/notifier/templates"
)

// Record is one record of the journal.
type Record struct {
	// Seq is its number; numbers only grow.
	Seq uint64
	// Time is when it was put on disk.
	Time time.Time
	// Data is a webhook's body.
	Data []byte
	// Missed is how many records right before this one the journal has dropped for their age.
	Missed uint64
}

// Journal is what a Loop needs of the durable log. What it stores is on disk when the call returns nil.
type Journal interface {
	// Read calls fn for each record after the number after, in order, and follows new ones until ctx ends.
	Read(ctx context.Context, after uint64, fn func(Record) error) error
	// Last is the number of the newest record.
	Last(ctx context.Context) (uint64, error)
	Position(ctx context.Context, cursor string) (seq uint64, ok bool, err error)
	SetPosition(ctx context.Context, cursor string, seq uint64) error
	State(ctx context.Context, cursor, group string) (value []byte, ok bool, err error)
	SetState(ctx context.Context, cursor, group string, value []byte) error
}

// Snapshotter looks at the agent that labels lead to, within a deadline of its own. It returns nil when no agent is
// configured for them.
type Snapshotter interface {
	Snapshot(ctx context.Context, labels map[string]string) *diagnostics.Snapshot
}

// Loop delivers to one sink of one receiver. Fields without a default are required.
type Loop struct {
	// Cursor names the loop in the journal. It has to stay the same over restarts and changes of the configuration: a
	// loop with a new name starts at the end of the journal.
	Cursor string
	// Receiver is the receiver's name, Integration the kind of the sink ("slack"). They are metrics labels.
	Receiver    string
	Integration string
	// SendResolved is whether people are told of a group that is resolved.
	SendResolved bool
	Journal      Journal
	// Redact are the labels whose values nobody is shown; routes and agents are found by them nonetheless.
	Redact []string
	// Routes gives the names of the receivers that an alert with these labels goes to.
	Routes func(labels map[string]string) []string
	// Snapshots is nil when no agent is configured.
	Snapshots Snapshotter
	Render    func(templates.Input) templates.Content
	Sink      notifiers.Notifier
	// Metrics are shared by all loops. Default: metrics that nobody sees.
	Metrics *Metrics
	// Logger's default is slog.Default().
	Logger *slog.Logger
	Limits Limits
}

// Limits bound what a Loop uses. The zero value has the defaults.
type Limits struct {
	// Sends is how many tries are under way at once. Default: 16.
	Sends int
	// Entries and Bytes (of the records' JSON) bound what waits in memory; beyond either the loop stops reading until
	// something is delivered. Defaults: 10,000 and 64 MiB.
	Entries int
	Bytes   int64
	// Try bounds one try, its snapshot included. Default: 30 s.
	Try time.Duration
	// Grace is how long a try that is under way may go on after the end of Run's context, because a try that is cut off
	// may be shown twice. Default: 5 s.
	Grace time.Duration
}

// saveEvery is how often a position that has moved is stored. A position that lags costs a few records that are read
// again and skipped, never a message.
const saveEvery = time.Second

// storeTimeout bounds one write to the journal that must not be cut off by the end of Run's context.
const storeTimeout = 5 * time.Second

func (l Loop) withDefaults() Loop {
	if l.Metrics == nil {
		l.Metrics = NewMetrics(nil)
	}
	if l.Logger == nil {
		l.Logger = slog.Default()
	}
	l.Logger = l.Logger.With(slog.String("receiver", l.Receiver), slog.String("integration", l.Integration))
	l.Limits.Sends = cmp.Or(l.Limits.Sends, 16)
	l.Limits.Entries = cmp.Or(l.Limits.Entries, 10_000)
	l.Limits.Bytes = cmp.Or(l.Limits.Bytes, 64<<20)
	l.Limits.Try = cmp.Or(l.Limits.Try, 30*time.Second)
	l.Limits.Grace = cmp.Or(l.Limits.Grace, 5*time.Second)
	return l
}

// Prepare gives a loop that the journal does not know its position: the end of the journal, so that a new receiver is not
// told of what is long over. Call it for every loop before the first webhook can be accepted: what is accepted after
// Prepare reaches the loop whatever happens.
func (l Loop) Prepare(ctx context.Context) error {
	_, err := l.position(ctx)
	return err
}

func (l Loop) position(ctx context.Context) (uint64, error) {
	seq, ok, err := l.Journal.Position(ctx, l.Cursor)
	if err != nil {
		return 0, fmt.Errorf("preparing the delivery to %s: %w", l.Cursor, err)
	}
	last, err := l.Journal.Last(ctx)
	if err != nil {
		return 0, fmt.Errorf("preparing the delivery to %s: %w", l.Cursor, err)
	}
	if ok && seq <= last {
		return seq, nil
	}
	if ok {
		l.withDefaults().Logger.Error("The journal ends before this receiver's position: its newest records were lost",
			slog.Uint64("position", seq), slog.Uint64("last", last))
	}
	seq = last
	if err = l.Journal.SetPosition(ctx, l.Cursor, seq); err != nil {
		return 0, fmt.Errorf("preparing the delivery to %s: %w", l.Cursor, err)
	}
	return seq, nil
}

// Run delivers until ctx ends, and then returns nil; it returns an error when the journal cannot be read any more.
// Nothing is lost by ending it: what was not settled is taken again by the next Run.
func (l Loop) Run(ctx context.Context) error {
	l = l.withDefaults()
	after, err := l.position(ctx)
	if err != nil {
		return err
	}
	work, cancel := context.WithCancel(ctx)
	defer cancel()
	r := &run{
		Loop:     l,
		series:   l.Metrics.of(l.Receiver, l.Integration),
		progress: progress{last: after},
		saved:    after,
		room:     semaphore.NewWeighted(l.Limits.Bytes),
		sends:    semaphore.NewWeighted(int64(l.Limits.Sends)),
		queues:   map[string][]entry{},
	}
	var saver sync.WaitGroup
	saver.Go(func() { r.saveOften(work) })

	err = l.Journal.Read(ctx, after, func(rec Record) error { return r.take(work, rec) })

	cancel()
	r.workers.Wait()
	saver.Wait()
	r.save(ctx)
	r.series.pending.Sub(float64(r.progress.waiting()))
	if ctx.Err() == nil {
		return fmt.Errorf("delivering to %s: %w", l.Cursor, err)
	}
	return nil
}
