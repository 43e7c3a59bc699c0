package journal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
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
	Data []byte
	// Missed is how many records right before this one are gone, because they passed Options.MaxAge before they were
	// read. It is 0 in any healthy system.
	Missed uint64
}

const (
	// fetchSize is how many records wait in memory for a slow reader.
	fetchSize = 16
	// idleLife is how long NATS remembers a reader that asks for nothing. A slower one is set up again where it was.
	idleLife = time.Minute
	// readPause is how long a reader waits before it starts again after an error.
	readPause = 500 * time.Millisecond
)

// Read calls fn for every record after the sequence number after, one at a time and in order, and goes on with new ones
// as they come. fn may take as long as it likes. Read returns nil when ctx ends, the error of fn when it returns one, and
// an error when the journal is closed; it gets over all other troubles by itself.
func (j *Journal) Read(ctx context.Context, after uint64, fn func(Record) error) error {
	r := reader{records: j.records, last: after, fn: fn}
	if last, err := j.Last(ctx); err == nil && last < after {
		// Only damage to the files can do this. Waiting for the number to come round would lose what comes until then.
		j.opts.Logger.Error("The journal ends before the position of a reader, which goes on from the end",
			slog.Uint64("position", after), slog.Uint64("last", last))
		r.last = last
	}
	for {
		trouble := r.follow(ctx)
		var stop *stopError
		if errors.As(trouble, &stop) {
			return stop.err
		}
		if ctx.Err() == nil && j.conn.IsClosed() {
			return fmt.Errorf("reading the journal: %w", nats.ErrConnectionClosed)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(readPause):
			j.opts.Logger.Debug("Reading the journal again", slog.Uint64("after", r.last), slog.Any("err", trouble))
		}
	}
}

// stopError carries the error of the caller's function through follow.
type stopError struct{ err error }

func (e *stopError) Error() string { return e.err.Error() }

type reader struct {
	records jetstream.Stream
	fn      func(Record) error
	// last is the newest record that fn has seen.
	last uint64
	// delivered is how many records the NATS consumer has handed out.
	delivered uint64
}

// follow reads through one NATS consumer until something ends it. The consumer lives in memory and keeps no acks: the
// position belongs to the reader.
func (r *reader) follow(ctx context.Context) error {
	consumer, err := r.records.CreateConsumer(ctx, jetstream.ConsumerConfig{
		DeliverPolicy:     jetstream.DeliverByStartSequencePolicy,
		OptStartSeq:       r.last + 1,
		AckPolicy:         jetstream.AckNonePolicy,
		MemoryStorage:     true,
		InactiveThreshold: idleLife,
	})
	if err != nil {
		return fmt.Errorf("making a consumer: %w", err)
	}
	defer func() {
		// Best effort: NATS forgets an idle consumer by itself.
		forget, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = r.records.DeleteConsumer(forget, consumer.CachedInfo().Name)
	}()
	r.delivered = 0
	for {
		if err := r.fetch(ctx, consumer); err != nil {
			return err
		}
	}
}

// fetch asks for the next few records and hands them over as they come. Asking only when all were handled is what keeps a
// slow reader's memory bounded.
func (r *reader) fetch(ctx context.Context, consumer jetstream.Consumer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	batch, err := consumer.Fetch(fetchSize, jetstream.FetchContext(ctx))
	if err != nil {
		return fmt.Errorf("asking for records: %w", err)
	}
	for msg := range batch.Messages() {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		meta, err := msg.Metadata()
		if err != nil {
			return fmt.Errorf("reading a record's metadata: %w", err)
		}
		if r.delivered++; meta.Sequence.Consumer != r.delivered {
			return fmt.Errorf("delivery %d came, want %d: one was lost between NATS and here", meta.Sequence.Consumer, r.delivered)
		}
		record := Record{
			Seq: meta.Sequence.Stream, Time: meta.Timestamp, Data: msg.Data(),
			Missed: meta.Sequence.Stream - r.last - 1,
		}
		if err := r.fn(record); err != nil {
			return &stopError{err}
		}
		r.last = record.Seq
	}
	if err := batch.Error(); err != nil {
		return fmt.Errorf("receiving records: %w", err)
	}
	return nil
}
