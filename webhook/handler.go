package webhook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
	"golang.org/x/sync/semaphore"

	"github.com/alertvitals/notifier/alert"
	"github.com/alertvitals/notifier/envelope"
	"github.com/alertvitals/notifier/tracing"
	"github.com/alertvitals/notifier/web/apierror"
	"github.com/alertvitals/notifier/web/request"
)

// MaxBody is the largest payload that is taken, in bytes. Alertmanager sends some 700 bytes for each alert, so this is a
// group of several thousand.
const MaxBody = 4 << 20

// mostReading bounds what bodies that are on their way may come to, in bytes: each counts as what its sender says, or as MaxBody when
// that says nothing. Many senders at once, or one that means harm, must not take all memory.
const mostReading = 256 << 20

// retryAfter is what a sender is asked to wait, in seconds, while nothing can be accepted. Alertmanager does not read
// it and backs off by itself; other senders do.
const retryAfter = "5"

// Journal keeps a record. Append returns only when the record is on disk, and keeps no part of data.
type Journal interface {
	Append(ctx context.Context, data []byte) (seq uint64, err error)
}

// Route says whom the alerts of a notification go to: receivers by name, as envelope.Envelope.To has them.
type Route func(alert.Notification) map[string][]int

// Handler answers POST /api/v1/webhook.
type Handler struct {
	journal  Journal
	logger   *slog.Logger
	received map[int]prometheus.Counter
	metrics  metrics
	draining atomic.Bool
	reading  *semaphore.Weighted

	// mu is held for reading from when a notification is addressed until it is kept, and for writing to change route.
	mu    sync.RWMutex
	route Route
}

// New returns a handler that addresses by route, appends to journal and counts in reg.
func New(journal Journal, route Route, logger *slog.Logger, reg prometheus.Registerer) *Handler {
	h := &Handler{
		journal: journal, route: route, logger: logger, received: map[int]prometheus.Counter{}, metrics: newMetrics(reg),
		reading: semaphore.NewWeighted(mostReading),
	}
	counters := promauto.With(reg).NewCounterVec(prometheus.CounterOpts{
		Name: "notifier_webhook_requests_total",
		Help: "Webhooks received, by the HTTP status of the answer.",
	}, []string{"code"})
	for _, status := range []int{http.StatusOK, http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusServiceUnavailable} {
		h.received[status] = counters.WithLabelValues(strconv.Itoa(status))
	}
	return h
}

// Reroute addresses by another route what comes from now on. When it returns, all that was addressed by the one before is in
// the journal, or was refused. New webhooks wait for as long.
func (h *Handler) Reroute(route Route) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.route = route
}

// Drain refuses all webhooks from now on, with a 503, so that the sender goes elsewhere or comes again.
func (h *Handler) Drain() { h.draining.Store(true) }

// Draining is whether Drain was called.
func (h *Handler) Draining() bool { return h.draining.Load() }

