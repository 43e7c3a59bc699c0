package journal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"
)

const (
	outcomeSubject = "outcomes"
	// outcomeWindow is how many messages of outcomes are read at once, on the way back from the newest.
	outcomeWindow = 32
)

// AddOutcomes stores outcomes, the newest last; they are on disk when it returns nil. They go to the disk together, so it costs
// one fsync however many they are, and together they may have 8 MiB. The oldest that there are make room. Outcomes matter less
// than all else: on a disk that Append would leave alone nothing is stored.
func (j *Journal) AddOutcomes(ctx context.Context, outcomes [][]byte) error {
	if err := j.addOutcomes(ctx, outcomes); err != nil {
		return fmt.Errorf("storing %d outcomes: %w", len(outcomes), err)
	}
	return nil
}

func (j *Journal) addOutcomes(ctx context.Context, outcomes [][]byte) error {
	if len(outcomes) == 0 {
		return nil
	}
	if len(outcomes) > maxBatch {
		return fmt.Errorf("%d are the limit", maxBatch)
	}
	if err := j.enoughFree(j.opts.MinFree); err != nil {
		return err
	}
	var message []byte
	for _, o := range outcomes {
		message = appendRecord(message, o)
	}
	return j.put(ctx, outcomeSubject, message)
}

// Outcomes calls fn for every outcome that is kept, the newest first, with the time when it was stored. What is stored after the
// call has begun may be left out. It returns fn's error when fn returns one. What cannot be taken apart is logged and left out.
func (j *Journal) Outcomes(ctx context.Context, fn func(stored time.Time, outcome []byte) error) error {
	err := j.readOutcomes(ctx, fn)
	var stop *stopError
	if errors.As(err, &stop) {
		return stop.err
	}
	if err != nil {
		return fmt.Errorf("reading the outcomes: %w", err)
	}
	return nil
}

func (j *Journal) readOutcomes(ctx context.Context, fn func(time.Time, []byte) error) error {
	e, err := j.engine()
	if err != nil {
		return err
	}
	state, err := e.stateOf(ctx, outcomeStream)
	if err != nil || state.Msgs == 0 {
		return err
	}
	for last := state.LastSeq; last >= state.FirstSeq; {
		first := max(state.FirstSeq, last-min(last, outcomeWindow-1))
		messages, err := e.between(ctx, outcomeStream, first, last)
		if err != nil {
			return err
		}
		for _, m := range slices.Backward(messages) {
			outcomes, broken := splitMessage(m.data)
			if broken != nil {
				j.opts.Logger.Error("Outcomes cannot be read and are left out", slog.Uint64("message", m.number), slog.Any("err", broken))
			}
			for _, o := range slices.Backward(outcomes) {
				if stop := fn(m.time, o); stop != nil {
					return &stopError{stop}
				}
			}
		}
		last = first - 1
	}
	return nil
}

// between are the messages of a stream from one number to another that are still there.
func (e *engine) between(ctx context.Context, stream string, first, last uint64) (messages []message, err error) {
	for next := first; next <= last; {
		before := next
		err := e.fetch(ctx, stream, next, int(last-next+1), func(m message) error {
			if next = m.number + 1; m.number <= last {
				messages = append(messages, m)
			}
			return ctx.Err()
		})
		if err != nil {
			return nil, err
		}
		if next == before {
			break
		}
	}
	return messages, nil
}
