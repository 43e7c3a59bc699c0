package delivery

import (
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/alertvitals/notifier/notifiers"
)

func TestNext(t *testing.T) {
	plain := errors.New("x")
	asks := func(d time.Duration) error { return &notifiers.Error{RetryAfter: d, Err: plain} }
	for name, tc := range map[string]struct {
		attempt int
		err     error
		rnd     float64
		want    time.Duration
	}{
		"first, least":           {1, plain, 0, 250 * time.Millisecond},
		"first, most":            {1, plain, 0.9999999999, 500 * time.Millisecond},
		"second":                 {2, plain, 0.5, 750 * time.Millisecond},
		"seventh":                {7, plain, 0, 16 * time.Second},
		"eighth":                 {8, plain, 0, 30 * time.Second},
		"many":                   {1_000_000, plain, 0.5, 45 * time.Second},
		"no attempt":             {0, plain, 0, 250 * time.Millisecond},
		"asks for more":          {1, asks(42 * time.Second), 0, 42 * time.Second},
		"asks for less":          {8, asks(time.Second), 0, 30 * time.Second},
		"asks for a day":         {1, asks(24 * time.Hour), 0, time.Hour},
		"asks for the past":      {1, asks(-time.Hour), 0, 250 * time.Millisecond},
		"not of a sink's making": {1, nil, 0, 250 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, tc.want, Next(tc.attempt, tc.err, tc.rnd).Round(time.Microsecond))
		})
	}
}

func TestPositionIsBelowEverythingUnsettled(t *testing.T) {
	for seed := range uint64(200) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		p := progress{last: 10}
		open := map[uint64]bool{}
		seq, before := uint64(10), uint64(10)
		for range 200 {
			switch rnd.IntN(3) {
			case 0:
				seq += 1 + rnd.Uint64N(3)
				p.begin(seq)
				open[seq] = true
			case 1:
				seq++
				p.skip(seq)
			default:
				for s := range open {
					p.settle(s)
					delete(open, s)
					break
				}
			}
			want := seq
			for s := range open {
				want = min(want, s-1)
			}
			require.Equal(t, want, p.position(), "seed %d", seed)
			require.GreaterOrEqual(t, p.position(), before, "seed %d", seed)
			require.Equal(t, len(open), p.waiting(), "seed %d", seed)
			before = p.position()
		}
	}
}
