package journal

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Record is one record of the log.
type Record struct {
	// Seq is the number that Append returned.
	Seq uint64
	// Time is when the record was stored.
	Time time.Time
	// Data is the reader's own.
	Data []byte
	// Missed is above 0 when records right before this one are gone unread, because they passed Options.MaxAge. It counts
	// a message that is gone as one, whatever it held, so it is a lower bound of the records. It is 0 in any healthy
	// system.
	Missed uint64
}

const (
	// fetchMessages and fetchBytes bound what waits in memory for a slow reader: the last message may go beyond.
	fetchMessages = 1024
	fetchBytes    = 1 << 20
	// readPause is how long a reader waits before it starts again after an error.
	readPause = 500 * time.Millisecond
)

// Read calls fn for every record after the number after, one at a time and in order, and goes on with new ones as they
// come. fn may take as long as it likes. Read returns nil when ctx ends, the error of fn when it returns one, and an
// error when the journal is closed; it gets over all other troubles by itself.
//
// What the journal cannot take apart is handed out as one record with the message's bytes as they are.
func (j *Journal) Read(ctx context.Context, after uint64, fn func(Record) error) error {
	r := reader{journal: j, last: after, fn: fn}
	for {
		e, err := j.await(ctx)
		if errors.Is(err, errClosed) && ctx.Err() == nil {
			return fmt.Errorf("reading the journal: %w", err)
		}
		if err != nil {
			return nil //nolint:nilerr // ctx ended
		}
		trouble := r.follow(ctx, e)
		var stop *stopError
		if errors.As(trouble, &stop) {
			return stop.err
		}
		if e.life.Err() != nil {
			continue // await knows what is next
		}
		select {
		case <-ctx.Done():
			return nil
		case <-j.closing.Done():
		case <-time.After(readPause):
			j.opts.Logger.Warn("A reader of the journal tries again", slog.Uint64("after", r.last), slog.Any("err", trouble))
		}
	}
}

// stopError carries the error of the caller's function through follow.
type stopError struct{ err error }

func (e *stopError) Error() string { return e.err.Error() }

type reader struct {
	journal *Journal
	fn      func(Record) error
	// last is the newest record that fn has seen.
	last uint64
	// started is whether last was compared with the end of the journal.
	started bool
}

// follow reads from an engine until something ends it.
func (r *reader) follow(ctx context.Context, e *engine) error {
	if err := r.begin(ctx, e); err != nil {
		return err
	}
	var read uint64 // the newest message that was asked for
	for {
		end, grown := r.journal.tail.end()
		if r.next() > end || read == end {
			select {
			case <-grown:
			case <-ctx.Done():
				return ctx.Err()
			case <-e.life.Done():
				return context.Cause(e.life)
			}
			continue
		}
		before := r.last
		if err := e.fetch(ctx, recordStream, r.next(), fetchMessages, r.take(ctx)); err != nil {
			return err
		}
		if r.last > before {
			continue
		}
		// There is a newer message, and none came: every message may have passed its age. Else the disk did not give it.
		state, err := e.recordsState(ctx)
		if err != nil {
			return err
		}
		if state.Msgs > 0 && state.LastSeq >= r.next() {
			return fmt.Errorf("message %d of the journal cannot be read", r.next())
		}
		read = end
	}
}

// begin compares the position with the end of the journal. Only damage to the files can put it beyond: waiting for the
// number to come round would lose what comes until then.
func (r *reader) begin(ctx context.Context, e *engine) error {
	if r.started {
		return nil
	}
	state, err := e.recordsState(ctx)
	if err != nil {
		return err
	}
	if last := number(state.LastSeq, 0, 1); state.LastSeq < messageOf(r.last) {
		r.journal.opts.Logger.Error("The journal ends before the position of a reader, which goes on from the end",
			slog.Uint64("position", r.last), slog.Uint64("last", last))
		r.last = last
	}
	r.started = true
	return nil
}

// next is the message that holds the next record.
func (r *reader) next() uint64 {
	if unreadAfter(r.last) == 0 {
		return messageOf(r.last) + 1
	}
	return max(1, messageOf(r.last))
}

