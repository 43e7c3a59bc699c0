package diagnostics

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/prometheus/client_golang/prometheus"
	commoncfg "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/alertvitals/notifier/config/httpclient"
)

// fromLabels is an agent whose address comes from the label "instance", and whose label may lead to loopback.
func fromLabels(a *AgentConfig, cfg *Config) {
	a.URL = "http://{{ .Labels.instance }}"
	cfg.AllowedTargets = []string{"127.0.0.0/8"}
}

// alertOf is an alert about an instance of the agent.
func alertOf(instance string) map[string]string {
	return map[string]string{"job": "aster", "instance": strings.TrimPrefix(instance, "http://")}
}

func TestALabelLeadsToTheAgent(t *testing.T) {
	one, two := newFakeAgent(t), newFakeAgent(t)
	one.on("/metrics", say(200, "text/plain", "go_goroutines 1\n"))
	two.on("/metrics", say(200, "text/plain", "go_goroutines 2\n"))
	two.on("/health", say(200, "text/plain", "OK"))
	c := newCollector(t, "", fromLabels)

	first, second := c.Snapshot(t.Context(), alertOf(one.URL)), c.Snapshot(t.Context(), alertOf(two.URL))

	assert.Equal(t, "aster", first.Agent)
	assert.Equal(t, strings.TrimPrefix(one.URL, "http://"), first.Instance)
	assert.Equal(t, strings.TrimPrefix(two.URL, "http://"), second.Instance)
	assert.InDelta(t, 1, *vitalNamed(t, first, "goroutines").Value, 0)
	assert.InDelta(t, 2, *vitalNamed(t, second, "goroutines").Value, 0)
	assert.Equal(t, Up, second.Health.Verdict)
	assert.Nil(t, c.Snapshot(t.Context(), map[string]string{"job": "other", "instance": "127.0.0.1:1"}))
}

// P5: an address that must not be asked is evidence in the snapshot.
func TestP5ARefusedTargetIsEvidence(t *testing.T) {
	f := newFakeAgent(t)
	port := f.URL[strings.LastIndexByte(f.URL, ':')+1:]
	for name, c := range map[string]struct {
		allowed  []string
		instance string
		note     string
		dialed   bool // whether that is found out when it is connected to
	}{
		"not listed":     {[]string{"aster-*:8080"}, "127.0.0.1:" + port, "127.0.0.1:" + port + " is not in diagnostics.allowed_targets", false},
		"hostile":        {[]string{"127.0.0.0/8"}, "evil@127.0.0.1:" + port, "a label that should say where to find the agent holds no host and port", false},
		"no label":       {[]string{"127.0.0.0/8"}, "", "the alert has no label that says where the agent is", false},
		"loopback":       {[]string{"0.0.0.0/0"}, "127.0.0.1:" + port, "127.0.0.1:" + port + " leads to a loopback,", false},
		"loopback, IPv6": {[]string{"::/0"}, "[::1]:" + port, "[::1]:" + port + " leads to a loopback,", false},
		"metadata":       {[]string{"*.*.*.*:80"}, "169.254.169.254", "169.254.169.254:80 leads to a loopback, link-local, metadata", false},
		"behind a name":  {[]string{"localhost*:*"}, "localhost:" + port, "localhost:" + port + " leads to a loopback,", true},
		"name elsewhere": {[]string{"10.0.0.0/8"}, "localhost:" + port, "localhost:" + port + " leads to an address that is not in", true},
		"a person":       {[]string{"127.0.0.0/8"}, "127.0.0.1:" + port, "the alert has no label that says where the agent is", false},
	} {
		t.Run(name, func(t *testing.T) {
			collector := newCollector(t, "", func(a *AgentConfig, cfg *Config) {
				fromLabels(a, cfg)
				cfg.AllowedTargets = c.allowed
				if name == "a person" {
					cfg.RedactLabels = []string{"instance"}
				}
			})
			s := collector.Snapshot(t.Context(), alertOf(c.instance))
			require.NotNil(t, s)
			assert.Contains(t, s.Metrics.Note, "target not allowed: "+c.note)
			assert.Equal(t, s.Metrics.Note, s.Health.Note)
			assert.Equal(t, Unclear, s.Health.Verdict, "that nobody asked says nothing of the agent")
			assert.False(t, s.Metrics.OK)
			assert.Equal(t, c.dialed, s.Instance != "")
			assert.NotContains(t, s.Metrics.Note, "evil")
		})
	}
	assert.Zero(t, f.times("/health")+f.times("/metrics")+f.times("/ready"))
}

