//go:build captures

package diagnostics

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/promql"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/alertvitals/notifier/diagnostics/jsonbody"
)

// captureRow is a row of promql/results.tsv that a vital corresponds to.
type captureRow struct {
	// field is the row's second column, series the value's labels as the row writes them ("-" is none).
	field, series string
	vital         string
	// exact is whether the stored bodies give the row's own value. The rows were taken on runs of their own, whose
	// bodies differ; for the others the vital must equal what the row's expression gives over the same samples.
	exact bool
}

// TestCaptures reads real bodies, and compares the vitals with a plain PromQL engine and with what a real Prometheus said.
func TestCaptures(t *testing.T) {
	runtime := []captureRow{
		{"uptime_s", "-", "uptime", false},
		{"memory_rss", "-", "memory", false},
		{"goroutines", "-", "goroutines", false},
	}
	for _, c := range []struct {
		name, system, job, profile string
		bodies                     []string
		rows                       []captureRow
	}{
		{
			"aster, one scrape", "aster", "aster", "aster-server",
			[]string{"aster/metrics.chat-traffic.txt"},
			append([]captureRow{
				{"fds_ratio", "-", "open files", true},
				{"cpu_cores_lifetime", "-", "CPU", false},
				{"err_ratio_lifetime", "-", "error rate", false},
				{"latency_p50_lifetime", "-", "p50 latency", false},
				{"latency_p95_lifetime", "-", "p95 latency", false},
				{"latency_p99_lifetime", "-", "p99 latency", false},
			}, runtime...),
		},
		{
			"aster, two scrapes", "aster", "aster", "aster-server",
			[]string{"aster/metrics.first-scrape.txt", "aster/metrics.txt"},
			append([]captureRow{
				{"fds_ratio", "-", "open files", true},
				{"cpu_cores", "-", "CPU", false},
				{"req_rate", "-", "requests", false},
				{"err_ratio", "-", "error rate", false},
				{"latency_p50", "-", "p50 latency", false},
				{"latency_p95", "-", "p95 latency", false},
				{"latency_p99", "-", "p99 latency", false},
			}, runtime...),
		},
		{
			"agent SDK, one scrape", "agent-sdk", "agentsdk", "agent-sdk",
			[]string{"seed1-agent-sdk/metrics.t2.txt"},
			append([]captureRow{
				{"cpu_cores_lifetime", "-", "CPU", false},
				{"err_ratio_lifetime", "-", "error rate", false},
				{"chat_latency_p50_lifetime", "-", "p50 latency", false},
				{"chat_latency_p95_lifetime", "-", "p95 latency", false},
				{"chat_latency_p99_lifetime", "-", "p99 latency", false},
				{"pool_size", "-", "pool", true},
				{"pool_usage(needs agent_pool_max_size)", "-", "pool used", true},
			}, runtime...),
		},
		{
			"agent SDK, two scrapes", "agent-sdk", "agentsdk", "agent-sdk",
			[]string{"seed1-agent-sdk/metrics.t1.txt", "seed1-agent-sdk/metrics.t2.txt"},
			append([]captureRow{
				{"fds_ratio", "-", "open files", false},
				{"cpu_cores", "-", "CPU", false},
				{"gc_pause_avg_5m", "-", "GC pause", false},
				{"chat_rate", "-", "requests", false},
				{"err_ratio", "-", "error rate", false},
				{"chat_latency_p50", "-", "p50 latency", false},
				{"chat_latency_p95", "-", "p95 latency", false},
				{"chat_latency_p99", "-", "p99 latency", false},
				{"tokens_rate", "type=input", "tokens in", false},
				{"tokens_rate", "type=output", "tokens out", false},
				{"active_agents", "-", "active agents", false},
				{"pool_size", "-", "pool", true},
				{"pool_usage(needs agent_pool_max_size)", "-", "pool used", true},
			}, runtime...),
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			collector, s := lookAtCapture(t, c.job, c.bodies)
			assert.True(t, s.Metrics.OK, s.Metrics.Note)
			assert.Zero(t, s.Metrics.Dropped)
			assert.Equal(t, c.profile, s.Profile)
			results := readResults(t, c.system)
			for _, row := range c.rows {
				v := vitalNamed(t, s, row.vital)
				require.NotNil(t, v.Value, "%s: %s", row.vital, v.Note)
				said := results[row.field]
				require.NotEmpty(t, said.expr, row.field)
				same(t, plain(t, collector, said.expr, row.series, s.Metrics.At), *v.Value, row.vital+" against "+said.expr)
				recorded := said.value(t, row.series)
				equal := math.Abs(recorded-*v.Value) <= 1e-9*math.Abs(recorded)
				assert.Equal(t, row.exact, equal, "%s: %v, recorded %v", row.vital, *v.Value, recorded)
			}
		})
	}
}

