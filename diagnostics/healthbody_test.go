package diagnostics

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestReadHealth(t *testing.T) {
	const text, js = "text/plain; charset=utf-8", "application/json"
	const notKnown = "says something that is not known"
	for _, c := range []struct {
		name   string
		status int
		ct     string
		body   string
		want   Check
	}{
		// Plain text.
		{"OK", 200, text, "OK", Check{Verdict: Up, Says: "OK"}},
		{"ok of a C program", 200, "", "ok\r\n", Check{Verdict: Up, Says: "ok"}},
		{"Ready", 200, text, "Ready\n", Check{Verdict: Up, Says: "Ready"}},
		{"not ready", 503, text, "Not Ready", Check{Verdict: Down, Says: "Not Ready", Note: "answered 503"}},
		{"200 that says not ready", 200, text, "Not Ready", Check{Verdict: Down, Says: "Not Ready"}},
		{"503 that says OK", 503, text, "OK", Check{Verdict: Down, Says: "OK", Note: "answered 503"}},
		{"sentence", 200, text, "I'm alive!", Check{Verdict: Up, Says: "I'm alive!"}},
		{"sentence with its reason", 200, text, "unhealthy: database unreachable", Check{Verdict: Down, Says: "unhealthy"}},
		{"well and not well", 200, text, "OK: database down", Check{Verdict: Unclear, Says: "OK", Note: notesBoth}},
		{"not well in another line", 200, text, "OK\nERROR: planted\n", Check{Verdict: Unclear, Says: "OK", Note: notesBoth}},
		{"a field in text", 200, text, "healthy: false", Check{Verdict: Unclear, Says: "healthy", Note: notesBoth}},
		{"well and not well in JSON", 200, js, `{"status":"OK, database down"}`, Check{Verdict: Unclear, Says: "OK", Note: notesBoth}},
		{"well, and why", 200, text, "OK: all 3 workers are busy", Check{Verdict: Up, Says: "OK"}},
		{"other words", 200, text, "Welcome to our API", Check{Verdict: Unclear, Note: notKnown}},
		{"an error with 200", 200, text, "cannot reach the database", Check{Verdict: Unclear, Note: notKnown}},
		{"an error with 500", 500, text, "cannot reach the database", Check{Verdict: Down, Note: "answered 500"}},
		{"binary", 200, "application/octet-stream", "\x00\x01\x02", Check{Verdict: Unclear, Note: "answered something unreadable"}},
		{"empty", 200, "", "", Check{Verdict: Up}},
		{"no content", 204, "", "", Check{Verdict: Up}},
		{"empty 503", 503, "", "", Check{Verdict: Down, Note: "answered 503"}},
		{"byte order mark", 200, text, "\ufeffOK", Check{Verdict: Up, Says: "OK"}},
		// Web pages.
		{"HTML", 200, "text/html; charset=utf-8", "<!doctype html><title>OK</title>", Check{Verdict: Unclear, Note: "answered an HTML page"}},
		{"HTML by its look", 200, text, "\n <html>", Check{Verdict: Unclear, Note: "answered an HTML page"}},
		{"HTML called JSON", 200, js, "<!doctype html>", Check{Verdict: Unclear, Note: "answered an HTML page"}},
		{"XHTML", 200, "application/xhtml+xml", "OK<br/>", Check{Verdict: Unclear, Note: "answered an HTML page"}},
		{"HTML with 502", 502, "text/html", "<html>Bad gateway", Check{Verdict: Down, Note: "answered 502"}},
		{"plain words called HTML", 200, "text/html; charset=utf-8", "OK", Check{Verdict: Up, Says: "OK"}},
		// Statuses.
		{"401", 401, "", "", Check{Verdict: Unclear, Note: "needs credentials"}},
		{"403", 403, js, `{"status":"ok"}`, Check{Verdict: Unclear, Note: "needs credentials"}},
		{"404", 404, text, "404 page not found", Check{Verdict: NotOffered}},
		{"405", 405, text, "", Check{Verdict: Unclear, Note: "answered 405"}},
		{
			"429", 429, js, `{"error":{"code":"rate_limited"},"success":false}`,
			Check{Verdict: Unclear, Note: "asked too often for its limit (429)"},
		},
		{"redirect", 302, "", "", Check{Verdict: Unclear, Note: "redirects elsewhere, which is not followed"}},
		// aster's server, always 200; its uptime is in nanoseconds.
		{
			"healthy with checks", 200, js,
			`{"status":"healthy","version":"v1.2.3","uptime":9007199254740993,"checks":{"store":{"status":"healthy","message":"OK","latency":"39µs"}}}`,
			Check{Verdict: Up, Says: "healthy", Version: "v1.2.3"},
		},
		{
			"degraded with 200", 200, js,
			`{"status":"degraded","checks":{"store":{"status":"unhealthy","error":"open /srv/secret/path"},"cache":{"status":"ok"}}}`,
			Check{Verdict: Degraded, Says: "degraded", Failing: []string{"store: unhealthy"}},
		},
		{
			"healthy, but a check is not", 200, js, `{"status":"ok","checks":{"db":false,"q":true}}`,
			Check{Verdict: Degraded, Says: "ok", Failing: []string{"db: failed"}},
		},
		{"wrapped in data", 200, js, `{"data":{"status":"degraded"},"success":true}`, Check{Verdict: Degraded, Says: "degraded"}},
		{"checks in a list", 200, js, `{"checks":[{"name":"db","status":"fail"}]}`, Check{Verdict: Degraded, Failing: []string{"db: fail"}}},
		// Spring Boot.
		{"UP", 200, js, `{"status":"UP","components":{"db":{"status":"UP"}}}`, Check{Verdict: Up, Says: "UP"}},
		{
			"DOWN", 503, "application/vnd.spring-boot.actuator.v3+json",
			`{"status":"DOWN","components":{"db":{"status":"DOWN","details":{"error":"java.sql.SQLException: planted"}},"disk":{"status":"UP"}}}`,
			Check{Verdict: Down, Says: "DOWN", Failing: []string{"db: DOWN"}, Note: "answered 503"},
		},
		{"OUT_OF_SERVICE", 503, js, `{"status":"OUT_OF_SERVICE"}`, Check{Verdict: Down, Says: "OUT_OF_SERVICE", Note: "answered 503"}},
		// application/health+json.
		{
			"pass", 200, "application/health+json", `{"status":"pass","version":"1","releaseId":"1.2.2","checks":{"cpu:utilization":[{"status":"pass"}]}}`,
			Check{Verdict: Up, Says: "pass", Version: "1.2.2"},
		},
		{
			"warn, with the worst of each check", 200, "application/health+json",
			`{"status":"warn","checks":{"memory:utilization":[{"node":1,"status":"pass"},{"node":2,"status":"warn","output":"/planted"}]}}`,
			Check{Verdict: Degraded, Says: "warn", Failing: []string{"memory:utilization: warn"}},
		},
		// gRPC by a gateway.
		{"SERVING", 200, js, `{"status":"SERVING"}`, Check{Verdict: Up, Says: "SERVING"}},
		{"NOT_SERVING", 200, js, `{"status":"NOT_SERVING"}`, Check{Verdict: Down, Says: "NOT_SERVING"}},
		// OpenCode, langfuse, OpenHands, Dify, and others.
		{"healthy: true", 200, js, `{"healthy":true,"version":"1.18.33"}`, Check{Verdict: Up, Says: "healthy", Version: "1.18.33"}},
		{"healthy: false", 200, js, `{"healthy":false}`, Check{Verdict: Down, Says: "not healthy"}},
		{"status and version", 200, js, `{"status":"OK","version":"3.41.0"}`, Check{Verdict: Up, Says: "OK", Version: "3.41.0"}},
		{"status, version and a number", 200, js, `{"pid":7,"status":"ok","version":"1.0.0"}`, Check{Verdict: Up, Says: "ok", Version: "1.0.0"}},
		{"JSON string", 200, js, `"OK"`, Check{Verdict: Up, Says: "OK"}},
		{"JSON sentence", 200, js, `"I'm alive!"`, Check{Verdict: Up, Says: "I'm alive!"}},
		{"shutting down", 503, js, `{"status":"shutting_down"}`, Check{Verdict: Down, Says: "shutting_down", Note: "answered 503"}},
		{"ok, with an error", 200, js, `{"status":"ok","error":"planted"}`, Check{Verdict: Degraded, Says: "ok", Note: notesError}},
		{"ok, with another code", 200, js, `{"code":503,"status":"ok"}`, Check{Verdict: Degraded, Says: "ok", Note: "tells of the code 503"}},
		{"ok, with its code", 200, js, `{"code":200,"status":"ok"}`, Check{Verdict: Up, Says: "ok"}},
		{"ok, with a code of its own", 200, js, `{"code":"E503","status":"ok"}`, Check{Verdict: Up, Says: "ok"}},
		{"so many of so many", 200, text, "0/3", Check{Verdict: Unclear, Note: notKnown}},
		{"none is ready", 200, js, `{"ready":"0/3"}`, Check{Verdict: Down, Says: "0/3"}},
		{"ok, with another code as text", 200, js, `{"code":"503","status":"ok"}`, Check{Verdict: Degraded, Says: "ok", Note: "tells of the code 503"}},
		{"ok, with another code as some print it", 200, js, `{"code":503.0,"status":"ok"}`, Check{Verdict: Degraded, Says: "ok", Note: "tells of the code 503"}},
		{"ok, with what is no code", 200, js, `{"code":450.5,"status_code":40001,"status":"ok"}`, Check{Verdict: Up, Says: "ok"}},
		{"a code for a word", 200, js, `{"status":503,"message":"planted"}`, Check{Verdict: Degraded, Note: "tells of the code 503"}},
		{"a code alone", 200, js, `{"code":500,"msg":"planted"}`, Check{Verdict: Degraded, Note: "tells of the code 500"}},
		{"down, with its code", 200, js, `{"code":503,"status":"down"}`, Check{Verdict: Down, Says: "down"}},
		{"gRPC's code", 200, js, `{"code":14,"message":"planted","details":[]}`, Check{Verdict: Unclear, Note: notesNothing}},
		{"so many of so many, and more", 200, text, "0/3, see the log", Check{Verdict: Unclear, Note: notKnown}},
		{"some are ready, in words", 200, js, `{"ready":"2/3 ready."}`, Check{Verdict: Degraded, Says: "2/3 ready."}},
		{"some are ready, with spaces", 200, js, `{"status":"ok","ready":"2 / 3"}`, Check{Verdict: Degraded, Says: "ok", Failing: []string{"ready: 2 / 3"}}},
		{"some are busy", 200, js, `{"status":"ok","state":"2/3 busy"}`, Check{Verdict: Up, Says: "ok"}},
		{"of none all are ready", 200, js, `{"status":"ok","ready":"0/0"}`, Check{Verdict: Up, Says: "ok"}},
		{"some are ready", 200, js, `{"ready":"9/10"}`, Check{Verdict: Degraded, Says: "9/10"}},
		{"all are ready", 200, js, `{"ready":"10/10"}`, Check{Verdict: Up, Says: "10/10"}},
		{"more than all are ready", 200, js, `{"ready":"4/3"}`, Check{Verdict: Unclear, Note: notesUnknown}},
		{"ok, and none is ready", 200, js, `{"status":"ok","ready":"0/3"}`, Check{Verdict: Degraded, Says: "ok", Failing: []string{"ready: 0/3"}}},
		{"ok, and a check of what is taken", 200, js, `{"status":"ok","checks":{"queue":"2/100"}}`, Check{Verdict: Up, Says: "ok"}},
		{"ok, with errors", 200, js, `{"status":"ok","errors":[{"db":"planted"}]}`, Check{Verdict: Degraded, Says: "ok", Note: notesError}},
		{"ok, with no errors", 200, js, `{"status":"ok","error":null,"errors":[]}`, Check{Verdict: Up, Says: "ok"}},
		{"ok, with the code of no error", 200, js, `{"status":"ok","error":{"code":0,"message":""}}`, Check{Verdict: Up, Says: "ok"}},
		{"ok, with no error in words", 200, js, `{"status":"ok","error":"No error","errors":"N/A"}`, Check{Verdict: Up, Says: "ok"}},
		{"ok, with an error in an object", 200, js, `{"status":"ok","error":{"code":0,"message":"planted"}}`, Check{Verdict: Degraded, Says: "ok", Note: notesError}},
		{"a word that takes back", 200, js, `{"status":"ok","healthy":"false"}`, Check{Verdict: Degraded, Says: "ok", Failing: []string{"healthy: false"}}},
		{"a state that takes back", 200, js, `{"status":"ok","state":"failed"}`, Check{Verdict: Degraded, Says: "ok", Failing: []string{"state: failed"}}},
		{"ok, but no success", 200, js, `{"success":false,"status":"ok"}`, Check{Verdict: Degraded, Says: "ok", Failing: []string{"success: false"}}},
		{"a successful request", 200, js, `{"status":"success","data":{"status":"unhealthy"}}`, Check{Verdict: Down, Says: "unhealthy"}},
		{"success and no more", 200, js, `{"status":"success","data":{}}`, Check{Verdict: Up, Says: "success"}},
		{"a check that is not ok", 200, js, `{"status":"ok","checks":{"db":{"ok":false}}}`, Check{Verdict: Degraded, Says: "ok", Failing: []string{"db: failed"}}},
		{
			"a check in a list that is not healthy", 200, js, `{"status":"ok","checks":[{"name":"db","healthy":false},{"name":"q","healthy":true}]}`,
			Check{Verdict: Degraded, Says: "ok", Failing: []string{"db: failed"}},
		},
		{"ok, but a flag says no", 200, js, `{"status":"ok","ready":false}`, Check{Verdict: Degraded, Says: "ok", Failing: []string{"ready: false"}}},
		// The OpenTelemetry Collector, Prometheus, Qdrant, Kubernetes and ASP.NET.
		{"collector", 200, js, `{"status":"Server available","upSince":"2026-11-20T08:00:00Z","uptime":"3h"}`, Check{Verdict: Up, Says: "Server available"}},
		{"collector that is not ready", 503, js, `{"status":"Server not available"}`, Check{Verdict: Down, Says: "Server not available", Note: "answered 503"}},
		{"Prometheus", 200, text, "Prometheus Server is Healthy.\n", Check{Verdict: Up, Says: "Prometheus Server is Healthy."}},
		{"Qdrant", 200, text, "healthz check passed", Check{Verdict: Up, Says: "healthz check passed"}},
		{"a line for each check", 200, text, "[+]ping ok\n[+]etcd ok\nhealthz check passed\n", Check{Verdict: Up, Says: "healthz check passed"}},
		{"a line for a check that failed", 200, text, "[+]ping ok\n[-]etcd failed: planted\nreadyz check failed\n", Check{Verdict: Down, Says: "readyz check failed"}},
		{"a line for each check, cut", 200, text, "[+]ping ok\n[+]et", Check{Verdict: Unclear, Note: notKnown}},
		{
			"entries", 200, js, `{"status":"Degraded","totalDuration":"00:00:01","entries":{"db":{"data":{},"status":"Unhealthy"}}}`,
			Check{Verdict: Degraded, Says: "Degraded", Failing: []string{"db: Unhealthy"}},
		},
		// What says nothing.
		{"JSON that says nothing", 200, js, `{"name":"svc"}`, Check{Verdict: Unclear, Note: "says nothing of its health"}},
		{"JSON list", 200, js, `[]`, Check{Verdict: Unclear, Note: "says nothing of its health"}},
		{"JSON number", 200, js, `1`, Check{Verdict: Unclear, Note: "says nothing of its health"}},
		{"JSON null", 200, js, `null`, Check{Verdict: Unclear, Note: "says nothing of its health"}},
		{"unknown word", 200, js, `{"status":"blorp"}`, Check{Verdict: Unclear, Says: "blorp", Note: "says a word that is not known"}},
		{"unknown JSON sentence", 200, js, `"no such route"`, Check{Verdict: Unclear, Note: notKnown}},
		{"nulls", 200, js, `{"status":null,"healthy":null}`, Check{Verdict: Unclear, Note: "says nothing of its health"}},
		{"cut", 200, js, `{"status":"ok"`, Check{Verdict: Unclear, Note: "answered broken JSON"}},
		{"two objects", 200, js, `{"status":"ok"}{"status":"down"}`, Check{Verdict: Unclear, Note: "answered broken JSON"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.want.StatusCode = c.status
			assert.Equal(t, c.want, readHealth(answer{status: c.status, contentType: c.ct, body: []byte(c.body)}, healthRules{}))
		})
	}
}