func TestP5ARefusedAgentWithoutHealthIsNotDown(t *testing.T) {
	none := ""
	c := newCollector(t, "", fromLabels, func(a *AgentConfig, _ *Config) { a.HealthPath, a.ReadyPath = &none, &none })
	s := c.Snapshot(t.Context(), alertOf("10.0.0.1:80"))
	require.NotNil(t, s.Health)
	assert.Equal(t, Unclear, s.Health.Verdict)
}

// P10: neither credentials nor a proxy are used where a label leads, whatever the configuration says.
func TestP10NoCredentialsGoWhereALabelLeads(t *testing.T) {
	proxied := newFakeAgent(t)
	t.Setenv("HTTP_PROXY", proxied.URL)
	t.Setenv("http_proxy", proxied.URL)
	t.Setenv("ALL_PROXY", proxied.URL)
	secret := AgentConfig{
		Name: "aster", Match: []string{`job="aster"`}, URL: "http://{{ .Labels.instance }}",
		HTTPConfig: &httpclient.Config{
			BasicAuth: &commoncfg.BasicAuth{Username: "u", Password: "planted"},
			ProxyURL:  proxyURL(t, proxied.URL),
			TLSConfig: commoncfg.TLSConfig{CertFile: "planted.pem", KeyFile: "planted.key", ServerName: "aster"},
		},
	}
	var paths []string
	for _, p := range secret.Validate() {
		paths = append(paths, p.Path)
		assert.NotContains(t, p.Msg, "planted")
	}
	assert.Equal(t, []string{"http_config.basic_auth", "http_config.proxy_url", "http_config.tls_config.cert_file", "http_config.tls_config.key_file"}, paths)

	var seen []http.Header
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.Header)
		http.SetCookie(w, &http.Cookie{Name: "session", Value: "planted"})
		io.WriteString(w, "go_goroutines 7\n")
	}))
	defer server.Close()
	none := ""
	c := newCollector(t, "", fromLabels, func(a *AgentConfig, _ *Config) { a.HealthPath, a.ReadyPath = &none, &none })
	template := c.settings.Load().agents[0]
	template.config.HTTPConfig = secret.HTTPConfig // as if Validate had let it through
	for range 2 {
		s := c.Snapshot(t.Context(), alertOf(server.URL))
		assert.True(t, s.Metrics.OK, s.Metrics.Note)
	}
	require.Len(t, seen, 2)
	for _, header := range seen {
		for name, values := range header {
			assert.Contains(t, []string{"Accept", "Accept-Encoding", "User-Agent", "Connection"}, name, "%v", values)
		}
	}
	assert.Zero(t, proxied.times("/metrics"))
}

func proxyURL(t *testing.T, text string) (u commoncfg.URL) {
	t.Helper()
	require.NoError(t, yaml.Unmarshal([]byte(text), &u))
	return u
}

func TestARedirectIsCheckedToo(t *testing.T) {
	elsewhere := newFakeAgent(t)
	f := newFakeAgent(t)
	for _, path := range []string{"/metrics", "/health", "/ready"} {
		f.on(path, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL+"/metrics", http.StatusFound)
		})
	}
	s := newCollector(t, "", fromLabels).Snapshot(t.Context(), alertOf(f.URL))
	assert.Equal(t, "redirects elsewhere, which is not followed", s.Metrics.Note)
	assert.Zero(t, elsewhere.times("/metrics"))
}

func TestTargetsAreBounded(t *testing.T) {
	now := time.Now()
	c := newCollector(t, "", fromLabels)
	c.now = func() time.Time { return now }
	lead := func(i int) *agent {
		now = now.Add(time.Second)
		set := c.settings.Load()
		a, err := c.ledTo(set, set.agents[0], alertOf(fmt.Sprintf("127.0.0.1:%d", i)))
		require.NoError(t, err)
		return a
	}
	first, second := lead(1), lead(2)
	for i := 3; i <= mostTargets; i++ {
		lead(i)
	}
	assert.Same(t, first, lead(1), "asked for again, so it is not the oldest")
	lead(mostTargets + 1)
	all := c.targets.all()
	assert.Len(t, all, mostTargets)
	assert.Contains(t, all, first)
	assert.NotContains(t, all, second)

	assert.True(t, c.targets.forget(now), "all but the last")
	assert.Len(t, c.targets.all(), 1)
}

