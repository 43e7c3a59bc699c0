package diagnostics

import (
	"fmt"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are what the notifier says of its own looking. Labels hold configured names only.
type metrics struct {
	scrapeSeconds   prometheus.Histogram
	scrapesFailed   *prometheus.CounterVec
	snapshotSeconds prometheus.Histogram
	snapshotsFailed *prometheus.CounterVec
	chartsSeconds   prometheus.Histogram
	chartsSkipped   prometheus.Counter
}

func newMetrics() *metrics {
	histogram := func(name, help string) prometheus.Histogram {
		return prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: name, Help: help, Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2, 5},
			NativeHistogramBucketFactor: 1.1, NativeHistogramMaxBucketNumber: 100, NativeHistogramMinResetDuration: time.Hour,
		})
	}
	m := &metrics{
		scrapeSeconds: histogram("notifier_scrape_duration_seconds", "How long scrapes of agents took, failed ones too."),
		scrapesFailed: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "notifier_scrapes_failed_total",
			Help: "Scrapes of an agent that gave no metrics.",
		}, []string{"agent"}),
		snapshotSeconds: histogram("notifier_snapshot_duration_seconds", "How long snapshots of agents took."),
		snapshotsFailed: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "notifier_snapshots_failed_total",
			Help: "Snapshots that lack something: unfinished ones met the deadline, for those with reason metrics the agent gave none, " +
				"and refused ones were of an address that may not be asked. The message went out all the same.",
		}, []string{"reason"}),
		chartsSeconds: histogram("notifier_charts_duration_seconds", "How long it took to draw the charts of one group of alerts."),
		chartsSkipped: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "notifier_charts_skipped_total",
			Help: "Groups of alerts that were told without charts because those of too many others were being drawn.",
		}),
	}
	for _, reason := range []string{snapshotUnfinished, snapshotMetrics, snapshotRefused} {
		m.snapshotsFailed.WithLabelValues(reason)
	}
	return m
}

// What a snapshot may lack.
const (
	snapshotUnfinished = "unfinished"
	snapshotMetrics    = "metrics"
	snapshotRefused    = "refused"
)

// snapshot counts one that was asked for.
func (m *metrics) snapshot(took time.Duration, s Snapshot) {
	m.snapshotSeconds.Observe(took.Seconds())
	switch {
	case s.Unfinished:
		m.snapshotsFailed.WithLabelValues(snapshotUnfinished).Inc()
	case s.Metrics.Path != "" && !s.Metrics.OK:
		m.snapshotsFailed.WithLabelValues(snapshotMetrics).Inc()
	}
}

// name makes the series of the agents now, and removes those of agents that were and are no more.
func (m *metrics) name(before, now []*agent) {
	for _, a := range before {
		if !slices.ContainsFunc(now, func(b *agent) bool { return b.name == a.name }) {
			m.scrapesFailed.DeleteLabelValues(a.name)
		}
	}
	for _, a := range now {
		m.scrapesFailed.WithLabelValues(a.name)
	}
}

// register is all or nothing. Reg may be nil.
func (m *metrics) register(reg prometheus.Registerer) error {
	if reg == nil {
		return nil
	}
	var done []prometheus.Collector
	for _, c := range m.all() {
		if err := reg.Register(c); err != nil {
			for _, d := range done {
				reg.Unregister(d)
			}
			return fmt.Errorf("registering metrics: %w", err)
		}
		done = append(done, c)
	}
	return nil
}

// unregister lets a collector of a reloaded configuration take this one's place.
func (m *metrics) unregister(reg prometheus.Registerer) {
	if reg == nil {
		return
	}
	for _, c := range m.all() {
		reg.Unregister(c)
	}
}

func (m *metrics) all() []prometheus.Collector {
	return []prometheus.Collector{m.scrapeSeconds, m.scrapesFailed, m.snapshotSeconds, m.snapshotsFailed, m.chartsSeconds, m.chartsSkipped}
}
