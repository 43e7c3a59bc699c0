package diagnostics

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestQueriesOfAnAgent(t *testing.T) {
	c := newCollector(t, newFakeAgent(t).URL, func(a *AgentConfig, _ *Config) {
		a.Queries = []QueryConfig{
			{Name: "queue", Expr: "sum(my_queue_length)", Warn: "> 100", Crit: "> 1000"},
			{Name: "error rate", Expr: "sum(rate(my_errors_total[$__rate_interval]))", Unit: PerSecond},
			{Name: "each", Expr: "my_queue_length"},
			{Name: "gone", Expr: "sum(never_there)"},
		}
	})
	now := time.Now().Truncate(time.Second)
	past(t, c, now.Add(-61*time.Second), "my_queue_length{q=\"a\"} 1\nmy_queue_length{q=\"b\"} 2\nmy_errors_total 0\n"+sdkMetrics(now, 1, 0))
	past(t, c, now.Add(-time.Second), "my_queue_length{q=\"a\"} 500\nmy_queue_length{q=\"b\"} 2\nmy_errors_total 60\n"+sdkMetrics(now, 2, 0))

	s := c.Snapshot(t.Context(), about)

	require.Greater(t, len(s.Vitals), 10)
	for i, want := range []string{"queue 502 warning", "error rate 1 /s ok", "each reported more than once unknown", "gone not reported unknown"} {
		v := s.Vitals[i]
		assert.Equal(t, want, fmt.Sprintf("%s %s %s", v.Name, FormatVital(v), v.State))
		assert.True(t, v.Asked)
	}
	assert.InDelta(t, 3, *s.Vitals[0].Before, 0)
	for _, v := range s.Vitals[4:] {
		assert.False(t, v.Asked)
		assert.NotEqual(t, "error rate", v.Name, "the user's stands in place of the profile's")
	}
}

// Without a profile that fits there are still the vitals that the user asks for.
func TestQueriesNeedNoProfile(t *testing.T) {
	c := newCollector(t, newFakeAgent(t).URL, func(a *AgentConfig, _ *Config) { a.Queries = []QueryConfig{{Name: "x", Expr: "my_metric"}} })
	past(t, c, time.Now().Add(-time.Second), "my_metric 3\n")
	s := c.Snapshot(t.Context(), about)
	require.Len(t, s.Vitals, 1)
	assert.InDelta(t, 3, *s.Vitals[0].Value, 0)
	assert.Empty(t, s.Profile)
}

func TestAProfileOfTheUserIsUsedFromTheNextReload(t *testing.T) {
	c := newCollector(t, newFakeAgent(t).URL)
	past(t, c, time.Now().Add(-2*time.Second), "my_queue 3\ngo_goroutines 7\n")
	assert.Equal(t, "go-runtime", c.Snapshot(t.Context(), about).Profile)

	file := filepath.Join(t.TempDir(), "mine.yml")
	text := "name: mine\nrecognise: [my_queue]\nvitals:\n  - {name: queue, unit: short, expr: sum(my_queue), topics: [capacity]}\n"
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	set := c.settings.Load()
	apply, err := c.Prepare([]AgentConfig{set.agents[0].config}, Config{Profiles: []string{file}, Deadline: 30e9})
	require.NoError(t, err)
	apply()

	s := c.Snapshot(t.Context(), about)
	assert.Equal(t, "mine", s.Profile)
	assert.Equal(t, "queue", s.Vitals[0].Name)
	assert.Contains(t, inWords(s, time.Now()), "goroutines               7", "the general ones follow")

	_, err = c.Prepare(nil, Config{Profiles: []string{file + ".none"}})
	assert.ErrorContains(t, err, "there is no such file")
}

