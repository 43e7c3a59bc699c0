package diagnostics

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image/png"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	commoncfg "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/alertvitals/notifier/config/httpclient"
	"github.com/alertvitals/notifier/diagnostics/chart"
)

// noon is when the tests of this file look.
var noon = time.Date(2026, 11, 21, 12, 0, 7, 0, time.UTC)

// night is a collector of an agent that was scraped every 15 s for 80 minutes, but for those that are skipped. One chat in a
// hundred failed, since 20 minutes before noon one in ten.
func night(t *testing.T, skip func(ago time.Duration) bool, change ...func(*AgentConfig, *Config)) *Collector {
	t.Helper()
	change = append([]func(*AgentConfig, *Config){func(a *AgentConfig, _ *Config) {
		a.URL, a.Profile, a.Match = "http://aster:8080", "agent-sdk", []string{`job="aster"`}
	}}, change...)
	c := newCollector(t, "", change...)
	c.now = func() time.Time { return noon }
	chats, failed := 0, 0
	for ago := 80 * time.Minute; ago >= 0; ago -= 15 * time.Second {
		chats += 100
		if failed++; ago < 20*time.Minute {
			failed += 9
		}
		if skip == nil || !skip(ago) {
			past(t, c, noon.Add(-ago), sdkMetrics(noon.Add(-5*time.Hour), chats, failed))
		}
	}
	return c
}

func between(from, to time.Duration) func(time.Duration) bool {
	return func(ago time.Duration) bool { return ago <= from && ago > to }
}

// firing is an alert of the agent of the tests, with its rule's expression in the form of Prometheus.
func firing(expr string, labels ...string) ChartedAlert {
	a := ChartedAlert{
		Labels:       map[string]string{"alertname": "HighErrorRate", "job": "aster", "instance": "aster:8080", "severity": "critical"},
		StartsAt:     noon.Add(-18 * time.Minute),
		GeneratorURL: "http://prometheus:9090/graph?g0.expr=" + url.QueryEscape(expr) + "&g0.tab=1",
	}
	for i := 0; i < len(labels); i += 2 {
		a.Labels[labels[i]] = labels[i+1]
	}
	return a
}

func titles(charts []Chart) []string {
	all := []string{}
	for _, c := range charts {
		all = append(all, c.Title)
	}
	return all
}

func chartTitled(t *testing.T, charts []Chart, title string) Chart {
	t.Helper()
	for _, c := range charts {
		if c.Title == title {
			img, err := png.Decode(bytes.NewReader(c.PNG))
			require.NoError(t, err)
			assert.Equal(t, chart.Width, img.Bounds().Dx())
			assert.Less(t, len(c.PNG), 100_000)
			return c
		}
	}
	require.Fail(t, "no such chart", "%s in %v", title, titles(charts))
	return Chart{}
}

func TestP9TrendHasGapsWhereNothingWasScraped(t *testing.T) {
	c := night(t, between(40*time.Minute, 25*time.Minute))
	s := lookAgain(t, c)
	v := vitalNamed(t, s, "memory")
	require.Len(t, v.Trend, trendPoints+1)
	// The full steps before noon: 11:05, 11:10, … 12:00, and then the newest.
	for i, value := range v.Trend {
		ago := noon.Sub(noon.Truncate(TrendStep)) + time.Duration(trendPoints-1-i)*TrendStep
		if ago < 40*time.Minute && ago >= 25*time.Minute {
			assert.Nil(t, value, "%v ago nothing was scraped", ago)
		} else if assert.NotNil(t, value, "%v ago", ago) {
			assert.InDelta(t, 4.32e8, *value, 1e3)
		}
	}
	// A rate after the gap is that of what was scraped since, and not a part of it.
	errors := vitalNamed(t, s, "error rate")
	for i, value := range errors.Trend {
		if value != nil {
			assert.Greater(t, *value, 0.009, "%d", i)
		}
	}
	encoded, err := json.Marshal(v)
	require.NoError(t, err)
	assert.Contains(t, string(encoded), "null")
	assert.NotContains(t, string(encoded), "NaN")
	var again Vital
	require.NoError(t, json.Unmarshal(encoded, &again))
	assert.Equal(t, v.Trend, again.Trend)
}

