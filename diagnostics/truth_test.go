package diagnostics

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// healthyHours has the collector remember 75 minutes of an agent with two chats a second, and gives what it reports now.
func healthyHours(t *testing.T, c *Collector, now time.Time) string {
	t.Helper()
	const scrapes = 300
	started := now.Add(-9 * time.Hour)
	for i := range scrapes {
		past(t, c, now.Add(-time.Duration(scrapes-i)*15*time.Second), sdkMetrics(started, 1000+30*i, i))
	}
	return sdkMetrics(started, 1000+30*scrapes, scrapes)
}

// A rate over five minutes outlives what it is the rate of by five minutes.
func TestP9RatesEndWithTheirSeries(t *testing.T) {
	for name, body := range map[string]string{
		"an empty body":       "",
		"another agent's":     "go_goroutines 3\n",
		"all of it long past": fmt.Sprintf("agent_chat_latency_seconds_count 100000 %d\n", time.Now().Add(-time.Hour).UnixMilli()),
	} {
		t.Run(name, func(t *testing.T) {
			f := newFakeAgent(t)
			c := newCollector(t, f.URL)
			healthyHours(t, c, time.Now())
			f.on("/metrics", say(200, "text/plain", body))
			s := c.Snapshot(t.Context(), about)
			require.True(t, s.Metrics.OK)
			for _, vital := range []string{"requests", "error rate", "p95 latency", "CPU", "pool"} {
				v := vitalNamed(t, s, vital)
				assert.Nil(t, v.Value, vital)
				assert.Equal(t, noLonger, v.Note, vital)
				assert.NotNil(t, v.Before, vital)
			}
		})
	}
}

// What stood in the rest of a broken answer may be reported all the same.
func TestP9WhatWasNotReadIsNotGone(t *testing.T) {
	f := newFakeAgent(t)
	c := newCollector(t, f.URL)
	body := healthyHours(t, c, time.Now())
	part, _, _ := strings.Cut(body, "go_goroutines")
	f.on("/metrics", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", fmt.Sprint(len(body)))
		w.Header().Set("Content-Type", "text/plain")
		fmt.Fprint(w, part)
	})
	s := c.Snapshot(t.Context(), about)
	require.True(t, s.Metrics.OK)
	for _, vital := range []string{"goroutines", "CPU", "uptime"} {
		v := vitalNamed(t, s, vital)
		assert.Nil(t, v.Value, vital)
		assert.Equal(t, notRead, v.Note, vital)
	}
	assert.NotNil(t, vitalNamed(t, s, "requests").Value)

	// Nor is what was never seen known to be missing.
	s = newCollector(t, f.URL).Snapshot(t.Context(), about)
	assert.Equal(t, notRead, vitalNamed(t, s, "goroutines").Note)
	assert.NotNil(t, vitalNamed(t, s, "pool").Value)
}

func TestP9NaNIsNoTraffic(t *testing.T) {
	for _, value := range []string{"NaN", "+Inf", "1e400"} {
		t.Run(value, func(t *testing.T) { testNoNumber(t, value) })
	}
}

func testNoNumber(t *testing.T, value string) {
	t.Helper()
	f := newFakeAgent(t)
	c := newCollector(t, f.URL)
	now := time.Now()
	lines := strings.Split(strings.TrimSpace(sdkMetrics(now, 10, 1)), "\n")
	for i, line := range lines {
		if !strings.HasPrefix(line, "#") {
			lines[i] = line[:strings.LastIndex(line, " ")+1] + value
		}
	}
	body := strings.Join(lines, "\n") + "\n"
	f.on("/metrics", say(200, "text/plain", body))
	for _, scrapes := range []string{"one scrape", "many"} {
		s := c.Snapshot(t.Context(), about)
		for _, vital := range []string{"requests", "error rate", "p95 latency", "CPU", "pool", "uptime", "recent errors"} {
			v := vitalNamed(t, s, vital)
			assert.Nil(t, v.Value, "%s, %s", vital, scrapes)
			assert.Nil(t, v.Before, "%s, %s", vital, scrapes)
			assert.Equal(t, noNumber, v.Note, "%s, %s", vital, scrapes)
		}
		if scrapes == "one scrape" {
			c = newCollector(t, f.URL)
			for i := range 40 {
				past(t, c, now.Add(-time.Duration(40-i)*15*time.Second), body)
			}
		}
	}
}

// By a clock that runs ahead the agent begins in our future, and its rates since then are less than nothing.
func TestP9ClockAheadHasNoRatesSinceStart(t *testing.T) {
	f := newFakeAgent(t)
	c := newCollector(t, f.URL)
	f.on("/metrics", say(200, "text/plain", sdkMetrics(time.Now().Add(2*time.Minute), 10_000, 50)))
	s := c.Snapshot(t.Context(), about)
	for _, vital := range []string{"requests", "errors", "tool calls", "CPU", "uptime"} {
		v := vitalNamed(t, s, vital)
		assert.Nil(t, v.Value, vital)
		assert.Equal(t, clocksDiffer, v.Note, vital)
	}
	assert.NotNil(t, vitalNamed(t, s, "error rate").Value, "it needs no clock")
}

