// Package dashboards_test checks the Grafana dashboards.
package dashboards_test

import (
	"encoding/json"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/alertvitals/notifier/demo/agent"
)

type dashboard struct {
	UID    string `json:"uid"`
	Title  string `json:"title"`
	Panels []struct {
		Title   string `json:"title"`
		Targets []struct {
			Expr string `json:"expr"`
		} `json:"targets"`
	} `json:"panels"`
}

// Every expression is PromQL, and asks for metrics that an agent of that kind really has.
func TestExpressions(t *testing.T) {
	files, err := filepath.Glob("*.json")
	require.NoError(t, err)
	require.NotEmpty(t, files)

	for _, file := range files {
		source, err := os.ReadFile(file)
		require.NoError(t, err)
		var d dashboard
		require.NoError(t, json.Unmarshal(source, &d), file)
		require.NotEmpty(t, d.UID, file)
		require.NotEmpty(t, d.Panels, file)
		reported := exposed(t)
		for _, panel := range d.Panels {
			require.NotEmpty(t, panel.Targets, "%s: %s", d.Title, panel.Title)
			for _, target := range panel.Targets {
				expr, err := parser.NewParser(parser.Options{}).ParseExpr(strings.ReplaceAll(target.Expr, "$__rate_interval", "5m"))
				require.NoError(t, err, "%s: %s", d.Title, panel.Title)
				for _, selector := range parser.ExtractSelectors(expr) {
					assert.Contains(t, reported, name(selector), "%s: %s", d.Title, panel.Title)
				}
			}
		}
	}
}

func name(selector []*labels.Matcher) string {
	for _, m := range selector {
		if m.Name == model.MetricNameLabel {
			return m.Value
		}
	}
	return ""
}

// exposed are the names of what the demo agent, which has the SDK guide's metrics, reports after some chats.
func exposed(t *testing.T) map[string]bool {
	t.Helper()
	a := agent.New()
	require.NoError(t, a.BecomeIll(agent.Errors, agent.FailingTools))
	for range 100 {
		a.Chat()
	}
	answer := httptest.NewRecorder()
	a.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), "GET", "/metrics", nil))
	names := map[string]bool{}
	for line := range strings.Lines(answer.Body.String()) {
		if !strings.HasPrefix(line, "#") {
			names[line[:strings.IndexAny(line, "{ ")]] = true
		}
	}
	return names
}