// An agent that a label led to is polled, so that the next alert knows its rates, and forgotten an hour after the last alert.
func TestAgentsFromLabelsArePolledAndForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCollector(t, "", fromLabels)
		listener := newPipeListener()
		started := time.Now().Add(-time.Hour)
		var asked atomic.Int64
		server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/metrics" {
				http.NotFound(w, r)
				return
			}
			polls := int(asked.Add(1))
			io.WriteString(w, sdkMetrics(started, 150*polls, 15*polls))
		})}
		go server.Serve(listener)
		defer server.Close()
		set := c.settings.Load()
		led, err := c.ledTo(set, set.agents[0], alertOf("127.0.0.1:8080"))
		require.NoError(t, err)
		led.client = &http.Client{Transport: &http.Transport{DialContext: listener.dial}}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- c.Run(ctx) }()

		time.Sleep(10 * time.Minute)
		assert.GreaterOrEqual(t, asked.Load(), int64(39))
		s := c.Snapshot(t.Context(), alertOf("127.0.0.1:8080"))
		assert.InDelta(t, 10, *vitalNamed(t, s, "requests").Value, 1)
		before := asked.Load()
		status := c.Agents()
		require.Len(t, status, 1)
		assert.Equal(t, "127.0.0.1:8080", status[0].Instance)
		assert.Equal(t, "agent-sdk", status[0].Profile)
		assert.Equal(t, 16, status[0].Series)

		time.Sleep(59 * time.Minute)
		assert.Greater(t, asked.Load(), before+230)
		time.Sleep(3 * time.Minute)
		after := asked.Load()
		assert.Empty(t, c.targets.all())
		time.Sleep(10 * time.Minute)
		assert.Equal(t, after, asked.Load(), "nobody asks it any more")
		assert.Empty(t, c.Agents()[0].Instance)

		cancel()
		require.NoError(t, <-ended)
		led.client.CloseIdleConnections()
	})
}

func TestReloadKeepsTheAgentsThatLabelsLedTo(t *testing.T) {
	f := newFakeAgent(t)
	f.on("/metrics", say(200, "text/plain", "go_goroutines 7\n"))
	c := newCollector(t, "", fromLabels)
	c.Snapshot(t.Context(), alertOf(f.URL))
	was := c.targets.all()[0]
	use := func(change func(*AgentConfig, *Config)) {
		a := AgentConfig{Name: "aster", Match: []string{`job="aster"`}}
		cfg := Config{Deadline: model.Duration(30 * time.Second)}
		fromLabels(&a, &cfg)
		a.Timeout = model.Duration(15 * time.Second)
		change(&a, &cfg)
		apply, err := c.Prepare([]AgentConfig{a}, cfg)
		require.NoError(t, err)
		apply()
	}

	use(func(*AgentConfig, *Config) {})
	assert.Same(t, was, c.targets.all()[0], "as before")

	use(func(a *AgentConfig, _ *Config) { a.Timeout = model.Duration(time.Second) })
	now := c.targets.all()[0]
	assert.NotSame(t, was, now)
	assert.Equal(t, time.Second, now.timeout)
	assert.Same(t, was.series, now.series, "its samples have one writer")
	assert.True(t, c.Snapshot(t.Context(), alertOf(f.URL)).Metrics.OK)

	use(func(_ *AgentConfig, cfg *Config) { cfg.AllowedTargets = []string{"10.0.0.0/8"} })
	assert.Empty(t, c.targets.all(), "it is not allowed any more")
	assert.Contains(t, c.Snapshot(t.Context(), alertOf(f.URL)).Metrics.Note, "target not allowed")

	use(func(*AgentConfig, *Config) {})
	assert.True(t, c.Snapshot(t.Context(), alertOf(f.URL)).Metrics.OK)
	use(func(a *AgentConfig, _ *Config) { a.URL = f.URL })
	assert.Empty(t, c.targets.all(), "it has an address of its own now")
	assert.True(t, c.Snapshot(t.Context(), alertOf(f.URL)).Metrics.OK)
}

