package web

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
)

func TestRouter(t *testing.T) {
	ready, reload := error(nil), error(nil)
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
		Reload:  func(context.Context) error { return reload },
		Config:  func() string { return "receivers:\n  - name: <hidden>\n" },
		Metrics: reg,
		Logger:  slog.New(slog.DiscardHandler),
	})
	for _, tc := range []struct {
		name, method, path string
		err                error
		status             int
		body, code         string
	}{
		{"webhook", "POST", "/api/v1/webhook", nil, 200, "taken", ""},
		{"health", "GET", "/health", nil, 200, "OK\n", ""},
		{"health while not ready", "GET", "/-/healthy", errors.New("disk full"), 200, "OK\n", ""},
		{"ready", "GET", "/ready", nil, 200, "Ready\n", ""},
		{"ready, as Prometheus has it", "GET", "/-/ready", nil, 200, "Ready\n", ""},
		{"not ready", "GET", "/ready", errors.New("disk full"), 503, "cannot be accepted", "not_ready"},
		{"reload", "POST", "/-/reload", nil, 200, "Reloaded\n", ""},
		{"reload of a wrong file", "POST", "/-/reload", errors.New("notifier.yml:1:1: no"), 500, "notifier.yml:1:1: no", "reload_failed"},
		{"reload by GET", "GET", "/-/reload", nil, 405, "GET is not for this path", "method_not_allowed"},
		{"configuration", "GET", "/api/v1/config", nil, 200, `{"yaml":"receivers:\n  - name: <hidden>\n"}`, ""},
		{"metrics", "GET", "/metrics", nil, 200, "notifier_test 0", ""},
		{"no such path", "POST", "/webhook", nil, 404, "/api/v1/webhook", "not_found"},
		{"a slash too many", "GET", "/health/", nil, 404, "nothing at this path", "not_found"},
		{"wrong method", "GET", "/api/v1/webhook", nil, 405, "GET is not for this path", "method_not_allowed"},
		{"panic", "POST", "/api/v1/webhook?panic=1", nil, 500, "its log says how", "internal"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			ready, reload = tc.err, tc.err
			answer := httptest.NewRecorder()
			router.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), tc.method, tc.path, nil))

			assert.Equal(t, tc.status, answer.Code)
			assert.Contains(t, answer.Body.String(), tc.body)
			assert.NotContains(t, answer.Body.String(), "secret")
			if tc.code != "" {
				assertCode(t, answer, tc.code)
			}
		})
	}
}
