package delivery

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/alertvitals/notifier/alert"
	"github.com/alertvitals/notifier/envelope"
)

// mostReplayed is how many of the notifications that were merged in a message are read to tell it once more: the newest.
const mostReplayed = 1000

// Replay has a delivery that is over told again. A dead letter takes its place among its group's messages, and is no dead letter
// any more when Replay returns. What was sent or suppressed is told beside them, marked as asked for, and changes nothing in them;
// who asks twice is told twice.
func (ls *Loops) Replay(ctx context.Context, id string) error {
	if err := ls.replay(ctx, id); err != nil {
		return fmt.Errorf("replaying %q: %w", id, err)
	}
	return nil
}

func (ls *Loops) replay(ctx context.Context, id string) error {
	if _, group, ok := parseID(id); ok && group == "" {
		return ErrWebhook
	}
	select {
	case ls.replaying <- struct{}{}:
		defer func() { <-ls.replaying }()
	case <-ctx.Done():
		return ctx.Err()
	}
	l, err := ls.letters.get(ctx, id)
	if errors.Is(err, ErrNotFound) {
		return ls.replayOver(ctx, id)
	}
	if err != nil {
		return err
	}
	record, err := ls.again(l)
	if err != nil {
		return err
	}
	seq, err := ls.journal.Append(ctx, record)
	if err != nil {
		return err
	}
	// A crash here leaves the letter: when it is replayed once more, its loop sees that it was told.
	if err := ls.letters.drop(ctx, l); err != nil {
		return fmt.Errorf("it will be told, but is still listed: %w", err)
	}
	ls.keepReplayed(l, seq)
	ls.logger.Info("A dead letter is told again", "delivery", id, "receiver", l.Receiver, "as", seq)
	return nil
}

// keepReplayed keeps what became of a dead letter. A crash may lose that: the message that it became says what it replays.
func (ls *Loops) keepReplayed(l letter, seq uint64) {
	if l.Told == nil {
		return // it could not be read, and is a notification like any other now
	}
	personal := ls.personal()
	o := outcome{head: head{Delivery: shown(l, personal), Cursor: l.Cursor, Records: l.Records}}
	o.Status, o.ShownBy, o.Settled = Suppressed, strconv.FormatUint(seq, 10), time.Now().UTC()
	o.Note = "a dead letter (" + l.Reason + "), replayed"
	o.Reason = ReasonReplayed
	o.Tries, o.Snapshot = l.Tries, l.Snapshot
	o.Group, o.LeftOut = kept(l.Told.Redact(personal))
	if sealed, err := o.seal(); err == nil {
		ls.outcomes.add(written{o.ID, sealed})
	}
}

// replayOver has told once more what was sent or suppressed.
func (ls *Loops) replayOver(ctx context.Context, id string) error {
	for _, r := range ls.runs() {
		if _, waits, _ := r.show(ctx, id); waits {
			return ErrNotDead
		}
	}
	o, err := ls.outcome(ctx, id)
	switch {
	case err != nil:
		return err
	case o.Reason == ReasonReplayed:
		return ErrReplayed
	case !ls.wants(o.Cursor):
		return ErrGoneIntegration
	}
	told, trace, err := ls.toldBy(ctx, o)
	if err != nil {
		return err
	}
	record, err := sealAgain(*told, o.Receiver, trace,
		envelope.Again{Delivery: o.ID, Cursor: o.Cursor, Accepted: o.Accepted, Asked: time.Now().UTC()})
	if err != nil {
		return err
	}
	seq, err := ls.journal.Append(ctx, record)
	if err != nil {
		return err
	}
	ls.logger.Info("A delivery is told once more", "delivery", o.ID, "receiver", o.Receiver, "as", seq)
	return nil
}

// toldBy is what an outcome's message told, as far as its notifications are in the journal still, and the traceparent of the newest one.
func (ls *Loops) toldBy(ctx context.Context, o outcome) (told *alert.Group, trace string, err error) {
	records := unpackRecords(o.Records)
	for _, seq := range records[max(0, len(records)-mostReplayed):] {
		rec, there, err := ls.journal.Get(ctx, seq)
		if err != nil {
			return nil, "", err
		}
		env, broken := envelope.Open(rec.Data)
		if !there || broken != nil {
			continue
		}
		g, broken := env.Group(o.Receiver)
		if broken != nil {
			continue
		}
		trace = cmp.Or(env.Trace, trace)
		newer := g
		if told != nil {
			newer = g.After(*told)
		}
		if told == nil || sizeOf(&newer) <= mostRecord {
			told = &newer
		} else {
			told = &g
		}
	}
	if told == nil {
		return nil, "", ErrGoneRecords
	}
	return told, trace, nil
}

// wants is whether the configuration has the loop of that cursor.
func (ls *Loops) wants(cursor string) bool {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	m, runs := ls.loops[cursor]
	return runs && m.removed.IsZero()
}

// again is the record that tells a dead letter again.
func (ls *Loops) again(l letter) ([]byte, error) {
	if l.Told == nil {
		return l.Record, ls.stillUnreadable(l.Record)
	}
	if !ls.wants(l.Cursor) {
		return nil, ErrGoneIntegration
	}
	return sealAgain(*l.Told, l.Receiver, l.Trace,
		envelope.Again{Delivery: l.ID, Cursor: l.Cursor, Reason: l.Reason, Accepted: l.Accepted})
}

// stillUnreadable is why a record cannot be told even now: a newer program may read what this one could not.
func (ls *Loops) stillUnreadable(record []byte) error {
	env, err := envelope.Open(record)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	for receiver := range env.To {
		if _, err := env.Group(receiver); err != nil {
			return fmt.Errorf("%w: %w", ErrUnreadable, err)
		}
	}
	return nil
}
