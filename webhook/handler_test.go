package webhook

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

type fakeJournal struct {
	kept [][]byte
	err  error
}

func (j *fakeJournal) Append(ctx context.Context, data []byte) (uint64, error) {
	if j.err != nil {
		return 0, j.err
	}
	j.kept = append(j.kept, data)
	return uint64(len(j.kept)), ctx.Err()
}

func post(ctx context.Context, h *Handler, body io.Reader) *httptest.ResponseRecorder {
	gin.SetMode(gin.TestMode)
	router := gin.New()
	router.POST("/api/v1/webhook", h.Post)
	answer := httptest.NewRecorder()
	router.ServeHTTP(answer, httptest.NewRequestWithContext(ctx, http.MethodPost, "/api/v1/webhook", body))
	return answer
}

func newHandler(j *fakeJournal) (*Handler, *prometheus.Registry) {
	reg := prometheus.NewRegistry()
	return New(j, slog.New(slog.DiscardHandler), reg), reg
}

func payload(t *testing.T) []byte {
	t.Helper()
	body, err := os.ReadFile("../alert/testdata/alertmanager/0.34/mixed-01-firing.json")
	require.NoError(t, err)
	return body
}

func TestAcceptsWhatAlertmanagerPosts(t *testing.T) {
	journal := &fakeJournal{}
	h, reg := newHandler(journal)

	answer := post(t.Context(), h, bytes.NewReader(payload(t)))

	assert.Equal(t, http.StatusOK, answer.Code)
	assert.JSONEq(t, `{"status":"accepted","id":"1"}`, answer.Body.String())
	assert.Equal(t, [][]byte{payload(t)}, journal.kept, "the journal has the body as it was posted")
	assert.NoError(t, testutil.GatherAndCompare(reg, strings.NewReader(`
# HELP notifier_webhook_requests_total Webhooks received, by the HTTP status of the answer.
# TYPE notifier_webhook_requests_total counter
notifier_webhook_requests_total{code="200"} 1
notifier_webhook_requests_total{code="400"} 0
notifier_webhook_requests_total{code="413"} 0
notifier_webhook_requests_total{code="503"} 0
`)))
}

func TestRefusesWithAReason(t *testing.T) {
	pad := func(size int) string {
		start, end := `{"version":"4","groupKey":"k","alerts":[{"status":"firing","labels":{"a":"`, `"}}]}`
		return start + strings.Repeat("x", size-len(start)-len(end)) + end
	}
	for name, tc := range map[string]struct {
		body    string
		status  int
		code    string
		message string
	}{
		"not json":      {"hello", 400, "not_a_payload", "not JSON at byte 1"},
		"other json":    {`{"text":"hi"}`, 400, "not_a_payload", "custom payload"},
		"a byte over":   {pad(MaxBody + 1), 413, "payload_too_large", "over 4 MiB"},
		"just in limit": {pad(MaxBody), 200, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			journal := &fakeJournal{}
			h, _ := newHandler(journal)

			answer := post(t.Context(), h, strings.NewReader(tc.body))

			var got struct{ Code, Message, Docs string }
			require.NoError(t, json.Unmarshal(answer.Body.Bytes(), &got))
			assert.Equal(t, tc.status, answer.Code)
			assert.Equal(t, tc.code, got.Code)
			assert.Contains(t, got.Message, tc.message)
			assert.Equal(t, tc.status == 200, len(journal.kept) == 1)
			if tc.code != "" {
				explained, err := os.ReadFile("../docs/errors.md")
				require.NoError(t, err)
				assert.Contains(t, string(explained), "## "+tc.code+"\n", "every code is explained")
			}
		})
	}
}

type brokenBody struct{}

func (brokenBody) Read([]byte) (int, error) { return 0, errors.New("connection reset") }

func TestBodyThatBreaksOffIsNotKept(t *testing.T) {
	journal := &fakeJournal{}
	h, _ := newHandler(journal)

	answer := post(t.Context(), h, brokenBody{})

	assert.Equal(t, http.StatusServiceUnavailable, answer.Code, "Alertmanager tries again after a 5xx only")
	assert.Equal(t, "5", answer.Header().Get("Retry-After"))
	assert.Empty(t, journal.kept)
}

func TestP1NoDiskNoAcceptance(t *testing.T) {
	h, _ := newHandler(&fakeJournal{err: errors.New("no space left on device")})

	answer := post(t.Context(), h, bytes.NewReader(payload(t)))

	assert.Equal(t, http.StatusServiceUnavailable, answer.Code)
	assert.Equal(t, "5", answer.Header().Get("Retry-After"))
	assert.Contains(t, answer.Body.String(), "journal_unavailable")
	assert.NotContains(t, answer.Body.String(), "no space", "how our disk is does not concern the sender")
}

func TestSenderThatHangsUpDoesNotUndoTheWrite(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	journal := &fakeJournal{}
	h, _ := newHandler(journal)

	answer := post(ctx, h, bytes.NewReader(payload(t)))

	assert.Equal(t, http.StatusOK, answer.Code)
	assert.Len(t, journal.kept, 1)
}

func BenchmarkPost(b *testing.B) {
	body, err := os.ReadFile("../alert/testdata/alertmanager/0.34/mixed-01-firing.json")
	require.NoError(b, err)
	h, _ := newHandler(&fakeJournal{})
	gin.SetMode(gin.TestMode)
	router := gin.New()
	router.POST("/", h.Post)
	for b.Loop() {
		answer := httptest.NewRecorder()
		router.ServeHTTP(answer, httptest.NewRequestWithContext(b.Context(), http.MethodPost, "/", bytes.NewReader(body)))
		if answer.Code != http.StatusOK {
			b.Fatal(answer.Body)
		}
	}
}
