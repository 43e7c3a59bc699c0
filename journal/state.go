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

// A subject's tokens are hashes, because cursors and groups hold whatever a label holds.
const (
	stateSubjects    = "state.*.*"
	positionSubjects = "position.*"
	probeSubject     = "probe"
)

// Position is the sequence number up to which the reader called cursor has settled everything. ok is false when the
// cursor has never had a position.
func (j *Journal) Position(ctx context.Context, cursor string) (seq uint64, ok bool, err error) {
	data, ok, err := j.value(ctx, positionSubject(cursor))
	if err != nil || !ok {
		return 0, false, wrap(err, "reading the position of %q", cursor)
	}
	if len(data) != 8 {
		return 0, false, fmt.Errorf("reading the position of %q: it has %d bytes, want 8", cursor, len(data))
	}
	return binary.BigEndian.Uint64(data), true, nil
}

// SetPosition stores the position of cursor; it is on disk when SetPosition returns nil.
func (j *Journal) SetPosition(ctx context.Context, cursor string, seq uint64) error {
	return wrap(j.put(ctx, positionSubject(cursor), binary.BigEndian.AppendUint64(nil, seq)), "storing the position of %q", cursor)
}

// State is what SetState last stored for the group at cursor. ok is false when nothing was.
func (j *Journal) State(ctx context.Context, cursor, group string) (value []byte, ok bool, err error) {
	value, ok, err = j.value(ctx, stateSubject(cursor, group))
	return value, ok, wrap(err, "reading the state of a group at %q", cursor)
}

// SetState stores the state of a group at cursor in place of the one before; it is on disk when SetState returns nil.
func (j *Journal) SetState(ctx context.Context, cursor, group string, value []byte) error {
	return wrap(j.put(ctx, stateSubject(cursor, group), value), "storing the state of a group at %q", cursor)
}

// put does not even try on a disk that is nearly full: a stream that met a write error takes nothing more until the next
// start. It may use half of what Append leaves.
func (j *Journal) put(ctx context.Context, subject string, value []byte) error {
	if err := j.enoughFree(j.opts.MinFree / 2); err != nil {
		return err
	}
	_, err := j.js.Publish(ctx, subject, value)
	return err
}

func (j *Journal) value(ctx context.Context, subject string) ([]byte, bool, error) {
	msg, err := j.states.GetLastMsgForSubject(ctx, subject)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	return msg.Data, true, nil
}

func positionSubject(cursor string) string { return "position." + token(cursor) }

func stateSubject(cursor, group string) string { return "state." + token(cursor) + "." + token(group) }

// token is 128 bits of a hash: short, free of NATS's own characters, and without collisions that anyone could make.
func token(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:16])
}

func wrap(err error, doing, what string) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf(doing+": %w", what, err)
}
