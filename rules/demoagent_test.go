package rules_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/alertvitals/notifier/demo/agent"
	"github.com/alertvitals/notifier/internal/exposed"
)

// The demo agent at its own pace, scraped and judged every 15 s as docker-compose.yml has it: well for two hours without an alert, and
// when it falls ill the alerts that the README promises fire, early enough for its five minutes.
func TestTheDemoAgentFiresOnlyWhenItIsIll(t *testing.T) {
	const every, well, ill = 15 * time.Second, 2 * time.Hour, 10 * time.Minute
	a := agent.New()
	values := map[string][]string{`up{instance="agent:8080",job="demo-agent"}`: nil}
	scrapes := 0
	for at := time.Duration(0); at <= well+ill; at += every {
		if at == well {
			require.NoError(t, a.BecomeIll(agent.Errors, agent.FailingTools, agent.NotReady))
		}
		for range every / agent.Pace {
			a.Chat()
		}
		values[`up{instance="agent:8080",job="demo-agent"}`] = append(values[`up{instance="agent:8080",job="demo-agent"}`], "1")
		for series, value := range scrape(t, a) {
			for len(values[series]) < scrapes { // it was not there yet
				values[series] = append(values[series], "_")
			}
			values[series] = append(values[series], value)
		}
		scrapes++
	}

	var load strings.Builder
	fmt.Fprintf(&load, "load %s\n", every)
	for series, list := range values {
		fmt.Fprintf(&load, "  %s %s\n", series, strings.Join(list, " "))
	}
	suite, err := promqltest.NewLazyLoader(load.String(), promqltest.LazyLoaderOpts{})
	require.NoError(t, err)
	defer suite.Close()
	groups := loadGroups(t, suite, every, unitTests{RuleFiles: []string{"agent-sdk.yml"}})
	alerts := readRules(t)["agent-sdk"]
	require.NotEmpty(t, alerts)
	fired := map[string]time.Duration{}
	start := time.Unix(0, 0).UTC()
	for at := time.Duration(0); at <= well+ill; at += every {
		suite.WithSamplesTill(start.Add(at), func(err error) { require.NoError(t, err) })
		for _, g := range groups {
			g.Eval(suite.Context(), start.Add(at))
		}
		for _, r := range alerts {
			if _, already := fired[r.Alert]; !already && len(firing(groups, r.Alert)) > 0 {
				fired[r.Alert] = at
			}
		}
	}

	for alert, at := range fired {
		assert.Greater(t, at, well, "%s fires while the agent is well", alert)
	}
	for _, alert := range []string{"HighErrorRate", "APICallFailures"} {
		// Alertmanager's group_wait and the scrape and evaluation that were just missed come on top.
		assert.Contains(t, fired, alert)
		assert.LessOrEqual(t, fired[alert], well+5*time.Minute-40*time.Second, alert)
	}
}

// scrape are the values of the agent's series, by what a Prometheus calls them.
func scrape(t *testing.T, a *agent.Agent) map[string]string {
	t.Helper()
	answer := httptest.NewRecorder()
	a.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", http.NoBody))
	require.Equal(t, http.StatusOK, answer.Code)
	samples, err := exposed.Parse(answer.Body.Bytes())
	require.NoError(t, err)
	values := map[string]string{}
	for _, s := range samples {
		name := s.Labels.Get("__name__")
		if !strings.HasPrefix(name, "agent_") || name == "agent_memory_usage_bytes" { // that is the test's own
			continue
		}
		labels := []string{`instance="agent:8080"`, `job="demo-agent"`}
		for _, l := range []string{"agent_id", "error_type", "le", "status", "template_id", "tool_name", "type"} {
			if value := s.Labels.Get(l); value != "" {
				labels = append(labels, fmt.Sprintf("%s=%q", l, value))
			}
		}
		values[name+"{"+strings.Join(labels, ",")+"}"] = fmt.Sprint(s.Value)
	}
	return values
}
