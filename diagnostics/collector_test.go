package diagnostics

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	commoncfg "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/alertvitals/notifier/config/httpclient"
)

var about = map[string]string{"alertname": "HighErrorRate", "job": "aster"}

func TestSnapshotOfAWellAgent(t *testing.T) {
	f := newFakeAgent(t)
	f.on("/health", say(200, "application/json", `{"status":"healthy","version":"v1"}`))
	f.on("/ready", say(200, "text/plain", "Ready"))
	f.on("/metrics", say(200, "text/plain; version=0.0.4", sdkMetrics(time.Now().Add(-time.Hour), 100, 20)))
	c := newCollector(t, f.URL)

	s := c.Snapshot(t.Context(), about)

	require.NotNil(t, s)
	assert.Equal(t, "aster", s.Agent)
	assert.Equal(t, strings.TrimPrefix(f.URL, "http://"), s.Instance)
	assert.Equal(t, "agent-sdk", s.Profile)
	assert.Equal(t, Up, s.Health.Verdict)
	assert.Equal(t, "v1", s.Health.Version)
	assert.Equal(t, "/ready", s.Ready.Path)
	assert.Equal(t, "Ready", s.Ready.Says)
	assert.True(t, s.Metrics.OK)
	assert.Equal(t, 16, s.Metrics.Samples)
	assert.Empty(t, s.Metrics.Note)
	assert.WithinDuration(t, s.TakenAt, s.Metrics.At, time.Minute)

	// One scrape knows the whole life of the agent, and says so.
	errorRate := vitalNamed(t, s, "error rate")
	assert.InDelta(t, 0.2, *errorRate.Value, 1e-9)
	assert.Equal(t, "since start", errorRate.Note)
	assert.Equal(t, StateCritical, errorRate.State)
	assert.Nil(t, errorRate.Before)
	assert.InDelta(t, 1.95, *vitalNamed(t, s, "p95 latency").Value, 1e-9)
	assert.InDelta(t, 42, *vitalNamed(t, s, "pool").Value, 0)
	assert.Empty(t, vitalNamed(t, s, "pool").Note)
	assert.InDelta(t, 18, *vitalNamed(t, s, "goroutines").Value, 0)

	// P9: what is not reported is no number.
	for _, name := range []string{"pool used", "tokens in", "GC pause", "open files"} {
		v := vitalNamed(t, s, name)
		assert.Nil(t, v.Value, name)
		assert.Equal(t, StateUnknown, v.State, name)
		assert.Equal(t, "not reported by this agent", v.Note, name)
	}
	hundredTwenty, none := 120.0, (*float64)(nil)
	assert.Equal(t, []Table{
		{Name: "failing tools", Unit: Short, Note: "since start", Topics: []string{"errors"}, Rows: []Row{{Name: "bash", Value: 20, Of: &hundredTwenty}}},
		{Name: "errors by type", Unit: Short, Note: "since start", Topics: []string{"errors"}, Rows: []Row{{"timeout", 40, none}, {"model_call", 20, none}}},
		{Name: "busiest tools", Unit: Short, Note: "since start", Topics: []string{"traffic", "cost"}, Rows: []Row{{"bash", 120, none}}},
	}, s.Tables)
}

func TestSnapshotFindsTheAgent(t *testing.T) {
	f := newFakeAgent(t)
	c := newCollector(t, f.URL)

	assert.Nil(t, c.Snapshot(t.Context(), map[string]string{"job": "other"}))
	assert.Nil(t, c.Snapshot(t.Context(), nil))
	s, err := c.Look(t.Context(), "aster", "", true)
	require.NoError(t, err)
	assert.NotNil(t, s)
	assert.Equal(t, 1, f.times("/health"))
}

