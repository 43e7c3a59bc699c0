package delivery

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/alertvitals/notifier/notifiers"
)

func TestP3WaitingUpdatesMergeIntoOneMessageThatNamesAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newMemory()
		s, up := downUntilUp()
		l := testLoop(s)
		w := start(t, j, quiet, l)
		j.add(sameWebhook("g", "", on("A", 0), on("B", 0)))
		pass(time.Minute)
		j.add(sameWebhook("g", "", off("A", 0), on("B", 0)))
		pass(time.Minute)
		j.add(sameWebhook("g", "", on("B", 0), on("C", 2)))
		pass(time.Minute)
		assert.Zero(t, j.at(l.Cursor))
		up.Store(true)
		pass(time.Minute)

		require.Len(t, s.messages(), 1)
		assert.Equal(t, []string{"-A", "B", "C"}, states(&s.messages()[0].Group))
		assert.Equal(t, uint64(3), j.at(l.Cursor))
		assert.InDelta(t, 0, testutil.ToFloat64(w.series().pending), 0)
		assert.InDelta(t, 2, testutil.ToFloat64(w.series().merged), 0)
		require.NoError(t, w.end())
	})
}

func TestP3ALateFiringNeverReopensWhatIsResolved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, s := newMemory(), &sink{}
		l := testLoop(s)
		w := start(t, j, quiet, l)
		say := func(want ...[]string) {
			t.Helper()
			synctest.Wait()
			var got [][]string
			for _, m := range s.messages() {
				got = append(got, states(&m.Group))
			}
			require.Equal(t, want, got)
		}
		began := time.Now()
		a := since(firing("A"), began)
		over := until(since(resolved("A"), began), began.Add(time.Minute))
		pass(2 * time.Minute)

		j.add(sameWebhook("g", "", over))
		say([]string{"-A"}) // the end came first: it is said once
		pass(10 * time.Second)
		j.add(sameWebhook("g", "", a))
		say([]string{"-A"}) // the firing that was behind it
		pass(10 * time.Second)
		require.NoError(t, w.end())
		w = start(t, j, quiet, l) // a restart forgets no doubt
		say([]string{"-A"})
		pass(10 * time.Second)
		j.add(sameWebhook("g", "", over))
		say([]string{"-A"}) // the end by the second Alertmanager
		pass(time.Hour)
		say([]string{"-A"})
		assert.Equal(t, uint64(3), j.at(l.Cursor), "all is settled")

		// An Alertmanager that had lost its Prometheus said that B is over; it goes on firing since the same time.
		b := since(firing("B"), time.Now())
		j.add(sameWebhook("h", "", b))
		pass(time.Minute)
		j.add(sameWebhook("h", "", until(since(resolved("B"), b.StartsAt), time.Now())))
		pass(time.Minute)
		j.add(sameWebhook("h", "", b))
		say([]string{"-A"}, []string{"B"}, []string{"-B"})
		list, err := w.List(t.Context(), Query{Status: Pending})
		require.NoError(t, err)
		require.Len(t, list, 1, "an operator sees it wait")
		assert.Equal(t, Pending, list[0].Status)
		pass(4*time.Minute + time.Second)
		say([]string{"-A"}, []string{"B"}, []string{"-B"}, []string{"B"})
		require.NoError(t, w.end())
	})
}

func TestCriticalGoesBeforeWarningBeforeInfo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newMemory()
		s := &sink{notify: func(ctx context.Context, _ int, _ notifiers.Message) (notifiers.Receipt, error) {
			pause(ctx, time.Second)
			return told()
		}}
		l := loopFor("log", s) // who gets what is info, too
		l.Limits.Sends = 1
		w := start(t, j, quiet, l)
		j.add(webhook("first", firing("X")))
		synctest.Wait()
		for i, severity := range []string{"info", "warning", "critical", "info", "odd", "critical"} {
			a := firing("A")
			a.Labels["severity"] = severity
			j.add(webhook(fmt.Sprint(i, severity), a))
		}
		pass(time.Minute)

		assert.Equal(t, []string{"first", "2critical", "5critical", "1warning", "4odd", "0info", "3info"}, s.told())
		require.NoError(t, w.end())
	})
}

func TestGroupsThatHangLeaveRoomForOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newMemory()
		s := &sink{notify: func(ctx context.Context, _ int, m notifiers.Message) (notifiers.Receipt, error) {
			if m.Group.Alerts[0].Labels["alertname"] == "Hangs" {
				<-ctx.Done()
				return nil, ctx.Err()
			}
			return told()
		}}
		w := start(t, j, quiet, testLoop(s))
		for i := range 40 {
			j.add(webhook(fmt.Sprint("hangs", i), firing("Hangs")))
		}
		pass(5 * time.Minute) // all of them have been tried
		for i := range 100 {
			j.add(webhook(fmt.Sprint(i), firing("A")))
		}
		synctest.Wait()
		assert.Len(t, s.told(), 100, "without any time passing")
		require.NoError(t, w.end())
	})
}

