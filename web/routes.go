package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/alertvitals/notifier/alert"
	"github.com/alertvitals/notifier/routing"
	"github.com/alertvitals/notifier/web/apierror"
)

// Routes are those of the configuration in use. What they give holds no personal label.
type Routes interface {
	// Routes is the tree.
	Routes() routing.Node
	// Ask is where alerts with these labels go, and why.
	Ask(alerts []map[string]string) routing.Answer
}

// mostRoutesTest is how long the body of a test may be, as that of a webhook, in bytes.
const mostRoutesTest = 4 << 20

func (p Parts) routes(c *gin.Context) {
	if _, err := parameters(c); err != nil {
		apierror.Write(c, http.StatusBadRequest, "bad_parameter", err.Error())
		return
	}
	c.JSON(http.StatusOK, gin.H{"route": p.Routes.Routes()})
}

// testRoutes answers where the alerts in the body go: {"labels": {…}} is one, and a payload of Alertmanager's may hold several.
func (p Parts) testRoutes(c *gin.Context) {
	if _, err := parameters(c); err != nil {
		apierror.Write(c, http.StatusBadRequest, "bad_parameter", err.Error())
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(c.Writer, c.Request.Body, mostRoutesTest))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		apierror.Write(c, http.StatusRequestEntityTooLarge, "payload_too_large", "the body is over 4 MiB; one alert's labels are enough")
		return
	case err != nil:
		apierror.Write(c, http.StatusServiceUnavailable, "body_unreadable", "the body did not come whole")
		return
	}
	alerts, err := alertsOf(body)
	if err != nil {
		apierror.Write(c, http.StatusBadRequest, "bad_request", err.Error())
		return
	}
	c.JSON(http.StatusOK, p.Routes.Ask(alerts))
}

// alertsOf are the labels of each alert in a body; its error is for whoever wrote it, and repeats nothing of it.
func alertsOf(body []byte) ([]map[string]string, error) {
	var either struct {
		Alerts json.RawMessage `json:"alerts"`
	}
	if json.Unmarshal(body, &either) == nil && either.Alerts != nil {
		n, err := alert.Decode(body)
		if err != nil {
			return nil, fmt.Errorf("this is not a payload of Alertmanager's: %w", err)
		}
		return n.AlertLabels(), nil
	}
	var one struct {
		Labels *map[string]string `json:"labels"`
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&one); err != nil || one.Labels == nil || decoder.More() {
		return nil, errors.New(`want {"labels": {"severity": "critical"}}, with text for values, or a payload of Alertmanager's webhook`)
	}
	return []map[string]string{*one.Labels}, nil
}