func TestCurrentRatesBeforeAndTables(t *testing.T) {
	f := newFakeAgent(t)
	c := newCollector(t, f.URL)
	now := time.Now().Truncate(time.Second)
	started := now.Add(-24 * time.Hour)
	// An hour ago the agent was well; for the last minutes a third of its chats fail.
	past(t, c, now.Add(-64*time.Minute), sdkMetrics(started, 100_600, 100))
	past(t, c, now.Add(-60*time.Minute), sdkMetrics(started, 103_000, 100))
	past(t, c, now.Add(-2*time.Minute), sdkMetrics(started, 110_000, 110))
	past(t, c, now.Add(-time.Minute), sdkMetrics(started, 110_600, 310))
	f.on("/metrics", hang)
	c.settings.Load().deadline = 2 * time.Second

	s := lookInTime(t, c)

	// The agent hangs: what it said a minute ago is told with its age.
	assert.False(t, s.Metrics.OK)
	assert.Equal(t, "no answer within 1.9 s", s.Metrics.Note)
	assert.Equal(t, now.Add(-time.Minute).UTC(), s.Metrics.At.UTC())
	assert.Equal(t, 16, s.Metrics.Samples)
	errorRate := vitalNamed(t, s, "error rate")
	assert.InDelta(t, 200.0/600, *errorRate.Value, 1e-9)
	assert.Empty(t, errorRate.Note)
	require.NotNil(t, errorRate.Before)
	assert.InDelta(t, 0, *errorRate.Before, 1e-9)
	assert.Equal(t, now.Add(-60*time.Minute).UTC(), errorRate.BeforeAt.UTC())
	requests := vitalNamed(t, s, "requests")
	assert.InDelta(t, 10, *requests.Value, 1e-3, "600 in the minute that was seen, not in five")
	assert.InDelta(t, 10, *requests.Before, 1e-3)
	assert.InDelta(t, 42, *vitalNamed(t, s, "pool").Before, 0)
	require.Len(t, s.Tables, 3)
	assert.Equal(t, "failing tools (1 h)", s.Tables[0].Name)
	assert.Empty(t, s.Tables[0].Note)
	assert.InDelta(t, 210, s.Tables[0].Rows[0].Value, 1)
}

func TestCounterResetIsNoNegativeRate(t *testing.T) {
	c := newCollector(t, newFakeAgent(t).URL)
	now := time.Now().Truncate(time.Second)
	past(t, c, now.Add(-3*time.Minute), sdkMetrics(now.Add(-24*time.Hour), 1000, 0))
	past(t, c, now.Add(-2*time.Minute), sdkMetrics(now.Add(-150*time.Second), 60, 0))
	past(t, c, now.Add(-time.Minute), sdkMetrics(now.Add(-150*time.Second), 120, 12))

	s := c.Snapshot(t.Context(), about)

	assert.InDelta(t, 1, *vitalNamed(t, s, "requests").Value, 1e-3)
	assert.InDelta(t, 0.1, *vitalNamed(t, s, "error rate").Value, 1e-6)
	uptime := vitalNamed(t, s, "uptime")
	assert.Equal(t, "restarted", uptime.Note)
	assert.InDelta(t, 90, *uptime.Value, 1)
}

// P9: an error series that is there for the first time has no rate yet, which is not "no errors".
func TestP9NewErrorsAreNotZero(t *testing.T) {
	c := newCollector(t, newFakeAgent(t).URL)
	now := time.Now().Truncate(time.Second)
	const first = "aster_http_requests_total{path=\"/v1/chat\",method=\"POST\",status=\"2xx\"} "
	past(t, c, now.Add(-2*time.Minute), first+"60\n")
	past(t, c, now.Add(-time.Minute), first+"100\naster_http_requests_total{path=\"/v1/chat\",method=\"POST\",status=\"5xx\"} 100\n")

	errorRate := vitalNamed(t, c.Snapshot(t.Context(), about), "error rate")
	assert.InDelta(t, 100.0/140, *errorRate.Value, 1e-5, "the errors of the last minute over its requests")
	assert.Empty(t, errorRate.Note)
}

