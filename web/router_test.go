package web

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRouter(t *testing.T) {
	ready := error(nil)
	reg := prometheus.NewRegistry()
	reg.MustRegister(prometheus.NewGauge(prometheus.GaugeOpts{Name: "notifier_test", Help: "x"}))
	router := Router(Parts{
		Webhook: func(c *gin.Context) {
			if c.Query("panic") != "" {
				panic("boom with a secret")
			}
			c.String(http.StatusOK, "taken")
		},
		Ready:   func(context.Context) error { return ready },
		Metrics: reg,
		Logger:  slog.New(slog.DiscardHandler),
	})
	explained, err := os.ReadFile("../docs/errors.md")
	require.NoError(t, err)

	for _, tc := range []struct {
		name, method, path string
		ready              error
		status             int
		body, code         string
	}{
		{"webhook", "POST", "/api/v1/webhook", nil, 200, "taken", ""},
		{"health", "GET", "/health", nil, 200, "OK\n", ""},
		{"health while not ready", "GET", "/-/healthy", errors.New("disk full"), 200, "OK\n", ""},
		{"ready", "GET", "/ready", nil, 200, "Ready\n", ""},
		{"ready, as Prometheus has it", "GET", "/-/ready", nil, 200, "Ready\n", ""},
		{"not ready", "GET", "/ready", errors.New("disk full"), 503, "cannot be put on disk", "not_ready"},
		{"metrics", "GET", "/metrics", nil, 200, "notifier_test 0", ""},
		{"no such path", "POST", "/webhook", nil, 404, "/api/v1/webhook", "not_found"},
		{"wrong method", "GET", "/api/v1/webhook", nil, 405, "GET is not for this path", "method_not_allowed"},
		{"panic", "POST", "/api/v1/webhook?panic=1", nil, 500, "its log says how", "internal"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			ready = tc.ready
			answer := httptest.NewRecorder()
			router.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), tc.method, tc.path, nil))

			assert.Equal(t, tc.status, answer.Code)
			assert.Contains(t, answer.Body.String(), tc.body)
			assert.NotContains(t, answer.Body.String(), "secret")
			if tc.code != "" {
				assert.Contains(t, answer.Body.String(), `"code":"`+tc.code+`"`)
				assert.Contains(t, string(explained), "## "+tc.code+"\n", "every code is explained")
			}
		})
	}
}
