package diagnostics

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestPulseIsLateForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pulse{began: time.Now()}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go p.beat(ctx)
		time.Sleep(time.Second)
		assert.False(t, p.wasLate(time.Second), "every beat was in time")
		p.late.Store(int64(time.Since(p.began)))
		time.Sleep(500 * time.Millisecond)
		assert.True(t, p.wasLate(time.Second))
		time.Sleep(500 * time.Millisecond)
		assert.False(t, p.wasLate(time.Second), "it is over")
	})
}

// What we had no time to hear is not held against the agent.
func TestP9OurLatenessIsNotTheAgents(t *testing.T) {
	for name, late := range map[string]bool{"we were in time": false, "we were late": true} {
		t.Run(name, func(t *testing.T) {
			f := newFakeAgent(t)
			for _, path := range []string{"/health", "/ready", "/metrics"} {
				f.on(path, hang)
			}
			c := newCollector(t, f.URL, deadline(300*time.Millisecond))
			if late {
				c.pulse.began = time.Now().Add(-time.Hour)
				c.pulse.late.Store(int64(time.Hour + 250*time.Millisecond)) // by a beat during the look
			}
			look := lookInTime
			if late {
				look = func(t *testing.T, c *Collector) *Snapshot { return c.Snapshot(t.Context(), about) }
			}
			s := look(t, c)
			assert.False(t, s.Metrics.OK)
			if late {
				assert.Equal(t, []any{Unclear, Unclear, false}, []any{s.Health.Verdict, s.Ready.Verdict, s.Metrics.Silent})
				assert.Equal(t, notInTime, s.Metrics.Note)
			} else {
				assert.Equal(t, []any{Down, Down, true}, []any{s.Health.Verdict, s.Ready.Verdict, s.Metrics.Silent})
			}
		})
	}
}
