package dashboards

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/alertvitals/notifier/internal/exposed"
)

type dashboard struct {
	UID           string  `json:"uid"`
	Title         string  `json:"title"`
	SchemaVersion int     `json:"schemaVersion"`
	Panels        []panel `json:"panels"`
	Templating    struct {
		List []struct {
			Name       string `json:"name"`
			Type       string `json:"type"`
			Definition string `json:"definition"`
		} `json:"list"`
	} `json:"templating"`
	Annotations struct {
		List []struct {
			Expr string `json:"expr"`
		} `json:"list"`
	} `json:"annotations"`
}

type panel struct {
	ID          int    `json:"id"`
	Title       string `json:"title"`
	Description string `json:"description"`
	Type        string `json:"type"`
	Datasource  struct {
		UID string `json:"uid"`
	} `json:"datasource"`
	GridPos     place `json:"gridPos"`
	FieldConfig struct {
		Defaults struct {
			Unit string `json:"unit"`
		} `json:"defaults"`
	} `json:"fieldConfig"`
	Targets []struct {
		RefID        string `json:"refId"`
		Expr         string `json:"expr"`
		Interval     string `json:"interval"`
		LegendFormat string `json:"legendFormat"`
	} `json:"targets"`
}

type place struct{ X, Y, W, H int }

func (p place) overlaps(q place) bool {
	return p.X < q.X+q.W && q.X < p.X+p.W && p.Y < q.Y+q.H && q.Y < p.Y+p.H
}

// readDashboards reads *.json, by the name of the system.
func readDashboards(t *testing.T) map[string]dashboard {
	t.Helper()
	files, err := filepath.Glob("*.json")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	all := map[string]dashboard{}
	for _, file := range files {
		source, err := os.ReadFile(file)
		require.NoError(t, err)
		var d dashboard
		require.NoError(t, json.Unmarshal(source, &d), file)
		all[strings.TrimSuffix(file, ".json")] = d
	}
	return all
}

// What Grafana would show wrongly or not at all, without a word.
func TestDashboardsAreWhole(t *testing.T) {
	titles := map[string]bool{}
	for system, d := range readDashboards(t) {
		assert.Equal(t, "notifier-"+system, d.UID, "links lead to it")
		assert.False(t, titles[d.Title], "another dashboard %s", d.Title)
		titles[d.Title] = true
		assert.GreaterOrEqual(t, d.SchemaVersion, 42, system)
		var variables []string
		for _, v := range d.Templating.List {
			variables = append(variables, v.Name)
		}
		assert.Equal(t, []string{"datasource", "job", "instance"}, variables, system)

		ids, names := map[int]bool{}, map[string]bool{}
		for i, p := range d.Panels {
			name := system + ": " + p.Title
			assert.False(t, p.ID == 0 || ids[p.ID], "%s: its id is taken", name)
			assert.False(t, names[p.Title], "%s: another panel is called so", name)
			ids[p.ID], names[p.Title] = true, true
			assert.NotEmpty(t, p.Title, system)
			assert.NotEmpty(t, p.Description, name)
			assert.True(t, p.GridPos.W > 0 && p.GridPos.H > 0 && p.GridPos.X+p.GridPos.W <= 24, name)
			for _, other := range d.Panels[:i] {
				assert.False(t, p.GridPos.overlaps(other.GridPos), "%s lies on %s", name, other.Title)
			}
			if p.Type == "row" {
				continue
			}
			assert.Contains(t, []string{"timeseries", "stat", "piechart", "table", "heatmap"}, p.Type, name)
			assert.NotEmpty(t, p.FieldConfig.Defaults.Unit, name)
			assert.Equal(t, "${datasource}", p.Datasource.UID, name)
			assert.NotEmpty(t, p.Targets, name)
			for _, target := range p.Targets {
				assert.NotEmpty(t, target.LegendFormat, name)
				assert.Contains(t, target.Expr, `job=~"$job",instance=~"$instance"`, name)
			}
		}
	}
}

// substituted is an expression with Grafana's variables put in, at one sample each half hour.
func substituted(expr string) string {
	return strings.NewReplacer("$__rate_interval", "4h", "$__range", "24h", "$job", ".*", "$instance", ".*").Replace(expr)
}

// Every expression finds series that the system exposes, gives numbers, and has the labels of its legend.
func TestEveryPanelShowsSomething(t *testing.T) {
	label := regexp.MustCompile(`\{\{(\w+)\}\}`)
	for system, d := range readDashboards(t) {
		t.Run(system, func(t *testing.T) {
			series, err := exposed.Series(system)
			require.NoError(t, err)
			suite := stored(t, series)
			for _, p := range d.Panels {
				for _, target := range p.Targets {
					name := p.Title + ": " + target.Expr
					expr, err := parser.NewParser(parser.Options{}).ParseExpr(substituted(target.Expr))
					require.NoError(t, err, name)
					assert.Empty(t, exposed.Unknown(expr, series), name)
					suite.WithSamplesTill(lastSample, func(err error) { require.NoError(t, err) })
					q, err := suite.QueryEngine().NewInstantQuery(suite.Context(), suite.Queryable(), nil, substituted(target.Expr), lastSample)
					require.NoError(t, err, name)
					vector, err := q.Exec(suite.Context()).Vector()
					require.NoError(t, err, name)
					assert.NotEmpty(t, vector, name)
					for _, sample := range vector {
						assert.False(t, math.IsNaN(sample.F) || math.IsInf(sample.F, 0), "%s: %s", name, sample)
					}
					for _, l := range label.FindAllStringSubmatch(target.LegendFormat, -1) {
						assert.True(t, slices.ContainsFunc(vector, func(s promql.Sample) bool { return s.Metric.Get(l[1]) != "" }), "%s has no %s", name, l[1])
					}
					q.Close()
				}
			}
			for _, v := range d.Templating.List {
				if v.Type != "query" {
					continue
				}
				selector, _, _ := strings.Cut(strings.TrimPrefix(v.Definition, "label_values("), ", ")
				expr, err := parser.NewParser(parser.Options{}).ParseExpr(substituted(selector))
				require.NoError(t, err, v.Definition)
				assert.Empty(t, exposed.Unknown(expr, series), "%s chooses from nothing", v.Name)
			}
		})
	}
}

