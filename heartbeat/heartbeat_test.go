package heartbeat

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/alertmanager/template"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	commoncfg "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/alertvitals/notifier/alert"
	"github.com/alertvitals/notifier/config/problem"
	"github.com/alertvitals/notifier/raise"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// change is a state of the alert, and when it was first said.
type change struct {
	after time.Duration
	state raise.State
}

type monitored struct {
	*Monitor

	mu      sync.Mutex
	changes []change
	last    raise.Alert
}

func monitor(t *testing.T, configs ...Config) *monitored {
	t.Helper()
	m, start := &monitored{}, time.Now()
	m.Monitor = NewMonitor(func(alerts ...raise.Alert) {
		m.mu.Lock()
		defer m.mu.Unlock()
		for _, a := range alerts {
			m.last = a
			if n := len(m.changes); n == 0 || m.changes[n-1].state != a.State {
				m.changes = append(m.changes, change{time.Since(start), a.State})
			}
		}
	}, prometheus.NewRegistry())
	require.NoError(t, m.Use(configs))
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { assert.NoError(t, m.Run(ctx)) })
	t.Cleanup(func() { cancel(); running.Wait() })
	return m
}

func (m *monitored) said() []change {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]change(nil), m.changes...)
}

func beat(status, name string) template.Alerts {
	return template.Alerts{{Status: status, Labels: template.KV{"alertname": name}}}
}

var watchdog = Config{Name: "prometheus", Matchers: []string{`alertname="Watchdog"`}, Interval: model.Duration(5 * time.Minute)}

func TestAHeartbeatThatStopsIsMissingUntilItComes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := monitor(t, watchdog)
		for range 10 {
			time.Sleep(4 * time.Minute)
			m.Listen(beat(alert.StatusFiring, "Watchdog"))
		}
		time.Sleep(4 * time.Minute)
		m.Listen(beat(alert.StatusResolved, "Watchdog")) // its end is no beat
		m.Listen(beat(alert.StatusFiring, "Other"))
		time.Sleep(16 * time.Minute)
		m.Listen(beat(alert.StatusFiring, "Watchdog"))
		synctest.Wait()

		assert.Equal(t, []change{
			{0, raise.Held},
			{4 * time.Minute, raise.Resolved},
			{45 * time.Minute, raise.Firing},
			{60 * time.Minute, raise.Resolved},
		}, m.said())
	})
}

func TestAHeartbeatThatNeverComesIsMissingAfterItsInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := watchdog
		c.Labels = map[string]string{"team": "sre"}
		m := monitor(t, c)
		time.Sleep(time.Hour)
		synctest.Wait()

		assert.Equal(t, []change{{0, raise.Held}, {5 * time.Minute, raise.Firing}}, m.said())
		assert.Equal(t, map[string]string{"alertname": "HeartbeatMissing", "heartbeat": "prometheus", "severity": "critical", "team": "sre"},
			m.last.Labels)
		assert.Contains(t, m.last.Annotations["summary"], "has not come for 5m")
		assert.Greater(t, m.last.Lease, refresh, "what is said is believed until it is said again")
		assert.InDelta(t, 1, testutil.ToFloat64(m.missing.WithLabelValues("prometheus")), 0)
		assert.InDelta(t, 0, testutil.ToFloat64(m.Monitor.last.WithLabelValues("prometheus")), 0)
	})
}

func TestAReloadKeepsWhenAHeartbeatCame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := monitor(t, watchdog)
		time.Sleep(4 * time.Minute)
		other := watchdog
		other.Name = "other"
		require.NoError(t, m.Use([]Config{other, watchdog}))
		time.Sleep(2 * time.Minute)

		assert.Contains(t, m.said(), change{5 * time.Minute, raise.Firing}, "the interval goes on")
		assert.True(t, m.Expects(map[string]string{"alertname": "Watchdog"}))
		assert.False(t, m.Expects(map[string]string{"alertname": "HighErrorRate"}))
		require.NoError(t, m.Use(nil))
		assert.False(t, m.Expects(map[string]string{"alertname": "Watchdog"}))
		assert.Zero(t, testutil.CollectAndCount(m.missing))
	})
}