// take hands the records of messages to the caller's function.
func (r *reader) take(ctx context.Context) func(message) error {
	return func(m message) error {
		missed := m.number - r.next()
		if seen := messageOf(r.last); missed > 0 && unreadAfter(r.last) > 0 && seen > 0 {
			missed += unreadAfter(r.last) - 1 // of a message that was read in part and is gone, the rest is known
		}
		for _, record := range r.journal.recordsOf(m) {
			if record.Seq <= r.last {
				continue
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
			record.Data = bytes.Clone(record.Data) // else one record that is kept holds its whole message in memory
			record.Missed, missed = missed, 0
			if err := r.fn(record); err != nil {
				return &stopError{err}
			}
			r.last = record.Seq
		}
		return nil
	}
}

// recordsOf takes a message apart. The records share its memory.
func (j *Journal) recordsOf(m message) []Record {
	parts, err := splitMessage(m.data)
	if err != nil {
		j.opts.Logger.Error("A message of the journal cannot be taken apart; it is handed out as one record",
			slog.Uint64("message", m.number), slog.Any("err", err))
		parts = [][]byte{m.data}
	}
	records := make([]Record, len(parts))
	for i, data := range parts {
		records[i] = Record{Seq: number(m.number, i, len(parts)), Time: m.time, Data: data}
	}
	return records
}

// message is one message of a stream.
type message struct {
	number uint64
	time   time.Time
	data   []byte
}

// fetch asks NATS for the messages of a stream from a number on, as many as there are within the limits, and calls fn for each as it
// comes. It reads without a consumer, which NATS would have to keep for each reader
// (https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-31.md).
func (e *engine) fetch(ctx context.Context, stream string, from uint64, limit int, fn func(message) error) error {
	inbox := nats.NewInbox()
	sub, err := e.reads.SubscribeSync(inbox)
	if err != nil {
		return fmt.Errorf("asking for records: %w", e.explain(err))
	}
	defer func() { _ = sub.Unsubscribe() }() // it fails on a closed connection only
	ask, err := json.Marshal(struct {
		Seq      uint64 `json:"seq"`
		Batch    int    `json:"batch"`
		MaxBytes int    `json:"max_bytes"`
	}{from, limit, fetchBytes})
	if err != nil {
		return fmt.Errorf("asking for records: %w", err)
	}
	if err = e.reads.PublishRequest("$JS.API.DIRECT.GET."+stream, inbox, ask); err != nil {
		return fmt.Errorf("asking for records: %w", e.explain(err))
	}
	var before string
	for {
		msg, err := e.receive(ctx, sub)
		if err != nil {
			return fmt.Errorf("receiving records: %w", e.explain(err))
		}
		switch status := msg.Header.Get("Status"); status {
		case "": // a message
		case "204", "404": // the end of the answer; nothing from there on
			return nil
		case "503":
			return fmt.Errorf("receiving records: %w", e.explain(nats.ErrNoResponders))
		default:
			return fmt.Errorf("receiving records: NATS says %s %s", status, msg.Header.Get("Description"))
		}
		m, err := parseMessage(msg)
		if err != nil {
			return fmt.Errorf("receiving records: %w", err)
		}
		if last := msg.Header.Get(jetstream.LastSequenceHeader); before != "" && last != before {
			return fmt.Errorf("receiving records: message %s was lost between NATS and here", last)
		}
		before = msg.Header.Get(jetstream.SequenceHeader)
		if err = fn(m); err != nil {
			return err
		}
	}
}

func (e *engine) receive(ctx context.Context, sub *nats.Subscription) (*nats.Msg, error) {
	if e.life.Err() != nil {
		return nil, context.Cause(e.life)
	}
	ctx, cancel := context.WithTimeout(ctx, e.opts.Timeout)
	defer cancel()
	stop := context.AfterFunc(e.life, cancel)
	defer stop()
	return sub.NextMsgWithContext(ctx)
}

func parseMessage(msg *nats.Msg) (m message, err error) {
	if m.number, err = strconv.ParseUint(msg.Header.Get(jetstream.SequenceHeader), 10, 64); err != nil {
		return message{}, fmt.Errorf("the message's number: %w", err)
	}
	if m.time, err = time.Parse(time.RFC3339Nano, msg.Header.Get(jetstream.TimeStampHeaer)); err != nil {
		return message{}, fmt.Errorf("the message's time: %w", err)
	}
	m.data = msg.Data
	return m, nil
}
