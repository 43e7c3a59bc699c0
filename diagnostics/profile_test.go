package diagnostics

import (
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/promql/parser"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestProfilesAreRight(t *testing.T) {
	units := []Unit{Short, PercentUnit, Seconds, Bytes, PerSecond, Tokens, CurrencyUSD}
	topics := []string{"errors", "latency", "memory", "tokens", "cost", "capacity", "traffic", "runtime"}
	parses := func(expr string) {
		t.Helper()
		text := strings.NewReplacer("$__rate_interval", "5m", "$__window", "1h", "$__history", "2h").Replace(expr)
		_, err := parser.NewParser(parser.Options{}).ParseExpr(text)
		assert.NoError(t, err, expr)
	}
	for _, p := range profiles {
		t.Run(p.Name, func(t *testing.T) {
			assert.True(t, len(p.Recognise) > 0 || p.RecogniseHealth.Path != "")
			seen := map[string]bool{}
			for _, v := range p.Vitals {
				assert.False(t, seen[v.Name], "%s twice", v.Name)
				seen[v.Name] = true
				assert.Contains(t, units, v.Unit, v.Name)
				assert.Subset(t, topics, v.Topics, v.Name)
				assert.NotEmpty(t, v.Topics, v.Name)
				parses(v.Expr)
				assert.Equal(t, v.needsRate(), v.SinceStart != "", "%s: a rate needs its like since start", v.Name)
				for _, expr := range []string{v.SinceStart, v.Buckets, v.When} {
					if expr != "" {
						parses(expr)
					}
				}
				assert.Equal(t, v.When == "", v.Note == "", v.Name)
			}
			for _, table := range p.Tables {
				assert.NotEmpty(t, table.By)
				assert.Equal(t, table.Of == "", table.OfSinceStart == "")
				for _, expr := range []string{table.Expr, table.SinceStart} {
					parses(expr)
				}
			}
		})
	}
	assert.Equal(t, "go-runtime", profiles[len(profiles)-1].Name, "the general one comes last")
	for _, p := range profiles {
		assert.True(t, slices.ContainsFunc(p.Vitals, func(v vitalSpec) bool { return v.Name == "uptime" }), "%s includes the runtime", p.Name)
	}
}

func TestParseProfileIsStrict(t *testing.T) {
	for _, text := range []string{"name: x\nvitalls: []\n", "vitals: [{name: a, warn: 'over 3'}]", "vitals: [{name: a, crit: '> x'}]"} {
		_, err := parseProfile([]byte(text))
		assert.Error(t, err, text)
	}
}

func TestThreshold(t *testing.T) {
	for text, want := range map[string][3]bool{"> 2": {false, false, true}, ">= 2": {false, true, true}, "< 2": {true, false, false}, "<= 2": {true, true, false}, "": {}} {
		limit, err := parseThreshold(text)
		require.NoError(t, err)
		assert.Equal(t, want, [3]bool{limit.beyond(1), limit.beyond(2), limit.beyond(3)}, text)
	}
}
