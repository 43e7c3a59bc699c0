package delivery

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/alertmanager/template"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/time/rate"

	"github.com/alertvitals/notifier/alert"
	"github.com/alertvitals/notifier/notifiers"
)

// The sink is down when the mute ends: what is due ages from then on, not from when it was accepted, and is told even when it is over.
func TestP2WhatIsMutedAgesFromTheEndOfTheMute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newMemory()
		s, up := downUntilUp()
		l := night(s)
		l.Limits.MaxAge = 30 * time.Minute
		w := start(t, j, quiet, l)
		pass(time.Hour)
		a, b := begun("A"), begun("B")
		j.add(sameWebhook("g", "", a))
		j.add(sameWebhook("h", "", b))
		pass(time.Hour - time.Second)
		assert.Empty(t, s.tried())
		pass(10 * time.Minute)
		assert.NotEmpty(t, s.tried())
		list, err := w.List(t.Context(), Query{Status: Retrying})
		require.NoError(t, err)
		require.Len(t, list, 2)
		assert.Nil(t, list[0].Muted)
		require.NoError(t, w.end()) // a restart forgets neither that it is due nor since when
		w = start(t, j, quiet, l)
		j.add(sameWebhook("h", "", finished(b)))
		pass(19 * time.Minute)
		assert.Empty(t, dead(t, w))
		pass(2 * time.Minute)
		letters := dead(t, w)
		require.Len(t, letters, 2)
		up.Store(true)
		pass(2 * time.Minute)
		assert.Equal(t, [][]string{{"-B"}}, saying(s), "its end is no letter yet")
		require.NoError(t, w.Replay(t.Context(), letters[slices.IndexFunc(letters, func(d Delivery) bool { return d.Alertname == "A" })].ID))
		synctest.Wait()
		assert.Equal(t, [][]string{{"-B"}, {"A"}}, saying(s))
		require.NoError(t, w.end())
	})
}

// What fired before the mute, when the sink was down, should have been told: it is, even when it ended within the mute.
func TestP2WhatWasOwedBeforeAMuteIsToldAfterIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newMemory()
		s, up := downUntilUp()
		l := night(s)
		l.SendResolved = false
		w := start(t, j, quiet, l)
		pass(50 * time.Minute)
		a := begun("A")
		j.add(sameWebhook("g", "", a))
		pass(11 * time.Minute)
		tries := len(s.tried())
		up.Store(true)
		pass(10 * time.Minute)
		assert.Len(t, s.tried(), tries, "it is muted")
		assert.Equal(t, uint64(1), j.at(l.Cursor))
		j.add(sameWebhook("g", "", finished(a)))
		pass(time.Hour)
		assert.Equal(t, [][]string{{"-A"}}, saying(s))
		require.NoError(t, w.end())
	})
}

// What fires when the mute ends is told, even when it ends before the sink takes it.
func TestP2WhatIsDueWhenAMuteEndsIsOwed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newMemory()
		s, up := downUntilUp()
		l := night(s)
		w := start(t, j, quiet, l)
		pass(time.Hour)
		a := begun("A")
		j.add(sameWebhook("g", "", a))
		pass(time.Hour + time.Minute)
		require.NotEmpty(t, s.tried())
		require.NoError(t, w.end())
		l.Mutes = mutedIn(time.Now(), map[string]span{"": {time.Minute, time.Hour}}) // the next night comes
		w = start(t, j, quiet, l)
		pass(2 * time.Minute)
		j.add(sameWebhook("g", "", finished(a)))
		pass(time.Minute)
		up.Store(true)
		pass(time.Hour)
		assert.Equal(t, [][]string{{"-A"}}, saying(s))
		require.NoError(t, w.end())
	})
}

func TestAFallbackIsNotToldOfWhatIsMuted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newMemory()
		s, _ := downUntilUp()
		other := &sink{}
		l, deputy := night(s), loopFor("deputy", other)
		deputy.Mutes = mutedIn(time.Now(), map[string]span{"": {time.Hour, 10 * time.Hour}}) // it stands in nonetheless
		l.Fallback = Fallback{Receiver: "deputy", After: 2 * time.Minute}
		w := start(t, j, quiet, l, deputy)
		pass(59 * time.Minute)
		j.add(sameWebhook("before", "", begun("A")))
		pass(2 * time.Minute)
		j.add(sameWebhook("within", "", begun("B")))
		pass(60*time.Minute - time.Second)
		assert.Empty(t, other.tried(), "neither counts while it is muted")
		pass(time.Minute)
		assert.Empty(t, other.tried())
		pass(time.Minute + 2*time.Second)
		assert.ElementsMatch(t, []string{"before", "within"}, other.told())
		pass(time.Hour)
		assert.Len(t, other.tried(), 2, "once")
		require.NoError(t, w.end())
	})
}

