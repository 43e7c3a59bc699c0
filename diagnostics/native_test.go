package diagnostics

import (
	"math"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// An agent whose histograms are native ones: its text shows the bucket +Inf alone.
func TestP9QuantilesOfNativeHistograms(t *testing.T) {
	reg := prometheus.NewRegistry()
	latency := prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "agent_chat_latency_seconds", Help: "Chats.", NativeHistogramBucketFactor: 1.1,
	})
	reg.MustRegister(latency)
	f := newFakeAgent(t)
	f.on("/metrics", promhttp.HandlerFor(reg, promhttp.HandlerOpts{}).ServeHTTP)
	now := time.Now()
	c := newCollector(t, f.URL, func(a *AgentConfig, _ *Config) { a.ScrapeInterval = model.Duration(15 * time.Second) })
	look := func(ago time.Duration, chats int, seconds float64) *Snapshot {
		for range chats {
			latency.Observe(seconds)
		}
		c.now = func() time.Time { return now.Add(-ago) }
		return c.Snapshot(t.Context(), about)
	}
	// Text, which has no buckets: an average, and no quantile that is made up.
	first := look(time.Minute, 100, 8)
	p95 := vitalNamed(t, first, "p95 latency")
	require.NotNil(t, p95.Value)
	assert.InDelta(t, 8, *p95.Value, 0.01)
	assert.Contains(t, p95.Note, anAverage)
	// From then on protobuf.
	look(45*time.Second, 0, 0)
	look(30*time.Second, 100, 0.25)
	last := look(0, 400, 0.25)
	p95 = vitalNamed(t, last, "p95 latency")
	require.NotNil(t, p95.Value)
	assert.Less(t, math.Abs(*p95.Value-0.25), 0.03, "the current one, to the width of a bucket: %v", *p95.Value)
	assert.NotContains(t, p95.Note, anAverage)
	assert.True(t, last.Metrics.OK)
	// At rest it lacks traffic, and no buckets; how it went is known.
	look(-6*time.Minute, 0, 0)
	rests := vitalNamed(t, look(-7*time.Minute, 0, 0), "p95 latency")
	assert.Nil(t, rests.Value)
	assert.Equal(t, noTraffic, rests.Note)
	chart, err := c.VitalChart(t.Context(), "aster", "", "p95 latency", time.Time{})
	require.NoError(t, err)
	assert.Contains(t, chart.Alt, "in the last hour: 0.2")
}
