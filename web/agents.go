package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/alertvitals/notifier/diagnostics"
	"github.com/alertvitals/notifier/web/apierror"
)

// Agents are those that can be looked at. What they give holds no secret and no personal label.
type Agents interface {
	// Agents are all of them, in the order of the configuration.
	Agents() []diagnostics.AgentStatus
	// Look gives a snapshot of one; its error is a *diagnostics.NoAgentError.
	Look(ctx context.Context, name, instance string, fresh bool) (*diagnostics.Snapshot, error)
	// VitalChart draws the last hour of one vital, nil when the agent has no such; its error may be a *diagnostics.NoAgentError.
	VitalChart(ctx context.Context, name, instance, vital string, start time.Time) (*diagnostics.Chart, error)
}

func (p Parts) agents(c *gin.Context) {
	if _, err := parameters(c); err != nil {
		apierror.Write(c, http.StatusBadRequest, "bad_parameter", err.Error())
		return
	}
	c.JSON(http.StatusOK, gin.H{"agents": p.Agents.Agents()})
}

func (p Parts) snapshot(c *gin.Context) {
	given, err := parameters(c, "fresh", "instance")
	if err != nil {
		apierror.Write(c, http.StatusBadRequest, "bad_parameter", err.Error())
		return
	}
	fresh := false
	if text := given.Get("fresh"); text != "" {
		if fresh, err = strconv.ParseBool(text); err != nil {
			apierror.Write(c, http.StatusBadRequest, "bad_parameter", fmt.Sprintf("fresh is %.40q, want true or false", text))
			return
		}
	}
	s, err := p.Agents.Look(c.Request.Context(), c.Param("name"), given.Get("instance"), fresh)
	if err != nil {
		p.notLookedAt(c, err)
		return
	}
	c.JSON(http.StatusOK, s)
}

// notLookedAt says why there is nothing of an agent.
func (p Parts) notLookedAt(c *gin.Context, err error) {
	var none *diagnostics.NoAgentError
	switch {
	case errors.As(err, &none) && none.Known && none.Instance == "":
		apierror.Write(c, http.StatusBadRequest, "bad_parameter", none.Error())
	case errors.As(err, &none):
		apierror.Write(c, http.StatusNotFound, "not_found", none.Error())
	case errors.Is(err, diagnostics.ErrBusy):
		c.Header("Retry-After", "1")
		apierror.Write(c, http.StatusServiceUnavailable, "busy", "too many charts are asked for; ask for this one again")
	default:
		p.Logger.Error("Request failed", "path", c.FullPath(), "err", err)
		apierror.Write(c, http.StatusInternalServerError, "internal", "the agent could not be looked at; the log says why")
	}
}

// chart is the last hour of a vital as a picture: /api/v1/agents/aster/charts/error%20rate.png.
func (p Parts) chart(c *gin.Context) {
	given, err := parameters(c, "instance")
	if err != nil {
		apierror.Write(c, http.StatusBadRequest, "bad_parameter", err.Error())
		return
	}
	vital, isPicture := strings.CutSuffix(c.Param("vital"), ".png")
	if !isPicture {
		apierror.Write(c, http.StatusNotFound, "not_found", "a chart's address ends in VITAL.png")
		return
	}
	drawn, err := p.Agents.VitalChart(c.Request.Context(), c.Param("name"), given.Get("instance"), vital, time.Time{})
	switch {
	case err != nil:
		p.notLookedAt(c, err)
	case drawn == nil:
		apierror.Write(c, http.StatusNotFound, "not_found", fmt.Sprintf("the agent has no vital %.80q; its snapshot says which it has", vital))
	default:
		c.Header("Cache-Control", "no-store")
		c.Header("X-Content-Type-Options", "nosniff")
		c.Data(http.StatusOK, "image/png", drawn.PNG)
	}
}

// parameters are those of the address, of which there are only these; its error is for whoever wrote them.
func parameters(c *gin.Context, there ...string) (url.Values, error) {
	given, err := url.ParseQuery(c.Request.URL.RawQuery)
	if err != nil {
		return nil, errors.New("the parameters cannot be read; they are written as NAME=VALUE&NAME=VALUE, with % only before two digits")
	}
	for name := range given {
		if !slices.Contains(there, name) {
			return nil, fmt.Errorf("there is no parameter %.40q; there are %s", name, list(there))
		}
	}
	return given, nil
}

// list is "a, b and c", or "none".
func list(of []string) string {
	last := len(of) - 1
	switch {
	case last < 0:
		return "none"
	case last == 0:
		return of[0]
	}
	return strings.Join(of[:last], ", ") + " and " + of[last]
}