// A paused container, or a virtual machine that is being moved: its clock goes on, and nobody can be heard.
func TestWhileTheProcessStandsStillNoHeartbeatIsMissed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var said []change
		m := NewMonitor(func(alerts ...raise.Alert) {
			require.Len(t, alerts, 1)
			said = append(said, change{time.Since(start), alerts[0].State})
		}, prometheus.NewRegistry())
		require.NoError(t, m.Use([]Config{watchdog}))
		m.Listen(beat(alert.StatusFiring, "Watchdog"))
		look := func(after time.Duration) {
			time.Sleep(after)
			m.look(time.Now())
		}
		look(0)
		for range 4 {
			look(time.Minute) // as it should
		}
		look(time.Hour) // a minute was right: it stood still for the rest
		for range 4 {
			look(time.Minute)
		}
		assert.Equal(t, raise.Resolved, said[len(said)-1].state)
		last := testutil.ToFloat64(m.last.WithLabelValues("prometheus"))
		assert.InDelta(t, float64(start.UnixMilli())/1000, last, 0, "when the beat came")
		look(time.Minute)
		assert.Equal(t, raise.Firing, said[len(said)-1].state, "five minutes in which it could be heard")

		look(time.Hour)
		assert.Equal(t, raise.Firing, said[len(said)-1].state, "what was missing before stays so")
		require.NoError(t, m.Use([]Config{watchdog}))
		look(time.Hour)
		assert.Equal(t, raise.Firing, said[len(said)-1].state, "over a reload, too")

		m.Listen(beat(alert.StatusFiring, "Watchdog"))
		look(time.Minute)
		assert.Equal(t, raise.Resolved, said[len(said)-1].state)
	})
}

// Matchers may fit the alert that says what is missing, too: it is no beat, and is told.
func TestWhatIsMissingIsNoBeatOfItself(t *testing.T) {
	c := watchdog
	c.Matchers, c.Labels = []string{`team="sre"`}, map[string]string{"team": "sre"}
	m := NewMonitor(func(...raise.Alert) {}, prometheus.NewRegistry())
	require.NoError(t, m.Use([]Config{c}))
	own := template.KV{"alertname": "HeartbeatMissing", "heartbeat": "prometheus", "team": "sre"}

	m.Listen(template.Alerts{{Status: alert.StatusFiring, Labels: own}})

	assert.Zero(t, testutil.ToFloat64(m.last.WithLabelValues("prometheus")))
	assert.False(t, m.Expects(own))
	assert.True(t, m.Expects(template.KV{"alertname": "Watchdog", "team": "sre"}))
	expected, err := Expected([]Config{c})
	require.NoError(t, err)
	assert.False(t, expected(own))
}

func TestValidateSaysWhatIsWrong(t *testing.T) {
	for name, tc := range map[string]struct {
		config Config
		paths  []string
	}{
		"right":         {watchdog, nil},
		"the default":   {Config{Name: "a", Matchers: []string{`a="b"`}}, nil},
		"empty":         {Config{}, []string{"name", "matchers"}},
		"no matcher":    {Config{Name: "a", Matchers: []string{"{}", `a="`}}, []string{"matchers[0]", "matchers[1]"}},
		"too often":     {Config{Name: "a", Matchers: []string{`a="b"`}, Interval: 1}, []string{"interval"}},
		"our own label": {Config{Name: "a", Matchers: []string{`a="b"`}, Labels: map[string]string{"alertname": "x"}}, []string{"labels.alertname"}},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, tc.paths, paths(tc.config.Validate())) })
	}
	for name, tc := range map[string]struct {
		ping  Ping
		paths []string
	}{
		"none":          {Ping{}, nil},
		"right":         {Ping{URL: "https://hc-ping.com/planted"}, nil},
		"both":          {Ping{URL: "https://hc-ping.com/planted", URLFile: "x"}, []string{"url_file"}},
		"no address":    {Ping{URL: "planted"}, []string{"url"}},
		"no one to ask": {Ping{Interval: model.Duration(time.Hour)}, []string{""}},
		"too often":     {Ping{URL: "https://hc-ping.com/planted", Interval: 1}, []string{"interval"}},
	} {
		t.Run("ping "+name, func(t *testing.T) {
			problems := tc.ping.Validate()
			assert.Equal(t, tc.paths, paths(problems))
			for _, p := range problems {
				assert.NotContains(t, p.Msg, "planted")
			}
		})
	}
}

