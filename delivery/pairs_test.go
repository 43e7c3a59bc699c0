package delivery

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	dto "github.com/prometheus/client_model/go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/alertvitals/notifier/alert"
	"github.com/alertvitals/notifier/envelope"
)

// handedOver is what the receiver "oncall" hands over to "people", accepted at some time.
func handedOver(t *testing.T, group string, accepted time.Time, alerts ...string) []byte {
	t.Helper()
	g := alert.Group{Key: group}
	for _, name := range alerts {
		g.Alerts = append(g.Alerts, since(firing(name), accepted))
	}
	e, err := envelope.OfGroup(g, "people", envelope.Again{Delivery: "1-abcd", From: "oncall", Reason: "auth", Accepted: accepted})
	require.NoError(t, err)
	record, err := e.Seal()
	require.NoError(t, err)
	return record
}

// The fallback has a muted route of its own to the same group, by which newer news came: what it is told in somebody's stead cannot wait.
func TestP2ALateFallbackIsToldWithinAMute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, s := newMemory(), &sink{}
		l := testLoop(s)
		l.Mutes = mutedIn(time.Now(), map[string]span{"": {0, time.Hour}})
		w := start(t, j, quiet, l)
		accepted := time.Now()
		a := begun("A")
		pass(time.Second)
		j.add(sameWebhook("g", "", a, begun("B")))
		pass(time.Second)
		require.Empty(t, s.tried())
		j.add(handedOver(t, "g", accepted, "A"))
		pass(time.Second)
		assert.Empty(t, dead(t, w))
		require.Len(t, s.messages(), 1)
		assert.True(t, s.messages()[0].Late)
		pass(2 * time.Hour)
		assert.Len(t, s.messages(), 2, "its own news are told by the end")
		require.NoError(t, w.end())
	})
}

func TestWhatIsToldLateGoesOnWithItsTrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, s := newMemory(), &sink{}
		l, spans := tracingLoop(s)
		w := start(t, j, quiet, l)
		id := j.add(traced(t, 1, sameWebhook("g", "", begun("A"))))
		pass(time.Second)
		all, err := w.List(t.Context(), Query{})
		require.NoError(t, err)
		require.Len(t, all, 1)
		require.NoError(t, w.Replay(t.Context(), all[0].ID))
		pass(time.Second)
		tries := spansNamed(spans.GetSpans(), "deliver")
		require.Len(t, tries, 2)
		assert.Equal(t, traceID(int(id)), tries[1].SpanContext.TraceID().String())
		require.NoError(t, w.end())
	})
}

func TestAMuteLinksTheTracesOfAllThatItHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, s := newMemory(), &sink{}
		l, spans := tracingLoop(s)
		l.Mutes = mutedIn(time.Now(), map[string]span{"": {0, time.Hour}})
		w := start(t, j, quiet, l)
		a := begun("A")
		j.add(traced(t, 1, sameWebhook("g", "", a)))
		pass(time.Minute)
		j.add(traced(t, 2, sameWebhook("g", "", a, begun("B"))))
		pass(time.Minute)
		j.add(traced(t, 3, sameWebhook("g", "", a, begun("C"))))
		pass(2 * time.Hour)
		require.Len(t, s.messages(), 1)
		tries := spansNamed(spans.GetSpans(), "deliver")
		require.Len(t, tries, 1)
		assert.Equal(t, traceID(3), tries[0].SpanContext.TraceID().String())
		assert.Len(t, tries[0].Links, 2)
		assert.Len(t, spansNamed(spans.GetSpans(), "merged"), 2)
		require.NoError(t, w.end())
	})
}

// A night that is over is no slow delivery.
func TestTheTimeOfAMuteIsNoLatency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, s := newMemory(), &sink{}
		l := testLoop(s)
		l.Mutes = mutedIn(time.Now(), map[string]span{"": {0, 8 * time.Hour}})
		w := start(t, j, quiet, l)
		j.add(sameWebhook("g", "", begun("A")))
		j.add(sameWebhook("g", "", begun("B")))
		pass(9 * time.Hour)
		require.Len(t, s.messages(), 1)
		var m dto.Metric
		latency, ok := w.series().latency.(prometheus.Metric)
		require.True(t, ok)
		require.NoError(t, latency.Write(&m))
		assert.EqualValues(t, 1, m.GetHistogram().GetSampleCount())
		assert.Less(t, m.GetHistogram().GetSampleSum(), 1.0)
		assert.InDelta(t, 1, testutil.ToFloat64(w.series().merged), 0, "two were told by one message")
		require.NoError(t, w.end())
	})
}

// A reload takes the fallback away that was told that a group fires, or gives another one: the one that was told hears of the end.
func TestP2TheFallbackThatWasToldHearsTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newMemory()
		s, up := downUntilUp()
		first, second := &sink{}, &sink{}
		l := testLoop(s)
		l.Fallback = Fallback{Receiver: "first", After: time.Minute}
		all := []Loop{l, loopFor("first", first), loopFor("second", second)}
		w := start(t, j, quiet, all...)
		a := begun("A")
		j.add(sameWebhook("g", "", a))
		pass(2 * time.Minute)
		require.Equal(t, [][]string{{"A"}}, saying(first))
		all[0].Fallback.Receiver = "second"
		require.NoError(t, w.Apply(t.Context(), all))
		up.Store(true)
		pass(2 * time.Minute)
		j.add(sameWebhook("g", "", finished(a)))
		pass(time.Minute)
		assert.Equal(t, [][]string{{"A"}, {"-A"}}, saying(first))
		assert.Empty(t, saying(second))
		require.NoError(t, w.end())
	})
}

// What is muted still is not among the webhooks of a message that tells of another alert of the group.
func TestAMessageNamesNoWebhookOfWhichNothingWasTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, s := newMemory(), &sink{}
		l := testLoop(s)
		l.Mutes = mutedIn(time.Now(), map[string]span{"B": {0, time.Hour}, "C": {0, 2 * time.Hour}})
		w := start(t, j, quiet, l)
		b, c := begun("B"), begun("C")
		j.add(sameWebhook("g", "", b, c))
		pass(time.Minute)
		j.add(sameWebhook("g", "", b, c, begun("A")))
		pass(time.Minute)
		require.Len(t, s.messages(), 1)
		became := func(webhook string) (statuses []Status) {
			trace, err := w.Trace(t.Context(), webhook)
			require.NoError(t, err)
			for _, d := range trace.Deliveries {
				statuses = append(statuses, d.Status)
			}
			return statuses
		}
		assert.Equal(t, []Status{Pending}, became("1"))
		assert.ElementsMatch(t, []Status{Sent, Pending}, became("2"))
		pass(time.Hour)
		require.Len(t, s.messages(), 2, "B")
		assert.ElementsMatch(t, []Status{Sent, Pending}, became("1"))
		pass(time.Hour)
		require.Len(t, s.messages(), 3, "C")
		assert.Equal(t, []Status{Sent, Sent}, became("1"))
		assert.Equal(t, []Status{Sent, Sent, Sent}, became("2"))
		require.NoError(t, w.end())
	})
}
