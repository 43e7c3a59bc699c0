package journal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		appendUntilKilled(dir)
		return
	}
	goleak.VerifyTestMain(m)
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func open(t testing.TB, opts Options) *Journal {
	t.Helper()
	if opts.Dir == "" {
		opts.Dir = t.TempDir()
	}
	if opts.Logger == nil {
		opts.Logger = quiet()
	}
	j, err := Open(context.Background(), opts)
	require.NoError(t, err)
	t.Cleanup(j.Close)
	return j
}

func appendN(t testing.TB, j *Journal, n int) {
	t.Helper()
	for i := range n {
		_, err := j.Append(context.Background(), []byte(strconv.Itoa(i)))
		require.NoError(t, err)
	}
}

var errEnough = errors.New("enough")

// readN reads n records after the sequence number after.
func readN(t testing.TB, j *Journal, after uint64, n int) []Record {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	var got []Record
	err := j.Read(ctx, after, func(r Record) error {
		if got = append(got, r); len(got) == n {
			return errEnough
		}
		return nil
	})
	require.ErrorIs(t, err, errEnough, "only %d records came", len(got))
	return got
}

func TestReadGivesRecordsInOrderWithTheirTime(t *testing.T) {
	j := open(t, Options{})
	before := time.Now()
	appendN(t, j, 100)

	got := readN(t, j, 40, 60)

	for i, r := range got {
		assert.Equal(t, uint64(41+i), r.Seq)
		assert.Equal(t, strconv.Itoa(40+i), string(r.Data))
		assert.WithinRange(t, r.Time, before, time.Now())
		assert.Zero(t, r.Missed)
	}
	last, err := j.Last(t.Context())
	require.NoError(t, err)
	assert.Equal(t, uint64(100), last)
}

func TestReadFollowsNewRecordsUntilItsContextEnds(t *testing.T) {
	j := open(t, Options{})
	appendN(t, j, 1)
	ctx, cancel := context.WithCancel(t.Context())
	seen, done := make(chan Record), make(chan error)
	go func() {
		done <- j.Read(ctx, 0, func(r Record) error { seen <- r; return nil })
	}()

	assert.Equal(t, uint64(1), (<-seen).Seq)
	for seq := uint64(2); seq < 50; seq++ {
		appendN(t, j, 1)
		assert.Equal(t, seq, (<-seen).Seq)
	}
	cancel()
	assert.NoError(t, <-done)
}

func TestReadSurvivesASlowReader(t *testing.T) {
	j := open(t, Options{})
	seen, goOn, done := make(chan uint64), make(chan struct{}), make(chan error)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		done <- j.Read(ctx, 0, func(r Record) error { seen <- r.Seq; <-goOn; return nil })
	}()
	appendN(t, j, 1)
	require.Equal(t, uint64(1), <-seen)

	// While the reader sleeps, NATS forgets its consumer, as it does with one that asks for nothing for a long time.
	appendN(t, j, 499)
	names := j.records.ConsumerNames(t.Context())
	for name := range names.Name() {
		require.NoError(t, j.records.DeleteConsumer(t.Context(), name))
	}
	require.NoError(t, names.Err())

	goOn <- struct{}{}
	for seq := uint64(2); seq <= 500; seq++ {
		require.Equal(t, seq, <-seen)
		goOn <- struct{}{}
	}
	cancel()
	assert.NoError(t, <-done)
}

func TestReadOfAClosedJournalEnds(t *testing.T) {
	j := open(t, Options{})
	appendN(t, j, 1)
	seen, done := make(chan Record), make(chan error)
	go func() {
		done <- j.Read(t.Context(), 0, func(r Record) error { seen <- r; return nil })
	}()
	<-seen

	j.Close()

	assert.ErrorContains(t, <-done, "connection closed")
}

