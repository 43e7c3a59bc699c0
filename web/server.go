package web

import (
	"log"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/time/rate"
)

// The bounds of one request. Alertmanager sends what it has at once, so whoever takes longer is slow or means harm.
const (
	headerTime = 10 * time.Second
	// readTime bounds a whole request, its body included.
	readTime = 30 * time.Second
	// writeTime bounds a request and its answer: a reload takes up to half a minute.
	writeTime  = 2 * time.Minute
	idleTime   = 2 * time.Minute
	mostHeader = 64 << 10
)

// Server serves handler to any number of clients, of which as many as maxConnections at once. It bounds how long each may take
// for what, and counts in reg. Its caller starts it.
func Server(handler http.Handler, maxConnections int, logger *slog.Logger, reg prometheus.Registerer) *http.Server {
	few := &sometimes{logger: logger, rate: rate.Sometimes{First: 10, Interval: 10 * time.Second}}
	return &http.Server{
		Handler:           handler,
		ConnState:         newConnections(maxConnections, reg).changed,
		ErrorLog:          log.New(few, "", 0),
		ReadHeaderTimeout: headerTime,
		ReadTimeout:       readTime,
		WriteTimeout:      writeTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    mostHeader,
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: 100},
	}
}

// sometimes logs a few of the lines that it is given: anybody can cause one, as by a handshake that fails.
type sometimes struct {
	logger *slog.Logger
	rate   rate.Sometimes
}

func (s *sometimes) Write(line []byte) (int, error) {
	s.rate.Do(func() { s.logger.Warn("Serving HTTP", "err", strings.TrimSpace(string(line))) })
	return len(line), nil
}
