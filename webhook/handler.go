package webhook

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/alertvitals/notifier/alert"
	"github.com/alertvitals/notifier/web/apierror"
)

// MaxBody is the largest payload that is taken, in bytes. Alertmanager sends some 700 bytes for each alert, so this is a
// group of several thousand.
const MaxBody = 4 << 20

// retryAfter is what a sender is asked to wait, in seconds, while nothing can be put on disk. Alertmanager does not read
// it and backs off by itself; other senders do.
const retryAfter = "5"

// Journal keeps a body. Append returns only when the body is on disk.
type Journal interface {
	Append(ctx context.Context, data []byte) (seq uint64, err error)
}

// Handler answers POST /api/v1/webhook.
type Handler struct {
	journal  Journal
	logger   *slog.Logger
	received *prometheus.CounterVec
}

// New returns a handler that appends to journal and counts in reg.
func New(journal Journal, logger *slog.Logger, reg prometheus.Registerer) *Handler {
	h := &Handler{
		journal: journal,
		logger:  logger,
		received: promauto.With(reg).NewCounterVec(prometheus.CounterOpts{
			Name: "notifier_webhook_requests_total",
			Help: "Webhooks received, by the HTTP status of the answer.",
		}, []string{"code"}),
	}
	for _, status := range []int{http.StatusOK, http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusServiceUnavailable} {
		h.received.WithLabelValues(strconv.Itoa(status))
	}
	return h
}

// Post takes one webhook: 200 when it is on disk, 400 when it is not an Alertmanager payload, 413 when it is too large,
// 503 when it cannot be put on disk or did not arrive whole. Alertmanager retries only a 5xx, so whatever may pass by itself is a 503.
func (h *Handler) Post(c *gin.Context) {
	body, err := io.ReadAll(http.MaxBytesReader(c.Writer, c.Request.Body, MaxBody))
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
	seq, err := h.journal.Append(context.WithoutCancel(c.Request.Context()), body)
	if err != nil {
		h.logger.Error("Webhook could not be put on disk", "err", err)
		h.fail(c, http.StatusServiceUnavailable, "journal_unavailable", "the notification could not be put on disk; send it again")
		return
	}
	h.received.WithLabelValues("200").Inc()
	h.logger.Debug("Webhook accepted", "id", seq, "receiver", n.Receiver, "status", n.Status, "alerts", len(n.Alerts))
	c.JSON(http.StatusOK, gin.H{"status": "accepted", "id": strconv.FormatUint(seq, 10)})
}

func (h *Handler) fail(c *gin.Context, status int, code, message string) {
	h.received.WithLabelValues(strconv.Itoa(status)).Inc()
	if status == http.StatusServiceUnavailable {
		c.Header("Retry-After", retryAfter)
	} else {
		h.logger.Warn("Webhook refused", "code", code, "reason", message, "from", c.ClientIP())
	}
	apierror.Write(c, status, code, message)
}