func TestReadSaysHowManyRecordsWereMissed(t *testing.T) {
	j := open(t, Options{})
	appendN(t, j, 10)
	require.NoError(t, j.records.DeleteMsg(t.Context(), 1))
	require.NoError(t, j.records.DeleteMsg(t.Context(), 5))
	require.NoError(t, j.records.DeleteMsg(t.Context(), 6))

	got := readN(t, j, 0, 7)

	assert.Equal(t, []uint64{2, 1}, []uint64{got[0].Seq, got[0].Missed})
	assert.Equal(t, []uint64{7, 2}, []uint64{got[3].Seq, got[3].Missed})
	assert.Zero(t, got[4].Missed)
}

func TestReadBeyondTheEndGoesOnFromTheEnd(t *testing.T) {
	j := open(t, Options{})
	appendN(t, j, 3)
	seen, done := make(chan Record), make(chan error)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		done <- j.Read(ctx, 99, func(r Record) error { seen <- r; return nil })
	}()
	// The reader decides where it starts before it makes its consumer.
	require.Eventually(t, func() bool {
		info, err := j.records.Info(t.Context())
		return err == nil && info.State.Consumers == 1
	}, 10*time.Second, time.Millisecond)

	appendN(t, j, 1)

	assert.Equal(t, uint64(4), (<-seen).Seq)
	cancel()
	assert.NoError(t, <-done)
}

func TestRecordsPositionsAndStatesSurviveAReopen(t *testing.T) {
	dir := t.TempDir()
	ctx := context.Background()
	j := open(t, Options{Dir: dir})
	appendN(t, j, 3)
	require.NoError(t, j.SetPosition(ctx, "slack/0", 2))
	require.NoError(t, j.SetState(ctx, "slack/0", "g", []byte("one")))
	require.NoError(t, j.SetState(ctx, "slack/0", "g", []byte("two")))
	j.Close()

	j = open(t, Options{Dir: dir})

	assert.Len(t, readN(t, j, 0, 3), 3)
	seq, ok, err := j.Position(ctx, "slack/0")
	require.NoError(t, err)
	assert.True(t, ok)
	assert.Equal(t, uint64(2), seq)
	value, ok, err := j.State(ctx, "slack/0", "g")
	require.NoError(t, err)
	assert.True(t, ok)
	assert.Equal(t, "two", string(value))
	next, err := j.Append(ctx, nil)
	require.NoError(t, err)
	assert.Equal(t, uint64(4), next)
}

func TestPositionsAndStatesAreKeptApart(t *testing.T) {
	j := open(t, Options{})
	ctx := t.Context()
	odd := "{}:{a=\"*.> \x00é\n\"}"
	require.NoError(t, j.SetPosition(ctx, "a", 7))
	require.NoError(t, j.SetState(ctx, "a", odd, []byte("x")))
	require.NoError(t, j.SetState(ctx, "a", "empty", nil))

	_, ok, err := j.Position(ctx, "b")
	require.NoError(t, err)
	assert.False(t, ok, "a cursor without a position")
	_, ok, err = j.State(ctx, "b", odd)
	require.NoError(t, err)
	assert.False(t, ok, "another cursor")
	_, ok, err = j.State(ctx, "a", odd+"!")
	require.NoError(t, err)
	assert.False(t, ok, "another group")
	value, ok, err := j.State(ctx, "a", odd)
	require.NoError(t, err)
	assert.True(t, ok)
	assert.Equal(t, "x", string(value))
	value, ok, err = j.State(ctx, "a", "empty")
	require.NoError(t, err)
	assert.True(t, ok, "an empty state is a state")
	assert.Empty(t, value)
	last, err := j.Last(ctx)
	require.NoError(t, err)
	assert.Zero(t, last, "states are no records")
}

func TestOpenRefusesADirectoryThatIsInUse(t *testing.T) {
	dir := t.TempDir()
	open(t, Options{Dir: dir})

	_, err := Open(t.Context(), Options{Dir: dir, Logger: quiet()})

	assert.ErrorContains(t, err, "is another notifier running on this directory?")
}

