package diagnostics

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	native "github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/alertvitals/notifier/diagnostics/exposition"
)

func TestStoreRenamesTheAgentsOwnLabels(t *testing.T) {
	s := &series{job: "aster", instance: "h:1"}
	got := s.own(labels.FromStrings("__name__", "a", "job", "theirs", "instance", "other", "exported_job", "older"))
	assert.Equal(t, map[string]string{
		"__name__": "a", "job": "aster", "instance": "h:1",
		"exported_job": "older", "exported_exported_job": "theirs", "exported_instance": "other",
	}, got.Map())
}

func TestStoreIsInTheOrderOfTime(t *testing.T) {
	c := newCollector(t, newFakeAgent(t).URL)
	now := time.Now().Truncate(time.Second)
	past(t, c, now.Add(-time.Minute), "a 1\n")
	past(t, c, now.Add(-2*time.Minute), "a 2\n") // came late: left out
	past(t, c, now.Add(-time.Minute), "a 3\n")   // the same moment: left out

	times, err := c.settings.Load().agents[0].series.scrapes(t.Context(), now.Add(-time.Hour), now)
	require.NoError(t, err)
	require.Len(t, times, 1)
	assert.True(t, times[0].Equal(now.Add(-time.Minute)))
}

func TestStoreDoesNotBelieveTheAgentsUp(t *testing.T) {
	c := newCollector(t, newFakeAgent(t).URL)
	now := time.Now().Truncate(time.Second)
	got := exposition.Read([]byte("up 1\nup{job=\"x\"} 1\nscrape_samples_scraped 7\n"), "", now)
	_, err := c.settings.Load().agents[0].series.store(t.Context(), now, time.Second, got, false)
	require.NoError(t, err)

	times, err := c.settings.Load().agents[0].series.scrapes(t.Context(), now.Add(-time.Hour), now)
	require.NoError(t, err)
	assert.Empty(t, times)
}

// ask evaluates an expression over the agent's series.
func ask(t *testing.T, c *Collector, at time.Time, expr string) promql.Vector {
	t.Helper()
	query, err := c.engine.NewInstantQuery(t.Context(), c.settings.Load().agents[0].series, nil, expr, at)
	require.NoError(t, err)
	defer query.Close()
	vector, err := query.Exec(t.Context()).Vector()
	require.NoError(t, err)
	return slices.Clone(vector) // the engine takes its own back
}

// nativeScrape is a scrape with a native histogram of so many observations, a float, and what else is given.
func nativeScrape(count int, more ...exposition.Sample) exposition.Exposition {
	h := &native.FloatHistogram{
		Schema: 3, Count: float64(count), Sum: float64(2 * count), ZeroThreshold: 1e-128,
		PositiveSpans: []native.Span{{Offset: 8, Length: 1}}, PositiveBuckets: []float64{float64(count)},
	}
	got := exposition.Exposition{Native: 1, Samples: []exposition.Sample{{Labels: labels.FromStrings("__name__", "pool"), Value: 7}}}
	if count > 0 {
		got.Samples = append(got.Samples, exposition.Sample{Labels: labels.FromStrings("__name__", "chat_seconds"), Histogram: h, Counter: true})
	}
	got.Samples = append(got.Samples, more...)
	return got
}

func put(t *testing.T, c *Collector, at time.Time, got exposition.Exposition) (leftOut int) {
	t.Helper()
	leftOut, err := c.settings.Load().agents[0].series.store(t.Context(), at, time.Millisecond, got, true)
	require.NoError(t, err)
	return leftOut
}

