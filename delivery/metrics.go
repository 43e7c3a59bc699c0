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
	delivered  *prometheus.CounterVec
	retries    *prometheus.CounterVec
	failures   *prometheus.CounterVec
	latency    *prometheus.HistogramVec
	pending    *prometheus.GaugeVec
	missed     *prometheus.CounterVec
	duplicates *prometheus.CounterVec
	merged     *prometheus.CounterVec
	handedOver *prometheus.CounterVec
	dead       *prometheus.CounterVec
	letters    *prometheus.GaugeVec
	suppressed *prometheus.CounterVec
	muted      *prometheus.GaugeVec
	lost       prometheus.Counter
}

// sinkReasons are the reasons that a sink may give, reasons all of them.
var (
	sinkReasons = []string{
		string(notifiers.Rejected), string(notifiers.Auth), string(notifiers.RateLimited), string(notifiers.Server),
		string(notifiers.Unreachable), string(notifiers.Timeout), reasonRemoved,
	}
	reasons = append([]string{reasonPanic, reasonOther, reasonExpired, reasonMuted}, sinkReasons...)
)

// NewMetrics makes the metrics and registers them with reg, unless that is nil. It panics when they are registered
// already.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	labels := []string{"receiver", "integration"}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	gauge := func(name, help string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels)
	}
	m := &Metrics{
		tries: counter("notifier_notifications_total",
			"Tries to tell a message, failed ones included.", labels...),
		delivered: counter("notifier_notifications_delivered_total",
			"Messages that the far side took.", labels...),
		retries: counter("notifier_notifications_retried_total",
			"Tries that followed a failed one of the same group.", labels...),
		failures: counter("notifier_notifications_failed_total",
			"Tries that failed. Each is followed by another one, or the message becomes a dead letter.",
			append(labels, "reason")...),
		latency: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "notifier_notification_latency_seconds",
			Help: "Time from the moment when a notification was on disk, or when its mute ended, until the far side took its message.",
			// From a local sink that takes it at once to an outage of hours.
			Buckets:                     []float64{.005, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200},
			NativeHistogramBucketFactor: 1.1, NativeHistogramMaxBucketNumber: 100, NativeHistogramMinResetDuration: time.Hour,
		}, labels),
		pending: gauge("notifier_pending",
			"Notifications that were read for a receiver and are not yet settled."),
		missed: counter("notifier_records_missed_total",
			"Records that were removed from the journal by their age before this receiver had read them: they are lost.",
			labels...),
		duplicates: counter("notifier_duplicates_total",
			"Notifications that said only what the receiver was told just before, and were left out.", labels...),
		merged: counter("notifier_notifications_merged_total",
			"Notifications that waited and were told together with a newer one of their group.", labels...),
		handedOver: counter("notifier_fallbacks_total",
			"Messages of this receiver that were given to its fallback.", labels...),
		dead: counter("notifier_dead_letters_total",
			"Messages that became dead letters: they were not delivered, and can be replayed.", append(labels, "reason")...),
		letters: gauge("notifier_dead_letters",
			"Dead letters that are kept. Those without a receiver are records that could not be read."),
		suppressed: counter("notifier_notifications_suppressed_total",
			"Notifications that were not told when they came, all of their alerts or some, for being within mute time intervals or outside of "+
				"active ones. What still fires by the end is told then.",
			append(labels, "reason")...),
		muted: gauge("notifier_muted_groups",
			"Alert groups that have something to tell at the end of a time interval."),
	}
	m.lost = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "notifier_outcomes_lost_total",
		Help: "Outcomes of deliveries that the disk did not take for so long that they were given up: they are not listed. No message is lost by it.",
	})
	if reg != nil {
		reg.MustRegister(m.lost)
		reg.MustRegister(m.tries, m.delivered, m.retries, m.failures, m.latency, m.pending, m.missed, m.duplicates, m.merged, m.handedOver,
			m.dead, m.letters, m.suppressed, m.muted)
	}
	m.dead.WithLabelValues("", "", reasonUnreadable)
	return m
}

// series are the metrics of one loop. All of them exist from the start, so that rates over them do.
type series struct {
	tries      prometheus.Counter
	delivered  prometheus.Counter
	retries    prometheus.Counter
	failures   map[string]prometheus.Counter
	latency    prometheus.Observer
	pending    prometheus.Gauge
	missed     prometheus.Counter
	duplicates prometheus.Counter
	merged     prometheus.Counter
	handedOver prometheus.Counter
	dead       map[string]prometheus.Counter
	suppressed map[string]prometheus.Counter
	muted      prometheus.Gauge
}

func (m *Metrics) of(receiver, integration string) series {
	s := series{
		tries:      m.tries.WithLabelValues(receiver, integration),
		delivered:  m.delivered.WithLabelValues(receiver, integration),
		retries:    m.retries.WithLabelValues(receiver, integration),
		failures:   map[string]prometheus.Counter{},
		latency:    m.latency.WithLabelValues(receiver, integration),
		pending:    m.pending.WithLabelValues(receiver, integration),
		missed:     m.missed.WithLabelValues(receiver, integration),
		duplicates: m.duplicates.WithLabelValues(receiver, integration),
		merged:     m.merged.WithLabelValues(receiver, integration),
		handedOver: m.handedOver.WithLabelValues(receiver, integration),
		dead:       map[string]prometheus.Counter{},
		suppressed: map[string]prometheus.Counter{},
		muted:      m.muted.WithLabelValues(receiver, integration),
	}
	for _, why := range muteReasons {
		s.suppressed[why] = m.suppressed.WithLabelValues(receiver, integration, why)
	}
	for _, why := range reasons {
		s.failures[why] = m.failures.WithLabelValues(receiver, integration, why)
		s.dead[why] = m.dead.WithLabelValues(receiver, integration, why)
	}
	m.letters.WithLabelValues(receiver, integration)
	return s
}

// drop removes the metrics of a loop that is no more. The dead letters that it left are still counted.
func (m *Metrics) drop(receiver, integration string) {
	labels := prometheus.Labels{"receiver": receiver, "integration": integration}
	for _, c := range []interface {
		DeletePartialMatch(labels prometheus.Labels) int
	}{
		m.tries, m.delivered, m.retries, m.failures, m.latency, m.pending, m.missed, m.duplicates, m.merged, m.handedOver, m.dead,
		m.suppressed, m.muted,
	} {
		c.DeletePartialMatch(labels)
	}
}

// sent counts a message that told of some notifications.
func (s series) sent(took time.Duration, notifications int) {
	s.tries.Inc()
	s.delivered.Inc()
	s.latency.Observe(took.Seconds())
	s.merged.Add(float64(max(0, notifications-1)))
}

func (s series) failed(err error) {
	s.tries.Inc()
	s.failures[reason(err)].Inc()
}

// reason is why a try failed, from a closed set.
func reason(err error) string {
	if e, ok := errors.AsType[*notifiers.Error](err); ok && slices.Contains(sinkReasons, string(e.Reason)) {
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
