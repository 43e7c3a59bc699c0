package bench

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// samples are durations of the same thing.
type samples []time.Duration

// quantile is the smallest sample that at least the share q of all are not greater than.
func (s samples) quantile(q float64) time.Duration {
	if len(s) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(s))
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func TestQuantile(t *testing.T) {
	s := samples{5, 1, 4, 2, 3, 10, 6, 9, 7, 8}

	assert.Equal(t, time.Duration(6), s.quantile(0.5))
	assert.Equal(t, time.Duration(10), s.quantile(0.99))
	assert.Equal(t, time.Duration(1), s.quantile(0))
	assert.Zero(t, samples{}.quantile(0.5))
}
