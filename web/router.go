package web

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/contrib/instrumentation/github.com/gin-gonic/gin/otelgin"
	"go.opentelemetry.io/otel/trace"

	"github.com/alertvitals/notifier/delivery"
	"github.com/alertvitals/notifier/tracing"
	"github.com/alertvitals/notifier/web/apierror"
	"github.com/alertvitals/notifier/web/request"
)

// Parts are what the router leads to.
type Parts struct {
	// Webhook answers POST /api/v1/webhook.
	Webhook gin.HandlerFunc
	// Ready returns nil when a webhook would be accepted now; its error is for the log only.
	Ready func(context.Context) error
	// Reload takes the configuration from its file anew. Its error is for the person who changed the file.
	Reload func(context.Context) error
	// Guard lets go on who may change something, and answers the others; nil lets everybody.
	Guard gin.HandlerFunc
	// Prefix is before every path: "/notifier", or "" for none. Origin is where browsers find the notifier, as
	// https://example.com, when that is not where they connect to; "" is nowhere else.
	Prefix, Origin string
	// Receivers say how the delivery to each goes.
	Receivers func() []delivery.Receiver
	// Render is what would be sent. Its error may be a *NotRendered, a *diagnostics.NoAgentError or ErrRendering; any other is for
	// the log only.
	Render func(context.Context, RenderRequest) ([]Rendered, error)
	// Config is the configuration in use, as YAML without secrets.
	Config func() string
	// Deliveries are what waits, what was told, and what is dead.
	Deliveries Deliveries
	// Agents are whom the notifier looks at.
	Agents Agents
	// Routes say where alerts go.
	Routes Routes
	// Metrics are shown at /metrics.
	Metrics prometheus.Gatherer
	// Traces is where the spans of requests go; nil is nowhere.
	Traces trace.TracerProvider
	Logger *slog.Logger
}

// Router is the notifier's HTTP interface. Paths and answers are those of other Prometheus tools where those have one.
func Router(p Parts) http.Handler {
	gin.SetMode(gin.ReleaseMode)
	router := gin.New()
	router.HandleMethodNotAllowed = true
	router.UseRawPath = true             // an agent's name may hold a slash
	router.RedirectTrailingSlash = false // its answer is HTML, and a program that follows it gets what it did not ask for
	_ = router.SetTrustedProxies(nil)    // who asks is who connects, whatever a header says; nil cannot be wrong
	router.Use(request.Name)
	if p.Traces != nil {
		router.Use(otelgin.Middleware("notifier", otelgin.WithTracerProvider(p.Traces), otelgin.WithPropagators(tracing.Propagator),
			otelgin.WithGinFilter(func(c *gin.Context) bool { return strings.Contains(c.FullPath(), "/api/") }))) // probes and scrapes tell nothing
	}
	router.Use(gin.CustomRecoveryWithWriter(nil, func(c *gin.Context, err any) {
		p.Logger.Error("Request failed", "request", request.ID(c), "path", c.FullPath(), "panic", fmt.Sprint(err))
		apierror.Write(c, http.StatusInternalServerError, "internal", "the notifier failed at this request; its log says how")
	}), p.ownOrigin())
	if p.Guard != nil {
		router.Use(p.Guard)
	}
	paths := router.Group(p.Prefix)
	paths.POST("/api/v1/webhook", p.Webhook)
	for _, path := range []string{"/health", "/-/healthy"} {
		paths.GET(path, func(c *gin.Context) { c.String(http.StatusOK, "OK\n") })
		paths.HEAD(path, func(c *gin.Context) { c.Status(http.StatusOK) })
	}
	for _, path := range []string{"/ready", "/-/ready"} {
		paths.GET(path, p.ready)
		paths.HEAD(path, p.ready)
	}
	paths.POST("/-/reload", p.reload)
	paths.GET("/api/v1/config", p.configuration)
	paths.GET("/api/v1/deliveries", p.list)
	paths.GET("/api/v1/deliveries/:id", p.show)
	paths.POST("/api/v1/deliveries/:id/replay", p.replay)
	paths.GET("/api/v1/receivers", p.receivers)
	paths.POST("/api/v1/render", p.render)
	paths.GET("/api/v1/agents", p.agents)
	paths.GET("/api/v1/agents/:name/snapshot", p.snapshot)
	paths.GET("/api/v1/agents/:name/charts/:vital", p.chart)
	paths.GET("/api/v1/routes", p.routes)
	paths.POST("/api/v1/routes/test", p.testRoutes)
	paths.GET("/metrics", gin.WrapH(promhttp.HandlerFor(p.Metrics, promhttp.HandlerOpts{EnableOpenMetrics: true})))
	router.NoRoute(func(c *gin.Context) {
		apierror.Write(c, http.StatusNotFound, "not_found", "there is nothing at this path; Alertmanager posts to "+p.Prefix+"/api/v1/webhook")
	})
	router.NoMethod(func(c *gin.Context) {
		apierror.Write(c, http.StatusMethodNotAllowed, "method_not_allowed", c.Request.Method+" is not for this path")
	})
	return router
}

// ownOrigin keeps a page of another site from having a browser change something here: a browser within the network, or one that
// holds a password or a certificate for it, could be made to.
func (p Parts) ownOrigin() gin.HandlerFunc {
	protection := http.NewCrossOriginProtection()
	if p.Origin != "" {
		if err := protection.AddTrustedOrigin(p.Origin); err != nil {
			p.Logger.Error("Browsers will not be able to change anything: the external URL is no origin", "err", err)
		}
	}
	return func(c *gin.Context) {
		if protection.Check(c.Request) != nil {
			apierror.Write(c, http.StatusForbidden, "cross_origin", "a page of another site may not change anything here")
			c.Abort()
		}
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
