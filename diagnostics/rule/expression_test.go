package rule

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/promql/parser"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestFromURL(t *testing.T) {
	for in, want := range map[string]string{
		// Prometheus 2.42, and 3.5 in its own page's form.
		"http://lab:9095/graph?g0.expr=agent_pool_size+%2F+agent_pool_max_size+%3E+0.8&g0.tab=1":        "agent_pool_size / agent_pool_max_size > 0.8",
		"https://prom.example.com/prometheus/query?g0.expr=up%7Bjob%3D%22aster%22%7D+%3D%3D+0&g0.tab=1": `up{job="aster"} == 0`,
		"http://thanos/graph?g0.expr=a%3Eb&g0.expr=c":                                                   "a>b",
		"http://vmalert/vmalert/alert?group_id=1&alert_id=2":                                            "",
		"http://grafana/alerting/grafana/xyz/view":                                                      "",
		"":                            "",
		"http://[::1/graph?g0.expr=a": "",
		"http://p/graph?g0.expr=%zz":  "",
		"http://p/graph?g0.expr=" + strings.Repeat("a", 5000): "",
	} {
		assert.Equal(t, want, FromURL(in), in)
	}
}

func TestSplit(t *testing.T) {
	for in, want := range map[string]Condition{
		`rate(aster_http_requests_total{status="5xx"}[1m]) / rate(aster_http_requests_total[1m]) > 0.05`: {
			Value: `rate(aster_http_requests_total{status="5xx"}[1m]) / rate(aster_http_requests_total[1m])`, Op: ">", Limit: 0.05,
		},
		`(a) > (0.5)`:                    {Value: "a", Op: ">", Limit: 0.5},
		`0.05 < a`:                       {Value: "a", Op: ">", Limit: 0.05},
		`100 >= a`:                       {Value: "a", Op: "<=", Limit: 100},
		`a <= -1`:                        {Value: "a", Op: "<=", Limit: -1},
		`a > 2 * 1024 ^ 1`:               {Value: "a"},
		`a > 100 * 1024 * 1024`:          {Value: "a", Op: ">", Limit: 100 << 20},
		`a == 0`:                         {Value: "a", Op: "==", Limit: 0},
		`a != 1`:                         {Value: "a", Op: "!=", Limit: 1},
		`a > b * 0.9`:                    {Value: "a"},
		`a > on (instance) group_left b`: {Value: "a"},
		`scalar(b) < a`:                  {Value: "a"},
		`a > 1 and b < 2`:                {Value: "a", Op: ">", Limit: 1, More: true},
		`((a > 1) unless b) and on() c`:  {Value: "a", Op: ">", Limit: 1, More: true},
		`sum(a) and on() b > 10`:         {Value: "sum(a)", More: true},
		`a > bool 1`:                     {Value: "a > bool 1"},
		`absent(a)`:                      {Value: "absent(a)"},
		`sum by (x) (a + b) >= 1e+08`:    {Value: "sum by (x) (a + b)", Op: ">=", Limit: 1e8},
		`(a or vector(0)) / b > 0.5`:     {Value: "(a or vector(0)) / b", Op: ">", Limit: 0.5},
		`(a and b) > 1`:                  {Value: "a and b", Op: ">", Limit: 1},
		`time() - a > 300`:               {Value: "time() - a", Op: ">", Limit: 300},
	} {
		got, err := Split(in)
		require.NoError(t, err, in)
		got.expr = nil
		assert.Equal(t, want, got, in)
	}
	for _, in := range []string{"", "a >", "a[5m]", `"text"`, "1 > 0", "vector(1) > 2 > 1", "a > 1 or b > 2", "a > 1 > 0", "1", strings.Repeat("(", 5000)} {
		_, err := Split(in)
		assert.Error(t, err, in)
	}
}

// agentMetrics are what the target of the tests reports.
var agentMetrics = map[string][]string{
	"requests_total":             {"__name__", "job", "instance", "path", "status"},
	"latency_bucket":             {"__name__", "job", "instance", "le"},
	"pool_size":                  {"__name__", "job", "instance"},
	"pool_max_size":              {"__name__", "job", "instance"},
	"process_start_time_seconds": {"__name__", "job", "instance"},
}

func aster(alert map[string]string) Target {
	return Target{Instance: "aster:8080", Alert: alert, Labels: func(metric string) []string { return agentMetrics[metric] }}
}

