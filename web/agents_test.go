package web

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"

	"github.com/alertvitals/notifier/diagnostics"
)

// fakeAgents keeps what it was asked.
type fakeAgents struct {
	name, instance string
	vital          string
	fresh, asked   bool
	err            error
}

var _ Agents = (*fakeAgents)(nil)

func (f *fakeAgents) Agents() []diagnostics.AgentStatus {
	return []diagnostics.AgentStatus{
		{
			Name: "aster", Instance: "aster:8080", Profile: "aster-server", Health: diagnostics.Up, ScrapedAt: time.Date(2026, 3, 14, 9, 0, 0, 0, time.UTC),
			ScrapeFailure: "answered 503", Series: 7,
		},
		{Name: "led", FromLabels: true, Profile: "auto"},
	}
}

func (f *fakeAgents) Look(_ context.Context, name, instance string, fresh bool) (*diagnostics.Snapshot, error) {
	f.name, f.instance, f.fresh, f.asked = name, instance, fresh, true
	if f.err != nil {
		return nil, f.err
	}
	return &diagnostics.Snapshot{Agent: name, Instance: instance}, nil
}

func (f *fakeAgents) VitalChart(_ context.Context, name, instance, vital string, _ time.Time) (*diagnostics.Chart, error) {
	f.name, f.instance, f.vital, f.asked = name, instance, vital, true
	if f.err != nil || vital == "beauty" {
		return nil, f.err
	}
	return &diagnostics.Chart{PNG: []byte("\x89PNG")}, nil
}

func askAgents(t *testing.T, f *fakeAgents, target string) *httptest.ResponseRecorder {
	t.Helper()
	router := Router(Parts{Agents: f, Metrics: prometheus.NewRegistry(), Logger: slog.New(slog.DiscardHandler)})
	answer := httptest.NewRecorder()
	router.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, target, nil))
	return answer
}

func TestAgentsAreListed(t *testing.T) {
	answer := askAgents(t, &fakeAgents{}, "/api/v1/agents")

	assert.Equal(t, http.StatusOK, answer.Code)
	assert.JSONEq(t, `{"agents":[
		{"name":"aster","instance":"aster:8080","profile":"aster-server","health":"up","scraped_at":"2026-03-14T09:00:00Z",
		 "scrape_failure":"answered 503","series":7},
		{"name":"led","instance":"","from_labels":true,"profile":"auto","series":0}]}`, answer.Body.String())
}

func TestASnapshotIsAskedFor(t *testing.T) {
	for target, want := range map[string]fakeAgents{
		"aster/snapshot":                         {name: "aster"},
		"aster/snapshot?fresh=true":              {name: "aster", fresh: true},
		"aster/snapshot?fresh=0":                 {name: "aster"},
		"a%2Fb%20c/snapshot?instance=a-0%3A8080": {name: "a/b c", instance: "a-0:8080"},
		"aster/snapshot?fresh=&instance=x:1":     {name: "aster", instance: "x:1"},
	} {
		t.Run(target, func(t *testing.T) {
			f := &fakeAgents{}
			answer := askAgents(t, f, "/api/v1/agents/"+target)
			assert.Equal(t, http.StatusOK, answer.Code, answer.Body)
			want.asked = true
			assert.Equal(t, want, *f)
			assert.Contains(t, answer.Body.String(), `"taken_at":`)
		})
	}
}

func TestWhatCannotBeLookedAtIsExplained(t *testing.T) {
	for target, want := range map[string]struct {
		err           error
		status        int
		code, message string
	}{
		"agents/a/snapshot?fresh=maybe": {nil, 400, "bad_parameter", `fresh is \"maybe\", want true or false`},
		"agents/a/snapshot?x=1":         {nil, 400, "bad_parameter", `there is no parameter \"x\"; there are fresh and instance`},
		"agents?x=1":                    {nil, 400, "bad_parameter", `there is no parameter \"x\"; there are none`},
		"agents?x=%zz":                  {nil, 400, "bad_parameter", "cannot be read"},
		"agents/b/snapshot": {
			&diagnostics.NoAgentError{Name: "b", There: []string{"a"}}, 404, "not_found", `there is no agent \"b\"; there are a`,
		},
		"agents/a/snapshot?instance=z": {
			&diagnostics.NoAgentError{Name: "a", Instance: "z", Known: true, There: []string{"x:1"}}, 404, "not_found",
			`agent \"a\" has no instance \"z\"; there are x:1`,
		},
		"agents/a/snapshot": {
			&diagnostics.NoAgentError{Name: "a", Known: true, There: []string{"x:1", "y:1"}}, 400, "bad_parameter", "say which instance of it; there are x:1, y:1",
		},
		"agents/c/snapshot": {errors.New("a secret"), 500, "internal", "the log says why"},
		"agents/c":          {nil, 404, "not_found", "nothing at this path"},
	} {
		t.Run(target, func(t *testing.T) {
			f := &fakeAgents{err: want.err}
			answer := askAgents(t, f, "/api/v1/"+target)
			assert.Equal(t, want.status, answer.Code)
			assert.Contains(t, answer.Body.String(), want.message)
			assert.NotContains(t, answer.Body.String(), "secret")
			assertCode(t, answer, want.code)
			assert.Equal(t, want.err != nil, f.asked)
		})
	}
}

func TestAChartIsAskedFor(t *testing.T) {
	f := &fakeAgents{}
	answer := askAgents(t, f, "/api/v1/agents/a%2Fb/charts/error%20rate.png?instance=a-0%3A8080")
	assert.Equal(t, http.StatusOK, answer.Code)
	assert.Equal(t, "image/png", answer.Header().Get("Content-Type"))
	assert.Equal(t, "no-store", answer.Header().Get("Cache-Control"))
	assert.Equal(t, "\x89PNG", answer.Body.String())
	assert.Equal(t, fakeAgents{name: "a/b", instance: "a-0:8080", vital: "error rate", asked: true}, *f)

	for target, want := range map[string]struct {
		code int
		err  error
	}{
		"aster/charts/beauty.png":               {404, nil},
		"aster/charts/memory":                   {404, nil},
		"aster/charts/memory.png?size=7":        {400, nil},
		"nobody/charts/memory.png":              {404, &diagnostics.NoAgentError{Name: "nobody"}},
		"led/charts/memory.png":                 {400, &diagnostics.NoAgentError{Name: "led", Known: true}},
		"aster/charts/memory.png?instance=x%3A": {500, errors.New("hunter2")},
	} {
		answer := askAgents(t, &fakeAgents{err: want.err}, "/api/v1/agents/"+target)
		assert.Equal(t, want.code, answer.Code, target)
		assert.Contains(t, answer.Body.String(), `"message":`, target)
		assert.NotContains(t, answer.Body.String(), "hunter2", target)
	}
}

func TestTooManyCharts(t *testing.T) {
	answer := askAgents(t, &fakeAgents{err: diagnostics.ErrBusy}, "/api/v1/agents/aster/charts/memory.png")
	assert.Equal(t, http.StatusServiceUnavailable, answer.Code)
	assert.Equal(t, "1", answer.Header().Get("Retry-After"))
	assert.Contains(t, answer.Body.String(), `"code":"busy"`)
}
