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

// Deliveries are what waits to be told, and what could not be. What they give holds no secret and no personal label.
type Deliveries interface {
	// List gives the newest first.
	List(ctx context.Context, q delivery.Query) ([]delivery.Delivery, error)
	// Show gives one with its group, or delivery.ErrNotFound.
	Show(ctx context.Context, id string) (delivery.Delivery, error)
	// Replay has a dead letter told again. Its error may be one of delivery's.
	Replay(ctx context.Context, id string) error
}

// MaxLimit is how many deliveries one answer lists at the most, defaultLimit how many when nobody says.
const (
	MaxLimit     = 1000
	defaultLimit = 100
)

// statuses are those that a delivery can be listed by.
var statuses = []string{string(delivery.Pending), string(delivery.Retrying), string(delivery.Dead)}

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
	if q.Status != "" && !slices.Contains(statuses, string(q.Status)) {
		return q, fmt.Errorf("status is %.40q, want one of %s; what was delivered is not listed", q.Status, strings.Join(statuses, ", "))
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

func (p Parts) show(c *gin.Context) {
	d, err := p.Deliveries.Show(c.Request.Context(), c.Param("id"))
	if err != nil {
		p.failed(c, err)
		return
	}
	c.JSON(http.StatusOK, d)
}

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
