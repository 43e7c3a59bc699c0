package rules_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/prometheus/common/model"
	"github.com/prometheus/common/promslog"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/prometheus/prometheus/rules"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// unitTests is a file of promtool's unit tests, as far as ours use it:
// https://prometheus.io/docs/prometheus/latest/configuration/unit_testing_rules/. A key that is not here is refused.
type unitTests struct {
	RuleFiles          []string       `yaml:"rule_files"`
	EvaluationInterval string         `yaml:"evaluation_interval"`
	GroupEvalOrder     []string       `yaml:"group_eval_order"`
	Tests              []unitTestCase `yaml:"tests"`
}

type unitTestCase struct {
	Name        string `yaml:"name"`
	Interval    string `yaml:"interval"`
	InputSeries []struct {
		Series string `yaml:"series"`
		Values string `yaml:"values"`
	} `yaml:"input_series"`
	AlertRuleTest []struct {
		EvalTime  string `yaml:"eval_time"`
		Alertname string `yaml:"alertname"`
		ExpAlerts []struct {
			ExpLabels      map[string]string `yaml:"exp_labels"`
			ExpAnnotations map[string]string `yaml:"exp_annotations"`
		} `yaml:"exp_alerts"`
	} `yaml:"alert_rule_test"`
	PromqlExprTest []struct {
		Expr       string `yaml:"expr"`
		EvalTime   string `yaml:"eval_time"`
		ExpSamples []struct {
			Labels string  `yaml:"labels"`
			Value  float64 `yaml:"value"`
		} `yaml:"exp_samples"`
	} `yaml:"promql_expr_test"`
}