// TestP9OneScrapeSaysWhatItCannotKnow has agents that were scraped once, or that fell silent.
func TestP9OneScrapeSaysWhatItCannotKnow(t *testing.T) {
	now := time.Now().Truncate(time.Second)
	for _, c := range []struct {
		name, vital, want string
		bodies            []string // 61 s apart, the last now
	}{
		{"a rate needs two", "messages", "known from the second scrape on", []string{"opencode_message_count_total 5\n"}},
		{"a count over the last hour needs more", "recent cost", "known after 1 min of scrapes", []string{"claude_code_cost_usage_USD_total 5\n"}},
		{"a total does not", "cost", "$0.50", []string{"opencode_cost_usage_USD_total 0.5\n"}},
		{"never set", "sessions", "not reported", []string{"aster_http_requests_total 1\naster_sessions_active 0\n"}},
		{"once set", "sessions", "0", []string{"aster_http_requests_total 1\naster_sessions_active 2\n", "aster_http_requests_total 1\naster_sessions_active 0\n"}},
		{"a silent collector", "cost", "no longer reported", []string{"claude_code_cost_usage_USD_total 2\n", ""}},
		{"milliseconds", "p50 tool latency", "0.3 s", []string{
			"opencode_tool_duration_milliseconds_bucket{le=\"100\"} 0\nopencode_tool_duration_milliseconds_bucket{le=\"500\"} 4\n" +
				"opencode_tool_duration_milliseconds_bucket{le=\"1000\"} 4\nopencode_tool_duration_milliseconds_bucket{le=\"+Inf\"} 4\n",
		}},
		{"top bucket in milliseconds", "p50 tool latency", "> 1 s", []string{
			"opencode_tool_duration_milliseconds_bucket{le=\"1000\"} 0\nopencode_tool_duration_milliseconds_bucket{le=\"+Inf\"} 4\n",
		}},
		{"a first bucket that ends at 0", "p50 tool latency", "< 5 s", []string{
			"opencode_tool_duration_milliseconds_bucket{le=\"0\"} 0\nopencode_tool_duration_milliseconds_bucket{le=\"5000\"} 4\n" +
				"opencode_tool_duration_milliseconds_bucket{le=\"10000\"} 4\nopencode_tool_duration_milliseconds_bucket{le=\"+Inf\"} 4\n",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			collector := newCollector(t, newFakeAgent(t).URL)
			for i, body := range c.bodies {
				past(t, collector, now.Add(-61*time.Second*time.Duration(len(c.bodies)-1-i)-time.Second), body)
			}
			v := vitalNamed(t, collector.Snapshot(t.Context(), about), c.vital)
			assert.Equal(t, c.want, FormatVital(v), v.Note)
		})
	}
}

func TestAGaugeIsComparedWithTheScrapeBefore(t *testing.T) {
	c := newCollector(t, newFakeAgent(t).URL)
	now := time.Now().Truncate(time.Second)
	past(t, c, now.Add(-16*time.Second), "go_goroutines 7\ngo_info{version=\"go1.25\"} 1\n")
	past(t, c, now.Add(-time.Second), "go_goroutines 900\ngo_info{version=\"go1.26\"} 1\n")
	s := c.Snapshot(t.Context(), about)
	v := vitalNamed(t, s, "goroutines")
	require.NotNil(t, v.Before)
	assert.InDelta(t, 7, *v.Before, 0)
	assert.Equal(t, now.Add(-16*time.Second).UTC(), v.BeforeAt.UTC())
	assert.Equal(t, "go1.25", vitalNamed(t, s, "Go version").BeforeText)
}

// P10: a profile of the user's may name any label; that of a person is not shown.
func TestP10PersonalLabelsAreNoValues(t *testing.T) {
	file := filepath.Join(t.TempDir(), "people.yml")
	require.NoError(t, os.WriteFile(file, []byte(`
name: people
recognise: [edits_total]
vitals:
  - {name: who, unit: string, label: user_email, expr: edits_total, topics: [traffic]}
tables:
  - {name: edits, unit: short, by: [tool, user_email], since_start: edits_total, of_since_start: edits_total + 10, topics: [traffic]}
`), 0o600))
	c := newCollector(t, "http://127.0.0.1:1", func(_ *AgentConfig, cfg *Config) { cfg.Profiles = []string{file} })
	past(t, c, time.Now(), "edits_total{tool=\"a\",user_email=\"ada@planted\"} 3\nedits_total{tool=\"a\",user_email=\"bob@planted\"} 2\n")
	s := lookAgain(t, c)
	body, err := json.Marshal(s)
	require.NoError(t, err)
	assert.NotContains(t, string(body), "planted")
	assert.Equal(t, "(hidden)", vitalNamed(t, s, "who").Text)
	require.Len(t, s.Tables, 1)
	require.Len(t, s.Tables[0].Rows, 2)
	for i, of := range []float64{13, 12} {
		row := s.Tables[0].Rows[i]
		assert.Equal(t, "a (hidden)", row.Name)
		assert.InDelta(t, of, *row.Of, 0, "each has its own whole")
	}
}
