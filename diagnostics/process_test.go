package diagnostics

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAnotherProcess(t *testing.T) {
	last := time.Unix(1_800_000_000, 0)
	seconds := func(before time.Duration) float64 { return float64(last.Add(-before).Unix()) }
	for _, c := range []struct {
		name    string
		was, is float64
		want    bool
	}{
		{"the same", seconds(time.Hour), seconds(time.Hour), false},
		{"a clock that is corrected a little", seconds(time.Hour), seconds(time.Hour + 2*time.Second), false},
		{"a restart", seconds(time.Hour), seconds(-10 * time.Second), false},
		{"a restart by a clock a minute behind", seconds(time.Hour), seconds(time.Minute), false},
		{"an older one", seconds(time.Hour), seconds(100 * time.Hour), true},
		{"a younger one that was there already", seconds(100 * time.Hour), seconds(time.Hour), true},
		{"unknown before", math.NaN(), seconds(time.Hour), false},
		{"unknown now", seconds(time.Hour), math.NaN(), false},
	} {
		t.Run(c.name, func(t *testing.T) { assert.Equal(t, c.want, anotherProcess(c.was, c.is, last)) })
	}
}

// Behind a balancer each scrape may be of another process. Between their counters lies no rate.
func TestP9ProcessesThatTakeTurnsHaveNoRate(t *testing.T) {
	c := newCollector(t, newFakeAgent(t).URL)
	now := time.Now()
	older, younger := now.Add(-100*time.Hour), now.Add(-2*time.Hour)
	for i := range 40 {
		at := now.Add(-time.Duration(40-i) * 15 * time.Second)
		if i%2 == 0 {
			past(t, c, at, sdkMetrics(older, 360_000+10*i, 0))
		} else {
			past(t, c, at, sdkMetrics(younger, 7_200+10*i, 0))
		}
	}
	s := c.Snapshot(t.Context(), about)
	requests := vitalNamed(t, s, "requests")
	require.NotNil(t, requests.Value)
	assert.InDelta(t, 1, *requests.Value, 0.1, "each has one a second")
	assert.Equal(t, sinceStart, requests.Note)
	assert.Nil(t, requests.Before)
	assert.Nil(t, requests.Trend)
	assert.Empty(t, vitalNamed(t, s, "uptime").Note, "it was not restarted")

	for _, table := range s.Tables {
		assert.Equal(t, sinceStart, table.Note, table.Name)
	}
}

// What a process counted before it was scraped first did not happen since the last scrape of another one.
func TestP9AnotherProcessCountsFromWhereItIs(t *testing.T) {
	f := newFakeAgent(t)
	c := newCollector(t, f.URL)
	now := time.Now()
	for i := range 20 {
		past(t, c, now.Add(-time.Duration(40-i)*15*time.Second), "go_goroutines 5\nprocess_start_time_seconds 1e9\n")
	}
	for i := range 20 {
		past(t, c, now.Add(-time.Duration(20-i)*15*time.Second), sdkMetrics(now.Add(-50*time.Hour), 180_000+15*i, 9_000))
	}
	f.on("/metrics", say(200, "text/plain", sdkMetrics(now.Add(-50*time.Hour), 180_000+15*20, 9_000)))
	s := c.Snapshot(t.Context(), about)
	requests := vitalNamed(t, s, "requests")
	require.NotNil(t, requests.Value)
	assert.InDelta(t, 1, *requests.Value, 0.1)
	recent := vitalNamed(t, s, "recent errors")
	require.NotNil(t, recent.Value)
	assert.Zero(t, *recent.Value)
	assert.Contains(t, s.Metrics.Note, "several processes")
}

// Counters of two places are not compared, whichever configuration came first.
func TestP9MetricsFromElsewhereAreOtherMetrics(t *testing.T) {
	f := newFakeAgent(t)
	elsewhere := "/other/metrics"
	c := newCollector(t, f.URL)
	now := time.Now()
	for i := range 20 {
		past(t, c, now.Add(-time.Duration(20-i)*15*time.Second), sdkMetrics(now.Add(-time.Hour), 10*i, 0))
	}
	f.on(elsewhere, say(200, "text/plain", sdkMetrics(now.Add(-time.Hour), 360_000, 5000)))
	apply, err := c.Prepare([]AgentConfig{{Name: "aster", Match: []string{`job="aster"`}, URL: f.URL, MetricsPath: &elsewhere}}, Config{})
	require.NoError(t, err)
	apply()
	s := c.Snapshot(t.Context(), about)
	require.True(t, s.Metrics.OK, s.Metrics.Note)
	for _, vital := range []string{"requests", "recent errors"} {
		v := vitalNamed(t, s, vital)
		assert.Equal(t, sinceStart, v.Note, vital)
		assert.Nil(t, v.Before, vital)
	}
}
