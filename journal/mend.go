package journal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

const (
	// firstPause is how long the journal waits before it starts its store again; the pause doubles up to longestPause
	// until something was stored.
	firstPause   = 100 * time.Millisecond
	longestPause = 5 * time.Second
)

var (
	errClosed = errors.New("the journal is closed")
	// errMending is why nothing works for the moment.
	errMending = errors.New("the journal is starting its store again")
)

// engine is the one that runs, or why none does.
func (j *Journal) engine() (*engine, error) {
	e, _, err := j.current()
	return e, err
}

// current returns the engine that runs, and a channel that is closed when that changes.
func (j *Journal) current() (*engine, <-chan struct{}, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closing.Err() != nil {
		return nil, j.changed, errClosed
	}
	if j.running == nil {
		return nil, j.changed, j.down
	}
	if cause := context.Cause(j.running.life); cause != nil { // mend is about to see it
		return nil, j.changed, fmt.Errorf("%w after: %w", errMending, cause)
	}
	return j.running, j.changed, nil
}

// await returns an engine as soon as there is one.
func (j *Journal) await(ctx context.Context) (*engine, error) {
	for {
		e, changed, err := j.current()
		if e != nil || errors.Is(err, errClosed) {
			return e, err
		}
		select {
		case <-changed:
		case <-j.closing.Done():
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (j *Journal) setEngine(e *engine, why error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.running = e
	j.down = nil
	if e == nil {
		j.down = fmt.Errorf("%w after: %w", errMending, why)
	}
	close(j.changed)
	j.changed = make(chan struct{})
}

// mend puts a new engine in the place of one that ended, again and again until the journal is closed.
func (j *Journal) mend(e *engine) {
	pause := firstPause
	for {
		<-e.life.Done()
		why := context.Cause(e.life)
		j.setEngine(nil, why)
		if j.closing.Err() == nil {
			j.opts.Logger.Error("The journal's store broke; it is started again", slog.Any("err", why))
		}
		e.stop()
		if e.served.Load() {
			pause = firstPause
		}
		for e = nil; e == nil; {
			select {
			case <-j.closing.Done():
				return
			case <-time.After(pause):
			}
			pause = min(2*pause, longestPause)
			if e, why = startEngine(j.closing, j.closing, j.opts, &j.acks, false); why != nil {
				j.opts.Logger.Error("The journal's store did not start; it is tried again", slog.Any("err", why))
				j.setEngine(nil, why)
			}
		}
		j.tail.reach(e.records.CachedInfo().State.LastSeq)
		j.setEngine(e, nil)
		j.opts.Logger.Info("The journal's store runs again")
	}
}
