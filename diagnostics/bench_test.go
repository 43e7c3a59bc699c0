package diagnostics

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alertvitals/notifier/diagnostics/exposition"
)

// BenchmarkVitals computes a snapshot's vitals of an agent with 1,000 series from two warm hours of history, a scrape every 15 s.
func BenchmarkVitals(b *testing.B) {
	for name, series := range map[string]func(i int) string{
		"aster-server": asterSeries, "gen-ai": genAISeries, "claude-code": claudeSeries,
	} {
		b.Run(name, func(b *testing.B) {
			c, err := New([]AgentConfig{{Name: "a", Match: []string{`job="a"`}, URL: "http://127.0.0.1:1"}}, Config{}, b.TempDir(), discard, nil)
			require.NoError(b, err)
			defer c.Close()
			set := c.settings.Load()
			now := time.Now()
			count := 0
			for i := range 480 {
				at := now.Add(time.Duration(i-480) * 15 * time.Second)
				got := exposition.Read([]byte(series(i)), "", at)
				require.Empty(b, got.Why)
				count = len(got.Samples)
				_, err = set.agents[0].series.store(b.Context(), at, time.Millisecond, got, true)
				require.NoError(b, err)
			}
			var r reading
			for b.Loop() {
				r, err = c.read(b.Context(), set, set.agents[0], now)
				require.NoError(b, err)
			}
			require.Equal(b, name, r.profile)
			require.NotEmpty(b, r.vitals)
			b.ReportMetric(float64(count), "series")
		})
	}
}

// histogramText is one series of a histogram whose count is n.
func histogramText(b *strings.Builder, name, labels string, bounds []string, n int) {
	for i, le := range bounds {
		fmt.Fprintf(b, "%s_bucket{%s,le=%q} %d\n", name, labels, le, n*(i+1)/len(bounds))
	}
	fmt.Fprintf(b, "%s_sum{%s} %d\n%s_count{%s} %d\n", name, labels, n, name, labels, n)
}

var tenBounds = []string{"0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "+Inf"}

func runtimeText(b *strings.Builder, i int) {
	fmt.Fprintf(b, "go_goroutines %d\ngo_threads 9\ngo_info{version=\"go1.26\"} 1\ngo_memstats_alloc_bytes %d\n", 20+i%7, 1<<20+i)
	fmt.Fprintf(b, "go_gc_duration_seconds_sum %d\ngo_gc_duration_seconds_count %d\nprocess_cpu_seconds_total %d\n", i, i*3, i)
	fmt.Fprintf(b, "process_resident_memory_bytes %d\nprocess_open_fds 9\nprocess_max_fds 1024\nprocess_start_time_seconds 1e9\n", 1<<24+i)
}

func asterSeries(i int) string {
	var b strings.Builder
	b.WriteString("aster_agents_total 0\naster_sessions_active 0\naster_workflows_running 0\n")
	for path := range 25 {
		labels := fmt.Sprintf(`method="POST",path="/v1/%d"`, path)
		fmt.Fprintf(&b, "aster_http_requests_total{%s,status=\"2xx\"} %d\naster_http_requests_total{%s,status=\"5xx\"} %d\n", labels, 10*i, labels, i/10)
		histogramText(&b, "aster_http_request_duration_seconds", labels, tenBounds, 10*i)
		histogramText(&b, "aster_http_request_size_bytes", labels, tenBounds[:9], 10*i)
		histogramText(&b, "aster_http_response_size_bytes", labels, tenBounds[:9], 10*i)
	}
	runtimeText(&b, i)
	return b.String()
}

func genAISeries(i int) string {
	var b strings.Builder
	for m := range 33 {
		for _, kind := range []string{"", `,error_type="429"`} {
			histogramText(&b, "gen_ai_client_operation_duration_seconds", fmt.Sprintf(`gen_ai_request_model="m%d"%s`, m, kind), tenBounds, 10*i)
		}
		fmt.Fprintf(&b, "gen_ai_client_token_usage_sum{gen_ai_request_model=\"m%d\",gen_ai_token_type=\"input\"} %d\n", m, 1000*i)
		fmt.Fprintf(&b, "gen_ai_client_token_usage_sum{gen_ai_request_model=\"m%d\",gen_ai_token_type=\"output\"} %d\n", m, 100*i)
	}
	runtimeText(&b, i)
	return b.String()
}

func claudeSeries(i int) string {
	var b strings.Builder
	for session := range 50 {
		of := fmt.Sprintf(`session_id="s%d",otel_scope_version="2.1"`, session)
		fmt.Fprintf(&b, "claude_code_session_count_total{%s} 1\n", of)
		for m := range 3 {
			for _, kind := range []string{"input", "output", "cacheRead", "cacheCreation"} {
				fmt.Fprintf(&b, "claude_code_token_usage_tokens_total{%s,model=\"m%d\",type=%q} %d\n", of, m, kind, 100*i)
			}
			fmt.Fprintf(&b, "claude_code_cost_usage_USD_total{%s,model=\"m%d\"} %d\n", of, m, i)
		}
		for _, tool := range []string{"Edit", "Write"} {
			fmt.Fprintf(&b, "claude_code_code_edit_tool_decision_total{%s,tool_name=%q,decision=\"accept\"} %d\n", of, tool, i)
		}
		fmt.Fprintf(&b, "claude_code_active_time_seconds_total{%s,type=\"cli\"} %d\n", of, i)
	}
	return b.String()
}
