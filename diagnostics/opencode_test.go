package diagnostics

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	commoncfg "github.com/prometheus/common/config"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/alertvitals/notifier/config/httpclient"
)

// page is what OpenCode answers to every path that it does not know.
const page = `<!doctype html><html lang="en"><head><title>OpenCode</title></head><body><div id="root"></div></body></html>`

// newOpenCode is an OpenCode server with three sessions, of which one is busy and one tries again for the fourth time, as far as
// a reader of its numbers can tell. Password is "" for a server that wants none.
func newOpenCode(t *testing.T, password string) *fakeAgent {
	t.Helper()
	f := newFakeAgent(t)
	answers := openCodeAnswers()
	f.otherwise = func(w http.ResponseWriter, r *http.Request) {
		if _, given, _ := r.BasicAuth(); given != password {
			w.Header().Set("WWW-Authenticate", `Basic realm="Secure Area"`)
			w.WriteHeader(401)
			return
		}
		answers(w, r)
	}
	return f
}

func openCodeAnswers() http.HandlerFunc {
	now := time.Now().UnixMilli()
	bodies := map[string]string{
		"/global/health":  `{"healthy":true,"version":"1.18.33"}`,
		"/session/status": `{"ses_b":{"type":"busy"},"ses_c":{"type":"retry","attempt":4,"message":"planted: key sk-planted is wrong","next":1795000000000}}`,
		"/session": `[
			{"id":"ses_a","slug":"planted-slug","directory":"/srv/planted","title":"planted title","cost":0.25,
			 "tokens":{"input":1000,"output":50,"reasoning":5,"cache":{"read":200,"write":10}},"version":"1.18.33",
			 "time":{"updated":` + strconv.FormatInt(now-7_200_000, 10) + `}},
			{"id":"ses_b","title":"planted","cost":1.5,"tokens":{"input":3000,"output":100,"reasoning":0,"cache":{"read":0,"write":0}},
			 "time":{"updated":` + strconv.FormatInt(now, 10) + `}},
			{"id":"ses_c","title":"planted","cost":0,"tokens":{"input":0,"output":0,"reasoning":0,"cache":{"read":0,"write":0}}}]`,
		"/mcp": `{"planted-server":{"status":"connected"},"b":{"status":"failed","error":"planted at /srv"},"c":{"status":"failed","error":"x"},
			"d":{"status":"needs_auth"},"e":{"status":"disabled"}}`,
		// Two replies of 2 s and 4 s of which one failed at a tool, one that failed, and what was asked.
		"/session/ses_b/message": fmt.Sprintf(`[{"info":{"id":"msg_a","role":"user","time":{"created":%[1]d}},"parts":[{"type":"text","text":"planted"}]},
			{"info":{"role":"assistant","time":{"created":%[1]d,"completed":%[2]d}},"parts":[
			 {"type":"tool","tool":"bash","state":{"status":"error","input":{"command":"planted"},"error":"planted"}},
			 {"type":"tool","tool":"bash","state":{"status":"completed","output":"planted"}}]},
			{"info":{"role":"assistant","time":{"created":%[1]d,"completed":%[3]d}},"parts":[{"type":"text","text":"planted"}]},
			{"info":{"role":"assistant","time":{"created":%[1]d},"error":{"name":"APIError","data":{"message":"planted","statusCode":529}}},"parts":[]}]`,
			now-60_000, now-58_000, now-56_000),
		"/lsp": `[{"id":"gopls","name":"gopls","root":"/srv/planted","status":"connected"}]`,
	}
	return func(w http.ResponseWriter, r *http.Request) {
		body, known := bodies[r.URL.Path]
		if !known {
			say(200, "text/html", page)(w, r)
			return
		}
		if r.URL.Path == "/session" && r.URL.Query().Get("limit") == "" {
			body = `[]` // whoever sets no limit learns of some sessions only
		}
		say(200, "application/json", body)(w, r)
	}
}

func openCode(a *AgentConfig, _ *Config) { a.Profile = "opencode" }

