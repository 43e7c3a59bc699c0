package bench

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// BenchmarkScrape measures the real program while it scrapes 100 agents of 1,000 series each every 15 s: its processor time and
// memory over a minute that begins when each agent was scraped twice. The agents run beside it and are not counted; their values change
// from scrape to scrape, and their answers are compressed, as those of Prometheus's client are.
//
//	percent_of_core   the goal is below 10
//	most_MiB          the goal is below 300
func BenchmarkScrape(b *testing.B) {
	const agents, length = 100, 4 * 15 * time.Second
	var percent, most float64
	for b.Loop() {
		fleet := newFleet(b, agents)
		n := start(b, b.TempDir(), fleet.configuration())
		until(b, "every agent to be scraped twice", func() bool { return fleet.scrapes(2) })
		before, began := n.cpu(b), time.Now()
		over := time.NewTimer(length)
		<-over.C
		percent = 100 * (n.cpu(b) - before).Seconds() / time.Since(began).Seconds()
		most = n.status(b, "VmHWM")
		n.kill()
		require.True(b, fleet.scrapes(5), "each agent was scraped every 15 s")
	}
	b.ReportMetric(0, "ns/op") // the load is ours
	b.ReportMetric(percent, "percent_of_core")
	b.ReportMetric(most, "most_MiB")
}

// cpu is the processor time that the notifier has taken: https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html, utime and stime.
func (n *notifier) cpu(b *testing.B) time.Duration {
	b.Helper()
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", n.cmd.Process.Pid))
	require.NoError(b, err, "processor time is measured on Linux only")
	_, rest, _ := strings.Cut(string(content), ") ")
	fields := strings.Fields(rest)
	var ticks int
	for _, field := range fields[11:13] {
		v, err := strconv.Atoi(field)
		require.NoError(b, err)
		ticks += v
	}
	return time.Duration(ticks) * 10 * time.Millisecond // a tick is 1/100 s on all that Go runs on
}

// fleet is many agents behind one address.
type fleet struct {
	url    string
	agents int

	mu    sync.Mutex
	asked map[string]int
	// bodies are two answers, taken in turns.
	bodies [2][]byte
}

func newFleet(b *testing.B, agents int) *fleet {
	b.Helper()
	f := &fleet{agents: agents, asked: map[string]int{}}
	for i := range f.bodies {
		var body bytes.Buffer
		zip := gzip.NewWriter(&body)
		_, err := zip.Write(thousandSeries(i))
		require.NoError(b, err)
		require.NoError(b, zip.Close())
		f.bodies[i] = body.Bytes()
	}
	f.url = serveHandler(b, f)
	return f
}

func (f *fleet) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	f.asked[r.URL.Path]++
	body := f.bodies[f.asked[r.URL.Path]%len(f.bodies)]
	f.mu.Unlock()
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	w.Header().Set("Content-Encoding", "gzip")
	_, _ = w.Write(body) // who goes away is seen by the number of scrapes
}

// scrapes is whether every agent was scraped that often.
func (f *fleet) scrapes(times int) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.asked) < f.agents {
		return false
	}
	for _, n := range f.asked {
		if n < times {
			return false
		}
	}
	return true
}

func (f *fleet) configuration() string {
	var b strings.Builder
	b.WriteString("route: {receiver: log}\nreceivers:\n  - name: log\n    log_configs: [{format: json, output: stdout}]\nagents:\n")
	for i := range f.agents {
		fmt.Fprintf(&b, "  - {name: agent-%d, match: ['instance=\"agent-%d\"'], url: '%s', metrics_path: /%d/metrics, scrape_interval: 15s}\n", i, i, f.url, i)
	}
	return b.String()
}

// thousandSeries are histograms with a path, a method and a status, counters and gauges, all of which move on with turn.
func thousandSeries(turn int) []byte {
	var b bytes.Buffer
	b.WriteString("# HELP agent_http_request_duration_seconds How long requests took.\n# TYPE agent_http_request_duration_seconds histogram\n")
	for i := range 50 {
		labels := fmt.Sprintf(`method="POST",path="/v1/agents/%d/chat",status="2xx"`, i)
		for le := range 12 {
			fmt.Fprintf(&b, "agent_http_request_duration_seconds_bucket{%s,le=\"%g\"} %d\n", labels, 0.005*float64(int(1)<<le), (i+le)*(turn+1))
		}
		fmt.Fprintf(&b, "agent_http_request_duration_seconds_bucket{%s,le=\"+Inf\"} %d\n", labels, (i+12)*(turn+1))
		fmt.Fprintf(&b, "agent_http_request_duration_seconds_sum{%s} %d.25\n", labels, i*(turn+1))
		fmt.Fprintf(&b, "agent_http_request_duration_seconds_count{%s} %d\n", labels, (i+12)*(turn+1))
	}
	b.WriteString("# HELP agent_tool_calls_total Calls of tools.\n# TYPE agent_tool_calls_total counter\n")
	for i := range 200 {
		fmt.Fprintf(&b, "agent_tool_calls_total{tool_name=\"tool_%d\",status=\"ok\"} %d\n", i, i*(turn+1))
	}
	for i := range 50 {
		fmt.Fprintf(&b, "# HELP agent_gauge_%d A gauge.\n# TYPE agent_gauge_%d gauge\nagent_gauge_%d %d.5\n", i, i, i, i+turn)
	}
	return b.Bytes()
}
