//go:build captures

package rule

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestRulesOfRealPayloads reads what a real Prometheus and a real Alertmanager put into webhooks.
func TestRulesOfRealPayloads(t *testing.T) {
	want := map[string]Condition{
		"APICallFailures":  {Value: `increase(agent_tool_calls_total{status="failed"}[1m])`, Op: ">", Limit: 2},
		"HighErrorRate":    {Value: `rate(aster_http_requests_total{status="5xx"}[1m]) / rate(aster_http_requests_total[1m])`, Op: ">", Limit: 0.05},
		"PoolNearCapacity": {Value: `agent_pool_size / agent_pool_max_size`, Op: ">", Limit: 0.8},
		"HighMemoryUsage":  {Value: `agent_memory_usage_bytes`, Op: ">", Limit: 1e8},
		"TargetDown":       {Value: `up{job="aster"}`, Op: "==", Limit: 0},
	}
	files, err := filepath.Glob(filepath.Join(os.Getenv("CAPTURES"), "alertmanager", "0.25", "*.json"))
	require.NoError(t, err)
	require.NotEmpty(t, files, "CAPTURES says where the captures are")
	seen := map[string]bool{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		var payload struct {
			Alerts []struct {
				Labels       map[string]string `json:"labels"`
				GeneratorURL string            `json:"generatorURL"`
			} `json:"alerts"`
		}
		require.NoError(t, json.Unmarshal(data, &payload), file)
		for _, alert := range payload.Alerts {
			got, err := Split(FromURL(alert.GeneratorURL))
			require.NoError(t, err, alert.GeneratorURL)
			got.expr = nil
			assert.Equal(t, want[alert.Labels["alertname"]], got)
			seen[alert.Labels["alertname"]] = true
		}
	}
	assert.Len(t, seen, len(want))
}
