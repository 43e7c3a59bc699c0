package web

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/assert"

	"github.com/alertvitals/notifier/delivery"
	"github.com/alertvitals/notifier/diagnostics"
)

func askRouter(t *testing.T, p Parts, method, target, body string) *httptest.ResponseRecorder {
	t.Helper()
	p.Metrics, p.Logger = prometheus.NewRegistry(), slog.New(slog.DiscardHandler)
	answer := httptest.NewRecorder()
	Router(p).ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body)))
	return answer
}

func TestReceiversAreListed(t *testing.T) {
	at := time.Date(2026, 3, 14, 9, 0, 0, 0, time.UTC)
	p := Parts{Receivers: func() []delivery.Receiver {
		return []delivery.Receiver{{
			Name: "oncall", Fallback: "ops", FallbackAfter: model.Duration(2 * time.Minute),
			Integrations: []delivery.Integration{
				{Kind: "slack", SendsResolved: true, Pace: 1, Waiting: 2, Retrying: 1, Oldest: at, LastFailure: &delivery.Failure{At: at, Reason: "server", Error: "status 500"}},
				{Kind: "log"},
			},
		}}
	}}
	answer := askRouter(t, p, "GET", "/api/v1/receivers", "")
	assert.Equal(t, http.StatusOK, answer.Code)
	assert.JSONEq(t, `{"receivers":[{"name":"oncall","fallback":"ops","fallback_after":"2m","integrations":[
		{"kind":"slack","index":0,"sends_resolved":true,"pace":1,"waiting":2,"retrying":1,"muted":0,"oldest":"2026-03-14T09:00:00Z",
		 "last_failure":{"at":"2026-03-14T09:00:00Z","reason":"server","error":"status 500"}},
		{"kind":"log","index":0,"sends_resolved":false,"pace":0,"waiting":0,"retrying":0,"muted":0}]}]}`, answer.Body.String())

	assertCode(t, askRouter(t, p, "GET", "/api/v1/receivers?x=1", ""), "bad_parameter")
}

func TestSomethingIsRendered(t *testing.T) {
	var got RenderRequest
	p := Parts{Render: func(_ context.Context, r RenderRequest) ([]Rendered, error) {
		got = r
		return []Rendered{
			{Integration: "slack", To: "POST /api/chat.postMessage (application/json)", Body: []byte(`{"text":"<ü>"}`)},
			{Integration: "slack", To: "POST /upload/1 (image/png)", Body: []byte("\x89PNG")},
		}, nil
	}}
	answer := askRouter(t, p, "POST", "/api/v1/render", `{"receiver":"oncall","payload":{"version":"4"},"agent":"aster","instance":"a:1"}`)
	assert.Equal(t, http.StatusOK, answer.Code)
	assert.JSONEq(t, `{"rendered":[
		{"integration":"slack","to":"POST /api/chat.postMessage (application/json)","body":"{\"text\":\"<ü>\"}"},
		{"integration":"slack","to":"POST /upload/1 (image/png)","body_base64":"iVBORw=="}]}`, answer.Body.String())
	assert.Equal(t, RenderRequest{Receiver: "oncall", Payload: []byte(`{"version":"4"}`), Agent: "aster", Instance: "a:1"}, got)
}

