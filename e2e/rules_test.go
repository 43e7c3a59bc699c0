//go:build acceptance

package e2e

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// faster is by how much the rules of the demo agent are quicker than the shipped ones.
const faster = 30

// quickened is a copy of the shipped rules. In agent-sdk.yml, the rules for the demo agent, every duration is divided by faster: how
// long an expression must hold, and the ranges in it, so that five minutes are ten seconds. Thresholds, labels and all else are as
// shipped; so is every other file, whose alerts must stay quiet.
func quickened(t *testing.T) string {
	t.Helper()
	files, err := filepath.Glob("../rules/*.yml")
	require.NoError(t, err)
	require.Greater(t, len(files), 5)
	dir := t.TempDir()
	changed := 0
	for _, file := range files {
		source, err := os.ReadFile(file)
		require.NoError(t, err)
		if filepath.Base(file) == "agent-sdk.yml" {
			source, changed = quicken(t, source)
		}
		require.NoError(t, os.WriteFile(filepath.Join(dir, filepath.Base(file)), source, 0o600))
	}
	require.Positive(t, changed, "the rules of the demo agent are in another file now")
	return dir
}

func quicken(t *testing.T, source []byte) (quick []byte, rules int) {
	t.Helper()
	var file rulefmt.RuleGroups
	require.NoError(t, yaml.UnmarshalWithOptions(source, &file, yaml.Strict()))
	for g := range file.Groups {
		for r := range file.Groups[g].Rules {
			rule := &file.Groups[g].Rules[r]
			expr, err := parser.NewParser(parser.Options{}).ParseExpr(rule.Expr)
			require.NoError(t, err)
			parser.Inspect(expr, func(n parser.Node, _ []parser.Node) error {
				if m, ok := n.(*parser.MatrixSelector); ok {
					m.Range /= faster
				}
				return nil
			})
			rule.Expr = expr.String()
			rule.For /= faster
			rules++
		}
	}
	quick, err := yaml.Marshal(file)
	require.NoError(t, err)
	return quick, rules
}

func TestQuickenChangesTimesAlone(t *testing.T) {
	quick, rules := quicken(t, []byte(`
groups:
  - name: g
    rules:
      - alert: A
        expr: rate(a_total[5m]) > 0.1 and b == 300
        for: 1m
        labels: {severity: warning}
        annotations: {summary: '{{ $value }} in 5m'}
`))

	assert.Equal(t, 1, rules)
	var file rulefmt.RuleGroups
	require.NoError(t, yaml.Unmarshal(quick, &file))
	assert.Equal(t, rulefmt.Rule{
		Alert: "A", Expr: "rate(a_total[10s]) > 0.1 and b == 300", For: model.Duration(2 * time.Second),
		Labels: map[string]string{"severity": "warning"}, Annotations: map[string]string{"summary": "{{ $value }} in 5m"},
	}, file.Groups[0].Rules[0])
}