// In the first two hours of the notifier the count of an hour ago is one over less than an hour.
func TestP9CountsAreComparedOverTheSameTime(t *testing.T) {
	f := newFakeAgent(t)
	c := newCollector(t, f.URL)
	f.on("/metrics", say(200, "text/plain", healthyHours(t, c, time.Now())))
	v := vitalNamed(t, c.Snapshot(t.Context(), about), "recent errors")
	require.NotNil(t, v.Value)
	if v.Before != nil {
		assert.InDelta(t, 1, *v.Before / *v.Value, 0.1, "it was the same all the time")
	}
}

// Samples of a time that was later than now keep out those of now.
func TestP9ClockThatWentBackIsSaid(t *testing.T) {
	for name, ahead := range map[string]time.Duration{"five minutes": 5 * time.Minute, "further than the history": 3 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			f := newFakeAgent(t)
			c := newCollector(t, f.URL, deadline(time.Second))
			now := time.Now()
			healthyHours(t, c, now.Add(ahead))
			f.on("/metrics", say(200, "text/plain", sdkMetrics(now, 1, 1)))
			s := c.Snapshot(t.Context(), about)
			assert.False(t, s.Metrics.OK)
			assert.Contains(t, s.Metrics.Note, "clock went back")
			assert.True(t, s.Metrics.At.Before(now.Add(2*time.Second)))
		})
	}
}

// An agent without a health endpoint is down when it does not answer, and not when somebody else does not.
func TestP9SilenceIsTheAgentsOwn(t *testing.T) {
	none := ""
	noHealth := func(a *AgentConfig, _ *Config) { a.HealthPath, a.ReadyPath = &none, &none }
	gone := newFakeAgent(t)
	gone.Close()
	hanging := newFakeAgent(t)
	hanging.on("/metrics", hang)
	refusing := newFakeAgent(t)
	refusing.on("/metrics", say(401, "text/plain", ""))
	for name, tc := range map[string]struct {
		agent, metrics string
		silent         bool
	}{
		"gone":                    {gone.URL, "", true},
		"hangs":                   {hanging.URL, "", true},
		"wants credentials":       {refusing.URL, "", false},
		"its collector is gone":   {refusing.URL, gone.URL + "/metrics", false},
		"its collector hangs":     {refusing.URL, hanging.URL + "/metrics", false},
		"answers, with no metric": {newFakeAgent(t).URL, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCollector(t, tc.agent, noHealth, deadline(300*time.Millisecond), func(a *AgentConfig, _ *Config) { a.MetricsURL = tc.metrics })
			s := lookInTime(t, c)
			assert.False(t, s.Metrics.OK)
			assert.Equal(t, tc.silent, s.Metrics.Silent, s.Metrics.Note)
		})
	}
}

// chatsWithin is a histogram of chats that all took between 1 s and 2 s, with buckets of these bounds.
func chatsWithin(chats int, bounds ...float64) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# TYPE agent_chat_latency_seconds histogram\n")
	for _, bound := range bounds {
		count := chats
		if bound < 2 {
			count = 0
		}
		fmt.Fprintf(&b, "agent_chat_latency_seconds_bucket{le=\"%v\"} %d\n", bound, count)
	}
	fmt.Fprintf(&b, "agent_chat_latency_seconds_bucket{le=\"+Inf\"} %d\nagent_chat_latency_seconds_sum %v\n", chats, 1.5*float64(chats))
	fmt.Fprintf(&b, "agent_chat_latency_seconds_count %d\n", chats)
	return b.String()
}

// Another version of an agent has other bounds: what both counted is no histogram, and would say that what took 2 s took over 60 s.
func TestP9QuantilesAreOfOneSetOfBounds(t *testing.T) {
	const scrapes = 300
	old := []float64{0.5, 1, 2, 5}
	for name, tc := range map[string]struct {
		bounds  []float64
		ago     int // in scrapes
		highest float64
		note    string
	}{
		"others":                  {[]float64{0.1, 10, 60}, 4, 10, ""},
		"more":                    {[]float64{0.5, 1, 2, 5, 10}, 4, 2, ""},
		"fewer":                   {[]float64{1, 2}, 4, 2, ""},
		"in the newest scrape":    {[]float64{0.1, 2, 60}, 0, 2, sinceStart},
		"longer ago than a rate":  {[]float64{0.1, 10, 60}, 60, 10, ""},
		"in the scrape before it": {[]float64{0.1, 2, 60}, 1, 2, ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFakeAgent(t)
			c := newCollector(t, f.URL)
			now := time.Now()
			body := func(i int) string {
				if i < scrapes-tc.ago {
					return chatsWithin(1000+30*i, old...)
				}
				return chatsWithin(30*(i-scrapes+tc.ago+1), tc.bounds...)
			}
			for i := range scrapes {
				past(t, c, now.Add(-time.Duration(scrapes-i)*15*time.Second), body(i))
			}
			f.on("/metrics", say(200, "text/plain", body(scrapes)))
			s := c.Snapshot(t.Context(), about)
			for _, vital := range []string{"p50 latency", "p95 latency", "p99 latency"} {
				v := vitalNamed(t, s, vital)
				require.NotNil(t, v.Value, vital)
				assert.Equal(t, tc.note, v.Note)
				assert.LessOrEqual(t, *v.Value, tc.highest, vital)
				for _, point := range v.Trend {
					if point != nil {
						assert.LessOrEqual(t, *point, tc.highest, "the trend of the %s", vital)
					}
				}
			}
		})
	}
}