// What a program tells a collector once a minute is not in a window of one minute, which Grafana makes of a scrape interval of 15 s.
func TestWhatIsExportedEachMinuteIsSeenInFour(t *testing.T) {
	for system, d := range readDashboards(t) {
		for _, p := range d.Panels {
			for _, target := range p.Targets {
				if slices.Contains([]string{"claude-code", "opencode-otel", "gen-ai"}, system) {
					assert.Equal(t, "1m", target.Interval, "%s: %s", system, p.Title)
				} else {
					assert.Empty(t, target.Interval, "%s: %s is scraped", system, p.Title)
				}
			}
		}
	}
}

// A metric of the notifier that nothing draws is one that nobody sees.
func TestTheNotifierShowsEachOfItsMetrics(t *testing.T) {
	series, err := exposed.Series("notifier")
	require.NoError(t, err)
	var shown strings.Builder
	for _, p := range readDashboards(t)["notifier"].Panels {
		for _, target := range p.Targets {
			shown.WriteString(target.Expr + "\n")
		}
	}
	histogram := regexp.MustCompile(`_(bucket|sum|count)$`)
	for _, name := range exposed.Names(series) {
		if strings.HasPrefix(name, "notifier_") {
			name = histogram.ReplaceAllString(name, "")
			assert.Regexp(t, name+`(_bucket)?\{`, shown.String(), "no panel shows %s", name)
		}
	}
}

// No panel shows who somebody is: the notifier's own pages do not either.
func TestNoPanelNamesAPerson(t *testing.T) {
	personal := regexp.MustCompile(`user_email|user_account|organization_id|api_key|end_user|email`)
	for system, d := range readDashboards(t) {
		for _, p := range d.Panels {
			for _, target := range p.Targets {
				assert.False(t, personal.MatchString(target.Expr+target.LegendFormat), "%s: %s", system, p.Title)
			}
		}
	}
}

// Every panel of the documents is there: theirs, and ours.
func TestEveryPanelOfTheDocumentsIsThere(t *testing.T) {
	all := readDashboards(t)
	for system, panels := range map[string]map[string]string{
		"opencode-article": {
			"Requests per Second": "Requests per second", "95th Percentile Request Latency": "Request latency",
			"Average Model Inference Duration": "Average model inference duration", "Active Sessions": "Active sessions", "Loaded Plugins Count": "Loaded plugins",
		},
		"agent-sdk": {
			"Agent 创建速率": "Agents created", "活跃 Agent 数量": "Active agents", "P95 响应时间": "Response time", "Token 使用量": "Token usage",
			"工具调用分布": "Tool calls", "错误率": "Errors by type", "ErrorRate of its health check": "Error rate",
		},
		"aster-server": {
			"Request Rate": "Request rate", "Response Time (p50, p90, p99)": "Response time", "Error Rate": "Error rate", "Active Agents": "Active agents",
			"Active Sessions": "Active sessions", "Running Workflows": "Running workflows", "CPU Usage": "CPU", "Memory Usage": "Memory",
			"Goroutines": "Goroutines", "GC Activity": "GC activity", "the query 平均响应大小": "Average size of responses",
		},
		"claude-code": {
			"今日用量": "Cost in 24 hours", "较昨日": "Against the day before", "活跃会话": "Active sessions", "等待确认": "Edits by decision",
			"请求耗时分布": "Request duration", "错误率趋势": "Error rate", "Top 5 用户, Top 10 活跃用户": "Top 10 users by cost", "Top 5 项目": "Top 5 teams by cost",
			"实时用量概览": "Tokens in 24 hours", "模型使用分布": "Use of models", "the same by requests": "Requests by model", "Token 使用热力图": "Request durations",
		},
	} {
		for theirs, ours := range panels {
			assert.True(t, slices.ContainsFunc(all[system].Panels, func(p panel) bool { return p.Title == ours }), "%s: %s (%s)", system, ours, theirs)
		}
	}
}

// lastSample is the moment of the last one: two and a half days after the first, as a panel compares two days.
var lastSample = time.Unix(0, 0).UTC().Add(60 * time.Hour)

// stored are the series, each growing by one each half hour.
func stored(t *testing.T, series []labels.Labels) *promqltest.LazyLoader {
	t.Helper()
	var load strings.Builder
	load.WriteString("load 30m\n")
	seen := map[string]bool{}
	for _, s := range series {
		text := labels.NewBuilder(s).Set("job", "j").Set("instance", "i:1").Labels().String()
		if !seen[text] {
			fmt.Fprintf(&load, "  %s 1+1x120\n", text)
		}
		seen[text] = true
	}
	suite, err := promqltest.NewLazyLoader(load.String(), promqltest.LazyLoaderOpts{EnableAtModifier: true, EnableNegativeOffset: true})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, suite.Close()) })
	return suite
}