// lookAtCapture has an agent that said the bodies 90 s apart, and says the last of them now.
func lookAtCapture(t *testing.T, job string, bodies []string) (*Collector, *Snapshot) {
	t.Helper()
	// An hour after the captured processes began, in their own time.
	now := time.Unix(int64(startOf(t, capture(t, bodies[0]))), 0).Add(time.Hour)
	f := newFakeAgent(t)
	c := newCollector(t, f.URL, func(a *AgentConfig, _ *Config) { a.Name = job })
	c.now = func() time.Time { return now }
	for i, name := range bodies[:len(bodies)-1] {
		past(t, c, now.Add(-90*time.Second*time.Duration(len(bodies)-1-i)), capture(t, name))
	}
	f.on("/metrics", say(200, "text/plain; version=0.0.4", capture(t, bodies[len(bodies)-1])))
	s, err := c.Look(t.Context(), job, "", true)
	require.NoError(t, err)
	return c, s
}

func capture(t *testing.T, name string) string {
	t.Helper()
	dir := os.Getenv("CAPTURES")
	require.NotEmpty(t, dir, "CAPTURES must name the directory of the captures")
	text, err := os.ReadFile(filepath.Join(dir, name))
	require.NoError(t, err)
	return string(text)
}

func startOf(t *testing.T, body string) float64 {
	t.Helper()
	_, rest, found := strings.Cut(body, "\nprocess_start_time_seconds ")
	require.True(t, found)
	number, _, _ := strings.Cut(rest, "\n")
	v, err := strconv.ParseFloat(number, 64)
	require.NoError(t, err)
	return v
}

// result is a row of results.tsv.
type result struct{ expr, values string }

func (r result) value(t *testing.T, series string) float64 {
	t.Helper()
	for one := range strings.SplitSeq(r.values, "; ") {
		if name, number, ok := strings.Cut(one, " => "); ok && name == series {
			v, err := strconv.ParseFloat(number, 64)
			require.NoError(t, err)
			return v
		}
	}
	require.Fail(t, "no such value", "%s in %q", series, r.values)
	return 0
}

func readResults(t *testing.T, system string) map[string]result {
	t.Helper()
	rows := map[string]result{}
	for line := range strings.Lines(capture(t, "promql/results.tsv")) {
		columns := strings.Split(strings.TrimRight(line, "\n"), "\t")
		if len(columns) == 5 && columns[0] == system {
			rows[columns[1]] = result{columns[3], columns[4]}
		}
	}
	return rows
}

// plain evaluates an expression with its own job selector over the whole database. Its five minutes are made the span that
// the scrapes cover: a rate over more than that would count time that nobody saw.
func plain(t *testing.T, c *Collector, expr, series string, at time.Time) float64 {
	t.Helper()
	e := evaluator{times: scrapeTimes(t, c, at), interval: c.settings.Load().agents[0].interval}
	expr = strings.ReplaceAll(expr, "[5m]", fmt.Sprintf("[%dms]", e.rateWindow(at).Milliseconds()))
	query, err := c.engine.NewInstantQuery(t.Context(), c.db, nil, expr, at)
	require.NoError(t, err)
	defer query.Close()
	vector, err := query.Exec(t.Context()).Vector()
	require.NoError(t, err)
	return valueOf(t, vector, series)
}

func valueOf(t *testing.T, vector promql.Vector, series string) float64 {
	t.Helper()
	if series == "-" {
		require.Len(t, vector, 1)
		return vector[0].F
	}
	name, value, _ := strings.Cut(series, "=")
	for _, one := range vector {
		if one.Metric.Get(name) == value {
			return one.F
		}
	}
	require.Fail(t, "no such series", series)
	return 0
}

func scrapeTimes(t *testing.T, c *Collector, at time.Time) []time.Time {
	t.Helper()
	times, err := c.settings.Load().agents[0].series.scrapes(t.Context(), at.Add(-time.Hour), at)
	require.NoError(t, err)
	return times
}

func same(t *testing.T, want, got float64, what string) {
	t.Helper()
	assert.LessOrEqual(t, math.Abs(want-got), 1e-9*math.Abs(want), "%s: want %v, got %v", what, want, got)
}

// TestCapturedTables compares the rankings with counts of the captured bodies: what was counted between two scrapes.
func TestCapturedTables(t *testing.T) {
	_, s := lookAtCapture(t, "agentsdk", []string{"seed1-agent-sdk/metrics.t1.txt", "seed1-agent-sdk/metrics.t2.txt"})
	first := readExposition([]byte(capture(t, "seed1-agent-sdk/metrics.t1.txt")), "", scrapeTime)
	last := readExposition([]byte(capture(t, "seed1-agent-sdk/metrics.t2.txt")), "", scrapeTime)
	counted := func(tool string) float64 {
		sum := 0.0
		for _, now := range last.samples {
			set := now.labels
			if set.Get("__name__") != "agent_tool_calls_total" || set.Get("tool_name") != tool || set.Get("status") != "failed" {
				continue
			}
			sum += now.value // a series that the first scrape lacks was 0 then
			for _, then := range first.samples {
				if then.labels.Hash() == set.Hash() {
					sum -= then.value
				}
			}
		}
		return sum
	}
	require.NotEmpty(t, s.Tables)
	assert.Equal(t, "failing tools (2 min)", s.Tables[0].Name)
	require.NotEmpty(t, s.Tables[0].Rows)
	for _, row := range s.Tables[0].Rows {
		assert.InDelta(t, counted(row.Name), row.Value, 0, row.Name)
	}
}

