package delivery

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/time/rate"

	"github.com/alertvitals/notifier/notifiers"
)

func TestReceiversSayHowTheirDeliveryGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newMemory()
		down, up := downUntilUp()
		people, second, log := testLoop(down), testLoop(&sink{}), loopFor("log", &sink{})
		people.Fallback = Fallback{Receiver: "log", After: time.Hour}
		people.Pace = rate.NewLimiter(1, 10)
		second.Cursor, second.SendResolved = Cursor("people", "fake", 1), false
		w := start(t, j, quiet, people, second, log)
		accepted := time.Now().UTC()
		j.add(webhook("a", firing("A")))
		j.add(webhook("b", firing("B")))
		pass(time.Minute)

		all := w.Receivers()

		require.Len(t, all, 2)
		assert.Equal(t, Receiver{Name: "log", Integrations: []Integration{{Kind: "fake", SendsResolved: true}}}, all[0])
		assert.Equal(t, "log", all[1].Fallback)
		assert.Equal(t, model.Duration(time.Hour), all[1].FallbackAfter)
		require.Len(t, all[1].Integrations, 2)
		assert.Equal(t, Integration{Kind: "fake", Index: 1}, all[1].Integrations[1])
		first := all[1].Integrations[0]
		require.NotNil(t, first.LastFailure)
		assert.Equal(t, "server", first.LastFailure.Reason)
		assert.Equal(t, errDown.Error(), first.LastFailure.Error)
		assert.True(t, first.LastFailure.At.After(accepted))
		first.LastFailure = nil
		assert.Equal(t, Integration{
			Kind: "fake", SendsResolved: true, Pace: 1, Waiting: 2, Retrying: 2, Oldest: accepted,
		}, first)

		up.Store(true)
		require.NoError(t, w.Apply(t.Context(), []Loop{second, log}))
		pass(5 * time.Second)
		assert.True(t, w.Receivers()[1].Integrations[0].Removed)
		pass(time.Hour)
		all = w.Receivers()
		require.Len(t, all[1].Integrations, 1, "it was told all that was accepted for it")
		assert.Equal(t, 1, all[1].Integrations[0].Index)
		require.NoError(t, w.end())
	})
}

func TestALastFailureOutlivesItsDeadLetter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refuses := &sink{notify: func(context.Context, int, notifiers.Message) (notifiers.Receipt, error) {
			return nil, &notifiers.Error{Reason: notifiers.Auth, Permanent: true, Err: errDown}
		}}
		j := newMemory()
		w := start(t, j, quiet, testLoop(refuses))
		j.add(webhook("a", firing("A")))
		pass(time.Second)

		one := w.Receivers()[0].Integrations[0]
		assert.Equal(t, 0, one.Waiting)
		assert.True(t, one.Oldest.IsZero())
		require.NotNil(t, one.LastFailure)
		assert.Equal(t, "auth", one.LastFailure.Reason)
		require.NoError(t, w.end())
	})
}

func TestWhatIsMutedIsNotOverdue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		down, _ := downUntilUp()
		l := testLoop(down)
		l.Mutes = mutedIn(time.Now(), map[string]span{"": {0, time.Hour}})
		j := newMemory()
		w := start(t, j, quiet, l)
		accepted := time.Now().UTC()
		j.add(webhook("a", begun("A")))
		pass(time.Minute)

		one := w.Receivers()[0].Integrations[0]
		assert.Equal(t, []int{0, 0, 1}, []int{one.Waiting, one.Retrying, one.Muted})
		assert.True(t, one.Oldest.IsZero())

		pass(time.Hour)
		one = w.Receivers()[0].Integrations[0]
		assert.Equal(t, []int{1, 1, 0}, []int{one.Waiting, one.Retrying, one.Muted}, "the mute has ended, and the sink is down")
		assert.Equal(t, accepted, one.Oldest)
		require.NoError(t, w.end())
	})
}