func TestOpenCode(t *testing.T) {
	f := newOpenCode(t, "")
	c := newCollector(t, f.URL, openCode)

	s := c.Snapshot(t.Context(), about)

	assert.Equal(t, Check{
		Path: "/global/health", Verdict: Up, StatusCode: 200, Says: "healthy", Version: "1.18.33", TookSeconds: s.Health.TookSeconds,
	}, *s.Health)
	assert.Nil(t, s.Ready)
	assert.True(t, s.Metrics.OK, s.Metrics.Note)
	assert.Equal(t, "opencode", s.Profile)
	for name, want := range map[string]float64{
		"sessions": 3, "sessions busy": 1, "sessions retrying": 1, "retries in a row": 4, "cost of sessions": 1.75,
		"input tokens": 4000, "output tokens": 150, "reasoning tokens": 5, "cached tokens read": 200, "cached tokens written": 10,
		"MCP servers connected": 1, "MCP servers failed": 2, "MCP servers that need a login": 1, "language servers failed": 0,
	} {
		v := vitalNamed(t, s, name)
		require.NotNil(t, v.Value, "%s: %s", name, v.Note)
		assert.InDelta(t, want, *v.Value, 1e-9, name)
		assert.Empty(t, v.Note, name)
	}
	assert.Equal(t, StateWarning, vitalNamed(t, s, "retries in a row").State)
	for name, want := range map[string]float64{
		"error rate": 1.0 / 3, "failed replies": 1, "replies": 3, "p50 latency": 2, "p95 latency": 4, "p99 latency": 4, "tool failures": 0.5,
	} {
		v := vitalNamed(t, s, name)
		require.NotNil(t, v.Value, "%s: %s", name, v.Note)
		assert.InDelta(t, want, *v.Value, 1e-9, name)
		assert.Contains(t, v.Note, "the last hour", name)
	}
	assert.Equal(t, StateCritical, vitalNamed(t, s, "error rate").State)
	two := 2.0
	assert.Equal(t, []Row{{Name: "bash", Value: 1, Of: &two}}, tableNamed(t, s, "failing tools (1 h)").Rows)
	assert.Equal(t, []Row{{Name: "APIError 529", Value: 1}}, tableNamed(t, s, "errors by type (1 h)").Rows)
	// P9: what it does not say is not 0.
	for _, name := range []string{"memory", "CPU", "uptime"} {
		v := vitalNamed(t, s, name)
		assert.Nil(t, v.Value, name)
		assert.Contains(t, v.Note, "not reported", name)
	}
	require.Len(t, s.Sources, 5)
	for _, source := range s.Sources {
		assert.True(t, source.OK, source.Path)
		assert.WithinDuration(t, s.TakenAt, source.At, time.Minute)
	}
	assert.Equal(t, "/session", s.Sources[1].Path, "without its query")
	assert.Equal(t, "/session/{id}/message", s.Sources[2].Path)
	assert.Zero(t, f.times("/session/ses_a/message")+f.times("/session/ses_c/message"), "nothing was said there lately")
	assert.Zero(t, f.times("/metrics")+f.times("/health")+f.times("/ready"))

	// P10: no title, path, name or error of a session is anywhere.
	text, err := json.Marshal(s)
	require.NoError(t, err)
	for _, planted := range []string{"planted", "ses_", "gopls", "/srv"} {
		assert.NotContains(t, string(text), planted)
	}
}

func TestOpenCodeWithAPassword(t *testing.T) {
	f := newOpenCode(t, "hunter2")
	locked := newCollector(t, f.URL, openCode).Snapshot(t.Context(), about)
	assert.Equal(t, "needs credentials", locked.Health.Note)
	assert.Equal(t, Unclear, locked.Health.Verdict)
	assert.False(t, locked.Metrics.OK)
	assert.Equal(t, "/session/status needs credentials", locked.Metrics.Note)
	assert.Empty(t, locked.Vitals)

	s := newCollector(t, f.URL, openCode, func(a *AgentConfig, _ *Config) {
		a.HTTPConfig = &httpclient.Config{BasicAuth: &commoncfg.BasicAuth{Username: "opencode", Password: "hunter2"}}
	}).Snapshot(t.Context(), about)
	assert.Equal(t, Up, s.Health.Verdict)
	assert.InDelta(t, 3, *vitalNamed(t, s, "sessions").Value, 0)
}

