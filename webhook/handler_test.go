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
	"sync"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/alertvitals/notifier/alert"
	"github.com/alertvitals/notifier/envelope"
	"github.com/alertvitals/notifier/routing"
)

type fakeJournal struct {
	kept [][]byte
	err  error
	// busy is told when a record has come, which then waits for free; both are nil for a journal that is always free.
	busy, free chan struct{}
}

func (j *fakeJournal) Append(ctx context.Context, data []byte) (uint64, error) {
	if j.err != nil {
		return 0, j.err
	}
	if j.busy != nil {
		j.busy <- struct{}{}
		<-j.free
	}
	j.kept = append(j.kept, bytes.Clone(data))
	j.kept = j.kept[max(0, len(j.kept)-10):]
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
	return New(j, to("log"), slog.New(slog.DiscardHandler), reg), reg
}

// to routes everything to one receiver.
func to(receiver string) Route {
	return func(n alert.Notification) map[string][]int {
		return envelope.Address(n, func(map[string]string) []string { return []string{receiver} })
	}
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
	require.Len(t, journal.kept, 1)
	kept, err := envelope.Open(journal.kept[0])
	require.NoError(t, err)
	assert.Equal(t, payload(t), kept.Body, "the journal has the body as it was posted")
	assert.Equal(t, map[string][]int{"log": nil}, kept.To)
	assert.NoError(t, testutil.GatherAndCompare(reg, strings.NewReader(`
# HELP notifier_webhook_requests_total Webhooks received, by the HTTP status of the answer.
# TYPE notifier_webhook_requests_total counter
notifier_webhook_requests_total{code="200"} 1
notifier_webhook_requests_total{code="400"} 0
notifier_webhook_requests_total{code="413"} 0
notifier_webhook_requests_total{code="503"} 0
# HELP notifier_alerts_accepted_total Alerts in the webhooks that were accepted, by their status. One alert comes again with every update and repeat of its group.
# TYPE notifier_alerts_accepted_total counter
notifier_alerts_accepted_total{status="firing"} 3
notifier_alerts_accepted_total{status="resolved"} 0
`), "notifier_webhook_requests_total", "notifier_alerts_accepted_total"))
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
				assertExplained(t, tc.code)
			}
		})
	}
}

// assertExplained is that docs/errors.md has the code.
func assertExplained(t *testing.T, code string) {
	t.Helper()
	explained, err := os.ReadFile("../docs/errors.md")
	require.NoError(t, err)
	assert.Contains(t, string(explained), "## "+code+"\n", "every code is explained")
}

func TestDrainingRefusesBeforeItReads(t *testing.T) {
	journal := &fakeJournal{}
	h, _ := newHandler(journal)
	h.Drain()

	answer := post(t.Context(), h, bytes.NewReader(payload(t)))

	assert.Equal(t, http.StatusServiceUnavailable, answer.Code, "Alertmanager tries again after a 5xx only")
	assert.Equal(t, "5", answer.Header().Get("Retry-After"))
	assert.Equal(t, "close", answer.Header().Get("Connection"))
	assert.Contains(t, answer.Body.String(), `"code":"shutting_down"`)
	assertExplained(t, "shutting_down")
	assert.Empty(t, journal.kept)
}

func TestP2ChangedRoutesHoldForWhatComesAfterThem(t *testing.T) {
	journal := &fakeJournal{busy: make(chan struct{}), free: make(chan struct{})}
	h, _ := newHandler(journal)
	addressees := func(record []byte) map[string][]int {
		e, err := envelope.Open(record)
		require.NoError(t, err)
		return e.To
	}

	first, rerouted := make(chan int, 1), make(chan struct{})
	go func() { first <- post(context.Background(), h, bytes.NewReader(payload(t))).Code }()
	<-journal.busy // it is addressed by the old routes, and not yet kept
	go func() {
		h.Reroute(to("pager"))
		assert.Len(t, journal.kept, 1, "who was named before is named in the journal")
		close(rerouted)
	}()
	journal.free <- struct{}{}
	<-rerouted
	assert.Equal(t, http.StatusOK, <-first)

	go func() { <-journal.busy; journal.free <- struct{}{} }()
	assert.Equal(t, http.StatusOK, post(t.Context(), h, bytes.NewReader(payload(t))).Code)
	require.Len(t, journal.kept, 2)
	assert.Equal(t, map[string][]int{"log": nil}, addressees(journal.kept[0]))
	assert.Equal(t, map[string][]int{"pager": nil}, addressees(journal.kept[1]))
}

