package diagnostics

import (
	"net"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSnapshotsThatLackSomethingAreCounted(t *testing.T) {
	failed := func(c *Collector) map[string]float64 {
		counts := map[string]float64{}
		for _, reason := range []string{snapshotUnfinished, snapshotMetrics, snapshotRefused} {
			counts[reason] = testutil.ToFloat64(c.metrics.snapshotsFailed.WithLabelValues(reason))
		}
		return counts
	}
	well := newFakeAgent(t)
	well.on("/metrics", say(200, "text/plain", "go_goroutines 1\n"))
	c := newCollector(t, well.URL)
	c.Snapshot(t.Context(), about)
	assert.Equal(t, map[string]float64{"unfinished": 0, "metrics": 0, "refused": 0}, failed(c))

	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	l.Close()
	c = newCollector(t, "http://"+l.Addr().String())
	c.Snapshot(t.Context(), about)
	assert.Equal(t, map[string]float64{"unfinished": 0, "metrics": 1, "refused": 0}, failed(c))

	slow := newFakeAgent(t)
	slow.on("/metrics", hang)
	c = newCollector(t, slow.URL, deadline(50*time.Millisecond))
	c.Snapshot(t.Context(), about)
	assert.Equal(t, map[string]float64{"unfinished": 1, "metrics": 0, "refused": 0}, failed(c))

	c = newCollector(t, "", fromLabels)
	c.Snapshot(t.Context(), alertOf("192.0.2.1:80"))
	assert.Equal(t, map[string]float64{"unfinished": 0, "metrics": 0, "refused": 1}, failed(c))
}
