package diagnostics

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/prometheus/promql"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestWhatExpressionsShare(t *testing.T) {
	const all = `{__shared__="rate(n[$__rate_interval])"}`
	for _, c := range []struct {
		name        string
		texts, want []string
	}{
		{"the widest serves all", []string{
			`sum(rate(n[$__rate_interval]))`, `sum by (a) (rate(n[$__rate_interval]))`,
			`sum(rate(n{a="x"}[$__rate_interval])) / sum(rate(n{a=~"x|y",b!="z"}[$__rate_interval])) * 60`,
		}, []string{
			`sum(` + all + `)`, `sum by (a) (` + all + `)`,
			`sum({__shared__="rate(n[$__rate_interval])",a="x"}) / sum({__shared__="rate(n[$__rate_interval])",a=~"x|y",b!="z"}) * 60`,
		}},
		{"nobody asks for all", []string{`sum(rate(n{a="x"}[5m]))`, `sum(rate(n{a="y"}[5m]))`}, []string{"", ""}},
		{"other functions, spans and metrics", []string{
			`rate(n[$__rate_interval])`, `increase(n[$__window])`, `rate(n[$__history])`, `rate(m[$__rate_interval])`,
			`rate({__name__=~"n"}[$__rate_interval])`, `irate(n[$__rate_interval])`,
		}, []string{"", "", "", "", "", ""}},
		{"labels that a rate drops", []string{`rate(n[5m])`, `sum(rate(n{__type__="counter"}[5m]))`}, []string{"", ""}},
		{"what labels the absence", []string{
			`sum(rate(n[5m]))`, `absent((rate(n{a="x"}[5m])))`, `avg(rate(n[5m])) or absent(sum(rate(n{a="y"}[5m])))`,
		}, []string{`sum({__shared__="rate(n[5m])"})`, "", `avg({__shared__="rate(n[5m])"}) or absent(sum(rate(n{a="y"}[5m])))`}},
		{"at another time", []string{
			`rate(n[5m])`, `rate(n[5m] offset 1h)`, `rate(n[5m] @ 0)`, `max_over_time(rate(n[5m])[1h:1m])`, `rate(n[5m:1m])`, `rate(n[5m] @ end())`,
		}, []string{"", "", "", "", "", ""}},
		{"quoted names", []string{
			`sum by ("a.b") (increase({"n.n","a.b"="\"x"}[$__window]))`, `sum(increase({"n.n","a.b"="\"x",c="d"}[$__window]))`,
		}, []string{
			`sum by ("a.b") ({__shared__="increase({\"n.n\",\"a.b\"=\"\\\"x\"}[$__window])"})`,
			`sum({__shared__="increase({\"n.n\",\"a.b\"=\"\\\"x\"}[$__window])",c="d"})`,
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var expressions []*expression
			for _, text := range c.texts {
				expressions = append(expressions, mustParse(text))
			}
			share(expressions)
			for i, e := range expressions {
				assert.Equal(t, c.want[i], e.shared, e.text)
			}
		})
	}
}

// TestSharedIsTheSame asks for everything that the profiles share both ways.
func TestSharedIsTheSame(t *testing.T) {
	compared := 0
	for name, text := range map[string]func(i int) string{
		"aster-server": asterSeries, "gen-ai": genAISeries, "claude-code": claudeSeries,
	} {
		t.Run(name, func(t *testing.T) {
			now := time.Now()
			c := newCollector(t, "http://127.0.0.1:1")
			set := c.settings.Load()
			for i := range 40 {
				past(t, c, now.Add(time.Duration(i-40)*2*time.Minute), text(i))
			}
			e, err := c.evaluator(t.Context(), set, set.agents[0], now)
			require.NoError(t, err)
			for _, p := range embedded {
				for _, expr := range p.expressions() {
					if expr.shared == "" || !expr.possible(e.names) {
						continue
					}
					for _, at := range []time.Time{e.at, e.times[len(e.times)/2]} {
						want, err := e.evaluate(t.Context(), question{expr.over(30*time.Minute, set.history), at.UnixMilli()})
						require.NoError(t, err)
						got, err := e.query(t.Context(), expr, at, 30*time.Minute)
						require.NoError(t, err)
						assertSameVector(t, want, got, expr.text)
						compared += len(want)
					}
				}
			}
		})
	}
	assert.Greater(t, compared, 100)
}