// P9: labels that are new with each chat, and errors that come all at once, count from 0.
func TestP9SeriesThatAppearCountFromZero(t *testing.T) {
	c := newCollector(t, newFakeAgent(t).URL)
	now := time.Now().Truncate(time.Second)
	chats := func(n int) string {
		var b strings.Builder
		b.WriteString("# TYPE agent_chat_latency_seconds histogram\n# TYPE agent_errors_total counter\n# TYPE agent_active_count gauge\n")
		for i := range n {
			fmt.Fprintf(&b, "agent_chat_latency_seconds_count{agent_id=\"a%d\"} 1\n", i)
			fmt.Fprintf(&b, "agent_errors_total{agent_id=\"a%d\",error_type=\"model_call\"} 1\n", i)
		}
		return b.String()
	}
	past(t, c, now.Add(-3*time.Minute), chats(1))
	past(t, c, now.Add(-2*time.Minute), chats(51))
	past(t, c, now.Add(-time.Minute), chats(51)+"agent_active_count 7\n")

	s := c.Snapshot(t.Context(), about)

	assert.InDelta(t, 1, *vitalNamed(t, s, "error rate").Value, 1e-6)
	active := vitalNamed(t, s, "active agents")
	assert.InDelta(t, 7, *active.Value, 0)
	assert.Nil(t, active.Before, "a gauge was not 0 before it was there")
}

// P9: errors that may stand in a part that could not be read are not 0.
func TestP9UnreadableErrorsAreNotZero(t *testing.T) {
	for name, body := range map[string]string{
		"a broken line": "agent_chat_latency_seconds_count 100\nagent_errors_total{error_type=\"model_call} 90\n",
	} {
		t.Run(name, func(t *testing.T) {
			c := newCollector(t, newFakeAgent(t).URL)
			now := time.Now().Truncate(time.Second)
			past(t, c, now.Add(-2*time.Minute), body)
			past(t, c, now.Add(-time.Minute), strings.Replace(body, "100", "200", 1))

			errorRate := vitalNamed(t, c.Snapshot(t.Context(), about), "error rate")

			assert.Nil(t, errorRate.Value)
			assert.Equal(t, StateUnknown, errorRate.State)
		})
	}
}

// P9: no traffic, a top bucket, and a clock that is wrong are said in words.
func TestP9VitalsNeverLie(t *testing.T) {
	now := time.Now().Truncate(time.Second)
	for _, c := range []struct {
		name, vital   string
		before, after string
		value         float64 // -1 is none
		bound, note   string
	}{
		{"no traffic, ratio", "error rate", sdkMetrics(now, 100, 1), sdkMetrics(now, 100, 1), -1, "", "no traffic"},
		{"no traffic, quantile", "p95 latency", sdkMetrics(now, 100, 1), sdkMetrics(now, 100, 1), -1, "", "no traffic"},
		{"no traffic, rate", "requests", sdkMetrics(now, 100, 1), sdkMetrics(now, 100, 1), 0, "", ""},
		{"never any traffic", "error rate", sdkMetrics(now, 0, 0), sdkMetrics(now, 0, 0), -1, "", "no traffic"},
		{
			"top bucket", "p95 latency",
			"agent_chat_latency_seconds_bucket{le=\"5\"} 0\nagent_chat_latency_seconds_bucket{le=\"10\"} 0\nagent_chat_latency_seconds_bucket{le=\"+Inf\"} 0\nagent_chat_latency_seconds_count 0\n",
			"agent_chat_latency_seconds_bucket{le=\"5\"} 1\nagent_chat_latency_seconds_bucket{le=\"10\"} 1\nagent_chat_latency_seconds_bucket{le=\"+Inf\"} 50\nagent_chat_latency_seconds_count 50\n",
			10, ">", "",
		},
		{
			"native histogram in text", "p95 latency",
			"agent_chat_latency_seconds_bucket{le=\"+Inf\"} 1\nagent_chat_latency_seconds_count 1\n",
			"agent_chat_latency_seconds_bucket{le=\"+Inf\"} 9\nagent_chat_latency_seconds_count 9\n",
			-1, "", "histogram without buckets",
		},
		{"NaN gauge", "pool", "agent_chat_latency_seconds_count 1\nagent_pool_size 1\n", "agent_chat_latency_seconds_count 1\nagent_pool_size NaN\n", -1, "", "no number reported"},
		{
			"division by nothing", "pool used", "agent_chat_latency_seconds_count 1\n",
			"agent_chat_latency_seconds_count 1\nagent_pool_size 3\nagent_pool_max_size 0\n", -1, "", "reported as a part of 0",
		},
		{"clock ahead", "uptime", sdkMetrics(now.Add(time.Hour), 1, 0), sdkMetrics(now.Add(time.Hour), 2, 0), -1, "", "the agent's clock differs from ours"},
		{"vanished", "goroutines", "agent_errors_total 1\ngo_goroutines 7\n", "agent_errors_total 1\n", -1, "", "no longer reported"},
	} {
		t.Run(c.name, func(t *testing.T) {
			collector := newCollector(t, newFakeAgent(t).URL)
			past(t, collector, now.Add(-2*time.Minute), c.before)
			past(t, collector, now.Add(-time.Minute), c.after)

			v := vitalNamed(t, collector.Snapshot(t.Context(), about), c.vital)

			assert.Equal(t, c.note, v.Note)
			assert.Equal(t, c.bound, v.Bound)
			if c.value < 0 {
				assert.Nil(t, v.Value)
				assert.Equal(t, StateUnknown, v.State)
				return
			}
			require.NotNil(t, v.Value)
			assert.InDelta(t, c.value, *v.Value, 1e-9)
		})
	}
}

