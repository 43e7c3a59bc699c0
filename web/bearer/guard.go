package bearer

import (
	"crypto/sha256"
	"crypto/subtle"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"golang.org/x/time/rate"

	"github.com/alertvitals/notifier/web/apierror"
)

// Guard asks for a token. It is safe for concurrent use.
type Guard struct {
	config  atomic.Pointer[Config]
	refused *prometheus.CounterVec
	logger  *slog.Logger
	// seldom keeps whoever tries many tokens from filling the log.
	seldom *rate.Sometimes
}

// NewGuard lets everybody in until Use says otherwise. It counts in reg whom it refuses.
func NewGuard(logger *slog.Logger, reg prometheus.Registerer) *Guard {
	g := &Guard{logger: logger, seldom: &rate.Sometimes{First: 10, Interval: 10 * time.Second}}
	g.config.Store(&Config{})
	g.refused = promauto.With(reg).NewCounterVec(prometheus.CounterOpts{
		Name: "notifier_http_unauthorized_total",
		Help: "Requests refused because they showed no valid token (401), or because the file of tokens could not be read (503).",
	}, []string{"code"})
	for _, status := range []int{http.StatusUnauthorized, http.StatusServiceUnavailable} {
		g.refused.WithLabelValues(strconv.Itoa(status))
	}
	return g
}

// Use asks for these tokens from now on.
func (g *Guard) Use(c Config) { g.config.Store(&c) }

// Require lets go on what only reads, and what shows a token. It answers everything else before any of its body is read: 401, or
// 503 when the tokens cannot be read, because Alertmanager sends again only after a 5xx.
func (g *Guard) Require(c *gin.Context) {
	cfg := g.config.Load()
	if c.Request.Method == http.MethodGet || c.Request.Method == http.MethodHead || !cfg.Guards() {
		return
	}
	tokens, err := cfg.tokens()
	if err != nil {
		c.Header("Retry-After", "5")
		g.refuse(c, http.StatusServiceUnavailable, "tokens_unreadable", "the notifier cannot read its tokens; its log says why", err.Error())
		return
	}
	switch given := shown(c.Request.Header); {
	case given == "":
		c.Header("WWW-Authenticate", `Bearer realm="notifier"`)
		g.refuse(c, http.StatusUnauthorized, "unauthorized",
			"this needs a token: send the header Authorization: Bearer TOKEN (in Alertmanager http_config.authorization)", "no bearer token")
	case !opens(given, tokens):
		c.Header("WWW-Authenticate", `Bearer realm="notifier", error="invalid_token"`)
		g.refuse(c, http.StatusUnauthorized, "unauthorized",
			"this token is none of web.bearer_tokens and web.bearer_tokens_file", "wrong bearer token")
	}
}

func (g *Guard) refuse(c *gin.Context, status int, code, message, why string) {
	g.refused.WithLabelValues(strconv.Itoa(status)).Inc()
	g.seldom.Do(func() {
		g.logger.Warn("Request refused", "path", c.FullPath(), "code", code, "reason", why, "from", c.ClientIP())
	})
	c.Header("Connection", "close") // its body is not waited for
	apierror.Write(c, status, code, message)
	c.Abort()
}

// shown is the token that a request shows, "" when it shows none.
func shown(h http.Header) string {
	scheme, token, _ := strings.Cut(h.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// opens is whether given is one of the tokens. It takes as long for a token that is nearly right as for any other.
func opens(given string, tokens []string) bool {
	digest, found := sha256.Sum256([]byte(given)), 0
	for _, token := range tokens {
		one := sha256.Sum256([]byte(token))
		found |= subtle.ConstantTimeCompare(digest[:], one[:])
	}
	return found == 1
}