// readUnitTests reads tests/*.yml, by the name of the file.
func readUnitTests(t *testing.T) map[string]unitTests {
	t.Helper()
	files, err := filepath.Glob("tests/*.yml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	all := map[string]unitTests{}
	for _, file := range files {
		source, err := os.ReadFile(file)
		require.NoError(t, err)
		var u unitTests
		require.NoError(t, yaml.UnmarshalWithOptions(source, &u, yaml.Strict()), file)
		for i := range u.RuleFiles {
			u.RuleFiles[i] = filepath.Join("tests", u.RuleFiles[i]) // "../x.yml" is x.yml
		}
		all[filepath.Base(file)] = u
	}
	return all
}

// The same tests that promtool runs (TestPromtool), with the same library, where there is no promtool.
func TestRules(t *testing.T) {
	for file, u := range readUnitTests(t) {
		for _, c := range u.Tests {
			t.Run(file+"/"+c.Name, func(t *testing.T) { c.run(t, u) })
		}
	}
}

// run is what promtool does: evaluate all groups at each interval with the samples until then, and compare.
func (c unitTestCase) run(t *testing.T, u unitTests) {
	var load strings.Builder
	fmt.Fprintf(&load, "load %s\n", c.Interval)
	for _, s := range c.InputSeries {
		fmt.Fprintf(&load, "  %s %s\n", s.Series, s.Values)
	}
	suite, err := promqltest.NewLazyLoader(load.String(), promqltest.LazyLoaderOpts{EnableAtModifier: true, EnableNegativeOffset: true})
	require.NoError(t, err)
	defer suite.Close()
	step := duration(t, u.EvaluationInterval)
	suite.SubqueryInterval = step
	groups := loadGroups(t, suite, step, u)

	start := time.Unix(0, 0).UTC()
	for at := time.Duration(0); at <= c.last(t); at += step {
		suite.WithSamplesTill(start.Add(at), func(err error) {
			require.NoError(t, err)
			for _, g := range groups {
				g.Eval(suite.Context(), start.Add(at))
				for _, r := range g.Rules() {
					require.NoError(t, r.LastError(), r.Name())
				}
			}
		})
		for _, want := range c.AlertRuleTest {
			require.Zero(t, duration(t, want.EvalTime)%step, "no evaluation after %s", want.EvalTime)
			if duration(t, want.EvalTime) != at {
				continue
			}
			expected := []map[string]string{}
			for _, a := range want.ExpAlerts {
				expected = append(expected, alertText(want.Alertname, a.ExpLabels, a.ExpAnnotations))
			}
			assert.ElementsMatch(t, expected, firing(groups, want.Alertname), "%s after %s", want.Alertname, want.EvalTime)
		}
	}
	for _, want := range c.PromqlExprTest {
		got := query(suite.Context(), t, suite, want.Expr, start.Add(duration(t, want.EvalTime)))
		require.Len(t, got, len(want.ExpSamples), "%s after %s: %s", want.Expr, want.EvalTime, got)
		for _, s := range want.ExpSamples {
			metric, err := parser.NewParser(parser.Options{}).ParseMetric(s.Labels)
			require.NoError(t, err)
			i := slices.IndexFunc(got, func(g promql.Sample) bool { return labels.Equal(g.Metric, metric) })
			if assert.GreaterOrEqual(t, i, 0, "%s: no %s in %s", want.Expr, s.Labels, got) {
				assert.Equal(t, s.Value, got[i].F, want.Expr)
			}
		}
	}
}

func loadGroups(t *testing.T, suite *promqltest.LazyLoader, interval time.Duration, u unitTests) []*rules.Group {
	t.Helper()
	manager := rules.NewManager(&rules.ManagerOptions{
		QueryFunc:  rules.EngineQueryFunc(suite.QueryEngine(), suite.Storage()),
		Appendable: suite.Storage(),
		Queryable:  suite.Storage(),
		Context:    t.Context(),
		NotifyFunc: func(context.Context, string, ...*rules.Alert) {},
		Logger:     promslog.NewNopLogger(),
		Parser:     parser.NewParser(parser.Options{}),
	})
	loaded, errs := manager.LoadGroups(interval, labels.EmptyLabels(), "", nil, false, u.RuleFiles...)
	require.Empty(t, errs)
	groups := make([]*rules.Group, 0, len(loaded))
	for _, g := range loaded {
		groups = append(groups, g)
	}
	slices.SortFunc(groups, func(a, b *rules.Group) int {
		return slices.Index(u.GroupEvalOrder, a.Name()) - slices.Index(u.GroupEvalOrder, b.Name())
	})
	return groups
}

// last is the moment of the last comparison.
func (c unitTestCase) last(t *testing.T) time.Duration {
	var last time.Duration
	for _, a := range c.AlertRuleTest {
		last = max(last, duration(t, a.EvalTime))
	}
	for _, p := range c.PromqlExprTest {
		last = max(last, duration(t, p.EvalTime))
	}
	return last
}

func duration(t *testing.T, text string) time.Duration {
	t.Helper()
	d, err := model.ParseDuration(text)
	require.NoError(t, err)
	return time.Duration(d)
}

func firing(groups []*rules.Group, alertname string) []map[string]string {
	texts := []map[string]string{}
	for _, g := range groups {
		for _, r := range g.Rules() {
			alerting, is := r.(*rules.AlertingRule)
			if !is || alerting.Name() != alertname {
				continue
			}
			for _, a := range alerting.ActiveAlerts() {
				if a.State == rules.StateFiring {
					texts = append(texts, alertText(alertname, a.Labels.Map(), a.Annotations.Map()))
				}
			}
		}
	}
	return texts
}

// alertText is an alert in one map, as failed comparisons show it best.
func alertText(alertname string, alertLabels, annotations map[string]string) map[string]string {
	text := map[string]string{"alertname": alertname}
	for name, value := range alertLabels {
		text[name] = value
	}
	for name, value := range annotations {
		text["annotation "+name] = value
	}
	return text
}

func query(ctx context.Context, t *testing.T, suite *promqltest.LazyLoader, expr string, at time.Time) promql.Vector {
	t.Helper()
	q, err := suite.QueryEngine().NewInstantQuery(ctx, suite.Queryable(), nil, expr, at)
	require.NoError(t, err, expr)
	defer q.Close()
	result := q.Exec(ctx)
	require.NoError(t, result.Err, expr)
	vector, err := result.Vector()
	require.NoError(t, err, expr)
	return slices.Clone(vector)
}
