package exposed

import (
	"testing"

	"github.com/prometheus/prometheus/promql/parser"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestEveryBodyCanBeRead(t *testing.T) {
	entries, err := bodies.ReadDir("bodies")
	require.NoError(t, err)
	for _, entry := range entries {
		body, readErr := bodies.ReadFile("bodies/" + entry.Name())
		require.NoError(t, readErr)
		samples, parseErr := Parse(body)
		require.NoError(t, parseErr, entry.Name())
		assert.NotEmpty(t, samples, entry.Name())
	}
}

func TestASystemWithoutABodyIsAnError(t *testing.T) {
	_, err := Series("nothing")

	assert.ErrorContains(t, err, "there is no body of nothing")
}

func TestUnknownSelectorsAreFound(t *testing.T) {
	series, err := Series("claude-code")
	require.NoError(t, err)
	for in, want := range map[string][]string{
		`sum(claude_code_cost_usage_USD_total{job="x",instance=~"y"})`:       nil,
		`sum(claude_code_cost_usage_total)`:                                  nil, // Claude Code's own exporter
		`rate({__name__=~"(.+_)?claude_code_cost_usage(_USD)?_total"}[5m])`:  nil,
		`claude_cost_usd / claude_cost_usd offset 1d`:                        {`{__name__="claude_cost_usd"}`, `{__name__="claude_cost_usd"}`},
		`claude_code_token_usage_tokens_total{type="thoughts"}`:              {`{type="thoughts",__name__="claude_code_token_usage_tokens_total"}`},
		`up == 0 and on (job) count by (job) (claude_code_session_count_to)`: {`{__name__="claude_code_session_count_to"}`},
	} {
		expr, err := parser.NewParser(parser.Options{}).ParseExpr(in)
		require.NoError(t, err)
		assert.Equal(t, want, Unknown(expr, series, "up"), in)
	}
}