// A native histogram has rates and quantiles, counts from 0 when it appears, and ends when it vanishes.
func TestStoreNativeHistograms(t *testing.T) {
	c := newCollector(t, newFakeAgent(t).URL)
	now := time.Now().Truncate(time.Second)
	put(t, c, now.Add(-4*time.Minute), nativeScrape(0))
	put(t, c, now.Add(-3*time.Minute), nativeScrape(60))
	put(t, c, now.Add(-2*time.Minute), nativeScrape(180))
	put(t, c, now.Add(-time.Minute), nativeScrape(0))

	appeared := ask(t, c, now.Add(-3*time.Minute), "histogram_count(increase(chat_seconds[61s]))")
	require.Len(t, appeared, 1)
	assert.InDelta(t, 61, appeared[0].F, 1.1, "it was 0 a minute before")
	rate := ask(t, c, now.Add(-2*time.Minute), "histogram_count(rate(chat_seconds[61s]))")
	require.Len(t, rate, 1)
	assert.InDelta(t, 2, rate[0].F, 0.05)
	p95 := ask(t, c, now.Add(-2*time.Minute), "histogram_quantile(0.95, rate(chat_seconds[61s]))")
	require.Len(t, p95, 1)
	assert.InDelta(t, 1.95, p95[0].F, 0.2)
	assert.Empty(t, ask(t, c, now.Add(-time.Minute), "chat_seconds"), "it ended")
	assert.Len(t, ask(t, c, now.Add(-time.Minute), "pool"), 1)
}

// A sample that the agent itself calls old is no current value.
func TestP9OldSamplesAreNoCurrentValues(t *testing.T) {
	c := newCollector(t, newFakeAgent(t).URL)
	now := time.Now().Truncate(time.Second)
	past(t, c, now, fmt.Sprintf("a 1 %d\nb 2\n", now.Add(-2*time.Hour).UnixMilli()))
	assert.Empty(t, ask(t, c, now, "a"))
	assert.Len(t, ask(t, c, now, "b"), 1)
	assert.InDelta(t, 1, ask(t, c, now, samplesSeries)[0].F, 0)
	assert.InDelta(t, 1, ask(t, c, now, incompleteSeries)[0].F, 0)
}

// What vanished while the notifier was off has ended, and a counter that appeared meanwhile counts from 0.
func TestP9WhatVanishedWhileTheNotifierWasOffHasEnded(t *testing.T) {
	dir := t.TempDir()
	open := func() *Collector {
		c, err := New([]AgentConfig{{Name: "aster", Match: []string{`job="aster"`}, URL: "http://127.0.0.1:1"}}, Config{}, dir, discard, nil)
		require.NoError(t, err)
		return c
	}
	now := time.Now().Truncate(time.Second)
	gauge := func(name string) exposition.Sample {
		return exposition.Sample{Labels: labels.FromStrings("__name__", name, "job", "theirs"), Value: 1}
	}
	c := open()
	put(t, c, now.Add(-3*time.Minute), nativeScrape(1, gauge("ended_long_ago"), gauge("stays")))
	put(t, c, now.Add(-2*time.Minute), nativeScrape(2, gauge("vanishes"), gauge("stays")))
	require.NoError(t, c.Close())

	c = open()
	defer c.Close()
	counter := exposition.Sample{Labels: labels.FromStrings("__name__", "errors_total"), Value: 60, Counter: true}
	put(t, c, now.Add(-time.Minute), nativeScrape(0, gauge("stays"), counter))
	for _, name := range []string{"vanishes", "chat_seconds", "ended_long_ago"} {
		assert.Empty(t, ask(t, c, now, name), name)
	}
	assert.Len(t, ask(t, c, now, "stays"), 1)
	rate := ask(t, c, now.Add(-time.Minute), "rate(errors_total[61s])")
	require.Len(t, rate, 1)
	assert.InDelta(t, 1, rate[0].F, 0.05)
	s := c.settings.Load().agents[0].series
	assert.Len(t, s.known, 3)
	assert.Len(t, s.found, 3, "they count as long as they are in the history")
}

