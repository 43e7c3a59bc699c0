package main

import (
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/prometheus/common/promslog"

	"github.com/alertvitals/notifier/logging"
)

// newLogger is the log of the service. flush writes what it still holds.
func newLogger(c *promslog.Config, reg prometheus.Registerer) (logger *slog.Logger, flush func()) {
	leftOut := promauto.With(reg).NewCounter(prometheus.CounterOpts{
		Name: "notifier_log_lines_suppressed_total",
		Help: "Lines of the log that were left out because many alike were written before them.",
	})
	sampled := logging.NewSampled(promslog.New(c).Handler(), leftOut.Inc)
	return slog.New(sampled), sampled.Flush
}
