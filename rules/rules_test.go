// Package rules_test checks the alerting rules: that they fire when and only when they should, by promtool's unit tests; that they ask
// for what agents expose; and that whoever gets an alert finds out what to do.
package rules_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/common/promslog"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/alertvitals/notifier/diagnostics/rule"
	"github.com/alertvitals/notifier/internal/exposed"
)

const runbooks = "https://github.com/alertvitals/notifier/blob/main/docs/runbooks/"

// readRules reads *.yml as Prometheus does, by the name of the system.
func readRules(t *testing.T) map[string][]rulefmt.Rule {
	t.Helper()
	files, err := filepath.Glob("*.yml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	all := map[string][]rulefmt.Rule{}
	for _, file := range files {
		groups, errs := rulefmt.ParseFile(file, false, model.UTF8Validation, parser.NewParser(parser.Options{}), promslog.NewNopLogger())
		require.Empty(t, errs, file)
		for _, g := range groups.Groups {
			all[strings.TrimSuffix(file, ".yml")] = append(all[strings.TrimSuffix(file, ".yml")], g.Rules...)
		}
	}
	return all
}

func TestEveryAlertSaysWhatItIsAndWhatToDo(t *testing.T) {
	for system, list := range readRules(t) {
		for _, r := range list {
			if r.Alert == "" {
				continue
			}
			name := system + ": " + r.Alert
			assert.Len(t, r.Labels, 1, "%s: a label that the series do not have goes into no expression that looks for the agent", name)
			assert.Contains(t, []string{"critical", "warning", "info"}, r.Labels["severity"], name)
			assert.NotEmpty(t, r.Annotations["summary"], name)
			assert.NotEmpty(t, r.Annotations["description"], name)
			page, anchor, _ := strings.Cut(strings.TrimPrefix(r.Annotations["runbook_url"], runbooks), "#")
			text, err := os.ReadFile(filepath.Join("..", "docs", "runbooks", page))
			require.NoError(t, err, name)
			if anchor != "" {
				assert.Equal(t, strings.ToLower(r.Alert), anchor, name)
				assert.Contains(t, string(text), "\n## "+r.Alert+"\n", name)
			}
			assert.Contains(t, string(text), r.Alert, "%s: its runbook does not speak of it", name)
		}
	}
}

// Whoever reads the message sees the value that was compared: "and" and "unless" only say when it counts.
func TestTheNotifierCanReadTheValueOfEveryRule(t *testing.T) {
	for system, list := range readRules(t) {
		for _, r := range list {
			if r.Alert == "" {
				continue
			}
			condition, err := rule.Split(r.Expr)
			require.NoError(t, err, "%s: %s", system, r.Alert)
			if r.Alert != "PluginsLost" && r.Alert != "PoolCapacityUnknown" { // those have no constant limit
				assert.NotEmpty(t, condition.Op, "%s: %s", system, r.Alert)
			}
		}
	}
}

// Each alert is seen to fire, to be quiet, and to say something that a person can read.
func TestEveryAlertIsTested(t *testing.T) {
	tests := readUnitTests(t)
	unreadable := regexp.MustCompile(`%!|<no value>|NaN|Inf|\d\.\d{4,}|e[+-]\d|\{\{|error `)
	for system, list := range readRules(t) {
		fires, quiet := map[string]bool{}, map[string]bool{}
		for file, u := range tests {
			if !strings.HasPrefix(file, system) || !slices.Contains(u.RuleFiles, system+".yml") {
				continue
			}
			for _, c := range u.Tests {
				for _, a := range c.AlertRuleTest {
					if len(a.ExpAlerts) == 0 {
						quiet[a.Alertname] = true
					}
					for _, expected := range a.ExpAlerts {
						fires[a.Alertname] = true
						assert.NotEmpty(t, expected.ExpLabels["job"], "%s: %s: by its job the agent is found", file, a.Alertname)
						if a.Alertname != "HighCostSpike" { // the cost of all sessions together
							assert.NotEmpty(t, expected.ExpLabels["instance"], "%s: %s", file, a.Alertname)
						}
						for _, text := range expected.ExpAnnotations {
							assert.False(t, unreadable.MatchString(text), "%s: %s: %s", file, a.Alertname, text)
						}
					}
				}
			}
		}
		for _, r := range list {
			if r.Alert != "" {
				assert.True(t, fires[r.Alert], "%s: %s is never seen to fire", system, r.Alert)
				assert.True(t, quiet[r.Alert], "%s: %s is never seen to be quiet", system, r.Alert)
			}
		}
	}
}

// The series of the unit tests have names and labels that a real program gives, or a test could pass on what is never there.
func TestEveryRuleAsksForWhatIsExposed(t *testing.T) {
	for system, list := range readRules(t) {
		series, err := exposed.Series(systemBody(system))
		require.NoError(t, err)
		recorded := []string{"up"}
		for _, r := range list {
			if r.Record != "" {
				recorded = append(recorded, r.Record)
			}
		}
		for _, r := range list {
			expr, err := parser.NewParser(parser.Options{}).ParseExpr(r.Expr)
			require.NoError(t, err)
			but := recorded
			switch system + ": " + r.Alert {
			case "vllm: VLLMCacheNearCapacity":
				but = append(but, "vllm:gpu_cache_usage_perc") // of older versions
			case "claude-code: SlowResponse":
				but = append(but, "claude_requests_duration_milliseconds_bucket") // where the meter's unit is ms
			}
			assert.Empty(t, exposed.Unknown(expr, series, but...), "%s: %s", system, r.Alert)
		}
	}
}

// systemBody is the body that a system's rules ask for. Of a collector they ask only whether it is up.
func systemBody(system string) string {
	if system == "otel-collector" {
		return "claude-code"
	}
	return system
}

// The expressions of the documents that were wrong, each in the unit tests of its system, where it is seen to fail.
func TestTheExpressionsOfTheDocumentsAreSeenToFail(t *testing.T) {
	tests := readUnitTests(t)
	for file, wrong := range map[string][]string{
		"agent-sdk.yml": {
			`rate(agent_errors_total[5m]) > 0.1`,
			`histogram_quantile(0.95, rate(agent_chat_latency_seconds_bucket[5m])) > 10`,
			`rate(agent_token_usage_sum[1h]) > 1000000`,
			`agent_pool_size / agent_pool_max_size > 0.9`,
			`agent_memory_usage_bytes > 1e9`,
			`increase(agent_tool_calls_total{status="failed"}[5m]) > 10`,
		},
		"aster-server.yml": {
			`rate(aster_http_requests_total{status="5xx"}[5m]) / rate(aster_http_requests_total[5m]) > 0.05`,
			`histogram_quantile(0.99, rate(aster_http_request_duration_seconds_bucket[5m])) > 1.0`,
			`process_resident_memory_bytes > 1e9`,
		},
		"claude-code-cost.yml": {`sum(claude_cost_usd) / sum(claude_cost_usd offset 1d) > 2`},
		"claude-code.yml": {
			`sum(rate(claude_errors_total[5m])) / sum(rate(claude_requests_total[5m])) > 0.05`,
			`histogram_quantile(0.95, rate(claude_request_duration_seconds_bucket[5m])) > 30`,
		},
		"opencode-article.yml": {`avg by (job) (opencode_model_inference_duration_seconds)`},
	} {
		var tried []string
		for _, c := range tests[file].Tests {
			for _, p := range c.PromqlExprTest {
				tried = append(tried, p.Expr)
			}
		}
		for _, expr := range wrong {
			assert.True(t, slices.ContainsFunc(tried, func(s string) bool { return strings.Contains(s, expr) }), "%s: %s", file, expr)
		}
	}
}

// A table that leaves out an alert is one that somebody forgot.
func TestThePageOfTheRulesNamesEveryAlert(t *testing.T) {
	page, err := os.ReadFile("../docs/rules.md")
	require.NoError(t, err)
	sections := strings.Split(string(page), "\n## ")
	for system, list := range readRules(t) {
		i := slices.IndexFunc(sections, func(s string) bool { return strings.HasPrefix(s, system+".yml\n") })
		require.GreaterOrEqual(t, i, 0, "there is no section %s.yml", system)
		for _, r := range list {
			if r.Alert != "" {
				assert.Contains(t, sections[i], "`"+r.Alert+"`", system)
			}
		}
	}
}

// Every runbook is one of an alert that there is.
func TestEveryRunbookIsUsed(t *testing.T) {
	pages, err := filepath.Glob("../docs/runbooks/*.md")
	require.NoError(t, err)
	var used []string
	for _, list := range readRules(t) {
		for _, r := range list {
			page, _, _ := strings.Cut(strings.TrimPrefix(r.Annotations["runbook_url"], runbooks), "#")
			used = append(used, page)
		}
	}
	for _, page := range pages {
		if filepath.Base(page) != "README.md" {
			assert.Contains(t, used, filepath.Base(page))
		}
	}
}