// Labels that never come again do not grow the database without end.
func TestStoreBoundsTheSeriesOfAnAgent(t *testing.T) {
	f := newFakeAgent(t)
	c := newCollector(t, f.URL)
	s := c.settings.Load().agents[0].series
	s.most = 100
	now := time.Now().Truncate(time.Second)
	body := func(scrape int) string {
		var b strings.Builder
		for i := range 60 {
			fmt.Fprintf(&b, "go_goroutines{scrape=\"%d\",i=\"%d\"} 1\n", scrape, i)
		}
		return b.String()
	}
	past(t, c, now.Add(-3*time.Minute), body(1))
	leftOut := put(t, c, now.Add(-2*time.Minute), exposition.Read([]byte(body(2)), "", now))
	assert.Equal(t, 20, leftOut)
	assert.InDelta(t, 40, ask(t, c, now.Add(-2*time.Minute), "count(go_goroutines)")[0].F, 0)
	assert.InDelta(t, 1, ask(t, c, now.Add(-2*time.Minute), incompleteSeries)[0].F, 0)

	f.on("/metrics", say(200, "text/plain", body(2)+body(3)))
	snapshot := c.Snapshot(t.Context(), about)
	assert.True(t, snapshot.Metrics.OK)
	assert.Equal(t, 40, snapshot.Metrics.Samples)
	assert.Equal(t, 80, snapshot.Metrics.LeftOut)
	assert.Equal(t, "80 new series are not kept: the agent has had too many", snapshot.Metrics.Note)

	// When the history has moved on there is room again. The series of the scrape before are needed once more, to be ended.
	history := time.Duration(s.history.Load()) * time.Millisecond
	later := now.Add(history + 10*time.Minute)
	assert.Zero(t, put(t, c, later, exposition.Read([]byte(body(4)), "", later)))
	later = later.Add(history / 4)
	assert.Zero(t, put(t, c, later, exposition.Read([]byte(body(4)), "", later)))
	assert.Equal(t, 60, len(s.known))
	assert.Less(t, s.labelBytes, uint64(100*60))
}

// A scrape that could not be stored changes nothing that is known.
func TestAScrapeThatIsNotStoredLeavesWhatIsKnown(t *testing.T) {
	c := newCollector(t, newFakeAgent(t).URL)
	now := time.Now().Truncate(time.Second)
	put(t, c, now.Add(-2*time.Minute), nativeScrape(1))
	bad := nativeScrape(2)
	bad.Samples[1].Histogram.PositiveBuckets = nil // which the database refuses
	_, err := c.settings.Load().agents[0].series.store(context.Background(), now.Add(-time.Minute), 0, bad, true)
	require.ErrorContains(t, err, `storing the scrape of agent "aster"`)
	put(t, c, now, nativeScrape(0))
	assert.Empty(t, ask(t, c, now, "chat_seconds"))
	assert.Len(t, ask(t, c, now, "pool"), 1)
}

// A collector forgets a counter that rests, and shows it again with its next event: what it had counted before was not counted now.
func TestP9CountersThatReturnHaveNotCountedAllOfItNow(t *testing.T) {
	for name, rest := range map[string]time.Duration{"within the history": 90 * time.Minute, "after it": 5 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			c := newCollector(t, newFakeAgent(t).URL)
			now := time.Now().Truncate(time.Second)
			const types = "# TYPE cost_total counter\n# TYPE tokens_total counter\n# TYPE rests gauge\n"
			past(t, c, now.Add(-rest), types+"cost_total 500\ntokens_total 40\nrests 7\n")
			for at := now.Add(15*time.Minute - rest); at.Before(now); at = at.Add(15 * time.Minute) {
				past(t, c, at, "go_goroutines 1\n")
			}
			past(t, c, now, types+"go_goroutines 1\ncost_total 501\ntokens_total 3\nnew_total 2\nrests 7\n")

			for expr, want := range map[string]float64{
				"cost_total":   1, // it counts on
				"tokens_total": 3, // it counts anew
			} {
				got := ask(t, c, now, "increase("+expr+"[15m1ms])")
				require.Len(t, got, 1, expr)
				assert.InDelta(t, want, got[0].F, 0.1, expr)
			}
			assert.Empty(t, ask(t, c, now.Add(-time.Minute), "rests"), "a gauge was not there")
		})
	}
}