// What a process counted before a collector told of it was not counted between two scrapes.
func TestP9ProcessesThatJoinBringNoRate(t *testing.T) {
	f := newFakeAgent(t)
	c := newCollector(t, f.URL)
	now := time.Now()
	body := func(i, processes int) string {
		var b strings.Builder
		for p := range processes {
			fmt.Fprintf(&b, "agent_chat_latency_seconds_count{process=\"%d\"} %d\n", p, 10_000+30*i)
			fmt.Fprintf(&b, "process_start_time_seconds{process=\"%d\"} %d\n", p, now.Add(-time.Duration(10-p)*time.Hour).Unix())
		}
		return b.String()
	}
	for i := range 40 {
		past(t, c, now.Add(-time.Duration(40-i)*15*time.Second), body(i, 1+i/38))
	}
	f.on("/metrics", say(200, "text/plain", body(40, 2)))
	v := vitalNamed(t, c.Snapshot(t.Context(), about), "requests")
	require.NotNil(t, v.Value)
	assert.LessOrEqual(t, *v.Value, 4.0, "each of the two has 2 a second")

	// Since the older of them began there were 22,400 in ten hours.
	c = newCollector(t, f.URL)
	v = vitalNamed(t, c.Snapshot(t.Context(), about), "requests")
	require.NotNil(t, v.Value)
	assert.Equal(t, sinceStart, v.Note)
	assert.InDelta(t, 2*11_200/36_000.0, *v.Value, 0.01)
}

func TestP9LessThanNothingIsNoRate(t *testing.T) {
	f := newFakeAgent(t)
	c := newCollector(t, f.URL)
	now := time.Now()
	body := func(i int) string {
		return fmt.Sprintf("agent_chat_latency_seconds_count %d\nprocess_start_time_seconds %d\n", -10-i, now.Add(-time.Hour).Unix())
	}
	f.on("/metrics", say(200, "text/plain", body(40)))
	for _, scrapes := range []int{0, 40} {
		for i := range scrapes {
			past(t, c, now.Add(-time.Duration(40-i)*15*time.Second), body(i))
		}
		s := c.Snapshot(t.Context(), about)
		v := vitalNamed(t, s, "requests")
		assert.Nil(t, v.Value)
		assert.Equal(t, belowZero, v.Note)
		assert.NotNil(t, vitalNamed(t, s, "uptime").Value)
		c = newCollector(t, f.URL)
	}
}

// What stands for a value that is not known is none.
func TestP9WhatCannotBeIsNotShown(t *testing.T) {
	for name, tc := range map[string]struct{ body, vital, note string }{
		"a start of 0":             {"process_start_time_seconds 0\n", "uptime", notReportedByAgent},
		"rates since it":           {"agent_chat_latency_seconds_count 1000\nprocess_start_time_seconds 0\n", "requests", oneScrape},
		"a start before the clock": {"process_start_time_seconds 86400\n", "uptime", notReportedByAgent},
		"a start in milliseconds": {
			fmt.Sprintf("process_start_time_seconds %d\n", time.Now().UnixMilli()), "uptime", notReportedByAgent,
		},
		"a process of no size":  {"process_resident_memory_bytes 0\n", "memory", notReportedByAgent},
		"a part of nothing":     {"agent_pool_size 0\nagent_pool_max_size 0\n", "pool used", partOfNothing},
		"something of nothing":  {"agent_pool_size 3\nagent_pool_max_size 0\n", "pool used", partOfNothing},
		"a part of no number":   {"agent_pool_size 3\nagent_pool_max_size NaN\n", "pool used", noNumber},
		"endless of the finite": {"agent_pool_size +Inf\nagent_pool_max_size 3\n", "pool used", noNumber},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFakeAgent(t)
			f.on("/metrics", say(200, "text/plain", "go_goroutines 3\nagent_errors_total 1\n"+tc.body))
			v := vitalNamed(t, newCollector(t, f.URL).Snapshot(t.Context(), about), tc.vital)
			assert.Nil(t, v.Value)
			assert.Equal(t, tc.note, v.Note)
		})
	}
}
