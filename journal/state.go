package journal

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
)

// A subject's tokens are hashes, because cursors, groups and letters are called whatever a label says.
const (
	stateSubjects    = "state.*.*"
	positionSubjects = "position.*"
	letterSubjects   = "letter.*"
	probeSubject     = "probe"
)

// Positions returns, for each cursor that has one, the number of the record up to which it has settled everything.
func (j *Journal) Positions(ctx context.Context) (map[string]uint64, error) {
	e, err := j.engine()
	if err != nil {
		return nil, fmt.Errorf("reading the positions: %w", err)
	}
	positions, err := e.allPositions(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the positions: %w", err)
	}
	return positions, nil
}

func (e *engine) allPositions(ctx context.Context) (map[string]uint64, error) {
	positions := map[string]uint64{}
	err := e.each(ctx, e.positions, positionSubjects, func(value []byte) error {
		if len(value) < 8 {
			return fmt.Errorf("a position has %d bytes, want 8 and a name", len(value))
		}
		positions[string(value[8:])] = binary.BigEndian.Uint64(value)
		return nil
	})
	return positions, err
}

// SetPosition stores the position of cursor; it is on disk when SetPosition returns nil.
func (j *Journal) SetPosition(ctx context.Context, cursor string, seq uint64) error {
	value := append(binary.BigEndian.AppendUint64(nil, seq), cursor...)
	if err := j.put(ctx, positionSubject(cursor), value); err != nil {
		return fmt.Errorf("storing the position of %q: %w", cursor, err)
	}
	if j.crowded.Load() {
		j.wantRoom()
	}
	return nil
}

// State is what SetState last stored for the group at cursor. ok is false when nothing was, or Options.StateAge ago.
func (j *Journal) State(ctx context.Context, cursor, group string) (value []byte, ok bool, err error) {
	value, ok, err = j.value(ctx, stateStream, stateSubject(cursor, group))
	if err != nil {
		return nil, false, fmt.Errorf("reading the state of a group at %q: %w", cursor, err)
	}
	return value, ok, nil
}

// SetState stores the state of a group at cursor in place of the one before; it is on disk when SetState returns nil.
func (j *Journal) SetState(ctx context.Context, cursor, group string, value []byte) error {
	if err := j.put(ctx, stateSubject(cursor, group), value); err != nil {
		return fmt.Errorf("storing the state of a group at %q: %w", cursor, err)
	}
	return nil
}

// States calls fn for what SetState last stored for each group at cursor, in the order in which that was stored. What is stored meanwhile
// may come, too.
func (j *Journal) States(ctx context.Context, cursor string, fn func(value []byte) error) error {
	e, err := j.engine()
	if err == nil {
		err = e.each(ctx, e.states, "state."+token(cursor)+".*", fn)
	}
	if err != nil {
		return fmt.Errorf("reading the states of the groups at %q: %w", cursor, err)
	}
	return nil
}

// Forget drops the position of cursor and all of its states. The position goes last: until all is done, Positions names
// the cursor and Forget can be called again. It is no error when nothing is there.
func (j *Journal) Forget(ctx context.Context, cursor string) error {
	err := j.drop(ctx, stateStream, "state."+token(cursor)+".*")
	if err == nil {
		err = j.drop(ctx, positionStream, positionSubject(cursor))
	}
	if err != nil {
		return fmt.Errorf("forgetting %q: %w", cursor, err)
	}
	return nil
}

// put stores a value in place of the one before. It does not even try on a disk that is nearly full, but may use half of
// what Append leaves. When ctx ends first, the value may be stored all the same.
func (j *Journal) put(ctx context.Context, subject string, value []byte) error {
	if len(value) > maxRecord {
		return fmt.Errorf("the value has %d bytes, %d are the limit", len(value), maxRecord)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	e, err := j.engine()
	if err != nil {
		return err
	}
	if err = j.enoughFree(j.opts.MinFree / 2); err != nil {
		return err
	}
	// The caller does not wait longer than it likes, but NATS gets its time to answer.
	done := make(chan error, 1)
	go func() {
		_, unstored := e.publish(subject, value)
		done <- unstored
	}()
	select {
	case err = <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (j *Journal) value(ctx context.Context, stream, subject string) ([]byte, bool, error) {
	e, err := j.engine()
	if err != nil {
		return nil, false, err
	}
	ctx, cancel := e.bound(ctx)
	defer cancel()
	msg, err := e.stream(stream).GetLastMsgForSubject(ctx, subject)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, e.explain(err)
	}
	return msg.Data, true, nil
}

func (j *Journal) drop(ctx context.Context, stream, subjects string) error {
	e, err := j.engine()
	if err != nil {
		return err
	}
	ctx, cancel := e.bound(ctx)
	defer cancel()
	return e.explain(e.stream(stream).Purge(ctx, jetstream.WithPurgeSubject(subjects)))
}

// each calls fn for every value in a stream that keeps one for each subject, in the order in which they were stored. A
// value that is replaced meanwhile comes once more, so none is left out.
func (e *engine) each(ctx context.Context, stream jetstream.Stream, subjects string, fn func([]byte) error) error {
	for from := uint64(1); ; {
		msg, err := e.nextValue(ctx, stream, subjects, from)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			return nil
		}
		if err != nil {
			return e.explain(err)
		}
		if err = fn(msg.Data); err != nil {
			return err
		}
		from = msg.Sequence + 1
	}
}

func (e *engine) nextValue(
	ctx context.Context, stream jetstream.Stream, subjects string, from uint64,
) (*jetstream.RawStreamMsg, error) {
	ctx, cancel := e.bound(ctx)
	defer cancel()
	return stream.GetMsg(ctx, from, jetstream.WithGetMsgSubject(subjects))
}

func (e *engine) stream(name string) jetstream.Stream {
	switch name {
	case positionStream:
		return e.positions
	case letterStream:
		return e.letters
	default:
		return e.states
	}
}

func positionSubject(cursor string) string { return "position." + token(cursor) }

func stateSubject(cursor, group string) string { return "state." + token(cursor) + "." + token(group) }

// token is 128 bits of a hash: short, free of NATS's own characters, and without collisions that anyone could make.
func token(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:16])
}