// Post takes one webhook: 200 when it is on disk, 400 when it is not an Alertmanager payload, 413 when it is too large,
// 503 when it cannot be put on disk, did not arrive whole, comes while the notifier is stopping, or is too much with all that is
// being received. Alertmanager retries only a 5xx, so whatever may pass by itself is a 503.
func (h *Handler) Post(c *gin.Context) {
	began := time.Now()
	defer func() { h.metrics.took.Observe(time.Since(began).Seconds()) }()
	if h.Draining() {
		c.Header("Connection", "close") // the next try is for whoever listens here then
		h.fail(c, http.StatusServiceUnavailable, "shutting_down", "the notifier is stopping; send the notification again")
		return
	}
	expected := int64(MaxBody)
	if c.Request.ContentLength >= 0 {
		expected = min(expected, c.Request.ContentLength)
	}
	if !h.reading.TryAcquire(expected) {
		h.fail(c, http.StatusServiceUnavailable, "busy", "too much is being received at once; send the notification again")
		return
	}
	defer h.reading.Release(expected)
	own, _ := pool.Get().(*buffers)
	defer own.putBack()
	body, err := own.read(c.Writer, c.Request)
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		h.fail(c, http.StatusRequestEntityTooLarge, "payload_too_large",
			fmt.Sprintf("the payload is over %d MiB; group by more labels, so that a group holds fewer alerts", MaxBody>>20))
		return
	case err != nil:
		h.fail(c, http.StatusServiceUnavailable, "body_unreadable", "the body did not arrive whole")
		return
	}
	n, err := alert.Decode(body)
	if err != nil {
		h.fail(c, http.StatusBadRequest, "not_a_payload", err.Error())
		return
	}
	// The sender's patience must not decide whether the record is kept: once the write is under way it is finished.
	seq, err := h.keep(context.WithoutCancel(c.Request.Context()), n, body, own)
	if err != nil {
		h.log(c).Error("Webhook could not be put on disk", "err", err)
		h.fail(c, http.StatusServiceUnavailable, "journal_unavailable", "the notification could not be put on disk; send it again")
		return
	}
	h.received[http.StatusOK].Inc()
	h.metrics.accepted(n)
	if h.logger.Enabled(c.Request.Context(), slog.LevelDebug) {
		h.log(c).Debug("Webhook accepted", "id", seq, "receiver", n.Receiver, "status", n.Status, "alerts", len(n.Alerts))
	}
	c.Data(http.StatusOK, "application/json; charset=utf-8",
		append(strconv.AppendUint([]byte(`{"status":"accepted","id":"`), seq, 10), `"}`...))
}

// buffers are what a request needs for its body and its record. They are used again, because both are copied on their way.
type buffers struct {
	body   bytes.Buffer
	record []byte
}

var pool = sync.Pool{New: func() any { return new(buffers) }}

// mostKept is how large a buffer may be that is used again: most webhooks have a few KiB, few have megabytes.
const mostKept = 64 << 10

func (b *buffers) putBack() {
	if b.body.Cap() <= mostKept && cap(b.record) <= mostKept {
		pool.Put(b)
	}
}

// read is the whole body.
func (b *buffers) read(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	b.body.Reset()
	// What is said about the length is believed up to a point: a sender that sends nothing must cost nothing.
	b.body.Grow(int(min(max(r.ContentLength, 0), mostKept/2)) + bytes.MinRead)
	if _, err := b.body.ReadFrom(http.MaxBytesReader(w, r.Body, MaxBody)); err != nil {
		return nil, fmt.Errorf("reading the body: %w", err)
	}
	return b.body.Bytes(), nil
}

// keep addresses a notification and puts it on disk.
func (h *Handler) keep(ctx context.Context, n alert.Notification, body []byte, b *buffers) (seq uint64, err error) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	_, routing := tracing.Begin(ctx, "route")
	to := h.route(n)
	routing.End()

	ctx, writing := tracing.Begin(ctx, "journal", trace.WithSpanKind(trace.SpanKindProducer))
	defer writing.End()
	e := envelope.Of(n, to, body)
	e.Trace = tracing.Carry(ctx)
	if b.record, err = e.AppendSealed(b.record[:0]); err != nil {
		return 0, fmt.Errorf("addressing the notification: %w", err)
	}
	began := time.Now()
	seq, err = h.journal.Append(ctx, b.record)
	h.metrics.append.Observe(time.Since(began).Seconds())
	if err != nil {
		writing.SetStatus(codes.Error, "not on disk")
		return 0, err
	}
	if writing.IsRecording() {
		writing.SetAttributes(attribute.String("notifier.id", strconv.FormatUint(seq, 10)))
	}
	return seq, nil
}

// log is a logger for what concerns one request.
func (h *Handler) log(c *gin.Context) *slog.Logger {
	return tracing.Log(c.Request.Context(), h.logger).With("request", request.ID(c))
}

func (h *Handler) fail(c *gin.Context, status int, code, message string) {
	h.received[status].Inc()
	if status == http.StatusServiceUnavailable {
		c.Header("Retry-After", retryAfter)
	} else {
		h.log(c).Warn("Webhook refused", "code", code, "reason", message, "from", c.ClientIP())
	}
	apierror.Write(c, status, code, message)
}
