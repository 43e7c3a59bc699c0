package agent

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func ask(t *testing.T, server *httptest.Server, method, path string) (int, string, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, server.URL+path, nil)
	require.NoError(t, err)
	resp, err := server.Client().Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(body), err
}

func TestEndpointsOfAWellAndAnIllAgent(t *testing.T) {
	server := httptest.NewServer(New())
	defer server.Close()
	answers := func(method, path string, status int, body string) {
		t.Helper()
		gotStatus, gotBody, err := ask(t, server, method, path)
		require.NoError(t, err)
		assert.Equal(t, status, gotStatus)
		assert.Contains(t, gotBody, body)
	}

	answers("GET", "/health", 200, "OK")
	answers("GET", "/ready", 200, "Ready")
	answers("GET", "/metrics", 200, "agent_pool_size 21\n")
	answers("GET", "/nothing", 404, "not found")
	answers("POST", "/demo/ill?with=flu", 400, `unknown illness "flu", want one of errors, slow, tools`)
	answers("POST", "/demo/ill?with=not-ready,pool", 200, "")
	answers("GET", "/health", 200, "OK")
	answers("GET", "/ready", 503, "Not Ready")
	answers("GET", "/metrics", 200, "agent_pool_size 50\n")
	answers("POST", "/demo/ill?with=down", 200, "")
	_, _, err := ask(t, server, "GET", "/health")
	require.Error(t, err, "a connection to an agent that is down breaks")
	answers("POST", "/demo/well", 200, "")
	answers("GET", "/ready", 200, "Ready")
	answers("GET", "/metrics", 200, "agent_pool_size 21\n")
}

func TestIllnessesShowInTheMetrics(t *testing.T) {
	a := New()
	require.NoError(t, a.BecomeIll(Errors, FailingTools, Slow))
	for range 100 {
		a.Chat()
	}

	m := a.metrics
	assert.InDelta(t, 25, testutil.ToFloat64(m.errors.WithLabelValues("model_call", "agt-1")), 0)
	assert.InDelta(t, 80, testutil.ToFloat64(m.toolCalls.WithLabelValues("bash_exec", "failed")), 0)
	assert.InDelta(t, 5, testutil.ToFloat64(m.toolCalls.WithLabelValues("file_read", "failed")), 0)
	assert.NoError(t, testutil.CollectAndCompare(m.active, strings.NewReader(`
# HELP agent_active_count Number of active agents
# TYPE agent_active_count gauge
agent_active_count 4
`)))
}

func TestRunMakesTrafficUntilTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := New()
		ctx, cancel := context.WithTimeout(t.Context(), 10*Pace+time.Millisecond)
		defer cancel()

		a.Run(ctx, Pace)

		assert.Equal(t, 10, a.chats)
	})
}