func TestScrapesTooCloseTogetherGiveNoRate(t *testing.T) {
	c := newCollector(t, newFakeAgent(t).URL)
	now := time.Now()
	past(t, c, now.Add(-61*time.Second), sdkMetrics(now.Add(-time.Hour), 100, 1))
	past(t, c, now.Add(-60*time.Second), sdkMetrics(now.Add(-time.Hour), 200, 2))

	assert.Equal(t, "since start", vitalNamed(t, c.Snapshot(t.Context(), about), "requests").Note)
}

func TestAgentInTrouble(t *testing.T) {
	refused := func(t *testing.T) string {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		defer l.Close()
		return "http://" + l.Addr().String()
	}
	t.Run("down", func(t *testing.T) {
		url := refused(t)
		s := newCollector(t, url).Snapshot(t.Context(), about)
		note := "connection refused at " + strings.TrimPrefix(url, "http://")
		assert.Equal(t, Down, s.Health.Verdict)
		assert.Equal(t, note, s.Health.Note)
		assert.Equal(t, note, s.Metrics.Note)
		assert.False(t, s.Metrics.OK)
		assert.True(t, s.Metrics.At.IsZero())
		assert.Empty(t, s.Vitals)
	})
	other := newFakeAgent(t)
	other.on("/health", say(200, "text/plain", "OK"))
	other.on("/metrics", say(200, "text/plain", "go_goroutines 1\n"))
	for _, c := range []struct {
		name    string
		handler http.HandlerFunc
		verdict Verdict
		health  string
		metrics string
	}{
		{"HTML", say(200, "text/html", "<!doctype html><title>app</title>"), Unclear, "answered an HTML page", "not a metrics endpoint (HTML page)"},
		{"401", say(401, "", ""), Unclear, "needs credentials", "needs credentials"},
		{"404", http.NotFound, NotOffered, "", "not offered (404)"},
		{"503", say(503, "text/plain", "Not Ready"), Down, "answered 503", "answered 503"},
		{"empty", say(200, "text/plain", ""), Up, "", "the endpoint reports no series"},
		{
			"redirect to another host", func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, other.URL+r.URL.Path, http.StatusFound)
			}, Unclear, "redirects elsewhere, which is not followed", "redirects elsewhere, which is not followed",
		},
		{"dropped connection", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, Down, "connection closed by HOST", "connection closed by HOST"},
		{
			"gzip bomb", func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Encoding", "gzip")
				zip := gzip.NewWriter(w)
				defer zip.Close()
				io.CopyN(zip, zeros{}, 64<<20)
			}, Unclear, "the answer is too large", "the answer is larger than 16 MiB",
		},
		{
			"broken gzip", func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Encoding", "gzip")
				io.WriteString(w, "this is no gzip at all")
			}, Down, "the answer's compression is broken", "the answer's compression is broken",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFakeAgent(t)
			f.on("/health", c.handler)
			f.on("/metrics", c.handler)
			s := newCollector(t, f.URL).Snapshot(t.Context(), about)
			host := strings.TrimPrefix(f.URL, "http://")
			assert.Equal(t, c.verdict, s.Health.Verdict)
			assert.Equal(t, strings.ReplaceAll(c.health, "HOST", host), s.Health.Note)
			assert.Equal(t, strings.ReplaceAll(c.metrics, "HOST", host), s.Metrics.Note)
			assert.Equal(t, c.name == "empty", s.Metrics.OK)
			assert.Empty(t, s.Vitals)
		})
	}
	assert.Zero(t, other.times("/health")+other.times("/metrics"), "a redirect led to another host")
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func TestTLSInWords(t *testing.T) {
	server := httptest.NewTLSServer(http.NotFoundHandler())
	defer server.Close()
	server.Config.ErrorLog = nil
	s := newCollector(t, server.URL).Snapshot(t.Context(), about)
	assert.Equal(t, "the TLS certificate is not trusted", s.Health.Note)

	plain := newFakeAgent(t)
	s = newCollector(t, strings.Replace(plain.URL, "http", "https", 1)).Snapshot(t.Context(), about)
	assert.Equal(t, strings.TrimPrefix(plain.URL, "http://")+" does not speak TLS", s.Health.Note)
}

