package delivery

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/alertmanager/template"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/alertvitals/notifier/alert"
	"github.com/alertvitals/notifier/notifiers"
)

// toldStates are what the messages of a sink name.
func toldStates(s *sink) (got [][]string) {
	for _, m := range s.messages() {
		got = append(got, states(&m.Group))
	}
	return got
}

// over has A said to be over, so that a firing since the same time is in doubt for a window.
func over(j *memory, more ...template.Alert) template.Alert {
	a := since(firing("A"), time.Now())
	j.add(sameWebhook("g", "", append(more, a)...))
	pass(time.Second)
	j.add(sameWebhook("g", "", append(more, until(since(resolved("A"), a.StartsAt), time.Now()))...))
	pass(time.Second)
	return a
}

// What comes while a message of a group in doubt is under way does not wait for the doubt.
func TestP2WhatComesDuringATryDoesNotWaitForADoubt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newMemory()
		s := &sink{notify: func(ctx context.Context, _ int, _ notifiers.Message) (notifiers.Receipt, error) {
			pause(ctx, 500*time.Millisecond)
			return told()
		}}
		w := start(t, j, quiet, testLoop(s))
		a := over(j)
		b, c := since(firing("B"), time.Now()), since(firing("C"), time.Now())
		j.add(sameWebhook("g", "", a, b))
		pass(100 * time.Millisecond) // it is under way
		j.add(sameWebhook("g", "", a, b, c))
		pass(2 * time.Second)

		assert.Equal(t, [][]string{{"A"}, {"-A"}, {"-A", "B"}, {"-A", "B", "C"}}, toldStates(s))
		require.NoError(t, w.end())
	})
}

// A group that goes out of the fallback's care while one of its alerts is in doubt has nothing to settle yet.
func TestAFallbackIsToldOfAnEndBesideADoubt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newMemory()
		var down atomic.Bool
		s := &sink{notify: func(context.Context, int, notifiers.Message) (notifiers.Receipt, error) {
			if down.Load() {
				return nil, errDown
			}
			return told()
		}}
		l := testLoop(s)
		l.Fallback = Fallback{Receiver: "log", After: time.Minute}
		w := start(t, j, quiet, l)
		c := since(firing("C"), time.Now())
		down.Store(true)
		j.add(sameWebhook("g", "", c))
		pass(2 * time.Minute) // handed over
		down.Store(false)
		pass(time.Minute)
		a := over(j, c)
		j.add(sameWebhook("g", "", a, until(since(resolved("C"), c.StartsAt), time.Now())))
		pass(10 * time.Minute)

		assert.Equal(t, [][]string{{"C"}, {"A", "C"}, {"-A", "C"}, {"-A", "-C"}, {"-C", "A"}}, toldStates(s))
		require.NoError(t, w.end())
	})
}

// What cannot be told for good is kept as Alertmanager said it: an alert in doubt fires there.
func TestP2ADeadLetterKeepsADoubtfulFiring(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newMemory()
		s, repaired := refusing()
		repaired.Store(true)
		l := testLoop(s)
		w := start(t, j, quiet, l)
		a := over(j)
		repaired.Store(false)
		j.add(sameWebhook("g", "", a, since(firing("B"), time.Now())))
		pass(10 * time.Minute)

		list := dead(t, w)
		require.Len(t, list, 1)
		shown, err := w.Show(t.Context(), list[0].ID)
		require.NoError(t, err)
		assert.Equal(t, []string{"A", "B"}, states(shown.Group))
		assert.Equal(t, uint64(3), j.at(l.Cursor))
		require.NoError(t, w.end())
	})
}

// The fallback is told of a doubtful firing when the doubt has passed and the receiver is still in trouble.
func TestAFallbackIsToldOfADoubtfulFiring(t *testing.T) {
	for name, tc := range map[string]struct {
		after   time.Duration
		waits   time.Duration // until the receiver is asked for the first time
		handed  [][]string
		another bool
	}{
		"a doubt alone":                     {after: time.Minute, handed: [][]string{{"A"}}},
		"while the sink is not to be asked": {after: time.Minute, waits: time.Hour, handed: [][]string{{"X"}, {"A"}}},
		"beside news":                       {after: time.Minute, another: true, handed: [][]string{{"A", "B"}}},
		"beside news, while not to be asked": {
			after: time.Minute, waits: time.Hour, another: true, handed: [][]string{{"X"}, {"A", "B"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				j := newMemory()
				var down atomic.Bool
				s := &sink{notify: func(context.Context, int, notifiers.Message) (notifiers.Receipt, error) {
					switch {
					case !down.Load():
						return told()
					case tc.waits > 0:
						return nil, &notifiers.Error{Reason: notifiers.RateLimited, RetryAfter: tc.waits, Err: errDown}
					}
					return nil, errDown
				}}
				l := testLoop(s)
				l.Fallback = Fallback{Receiver: "ops-email", After: tc.after}
				mail := &sink{}
				other := loopFor("ops-email", mail)
				w := start(t, j, quiet, l, other)
				a := over(j)
				down.Store(true)
				if tc.waits > 0 {
					j.add(webhook("x", firing("X")))
					synctest.Wait()
				}
				j.add(sameWebhook("g", "", a))
				synctest.Wait()
				if tc.another {
					j.add(sameWebhook("g", "", a, since(firing("B"), time.Now())))
				}
				pass(30 * time.Minute)

				assert.ElementsMatch(t, tc.handed, toldStates(mail))
				require.NoError(t, w.end())
			})
		})
	}
}

