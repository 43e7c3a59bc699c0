package journal

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		appendUntilKilled(dir)
		return
	}
	if dir := os.Getenv(limitedDir); dir != "" {
		appendThroughWriteErrors(dir)
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

// alone is the number of a record that is the only one in its message.
func alone(message uint64) uint64 { return number(message, 0, 1) }

func TestReadGivesRecordsInOrderWithTheirTime(t *testing.T) {
	j := open(t, Options{})
	before := time.Now()
	appendN(t, j, 100)

	got := readN(t, j, alone(40), 60)

	for i, r := range got {
		assert.Equal(t, alone(uint64(41+i)), r.Seq)
		assert.Equal(t, strconv.Itoa(40+i), string(r.Data))
		assert.WithinRange(t, r.Time, before, time.Now())
		assert.Zero(t, r.Missed)
	}
	last, err := j.Last(t.Context())
	require.NoError(t, err)
	assert.Equal(t, alone(100), last)
}

func TestReadFollowsNewRecordsUntilItsContextEnds(t *testing.T) {
	j := open(t, Options{})
	appendN(t, j, 1)
	ctx, cancel := context.WithCancel(t.Context())
	seen, done := make(chan Record), make(chan error)
	go func() {
		done <- j.Read(ctx, 0, func(r Record) error { seen <- r; return nil })
	}()

	assert.Equal(t, alone(1), (<-seen).Seq)
	for n := uint64(2); n < 50; n++ {
		appendN(t, j, 1)
		assert.Equal(t, alone(n), (<-seen).Seq)
	}
	cancel()
	assert.NoError(t, <-done)
}

func TestASlowReaderHoldsLittleInMemory(t *testing.T) {
	j := open(t, Options{})
	for range 12 {
		_, err := j.Append(t.Context(), make([]byte, fetchBytes/4))
		require.NoError(t, err)
	}
	e, err := j.engine()
	require.NoError(t, err)

	var held int
	require.NoError(t, e.fetch(t.Context(), recordStream, 1, fetchMessages, func(m message) error {
		held += len(m.data)
		return nil
	}))

	assert.Less(t, held, fetchBytes+fetchBytes/4+100, "one answer is all that waits for a reader")
	assert.Len(t, readN(t, j, 0, 12), 12)
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

	assert.ErrorIs(t, <-done, errClosed)
}

func TestReadSaysHowManyRecordsWereMissed(t *testing.T) {
	j := open(t, Options{})
	appendN(t, j, 10)
	for _, message := range []uint64{1, 5, 6} {
		require.NoError(t, running(t, j).records.DeleteMsg(t.Context(), message))
	}

	got := readN(t, j, 0, 7)

	assert.Equal(t, []uint64{alone(2), 1}, []uint64{got[0].Seq, got[0].Missed})
	assert.Equal(t, []uint64{alone(7), 2}, []uint64{got[3].Seq, got[3].Missed})
	assert.Zero(t, got[4].Missed)
	got = readN(t, j, number(5, 1, 4), 1)
	assert.Equal(t, uint64(3), got[0].Missed, "the two unread records of message 5, and message 6")
	assert.Zero(t, readN(t, j, alone(6), 1)[0].Missed, "a message that was read to its end is not missed")
}

func running(t *testing.T, j *Journal) *engine {
	t.Helper()
	e, err := j.engine()
	require.NoError(t, err)
	return e
}

func TestReadBeyondTheEndGoesOnFromTheEnd(t *testing.T) {
	j := open(t, Options{})
	appendN(t, j, 3)
	r := reader{journal: j, last: alone(99)}
	require.NoError(t, r.begin(t.Context(), running(t, j)))

	appendN(t, j, 1)

	assert.Equal(t, alone(4), readN(t, j, r.last, 1)[0].Seq)
}

func TestRecordsPositionsAndStatesSurviveAReopen(t *testing.T) {
	dir := t.TempDir()
	ctx := context.Background()
	j := open(t, Options{Dir: dir})
	appendN(t, j, 3)
	require.NoError(t, j.SetPosition(ctx, "slack/0", 1))
	require.NoError(t, j.SetPosition(ctx, "slack/0", 2))
	require.NoError(t, j.SetPosition(ctx, "log/0", 3))
	require.NoError(t, j.SetState(ctx, "slack/0", "g", []byte("one")))
	require.NoError(t, j.SetState(ctx, "slack/0", "g", []byte("two")))
	j.Close()

	j = open(t, Options{Dir: dir})

	assert.Len(t, readN(t, j, 0, 3), 3)
	positions, err := j.Positions(ctx)
	require.NoError(t, err)
	assert.Equal(t, map[string]uint64{"slack/0": 2, "log/0": 3}, positions)
	value, ok, err := j.State(ctx, "slack/0", "g")
	require.NoError(t, err)
	assert.True(t, ok)
	assert.Equal(t, "two", string(value))
	next, err := j.Append(ctx, nil)
	require.NoError(t, err)
	assert.Equal(t, alone(4), next)
}

func TestPositionsAndStatesAreKeptApart(t *testing.T) {
	j := open(t, Options{})
	ctx := t.Context()
	odd := "{}:{a=\"*.> \x00é\n\"}"
	require.NoError(t, j.SetPosition(ctx, "a", 7))
	require.NoError(t, j.SetState(ctx, "a", odd, []byte("x")))
	require.NoError(t, j.SetState(ctx, "a", "empty", nil))

	_, ok, err := j.State(ctx, "b", odd)
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
	require.EqualError(t, err, "making the journal's directory "+file+": "+file+" is a file; want a directory")

	below := filepath.Join(file, "data", "journal")
	_, err = Open(t.Context(), Options{Dir: below, Logger: quiet()})
	require.EqualError(t, err, "making the journal's directory "+below+": "+file+" is a file; want a directory")

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

	seq, err := j.Append(t.Context(), make([]byte, maxRecord))
	require.NoError(t, err)
	got, err := j.Get(t.Context(), seq)
	require.NoError(t, err)
	assert.Len(t, got.Data, maxRecord)

	_, err = j.Append(t.Context(), make([]byte, maxRecord+1))
	require.ErrorContains(t, err, "are the limit")
	require.NoError(t, j.Check(t.Context()))
}

func TestAppendOfAClosedJournalFails(t *testing.T) {
	j := open(t, Options{})
	j.Close()

	_, err := j.Append(t.Context(), nil)

	require.ErrorIs(t, err, errClosed)
	require.ErrorIs(t, j.Check(t.Context()), errClosed)
}

func TestAppendGivesUpWithItsContext(t *testing.T) {
	j := open(t, Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()

	_, err := j.Append(ctx, nil)

	require.ErrorIs(t, err, context.Canceled)
	require.NoError(t, j.Check(t.Context()), "a caller that gives up says nothing about the disk")
}

func TestGetReturnsOneRecord(t *testing.T) {
	j := open(t, Options{})
	ctx := t.Context()
	message := appendBatch(t, j, "a", "", "c")

	got, err := j.Get(ctx, number(message, 2, 3))
	require.NoError(t, err)
	assert.Equal(t, "c", string(got.Data))
	assert.Equal(t, number(message, 2, 3), got.Seq)
	got, err = j.Get(ctx, number(message, 1, 3))
	require.NoError(t, err)
	assert.Empty(t, got.Data)

	for _, gone := range []uint64{0, 1, number(message, 0, 4), number(message-1, 0, 1), number(message+1, 0, 1), 1 << 60} {
		_, err = j.Get(ctx, gone)
		require.ErrorIs(t, err, ErrGone, "%d", gone)
	}
}

func TestOldestIsTheOldestRecordThatIsKept(t *testing.T) {
	j := open(t, Options{})
	ctx := t.Context()
	oldest := func() uint64 {
		seq, err := j.Oldest(ctx)
		require.NoError(t, err)
		return seq
	}
	empty := oldest()
	message := appendBatch(t, j, "a", "b")
	assert.Equal(t, number(message, 0, 2), oldest())
	assert.LessOrEqual(t, empty, number(message, 0, maxBatch))
	assert.Equal(t, oldest(), readN(t, j, oldest()-1, 1)[0].Seq)

	appendN(t, j, 2)
	require.NoError(t, running(t, j).dropBefore(ctx, message+1))
	assert.Equal(t, alone(message+1), oldest())
	require.NoError(t, running(t, j).records.Purge(ctx))
	last, err := j.Last(ctx)
	require.NoError(t, err)
	assert.Equal(t, alone(message+2), last)
	assert.Greater(t, oldest(), last)
	appendN(t, j, 1)
	assert.Equal(t, alone(message+3), oldest())
}

func TestAReaderOfAnEmptiedJournalGoesOnWithNewRecords(t *testing.T) {
	j := open(t, Options{})
	appendN(t, j, 3)
	require.NoError(t, running(t, j).records.Purge(t.Context()))
	seen, done := make(chan Record), make(chan error)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		done <- j.Read(ctx, 0, func(r Record) error { seen <- r; return nil })
	}()

	appendN(t, j, 1)

	r := <-seen
	assert.Equal(t, []uint64{alone(4), 3}, []uint64{r.Seq, r.Missed})
	cancel()
	assert.NoError(t, <-done)
}

func TestForgetDropsThePositionAndTheStatesOfOneCursor(t *testing.T) {
	j := open(t, Options{})
	ctx := t.Context()
	for _, cursor := range []string{"a", "b"} {
		require.NoError(t, j.SetPosition(ctx, cursor, 7))
		require.NoError(t, j.SetState(ctx, cursor, "g", []byte("x")))
		require.NoError(t, j.SetState(ctx, cursor, "h", []byte("y")))
	}

	require.NoError(t, j.Forget(ctx, "a"))
	require.NoError(t, j.Forget(ctx, "a"))
	require.NoError(t, j.Forget(ctx, "nobody"))

	positions, err := j.Positions(ctx)
	require.NoError(t, err)
	assert.Equal(t, map[string]uint64{"b": 7}, positions)
	for cursor, want := range map[string]bool{"a": false, "b": true} {
		for _, group := range []string{"g", "h"} {
			var ok bool
			_, ok, err = j.State(ctx, cursor, group)
			require.NoError(t, err)
			assert.Equal(t, want, ok, "%s/%s", cursor, group)
		}
	}
	require.NoError(t, j.SetState(ctx, "a", "g", []byte("new")))
	value, ok, err := j.State(ctx, "a", "g")
	require.NoError(t, err)
	assert.True(t, ok)
	assert.Equal(t, "new", string(value))
}

func TestStatesAreThoseOfOneCursor(t *testing.T) {
	j := open(t, Options{})
	for _, group := range []string{"g", "h", "i"} {
		require.NoError(t, j.SetState(t.Context(), "a", group, []byte(group)))
		require.NoError(t, j.SetState(t.Context(), "b", group, []byte("another's")))
	}
	require.NoError(t, j.SetState(t.Context(), "a", "g", []byte("g, anew")))
	var states []string
	add := func(value []byte) error {
		states = append(states, string(value))
		return nil
	}
	require.NoError(t, j.States(t.Context(), "a", add))
	assert.Equal(t, []string{"h", "i", "g, anew"}, states)
	require.NoError(t, j.States(t.Context(), "nobody", add))
	assert.Len(t, states, 3)
	assert.ErrorContains(t, j.States(t.Context(), "a", func([]byte) error { return errors.New("enough") }), "enough")
}

func TestStatesAndLettersAreForgottenAtTheirAge(t *testing.T) {
	j := open(t, Options{StateAge: time.Hour, LetterAge: 2 * time.Hour})
	e := running(t, j)
	for name, want := range map[string]time.Duration{
		stateStream: time.Hour, letterStream: 2 * time.Hour, positionStream: 0, recordStream: 120 * time.Hour,
	} {
		stream, err := e.js.Stream(t.Context(), name)
		require.NoError(t, err)
		assert.Equal(t, want, stream.CachedInfo().Config.MaxAge, name)
	}
}

func TestOpenTakesOverTheStreamsOfAnOlderNotifier(t *testing.T) {
	ctx := t.Context()
	j := open(t, Options{})
	e := running(t, j)
	require.NoError(t, e.js.DeleteStream(ctx, positionStream))
	_, err := e.js.UpdateStream(ctx, jetstream.StreamConfig{
		Name: stateStream, Subjects: []string{stateSubjects, positionSubjects, probeSubject}, MaxMsgsPerSubject: 1,
	})
	require.NoError(t, err)
	_, err = e.publish(positionSubject("a"), make([]byte, 8))
	require.NoError(t, err)
	require.NoError(t, j.SetState(ctx, "a", "g", []byte("x")))
	_, err = e.publish(recordSubject, []byte(`{"version":"4"}`))
	require.NoError(t, err)
	j.Close()

	j = open(t, Options{Dir: j.opts.Dir})

	positions, err := j.Positions(ctx)
	require.NoError(t, err)
	assert.Empty(t, positions, "they count in other numbers")
	value, _, err := j.State(ctx, "a", "g")
	require.NoError(t, err)
	assert.Equal(t, "x", string(value))
	assert.Equal(t, map[uint64]string{alone(1): `{"version":"4"}`}, readAll(t, j))
}
