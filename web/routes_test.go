package web

import (
	"log/slog"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/alertvitals/notifier/routing"
)

type tree struct{ *routing.Tree }

func (t tree) Routes() routing.Node { return t.Node() }

func (t tree) Ask(alerts []map[string]string) routing.Answer { return t.Tree.Ask(alerts, nil, nil) }

var _ Routes = tree{}

func TestRoutes(t *testing.T) {
	compiled, err := routing.NewLocated(routing.Route{Receiver: "log", Routes: []routing.Route{
		{Matchers: []string{`severity="critical"`}, Receiver: "oncall"},
	}}, func(path string) int { return strings.Count(path, "routes") + 1 })
	require.NoError(t, err)
	router := Router(Parts{Routes: tree{compiled}, Metrics: prometheus.NewRegistry(), Logger: slog.New(slog.DiscardHandler)})
	payload, err := os.ReadFile("../alert/testdata/alertmanager/0.34/plain-02-firing.json")
	require.NoError(t, err)

	for name, tc := range map[string]struct {
		method, path, body string
		status             int
		want, code         string
	}{
		"the tree": {"GET", "/api/v1/routes", "", 200, `{"route":{"route":"route","line":1,"way":"{}","matchers":[],"receiver":"log","continue":false,"routes":[` +
			`{"route":"route.routes[0]","line":2,"way":"{}/{severity=\"critical\"}","matchers":["severity=\"critical\""],"receiver":"oncall","continue":false,"routes":[]}]}}`, ""},
		"labels": {"POST", "/api/v1/routes/test", `{"labels":{"severity":"critical"}}`, 200, `{"receivers":["oncall"],"alerts":[{"labels":{"severity":"critical"},` +
			`"receivers":["oncall"],"through":[{"receiver":"oncall","route":"route.routes[0]","line":2,"way":"{}/{severity=\"critical\"}"}],"tried":[`, ""},
		"no labels":         {"POST", "/api/v1/routes/test", `{"labels":{}}`, 200, `{"receivers":["log"],`, ""},
		"a payload":         {"POST", "/api/v1/routes/test", string(payload), 200, `"alerts":[{"labels":{"alertname":`, ""},
		"neither":           {"POST", "/api/v1/routes/test", `{}`, 400, `want {\"labels\"`, "bad_request"},
		"no JSON":           {"POST", "/api/v1/routes/test", `severity=critical`, 400, `want {\"labels\"`, "bad_request"},
		"numbers":           {"POST", "/api/v1/routes/test", `{"labels":{"planted":5}}`, 400, `with text for values`, "bad_request"},
		"a typo":            {"POST", "/api/v1/routes/test", `{"lables":{}}`, 400, `want {\"labels\"`, "bad_request"},
		"two things":        {"POST", "/api/v1/routes/test", `{"labels":{}}{"labels":{}}`, 400, `want {\"labels\"`, "bad_request"},
		"a wrong payload":   {"POST", "/api/v1/routes/test", `{"version":"3","alerts":[]}`, 400, `this is not a payload of Alertmanager's`, "bad_request"},
		"an empty payload":  {"POST", "/api/v1/routes/test", `{"version":"4","groupKey":"x","alerts":[]}`, 400, `alerts`, "bad_request"},
		"too long":          {"POST", "/api/v1/routes/test", strings.Repeat(" ", 4<<20) + "{}", 413, `over 4 MiB`, "payload_too_large"},
		"a parameter":       {"POST", "/api/v1/routes/test?x=1", `{"labels":{}}`, 400, `there is no parameter`, "bad_parameter"},
		"the other method":  {"GET", "/api/v1/routes/test", "", 405, "GET is not for this path", "method_not_allowed"},
		"a parameter there": {"GET", "/api/v1/routes?x=1", "", 400, `there is no parameter`, "bad_parameter"},
	} {
		t.Run(name, func(t *testing.T) {
			answer := httptest.NewRecorder()
			router.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), tc.method, tc.path, strings.NewReader(tc.body)))

			assert.Equal(t, tc.status, answer.Code, answer.Body)
			assert.Contains(t, answer.Body.String(), tc.want)
			assert.NotContains(t, answer.Body.String(), "planted")
			if tc.code != "" {
				assertCode(t, answer, tc.code)
			}
		})
	}
}
