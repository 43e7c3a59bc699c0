package main

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/alertvitals/notifier/config"
	"github.com/alertvitals/notifier/delivery"
)

func TestRemovedLoopsStayUntilNoRouteLeadsToThem(t *testing.T) {
	loops := func(cursors ...string) (all []delivery.Loop) {
		for _, cursor := range cursors {
			all = append(all, delivery.Loop{Cursor: cursor})
		}
		return all
	}
	for name, tc := range map[string]struct {
		wanted, inUse, all []delivery.Loop
		leaving            int
	}{
		"start":   {loops("a", "b"), nil, loops("a", "b"), 0},
		"same":    {loops("a", "b"), loops("b", "a"), loops("a", "b"), 0},
		"removed": {loops("a"), loops("b", "a", "c"), loops("a", "b", "c"), 2},
		"moved":   {loops("new"), loops("old"), loops("new", "old"), 1},
	} {
		t.Run(name, func(t *testing.T) {
			all, leaving := withLeaving(tc.wanted, tc.inUse)
			assert.Equal(t, tc.all, all)
			assert.Equal(t, tc.leaving, leaving)
		})
	}
}

func TestLoopsAreWhatTheConfigurationSays(t *testing.T) {
	cfg, err := config.Load("notifier.yml", []byte(`
delivery: {dedupe_window: 1m, max_age: 2h}
diagnostics: {redact_labels: [who]}
route: {receiver: both}
receivers:
  - name: both
    fallback: {receiver: log}
    slack_configs: [{api_url: 'https://hooks.slack.com/services/a', send_resolved: false}, {api_url: 'https://hooks.slack.com/services/b'}]
    log_configs: [{}]
  - name: log
    log_configs: [{}]
`))
	require.NoError(t, err)

	loops, err := makeLoops(cfg, 120*time.Hour, nil)

	require.NoError(t, err)
	var cursors []string
	for _, l := range loops {
		cursors = append(cursors, l.Cursor)
		assert.Equal(t, time.Minute, l.Limits.DedupeWindow)
		assert.Equal(t, 2*time.Hour, l.Limits.MaxAge)
		assert.Equal(t, []string{"who"}, l.Redact)
	}
	assert.Equal(t, []string{"both/slack/0", "both/slack/1", "both/log/0", "log/log/0"}, cursors, "they name places in the journal: they must not change")
	assert.False(t, loops[0].SendResolved)
	assert.True(t, loops[1].SendResolved)
	assert.Equal(t, delivery.Fallback{Receiver: "log", After: 2 * time.Minute}, loops[2].Fallback)
	assert.Zero(t, loops[3].Fallback)
}

func TestP11MaxAgeBeyondTheJournalIsRefused(t *testing.T) {
	age := model.Duration(3 * time.Hour)
	_, err := makeLoops(config.Config{Delivery: config.Delivery{MaxAge: &age}}, time.Hour, nil)
	require.ErrorContains(t, err, "--storage.retention.time")
}

func TestHashChangesWithTheConfiguration(t *testing.T) {
	hash := func(text string) uint64 {
		l, err := source{name: "notifier.yml", read: func() ([]byte, error) { return []byte(text), nil }}.load()
		require.NoError(t, err)
		return l.hash
	}
	one := "route: {receiver: log}\nreceivers: [{name: log, log_configs: [{}]}]\n"
	assert.Equal(t, hash(one), hash(one))
	assert.NotEqual(t, hash(one), hash(one+"# changed\n"))
	assert.Equal(t, hash(one), uint64(float64(hash(one))), "a metric holds it")

	_, err := source{read: func() ([]byte, error) { return nil, errors.New("gone") }}.load()
	require.ErrorContains(t, err, "gone")
}

// Whatever is wrong with the new file, or with us, the loops, the routes and the agents stay the ones that they were.
func TestP11FailedReloadChangesNothing(t *testing.T) {
	good := "route: {receiver: log}\nreceivers: [{name: log, log_configs: [{}]}]\n"
	for name, tc := range map[string]struct {
		text   string
		broken bool // the journal
		says   string
	}{
		"not YAML":            {"route: [", false, "notifier.yml:1:"},
		"wrong agent":         {good + "agents: [{name: a, match: ['a=\"b\"'], url: 'ftp://x'}]", false, "notifier.yml:3:43: agents[0].url"},
		"age over retention":  {good + "delivery: {max_age: 2h}", false, "--storage.retention.time"},
		"missing certificate": {good + "agents: [{name: a, match: ['a=\"b\"'], url: 'http://x', http_config: {tls_config: {ca_file: none.pem}}}]", false, "none.pem"},
		"broken journal":      {good + "  # and more\n", true, "starting the delivery"},
	} {
		t.Run(name, func(t *testing.T) {
			text := good
			from := source{name: "notifier.yml", read: func() ([]byte, error) { return []byte(text), nil }}
			disk := storage{path: t.TempDir(), retention: time.Hour, size: smallestSize, free: 1 << 20}
			reg := prometheus.NewRegistry()
			s, err := newService(t.Context(), from, disk, port{}, slog.New(slog.DiscardHandler), reg)
			require.NoError(t, err)
			before := s.configuration.inUse
			hash := testutil.ToFloat64(s.configuration.metrics.hash)
			if text = tc.text; tc.broken {
				s.journal.Close()
			}

			err = s.configuration.reload(t.Context())

			require.ErrorContains(t, err, tc.says)
			assert.Equal(t, 0.0, testutil.ToFloat64(s.configuration.metrics.successful))
			assert.Equal(t, hash, testutil.ToFloat64(s.configuration.metrics.hash))
			require.Len(t, s.configuration.inUse, len(before))
			assert.Same(t, before[0].Sink, s.configuration.inUse[0].Sink)
			if !tc.broken {
				text = good
				require.NoError(t, s.configuration.reload(t.Context()))
				assert.Equal(t, 1.0, testutil.ToFloat64(s.configuration.metrics.successful))
			}
			ended, end := context.WithCancel(t.Context())
			end()
			_ = s.loops.Run(ended) // it ends what Apply began; that a closed journal cannot be read is no news
			s.close()
		})
	}
}
