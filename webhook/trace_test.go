package webhook

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/alertvitals/notifier/envelope"
	"github.com/alertvitals/notifier/tracing"
	"github.com/alertvitals/notifier/web/request"
)

// traced posts a payload within a span, and gives the spans that ended.
func traced(t *testing.T, h *Handler, body []byte) (server trace.SpanContext, ended tracetest.SpanStubs) {
	t.Helper()
	spans := tracetest.NewInMemoryExporter()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans))
	ctx, span := provider.Tracer("").Start(t.Context(), "POST /api/v1/webhook")
	defer span.End()
	post(ctx, h, bytes.NewReader(body))
	return span.SpanContext(), spans.GetSpans()
}

func TestTheTraceOfAWebhookGoesIntoTheJournal(t *testing.T) {
	journal := &fakeJournal{}
	h, _ := newHandler(journal)

	server, spans := traced(t, h, payload(t))

	require.Len(t, spans, 2)
	route, journalled := spans[0], spans[1]
	assert.Equal(t, "route", route.Name)
	assert.Equal(t, "journal", journalled.Name)
	assert.Equal(t, server.SpanID(), route.Parent.SpanID())
	assert.Equal(t, server.SpanID(), journalled.Parent.SpanID())
	kept, err := envelope.Open(journal.kept[0])
	require.NoError(t, err)
	carried := tracing.Read(kept.Trace)
	assert.Equal(t, server.TraceID(), carried.TraceID())
	assert.Equal(t, journalled.SpanContext.SpanID(), carried.SpanID())
	for _, s := range spans {
		for _, a := range s.Attributes {
			assert.Equal(t, "notifier.id", string(a.Key), "no label is in a span")
		}
	}

	journal.err = errors.New("no space left on device")
	_, spans = traced(t, h, payload(t))
	assert.Equal(t, codes.Error, spans[1].Status.Code)
	assert.NotContains(t, spans[1].Status.Description, "no space")
}

func TestWithoutATraceNoneIsKept(t *testing.T) {
	journal := &fakeJournal{}
	h, _ := newHandler(journal)
	post(t.Context(), h, bytes.NewReader(payload(t)))
	kept, err := envelope.Open(journal.kept[0])
	require.NoError(t, err)
	assert.Empty(t, kept.Trace)
}

func TestEveryLineNamesTheRequestAndItsTrace(t *testing.T) {
	var log bytes.Buffer
	journal := &fakeJournal{err: errors.New("no space left on device")}
	h := New(journal, to("log"), slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})), prometheus.NewRegistry())
	router := gin.New()
	router.POST("/", request.Name, h.Post)
	send := func(body []byte) {
		r := httptest.NewRequestWithContext(trace.ContextWithSpanContext(t.Context(),
			tracing.Read("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")), http.MethodPost, "/", bytes.NewReader(body))
		r.Header.Set(request.Header, "am-17")
		router.ServeHTTP(httptest.NewRecorder(), r)
	}
	send(payload(t))
	send([]byte("hello"))
	journal.err = nil
	send(payload(t))

	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	require.Len(t, lines, 3)
	for i, says := range []string{"Webhook could not be put on disk", "Webhook refused", "Webhook accepted"} {
		assert.Contains(t, lines[i], says)
		assert.Contains(t, lines[i], "request=am-17")
		assert.Contains(t, lines[i], "trace_id=0af7651916cd43dd8448eb211c80319c")
	}
	assert.Contains(t, lines[2], "id=1 ", "and whoever was answered with that id")
}

// BenchmarkPostTraced is BenchmarkPost within a trace whose spans nobody takes: what tracing costs when it is on.
func BenchmarkPostTraced(b *testing.B) {
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(tracetest.NewNoopExporter()))
	defer func() { _ = provider.Shutdown(context.WithoutCancel(b.Context())) }()
	tracer := provider.Tracer("")
	h := New(&fakeJournal{}, to("log"), slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	benchmark(b, func(c *gin.Context) {
		ctx, span := tracer.Start(c.Request.Context(), "POST")
		defer span.End()
		c.Request = c.Request.WithContext(ctx)
		h.Post(c)
	})
}