func TestTrendEndsWithTheValue(t *testing.T) {
	c := night(t, nil)
	s := lookAgain(t, c)
	for _, v := range s.Vitals {
		if v.Trend != nil {
			require.NotNil(t, v.Value, v.Name)
			assert.InDelta(t, *v.Value, *v.Trend[trendPoints], math.Abs(*v.Value)/1000, v.Name)
		}
	}
	errors := vitalNamed(t, s, "error rate")
	require.NotEmpty(t, errors.Trend)
	assert.InDelta(t, 10, *errors.Trend[trendPoints] / *errors.Trend[0], 0.2, "ten times what it was")
	assert.Empty(t, vitalNamed(t, s, "uptime").Trend, "its change is no news")
}

func TestTrendNeedsHistory(t *testing.T) {
	c := night(t, func(ago time.Duration) bool { return ago > 10*time.Minute })
	for _, v := range lookAgain(t, c).Vitals {
		assert.Empty(t, v.Trend, v.Name)
	}
	c = night(t, func(ago time.Duration) bool { return ago > 0 })
	for _, v := range lookAgain(t, c).Vitals {
		assert.Empty(t, v.Trend, v.Name)
	}
}

// TestTrendGoesOnFromWhatItKnows compares a trend that followed the scrapes with one that is computed at once.
func TestTrendGoesOnFromWhatItKnows(t *testing.T) {
	c := night(t, between(33*time.Minute, 22*time.Minute))
	set := c.settings.Load()
	a := set.agents[0]
	for ago := 50 * time.Minute; ago >= 0; ago -= 7 * time.Minute {
		then := noon.Add(-ago)
		e, err := c.evaluator(t.Context(), set, a, then)
		require.NoError(t, err)
		e.times = slices.DeleteFunc(e.times, then.Before)
		e.at = e.times[len(e.times)-1]
		groups := byName(nil, []*profile{a.profile})
		followed, err := a.trend.follow(t.Context(), e, groups)
		require.NoError(t, err)
		var anew trend
		atOnce, err := anew.follow(t.Context(), e, groups)
		require.NoError(t, err)
		assert.NotEmpty(t, atOnce)
		assert.Equal(t, fmt.Sprint(atOnce), fmt.Sprint(followed), "%v before noon", ago) // NaN equals NaN
	}
}

func TestChartsOfTheAlertsVitals(t *testing.T) {
	c := night(t, nil)
	alert := firing("")
	charts := c.Charts(t.Context(), []ChartedAlert{alert})
	require.NotEmpty(t, charts)
	assert.Contains(t, charts[0].Alt, "of aster in the last hour: ")
	assert.Contains(t, charts[0].Alt, "fired 11:42 UTC")
	assert.Contains(t, charts[0].Title, "error")
	alert.Labels["alertname"] = "SlowAndLeaking"
	charts = c.Charts(t.Context(), []ChartedAlert{alert})
	assert.Equal(t, []string{"p95 latency, last hour", "memory, last hour"}, titles(charts), "one for each topic")
	assert.Contains(t, chartTitled(t, charts, "memory, last hour").Alt, "412 MiB")
	alert.Labels["job"] = "nobody's"
	assert.Empty(t, c.Charts(t.Context(), []ChartedAlert{alert}))
	assert.Empty(t, c.Charts(t.Context(), nil))
}

func TestChartOfTheAlertsExpressionOverOurHistory(t *testing.T) {
	c := night(t, nil)
	expr := `sum by (job, instance) (rate(agent_errors_total{job="aster"}[5m])) > 0.5`
	charts := c.Charts(t.Context(), []ChartedAlert{firing(expr)})
	assert.Equal(t, "HighErrorRate, last hour", charts[0].Title, "the alert's own comes first")
	got := chartTitled(t, charts, "HighErrorRate, last hour").Alt
	// 3 and 30 errors in 15 s.
	assert.Equal(t, "the expression of HighErrorRate of aster in the last hour, from our scrapes: 0.2 /s to 2 /s, now 2 /s; alert above 0.5 /s; fired 11:42 UTC", got)
}