// P5, P9: the first list of sessions after a start takes 20 s. Nobody waits for it, the health is well, and it is there for
// the next look.
func TestP5OpenCodeThatBeginsSlowly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCollector(t, "http://agent:8080", openCode, deadline(time.Second))
		listener := newPipeListener()
		answers, asked := openCodeAnswers(), map[string]int{}
		var mu sync.Mutex
		server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/session" {
				mu.Lock()
				asked[r.URL.RawQuery]++
				mu.Unlock()
				time.Sleep(20 * time.Second)
			}
			answers(w, r)
		})}
		go server.Serve(listener)
		defer server.Close()
		client := &http.Client{Transport: &http.Transport{DialContext: listener.dial}}
		c.settings.Load().agents[0].client = client
		defer client.CloseIdleConnections()

		began := time.Now()
		s := c.Snapshot(t.Context(), about)

		assert.LessOrEqual(t, time.Since(began), time.Second)
		assert.Equal(t, Up, s.Health.Verdict)
		assert.True(t, s.Metrics.OK)
		assert.InDelta(t, 1, *vitalNamed(t, s, "sessions busy").Value, 0)
		cost := vitalNamed(t, s, "cost of sessions")
		assert.Nil(t, cost.Value)
		assert.Equal(t, "not known: /session no answer within 0.675 s", cost.Note)
		assert.Equal(t, "not reported by this agent", vitalNamed(t, s, "memory").Note)

		time.Sleep(5 * time.Second)
		again := time.Now()
		s = c.Snapshot(t.Context(), about)
		assert.Zero(t, time.Since(again), "what is late already is not waited for")
		assert.Equal(t, "no answer within 5.67 s", s.Sources[1].Note)
		time.Sleep(20 * time.Second)
		s = c.Snapshot(t.Context(), about)

		assert.InDelta(t, 1.75, *vitalNamed(t, s, "cost of sessions").Value, 1e-9)
		mu.Lock()
		defer mu.Unlock()
		assert.Equal(t, map[string]int{"limit=1000": 1, "limit=20": 1}, asked, "it is asked once at a time, and not again so soon")
		assert.InDelta(t, 3, *vitalNamed(t, s, "replies").Value, 0)
		assert.Equal(t, began.UTC(), s.Sources[1].At.UTC(), "it says how old the values are")
	})
}

// An agent that says nothing of itself in metrics is recognised by its health: one more request for each scrape, and none
// after that.
func TestOpenCodeIsRecognised(t *testing.T) {
	f := newOpenCode(t, "")
	c := newCollector(t, f.URL)
	now := time.Now()
	c.now = func() time.Time { return now }
	a := c.settings.Load().agents[0]

	polls := 0
	for ; a.kind() == nil && polls < 20; polls++ {
		assert.Equal(t, "not a metrics endpoint (HTML page)", c.poll(t.Context(), a))
		now = now.Add(a.interval)
	}
	require.NotNil(t, a.kind())
	assert.Equal(t, "opencode", a.kind().Name)
	before := f.total()
	assert.Equal(t, 2*polls, before, "the metrics, and one shape of health")

	assert.Empty(t, c.poll(t.Context(), a))
	assert.Equal(t, before+6, f.total(), "its own endpoints with one session's messages, and nothing else")
	s := c.Snapshot(t.Context(), about)
	assert.Equal(t, "opencode", s.Profile)
	assert.Equal(t, "/global/health", s.Health.Path)
	assert.InDelta(t, 3, *vitalNamed(t, s, "sessions").Value, 0)
	assert.Equal(t, polls, f.times("/metrics"))

	// It holds for as long as the settings do, but not for another program at this address.
	f.otherwise = http.NotFound
	now = now.Add(time.Minute)
	assert.Equal(t, NotOffered, c.Snapshot(t.Context(), about).Health.Verdict)
	assert.Nil(t, a.kind())
}

func TestOpenCodeIsRecognisedForAPersonWhoAsksOnce(t *testing.T) {
	c := newCollector(t, newOpenCode(t, "").URL)
	c.reuse = time.Minute
	assert.Empty(t, c.Snapshot(t.Context(), about).Profile)
	assert.True(t, c.Recognise(t.Context(), about))
	s := c.Snapshot(t.Context(), about)
	assert.Equal(t, "opencode", s.Profile)
	assert.Equal(t, Up, s.Health.Verdict)
	assert.False(t, c.Recognise(t.Context(), map[string]string{"job": "other"}), "which there is not")
}

func TestWhatIsNotRecognisedIsLeftAlone(t *testing.T) {
	f := newFakeAgent(t)
	c := newCollector(t, f.URL)
	now := time.Now()
	c.now = func() time.Time { return now }
	a := c.settings.Load().agents[0]
	shapes := 0
	for _, p := range embedded {
		if p.RecogniseHealth.Path != "" {
			shapes++
		}
	}
	for range 3 * shapes {
		c.poll(t.Context(), a)
		c.recogniseByHealth(t.Context(), a) // too soon for another one
		now = now.Add(a.interval)
	}
	assert.Equal(t, shapes, f.total()-f.times("/metrics"), "each shape once")
	now = now.Add(restBetweenRounds)
	c.poll(t.Context(), a)
	assert.Equal(t, shapes+1, f.total()-f.times("/metrics"))
}