// TestP9LocalIsRefusedWhereItCouldMeanSomethingElse has, for each expression, what it is over the agent's own series; "" is
// refused.
func TestP9LocalIsRefusedWhereItCouldMeanSomethingElse(t *testing.T) {
	of := map[string]string{"job": "aster", "instance": "aster:8080", "cluster": "lab", "path": "/chat"}
	for in, want := range map[string]Local{
		`pool_size / pool_max_size`:                                        {"pool_size / pool_max_size", 0},
		`rate(requests_total{job="aster",status="5xx"}[5m])`:               {`rate(requests_total{status="5xx"}[5m])`, 5 * time.Minute},
		`rate(requests_total{job=~"aster|other",instance=~".+:8080"}[5m])`: {`rate(requests_total[5m])`, 5 * time.Minute},
		`requests_total{status=~"5.."}`:                                    {`requests_total{status=~"5.."}`, 0},
		// Labels that the Prometheus gave to the target.
		`requests_total{cluster="lab"}`:  {"requests_total", 0},
		`requests_total{cluster="prod"}`: {},
		`requests_total{env="prod"}`:     {},
		`requests_total{env!="prod"}`:    {`requests_total{env!="prod"}`, 0},
		`requests_total{job="other"}`:    {},
		// What adds up instances.
		`sum(rate(requests_total[5m]))`:                                              {},
		`sum by (job) (rate(requests_total[5m]))`:                                    {},
		`sum by (job, instance) (rate(requests_total[5m]))`:                          {`sum by (job, instance) (rate(requests_total[5m]))`, 5 * time.Minute},
		`sum without (path) (rate(requests_total[5m]))`:                              {`sum without (path) (rate(requests_total[5m]))`, 5 * time.Minute},
		`sum without (instance) (requests_total)`:                                    {},
		`topk(1, requests_total)`:                                                    {},
		`sum(rate(requests_total{instance="aster:8080"}[5m]))`:                       {`sum(rate(requests_total[5m]))`, 5 * time.Minute},
		`sum(requests_total{instance="aster:8080"}) / sum(pool_size)`:                {},
		`pool_size / on (job) pool_max_size`:                                         {},
		`pool_size / on (instance) pool_max_size`:                                    {`pool_size / on (instance) pool_max_size`, 0},
		`pool_size / ignoring (instance) pool_max_size`:                              {},
		`(pool_size or on () vector(0)) > 1`:                                         {`pool_size or on () vector(0)`, 0},
		`(pool_size unless on () requests_total) > 1`:                                {},
		`histogram_quantile(0.95, sum by (le) (rate(latency_bucket[5m])))`:           {},
		`histogram_quantile(0.95, sum by (le, instance) (rate(latency_bucket[5m])))`: {`histogram_quantile(0.95, sum by (le, instance) (rate(latency_bucket[5m])))`, 5 * time.Minute},
		`absent(pool_size)`:                                                          {},
		`pool_size / scalar(pool_max_size)`:                                          {},
		`label_replace(pool_size, "instance", "x", "job", ".*")`:                     {},
		`label_replace(pool_size, "tier", "x", "job", ".*")`:                         {`label_replace(pool_size, "tier", "x", "job", ".*")`, 0},
		`time() - process_start_time_seconds{job="aster"}`:                           {"time() - process_start_time_seconds", 0},
		`max_over_time(rate(requests_total[5m])[30m:1m] offset 10m)`:                 {`max_over_time(rate(requests_total[5m])[30m:1m] offset 10m)`, 45 * time.Minute},
		`pool_size offset -5m`:                                                       {},
		`pool_size @ end()`:                                                          {},
		`pool_size @ 1700000000`:                                                     {},
		// Series that the agent does not have, or that are not about it.
		`memory_usage_bytes`:                    {},
		`pool_size / memory_usage_bytes`:        {},
		`(pool_size or memory_usage_bytes) > 1`: {},
		`up{job="aster"}`:                       {},
		`scrape_duration_seconds`:               {},
		`ALERTS`:                                {},
		`{job="aster"}`:                         {},
		`{__name__=~"pool_.+"}`:                 {},
		`vector(1)`:                             {},
		`time()`:                                {},
		`job:requests:rate5m`:                   {},
	} {
		c, err := Split(in)
		require.NoError(t, err, in)
		got, err := c.Local(aster(of))
		assert.Equal(t, want == Local{}, err != nil, "%s: %v, %v", in, got, err)
		assert.Equal(t, want, got, in)
	}
}

