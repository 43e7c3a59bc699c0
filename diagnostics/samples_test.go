package diagnostics

import (
	"log/slog"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/alertvitals/notifier/diagnostics/exposition"
)

func TestRulesSeeAgentsUnderTheNamesOfTheirAlerts(t *testing.T) {
	elsewhere := "/elsewhere"
	c, err := New([]AgentConfig{
		{Name: "one", Match: []string{`job="aster"`, `instance="aster-0"`}, URL: "http://aster-0:8080", MetricsPath: &elsewhere},
		{Name: "two", Match: []string{`team="data"`}, URL: "http://two:8080"},
		{Name: "twin", Match: []string{`job="aster"`, `instance="aster-0"`}, URL: "http://twin:8080"},
	}, Config{}, t.TempDir(), slog.New(slog.DiscardHandler), nil)
	require.NoError(t, err)
	defer func() { require.NoError(t, c.Close()) }()
	now := time.Now()
	set := c.settings.Load()
	own := exposition.Sample{Labels: labels.FromStrings("__name__", "m"), Value: 1}
	forged := exposition.Sample{Labels: labels.FromStrings("__name__", "ALERTS", "alertname", "Forged"), Value: 1}
	for _, a := range set.agents {
		_, err = a.series.store(t.Context(), now, 0, exposition.Exposition{Samples: []exposition.Sample{own, forged}}, true)
		require.NoError(t, err)
	}
	// What a rule has written is read as it was, and so is not what an agent had where its metrics were before.
	app := c.Samples().Appender(t.Context())
	for _, name := range []string{"aster-0", "aster-0#0badc0de"} {
		_, err = app.Append(0, labels.FromStrings("__name__", "recorded", "job", "aster", "instance", name), now.UnixMilli(), 1)
		require.NoError(t, err)
	}
	require.NoError(t, app.Commit())

	see(t, c, now, map[string][]string{
		"up":                   {`{__name__="up", instance="aster-0", job="aster"}`, `{__name__="up", instance="two:8080", job="two"}`, `{__name__="up", instance="twin:8080", job="twin"}`},
		`m{job="aster"}`:       {`{__name__="m", instance="aster-0", job="aster"}`},
		`m{job="one"}`:         nil,
		`{job=~"t.*"} == 1`:    {`{__name__="m", instance="two:8080", job="two"}`, `{__name__="up", instance="two:8080", job="two"}`, `{__name__="scrape_samples_scraped", instance="two:8080", job="two"}`, `{__name__="m", instance="twin:8080", job="twin"}`, `{__name__="up", instance="twin:8080", job="twin"}`, `{__name__="scrape_samples_scraped", instance="twin:8080", job="twin"}`},
		"recorded":             {`{__name__="recorded", instance="aster-0", job="aster"}`},
		"ALERTS":               nil,
		`absent(up{job="no"})`: {`{job="no"}`},
	})

	agentOf := func(job, instance string) string {
		if a := set.agentOf(map[string]string{"job": job, "instance": instance}); a != nil {
			return a.name
		}
		return ""
	}
	assert.Equal(t, "one", agentOf("aster", "aster-0"))
	assert.Equal(t, "two", agentOf("two", "two:8080"), "its matchers do not fit the alert of a rule, which has no other labels")
	assert.Empty(t, agentOf("two", "elsewhere:8080"))
}

// see is what some expressions give for rules.
func see(t *testing.T, c *Collector, now time.Time, want map[string][]string) {
	t.Helper()
	for expr, want := range want {
		q, err := c.Engine().NewInstantQuery(t.Context(), c.Samples(), nil, expr, now)
		require.NoError(t, err)
		result := q.Exec(t.Context())
		require.NoError(t, result.Err, expr)
		vector, err := result.Vector()
		require.NoError(t, err)
		var got []string
		for _, s := range vector {
			got = append(got, s.Metric.String())
		}
		assert.ElementsMatch(t, want, got, expr)
		q.Close()
	}
}

// Its samples count for five minutes yet. The alert about it ends, and there is none about an agent of the name that the store has.
func TestRulesSeeNothingOfAnAgentThatWasRemoved(t *testing.T) {
	two := AgentConfig{Name: "two", Match: []string{`job="data"`}, URL: "http://two:8080"}
	c, err := New([]AgentConfig{{Name: "one", Match: []string{`job="aster"`}, URL: "http://one:8080"}, two}, Config{}, t.TempDir(), slog.New(slog.DiscardHandler), nil)
	require.NoError(t, err)
	defer func() { require.NoError(t, c.Close()) }()
	now := time.Now()
	for _, a := range c.settings.Load().agents {
		_, err = a.series.store(t.Context(), now, 0, exposition.Exposition{}, false)
		require.NoError(t, err)
	}
	use, err := c.Prepare([]AgentConfig{two}, Config{})
	require.NoError(t, err)
	use()

	see(t, c, now, map[string][]string{
		"up == 0":               {`{__name__="up", instance="two:8080", job="data"}`},
		`absent({job="aster"})`: {`{job="aster"}`},
		`absent({job="one"})`:   {`{job="one"}`},
	})
}