func TestP9TheAlertsExpressionIsNotChartedWhenItMeansMore(t *testing.T) {
	c := night(t, nil)
	for name, alert := range map[string]ChartedAlert{
		"another instance":         firing(`agent_pool_size > 5`, "instance", "aster-1:8080"),
		"all instances":            firing(`sum(rate(agent_errors_total[5m])) > 0.5`),
		"a metric that is not his": firing(`agent_pool_size / agent_pool_max_size > 0.8`),
		"his metric, others too":   firing(`agent_pool_size{cluster="prod"} > 5`),
		"older than the history":   firing(`rate(agent_errors_total[3h]) > 0.5`, "agent_id", "a", "error_type", "timeout"),
		"another series":           firing(`rate(agent_errors_total[5m]) > 0.5`, "agent_id", "a", "error_type", "model_calls"),
		"series of its own":        firing(`up{job="aster"} == 0`),
		"no PromQL":                firing(`DROP TABLE alerts; --`),
		"no expression":            {Labels: firing("").Labels, GeneratorURL: "http://grafana/alerting/1"},
	} {
		assert.NotContains(t, titles(c.Charts(t.Context(), []ChartedAlert{alert})), "HighErrorRate, last hour", name)
	}
}

func TestAChartShowsTheSeriesOfItsAlerts(t *testing.T) {
	c := night(t, nil, func(_ *AgentConfig, cfg *Config) { cfg.RedactLabels = []string{"agent_id"} })
	expr := `increase(agent_errors_total[5m]) > 2`
	alerts := []ChartedAlert{
		firing(expr, "error_type", "model_call", "agent_id", "[redacted]"),
		firing(expr, "error_type", "timeout", "agent_id", "[redacted]"),
		firing(expr, "error_type", "elsewhere", "instance", "aster-1:8080"),
	}
	got := chartTitled(t, c.Charts(t.Context(), alerts), "HighErrorRate, last hour").Alt
	assert.Contains(t, got, "model_call")
	assert.Contains(t, got, "timeout")
	assert.Contains(t, got, "2 of 3 alerts")
	assert.NotContains(t, got, "elsewhere")
	assert.NotContains(t, got, "redacted", "what names a person is no name of a line")
}

func TestP9AnExpressionHasGapsWhereItsWindowWasNotScraped(t *testing.T) {
	c := night(t, between(40*time.Minute, 30*time.Minute))
	got := chartTitled(t, c.Charts(t.Context(), []ChartedAlert{firing(`increase(agent_errors_total[5m]) > 2`, "error_type", "timeout", "agent_id", "a")}),
		"HighErrorRate, last hour").Alt
	// Ten minutes were not scraped, and for five more a window reaches into them; a minute belongs to what is before.
	assert.Contains(t, got, "14 min are not known")
	assert.Contains(t, got, ": 40 to 400, now 400")
}

func TestVitalChart(t *testing.T) {
	c := night(t, between(10*time.Minute, -1))
	drawn, err := c.VitalChart(t.Context(), "aster", "", "memory", time.Time{})
	require.NoError(t, err)
	require.NotNil(t, drawn)
	assert.NotContains(t, drawn.Alt, ", now", "nobody knows how it is now")
	assert.Contains(t, drawn.Alt, "10 min are not known")
	drawn, err = c.VitalChart(t.Context(), "aster", "", "beauty", time.Time{})
	require.NoError(t, err)
	assert.Nil(t, drawn)
	var none *NoAgentError
	_, err = c.VitalChart(t.Context(), "nobody", "", "memory", time.Time{})
	assert.ErrorAs(t, err, &none)
	never := night(t, func(time.Duration) bool { return true })
	drawn, err = never.VitalChart(t.Context(), "aster", "", "memory", time.Time{})
	require.NoError(t, err)
	assert.Equal(t, "memory of aster in the last hour: nothing was ever scraped", drawn.Alt)
}

func TestClosedCollectorDrawsNothing(t *testing.T) {
	c := night(t, nil)
	require.NoError(t, c.Close())
	assert.Empty(t, c.Charts(t.Context(), []ChartedAlert{firing("agent_pool_size > 5")}))
	_, err := c.VitalChart(t.Context(), "aster", "", "memory", time.Time{})
	assert.ErrorContains(t, err, "stopping")
}

