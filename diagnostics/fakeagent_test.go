package diagnostics

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"

	"github.com/alertvitals/notifier/diagnostics/exposition"
)

// fakeAgent is an agent whose endpoints answer what a test wants.
type fakeAgent struct {
	*httptest.Server
	mu       sync.Mutex
	handlers map[string]http.HandlerFunc
	// otherwise answers what has no handler; nil is 404.
	otherwise http.HandlerFunc
	asked     map[string]int
}

func newFakeAgent(t testing.TB) *fakeAgent {
	t.Helper()
	f := &fakeAgent{handlers: map[string]http.HandlerFunc{}, asked: map[string]int{}}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	return f
}

func (f *fakeAgent) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	handler := f.handlers[r.URL.Path]
	f.asked[r.URL.Path]++
	f.mu.Unlock()
	if handler == nil {
		handler = f.otherwise
	}
	if handler == nil {
		handler = http.NotFound
	}
	handler(w, r)
}

func (f *fakeAgent) on(path string, handler http.HandlerFunc) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.handlers[path] = handler
}

func (f *fakeAgent) times(path string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.asked[path]
}

// total is how many requests there were.
func (f *fakeAgent) total() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for _, times := range f.asked {
		n += times
	}
	return n
}

func say(status int, contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

// hang answers nothing until the caller goes away.
func hang(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// newCollector has one agent, called "aster", that alerts with job="aster" are about.
func newCollector(t testing.TB, url string, change ...func(*AgentConfig, *Config)) *Collector {
	t.Helper()
	a := AgentConfig{Name: "aster", Match: []string{`job="aster"`}, URL: url}
	// Long enough that no test meets it by being slow.
	cfg := Config{Deadline: model.Duration(30 * time.Second)}
	a.Timeout = model.Duration(15 * time.Second)
	for _, f := range change {
		f(&a, &cfg)
	}
	c, err := New([]AgentConfig{a}, cfg, t.TempDir(), slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	c.reuse = 0 // each look is a look of its own
	return c
}

// deadline gives the collector a short one, for agents that never answer.
func deadline(d time.Duration) func(*AgentConfig, *Config) {
	return func(_ *AgentConfig, cfg *Config) { cfg.Deadline = model.Duration(d) }
}

// lookInTime is what c says of the agent when this machine was not short of time: a look that came too late for us says nothing of the
// agent, and another is taken.
func lookInTime(t *testing.T, c *Collector) *Snapshot {
	t.Helper()
	ours := func(note string) bool { return strings.HasPrefix(note, "not known in time") }
	for range 20 {
		s := c.Snapshot(t.Context(), about)
		late := ours(s.Metrics.Note)
		for _, check := range []*Check{s.Health, s.Ready} {
			late = late || check != nil && ours(check.Note)
		}
		if !late {
			return s
		}
	}
	require.Fail(t, "the machine was short of time at each of 20 looks")
	return nil
}

// vitalNamed fails the test when there is none.
func vitalNamed(t *testing.T, s *Snapshot, name string) Vital {
	t.Helper()
	for _, v := range s.Vitals {
		if v.Name == name {
			return v
		}
	}
	require.Fail(t, "no such vital", "%s, in %+v", name, s)
	return Vital{}
}

// sdkMetrics is what an agent of the SDK's guide reports after `chats` chats of which `failed` failed, each of them
// taking between 1 s and 2 s.
func sdkMetrics(started time.Time, chats, failed int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# TYPE agent_chat_latency_seconds histogram\n")
	for _, le := range []string{"0.5", "1", "2", "5", "+Inf"} {
		count := chats
		if le == "0.5" || le == "1" {
			count = 0
		}
		fmt.Fprintf(&b, "agent_chat_latency_seconds_bucket{agent_id=\"a\",le=%q} %d\n", le, count)
	}
	fmt.Fprintf(&b, "agent_chat_latency_seconds_count{agent_id=\"a\"} %d\n", chats)
	fmt.Fprintf(&b, "agent_errors_total{agent_id=\"a\",error_type=\"model_call\"} %d\n", failed)
	fmt.Fprintf(&b, "agent_errors_total{agent_id=\"a\",error_type=\"timeout\"} %d\n", 2*failed)
	fmt.Fprintf(&b, "agent_tool_calls_total{tool_name=\"bash\",status=\"failed\"} %d\n", failed)
	fmt.Fprintf(&b, "agent_tool_calls_total{tool_name=\"bash\",status=\"ok\"} %d\n", chats)
	fmt.Fprintf(&b, "agent_pool_size 42\nagent_active_count 3\n")
	fmt.Fprintf(&b, "go_goroutines 18\nprocess_resident_memory_bytes 4.32013312e+08\n")
	fmt.Fprintf(&b, "process_cpu_seconds_total %d\nprocess_start_time_seconds %d\n", chats/10, started.Unix())
	return b.String()
}

// past stores a scrape as if it had been made at `at`.
func past(t *testing.T, c *Collector, at time.Time, body string) {
	t.Helper()
	a := c.settings.Load().agents[0]
	got := exposition.Read([]byte(body), "text/plain", at)
	require.Empty(t, got.Why)
	_, err := a.series.store(t.Context(), at, time.Millisecond, got, true)
	require.NoError(t, err)
}

var discard = slog.New(slog.DiscardHandler)
