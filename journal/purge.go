package journal

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/nats-io/nats.go/jetstream"
)

// wantRoom asks for a purge and does not wait for it.
func (j *Journal) wantRoom() {
	select {
	case j.crowd <- struct{}{}:
	default:
	}
}

// makeRoom purges whenever somebody asks for it, until the journal is closed.
func (j *Journal) makeRoom() {
	for {
		select {
		case <-j.closing.Done():
			return
		case <-j.crowd:
		}
		if e, err := j.engine(); err == nil {
			e.room(j)
		}
	}
}

// room purges, and is whether that went well.
func (e *engine) room(j *Journal) bool {
	err := j.purge(e.life, e)
	if err != nil && j.closing.Err() == nil {
		j.opts.Logger.Warn("Settled records could not be dropped to make room", slog.Any("err", err))
	}
	return err == nil
}

// purge drops the oldest messages when the records take more than 3/4 of Options.MaxBytes, until half of it is free or
// only messages are left that some cursor has not settled. Without any cursor nothing is settled.
func (j *Journal) purge(ctx context.Context, e *engine) error {
	j.purging.Lock()
	defer j.purging.Unlock()
	half := uint64(j.opts.MaxBytes) / 2
	state, err := e.recordsState(ctx)
	if err != nil || state.Bytes <= half+half/2 {
		j.crowded.Store(false)
		return err
	}
	j.crowded.Store(true)
	settled, err := e.settled(ctx)
	if err != nil {
		return fmt.Errorf("purging the journal: %w", err)
	}
	// NATS keeps the number of the newest message only as long as there is a message.
	settled = min(settled, state.LastSeq)
	if settled <= state.FirstSeq {
		return nil
	}
	step := max(100, (settled-state.FirstSeq)/16)
	for keep := state.FirstSeq; state.Bytes > half && keep < settled; {
		keep = min(keep+step, settled)
		if err = e.dropBefore(ctx, keep); err == nil {
			state, err = e.recordsState(ctx)
		}
		if err != nil {
			return fmt.Errorf("purging the journal: %w", err)
		}
	}
	j.crowded.Store(state.Bytes > half+half/2)
	j.opts.Logger.Debug("The journal dropped records that are settled, to make room",
		slog.Uint64("oldest_message", state.FirstSeq), slog.Uint64("bytes", state.Bytes))
	return nil
}

// settled is the first message that some cursor may still need, 0 when there is no cursor.
func (e *engine) settled(ctx context.Context) (uint64, error) {
	positions, err := e.allPositions(ctx)
	if err != nil || len(positions) == 0 {
		return 0, err
	}
	lowest := ^uint64(0)
	for _, seq := range positions {
		lowest = min(lowest, seq)
	}
	return messageOf(lowest), nil
}

func (e *engine) dropBefore(ctx context.Context, message uint64) error {
	ctx, cancel := e.bound(ctx)
	defer cancel()
	return e.explain(e.records.Purge(ctx, jetstream.WithPurgeSequence(message)))
}