func TestHealthShape(t *testing.T) {
	shape := healthShape{Path: "/health", Keys: []string{"healthy", "build.version"}}
	const js = "application/json; charset=utf-8"
	for body, want := range map[string]bool{
		`{"healthy":true,"build":{"version":"1"}}`: true,
		`{"healthy":true}`:                         false,
		`[]`:                                       false,
		`<html>`:                                   false,
		``:                                         false,
	} {
		assert.Equal(t, want, shape.fits(answer{status: 200, contentType: js, body: []byte(body)}), body)
	}
	body := []byte(`{"healthy":true,"build":{"version":"1"}}`)
	assert.False(t, shape.fits(answer{status: 200, contentType: "text/html", body: body}))
	assert.False(t, shape.fits(answer{status: 500, contentType: js, body: body}))
	assert.True(t, healthShape{Says: "I'm alive!"}.fits(answer{status: 200, contentType: js, body: []byte(`"I'm alive!"`)}))
	assert.False(t, healthShape{Says: "I'm alive!"}.fits(answer{status: 200, contentType: js, body: []byte(`"OK"`)}))
	assert.False(t, healthShape{}.fits(answer{status: 200, contentType: js, body: []byte(`{}`)}))
}

// LiteLLM's /health asks every model something, which costs money.
func TestWhatCostsMoneyIsNeverAsked(t *testing.T) {
	newLiteLLM := func(t *testing.T) *fakeAgent {
		f := newFakeAgent(t)
		f.on("/health/liveliness", say(200, "application/json", `"I'm alive!"`))
		f.on("/health/readiness", say(200, "application/json", `{"status":"healthy","litellm_version":"1.88.0"}`))
		f.on("/health", say(200, "application/json", `{"healthy_endpoints":[]}`))
		return f
	}
	t.Run("not recognised yet", func(t *testing.T) {
		f := newLiteLLM(t)
		c := newCollector(t, f.URL)
		s := c.Snapshot(t.Context(), about)
		assert.Equal(t, Up, s.Health.Verdict)
		assert.Equal(t, "/health/liveliness", s.Health.Path)
		s = c.Snapshot(t.Context(), about)
		assert.Equal(t, "/health/liveliness", s.Health.Path)
		assert.Equal(t, "1.88.0", s.Ready.Version)
		assert.Zero(t, f.times("/health"))
	})
	t.Run("asked for by the configuration", func(t *testing.T) {
		for _, path := range []string{"/health", "/health/", "/health?model=a"} {
			a := AgentConfig{Name: "a", Match: []string{"a=b"}, URL: "http://a", Profile: "litellm", HealthPath: &path}
			problems := a.Validate()
			require.Len(t, problems, 1, path)
			assert.Equal(t, "health_path", problems[0].Path)
			f := newLiteLLM(t)
			s := newCollector(t, f.URL, func(a *AgentConfig, _ *Config) { a.HealthPath = &path }).Snapshot(t.Context(), about)
			assert.Equal(t, Unclear, s.Health.Verdict)
			assert.Equal(t, "not asked: it would call the models, which costs money", s.Health.Note)
			assert.Zero(t, f.times("/health")+f.times("/health/"))
		}
	})
	t.Run("another agent is looked at once", func(t *testing.T) {
		f := newFakeAgent(t)
		f.on("/health", say(200, "text/plain", "OK"))
		c := newCollector(t, f.URL)
		for range 3 {
			assert.Equal(t, "OK", c.Snapshot(t.Context(), about).Health.Says)
		}
		assert.Equal(t, 1, f.times("/health/liveliness"))
	})
}

// asterMetrics are those of a server that has 60 good requests between any two scrapes.
func asterMetrics() http.HandlerFunc {
	var requests atomic.Int64
	return func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "aster_http_requests_total{path=\"/v1/chat\",method=\"POST\",status=\"2xx\"} %d\n", requests.Add(60))
	}
}

