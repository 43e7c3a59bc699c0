package journal

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func kib(n int) []byte { return make([]byte, n<<10) }

func TestP1AFullJournalDropsWhatEveryCursorHasSettled(t *testing.T) {
	ctx := t.Context()
	j := open(t, Options{MaxBytes: 1 << 20})
	var newest uint64
	for i := range 3000 { // three times what fits
		seq, err := j.Append(ctx, kib(1))
		require.NoError(t, err, "record %d", i)
		newest = seq
		if i%10 == 0 {
			require.NoError(t, j.SetPosition(ctx, "fast", seq))
			require.NoError(t, j.SetPosition(ctx, "slow", seq))
		}
	}
	require.NoError(t, j.Check(ctx))
	state, err := j.recordsInfo(ctx)
	require.NoError(t, err)
	assert.LessOrEqual(t, state.Bytes, uint64(1<<20))

	positions, err := j.Positions(ctx)
	require.NoError(t, err)
	var got int
	require.ErrorIs(t, j.Read(ctx, positions["slow"], func(r Record) error {
		assert.Zero(t, r.Missed, "what was purged was settled")
		if got++; r.Seq == newest {
			return errEnough
		}
		return nil
	}), errEnough)
	assert.Equal(t, 9, got)
}

func TestP2AFullJournalNeverDropsWhatACursorHasNotSettled(t *testing.T) {
	ctx := t.Context()
	j := open(t, Options{MaxBytes: 1 << 20})
	var numbers []uint64
	fill := func() (err error) {
		for len(numbers) < 5000 {
			seq, err := j.Append(ctx, kib(1))
			if err != nil {
				return err
			}
			numbers = append(numbers, seq)
		}
		return nil
	}
	require.ErrorContains(t, fill(), "maximum bytes exceeded", "no cursor at all")
	require.Equal(t, numbers[0], readN(t, j, 0, 1)[0].Seq)

	// The fast one has settled everything, the slow one 100 records. Room comes from those 100 only.
	// The slow one comes first: the journal purges beside this, as soon as there is a cursor.
	require.NoError(t, j.SetPosition(ctx, "slow", numbers[99]))
	require.NoError(t, j.SetPosition(ctx, "fast", numbers[len(numbers)-1]))
	before := len(numbers)
	require.ErrorContains(t, fill(), "maximum bytes exceeded")
	assert.InDelta(t, before+99, len(numbers), 2)
	assert.Zero(t, readN(t, j, numbers[99], 1)[0].Missed)
	assert.Equal(t, numbers[100], readN(t, j, numbers[99], 1)[0].Seq)

	// A cursor that settles makes room without anybody trying again.
	require.NoError(t, j.SetPosition(ctx, "slow", numbers[len(numbers)-1]))
	require.NoError(t, j.SetPosition(ctx, "fast", numbers[len(numbers)-1]))
	require.NoError(t, j.Check(ctx))
	_, err := j.Append(ctx, kib(1))
	require.NoError(t, err)
	last, err := j.Last(ctx)
	require.NoError(t, err)
	j.Close()
	j = open(t, Options{Dir: j.opts.Dir, MaxBytes: 1 << 20})
	after, err := j.Last(ctx)
	require.NoError(t, err)
	assert.Equal(t, last, after, "numbers go on after a purge and a restart")
}

func TestP1AppendsGoOnWhileTheJournalPurges(t *testing.T) {
	j := open(t, Options{MaxBytes: 4 << 20})
	ctx, cancel := context.WithCancel(t.Context())
	// The reader settles what it has read, as far as it got.
	var read atomic.Int64
	require.NoError(t, j.SetPosition(ctx, "reader", 0))
	done := make(chan error)
	go func() {
		done <- j.Read(ctx, 0, func(r Record) error {
			assert.Zero(t, r.Missed)
			if read.Add(1)%50 == 0 {
				return j.SetPosition(context.Background(), "reader", r.Seq)
			}
			return nil
		})
	}()
	var wg sync.WaitGroup
	const writers, each = 8, 2000
	var accepted atomic.Int64
	for range writers {
		wg.Go(func() {
			for n := 0; n < each; {
				_, err := j.Append(ctx, kib(1))
				if err != nil { // the reader fell behind by all of the journal: refused, not dropped
					assert.True(t, isFull(err), "%v", err)
					continue
				}
				n++
				accepted.Add(1)
			}
		})
	}
	wg.Wait()
	require.Eventually(t, func() bool { return read.Load() == accepted.Load() }, 30*time.Second, time.Millisecond)
	cancel()
	require.NoError(t, <-done)
	assert.EqualValues(t, writers*each, read.Load())
}
