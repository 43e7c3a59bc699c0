package journal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

const recordSubject = "webhooks"

// ErrGone says that a record is not in the journal: it passed Options.MaxAge, it was dropped to make room, or it never was.
var ErrGone = errors.New("the record is not in the journal")

// Journal is an open journal. Its methods are safe for concurrent use.
//
// When its store meets a write error, the journal starts the store again by itself, as often as it takes. Until that is
// done all that writes or asks fails at once; Read waits.
type Journal struct {
	opts  Options
	lock  *os.File
	acks  acks
	tail  tail
	queue queue
	// crowd has room for one wish to purge.
	crowd chan struct{}
	// crowded is whether the last purge left the records above the limit.
	crowded atomic.Bool
	purging sync.Mutex
	// refused is when NATS last left an Append without an answer (UnixNano), 0 once another Append was answered.
	refused atomic.Int64

	closing context.Context //nolint:containedctx // it ends with Close
	close   context.CancelCauseFunc
	work    sync.WaitGroup

	mu      sync.Mutex
	running *engine
	down    error
	changed chan struct{}
}

// Open opens the journal in opts.Dir, or makes it there. It fails when another process has the directory open, or when
// the directory cannot be written. ctx bounds the opening only.
func Open(ctx context.Context, opts Options) (*Journal, error) {
	opts, err := opts.withDefaults()
	if err != nil {
		return nil, err
	}
	if err = makeDir(opts.Dir); err != nil {
		return nil, fmt.Errorf("making the journal's directory %s: %w", opts.Dir, err)
	}
	j := &Journal{
		opts: opts, acks: acks{last: map[string]uint64{}},
		queue: queue{filled: make(chan struct{}, 1)}, crowd: make(chan struct{}, 1), changed: make(chan struct{}),
	}
	if j.lock, err = lockFile(filepath.Join(opts.Dir, "lock")); err != nil {
		return nil, err
	}
	j.closing, j.close = context.WithCancelCause(context.Background())
	e, err := startEngine(ctx, j.closing, opts, &j.acks, true)
	if err != nil {
		j.Close()
		return nil, fmt.Errorf("opening the journal in %s: %w", opts.Dir, err)
	}
	j.tail.reach(e.records.CachedInfo().State.LastSeq)
	j.setEngine(e, nil)
	j.work.Go(func() { j.mend(e) })
	j.work.Go(j.write)
	j.work.Go(j.makeRoom)
	return j, nil
}

// Close ends every Read and closes the journal. What still waits to be stored fails. What Append acknowledged is safe
// with or without Close. Calling it again does nothing.
func (j *Journal) Close() {
	j.close(errClosed)
	j.work.Wait()
	_ = j.lock.Close() // closing gives the lock back
}

// enoughFree is whether there is room, and a place to write: NATS goes on writing to files that somebody has removed.
func (j *Journal) enoughFree(want uint64) error {
	free, err := freeBytes(rescue{j.opts.Dir}.messages())
	if errors.Is(err, fs.ErrNotExist) {
		return errors.New("its files were removed while it ran; put them back, or start the notifier again, which begins an empty journal")
	}
	if err != nil {
		return fmt.Errorf("asking for the free space on disk: %w", err)
	}
	if free < want {
		return fmt.Errorf("%d MiB are free on the disk, want at least %d MiB", free>>20, want>>20)
	}
	return nil
}

// recordsInfo asks for the state of the records' stream.
func (j *Journal) recordsInfo(ctx context.Context) (jetstream.StreamState, error) {
	e, err := j.engine()
	if err != nil {
		return jetstream.StreamState{}, err
	}
	return e.recordsState(ctx)
}

func (e *engine) recordsState(ctx context.Context) (jetstream.StreamState, error) {
	return e.stateOf(ctx, recordStream)
}

