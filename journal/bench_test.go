package journal

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

func BenchmarkAppend(b *testing.B) {
	for _, writers := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
			j := open(b, Options{})
			data := make([]byte, 2<<10)
			var left atomic.Int64
			left.Store(int64(b.N))
			b.SetBytes(int64(len(data)))
			b.ResetTimer()
			var wg sync.WaitGroup
			for range writers {
				wg.Go(func() {
					for left.Add(-1) >= 0 {
						if _, err := j.Append(context.Background(), data); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
		})
	}
}

func BenchmarkRead(b *testing.B) {
	j := open(b, Options{})
	appendN(b, j, 2000)
	b.ResetTimer()
	for range b.N {
		readN(b, j, 0, 2000)
	}
	b.ReportMetric(float64(2000*b.N)/b.Elapsed().Seconds(), "records/s")
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