// What is special about one kind of agent stands in its profile.
func TestReadHealthByTheProfile(t *testing.T) {
	const js = "application/json"
	for _, c := range []struct {
		name, profile string
		status        int
		ct, body      string
		want          Check
	}{
		{"OpenCode", "opencode", 200, js, `{"healthy":true,"version":"1.18.33"}`, Check{Verdict: Up, Says: "healthy", Version: "1.18.33"}},
		{"another program's OK", "opencode", 200, "text/plain", "OK", Check{Verdict: Unclear, Note: "answered something else than JSON"}},
		{"JSON called text", "opencode", 200, "text/plain", `{"healthy":true}`, Check{Verdict: Unclear, Note: "answered something else than JSON"}},
		{"nothing", "opencode", 200, "", "", Check{Verdict: Unclear, Note: "answered something else than JSON"}},
		{"OpenCode's page", "opencode", 200, "text/html", "<!doctype html>", Check{Verdict: Unclear, Note: "answered an HTML page"}},
		{"OpenCode with a password", "opencode", 401, "", "", Check{Verdict: Unclear, Note: "needs credentials"}},
		{"runner", "claude-runner", 200, js, `{"status":"ok","runner_id":"r","active_sessions":1,"last_poll_age_ms":900}`, Check{Verdict: Up, Says: "ok"}},
		{
			"runner that stopped polling", "claude-runner", 200, js, `{"status":"ok","last_poll_age_ms":95000}`,
			Check{Verdict: Degraded, Says: "ok", Note: "has asked for no work for over a minute"},
		},
		{"runner that never polled", "claude-runner", 200, js, `{"status":"ok","last_poll_age_ms":null}`, Check{Verdict: Up, Says: "ok"}},
		{"orchestrator", "claude-runner", 200, js, `{"status":"ok","connected":true}`, Check{Verdict: Up, Says: "ok"}},
		{
			"orchestrator without a connection", "claude-runner", 200, js, `{"status":"ok","connected":false}`,
			Check{Verdict: Down, Says: "ok", Failing: []string{"connected: false"}, Note: "not connected"},
		},
		{"LiteLLM lives", "litellm", 200, js, `"I'm alive!"`, Check{Verdict: Up, Says: "I'm alive!"}},
		{"LiteLLM ends", "litellm", 503, js, `{"status":"shutting_down"}`, Check{Verdict: Down, Says: "shutting_down", Note: "answered 503"}},
		{
			"LiteLLM is ready", "litellm", 200, js, `{"status":"healthy","db":"connected","cache":null,"litellm_version":"1.88.0"}`,
			Check{Verdict: Up, Says: "healthy", Version: "1.88.0"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.want.StatusCode = c.status
			got := readHealth(answer{status: c.status, contentType: c.ct, body: []byte(c.body)}, profileNamed(embedded, c.profile).Health)
			assert.Equal(t, c.want, got)
		})
	}
}