// The pool of an aster server is told at an endpoint that may want credentials, and is limited.
func TestPoolOfAster(t *testing.T) {
	for _, c := range []struct {
		name  string
		stats http.HandlerFunc
		used  float64 // -1 is not known
		note  string
		asked int
	}{
		{"open", say(200, "application/json", `{"data":{"max_agents":40,"total_agents":10},"success":true}`), 0.25, "", 3},
		{"empty pool", say(200, "application/json", `{"data":{"max_agents":40,"total_agents":0},"success":true}`), 0, "", 3},
		{"locked", say(401, "application/json", `{"error":{}}`), -1, "not known: /v1/pool/stats needs credentials", 1},
		{"limited", say(429, "application/json", `{"error":{}}`), -1, "not known: /v1/pool/stats asked too often for its limit (429)", 1},
		{"an older server", http.NotFound, -1, "not known: /v1/pool/stats not offered (404)", 1},
		{"broken", say(500, "text/plain", "planted"), -1, "not known: /v1/pool/stats answered 500", 3},
		{"other JSON", say(200, "application/json", `{"planted":1}`), -1, "not known: /v1/pool/stats answered without the values that it should have", 3},
		{"a page", say(200, "text/html", page), -1, "not known: /v1/pool/stats answered an HTML page", 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFakeAgent(t)
			f.on("/metrics", asterMetrics())
			f.on("/health", say(200, "application/json", `{"status":"healthy"}`))
			f.on("/v1/pool/stats", c.stats)
			collector := newCollector(t, f.URL, func(a *AgentConfig, _ *Config) { a.Profile = "aster-server" })
			now := time.Now()
			collector.now = func() time.Time { return now }
			var s *Snapshot
			for range 3 {
				s = collector.Snapshot(t.Context(), about)
				now = now.Add(15 * time.Second)
			}
			assert.True(t, s.Metrics.OK)
			assert.Empty(t, s.Metrics.Note, "the metrics are well")
			v := vitalNamed(t, s, "pool used")
			if c.used >= 0 {
				require.NotNil(t, v.Value, v.Note)
				assert.InDelta(t, c.used, *v.Value, 0)
			} else {
				assert.Nil(t, v.Value)
				assert.Equal(t, c.note, v.Note)
			}
			// It costs the other vitals nothing: 0 errors are 0, for the scrape was whole.
			assert.InDelta(t, 0, *vitalNamed(t, s, "error rate").Value, 0)
			assert.Equal(t, c.asked, f.times("/v1/pool/stats"))

			now = now.Add(jsonRests)
			collector.Snapshot(t.Context(), about)
			assert.Equal(t, c.asked+1, f.times("/v1/pool/stats"), "after a rest it is asked again")
		})
	}
}

// P5: a JSON endpoint that hangs or never ends costs neither the deadline nor the metrics.
func TestP5HostileJSONEndpoint(t *testing.T) {
	for name, c := range map[string]struct {
		stats    http.HandlerFunc
		note     string
		deadline time.Duration // of what ends by itself, as long as a busy machine may take
	}{
		"hangs": {hang, "no answer within 0.675 s", time.Second},
		"is endless": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			for range maxJSONBytes/1024 + 1 {
				w.Write([]byte(strings.Repeat("[", 1024)))
			}
		}, "the answer is larger than 2 MiB", 30 * time.Second},
		"is deep": {say(200, "application/json", strings.Repeat("[", 100_000)), "answered something else than JSON", 30 * time.Second},
		"leads elsewhere": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://169.254.169.254/latest/meta-data/", http.StatusFound)
		}, "redirects elsewhere, which is not followed", 30 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFakeAgent(t)
			f.on("/metrics", asterMetrics())
			f.on("/v1/pool/stats", c.stats)
			s := newCollector(t, f.URL, deadline(c.deadline), func(a *AgentConfig, _ *Config) { a.Profile = "aster-server" }).
				Snapshot(t.Context(), about)
			assert.True(t, s.Metrics.OK, s.Metrics.Note)
			assert.NotNil(t, vitalNamed(t, s, "error rate").Value)
			assert.Equal(t, []Source{{Path: "/v1/pool/stats", Note: c.note}}, s.Sources)
		})
	}
}

func TestMentions(t *testing.T) {
	for expr, want := range map[string]bool{
		"sum(pool_agents)": true, "pool_agents": true, "a / pool_agents{x=\"y\"}": true,
		"pool_agents_max": false, "my_pool_agents": false, "my_pool_agents + pool_agents": true, "": false,
	} {
		assert.Equal(t, want, mentions(expr, "pool_agents"), expr)
	}
}

func TestJSONEndpointsAreChecked(t *testing.T) {
	for _, text := range []string{
		"{path: session, samples: [{name: a, count: '*'}]}",
		"{path: /session}",
		"{path: /session, samples: [{name: a}]}",
		"{path: /session, samples: [{name: a, count: '*', labels: {job: {}}}]}",
		"{path: /session, every: soon, samples: [{name: a, count: '*'}]}",
	} {
		_, err := parseProfile([]byte("name: x\nrecognise: [a]\njson: [" + text + "]\n"))
		assert.Error(t, err, text)
	}
}

func tableNamed(t *testing.T, s *Snapshot, name string) Table {
	t.Helper()
	for _, table := range s.Tables {
		if table.Name == name {
			return table
		}
	}
	require.Fail(t, "there is no such table", name)
	return Table{}
}
