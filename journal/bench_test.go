package journal

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// perWriter runs do b.N times from a number of goroutines, and reports the rate and the median of the time it took.
func perWriter(b *testing.B, writers int, do func(writer int) error) {
	b.Helper()
	var left atomic.Int64
	left.Store(int64(b.N))
	took := make([][]time.Duration, writers)
	b.ResetTimer()
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for left.Add(-1) >= 0 {
				start := time.Now()
				if err := do(w); err != nil {
					b.Error(err)
					return
				}
				took[w] = append(took[w], time.Since(start))
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	all := slices.Concat(took...)
	slices.Sort(all)
	b.ReportMetric(float64(len(all))/b.Elapsed().Seconds(), "writes/s")
	b.ReportMetric(float64(all[len(all)/2].Microseconds())/1000, "p50-ms")
}

func BenchmarkAppend(b *testing.B) {
	for _, writers := range []int{1, 8, 64, 256} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
			j := open(b, Options{MaxBytes: 64 << 30})
			data := make([]byte, 2<<10)
			perWriter(b, writers, func(int) error {
				_, err := j.Append(context.Background(), data)
				return err
			})
		})
	}
}

func BenchmarkSetState(b *testing.B) {
	for _, writers := range []int{1, 16} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
			j := open(b, Options{})
			data := make([]byte, 1<<10)
			perWriter(b, writers, func(w int) error {
				return j.SetState(context.Background(), "cursor", fmt.Sprint(w), data)
			})
		})
	}
}

func BenchmarkRead(b *testing.B) {
	const records = 20_000
	for _, together := range []int{1, 100} {
		b.Run(fmt.Sprintf("together=%d", together), func(b *testing.B) {
			j := open(b, Options{})
			data := make([]byte, 200)
			for range records / together {
				batch := &batch{done: make(chan struct{})}
				for range together {
					batch.payload = appendRecord(batch.payload, data)
				}
				_, err := j.store(batch)
				require.NoError(b, err)
			}
			b.ResetTimer()
			for range b.N {
				readN(b, j, 0, records)
			}
			b.ReportMetric(float64(records*b.N)/b.Elapsed().Seconds(), "records/s")
		})
	}
}

func BenchmarkOpen(b *testing.B) {
	for _, records := range []int{0, 10_000} {
		b.Run(fmt.Sprintf("records=%d", records), func(b *testing.B) {
			dir := b.TempDir()
			j := open(b, Options{Dir: dir})
			data := make([]byte, 2<<10)
			for range records {
				_, err := j.Append(context.Background(), data)
				require.NoError(b, err)
			}
			j.Close()
			for b.Loop() {
				open(b, Options{Dir: dir}).Close()
			}
		})
	}
}

// An outcome without a snapshot has some 500 bytes.
func BenchmarkAddOutcomes(b *testing.B) {
	for _, together := range []int{1, 100} {
		b.Run(fmt.Sprintf("together=%d", together), func(b *testing.B) {
			j := open(b, Options{})
			batch := make([][]byte, together)
			for i := range batch {
				batch[i] = make([]byte, 500)
			}
			perWriter(b, 1, func(int) error { return j.AddOutcomes(context.Background(), batch) })
		})
	}
}

func BenchmarkOutcomes(b *testing.B) {
	const messages, together = 1000, 100
	j := open(b, Options{})
	batch := make([][]byte, together)
	for i := range batch {
		batch[i] = make([]byte, 500)
	}
	for range messages {
		require.NoError(b, j.AddOutcomes(context.Background(), batch))
	}
	for b.Loop() {
		n := 0
		require.NoError(b, j.Outcomes(context.Background(), func(time.Time, []byte) error { n++; return nil }))
		require.Equal(b, messages*together, n)
	}
	b.ReportMetric(float64(messages*together*b.N)/b.Elapsed().Seconds(), "outcomes/s")
}