func TestHealthRulesAreChecked(t *testing.T) {
	for _, rule := range []string{
		"{is: x, verdict: down, note: n}",
		"{field: a, verdict: down, note: n}",
		"{field: a, is: x, above: 3, verdict: down, note: n}",
		"{field: a, is: x, verdict: up, note: n}",
		"{field: a, is: x, verdict: down}",
	} {
		_, err := parseProfile([]byte("name: x\nrecognise: [a]\nhealth: {rules: [" + rule + "]}\n"))
		assert.Error(t, err, rule)
	}
}

func TestReadHealthCutsWhatItShows(t *testing.T) {
	got := readHealth(answer{status: 500, contentType: "text/plain", body: []byte(strings.Repeat("ä", 500) + "\nsecond line")}, healthRules{})
	assert.Empty(t, got.Says, "a text as long as that is no state")

	got = readHealth(answer{status: 200, contentType: "text/plain", body: []byte("O\x1b[31mK\u202e\xff")}, healthRules{})
	assert.Empty(t, got.Says)

	got = readHealth(answer{status: 503, contentType: "text/plain", body: []byte("shutting down\nsecond line")}, healthRules{})
	assert.Equal(t, "shutting down", got.Says)

	checks := map[string]bool{}
	for _, letter := range "abcdefghijklmnopqrstuvwxyz" {
		checks[string(letter)] = false
	}
	body, err := json.Marshal(map[string]any{"status": "ok", "checks": checks})
	require.NoError(t, err)
	got = readHealth(answer{status: 200, contentType: "application/json", body: body}, healthRules{})
	assert.Len(t, got.Failing, maxFailing+1)
	assert.Equal(t, "18 more", got.Failing[maxFailing])
}

