package web

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/alertvitals/notifier/web/apierror"
)

// Parts are what the router leads to.
type Parts struct {
	// Webhook answers POST /api/v1/webhook.
	Webhook gin.HandlerFunc
	// Ready returns nil when a webhook would be accepted now; its error is for the log only.
	Ready func(context.Context) error
	// Reload takes the configuration from its file anew. Its error is for the person who changed the file.
	Reload func(context.Context) error
	// Deliveries are what waits and what is dead.
	Deliveries Deliveries
	// Agents are whom the notifier looks at.
	Agents Agents
	// Metrics are shown at /metrics.
	Metrics prometheus.Gatherer
	Logger  *slog.Logger
}

// Router is the notifier's HTTP interface. Paths and answers are those of other Prometheus tools where those have one.
func Router(p Parts) http.Handler {
	gin.SetMode(gin.ReleaseMode)
	router := gin.New()
	router.HandleMethodNotAllowed = true
	router.UseRawPath = true             // an agent's name may hold a slash
	router.RedirectTrailingSlash = false // its answer is HTML, and a program that follows it gets what it did not ask for
	router.Use(gin.CustomRecoveryWithWriter(nil, func(c *gin.Context, err any) {
		p.Logger.Error("Request failed", "path", c.FullPath(), "panic", fmt.Sprint(err))
		apierror.Write(c, http.StatusInternalServerError, "internal", "the notifier failed at this request; its log says how")
	}), ownOrigin)
	router.POST("/api/v1/webhook", p.Webhook)
	for _, path := range []string{"/health", "/-/healthy"} {
		router.GET(path, func(c *gin.Context) { c.String(http.StatusOK, "OK\n") })
		router.HEAD(path, func(c *gin.Context) { c.Status(http.StatusOK) })
	}
	for _, path := range []string{"/ready", "/-/ready"} {
		router.GET(path, p.ready)
		router.HEAD(path, p.ready)
	}
	router.POST("/-/reload", p.reload)
	router.GET("/api/v1/deliveries", p.list)
	router.GET("/api/v1/deliveries/:id", p.show)
	router.POST("/api/v1/deliveries/:id/replay", p.replay)
	router.GET("/api/v1/agents", p.agents)
	router.GET("/api/v1/agents/:name/snapshot", p.snapshot)
	router.GET("/api/v1/agents/:name/charts/:vital", p.chart)
	router.GET("/metrics", gin.WrapH(promhttp.HandlerFor(p.Metrics, promhttp.HandlerOpts{EnableOpenMetrics: true})))
	router.NoRoute(func(c *gin.Context) {
		apierror.Write(c, http.StatusNotFound, "not_found", "there is nothing at this path; Alertmanager posts to /api/v1/webhook")
	})
	router.NoMethod(func(c *gin.Context) {
		apierror.Write(c, http.StatusMethodNotAllowed, "method_not_allowed", c.Request.Method+" is not for this path")
	})
	return router
}

// ownOrigin keeps a page of another site from having a browser change something here: nobody is asked to log in, so a
// browser within the network could be made to.
func ownOrigin(c *gin.Context) {
	var protection http.CrossOriginProtection
	if protection.Check(c.Request) != nil {
		apierror.Write(c, http.StatusForbidden, "cross_origin", "a page of another site may not change anything here")
		c.Abort()
	}
}

func (p Parts) ready(c *gin.Context) {
	if err := p.Ready(c.Request.Context()); err != nil {
		p.Logger.Warn("Not ready", "err", err)
		apierror.Write(c, http.StatusServiceUnavailable, "not_ready", "notifications cannot be accepted now; the log says why")
		return
	}
	c.String(http.StatusOK, "Ready\n")
}

func (p Parts) reload(c *gin.Context) {
	// Whoever asked may leave; what was begun is finished.
	if err := p.Reload(context.WithoutCancel(c.Request.Context())); err != nil {
		apierror.Write(c, http.StatusInternalServerError, "reload_failed", err.Error())
		return
	}
	c.String(http.StatusOK, "Reloaded\n")
}
