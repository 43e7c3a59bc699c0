package delivery

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/alertmanager/template"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/time/rate"
)

func TestASinkIsAskedAtItsPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, s, other := newMemory(), &sink{}, &sink{}
		pace := rate.NewLimiter(1, 10)
		l, same := testLoop(s), loopFor("log", other)
		l.Pace, same.Pace = pace, pace
		w := start(t, j, quiet, l, same)
		warning := firing("A")
		warning.Labels = template.KV{"alertname": "A", "severity": "warning"}
		for i := range 40 {
			j.add(webhook(fmt.Sprint(i), warning))
		}
		j.add(webhook("critical", firing("A")))
		pass(0)
		assert.Len(t, append(s.told(), other.told()...), 10, "a burst")
		pass(30 * time.Second)
		assert.Len(t, append(s.told(), other.told()...), 40, "then one a second, together")
		assert.Contains(t, s.told(), "critical", "what is critical does not wait for the rest")
		pass(time.Minute)
		assert.Len(t, s.told(), 41)
		assert.Len(t, other.told(), 41)
		require.NoError(t, w.end())
	})
}

// What is asked for too early costs nothing, however many ask at once: else integrations that share a pace would slow each other down.
func TestAskingTooEarlyCostsNothing(t *testing.T) {
	l := &Loop{Pace: rate.NewLimiter(1, 1)}
	now := time.Now()
	require.Zero(t, l.tooFast(now))
	var asking sync.WaitGroup
	for range 8 {
		asking.Go(func() {
			for range 1000 {
				assert.Equal(t, time.Second, l.tooFast(now))
			}
		})
	}
	asking.Wait()
	assert.Zero(t, l.tooFast(now.Add(time.Second)))
}
