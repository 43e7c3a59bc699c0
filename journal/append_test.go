package journal

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// appendBatch stores records as one message, as the queue does with what waits, and returns the message's number.
func appendBatch(t *testing.T, j *Journal, records ...string) uint64 {
	t.Helper()
	b := &batch{done: make(chan struct{})}
	for _, r := range records {
		b.payload = appendRecord(b.payload, []byte(r))
	}
	message, err := j.store(b)
	require.NoError(t, err)
	return message
}

func newQueue() *queue { return &queue{filled: make(chan struct{}, 1)} }

func TestWhatWaitsGoesTogetherAndInOrder(t *testing.T) {
	q := newQueue()
	var batches []*batch
	for i := range maxBatch + 10 {
		b, place, err := q.add([]byte{byte(i), byte(i >> 8)})
		require.NoError(t, err)
		assert.Equal(t, i%maxBatch, place)
		batches = append(batches, b)
	}
	first, second := q.take(), q.take()
	assert.Nil(t, q.take())
	assert.Same(t, batches[0], first)
	assert.Same(t, batches[maxBatch], second)
	for n, b := range map[int]*batch{maxBatch: first, 10: second} {
		records, err := splitMessage(b.payload)
		require.NoError(t, err)
		require.Len(t, records, n)
	}
	assert.Zero(t, q.records)
	assert.Zero(t, q.bytes)
}

func TestALargeRecordStartsABatchOfItsOwn(t *testing.T) {
	q := newQueue()
	for _, size := range []int{10, maxRecord, batchBytes / 2, batchBytes / 2, 10} {
		_, _, err := q.add(make([]byte, size))
		require.NoError(t, err)
	}
	var sizes []int
	for b := q.take(); b != nil; b = q.take() {
		require.LessOrEqual(t, len(b.payload), maxMessage)
		sizes = append(sizes, b.records)
	}
	assert.Equal(t, []int{1, 1, 1, 2}, sizes)
}

func TestTheQueueIsBounded(t *testing.T) {
	q := newQueue()
	for range queueRecords {
		_, _, err := q.add(nil)
		require.NoError(t, err)
	}
	_, _, err := q.add(nil)
	require.ErrorIs(t, err, errQueueFull)
	q.take()
	_, _, err = q.add(nil)
	require.NoError(t, err, "there is room again")

	q = newQueue()
	for range queueBytes / (1 << 20) {
		_, _, err = q.add(make([]byte, 1<<20-8))
		require.NoError(t, err)
	}
	_, _, err = q.add(make([]byte, 1<<10))
	require.ErrorIs(t, err, errQueueFull)
}

func TestCloseAnswersWhatWaits(t *testing.T) {
	q := newQueue()
	b, _, err := q.add(nil)
	require.NoError(t, err)

	q.close()

	<-b.done
	require.ErrorIs(t, b.err, errClosed)
	_, _, err = q.add(nil)
	require.ErrorIs(t, err, errClosed)
}

func TestACallerThatGivesUpDoesNotWaitAndDisturbsNobody(t *testing.T) {
	whole := open(t, Options{})
	stalled := &Journal{ // it has no writer
		opts: whole.opts, queue: queue{filled: make(chan struct{}, 1)}, running: running(t, whole),
		closing: t.Context(), changed: make(chan struct{}),
	}
	waiting := func() int {
		stalled.queue.mu.Lock()
		defer stalled.queue.mu.Unlock()
		return stalled.queue.records
	}
	type result struct {
		seq uint64
		err error
	}
	call := func(ctx context.Context, text string) chan result {
		before, answer := waiting(), make(chan result, 1)
		go func() {
			seq, err := stalled.Append(ctx, []byte(text))
			answer <- result{seq, err}
		}()
		require.Eventually(t, func() bool { return waiting() == before+1 }, 10*time.Second, time.Millisecond)
		return answer
	}
	ctx, giveUp := context.WithCancel(t.Context())
	impatient, patient := call(ctx, "impatient"), call(t.Context(), "patient")

	giveUp()
	require.ErrorIs(t, (<-impatient).err, context.Canceled)

	b := stalled.queue.take()
	b.answer(whole.store(b))
	got := <-patient
	require.NoError(t, got.err)
	record, err := whole.Get(t.Context(), got.seq)
	require.NoError(t, err)
	assert.Equal(t, "patient", string(record.Data))
	assert.Len(t, readAll(t, whole), 2, "the other one may be stored all the same")

	both := []chan result{call(t.Context(), "a"), call(t.Context(), "b")}
	stalled.queue.take().answer(0, errEnough)
	for _, answer := range both {
		require.ErrorIs(t, (<-answer).err, errEnough, "all callers get the error of the publish")
	}
}

func TestCloseWhileManyAppend(t *testing.T) {
	j := open(t, Options{})
	var wg sync.WaitGroup
	var stored sync.Map
	for range 32 {
		wg.Go(func() {
			for {
				seq, err := j.Append(context.Background(), []byte("x"))
				if err != nil {
					assert.ErrorIs(t, err, errClosed)
					return
				}
				stored.Store(seq, true)
			}
		})
	}
	readN(t, j, 0, 100)
	j.Close()
	wg.Wait()

	kept := readAll(t, open(t, Options{Dir: j.opts.Dir}))
	stored.Range(func(seq, _ any) bool {
		_, ok := kept[seq.(uint64)]
		return assert.True(t, ok, "record %d was acknowledged", seq)
	})
}

func TestConcurrentAppendsGetNumbersOfTheirOwn(t *testing.T) {
	j := open(t, Options{})
	var mu sync.Mutex
	stored := map[uint64]string{}
	var wg sync.WaitGroup
	for w := range 64 {
		wg.Go(func() {
			var before uint64
			for i := range 50 {
				text := fmt.Sprintf("%d/%d", w, i)
				seq, err := j.Append(t.Context(), []byte(text))
				if !assert.NoError(t, err) {
					return
				}
				assert.Greater(t, seq, before, "numbers grow for each writer")
				before = seq
				mu.Lock()
				stored[seq] = text
				mu.Unlock()
			}
		})
	}
	wg.Wait()

	assert.Len(t, stored, 64*50)
	assert.Equal(t, stored, readAll(t, j))
	state, err := j.recordsInfo(t.Context())
	require.NoError(t, err)
	assert.Less(t, state.Msgs, uint64(64*50), "records went to the disk together")
}

func TestReadStartsInsideAMessage(t *testing.T) {
	j := open(t, Options{})
	message := appendBatch(t, j, "a", "b", "c")
	appendN(t, j, 1)

	got := readN(t, j, number(message, 0, 3), 3)

	assert.Equal(t, []string{"b", "c", "0"}, []string{string(got[0].Data), string(got[1].Data), string(got[2].Data)})
	assert.Zero(t, got[0].Missed)
	assert.Equal(t, number(message, 1, 3), got[0].Seq)
}