// slowBody comes when more is closed.
type slowBody struct{ asked, more chan struct{} }

func (b slowBody) Read([]byte) (int, error) {
	b.asked <- struct{}{}
	<-b.more
	return 0, io.EOF
}

func TestP1WhatIsReceivedAtOnceIsBounded(t *testing.T) {
	journal := &fakeJournal{}
	h, _ := newHandler(journal)
	slow := slowBody{make(chan struct{}), make(chan struct{})}
	var all sync.WaitGroup
	for range mostReading / MaxBody { // of none of them is it known how much it is
		all.Go(func() { post(context.Background(), h, slow) })
		<-slow.asked
	}

	answer := post(t.Context(), h, bytes.NewReader(payload(t)))

	assert.Equal(t, http.StatusServiceUnavailable, answer.Code, "Alertmanager tries again after a 5xx only")
	assert.Equal(t, "5", answer.Header().Get("Retry-After"))
	assert.Contains(t, answer.Body.String(), `"code":"busy"`)
	assertExplained(t, "busy")
	assert.Empty(t, journal.kept)
	close(slow.more)
	all.Wait()
	assert.Equal(t, http.StatusOK, post(t.Context(), h, bytes.NewReader(payload(t))).Code)
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

// BenchmarkPost and BenchmarkDecodeAlone differ by what it costs to address a notification and to answer.
func BenchmarkPost(b *testing.B) {
	tree, err := routing.New(routing.Route{Receiver: "log", BySeverity: map[string][]string{"critical": {"slack", "log"}}})
	require.NoError(b, err)
	route := func(n alert.Notification) map[string][]int { return envelope.Address(n, tree.Match) }
	benchmark(b, New(&fakeJournal{}, route, slog.New(slog.DiscardHandler), prometheus.NewRegistry()).Post)
}

func BenchmarkDecodeAlone(b *testing.B) {
	benchmark(b, func(c *gin.Context) {
		body, err := io.ReadAll(c.Request.Body)
		if err != nil {
			b.Error(err)
		}
		if _, err = alert.Decode(body); err != nil {
			b.Error(err)
		}
		c.JSON(http.StatusOK, gin.H{"status": "accepted"})
	})
}

func benchmark(b *testing.B, handle gin.HandlerFunc) {
	body, err := os.ReadFile("../alert/testdata/alertmanager/0.34/mixed-01-firing.json")
	require.NoError(b, err)
	gin.SetMode(gin.TestMode)
	router := gin.New()
	router.POST("/", handle)
	b.ReportAllocs()
	for b.Loop() {
		answer := httptest.NewRecorder()
		router.ServeHTTP(answer, httptest.NewRequestWithContext(b.Context(), http.MethodPost, "/", bytes.NewReader(body)))
		if answer.Code != http.StatusOK {
			b.Fatal(answer.Body)
		}
	}
}

func TestP1WhatWeFindOurselvesIsAcceptedAsAWebhookIs(t *testing.T) {
	n, err := alert.Decode(payload(t))
	require.NoError(t, err)
	journal := &fakeJournal{}
	h, _ := newHandler(journal)

	require.NoError(t, h.Accept(t.Context(), n))

	kept, err := envelope.Open(journal.kept[0])
	require.NoError(t, err)
	assert.Equal(t, map[string][]int{"log": nil}, kept.To)
	again, err := alert.Decode(kept.Body)
	require.NoError(t, err)
	assert.Equal(t, n, again, "it is a payload as Alertmanager's")

	journal.err = errors.New("no space left on device")
	require.Error(t, h.Accept(t.Context(), n))
	journal.err = nil
	h.Drain()
	require.ErrorContains(t, h.Accept(t.Context(), n), "stopping")
	assert.Len(t, journal.kept, 1)
}