// TestCapturedHealth reads the health bodies of real agents.
func TestCapturedHealth(t *testing.T) {
	const js = "application/json"
	for _, c := range []struct {
		file, profile, contentType string
		status                     int
		want                       Check
	}{
		{"aster/health.json", "aster-server", js, 200, Check{Verdict: Up, Says: "healthy", Version: "v0.35.0"}},
		{"aster/health.degraded.json", "aster-server", js, 200, Check{Verdict: Degraded, Says: "degraded", Version: "v0.35.0", Failing: []string{"store: unhealthy"}}},
		{"aster/ratelimited.json", "aster-server", js, 429, Check{Verdict: Unclear, Note: "asked too often for its limit (429)"}},
		{"aster/ready.txt", "aster-server", "text/plain", 404, Check{Verdict: NotOffered}},
		{"aster/v1_system_health.json", "aster-server", js, 200, Check{Verdict: Up, Says: "healthy"}},
		{"aster/v1_pool_stats.json", "aster-server", js, 200, Check{Verdict: Unclear, Note: "says nothing of its health"}},
		{"seed1-agent-sdk/ready.notready.txt", "agent-sdk", "text/plain", 503, Check{Verdict: Down, Says: "Not Ready", Note: "answered 503"}},
		{"seed1-agent-sdk/health.txt", "agent-sdk", "text/plain", 200, Check{Verdict: Up, Says: "OK"}},
		{"opencode/health.html", "opencode", "text/html", 200, Check{Verdict: Unclear, Note: "answered an HTML page"}},
		{"opencode/ready.html", "agent-sdk", "text/html", 200, Check{Verdict: Unclear, Note: "answered an HTML page"}},
		{"opencode/health.real.global_health.json", "opencode", js, 200, Check{Verdict: Up, Says: "healthy", Version: "1.18.33"}},
		{"opencode/auth/noauth.global_health.txt", "opencode", "", 401, Check{Verdict: Unclear, Note: "needs credentials"}},
		{"opencode/session_status.json", "opencode", js, 200, Check{Verdict: Unclear, Note: "says nothing of its health"}},
	} {
		c.want.StatusCode = c.status
		got := readHealth(answer{status: c.status, contentType: c.contentType, body: []byte(capture(t, c.file))}, profileNamed(c.profile).Health)
		assert.Equal(t, c.want, got, c.file)
	}
}

// TestCapturedOpenCode recognises a real OpenCode server, and reads its JSON answers.
func TestCapturedOpenCode(t *testing.T) {
	for _, c := range []struct {
		status  string
		retries float64
	}{{"opencode/session_status.json", 3}, {"opencode/session_status.retry.json", 2}} {
		f := newFakeAgent(t)
		const js = "application/json"
		f.otherwise = say(200, "text/html", capture(t, "opencode/metrics.html"))
		f.on("/global/health", say(200, js, capture(t, "opencode/health.real.global_health.json")))
		f.on("/session/status", say(200, js, capture(t, c.status)))
		f.on("/session", say(200, js, capture(t, "opencode/session.json")))
		f.on("/mcp", say(200, js, capture(t, "opencode/mcp.json")))
		f.on("/lsp", say(200, js, "[]"))
		collector := newCollector(t, f.URL)
		a := collector.settings.Load().agents[0]
		now := time.Now()
		collector.now = func() time.Time { return now }
		for range profiles {
			collector.poll(t.Context(), a)
			now = now.Add(a.interval)
		}
		s := collector.Snapshot(t.Context(), about)
		require.Equal(t, "opencode", s.Profile)
		assert.Equal(t, "1.18.33", s.Health.Version)
		for name, want := range map[string]float64{
			"sessions": 3, "sessions retrying": 1, "retries in a row": c.retries, "cost of sessions": 0.018681,
			"input tokens": 5174, "output tokens": 185, "cached tokens read": 1280, "MCP servers failed": 0,
		} {
			v := vitalNamed(t, s, name)
			require.NotNil(t, v.Value, name)
			assert.InDelta(t, want, *v.Value, 1e-9, name)
		}
		for _, text := range []string{"exploded", "jolly", "/srv", "ses_", "three"} {
			shown, err := json.Marshal(s)
			require.NoError(t, err)
			assert.NotContains(t, string(shown), text)
		}
	}
}

// TestCapturedPool reads the answers of a real aster server.
func TestCapturedPool(t *testing.T) {
	pool := profileNamed("aster-server").JSON[0]
	for file, want := range map[string]float64{"aster/v1_pool_stats.json": 0, "aster/traffic.v1_pool_stats.json": 1} {
		samples, unknown, err := jsonbody.Read([]byte(capture(t, file)), pool.Samples)
		require.NoError(t, err)
		assert.Empty(t, unknown)
		assert.InDelta(t, want, samples[0].Value, 0)
		assert.InDelta(t, 100, samples[1].Value, 0)
	}
}