func TestALateLeadIntoAReplacedConfigurationIsNotKept(t *testing.T) {
	c := newCollector(t, "", fromLabels)
	before := c.settings.Load()
	apply, err := c.Prepare(nil, Config{})
	require.NoError(t, err)
	apply()
	led, err := c.ledTo(before, before.agents[0], alertOf("127.0.0.1:1"))
	require.NoError(t, err)
	assert.NotNil(t, led)
	assert.Empty(t, c.targets.all())
}

func TestLook(t *testing.T) {
	f, g := newFakeAgent(t), newFakeAgent(t)
	f.on("/metrics", say(200, "text/plain", "go_goroutines 7\n"))
	agents := []AgentConfig{
		{Name: "fixed", Match: []string{`job="fixed"`}, URL: f.URL},
		{Name: "led", Match: []string{`job="aster"`}, URL: "http://{{ .Labels.instance }}"},
	}
	c, err := New(agents, Config{AllowedTargets: []string{"127.0.0.0/8"}, Deadline: model.Duration(20 * time.Second)}, t.TempDir(),
		slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	require.NoError(t, err)
	defer c.Close()
	c.reuse = 0
	now := time.Now()
	c.now = func() time.Time { return now }
	wrong := func(name, instance, why string) {
		_, lookErr := c.Look(t.Context(), name, instance, false)
		var none *NoAgentError
		require.ErrorAs(t, lookErr, &none)
		assert.Equal(t, why, lookErr.Error())
	}

	wrong("other", "", `there is no agent "other"; there are fixed, led`)
	wrong("led", "", `agent "led" is where the labels of alerts lead, and no alert has led anywhere within the last hour`)
	wrong("fixed", "x:1", `agent "fixed" has no instance "x:1"; there are `+strings.TrimPrefix(f.URL, "http://"))

	s, err := c.Look(t.Context(), "fixed", "", false)
	require.NoError(t, err)
	assert.Equal(t, "fixed", s.Agent)
	now = now.Add(15 * time.Second)
	again, err := c.Look(t.Context(), "fixed", strings.TrimPrefix(f.URL, "http://"), false)
	require.NoError(t, err)
	assert.Equal(t, s.TakenAt, again.TakenAt, "within a scrape interval it will do")
	assert.Equal(t, 1, f.times("/metrics"))
	_, err = c.Look(t.Context(), "fixed", "", true)
	require.NoError(t, err)
	assert.Equal(t, 2, f.times("/metrics"))
	now = now.Add(16 * time.Second)
	_, err = c.Look(t.Context(), "fixed", "", false)
	require.NoError(t, err)
	assert.Equal(t, 3, f.times("/metrics"), "older than that, it is taken anew")

	c.Snapshot(t.Context(), alertOf(f.URL))
	s, err = c.Look(t.Context(), "led", "", false)
	require.NoError(t, err)
	assert.Equal(t, "led", s.Agent)
	c.Snapshot(t.Context(), alertOf(g.URL))
	one, two := strings.TrimPrefix(f.URL, "http://"), strings.TrimPrefix(g.URL, "http://")
	there := min(one, two) + ", " + max(one, two)
	wrong("led", "", `agent "led" is where the labels of alerts lead, so say which instance of it; there are `+there)
	s, err = c.Look(t.Context(), "led", two, true)
	require.NoError(t, err)
	assert.Equal(t, two, s.Instance)

	status := c.Agents()
	require.Len(t, status, 3)
	assert.Equal(t, AgentStatus{
		Name: "fixed", Instance: one, Profile: "go-runtime", Health: NotOffered, TakenAt: now, ScrapedAt: now, Series: 1,
	}, status[0])
	assert.True(t, status[1].FromLabels)
	assert.Equal(t, []string{min(one, two), max(one, two)}, []string{status[1].Instance, status[2].Instance})
}

func TestAgentsSaysWhyAScrapeFailed(t *testing.T) {
	f := newFakeAgent(t)
	f.on("/metrics", say(200, "text/plain", "go_goroutines 7\n"))
	c := newCollector(t, f.URL)
	assert.Equal(t, []AgentStatus{{Name: "aster", Instance: f.Listener.Addr().String(), Profile: "auto"}}, c.Agents(), "nothing is known yet")
	c.Snapshot(t.Context(), about)
	f.Close()
	c.Snapshot(t.Context(), about)
	status := c.Agents()[0]
	assert.Equal(t, "connection refused at "+status.Instance, status.ScrapeFailure)
	assert.Equal(t, Down, status.Health)
	assert.Equal(t, 1, status.Series, "as many as there were")
}

func TestAgentsSaysAsWhatAPolledAgentWasRecognised(t *testing.T) {
	f := newFakeAgent(t)
	f.on("/metrics", say(200, "text/plain", "aster_http_requests_total 7\n"))
	c := newCollector(t, f.URL)
	require.Empty(t, c.poll(t.Context(), c.settings.Load().agents[0]))
	assert.Equal(t, "aster-server", c.Agents()[0].Profile, "no snapshot was taken")
}

func TestLinksOfAnAgent(t *testing.T) {
	now := time.Date(2026, 3, 14, 9, 41, 0, 0, time.UTC)
	c := newCollector(t, "http://127.0.0.1:1", func(a *AgentConfig, _ *Config) {
		a.Links = yaml.MapSlice{
			{Key: "Traces", Value: "https://jaeger/search?service={{ .Labels.job }}&start={{ .From.UnixMicro }}&end={{ .To.UnixMicro }}"},
			{Key: "Logs", Value: "https://grafana/explore?i={{ .Labels.instance }}"},
			{Key: "Person", Value: "https://grafana/?u={{ .Labels.user_email }}"},
			{Key: "Dashboard", Value: "https://grafana/d/x?from={{ .From }}&to={{ .To }}"},
		}
	})
	c.now = func() time.Time { return now }
	labels := map[string]string{"job": "aster", "user_email": "ada@example.com"}

	links := c.Links(labels, labels, now.Add(-27*time.Minute), time.Time{})

	assert.Equal(t, []Link{
		{"Traces", "https://jaeger/search?service=aster&start=1773478740000000&end=1773481260000000"},
		{"Dashboard", "https://grafana/d/x?from=1773478740000&to=1773481260000"},
	}, links, "in the order of the file, without what is not known or personal")
	assert.Empty(t, c.Links(map[string]string{"job": "other"}, labels, now, now))
	assert.Equal(t, "ada@example.com", labels["user_email"], "the caller's labels stay")
}

func TestEachLookConnectsAnew(t *testing.T) {
	var mu sync.Mutex
	opened, kept := 0, 0
	server := httptest.NewUnstartedServer(say(200, "text/plain", "go_goroutines 7\n"))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		mu.Lock()
		defer mu.Unlock()
		switch state {
		case http.StateNew:
			opened++
		case http.StateIdle:
			kept++
		}
	}
	server.Start()
	none := ""
	c := newCollector(t, "", fromLabels, func(a *AgentConfig, _ *Config) { a.HealthPath, a.ReadyPath = &none, &none })
	for range 2 {
		require.True(t, c.Snapshot(t.Context(), alertOf(server.URL)).Metrics.OK)
	}
	server.Close()
	mu.Lock()
	defer mu.Unlock()
	assert.Equal(t, 2, opened, "each is checked anew")
	assert.Zero(t, kept)
}