func TestUnknownHostInWords(t *testing.T) {
	s := newCollector(t, "http://nowhere.invalid:8080", deadline(5*time.Second)).Snapshot(t.Context(), about)
	assert.Contains(t, []string{
		"the host of nowhere.invalid:8080 has no address (DNS)",
		"the address of nowhere.invalid:8080 could not be looked up (DNS)",
		"no answer within 4.9 s",
	}, s.Health.Note)
}

func TestRedirectWithinTheHostKeepsCredentials(t *testing.T) {
	f := newFakeAgent(t)
	f.on("/metrics", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/metrics/", http.StatusTemporaryRedirect)
	})
	f.on("/metrics/", func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "u" || password != "hunter2" {
			w.WriteHeader(401)
			return
		}
		io.WriteString(w, "go_goroutines 7\n")
	})
	c := newCollector(t, f.URL, func(a *AgentConfig, _ *Config) {
		a.HTTPConfig = &httpclient.Config{BasicAuth: &commoncfg.BasicAuth{Username: "u", Password: "hunter2"}}
	})
	s := c.Snapshot(t.Context(), about)
	assert.True(t, s.Metrics.OK, s.Metrics.Note)
	assert.Equal(t, "go-runtime", s.Profile)
}

// P5: the snapshot is there by the deadline while the agent still hangs. The clock is that of the test's bubble, the
// connection a pipe in it.
func TestP5DeadlineHolds(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"hangs": hang,
		"drips": func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				io.WriteString(w, "go_goroutines 1\n")
				w.(http.Flusher).Flush()
				select {
				case <-r.Context().Done():
				case <-time.After(100 * time.Millisecond):
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCollector(t, "http://agent:8080", func(_ *AgentConfig, cfg *Config) { cfg.Deadline = model.Duration(time.Second) })
				listener := newPipeListener()
				server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
				go server.Serve(listener)
				defer server.Close()
				c.settings.Load().agents[0].client = &http.Client{Transport: &http.Transport{DialContext: listener.dial}}

				began := time.Now()
				s := c.Snapshot(t.Context(), about)

				assert.LessOrEqual(t, time.Since(began), time.Second)
				note := "no answer within 0.9 s"
				if name == "drips" {
					note = "the answer had not ended within 0.9 s"
				}
				assert.Equal(t, note, s.Health.Note)
				assert.Equal(t, note, s.Ready.Note)
				assert.Equal(t, note, s.Metrics.Note)
				assert.Equal(t, Down, s.Health.Verdict)
			})
		})
	}
}

