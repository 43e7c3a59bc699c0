package web

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

	"github.com/alertvitals/notifier/delivery"
)

// brokenDeliveries fails at everything.
type brokenDeliveries struct{ err error }

var _ Deliveries = brokenDeliveries{}

func (b brokenDeliveries) List(context.Context, delivery.Query) ([]delivery.Delivery, error) {
	return nil, b.err
}

func (b brokenDeliveries) Show(context.Context, string) (delivery.Delivery, error) {
	return delivery.Delivery{}, b.err
}

func (b brokenDeliveries) Trace(context.Context, string) (delivery.Trace, error) {
	return delivery.Trace{}, b.err
}
func (b brokenDeliveries) Replay(context.Context, string) error { return b.err }

// What a part says when it fails is for the log. Reload alone answers with it: that is worded for whoever changed the file.
func TestP10NoPathTellsWhyItFailed(t *testing.T) {
	planted := errors.New("planted: /var/lib/notifier/journal: permission denied")
	var log bytes.Buffer
	router := Router(Parts{
		Webhook:    func(*gin.Context) { panic(planted) },
		Ready:      func(context.Context) error { return planted },
		Reload:     func(context.Context) error { panic(planted) },
		Deliveries: brokenDeliveries{planted},
		Receivers:  func() []delivery.Receiver { panic(planted) },
		Render:     func(context.Context, RenderRequest) ([]Rendered, error) { return nil, planted },
		Agents:     &fakeAgents{err: planted},
		Metrics:    prometheus.GathererFunc(nil),
		Logger:     slog.New(slog.NewTextHandler(&log, nil)),
	})
	engine, _ := router.(*gin.Engine)
	failed := 0
	for _, route := range engine.Routes() {
		path := strings.NewReplacer(":id", "1", ":name", "a", ":vital", "memory.png").Replace(route.Path)
		answer := httptest.NewRecorder()
		router.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), route.Method, path, strings.NewReader("{}")))
		assert.NotContains(t, answer.Body.String(), "planted", route.Path)
		assert.NotContains(t, answer.Body.String(), "goroutine", route.Path)
		if answer.Code != http.StatusOK {
			assert.Contains(t, []int{400, 404, 500, 503}, answer.Code, route.Path)
			assert.Equal(t, route.Method == http.MethodHead || strings.Contains(answer.Body.String(), `"docs":`), true, route.Path)
			failed++
		}
	}
	assert.Greater(t, failed, 9, "most of them were asked for what failed")
	assert.Contains(t, log.String(), "planted")
}