// However many targets hang that labels led to, a configured agent is polled at its interval.
func TestTargetsThatHangKeepNobodyWaiting(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer silent.Close()
	f := newFakeAgent(t)
	c, err := New([]AgentConfig{
		{Name: "led", Match: []string{`job="led"`}, URL: "http://{{ .Labels.instance }}/{{ .Labels.n }}", ScrapeInterval: model.Duration(time.Minute), Timeout: model.Duration(time.Minute)},
		{Name: "aster", Match: []string{`job="aster"`}, URL: f.URL, ScrapeInterval: model.Duration(100 * time.Millisecond)},
	}, Config{AllowedTargets: []string{"127.0.0.0/8"}}, t.TempDir(), discard, prometheus.NewRegistry())
	require.NoError(t, err)
	set := c.settings.Load()
	for i := range 4 * maxPolls {
		led, err := c.ledTo(set, set.agents[0], map[string]string{"instance": silent.Addr().String(), "n": fmt.Sprint(i)})
		require.NoError(t, err)
		led.interval = 100 * time.Millisecond // so that they begin at once
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	assert.Eventually(t, func() bool { return f.times("/metrics") > 10 }, 20*time.Second, 10*time.Millisecond)
	cancel()
	require.NoError(t, <-done)
	require.NoError(t, c.Close())
}
