package rules_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRulesThatLookBackTooFarAreNamed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "r.yml")
	require.NoError(t, os.WriteFile(file, []byte(`
groups:
  - name: g
    rules:
      - {alert: Now, expr: 'up == 0'}
      - {alert: Watchdog, expr: 'vector(1)'}
      - {alert: Night, expr: 'hour() > 20'}
      - {alert: Hours, expr: 'increase(m[2h]) > 0'}
      - {alert: Day, expr: 'sum(increase(m[1d])) > 0'}
      - {alert: Offset, expr: 'm - m offset 3h'}
      - {record: sub:query, expr: 'max_over_time(rate(m[5m])[2h:])'}
`), 0o600))

	assert.Equal(t, []string{"Day", "Offset", "sub:query"}, read(t, file).Beyond(2*time.Hour+time.Minute))
}