// Two Alertmanagers tell the same life of an alert that flaps, one of them behind the other: nobody is told anything twice, and
// what people know last is what is true.
func TestP3P4ATwinThatIsBehindAFlappingAlertChangesNothing(t *testing.T) {
	at := func(seconds int) time.Time { return noon.Add(time.Duration(seconds) * time.Second) }
	fires := func(seconds, from int) entry { return said(seconds, since(firing("A"), at(from))) }
	ended := func(seconds, from, to int) entry {
		return said(seconds, until(since(resolved("A"), at(from)), at(to)))
	}
	first := []entry{fires(0, 0), ended(10, 0, 9), fires(20, 19), ended(30, 19, 29), fires(40, 39), ended(50, 39, 49)}
	for n := range len(first) + 1 {
		for lag := 1; lag <= n; lag++ {
			var known knowledge
			tell := func(e entry) bool {
				f := fold(known, []entry{e}, e.accepted, window)
				known = f.known
				return f.group != nil
			}
			for i, e := range first[:n] {
				require.True(t, tell(e), "the first says something new")
				if i-lag < 0 {
					continue
				}
				before := known
				twin := first[i-lag]
				twin.accepted = e.accepted.Add(time.Second)
				require.False(t, tell(twin), "%d behind, at %d: told twice", lag, i)
				require.Equal(t, before, known)
			}
		}
	}
}

func TestFoldTellsWordsOfTheSameFromNews(t *testing.T) {
	at := func(seconds int) time.Time { return noon.Add(time.Duration(seconds) * time.Second) }
	fires := func(seconds, from int) entry { return said(seconds, since(firing("A"), at(from))) }
	ended := func(seconds, from, to int) entry {
		return said(seconds, until(since(resolved("A"), at(from)), at(to)))
	}
	for name, tc := range map[string]struct {
		before []entry
		entry  entry
		want   []string
	}{
		"a twin that knows an earlier start":  {[]entry{fires(0, -10)}, fires(10, -600), nil},
		"a later start is another firing":     {[]entry{fires(0, -600)}, fires(10, 5), []string{"A"}},
		"the same end, since another start":   {[]entry{fires(0, -10), ended(60, -10, 59)}, ended(70, -600, 59), nil},
		"an end without any time":             {[]entry{fires(0, -10)}, said(60, resolved("A")), []string{"-A"}},
		"a later end is that of a new firing": {[]entry{ended(60, 0, 59)}, ended(90, 70, 89), []string{"-A"}},
	} {
		t.Run(name, func(t *testing.T) {
			var known knowledge
			for _, e := range tc.before {
				known = fold(known, []entry{e}, e.accepted, window).known
			}
			assert.Equal(t, tc.want, states(fold(known, []entry{tc.entry}, tc.entry.accepted, window).group))
		})
	}
}

// A clock that is set back does not turn the order round.
func TestP3OrderDoesNotDependOnTheClock(t *testing.T) {
	first, then := said(10, on("A", 0)), said(11, off("A", 0))
	then.accepted = first.accepted.Add(-time.Hour)
	f := fold(knowledge{}, []entry{first, then}, noon, window)
	assert.Equal(t, []string{"-A"}, states(f.group))
	assert.Nil(t, f.doubtful)
	assert.Equal(t, alert.StatusResolved, f.known.Status)
}

// An alert that fired on after its doubt passed ends anew: a twin that is behind that end does not reopen it.
func TestP3AnEndAfterADoubtIsAnEndOfItsOwn(t *testing.T) {
	at := func(seconds int) time.Time { return noon.Add(time.Duration(seconds) * time.Second) }
	a := since(firing("A"), noon)
	var known knowledge
	for _, step := range []struct {
		now  int
		e    entry
		want []string
	}{
		{10, said(10, until(since(resolved("A"), noon), at(9))), []string{"-A"}},
		{311, said(100, a), []string{"A"}}, // its doubt has passed
		{400, said(400, until(since(resolved("A"), noon), at(399))), []string{"-A"}},
		{405, said(405, a), nil},
	} {
		f := fold(known, []entry{step.e}, at(step.now), window)
		known = f.known
		assert.Equal(t, step.want, states(f.group), "at %d", step.now)
	}
}
