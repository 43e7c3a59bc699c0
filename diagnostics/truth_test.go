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