func TestWhatCannotBeRenderedIsExplained(t *testing.T) {
	for name, tc := range map[string]struct {
		body          string
		err           error
		status        int
		code, message string
	}{
		"nothing":         {"", nil, 400, "bad_request", "the body is empty"},
		"no JSON":         {"hello", nil, 400, "bad_request", "the body is not JSON"},
		"half of it":      {`{"receiver":`, nil, 400, "bad_request", "the body is not JSON"},
		"two of it":       {`{} {}`, nil, 400, "bad_request", "something behind the JSON"},
		"an unknown key":  {`{"recipient":"x"}`, nil, 400, "bad_request", `there is no field \"recipient\"`},
		"a wrong type":    {`{"receiver":1}`, nil, 400, "bad_request", "receiver has the wrong type"},
		"too large":       {`{"payload":"` + strings.Repeat("x", mostToRender) + `"}`, nil, 400, "bad_request", "the body is over 4160 KiB"},
		"nobody":          {`{}`, &NotRendered{NoReceiver: true, Why: "there is no receiver x"}, 404, "not_found", "there is no receiver x"},
		"a wrong payload": {`{}`, &NotRendered{Why: "version is 3"}, 400, "not_a_payload", "version is 3"},
		"no agent":        {`{}`, &diagnostics.NoAgentError{Name: "b", There: []string{"a"}}, 404, "not_found", "there is no agent"},
		"which instance":  {`{}`, &diagnostics.NoAgentError{Name: "b", Known: true, There: []string{"b-0:1", "b-1:1"}}, 400, "bad_parameter", "which instance"},
		"too many":        {`{}`, ErrRendering, 503, "busy", "ask again"},
		"a defect":        {`{}`, errors.New("a secret"), 500, "internal", "the log says why"},
	} {
		t.Run(name, func(t *testing.T) {
			p := Parts{Render: func(context.Context, RenderRequest) ([]Rendered, error) { return nil, tc.err }}
			answer := askRouter(t, p, "POST", "/api/v1/render", tc.body)
			assert.Equal(t, tc.status, answer.Code)
			assert.Contains(t, answer.Body.String(), tc.message)
			assert.NotContains(t, answer.Body.String(), "secret")
			assertCode(t, answer, tc.code)
		})
	}
}

func TestAPrefixIsBeforeEveryPath(t *testing.T) {
	p := Parts{Prefix: "/a/notifier", Webhook: func(c *gin.Context) { c.String(http.StatusOK, "taken") }}
	assert.Equal(t, "taken", askRouter(t, p, "POST", "/a/notifier/api/v1/webhook", "").Body.String())
	assert.Equal(t, "OK\n", askRouter(t, p, "GET", "/a/notifier/-/healthy", "").Body.String())
	answer := askRouter(t, p, "POST", "/api/v1/webhook", "")
	assert.Equal(t, http.StatusNotFound, answer.Code)
	assert.Contains(t, answer.Body.String(), "Alertmanager posts to /a/notifier/api/v1/webhook")
}

func TestPagesOfTheExternalURLMayChangeSomething(t *testing.T) {
	for name, tc := range map[string]struct {
		external, origin string
		status           int
	}{
		"a program":                {"", "", 200},
		"a page of ours":           {"", "http://notifier.example", 200},
		"another site":             {"", "https://evil.example", 403},
		"behind a proxy":           {"https://tools.example", "https://tools.example", 200},
		"another behind a proxy":   {"https://tools.example", "https://evil.example", 403},
		"the same without its TLS": {"https://tools.example", "http://tools.example", 403},
	} {
		t.Run(name, func(t *testing.T) {
			router := Router(Parts{
				Origin: tc.external, Reload: func(context.Context) error { return nil }, Metrics: prometheus.NewRegistry(), Logger: slog.New(slog.DiscardHandler),
			})
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://notifier.example/-/reload", nil)
			if tc.origin != "" {
				r.Header.Set("Origin", tc.origin)
			}
			answer := httptest.NewRecorder()
			router.ServeHTTP(answer, r)
			assert.Equal(t, tc.status, answer.Code)
		})
	}
}

func TestTheGuardStandsBeforeEveryPath(t *testing.T) {
	p := Parts{Guard: func(c *gin.Context) {
		if c.Request.Method != http.MethodGet {
			c.AbortWithStatus(http.StatusUnauthorized)
		}
	}}
	for _, path := range []string{"/api/v1/webhook", "/-/reload", "/api/v1/deliveries/x/replay", "/api/v1/render", "/nothing"} {
		assert.Equal(t, http.StatusUnauthorized, askRouter(t, p, "POST", path, "").Code, path)
	}
}