func TestOpenSaysWhyItFails(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))

	_, err := Open(t.Context(), Options{Dir: file, Logger: quiet()})
	require.ErrorContains(t, err, "making the journal's directory")

	_, err = Open(t.Context(), Options{})
	require.ErrorContains(t, err, "no directory is given")

	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "jetstream"), nil, 0o600))
	_, err = Open(t.Context(), Options{Dir: dir, Logger: quiet()})
	require.ErrorContains(t, err, "starting NATS: Can't start JetStream: storage directory is not a directory")
}

func TestP1AppendFailsWhenTheDiskOrTheJournalIsFull(t *testing.T) {
	dir := t.TempDir()
	ctx := context.Background()
	j := open(t, Options{Dir: dir, MinFree: 1 << 62})
	_, err := j.Append(ctx, []byte("x"))
	require.ErrorContains(t, err, "MiB are free on the disk")
	require.ErrorContains(t, j.Check(ctx), "MiB are free on the disk")
	require.ErrorContains(t, j.SetState(ctx, "a", "g", nil), "MiB are free on the disk", "NATS must not meet the end of the disk")
	require.ErrorContains(t, j.SetPosition(ctx, "a", 1), "MiB are free on the disk")
	j.Close()

	j = open(t, Options{Dir: dir, MaxBytes: 64 << 10})
	require.NoError(t, j.Check(ctx))
	var accepted int
	for err = nil; err == nil; {
		if _, err = j.Append(ctx, make([]byte, 1000)); err == nil {
			accepted++
		}
		require.Less(t, accepted, 100)
	}
	require.ErrorContains(t, err, "maximum bytes exceeded")
	require.ErrorContains(t, j.Check(ctx), "are full")
	require.NotZero(t, accepted)
	assert.Len(t, readN(t, j, 0, accepted), accepted, "what was accepted stays")
	require.NoError(t, j.SetPosition(ctx, "a", 1), "positions go on, so that readers can")
}

func TestAppendTakesTheLargestRecordAndRefusesALargerOne(t *testing.T) {
	j := open(t, Options{})
	_, err := j.Append(t.Context(), bytes.Repeat([]byte("x"), 5<<20))
	require.NoError(t, err)
	assert.Len(t, readN(t, j, 0, 1)[0].Data, 5<<20)

	_, err = j.Append(t.Context(), make([]byte, maxRecord+1))
	require.ErrorContains(t, err, "maximum payload exceeded")
}

func TestAppendOfAClosedJournalFails(t *testing.T) {
	j := open(t, Options{})
	j.Close()

	_, err := j.Append(t.Context(), nil)

	require.ErrorContains(t, err, "connection closed")
	require.Error(t, j.Check(t.Context()))
}

func TestCheckRemembersAnAppendWithoutAnAnswer(t *testing.T) {
	j := open(t, Options{})
	late, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	_, err := j.Append(late, nil)
	require.ErrorIs(t, err, context.DeadlineExceeded)

	require.ErrorContains(t, j.Check(t.Context()), "the disk did not take the newest record")

	appendN(t, j, 1)
	require.NoError(t, j.Check(t.Context()))
}

func TestConcurrentAppendsGetNumbersOfTheirOwn(t *testing.T) {
	j := open(t, Options{})
	var mu sync.Mutex
	stored := map[uint64]string{}
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := range 25 {
				text := fmt.Sprintf("%d/%d", w, i)
				seq, err := j.Append(t.Context(), []byte(text))
				if !assert.NoError(t, err) {
					return
				}
				mu.Lock()
				stored[seq] = text
				mu.Unlock()
			}
		})
	}
	wg.Wait()

	require.Len(t, stored, 200)
	for _, r := range readN(t, j, 0, 200) {
		assert.Equal(t, stored[r.Seq], string(r.Data))
	}
}