// pipeListener is a listener whose connections are pipes in memory.
type pipeListener struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newPipeListener() *pipeListener {
	return &pipeListener{conns: make(chan net.Conn), done: make(chan struct{})}
}

func (l *pipeListener) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case l.conns <- there:
		return here, nil
	case <-l.done:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

func (l *pipeListener) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

func TestCallerWhoLeavesIsNotHeld(t *testing.T) {
	f := newFakeAgent(t)
	f.on("/health", hang)
	c := newCollector(t, f.URL)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s := c.Snapshot(ctx, about)
	assert.Equal(t, "not waited for", s.Metrics.Note)
	assert.Equal(t, "aster", s.Agent)
}

func TestStormSharesOneLook(t *testing.T) {
	f := newFakeAgent(t)
	asked, release := make(chan struct{}, 100), make(chan struct{})
	f.on("/health", func(w http.ResponseWriter, _ *http.Request) {
		asked <- struct{}{}
		<-release
		io.WriteString(w, "OK")
	})
	c := newCollector(t, f.URL)
	var all sync.WaitGroup
	snapshots := make([]*Snapshot, 20)
	all.Go(func() { snapshots[0] = c.Snapshot(t.Context(), about) })
	<-asked // the first look is under way, and waits
	joining := make(chan struct{}, len(snapshots))
	for i := range snapshots[1:] {
		all.Go(func() {
			joining <- struct{}{}
			snapshots[i+1] = c.Snapshot(t.Context(), about)
		})
	}
	for range snapshots[1:] {
		<-joining
	}
	close(release)
	all.Wait()

	shared := 0
	for _, s := range snapshots {
		assert.Equal(t, "OK", s.Health.Says)
		if s.TakenAt.Equal(snapshots[0].TakenAt) {
			shared++
		}
	}
	// Who comes after the first look has ended begins another one; how many do is up to the scheduler.
	assert.GreaterOrEqual(t, shared, 1)
	assert.LessOrEqual(t, f.times("/health"), 1+len(snapshots)-shared)
	snapshots[0].Health.Says = "changed"
	assert.Equal(t, "OK", snapshots[1].Health.Says)
}

func TestRunPolls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCollector(t, "http://agent:8080")
		listener := newPipeListener()
		var mu sync.Mutex
		polls := 0
		started := time.Now().Add(-time.Hour)
		server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/metrics" {
				http.NotFound(w, r)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			if polls++; polls == 5 {
				w.WriteHeader(500)
				return
			}
			io.WriteString(w, sdkMetrics(started, 150*polls, 15*polls))
		})}
		go server.Serve(listener)
		defer server.Close()
		c.settings.Load().agents[0].client = &http.Client{Transport: &http.Transport{DialContext: listener.dial}}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- c.Run(ctx) }()

		time.Sleep(61 * time.Second) // in the bubble's clock: polls at 0, 15, 30, 45 and, failing, at 60 s
		cancel()
		require.NoError(t, <-ended)

		mu.Lock()
		assert.Equal(t, 5, polls)
		mu.Unlock()
		assert.InDelta(t, 1, testutil.ToFloat64(c.metrics.scrapesFailed.WithLabelValues("aster")), 0)
		// The failed poll made everything stale; the vitals are those of the last good one.
		r, err := c.read(t.Context(), c.settings.Load(), c.settings.Load().agents[0], time.Now())
		require.NoError(t, err)
		assert.Equal(t, 16, r.samples)
		s := &Snapshot{Vitals: r.vitals}
		assert.InDelta(t, 10, *vitalNamed(t, s, "requests").Value, 1e-3)
		assert.InDelta(t, 0.1, *vitalNamed(t, s, "error rate").Value, 1e-9)
		c.settings.Load().agents[0].client.CloseIdleConnections()
	})
}