// stateOf asks for the state of a stream.
func (e *engine) stateOf(ctx context.Context, name string) (jetstream.StreamState, error) {
	ctx, cancel := e.bound(ctx)
	defer cancel()
	stream, err := e.js.Stream(ctx, name)
	if err != nil {
		return jetstream.StreamState{}, e.explain(err)
	}
	return stream.CachedInfo().State, nil
}

// Last is the number of the newest record, 0 when there never was one.
func (j *Journal) Last(ctx context.Context) (uint64, error) {
	state, err := j.recordsInfo(ctx)
	if err != nil {
		return 0, fmt.Errorf("asking the journal for its newest record: %w", err)
	}
	if state.LastSeq == 0 {
		return 0, nil
	}
	return number(state.LastSeq, 0, 1), nil
}

// Oldest is the number of the oldest record that is kept. When none is kept it is above the number of every record that
// there was and not above that of any to come.
func (j *Journal) Oldest(ctx context.Context) (uint64, error) {
	oldest, err := j.oldest(ctx)
	if err != nil {
		return 0, fmt.Errorf("asking the journal for its oldest record: %w", err)
	}
	return oldest, nil
}

func (j *Journal) oldest(ctx context.Context) (uint64, error) {
	e, err := j.engine()
	if err != nil {
		return 0, err
	}
	ctx, cancel := e.bound(ctx)
	defer cancel()
	oldest := uint64(0)
	err = e.fetch(ctx, recordStream, 1, 1, func(m message) error {
		records, _ := splitMessage(m.data)
		oldest = number(m.number, 0, max(1, len(records)))
		return nil
	})
	if err != nil || oldest > 0 {
		return oldest, err
	}
	state, err := e.recordsState(ctx)
	return number(state.LastSeq+1, 0, maxBatch), err
}

// Get returns the record with the number seq, or ErrGone. Its Missed is 0.
func (j *Journal) Get(ctx context.Context, seq uint64) (Record, error) {
	r, err := j.get(ctx, seq)
	if err != nil {
		return Record{}, fmt.Errorf("reading record %d: %w", seq, err)
	}
	return r, nil
}

func (j *Journal) get(ctx context.Context, seq uint64) (found Record, err error) {
	e, err := j.engine()
	if err != nil {
		return Record{}, err
	}
	ctx, cancel := e.bound(ctx)
	defer cancel()
	err = e.fetch(ctx, recordStream, max(1, messageOf(seq)), 1, func(m message) error {
		for _, r := range j.recordsOf(m) {
			if r.Seq == seq {
				found = r
				found.Data = bytes.Clone(r.Data)
			}
		}
		return nil
	})
	if err == nil && found.Seq == 0 {
		err = ErrGone
	}
	return found, err
}

// Check says whether the journal can be written now, by writing a few bytes beside the records. It costs one fsync.
func (j *Journal) Check(ctx context.Context) error {
	if err := j.check(ctx); err != nil {
		return fmt.Errorf("checking the journal: %w", err)
	}
	return nil
}

func (j *Journal) check(ctx context.Context) error {
	e, err := j.engine()
	if err != nil {
		return err
	}
	if err = j.enoughFree(j.opts.MinFree); err != nil {
		return err
	}
	// The probe goes to another file, so it says little about the records' own.
	if at := j.refused.Load(); at != 0 && time.Since(time.Unix(0, at)) < time.Minute {
		return errors.New("the disk did not take the newest record")
	}
	full, err := j.full(ctx, e)
	if err == nil && full {
		if err = j.purge(ctx, e); err == nil {
			full, err = j.full(ctx, e)
		}
	}
	if err != nil {
		return err
	}
	if full {
		return fmt.Errorf("its %d MiB are full", j.opts.MaxBytes>>20)
	}
	return j.put(ctx, probeSubject, nil)
}

// full is whether the next large record may find no room.
func (j *Journal) full(ctx context.Context, e *engine) (bool, error) {
	state, err := e.recordsState(ctx)
	return state.Bytes+min(maxMessage, uint64(j.opts.MaxBytes)/4) > uint64(j.opts.MaxBytes), err
}
