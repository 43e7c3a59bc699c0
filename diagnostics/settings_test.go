package diagnostics

import (
	"context"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	commoncfg "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/alertvitals/notifier/config/httpclient"
)

func TestPreparedConfigurationReplacesTheOneInUse(t *testing.T) {
	kept, moved, added := newFakeAgent(t), newFakeAgent(t), newFakeAgent(t)
	agent := func(name, url string) AgentConfig {
		return AgentConfig{Name: name, Match: []string{`job="` + name + `"`}, URL: url}
	}
	reg := prometheus.NewRegistry()
	c, err := New([]AgentConfig{agent("kept", kept.URL), agent("moved", moved.URL), agent("gone", moved.URL)}, Config{}, t.TempDir(), discard, reg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	before := c.settings.Load()

	apply, err := c.Prepare([]AgentConfig{
		agent("added", added.URL), agent("kept", kept.URL),
		{Name: "moved", Match: []string{`job="moved"`}, URL: moved.URL, Timeout: model.Duration(time.Second)},
	}, Config{Deadline: model.Duration(3 * time.Second), History: model.Duration(time.Hour)})
	require.NoError(t, err)
	assert.Same(t, before, c.settings.Load(), "to prepare changes nothing")
	apply()

	now := c.settings.Load()
	assert.Equal(t, 3*time.Second, now.deadline)
	assert.Equal(t, time.Hour, now.history)
	assert.Same(t, before.agents[0], now.agents[1], "an agent that is configured as before stays")
	assert.NotSame(t, before.agents[1], now.agents[2])
	assert.Same(t, before.agents[1].series, now.agents[2].series, "its samples have one writer")
	assert.NotNil(t, c.Snapshot(t.Context(), map[string]string{"job": "added"}))
	assert.Nil(t, c.Snapshot(t.Context(), map[string]string{"job": "gone"}))
	assert.Equal(t, 3, testutil.CollectAndCount(c.metrics.scrapesFailed), "the series of an agent go with it")
}

func TestConfigurationThatCannotBePreparedChangesNothing(t *testing.T) {
	c := newCollector(t, newFakeAgent(t).URL)
	before := c.settings.Load()

	_, err := c.Prepare([]AgentConfig{{
		Name: "aster", Match: []string{`job="aster"`}, URL: "http://127.0.0.1:1",
		HTTPConfig: &httpclient.Config{TLSConfig: commoncfg.TLSConfig{CAFile: filepath.Join(t.TempDir(), "none.pem")}},
	}}, Config{Deadline: model.Duration(time.Second)})

	require.Error(t, err)
	assert.Same(t, before, c.settings.Load())
	assert.NotNil(t, c.Snapshot(t.Context(), about))
}

func TestRunPollsWhatIsConfiguredNow(t *testing.T) {
	first, second := newFakeAgent(t), newFakeAgent(t)
	polled := func(f *fakeAgent) chan struct{} {
		asked := make(chan struct{}, 1000)
		f.on("/metrics", func(w http.ResponseWriter, r *http.Request) {
			say(200, "text/plain", "go_goroutines 18\n")(w, r)
			asked <- struct{}{}
		})
		return asked
	}
	firstPolled, secondPolled := polled(first), polled(second)
	agent := func(name, url string) AgentConfig {
		return AgentConfig{Name: name, Match: []string{`job="x"`}, URL: url, ScrapeInterval: model.Duration(100 * time.Millisecond)}
	}
	c, err := New([]AgentConfig{agent("first", first.URL)}, Config{}, t.TempDir(), discard, nil)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	<-firstPolled

	apply, err := c.Prepare([]AgentConfig{agent("second", second.URL)}, Config{})
	require.NoError(t, err)
	apply()
	<-secondPolled
	<-secondPolled
	s := c.Snapshot(t.Context(), map[string]string{"job": "x"})
	assert.Equal(t, strings.TrimPrefix(second.URL, "http://"), s.Instance)

	cancel()
	require.NoError(t, <-ended)
	require.NoError(t, c.Close())
	apply() // after the end it does nothing
}