func TestARateLimitKeepsTheWholeSinkQuiet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newMemory()
		s := &sink{notify: func(_ context.Context, n int, _ notifiers.Message) (notifiers.Receipt, error) {
			if n == 1 {
				return nil, &notifiers.Error{Reason: notifiers.RateLimited, RetryAfter: 30 * time.Second, Err: errors.New("429")}
			}
			return told()
		}}
		w := start(t, j, quiet, testLoop(s))
		j.add(webhook("a", firing("A")))
		synctest.Wait()
		j.add(webhook("b", firing("B")))
		pass(29 * time.Second)
		assert.Len(t, s.tried(), 1)
		pass(2 * time.Second)
		assert.ElementsMatch(t, []string{"a", "b"}, s.told())
		require.NoError(t, w.end())
	})
}

func TestALimitOfSomeMessagesDelaysNoOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newMemory()
		s := &sink{notify: func(_ context.Context, n int, _ notifiers.Message) (notifiers.Receipt, error) {
			if n == 1 {
				return nil, &notifiers.Error{Reason: notifiers.RateLimited, Partly: true, RetryAfter: 30 * time.Second, Err: errors.New("429")}
			}
			return told()
		}}
		w := start(t, j, quiet, testLoop(s))
		j.add(webhook("a", firing("A")))
		synctest.Wait()
		j.add(webhook("b", firing("B")))
		synctest.Wait()
		assert.Equal(t, []string{"b"}, s.told())
		pass(31 * time.Second)
		assert.Equal(t, []string{"b", "a"}, s.told())
		require.NoError(t, w.end())
	})
}

// Sinks that fail and panic at random, a disk that refuses at random, and restarts at random moments: for every group people
// are told the newest state in the end, each message is newer than the one before it, and none comes twice without a reason.
func TestP2P3NothingIsLostOrOutOfOrderUnderRandomTrouble(t *testing.T) {
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
	l := testLoop(s)
	l.Limits = Limits{Sends: 3, Entries: 20, Bytes: 2000}
	disk := hooked{
		Journal: j,
		setState: func(group string) error {
			mu.Lock()
			defer mu.Unlock()
			if refused[group] = rnd.n(5) == 0; refused[group] {
				return errors.New("disk")
			}
			return nil
		},
	}

	newest := map[string]entrySaid{}
	w := start(t, disk, quiet, l)
	for range 150 {
		key := fmt.Sprint("g", rnd.n(6))
		said := entrySaid{version: newest[key].version + 1, fires: rnd.n(3) > 0}
		a := since(firing("A"), time.Now())
		if !said.fires {
			a = until(since(resolved("A"), time.Now()), time.Now())
		}
		a.Annotations = map[string]string{"version": fmt.Sprint(said.version)}
		j.add(sameWebhook(key, "", a))
		newest[key] = said
		time.Sleep(time.Duration(1+rnd.n(2000)) * time.Millisecond)
		if rnd.n(10) == 0 {
			require.NoError(t, w.end())
			for group, unsaved := range refused {
				if unsaved {
					again[group]++
				}
			}
			clear(refused)
			w = start(t, disk, quiet, l)
		}
	}
	time.Sleep(3 * time.Hour)
	require.NoError(t, w.end())

	got := map[string][]entrySaid{}
	for _, m := range s.sent {
		said := entrySaid{fires: m.Group.Status() == "firing"}
		_, err := fmt.Sscan(m.Group.Alerts[0].Annotations["version"], &said.version)
		require.NoError(t, err)
		got[m.Group.Key] = append(got[m.Group.Key], said)
	}
	require.Len(t, got, len(newest))
	for key, list := range got {
		require.Equal(t, newest[key], list[len(list)-1], "group %s", key)
		require.True(t, slices.IsSortedFunc(list, func(a, b entrySaid) int { return a.version - b.version }), "group %s: %v", key, list)
		repeats := len(list) - len(slices.Compact(slices.Clone(list)))
		require.LessOrEqual(t, repeats, again[key], "repetitions in group %s: %v", key, list)
	}
	require.Equal(t, uint64(150), j.positions[l.Cursor])
}

// entrySaid is what a group said with its nth notification.
type entrySaid struct {
	version int
	fires   bool
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

// What waits for a group may be more than is read at once.
func TestMuchThatWaitsIsReadOneByOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newMemory()
		s, up := downUntilUp()
		w := start(t, j, quiet, testLoop(s))
		for i := range 5 {
			a := on(fmt.Sprint("A", i), i)
			a.Annotations = map[string]string{"description": strings.Repeat(fmt.Sprint(i), mostRead/4)}
			j.add(sameWebhook("g", "", a))
			pass(time.Minute)
		}
		up.Store(true)
		pass(2 * time.Minute)
		require.Len(t, s.messages(), 1)
		assert.Equal(t, []string{"A4", "~A0", "~A1", "~A2", "~A3"}, states(&s.messages()[0].Group))
		require.NoError(t, w.end())
	})
}