func TestHistorySurvivesARestart(t *testing.T) {
	f := newFakeAgent(t)
	dir := t.TempDir()
	open := func() *Collector {
		cfg := AgentConfig{Name: "aster", Match: []string{`job="aster"`}, URL: f.URL}
		c, err := New([]AgentConfig{cfg}, Config{}, dir, discard, nil)
		require.NoError(t, err)
		return c
	}
	now := time.Now().Truncate(time.Second)
	c := open()
	past(t, c, now.Add(-2*time.Minute), sdkMetrics(now.Add(-time.Hour), 100, 0))
	past(t, c, now.Add(-time.Minute), sdkMetrics(now.Add(-time.Hour), 160, 0))
	require.NoError(t, c.Close())
	require.NoError(t, c.Close(), "closing twice")
	assert.Equal(t, "not asked: the notifier is stopping", c.Snapshot(t.Context(), about).Metrics.Note)

	c = open()
	defer c.Close()
	assert.InDelta(t, 1, *vitalNamed(t, c.Snapshot(t.Context(), about), "requests").Value, 1e-3)
}

func TestASnapshotServesTheAlertsOfASecond(t *testing.T) {
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/metrics" {
			asked.Add(1)
		}
		fmt.Fprintln(w, "go_goroutines 7")
	}))
	defer server.Close()
	c := newCollector(t, server.URL)
	c.reuse = reuseFor
	now := time.Now()
	c.now = func() time.Time { return now }

	first := c.Snapshot(t.Context(), map[string]string{"job": "aster"})
	now = now.Add(900 * time.Millisecond)
	again := c.Snapshot(t.Context(), map[string]string{"job": "aster"})
	assert.Equal(t, first, again, "it says when it was taken")
	assert.NotSame(t, first, again)
	assert.Equal(t, int64(1), asked.Load())

	now = now.Add(100 * time.Millisecond)
	later := c.Snapshot(t.Context(), map[string]string{"job": "aster"})
	assert.Equal(t, now, later.TakenAt)
	assert.Equal(t, int64(2), asked.Load())
}

func TestP5ALookWithoutTheDeadlineSaysMore(t *testing.T) {
	f := newFakeAgent(t)
	release := make(chan struct{})
	f.on("/health", func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
			say(200, "application/json", `{"status":"healthy"}`)(w, r)
		case <-r.Context().Done():
		}
	})
	f.on("/metrics", say(200, "text/plain", sdkMetrics(time.Now(), 10, 1)))
	c := newCollector(t, f.URL, deadline(100*time.Millisecond))
	s := lookInTime(t, c)
	assert.True(t, s.Unfinished)
	assert.Equal(t, Down, s.Health.Verdict)
	close(release)
	later := c.SnapshotLater(t.Context(), about)
	require.NotNil(t, later)
	assert.False(t, later.Unfinished)
	assert.Equal(t, Up, later.Health.Verdict)
	assert.True(t, later.Metrics.OK)

	assert.Nil(t, c.SnapshotLater(t.Context(), map[string]string{"job": "other"}))
	patient := newCollector(t, f.URL) // its deadline is longer than the agent's timeout
	assert.Nil(t, patient.SnapshotLater(t.Context(), about), "it had all the time already")
	assert.False(t, patient.Snapshot(t.Context(), about).Unfinished)
}

// What an agent is may be known only by the scrape of the first look at it: where it answers is then known, too.
func TestTheFirstLookAsksWhereTheAgentAnswers(t *testing.T) {
	f := newFakeAgent(t)
	f.on("/metrics", say(200, "text/plain", "claude_code_self_hosted_runner_capacity 4\n"))
	f.on("/healthz", say(200, "application/json", `{"status":"ok","runner_id":"r","last_poll_age_ms":5}`))
	s := newCollector(t, f.URL).Snapshot(t.Context(), about)
	assert.Equal(t, "claude-runner", s.Profile)
	require.NotNil(t, s.Health)
	assert.Equal(t, "/healthz", s.Health.Path)
	assert.Equal(t, Up, s.Health.Verdict)
	assert.Nil(t, s.Ready, "it has none")

	f.on("/healthz", hang)
	s = newCollector(t, f.URL, deadline(time.Second)).Snapshot(t.Context(), about)
	assert.Equal(t, "/healthz", s.Health.Path)
	assert.Equal(t, Unclear, s.Health.Verdict, "it was asked late")
}