func TestP9LocalIsRefusedForAnotherInstance(t *testing.T) {
	c, err := Split(`pool_size{job="aster"} > 5`)
	require.NoError(t, err)
	local := func(target Target) string {
		got, _ := c.Local(target)
		return got.Value
	}
	assert.Equal(t, "pool_size", local(aster(map[string]string{"job": "aster", "instance": "aster:8080"})))
	assert.Empty(t, local(aster(map[string]string{"job": "aster", "instance": "aster-1:8080"})))
	assert.Empty(t, local(aster(map[string]string{"job": "aster"})))
	known := aster(map[string]string{"job": "aster", "instance": "10.0.0.3:8080"})
	known.Known = true
	assert.Equal(t, "pool_size", local(known), "the configuration says that this instance is the agent")
	jobless := aster(map[string]string{"instance": "aster:8080"})
	assert.Empty(t, local(jobless), "which job the alert is of is not known")
	jobless.Job = "aster"
	assert.Equal(t, "pool_size", local(jobless))
}

func TestKind(t *testing.T) {
	for in, want := range map[string]Kind{
		`process_resident_memory_bytes > 1e8`:                                            Bytes,
		`sum(process_resident_memory_bytes) by (instance) > 1e8`:                         Bytes,
		`histogram_quantile(0.95, sum by (le) (rate(a_latency_seconds_bucket[5m]))) > 5`: Seconds,
		`rate(a_seconds_sum[5m]) / rate(a_seconds_count[5m]) > 0.5`:                      Seconds,
		`rate(errors_total[5m]) > 0.1`:                                                   PerSecond,
		`sum(rate(errors_total{a="b"}[5m])) / sum(rate(errors_total[5m])) > 0.1`:         Ratio,
		`agent_pool_size / agent_pool_max_size > 0.8`:                                    Ratio,
		`a_bytes / b_bytes > 2`:                                                          Ratio,
		`tokens / requests > 5000`:                                                       Plain,
		`increase(errors_total[5m]) > 5`:                                                 Plain,
		`rate(tokens_cost[5m]) > 5`:                                                      Plain,
		`rate(sent_bytes_total[5m]) > 5`:                                                 Plain,
		`agent_pool_size > 5`:                                                            Plain,
		`(sum(rate(e_total[5m])) or vector(0)) / sum(rate(r_total[5m])) > 0.1`:           Ratio,
	} {
		c, err := Split(in)
		require.NoError(t, err, in)
		assert.Equal(t, want, c.Kind(), in)
	}
}

func FuzzSplit(f *testing.F) {
	f.Add(`rate(requests_total{status="5xx"}[5m]) / rate(requests_total[5m]) > 0.05`)
	f.Add(`sum by (instance) (pool_size) and on () vector(1) > 0 unless absent(pool_size offset 5m)`)
	f.Add(`label_replace(pool_size, "x", "$1", "job", "(.*)")[5m:]`)
	f.Fuzz(func(t *testing.T, text string) {
		_ = FromURL("http://p/graph?g0.expr=" + url.QueryEscape(text))
		c, err := Split(text)
		if err != nil {
			return
		}
		_ = c.Kind()
		_, err = parser.NewParser(parser.Options{}).ParseExpr(c.Value)
		require.NoError(t, err, "what was read can be read again")
		local, err := c.Local(aster(map[string]string{"job": "aster", "instance": "aster:8080"}))
		if err == nil {
			_, err = parser.NewParser(parser.Options{}).ParseExpr(local.Value)
			require.NoError(t, err)
		}
	})
}

func TestBounded(t *testing.T) {
	for text, fits := range map[string]bool{
		`max_over_time(x[30d:1m])`:                                   true,
		`max_over_time(x[90d:])`:                                     true,
		`max_over_time(x[1h:1s])`:                                    true,
		`max_over_time(x[292y:1ms])`:                                 false,
		`max_over_time(x[1y:1s])`:                                    false,
		`max_over_time(x[18ms:18ms])`:                                false, // over the hour of a chart
		`max_over_time(max_over_time(x[1h:1m])[1d:1m])`:              true,
		`max_over_time(max_over_time(x[1d:1m])[30d:1m])`:             false,
		`1 + sum(-(max_over_time(x[292y:1ms])))`:                     false,
		`label_replace(x, "host", "$1-$2", "instance", "(.*):(.*)")`: true,
		`label_join(x, "a", "-", "b", "c", "d")`:                     true,
		strings.Repeat("label_replace(", 9) + "x" + strings.Repeat(`, "a", "$1", "a", "(.*)")`, 9):     true,
		strings.Repeat("label_replace(", 9) + "x" + strings.Repeat(`, "a", ("$1$1"), "a", "(.*)")`, 9): false,
		strings.Repeat("label_join(", 9) + "x" + strings.Repeat(`, "a", "", "a", "a")`, 9):             false,
	} {
		expr, err := promQL.ParseExpr(text)
		require.NoError(t, err, text)
		assert.Equal(t, fits, Bounded(expr) == nil, text)
		_, err = Split(text + " > 1")
		assert.Equal(t, fits, err == nil, text)
	}
}
