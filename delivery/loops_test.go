package delivery

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/alertvitals/notifier/notifiers"
)

func TestReloadChangesWhatRunsWithoutInterruptingIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newMemory()
		slow := &sink{notify: func(ctx context.Context, _ int, _ notifiers.Message) (notifiers.Receipt, error) {
			if !pause(ctx, 20*time.Second) {
				return nil, ctx.Err()
			}
			return told()
		}}
		w := start(t, j, quiet, testLoop(slow))
		j.add(webhook("before", firing("A")))
		pass(time.Second)
		fast := &sink{}

		require.NoError(t, w.Apply(t.Context(), []Loop{testLoop(fast)}))

		j.add(webhook("after", firing("A")))
		synctest.Wait()
		assert.Equal(t, []string{"after"}, fast.told())
		pass(time.Minute)
		assert.Equal(t, []string{"before"}, slow.told(), "the try that was under way came to its end")
		assert.Equal(t, []string{"after"}, fast.told())
		require.NoError(t, w.end())
	})
}

func TestP2ARemovedReceiverIsToldFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newMemory()
		s, up := downUntilUp()
		gone, stays := testLoop(s), loopFor("log", &sink{})
		w := start(t, j, quiet, gone, stays)
		j.add(webhook("accepted", firing("A")))
		pass(time.Minute)

		require.NoError(t, w.Apply(t.Context(), []Loop{stays}))
		j.add(webhook("routed just before", firing("B")))
		pass(time.Hour)
		assert.Len(t, w.runs(), 2)
		up.Store(true)
		pass(2 * time.Minute)

		assert.ElementsMatch(t, []string{"accepted", "routed just before"}, s.told())
		assert.Len(t, w.runs(), 1)
		assert.NotContains(t, j.positions, gone.Cursor)
		assert.Contains(t, j.positions, stays.Cursor)
		for key := range j.states {
			assert.NotContains(t, key, gone.Cursor)
		}

		// It comes back, and starts at the end.
		j.add(webhook("while it was away", firing("C")))
		synctest.Wait()
		require.NoError(t, w.Apply(t.Context(), []Loop{stays, gone}))
		j.add(webhook("back", firing("D")))
		synctest.Wait()
		assert.Len(t, s.told(), 3)
		assert.Contains(t, s.told(), "back")
		require.NoError(t, w.end())
	})
}

func TestAReceiverThatIsAddedAgainBeforeItIsGoneGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, s := newMemory(), &sink{}
		stays := loopFor("log", &sink{})
		w := start(t, j, quiet, testLoop(s), stays)
		require.NoError(t, w.Apply(t.Context(), []Loop{stays}))
		pass(10 * time.Second)
		j.add(webhook("meanwhile", firing("A")))
		require.NoError(t, w.Apply(t.Context(), []Loop{testLoop(s), stays}))
		pass(5 * time.Minute)
		j.add(webhook("then", firing("B")))
		synctest.Wait()
		assert.Equal(t, []string{"meanwhile", "then"}, s.told())
		require.NoError(t, w.end())
	})
}

// A receiver that was removed while nothing ran cannot be told any more: what was accepted for it is kept.
func TestP2WhatWasAcceptedForAReceiverThatIsNoMoreIsADeadLetter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, s := newMemory(), &sink{}
		stays := loopFor("log", &sink{})
		w := start(t, j, quiet, testLoop(s), stays)
		j.add(webhook("told", firing("A")))
		synctest.Wait()
		require.NoError(t, w.end())
		j.add(webhook("accepted", firing("B")))

		w = start(t, j, quiet, stays)
		pass(2 * time.Minute)

		list := dead(t, w)
		require.Len(t, list, 1)
		assert.Equal(t, []string{"people", "fake", "removed", "B"},
			[]string{list[0].Receiver, list[0].Integration, list[0].Reason, list[0].Alertname})
		assert.NotContains(t, j.positions, "people/fake/0")
		require.ErrorIs(t, w.Replay(t.Context(), list[0].ID), ErrGoneIntegration)
		require.NoError(t, w.Apply(t.Context(), []Loop{stays, testLoop(s)}))
		require.NoError(t, w.Replay(t.Context(), list[0].ID))
		synctest.Wait()
		assert.Equal(t, []string{"told", "accepted"}, s.told())
		require.NoError(t, w.end())
	})
}

func TestApplyIsAllOrNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, s := newMemory(), &sink{}
		var full atomic.Bool
		w := start(t, hooked{Journal: j, setPosition: func(uint64) error {
			if full.Load() {
				return errors.New("disk")
			}
			return nil
		}}, quiet, testLoop(s))
		full.Store(true)
		added, changed := testLoop(&sink{}), testLoop(&sink{})
		added.Cursor = "new/fake/0"

		require.ErrorContains(t, w.Apply(t.Context(), []Loop{changed, added}), "preparing the delivery: disk")

		j.add(webhook("g", firing("A")))
		synctest.Wait()
		assert.Equal(t, []string{"g"}, s.told())
		require.NoError(t, w.end())
	})
}

func TestPositionsBelongToTheirCursorsAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, s := newMemory(), &sink{}
		other := loopFor("old name", &sink{})
		w := start(t, j, quiet, testLoop(s), other)
		j.add(webhook("a", firing("A")))
		synctest.Wait()
		require.NoError(t, w.end())
		j.add(webhook("b", firing("A")))

		other = loopFor("new name", other.Sink)
		w = start(t, j, quiet, other, testLoop(s))
		synctest.Wait()

		assert.Equal(t, []string{"a", "b"}, s.told(), "the other receiver's new name changes nothing here")
		require.NoError(t, w.end())
	})
}

// The part of the journal that holds the positions was lost: what it has is told again rather than lost.
func TestP2WithoutPositionsAllIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, s := newMemory(), &sink{}
		for i := range 3 {
			j.add(webhook(fmt.Sprint(i), firing("A")))
		}
		w := start(t, j, quiet, testLoop(s))
		synctest.Wait()
		assert.ElementsMatch(t, []string{"0", "1", "2"}, s.told())
		require.NoError(t, w.end())
	})
}

func TestCursorNames(t *testing.T) {
	for _, receiver := range []string{"people", "a/b", "", "/", "p/slack/0"} {
		got, kind := named(Cursor(receiver, "slack", 3))
		assert.Equal(t, []string{receiver, "slack"}, []string{got, kind})
	}
	for _, odd := range []string{"", "x", "/"} {
		receiver, _ := named(odd)
		assert.NotContains(t, receiver, "/", odd)
	}
}

// A receiver whose sink hangs, with all that it may keep in memory waiting, delays no other.
func TestP6AReceiverInTroubleDelaysNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, s := newMemory(), &sink{}
		stuck := testLoop(&sink{notify: func(ctx context.Context, _ int, _ notifiers.Message) (notifiers.Receipt, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}})
		stuck.Receiver, stuck.Cursor = "log", "log/fake/0"
		stuck.Limits = Limits{Sends: 2, Entries: 5, Bytes: 1000}
		w := start(t, j, quiet, stuck, testLoop(s))
		for i := range 200 {
			j.add(webhook(fmt.Sprint(i), firing("A")))
		}
		synctest.Wait()
		assert.Len(t, s.told(), 200, "without any time passing")
		require.NoError(t, w.end())
	})
}

// A receiver that is removed twice before anybody looked is drained twice; whoever comes second leaves alone what runs by then.
func TestAReceiverThatIsAddedAfterTwoRemovalsIsLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, s := newMemory(), &sink{}
		stays := loopFor("log", &sink{})
		w := start(t, j, quiet, testLoop(s), stays)
		apply := func(loops ...Loop) { require.NoError(t, w.Apply(t.Context(), loops)) }
		apply(stays)
		time.Sleep(lookEvery / 2)
		apply(stays, testLoop(s))
		apply(stays)
		time.Sleep(lastCall) // the first one is done, the second one looks half a second later
		synctest.Wait()
		apply(stays, testLoop(s))
		pass(time.Minute)
		j.add(webhook("g", firing("A")))
		synctest.Wait()
		assert.Equal(t, []string{"g"}, s.told())
		assert.Contains(t, j.positions, "people/fake/0")
		w.mu.Lock()
		assert.Contains(t, w.loops, "people/fake/0")
		w.mu.Unlock()
		require.NoError(t, w.end())
	})
}