func TestP10ReadHealthShowsNoSecret(t *testing.T) {
	for _, body := range []string{
		"cannot reach postgres://aster:planted@db",
		"wrong password planted",
		"error: planted",
		"planted",
		`"planted is not allowed"`,
		`{"status":"error: login postgres://aster:planted@db"}`,
		`{"status":"sk-live-planted"}`,
		`{"status":"/srv/planted"}`,
		`{"status":"planted.internal.corp"}`,
		`{"status":"see planted now"}`,
		`{"status":"ok","version":"sk-live-planted"}`,
		`{"status":"ok","releaseId":"https://planted/1.2"}`,
		`{"status":"degraded","checks":{"db":{"status":"error: planted://x","error":"password planted"}}}`,
		`{"status":"degraded","checks":{"/srv/planted":{"status":"down"}}}`,
		`{"status":"degraded","checks":{"planted.internal.corp":{"status":"down"}}}`,
		`{"status":"degraded","checks":{"planted:5432@db":{"status":"down"}}}`,
		`{"status":"degraded","checks":[{"name":"ada@planted.example","status":"down"}]}`,
		`{"status":"degraded","checks":{"plantedplantedplantedplanted":{"status":"down"}}}`,
		`{"status":"degraded","checks":{"planted 10001":{"status":"down"}}}`,
		`{"status":"degraded","checks":{"a1planted2b3":{"status":"down"}}}`,
	} {
		for _, status := range []int{200, 500} {
			got, err := json.Marshal(readHealth(answer{status: status, contentType: "application/json", body: []byte(body)}, healthRules{}))
			require.NoError(t, err)
			assert.NotContains(t, string(got), "planted", body)
		}
	}
}