func TestAReloadThatLiftsAMuteTellsWhatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, s := newMemory(), &sink{}
		l := night(s)
		w := start(t, j, quiet, l)
		pass(time.Hour)
		j.add(sameWebhook("g", "", begun("A")))
		pass(time.Minute)
		longer := l
		longer.Mutes = mutedIn(time.Now(), map[string]span{"": {0, 2 * time.Hour}})
		require.NoError(t, w.Apply(t.Context(), []Loop{longer}))
		pass(90 * time.Minute)
		assert.Empty(t, s.tried())
		list, err := w.List(t.Context(), Query{})
		require.NoError(t, err)
		require.Len(t, list, 1)
		assert.Equal(t, 29*time.Minute+59*time.Second, (time.Until(list[0].Muted.Until) - time.Second).Round(time.Second))
		l.Mutes = nil
		require.NoError(t, w.Apply(t.Context(), []Loop{l}))
		synctest.Wait()
		assert.Equal(t, []string{"g"}, s.told())
		require.NoError(t, w.end())
	})
}

func TestP2ARemovedReceiverIsToldWhatIsMuted(t *testing.T) {
	for name, atStart := range map[string]bool{"by a reload": false, "before a start": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				j, s := newMemory(), &sink{}
				gone, stays := night(s), loopFor("log", &sink{})
				w := start(t, j, quiet, gone, stays)
				pass(time.Hour)
				j.add(sameWebhook("g", "", begun("A")))
				pass(time.Minute)
				if atStart {
					require.NoError(t, w.end())
					w = start(t, j, quiet, stays)
				} else {
					require.NoError(t, w.Apply(t.Context(), []Loop{stays}))
				}
				pass(2 * time.Hour)
				if atStart {
					require.Len(t, dead(t, w), 1)
					assert.Equal(t, "removed", dead(t, w)[0].Reason)
				} else {
					assert.Equal(t, []string{"g"}, s.told())
				}
				assert.NotContains(t, j.positions, gone.Cursor)
				assert.Len(t, w.runs(), 1)
				require.NoError(t, w.end())
			})
		})
	}
}

func TestAMutedStormDelaysNoOtherGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, s := newMemory(), &sink{}
		l := testLoop(s)
		l.Pace = rate.NewLimiter(1, 1)
		l.Mutes = mutedIn(time.Now(), map[string]span{"A": {0, time.Hour}})
		w := start(t, j, quiet, l)
		warning := begun("B")
		warning.Labels["severity"] = "warning"
		for i := range 500 {
			j.add(sameWebhook(fmt.Sprint("muted", i), "", begun("A")))
		}
		j.add(sameWebhook("g", "", warning))
		pass(time.Second)
		assert.Equal(t, []string{"g"}, s.told())
		assert.InDelta(t, 500, testutil.ToFloat64(w.series().muted), 0)
		for _, r := range w.runs() {
			r.mu.Lock()
			for _, g := range r.groups {
				assert.False(t, g.loaded, "what rests is on disk alone")
			}
			r.mu.Unlock()
		}
		pass(3 * time.Hour)
		assert.Len(t, s.told(), 501)
		require.NoError(t, w.end())
	})
}

// A dead letter that is replayed when newer news of its group were heard is told as late; what is muted is told late to nobody.
func TestAReplayWithinAMuteIsADeadLetterAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newMemory()
		refuses, taking := refusing()
		l := night(refuses)
		w := start(t, j, quiet, l)
		a := begun("A")
		j.add(sameWebhook("g", "", a))
		pass(time.Minute)
		require.Len(t, dead(t, w), 1)
		taking.Store(true)
		pass(time.Hour)
		b := begun("B")
		j.add(sameWebhook("g", "", b))
		pass(time.Minute)
		require.NoError(t, w.Replay(t.Context(), dead(t, w)[0].ID))
		pass(time.Minute)
		require.Len(t, dead(t, w), 1)
		assert.Equal(t, "muted", dead(t, w)[0].Reason)
		assert.Equal(t, "it is muted by nights", dead(t, w)[0].Error)
		assert.NotNil(t, j.held(t, l.Cursor, "g"), "the newer news wait on")
		pass(time.Hour)
		assert.Equal(t, [][]string{{"B"}}, saying(refuses))
		require.NoError(t, w.Replay(t.Context(), dead(t, w)[0].ID))
		pass(time.Minute)
		assert.Equal(t, [][]string{{"B"}, {"A"}}, saying(refuses))
		assert.True(t, refuses.messages()[1].Late)
		assert.Empty(t, dead(t, w))
		require.NoError(t, w.end())
	})
}

