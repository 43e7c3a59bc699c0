package delivery

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/alertvitals/notifier/notifiers"
)

// Metrics count what all loops do. Their labels are names of the configuration and closed sets.
type Metrics struct {
	tries      *prometheus.CounterVec
	failures   *prometheus.CounterVec
	latency    *prometheus.HistogramVec
	pending    *prometheus.GaugeVec
	unreadable *prometheus.CounterVec
	missed     *prometheus.CounterVec
	duplicates *prometheus.CounterVec
}

// The reasons of a failed try that no sink gave.
const (
	reasonPanic = "panic"
	reasonOther = "other"
)

var sinkReasons = []notifiers.Reason{
	notifiers.Rejected, notifiers.Auth, notifiers.RateLimited, notifiers.Server, notifiers.Unreachable, notifiers.Timeout,
}

// NewMetrics makes the metrics and registers them with reg, unless that is nil. It panics when they are registered
// already.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	labels := []string{"receiver", "integration"}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	m := &Metrics{
		tries: counter("notifier_notifications_total",
			"Tries to tell a message, failed ones included.", labels...),
		failures: counter("notifier_notifications_failed_total",
			"Tries that failed. Each is followed by another one.", append(labels, "reason")...),
		latency: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "notifier_notification_latency_seconds",
			Help: "Time from the moment when a notification was on disk until the far side took its message.",
			// From a local sink that takes it at once to an outage of hours.
			Buckets: []float64{.05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200},
		}, labels),
		pending: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "notifier_pending",
			Help: "Notifications that were read for a receiver and are not yet settled.",
		}, labels),
		unreadable: counter("notifier_records_unreadable_total",
			"Records of the journal that are no notification and were skipped.", labels...),
		missed: counter("notifier_records_missed_total",
			"Records that were removed from the journal by their age before this receiver had read them: they are lost.",
			labels...),
		duplicates: counter("notifier_duplicates_total",
			"Notifications that said only what the receiver was told just before, and were left out.", labels...),
	}
	if reg != nil {
		reg.MustRegister(m.tries, m.failures, m.latency, m.pending, m.unreadable, m.missed, m.duplicates)
	}
	return m
}

// series are the metrics of one loop. All of them exist from the start, so that rates over them do.
type series struct {
	tries      prometheus.Counter
	failures   map[string]prometheus.Counter
	latency    prometheus.Observer
	pending    prometheus.Gauge
	unreadable prometheus.Counter
	missed     prometheus.Counter
	duplicates prometheus.Counter
}

func (m *Metrics) of(receiver, integration string) series {
	s := series{
		tries:      m.tries.WithLabelValues(receiver, integration),
		failures:   map[string]prometheus.Counter{},
		latency:    m.latency.WithLabelValues(receiver, integration),
		pending:    m.pending.WithLabelValues(receiver, integration),
		unreadable: m.unreadable.WithLabelValues(receiver, integration),
		missed:     m.missed.WithLabelValues(receiver, integration),
		duplicates: m.duplicates.WithLabelValues(receiver, integration),
	}
	for _, why := range sinkReasons {
		s.failures[string(why)] = m.failures.WithLabelValues(receiver, integration, string(why))
	}
	for _, why := range []string{reasonPanic, reasonOther} {
		s.failures[why] = m.failures.WithLabelValues(receiver, integration, why)
	}
	return s
}

func (s series) sent(took time.Duration) {
	s.tries.Inc()
	s.latency.Observe(took.Seconds())
}

func (s series) failed(err error) {
	s.tries.Inc()
	s.failures[reason(err)].Inc()
}

// reason is why a try failed, from a closed set.
func reason(err error) string {
	if e, ok := errors.AsType[*notifiers.Error](err); ok && slices.Contains(sinkReasons, e.Reason) {
		return string(e.Reason)
	}
	if _, ok := errors.AsType[*panicError](err); ok {
		return reasonPanic
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return string(notifiers.Timeout)
	}
	return reasonOther
}