func FuzzReadHealth(f *testing.F) {
	f.Add(200, "application/json", []byte(`{"status":"degraded","checks":{"store":{"status":"unhealthy"}}}`))
	f.Add(503, "text/plain", []byte("Not Ready"))
	f.Add(200, "", []byte(`{"checks":[{"name":"a","status":"fail"}],"version":7}`))
	f.Add(200, "application/health+json", []byte(`{"status":"pass","checks":{"a:b":[{"status":"warn"},{}]},"releaseId":"1.2"}`))
	f.Add(200, "text/html", []byte("\ufeff \n<!-- OK -->"))
	f.Add(200, "text/html", []byte("OK\n<p>"))
	f.Add(200, "application/json", []byte(`{"status":"ok","connected":false,"last_poll_age_ms":1e9}`))
	f.Add(200, "application/json", []byte(`{"status":"ok","ready":"9/76","code":503}`))
	parts := regexp.MustCompile(`(^|: )[0-9]+ ?/ ?[0-9]+( [A-Za-z]+)?[.! ]*$`)
	f.Fuzz(func(t *testing.T, status int, contentType string, body []byte) {
		for _, rules := range []healthRules{{}, profileNamed(embedded, "opencode").Health, profileNamed(embedded, "claude-runner").Health} {
			got := readHealth(answer{status: status, contentType: contentType, body: body}, rules)
			assert.Contains(t, []Verdict{Up, Degraded, Down, NotOffered, Unclear}, got.Verdict)
			assert.LessOrEqual(t, len(got.Failing), maxFailing+1+len(stateKeys))
			for _, text := range append([]string{got.Says, got.Version, got.Note}, got.Failing...) {
				assert.True(t, utf8.ValidString(text))
				assert.LessOrEqual(t, utf8.RuneCountInString(text), 2*maxWordRunes+2)
				assert.Equal(t, -1, strings.IndexFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }), "%q", text)
				assert.NotContains(t, parts.ReplaceAllString(text, ""), "/")
				assert.NotContains(t, text, "@")
			}
			assert.True(t, got.Verdict != Up || status >= 200 && status < 300)
			page := bytes.HasPrefix(bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\ufeff"))), []byte("<"))
			assert.False(t, got.Verdict == Up && page, "a page is not healthy")
			assert.True(t, got.Note != "" || got.Verdict != Unclear, "what is not clear says why")
		}
	})
}
