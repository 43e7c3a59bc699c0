package delivery

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alertvitals/notifier/alert"
	"github.com/alertvitals/notifier/notifiers"
)

// Sinks that fail and panic at random, a disk that refuses at random, and restarts at random moments: for every group each
// message comes once, in the order in which they were accepted.
func TestP3OrderHoldsAndNothingIsLostUnderRandomTrouble(t *testing.T) {
	for seed := range uint64(25) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { randomTrouble(t, seed) })
		})
	}
}

func randomTrouble(t *testing.T, seed uint64) {
	rnd := &lockedRand{rnd: rand.New(rand.NewPCG(seed, 2))}
	j := newMemory()
	var mu sync.Mutex
	inTry := map[string]bool{}
	s := &sink{notify: func(ctx context.Context, _ int, m notifiers.Message) (notifiers.Receipt, error) {
		mu.Lock()
		if inTry[m.Group.Key] {
			t.Errorf("two tries at once for %s", m.Group.Key)
		}
		inTry[m.Group.Key] = true
		mu.Unlock()
		defer func() {
			mu.Lock()
			inTry[m.Group.Key] = false
			mu.Unlock()
		}()
		if !pause(ctx, time.Duration(rnd.n(3000))*time.Millisecond) {
			return nil, ctx.Err()
		}
		switch rnd.n(6) {
		case 0:
			return nil, errDown
		case 1:
			return nil, &notifiers.Error{Reason: notifiers.RateLimited, RetryAfter: time.Duration(rnd.n(20)) * time.Second, Err: errDown}
		case 2:
			panic("boom")
		}
		return notifiers.Receipt{"id": m.ID}, nil
	}}
	// A message may come again for one reason only: the disk refused its state, and the loop ended before the disk took it.
	refused, again := map[string]bool{}, map[string]int{}
	l := testLoop(hooked{
		Journal: j,
		setState: func(group string) error {
			mu.Lock()
			defer mu.Unlock()
			if refused[group] = rnd.n(5) == 0; refused[group] {
				return errors.New("disk")
			}
			return nil
		},
	}, s)
	l.Limits = Limits{Sends: 3, Entries: 20}

	want := map[string][]string{} // the statuses of each group, in order
	stop := start(t, l)
	for range 150 {
		key := fmt.Sprint("g", rnd.n(6))
		body, status := webhook(key, firing("A")), alert.StatusFiring
		if rnd.n(3) == 0 {
			body, status = webhook(key, resolved("A")), alert.StatusResolved
		}
		seq := j.Append(body)
		want[key] = append(want[key], fmt.Sprint(seq, status))
		time.Sleep(time.Duration(rnd.n(2000)) * time.Millisecond)
		if rnd.n(10) == 0 {
			require.NoError(t, stop())
			for group, unsaved := range refused {
				if unsaved {
					again[group]++
				}
			}
			clear(refused)
			stop = start(t, l)
		}
	}
	time.Sleep(3 * time.Hour)
	require.NoError(t, stop())

	got := map[string][]string{}
	for _, m := range s.sent {
		var seq uint64
		_, err := fmt.Sscanf(m.ID, "%d-", &seq)
		require.NoError(t, err)
		got[m.Group.Key] = append(got[m.Group.Key], fmt.Sprint(seq, m.Group.Status()))
	}
	for key, list := range got {
		require.Equal(t, want[key], compactRuns(list), "group %s", key)
		require.Equal(t, again[key], len(list)-len(want[key]), "repetitions in group %s", key)
	}
	require.Len(t, got, len(want))
	require.Equal(t, uint64(150), j.positions[l.Cursor])
}

// compactRuns drops repetitions that follow each other.
func compactRuns(list []string) (out []string) {
	for i, s := range list {
		if i == 0 || s != list[i-1] {
			out = append(out, s)
		}
	}
	return out
}

type lockedRand struct {
	mu  sync.Mutex
	rnd *rand.Rand
}

func (r *lockedRand) n(n int) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.rnd.IntN(n)
}