// assertSameVector takes no heed of the order, nor of the last digits of sums in another order.
func assertSameVector(t *testing.T, want, got promql.Vector, text string) {
	t.Helper()
	require.Len(t, got, len(want), text)
	values := map[string]float64{}
	for _, one := range want {
		values[one.Metric.String()] = one.F
	}
	for _, one := range got {
		was, ok := values[one.Metric.String()]
		if assert.True(t, ok, "%s: %s", text, one.Metric) && was != one.F {
			assert.InEpsilon(t, was, one.F, 1e-12, "%s: %s", text, one.Metric)
		}
	}
}

// TestSharedHistogramsAreOnes: TestP9QuantilesOfNativeHistograms reads them by what is shared.
func TestSharedHistogramsAreOnes(t *testing.T) {
	of := profileNamed(embedded, "agent-sdk").Vitals
	native := slices.IndexFunc(of, func(v vitalSpec) bool { return v.Name == "p95 latency" })
	require.GreaterOrEqual(t, native, 0)
	assert.True(t, slices.ContainsFunc(of[native].ways, func(w way) bool {
		return w.histogram == nil && !w.average && w.current.shared != ""
	}))
}

// TestWhatIsSharedFailsForWhoTakesIt has two metrics that are one without their names, for one value of a label alone.
func TestWhatIsSharedFailsForWhoTakesIt(t *testing.T) {
	now := time.Now()
	c := newCollector(t, "http://127.0.0.1:1")
	set := c.settings.Load()
	for i := range 3 {
		past(t, c, now.Add(time.Duration(i-3)*time.Minute),
			fmt.Sprintf("a_total{b=\"c\"} %d\nb_total{b=\"c\"} %d\nb_total{b=\"d\"} %d\n", i, i, 60*i))
	}
	e, err := c.evaluator(t.Context(), set, set.agents[0], now)
	require.NoError(t, err)
	all := []*expression{
		mustParse(`sum(rate({__name__=~"._total"}[1h]))`), mustParse(`sum by (b) (rate({__name__=~"._total"}[1h]))`),
		mustParse(`sum(rate({__name__=~"._total",b="d"}[$__rate_interval])) * 60`), mustParse(`sum(rate({__name__=~"._total"}[$__rate_interval]))`),
	}
	share(all)
	for _, i := range []int{0, 1, 3} {
		expr := all[i]
		_, err = e.query(t.Context(), expr, e.at, 2*time.Minute)
		require.EqualError(t, err, fmt.Sprintf("evaluating %q: vector cannot contain metrics with the same labelset", expr.text), "as if nothing were shared")
	}
	require.Contains(t, all[2].shared, sharedLabel)
	n, found, err := e.number(t.Context(), all[2], e.at, 2*time.Minute+time.Millisecond)
	require.NoError(t, err)
	assert.True(t, found)
	assert.InDelta(t, 60, n.value, 0.1, "it takes no series of which there are two")
}

// TestWhatIsSharedIsAskedForByUsAlone: an evaluator would take the label's value for PromQL, of whatever size.
func TestWhatIsSharedIsAskedForByUsAlone(t *testing.T) {
	for _, text := range []string{`{__shared__="1"}`, `sum(rate(n{a="b",__shared__!="c"}[5m]))`} {
		_, err := parseExpression(text)
		require.ErrorContains(t, err, "__shared__ is no label of an agent's")
	}
	// The rule of an alert is another's text, and is evaluated over what was scraped alone.
	c := newCollector(t, "http://127.0.0.1:1")
	set, now := c.settings.Load(), time.Now()
	past(t, c, now, "n 1\n")
	e, err := c.evaluator(t.Context(), set, set.agents[0], now)
	require.NoError(t, err)
	got, err := e.matrix(t.Context(), `{__shared__="vector(1)"}`, until(now, time.Minute, 2))
	require.NoError(t, err)
	assert.Empty(t, got)
	got, err = e.matrix(t.Context(), `n`, until(now, time.Minute, 2))
	require.NoError(t, err)
	assert.Len(t, got, 1)
}