func paths(problems []problem.Problem) (all []string) {
	for _, p := range problems {
		all = append(all, p.Path)
	}
	return all
}

func TestP10APingIsSentWhileReadyAndNeverShowsItsAddress(t *testing.T) {
	asked := make(chan string, 10)
	status := http.StatusOK
	far := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.Method + " " + r.URL.Path
		w.WriteHeader(status)
	}))
	defer far.Close()
	file := filepath.Join(t.TempDir(), "url")
	require.NoError(t, os.WriteFile(file, []byte(far.URL+"/planted\n"), 0o600))
	var notReady error
	var log bytes.Buffer
	p := NewPinger(func(context.Context) error { return notReady }, slog.New(slog.NewTextHandler(&log, nil)), prometheus.NewRegistry())
	c := Ping{URLFile: file}
	client := far.Client()

	require.NoError(t, p.ping(t.Context(), c, client))
	assert.Equal(t, "GET /planted", <-asked)
	assert.Positive(t, testutil.ToFloat64(p.last))

	notReady = errors.New("the disk is full")
	require.ErrorContains(t, p.ping(t.Context(), c, client), "the disk is full")
	assert.Empty(t, asked, "nothing is sent")
	assert.InDelta(t, 1, testutil.ToFloat64(p.sent), 0)
	notReady = nil

	status = http.StatusNotFound
	err := p.ping(t.Context(), c, client)
	require.ErrorContains(t, err, "answered 404")
	assert.NotContains(t, err.Error(), "planted")
	far.Close()
	err = p.ping(t.Context(), Ping{URL: commoncfg.Secret(far.URL + "/planted")}, client)
	require.Error(t, err)
	assert.NotContains(t, err.Error(), "planted")
	require.NoError(t, os.WriteFile(file, []byte("planted"), 0o600))
	err = p.ping(t.Context(), c, client)
	require.ErrorContains(t, err, "not an http")
	assert.NotContains(t, err.Error(), "planted")
	assert.InDelta(t, 3, testutil.ToFloat64(p.failed), 0)
}

// What the far side answers is its own: a redirect may lead to what cannot be read, and hold the address.
func TestP10APingNeverShowsWhatItWasRedirectedTo(t *testing.T) {
	for _, location := range []string{"/planted%zz", "planted:x", "http://[planted/", "/planted"} {
		far := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", location)
			w.WriteHeader(http.StatusFound)
		}))
		defer far.Close()
		p := NewPinger(func(context.Context) error { return nil }, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
		c := Ping{URL: commoncfg.Secret(far.URL + "/planted")}
		use, err := p.Prepare(c)
		require.NoError(t, err)
		use()

		err = p.ping(t.Context(), c, p.client)

		require.Error(t, err, location)
		assert.NotContains(t, err.Error(), "planted", location)
	}
}

func TestPingsBeginWithTheConfigurationAndEndWithIt(t *testing.T) {
	asked := make(chan struct{}, 10)
	far := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked <- struct{}{} }))
	defer far.Close()
	p := NewPinger(func(context.Context) error { return nil }, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- p.Run(ctx) }()

	use, err := p.Prepare(Ping{URL: commoncfg.Secret(far.URL)})
	require.NoError(t, err)
	use()
	<-asked
	use, err = p.Prepare(Ping{})
	require.NoError(t, err)
	use()

	cancel()
	require.NoError(t, <-done)
}
