package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/alertvitals/notifier/delivery"
	"github.com/alertvitals/notifier/web/apierror"
)

// Deliveries are what waits to be told, what was told, and what could not be. What they give holds no secret and no personal label.
type Deliveries interface {
	// List gives the newest first.
	List(ctx context.Context, q delivery.Query) ([]delivery.Delivery, error)
	// Show gives one with all that is known of it, or delivery.ErrNotFound.
	Show(ctx context.Context, id string) (delivery.Delivery, error)
	// Trace gives all that came of the notification whose sender was answered with that ID, or delivery.ErrNotFound.
	Trace(ctx context.Context, id string) (delivery.Trace, error)
	// Replay has one that is over told again. Its error may be one of delivery's.
	Replay(ctx context.Context, id string) error
}

// MaxLimit is how many deliveries one answer lists at the most, defaultLimit how many when nobody says.
const (
	MaxLimit     = 1000
	defaultLimit = 100
)

func (p Parts) list(c *gin.Context) {
	query, err := readQuery(c)
	if err != nil {
		apierror.Write(c, http.StatusBadRequest, "bad_parameter", err.Error())
		return
	}
	found, err := p.Deliveries.List(c.Request.Context(), query)
	if err != nil {
		p.failed(c, err)
		return
	}
	if found == nil {
		found = []delivery.Delivery{}
	}
	answer := gin.H{"deliveries": found}
	if n := len(found); n == query.Limit {
		answer["next"] = found[n-1].Accepted.Format(time.RFC3339Nano) + "," + found[n-1].ID
	}
	c.JSON(http.StatusOK, answer)
}

// readQuery reads the parameters; its error is for whoever wrote them.
func readQuery(c *gin.Context) (delivery.Query, error) {
	given, err := parameters(c, "receiver", "status", "alertname", "limit", "before")
	if err != nil {
		return delivery.Query{}, err
	}
	q := delivery.Query{
		Receiver: given.Get("receiver"), Status: delivery.Status(given.Get("status")), Alertname: given.Get("alertname"),
		Limit: defaultLimit,
	}
	if q.Status != "" && !slices.Contains(delivery.Statuses, q.Status) {
		return q, fmt.Errorf("status is %.40q, want one of %s", q.Status, list(texts(delivery.Statuses)))
	}
	if text := given.Get("limit"); text != "" {
		limit, err := strconv.Atoi(text)
		if err != nil || limit < 1 || limit > MaxLimit {
			return q, fmt.Errorf("limit is %.40q, want a number from 1 to %d", text, MaxLimit)
		}
		q.Limit = limit
	}
	if text := given.Get("before"); text != "" {
		at, id, _ := strings.Cut(text, ",")
		before, err := time.Parse(time.RFC3339, at)
		if err != nil {
			return q, fmt.Errorf("before is %.40q, want a time like 2026-03-14T09:26:53Z (in a URL, + is written %%2B), "+
				"or what the answer before this one has as next", text)
		}
		q.Before, q.AfterID = before, id
	}
	return q, nil
}

// show answers with a delivery, or for the ID of a webhook with all that came of it.
func (p Parts) show(c *gin.Context) {
	if id := c.Param("id"); isWebhook(id) {
		t, err := p.Deliveries.Trace(c.Request.Context(), id)
		if err != nil {
			p.failed(c, err)
			return
		}
		c.JSON(http.StatusOK, t)
		return
	}
	d, err := p.Deliveries.Show(c.Request.Context(), c.Param("id"))
	if err != nil {
		p.failed(c, err)
		return
	}
	c.JSON(http.StatusOK, d)
}

func texts(statuses []delivery.Status) (texts []string) {
	for _, s := range statuses {
		texts = append(texts, string(s))
	}
	return texts
}

// isWebhook is whether an ID is that of a webhook: its answer has one of digits alone.
func isWebhook(id string) bool { return id != "" && strings.Trim(id, "0123456789") == "" }

func (p Parts) replay(c *gin.Context) {
	// Whoever asked may leave; what was begun is finished.
	if err := p.Deliveries.Replay(context.WithoutCancel(c.Request.Context()), c.Param("id")); err != nil {
		p.failed(c, err)
		return
	}
	c.JSON(http.StatusAccepted, gin.H{"status": "accepted"})
}

// failed answers with what an error of Deliveries means.
func (p Parts) failed(c *gin.Context, err error) {
	switch {
	case errors.Is(err, delivery.ErrNotFound):
		apierror.Write(c, http.StatusNotFound, "not_found", delivery.ErrNotFound.Error())
	case errors.Is(err, delivery.ErrNotDead):
		apierror.Write(c, http.StatusConflict, "not_dead", delivery.ErrNotDead.Error())
	case errors.Is(err, delivery.ErrReplayed):
		apierror.Write(c, http.StatusConflict, "replayed", delivery.ErrReplayed.Error())
	case errors.Is(err, delivery.ErrGoneRecords):
		apierror.Write(c, http.StatusConflict, "gone", delivery.ErrGoneRecords.Error())
	case errors.Is(err, delivery.ErrWebhook):
		apierror.Write(c, http.StatusBadRequest, "bad_parameter", delivery.ErrWebhook.Error())
	case errors.Is(err, delivery.ErrGoneIntegration):
		apierror.Write(c, http.StatusConflict, "gone_integration", delivery.ErrGoneIntegration.Error())
	case errors.Is(err, delivery.ErrUnreadable):
		apierror.Write(c, http.StatusConflict, "unreadable", delivery.ErrUnreadable.Error())
	default:
		p.Logger.Error("Request failed", "path", c.FullPath(), "err", err)
		c.Header("Retry-After", "5")
		apierror.Write(c, http.StatusServiceUnavailable, "journal_unavailable", "the journal does not answer; the log says why")
	}
}
