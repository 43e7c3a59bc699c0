package journal

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

const (
	// batchBytes is what one message takes, except when a single record is larger. A reader has at least one message in
	// memory.
	batchBytes = 1 << 20
	// queueRecords and queueBytes bound what waits for the message that is under way. So much waits only when the disk
	// stands still: then a caller that waits too would only hold its record in memory, where no bound counts it.
	queueRecords = 8192
	queueBytes   = 64 << 20
)

// With more callers than manyCallers, a message waits until half of them have come, or for gatherFor: one half is written while the
// other is on its way, and an fsync, which costs as much processor time as two webhooks, serves many. Fewer callers are
// written at once.
const (
	manyCallers = 16
	gatherFor   = time.Millisecond
)

var errQueueFull = errors.New("too much waits for the disk")

// batch is the records that go as one message. message and err are set before done is closed.
type batch struct {
	payload []byte
	records int
	done    chan struct{}
	message uint64
	err     error
}

func (b *batch) answer(message uint64, err error) {
	b.message, b.err = message, err
	close(b.done)
}

// payloads are used again: NATS has copied what it took. The largest are left to the garbage collector.
var payloads = sync.Pool{New: func() any { return new([]byte) }}

// queue is the batches that wait, in order. Only the last one still takes records.
type queue struct {
	mu      sync.Mutex
	waiting []*batch
	records int
	bytes   int
	closed  bool
	// want is how many records have to wait for filled to say so.
	want int
	// filled has room for one sign that something waits.
	filled chan struct{}
}

// add puts a copy of the record into the last batch, and returns that and its place there.
func (q *queue) add(record []byte) (*batch, int, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return nil, 0, errClosed
	}
	if q.records >= queueRecords || q.records > 0 && q.bytes+len(record) > queueBytes {
		return nil, 0, errQueueFull
	}
	var b *batch
	if n := len(q.waiting); n > 0 {
		b = q.waiting[n-1]
	}
	if b == nil || b.records == maxBatch || len(b.payload)+len(record) > batchBytes {
		free, _ := payloads.Get().(*[]byte)
		b = &batch{done: make(chan struct{}), payload: (*free)[:0]}
		q.waiting = append(q.waiting, b)
	}
	q.bytes -= len(b.payload)
	b.payload = appendRecord(b.payload, record)
	q.bytes += len(b.payload)
	b.records++
	q.records++
	if q.records >= q.want {
		select {
		case q.filled <- struct{}{}:
		default:
		}
	}
	return b, b.records - 1, nil
}

func (q *queue) len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.records
}

// gather waits until want records wait, or for some time.
func (q *queue) gather(want int, most time.Duration) {
	q.mu.Lock()
	enough := q.records >= want
	if !enough {
		q.want = want
		select {
		case <-q.filled:
		default:
		}
	}
	q.mu.Unlock()
	if enough {
		return
	}
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-q.filled:
	case <-timer.C:
	}
	q.mu.Lock()
	q.want = 0
	q.mu.Unlock()
}

// take returns the first batch, or nil.
func (q *queue) take() *batch {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 {
		return nil
	}
	b := q.waiting[0]
	q.waiting = q.waiting[1:]
	q.records -= b.records
	q.bytes -= len(b.payload)
	return b
}

func (q *queue) close() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	for b := q.take(); b != nil; b = q.take() {
		b.answer(0, errClosed)
	}
}

// Append stores one record and returns its number once the record is on disk. Records that arrive while others are being
// written go to the disk together. Numbers only grow, and they leave gaps.
//
// Any error means that the record may be lost. It may also have been stored: the answer came too late, or ctx ended while
// the record was under way. So a caller that tries again may store it twice. Append fails at once when too much waits
// already, when the disk or the journal is full, and while the store is started again after a write error.
func (j *Journal) Append(ctx context.Context, data []byte) (uint64, error) {
	seq, err := j.append(ctx, data)
	if err != nil {
		return 0, fmt.Errorf("appending to the journal: %w", err)
	}
	return seq, nil
}

func (j *Journal) append(ctx context.Context, data []byte) (uint64, error) {
	if len(data) > maxRecord {
		return 0, fmt.Errorf("the record has %d bytes, %d are the limit", len(data), maxRecord)
	}
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if _, err := j.engine(); err != nil {
		return 0, err
	}
	b, place, err := j.queue.add(data)
	if err != nil {
		return 0, err
	}
	select {
	case <-b.done:
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	if b.err != nil {
		return 0, b.err
	}
	return number(b.message, place, b.records), nil
}

// write stores one batch after the other until the journal is closed.
func (j *Journal) write() {
	defer j.queue.close()
	purgeEvery := max(1, int(j.opts.MaxBytes/64))
	callers := 0            // how many there seem to be at once
	unchecked := purgeEvery // what an earlier process left may need room at once
	for {
		select {
		case <-j.closing.Done():
			return
		case <-j.queue.filled:
		}
		for j.closing.Err() == nil {
			// The callers of the batch before are about to come back: let them, else batches alternate between large
			// and small.
			runtime.Gosched()
			if callers > manyCallers {
				j.queue.gather(callers/2, gatherFor)
			}
			b := j.queue.take()
			if b == nil {
				break
			}
			message, err := j.store(b)
			callers = max(callers*15/16, b.records+j.queue.len())
			b.answer(message, err)
			unchecked += len(b.payload)
			if err == nil && cap(b.payload) <= batchBytes {
				payloads.Put(&b.payload)
			}
			if unchecked >= purgeEvery {
				unchecked = 0
				j.wantRoom()
			}
		}
	}
}

func (j *Journal) store(b *batch) (uint64, error) {
	e, err := j.engine()
	if err != nil {
		return 0, err
	}
	if err = j.enoughFree(j.opts.MinFree); err != nil {
		return 0, err
	}
	message, err := e.publish(recordSubject, b.payload)
	if isFull(err) && e.room(j) {
		message, err = e.publish(recordSubject, b.payload)
	}
	switch {
	case err == nil:
		j.refused.Store(0)
		j.tail.reach(message)
	case !answered(err):
		j.refused.Store(time.Now().UnixNano())
	}
	return message, err
}

// isFull is whether NATS refused a message because the stream is at its limit (JSStreamStoreFailed,
// https://docs.nats.io/reference/reference-protocols/nats_api_reference).
func isFull(err error) bool {
	var answer *jetstream.APIError
	return errors.As(err, &answer) && answer.ErrorCode == 10077
}