// What is held is bounded; what is cut off counts as hidden, so the group does not turn green.
func TestP8WhatIsTooMuchToHoldIsHidden(t *testing.T) {
	var g alert.Group
	for i := range 30 {
		a := on(fmt.Sprint(i), 0)
		a.Annotations = template.KV{"description": string(make([]byte, mostRecord/100))} // each byte takes six in JSON
		g.Alerts = append(g.Alerts, a)
	}
	g.Gone = append(g.Gone, g.Alerts[0])
	cut(&g)
	assert.LessOrEqual(t, sizeOf(&g), mostRecord)
	assert.NotEmpty(t, g.Alerts)
	assert.Equal(t, 31, len(g.Alerts)+len(g.Gone)+int(g.Truncated))
	assert.Equal(t, alert.StatusFiring, g.Status())
}

// Webhooks, mutes, restarts and failures at random: whenever a message comes, nothing in it is news of an alert that is muted then, and
// in the end people know of each group what Alertmanager said last.
func TestP2P3MutesAtRandom(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { mutesAtRandom(t, rand.New(rand.NewPCG(seed, 4))) })
		})
	}
}

func mutesAtRandom(t *testing.T, rnd *rand.Rand) {
	j := newMemory()
	fails := &lockedRand{rnd: rand.New(rand.NewPCG(rnd.Uint64(), 5))}
	s := &sink{notify: func(context.Context, int, notifiers.Message) (notifiers.Receipt, error) {
		if fails.n(4) == 0 {
			return nil, errDown
		}
		return told()
	}}
	l := testLoop(s)
	l.Limits.DedupeWindow = time.Second
	began := time.Now()
	names := []string{"A", "B", "C", "D"}
	by := map[string]span{}
	for _, name := range names[:3] {
		from := time.Duration(rnd.IntN(60)) * time.Minute
		by[name] = span{from, from + time.Duration(rnd.IntN(60))*time.Minute}
	}
	l.Mutes = mutedIn(began, by)
	w := start(t, j, quiet, l)
	current := map[string]template.Alert{}
	for range 60 {
		time.Sleep(time.Duration(10+rnd.IntN(180)) * time.Second)
		var alerts []template.Alert
		for _, name := range names {
			a, known := current[name]
			switch fires := known && a.Status == alert.StatusFiring; {
			case fires && rnd.IntN(3) == 0:
				a = finished(a)
			case !fires && rnd.IntN(3) == 0:
				a = begun(name)
			case fires: // as before
			default:
				continue // Alertmanager names an end once
			}
			current[name] = a
			alerts = append(alerts, a)
		}
		if len(alerts) > 0 {
			j.add(sameWebhook("g", "", alerts...))
		}
		if rnd.IntN(8) == 0 {
			require.NoError(t, w.end())
			w = start(t, j, quiet, l)
		}
	}
	time.Sleep(5 * time.Hour)
	synctest.Wait()
	require.NoError(t, w.end())

	shown := map[string]int64{} // what people see firing, since when
	failed := map[string]bool{}
	for _, m := range s.messages() {
		at := time.Time{}
		for _, try := range s.tried() {
			if try.message.ID == m.ID {
				at = try.at // the newest
			}
		}
		now := map[string]int64{}
		for _, a := range m.Group.Alerts {
			name := a.Labels["alertname"]
			_, muted := l.Mutes(a.Labels, "", at)
			since, fires := shown[name]
			if muted && (a.Status != alert.StatusFiring || !fires || since != a.StartsAt.Unix()) {
				failed[name] = true
			}
			if a.Status == alert.StatusFiring {
				now[name] = a.StartsAt.Unix()
			}
		}
		shown = now
	}
	assert.Empty(t, failed, "news of what was muted")
	want := map[string]int64{}
	for name, a := range current {
		if a.Status == alert.StatusFiring {
			want[name] = a.StartsAt.Unix()
		}
	}
	assert.Equal(t, want, shown, "known: %v", slices.Sorted(maps.Keys(shown)))
	assert.Len(t, j.records, int(j.at(l.Cursor)))
	assert.Nil(t, j.held(t, l.Cursor, "g"))
}
