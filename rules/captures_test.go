//go:build captures

package rules_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/alertvitals/notifier/internal/exposed"
)

// captured are the bodies of real programs, by the system whose rules are evaluated over them.
var captured = map[string][]string{
	"agent-sdk":        {"seed1-agent-sdk/metrics.t1.txt", "seed1-agent-sdk/metrics.t2.txt"},
	"aster-server":     {"aster/metrics.first-scrape.txt", "aster/metrics.txt"},
	"opencode-article": {"seed0-opencode-article/metrics.t1.txt", "seed0-opencode-article/metrics.t2.txt"},
	"opencode-otel":    {"opencode-otel-plugin/c8889.txt"},
	"claude-code":      {"claude-code/coll.8889.t1.txt", "claude-code/coll.8889.txt"},
	"gen-ai":           {"claude-code/coll.8889.t1.txt", "claude-code/coll.8889.txt"},
	"vllm":             {"python-client/metrics.txt"},
	"litellm":          {"python-client/metrics.txt"},
}

// uncaptured are names that only pages have: OpenTelemetry's GenAI conventions and vLLM's page on metrics.
var uncaptured = []string{"gen_ai_execute_tool_duration_seconds", "vllm:inter_token_latency_seconds"}

// Real bodies, two scrapes of one program: no rule fails over them, and rules that compare a gauge see it.
func TestRulesOverCaptures(t *testing.T) {
	for system, files := range captured {
		t.Run(system, func(t *testing.T) {
			series, names := loaded(t, files)
			suite, err := promqltest.NewLazyLoader("load 1m\n"+series, promqltest.LazyLoaderOpts{EnableAtModifier: true, EnableNegativeOffset: true})
			require.NoError(t, err)
			defer suite.Close()
			groups := loadGroups(t, suite, time.Minute, unitTests{RuleFiles: []string{system + ".yml"}})
			for minute := range 5 {
				at := time.Unix(0, 0).UTC().Add(time.Duration(minute) * time.Minute)
				suite.WithSamplesTill(at, func(err error) {
					require.NoError(t, err)
					for _, g := range groups {
						g.Eval(suite.Context(), at)
						for _, r := range g.Rules() {
							assert.NoError(t, r.LastError(), r.Name())
						}
					}
				})
			}
			// Our own bodies are not of our invention.
			ours, err := exposed.Series(system)
			require.NoError(t, err)
			for _, name := range exposed.Names(ours) {
				if !slices.Contains(names, name) {
					known := slices.ContainsFunc(uncaptured, func(family string) bool { return strings.HasPrefix(name, family) })
					assert.True(t, known || direct(system, name), "%s is in no capture of %s", name, system)
				}
			}
		})
	}
}

// direct is whether Claude Code's own exporter gives a name, which has captures of its own.
func direct(system, name string) bool {
	if system != "claude-code" {
		return false
	}
	body, err := os.ReadFile(filepath.Join(os.Getenv("CAPTURES"), "claude-code", "direct.prom-nounit.txt"))
	return err == nil && strings.Contains(string(body), "\n"+name+"{")
}

// loaded is the bodies as promtool's series: the first body's value, then the second's.
func loaded(t *testing.T, files []string) (string, []string) {
	t.Helper()
	values := map[string][]string{}
	var all []labels.Labels
	for i, file := range files {
		body, err := os.ReadFile(filepath.Join(os.Getenv("CAPTURES"), file))
		require.NoError(t, err, "CAPTURES says where the captures are")
		samples, err := exposed.Parse(body)
		require.NoError(t, err, file)
		for _, s := range samples {
			all = append(all, s.Labels)
			l := labels.NewBuilder(s.Labels).Set("job", "captured").Set("instance", "captured:8080").Labels()
			for len(values[l.String()]) < i {
				values[l.String()] = append(values[l.String()], "_")
			}
			if len(values[l.String()]) == i { // the first of two lines of one series counts
				values[l.String()] = append(values[l.String()], fmt.Sprint(s.Value))
			}
		}
	}
	var text strings.Builder
	for _, series := range slices.Sorted(maps.Keys(values)) {
		fmt.Fprintf(&text, "  %s %s\n", series, strings.Join(values[series], " "))
	}
	return text.String(), exposed.Names(all)
}