// fakePrometheus answers range queries in the form of Prometheus: https://prometheus.io/docs/prometheus/latest/querying/api/#range-queries
type fakePrometheus struct {
	*httptest.Server
	mu    sync.Mutex
	asked []url.Values
	// series are what it answers: labels in JSON, and the value at all times.
	series map[string]float64
}

func newFakePrometheus(t *testing.T, series map[string]float64) *fakePrometheus {
	t.Helper()
	f := &fakePrometheus{series: series}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	return f
}

func (f *fakePrometheus) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/prometheus/api/v1/query_range" {
		http.NotFound(w, r)
		return
	}
	r.ParseForm()
	f.mu.Lock()
	f.asked = append(f.asked, r.Form)
	f.mu.Unlock()
	start, _ := strconv.ParseFloat(r.Form.Get("start"), 64)
	end, _ := strconv.ParseFloat(r.Form.Get("end"), 64)
	step, _ := strconv.ParseFloat(r.Form.Get("step"), 64)
	var all []string
	for labels, value := range f.series {
		var points []string
		for at := start; at <= end; at += step {
			points = append(points, fmt.Sprintf(`[%.3f,"%v"]`, at, value))
		}
		all = append(all, fmt.Sprintf(`{"metric":%s,"values":[%s]}`, labels, strings.Join(points, ",")))
	}
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"status":"success","data":{"resultType":"matrix","result":[%s]}}`, strings.Join(all, ","))
}

func (f *fakePrometheus) questions() []url.Values {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.asked
}

func asking(address string) func(*AgentConfig, *Config) {
	return func(_ *AgentConfig, cfg *Config) { cfg.Prometheus.URL = address }
}

func TestThePrometheusIsAskedForTheAlertsExpression(t *testing.T) {
	f := newFakePrometheus(t, map[string]float64{
		`{"job":"aster"}`:                        0.25,
		`{"job":"aster","instance":"elsewhere"}`: 0.9,
	})
	c := night(t, nil, asking(f.URL+"/prometheus/"))
	alert := firing(`sum by (job) (rate(agent_errors_total[5m])) / sum by (job) (rate(agent_chats_total[5m])) > 0.05 and on () vector(1)`)
	delete(alert.Labels, "instance")
	charts := c.Charts(t.Context(), []ChartedAlert{alert})
	assert.Equal(t, "the expression of HighErrorRate of aster in the last hour, from Prometheus: 25 %, now 25 %; alert above 5 %; "+
		"it has other conditions, too; fired 11:42 UTC", chartTitled(t, charts, "HighErrorRate, last hour").Alt)
	require.Len(t, f.questions(), 1)
	asked := f.questions()[0]
	assert.Equal(t, "sum by (job) (rate(agent_errors_total[5m])) / sum by (job) (rate(agent_chats_total[5m]))", asked.Get("query"))
	assert.Equal(t, "60", asked.Get("step"))
	assert.Equal(t, strconv.FormatInt(noon.Unix(), 10), asked.Get("end"))

	c.Charts(t.Context(), []ChartedAlert{alert})
	assert.Len(t, f.questions(), 1, "what was drawn a moment ago is not asked again")
}

func TestManyWhoAskForTheSameShareTheWork(t *testing.T) {
	f := newFakePrometheus(t, map[string]float64{`{"job":"aster","instance":"aster:8080"}`: 0.25})
	c := night(t, nil, asking(f.URL+"/prometheus"))
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			charts := c.Charts(t.Context(), []ChartedAlert{firing(`agent_pool_size > 5`)})
			assert.Contains(t, titles(charts), "HighErrorRate, last hour")
		})
	}
	all.Wait()
	assert.Len(t, f.questions(), 1)
}

// TestP5APrometheusThatIsIllCostsNoChartOfOurs has answers that no Prometheus should give. In each case what we know
// ourselves is drawn in its place.
func TestP5APrometheusThatIsIllCostsNoChartOfOurs(t *testing.T) {
	answer := func(body string) http.HandlerFunc { return say(200, "application/json", body) }
	matrix := func(result string) http.HandlerFunc {
		return answer(`{"status":"success","data":{"resultType":"matrix","result":[` + result + `]}}`)
	}
	for name, handler := range map[string]http.HandlerFunc{
		"hangs": func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body) // only then the server sees that the caller goes away
			hang(w, r)
		},
		"refuses":        say(503, "text/plain", "hunter2"),
		"an error":       say(422, "application/json", `{"status":"error","errorType":"hunter2","error":"hunter2"}`),
		"no JSON":        say(200, "text/html", "<html>hunter2"),
		"nothing":        say(204, "", ""),
		"a vector":       answer(`{"status":"success","data":{"resultType":"vector","result":[]}}`),
		"another type":   answer(`{"status":"success","data":{"resultType":"hunter2","result":[]}}`),
		"a wrong type":   answer(`{"status":"success","data":{"resultType":"matrix","result":{"a":7}}}`),
		"no values":      matrix(`{"metric":{"job":"aster","instance":"aster:8080"},"values":[]}`),
		"others' series": matrix(`{"metric":{"job":"hunter2"},"values":[[1,"1"]]}`),
		"other times":    matrix(`{"metric":{"job":"aster"},"values":[[-1e300,"1"],[1e18,"2"],[0.5,"3"]]}`),
		"no numbers":     matrix(fmt.Sprintf(`{"metric":{"job":"aster"},"values":[[%d,"NaN"],[%d,"+Inf"]]}`, noon.Unix(), noon.Unix()-60)),
		"nested":         answer(strings.Repeat(`{"data":`, 100_000)),
		"endless": func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, `{"status":"success","data":{"resultType":"matrix","result":[`)
			for {
				if _, err := io.WriteString(w, strings.Repeat(`{"metric":{"job":"aster"},"values":[[1,"1"]]},`, 1000)); err != nil {
					return
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFakeAgent(t)
			f.on("/api/v1/query_range", handler)
			var log bytes.Buffer
			c := night(t, nil, asking(f.URL), func(_ *AgentConfig, cfg *Config) {
				if name == "hangs" {
					cfg.Deadline = model.Duration(8 * time.Second) // what is left of it has to do for the drawing on a busy machine
				}
			})
			c.logger = slog.New(slog.NewTextHandler(&log, nil))
			charts := c.Charts(t.Context(), []ChartedAlert{firing(`agent_pool_size > 5`)})
			assert.Contains(t, chartTitled(t, charts, "HighErrorRate, last hour").Alt, "from our scrapes: 42, now 42", "from our own history")
			assert.Greater(t, len(charts), 1, "and the vitals")
			assert.NotContains(t, log.String(), "hunter2", "what it said is shown to nobody")
			assert.Positive(t, f.times("/api/v1/query_range"))
		})
	}
}

func TestP10ThePrometheusCredentialsStayWithIt(t *testing.T) {
	elsewhere := newFakeAgent(t)
	f := newFakeAgent(t)
	f.on("/api/v1/query_range", func(w http.ResponseWriter, r *http.Request) {
		_, password, _ := r.BasicAuth()
		assert.Equal(t, "hunter2", password)
		http.Redirect(w, r, elsewhere.URL+"/api/v1/query_range", http.StatusTemporaryRedirect)
	})
	var log bytes.Buffer
	c := night(t, nil, asking(f.URL), func(_ *AgentConfig, cfg *Config) {
		cfg.Prometheus.HTTPConfig = &httpclient.Config{BasicAuth: &commoncfg.BasicAuth{Username: "u", Password: "hunter2"}}
	})
	c.logger = slog.New(slog.NewTextHandler(&log, nil))
	c.Charts(t.Context(), []ChartedAlert{firing(`agent_pool_size > 5`)})
	assert.Equal(t, 1, f.times("/api/v1/query_range"))
	assert.Zero(t, elsewhere.times("/api/v1/query_range"))
	assert.Contains(t, log.String(), "could not be evaluated")
	assert.NotContains(t, log.String(), "hunter2")
}

func TestReloadedPrometheus(t *testing.T) {
	first := newFakePrometheus(t, nil)
	second := newFakePrometheus(t, nil)
	a := AgentConfig{Name: "aster", Match: []string{`job="aster"`}, URL: "http://aster:8080"}
	cfg := Config{Prometheus: PrometheusConfig{URL: first.URL + "/prometheus"}}
	c, err := New([]AgentConfig{a}, cfg, t.TempDir(), discard, prometheus.NewRegistry())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	before := c.settings.Load().prometheus
	apply, err := c.Prepare([]AgentConfig{a}, cfg)
	require.NoError(t, err)
	apply()
	assert.Same(t, before, c.settings.Load().prometheus, "nothing changed")
	cfg.Prometheus.URL = second.URL + "/prometheus"
	apply, err = c.Prepare([]AgentConfig{a}, cfg)
	require.NoError(t, err)
	apply()
	c.Charts(t.Context(), []ChartedAlert{firing(`agent_pool_size > 5`)})
	assert.Empty(t, first.questions())
	assert.Len(t, second.questions(), 1)
}

func TestPrometheusConfigValidate(t *testing.T) {
	for want, cfg := range map[string]PrometheusConfig{
		"":                           {},
		"url: must begin with http":  {URL: "prometheus:9090"},
		"url: must not hold a user":  {URL: "http://u:hunter2@prometheus:9090"},
		"url: must not have a query": {URL: "http://prometheus:9090/graph?g0.expr=up"},
		"url: is missing":            {HTTPConfig: &httpclient.Config{}},
		"http_config.bearer_token: basic_auth and bearer_token are set": {URL: "http://prometheus:9090", HTTPConfig: &httpclient.Config{BasicAuth: &commoncfg.BasicAuth{Password: "hunter2"}, BearerToken: "hunter2"}},
		"url: is not a URL like http://a":                               {URL: "http://[::1"},
	} {
		var text string
		for _, p := range (Config{Prometheus: cfg}).Validate() {
			text += p.Path + ": " + p.Msg + "\n"
		}
		if want == "" {
			assert.Empty(t, text)
			continue
		}
		assert.Contains(t, text, "prometheus."+want)
		assert.NotContains(t, text, "hunter2")
	}
	assert.Empty(t, (Config{Prometheus: PrometheusConfig{URL: "https://example.com/prometheus/"}}).Validate())
}

func TestTopics(t *testing.T) {
	assert.Equal(t, []string{"errors"}, Topics("HighErrorRateFailures"))
	assert.Equal(t, []string{"cost", "tokens"}, Topics("CostIsHigh"))
	assert.Empty(t, Topics("Watchdog"))
	assert.True(t, About([]string{"a", "b"}, []string{"b"}))
	assert.False(t, About([]string{"a"}, nil))
}

// lookAgain is a fresh snapshot of the one agent.
func lookAgain(t *testing.T, c *Collector) *Snapshot {
	t.Helper()
	s, err := c.Look(t.Context(), "aster", "", true)
	require.NoError(t, err)
	return s
}

func TestP9AChartOfAFewDotsIsNone(t *testing.T) {
	now := time.Now()
	for scrapes, want := range map[int]bool{1: false, 4: false, 60: true} {
		c := newCollector(t, newFakeAgent(t).URL)
		for i := range scrapes {
			past(t, c, now.Add(-15*time.Second*time.Duration(scrapes-1-i)), sdkMetrics(now.Add(-24*time.Hour), 100*(i+1), 10*i))
		}
		charts := c.Charts(t.Context(), []ChartedAlert{{Labels: about, StartsAt: now}})
		assert.Equal(t, want, len(charts) > 0, "after %d scrapes", scrapes)
	}
}

// Whoever can post an alert can write any expression. None of these ends the process or waits beyond the deadline.
func TestP5AnExpressionThatAsksForTooMuchIsNotEvaluated(t *testing.T) {
	f := newFakePrometheus(t, nil)
	c := night(t, nil, asking(f.URL+"/prometheus"))
	for _, expr := range []string{
		`max_over_time(agent_pool_size[292y:1ms]) > 1`,
		`max_over_time(max_over_time(agent_pool_size[1d:1m])[30d:1m]) > 1`,
		strings.Repeat("label_replace(", 90) + "agent_pool_size" + strings.Repeat(`,"a","$1$1$1","job","(.*)")`, 90) + " > 1",
	} {
		for _, one := range c.Charts(t.Context(), []ChartedAlert{firing(expr)}) {
			assert.NotEqual(t, "HighErrorRate, last hour", one.Title)
		}
	}
	assert.Empty(t, f.questions(), "nor is the Prometheus asked for it")
}

func TestASubqueryWithoutAStep(t *testing.T) {
	c := night(t, nil, func(a *AgentConfig, _ *Config) {
		a.Queries = []QueryConfig{{Name: "largest pool", Expr: "max_over_time(agent_pool_size[10m:])"}}
	})
	assert.InDelta(t, 42, *vitalNamed(t, lookAgain(t, c), "largest pool").Value, 0)
	charts := c.Charts(t.Context(), []ChartedAlert{firing("max_over_time(agent_pool_size[10m:]) > 5")})
	assert.Contains(t, titles(charts), "HighErrorRate, last hour")
}

// P10: PromQL's errors repeat labels, which may be personal, and the expression of an alert may hold some.
func TestP10AnExpressionThatFailsTellsNoLabels(t *testing.T) {
	var log bytes.Buffer
	c := night(t, nil, func(a *AgentConfig, _ *Config) {
		a.Queries = []QueryConfig{{Name: "wrong", Expr: "agent_pool_size / on () agent_errors_total"}}
	})
	c.logger = slog.New(slog.NewTextHandler(&log, nil))
	past(t, c, noon.Add(time.Second), "agent_pool_size 1\nagent_errors_total{user_email=\"planted1\"} 1\nagent_errors_total{user_email=\"planted2\"} 1\n")
	c.now = func() time.Time { return noon.Add(2 * time.Second) }
	s := lookAgain(t, c)
	assert.Equal(t, "could not be computed", vitalNamed(t, s, "wrong").Note)
	c.Charts(t.Context(), []ChartedAlert{firing(`agent_errors_total{user_email!="planted3"} / on (job, instance) agent_errors_total > 1`)})
	assert.Contains(t, log.String(), "found duplicate series")
	assert.Contains(t, log.String(), "A chart could not be drawn")
	assert.NotContains(t, log.String(), "planted")
}

// Whoever asks the API for charts without end costs the messages none of theirs.
func TestChartsOfTheAPIHaveAPlaceOfTheirOwn(t *testing.T) {
	c := night(t, nil, deadline(50*time.Millisecond))
	c.charts.single <- struct{}{}
	_, err := c.VitalChart(t.Context(), "aster", "", "memory", time.Time{})
	require.ErrorIs(t, err, ErrBusy)
	<-c.charts.single

	c = night(t, nil)
	c.charts.single <- struct{}{}
	assert.NotEmpty(t, c.Charts(t.Context(), []ChartedAlert{firing("agent_pool_size > 5")}))
	<-c.charts.single
	c.charts.slots <- struct{}{}
	_, err = c.VitalChart(t.Context(), "aster", "", "memory", time.Time{})
	require.NoError(t, err)
	<-c.charts.slots
}

// In a storm a message goes without charts rather than wait for those of the others; whoever asks again later has them.
func TestChartsInAStormAreLeftOut(t *testing.T) {
	c := night(t, nil, deadline(time.Hour)) // so that waiting would be seen
	alert := []ChartedAlert{firing("agent_pool_size > 5")}
	for range maxChartGroups {
		c.charts.groups <- struct{}{}
	}
	assert.Empty(t, c.Charts(t.Context(), alert))
	assert.InDelta(t, 1, testutil.ToFloat64(c.metrics.chartsSkipped), 0)
	for range maxChartGroups {
		<-c.charts.groups
	}
	assert.NotEmpty(t, c.Charts(t.Context(), alert))
}

// After one scrape there is a value, and nothing to draw.
func TestVitalChartOfOneScrapeSaysWhatIsKnown(t *testing.T) {
	f := newFakeAgent(t)
	f.on("/metrics", say(200, "text/plain", sdkMetrics(time.Now().Add(-time.Hour), 100, 1)))
	c := newCollector(t, f.URL)
	s := c.Snapshot(t.Context(), about)
	c.now = func() time.Time { return s.Metrics.At.Add(-time.Millisecond) } // whole seconds are drawn, and this one has no scrape yet
	for vital, words := range map[string]string{
		"pool": "only the newest value is known", "error rate": "only the value since start is known", "cost": "not reported",
	} {
		drawn, err := c.VitalChart(t.Context(), "aster", "", vital, time.Time{})
		require.NoError(t, err)
		require.NotNil(t, drawn)
		assert.Contains(t, drawn.Alt, words, vital)
	}
}
