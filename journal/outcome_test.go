package journal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func outcomesOf(t *testing.T, j *Journal) (all []string) {
	t.Helper()
	require.NoError(t, j.Outcomes(t.Context(), func(stored time.Time, o []byte) error {
		require.WithinDuration(t, time.Now(), stored, time.Hour)
		all = append(all, string(o))
		return nil
	}))
	return all
}

func TestOutcomesAreReadNewestFirstAndOutliveARestart(t *testing.T) {
	dir := t.TempDir()
	j := open(t, Options{Dir: dir})
	assert.Empty(t, outcomesOf(t, j))
	require.NoError(t, j.AddOutcomes(t.Context(), nil))
	var want []string
	for message := range 3*outcomeWindow + 5 { // windows that are full, and one that is not
		var batch [][]byte
		for i := range 1 + message%3 {
			text := fmt.Sprint(message, "/", i)
			batch = append(batch, []byte(text))
			want = append([]string{text}, want...)
		}
		require.NoError(t, j.AddOutcomes(t.Context(), batch))
	}
	assert.Equal(t, want, outcomesOf(t, j))
	j.Close()
	j = open(t, Options{Dir: dir})
	assert.Equal(t, want, outcomesOf(t, j))

	enough := errors.New("enough")
	n := 0
	require.ErrorIs(t, j.Outcomes(t.Context(), func(time.Time, []byte) error { n++; return enough }), enough)
	assert.Equal(t, 1, n)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, j.AddOutcomes(gone, [][]byte{{1}}), context.Canceled)
	require.Error(t, j.AddOutcomes(t.Context(), make([][]byte, maxBatch+1)))
	require.Error(t, j.AddOutcomes(t.Context(), [][]byte{make([]byte, maxMessage)}))
}

// Each window holds more bytes than NATS gives in one answer.
func TestLargeOutcomesAreAllRead(t *testing.T) {
	j := open(t, Options{OutcomeBytes: 64 << 20})
	const n = 40
	for i := range n {
		o := make([]byte, 300<<10)
		o[0] = byte(i)
		require.NoError(t, j.AddOutcomes(t.Context(), [][]byte{o}))
	}
	all := outcomesOf(t, j)
	require.Len(t, all, n)
	for i, o := range all {
		assert.Equal(t, byte(n-1-i), o[0])
	}
}

func TestTheOldestOutcomesMakeRoom(t *testing.T) {
	for name, opts := range map[string]Options{
		"by bytes": {OutcomeBytes: 64 << 10},
		"by count": {OutcomeMessages: 50},
	} {
		t.Run(name, func(t *testing.T) {
			j := open(t, opts)
			seqs := appendBatch(t, j, "a record")
			for i := range 200 {
				require.NoError(t, j.AddOutcomes(t.Context(), [][]byte{fmt.Appendf(make([]byte, 1000), "%d", i)}))
			}
			all := outcomesOf(t, j)
			assert.Contains(t, all[0], "199", "the newest is there")
			assert.Less(t, len(all), 80)
			assert.Greater(t, len(all), 20)
			_, err := j.Get(t.Context(), number(seqs, 0, 1))
			require.NoError(t, err, "the records stay")
		})
	}
}

func TestOutcomesAgeAway(t *testing.T) {
	j := open(t, Options{OutcomeAge: 100 * time.Millisecond}) // NATS's least
	require.NoError(t, j.AddOutcomes(t.Context(), [][]byte{[]byte("x")}))
	require.Eventually(t, func() bool { return len(outcomesOf(t, j)) == 0 }, time.Minute, 10*time.Millisecond)
}

func TestOutcomesTakeNoRoomThatRecordsNeed(t *testing.T) {
	j := open(t, Options{MinFree: 1 << 60})
	require.ErrorContains(t, j.AddOutcomes(t.Context(), [][]byte{[]byte("x")}), "are free on the disk")
}

func TestOutcomesThatCannotBeTakenApartAreLeftOut(t *testing.T) {
	j := open(t, Options{})
	require.NoError(t, j.AddOutcomes(t.Context(), [][]byte{[]byte("old")}))
	require.NoError(t, j.put(t.Context(), outcomeSubject, []byte{99, 1, 2}))
	require.NoError(t, j.put(t.Context(), outcomeSubject, nil))
	require.NoError(t, j.AddOutcomes(t.Context(), [][]byte{[]byte("new")}))

	assert.Equal(t, []string{"new", "old"}, outcomesOf(t, j))
}

// A journal that an older notifier wrote has no such stream.
func TestOutcomesBeginInAnOldJournal(t *testing.T) {
	dir := t.TempDir()
	j := open(t, Options{Dir: dir})
	record := appendBatch(t, j, "a record")
	j.Close()
	require.NoError(t, os.RemoveAll(filepath.Join(rescue{dir}.streams(), outcomeStream)))

	j = open(t, Options{Dir: dir})

	assert.Empty(t, outcomesOf(t, j))
	require.NoError(t, j.AddOutcomes(t.Context(), [][]byte{[]byte("x")}))
	assert.Equal(t, []string{"x"}, outcomesOf(t, j))
	_, err := j.Get(t.Context(), number(record, 0, 1))
	require.NoError(t, err)
}
