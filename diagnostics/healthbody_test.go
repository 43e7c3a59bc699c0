package diagnostics

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestReadHealth(t *testing.T) {
	const text, js = "text/plain; charset=utf-8", "application/json"
	for _, c := range []struct {
		name   string
		status int
		ct     string
		body   string
		want   Check
	}{
		{"text ok", 200, text, "OK", Check{Verdict: Up, Says: "OK"}},
		{"text ready", 200, text, "Ready\n", Check{Verdict: Up, Says: "Ready"}},
		{"not ready", 503, text, "Not Ready", Check{Verdict: Down, Says: "Not Ready", Note: "answered 503"}},
		{"200 that says not ready", 200, text, "Not Ready", Check{Verdict: Down, Says: "Not Ready"}},
		{"503 that says OK", 503, text, "OK", Check{Verdict: Down, Says: "OK", Note: "answered 503"}},
		{"sentence", 200, text, "I'm alive!", Check{Verdict: Up, Says: "I'm alive!"}},
		{"empty", 200, "", "", Check{Verdict: Up}},
		{"binary", 200, "application/octet-stream", "\x00\x01\x02", Check{Verdict: Unclear, Note: "answered something unreadable"}},
		{"HTML", 200, "text/html; charset=utf-8", "<!doctype html><title>OK</title>", Check{Verdict: Unclear, Note: "answered an HTML page"}},
		{"HTML by its look", 200, text, "\n <html>", Check{Verdict: Unclear, Note: "answered an HTML page"}},
		{"HTML with 502", 502, "text/html", "<html>Bad gateway", Check{Verdict: Down, Note: "answered 502"}},
		{"401", 401, "", "", Check{Verdict: Unclear, Note: "needs credentials"}},
		{"403", 403, js, `{"status":"ok"}`, Check{Verdict: Unclear, Note: "needs credentials"}},
		{"404", 404, text, "404 page not found", Check{Verdict: NotOffered}},
		{"429", 429, js, `{"error":{}}`, Check{Verdict: Unclear, Note: "answered 429"}},
		{"redirect", 302, "", "", Check{Verdict: Unclear, Note: "redirects elsewhere, which is not followed"}},
		{
			"healthy with checks", 200, js, `{"status":"healthy","version":"v1.2.3","uptime":3016700651,"checks":{"store":{"status":"healthy"}}}`,
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
		{"checks in a list", 200, js, `{"checks":[{"name":"db","status":"fail"}]}`, Check{Verdict: Degraded, Failing: []string{"db: fail"}}},
		{"Spring Boot", 200, js, `{"status":"UP","components":{"db":{"status":"UP"}}}`, Check{Verdict: Up, Says: "UP"}},
		{
			"Spring Boot down", 503, js, `{"status":"DOWN","components":{"db":{"status":"DOWN"}}}`,
			Check{Verdict: Down, Says: "DOWN", Failing: []string{"db: DOWN"}, Note: "answered 503"},
		},
		{"healthy: true", 200, js, `{"healthy":true,"version":"1.18.33"}`, Check{Verdict: Up, Says: "healthy", Version: "1.18.33"}},
		{"healthy: false", 200, js, `{"healthy":false}`, Check{Verdict: Down, Says: "not healthy"}},
		{"JSON string", 200, js, `"OK"`, Check{Verdict: Up, Says: "OK"}},
		{"JSON that says nothing", 200, js, `{"name":"svc"}`, Check{Verdict: Unclear, Note: "says nothing of its health"}},
		{"JSON list", 200, js, `[]`, Check{Verdict: Unclear, Note: "says nothing of its health"}},
		{"unknown word", 200, js, `{"status":"blorp"}`, Check{Verdict: Unclear, Says: "blorp", Note: "says a word that is not known"}},
		{"null", 200, js, `{"status":null,"healthy":null}`, Check{Verdict: Unclear, Note: "says nothing of its health"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.want.StatusCode = c.status
			assert.Equal(t, c.want, readHealth(answer{status: c.status, contentType: c.ct, body: []byte(c.body)}))
		})
	}
}

func TestReadHealthCutsWhatItShows(t *testing.T) {
	got := readHealth(answer{status: 500, contentType: "text/plain", body: []byte(strings.Repeat("ä", 500) + "\nsecond line")})
	assert.Empty(t, got.Says, "a text as long as that is no state")

	got = readHealth(answer{status: 200, contentType: "text/plain", body: []byte("O\x1b[31mK\u202e\xff")})
	assert.Empty(t, got.Says)

	got = readHealth(answer{status: 503, contentType: "text/plain", body: []byte("shutting down\nsecond line")})
	assert.Equal(t, "shutting down", got.Says)
}

func TestP10ReadHealthShowsNoSecret(t *testing.T) {
	for _, body := range []string{
		"cannot reach postgres://aster:planted@db",
		`{"status":"error: login postgres://aster:planted@db"}`,
		`{"status":"ok","version":"sk-live-planted"}`,
		`{"status":"degraded","checks":{"db":{"status":"error: planted://x","error":"password planted"}}}`,
	} {
		got, err := json.Marshal(readHealth(answer{status: 500, contentType: "application/json", body: []byte(body)}))
		require.NoError(t, err)
		assert.NotContains(t, string(got), "planted")
	}
}

func FuzzReadHealth(f *testing.F) {
	f.Add(200, "application/json", []byte(`{"status":"degraded","checks":{"store":{"status":"unhealthy"}}}`))
	f.Add(503, "text/plain", []byte("Not Ready"))
	f.Add(200, "", []byte(`{"checks":[{"name":"a","status":"fail"}],"version":7}`))
	f.Fuzz(func(t *testing.T, status int, contentType string, body []byte) {
		got := readHealth(answer{status: status, contentType: contentType, body: body})
		assert.Contains(t, []Verdict{Up, Degraded, Down, NotOffered, Unclear}, got.Verdict)
		assert.LessOrEqual(t, len(got.Failing), maxFailing+1)
		for _, text := range append([]string{got.Says, got.Version}, got.Failing...) {
			assert.True(t, utf8.ValidString(text))
			assert.NotContains(t, text, "\n")
			assert.LessOrEqual(t, utf8.RuneCountInString(text), 2*maxWordRunes+2)
		}
		if status >= 500 {
			assert.NotEqual(t, Up, got.Verdict)
		}
	})
}
