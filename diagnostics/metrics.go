package diagnostics

import (
	"fmt"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are what the notifier says of its own looking. Labels hold configured names only.
type metrics struct {
	scrapeSeconds   prometheus.Histogram
	scrapesFailed   *prometheus.CounterVec
	snapshotSeconds prometheus.Histogram
	chartsSeconds   prometheus.Histogram
	chartsSkipped   prometheus.Counter
}

func newMetrics() *metrics {
	buckets := []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2, 5}
	return &metrics{
		scrapeSeconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "notifier_scrape_duration_seconds",
			Help:    "How long scrapes of agents took, failed ones too.",
			Buckets: buckets,
		}),
		scrapesFailed: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "notifier_scrapes_failed_total",
			Help: "Scrapes of an agent that gave no metrics.",
		}, []string{"agent"}),
		snapshotSeconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "notifier_snapshot_duration_seconds",
			Help:    "How long snapshots of agents took.",
			Buckets: buckets,
		}),
		chartsSeconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "notifier_charts_duration_seconds",
			Help:    "How long it took to draw the charts of one group of alerts.",
			Buckets: buckets,
		}),
		chartsSkipped: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "notifier_charts_skipped_total",
			Help: "Groups of alerts that were told without charts because those of too many others were being drawn.",
		}),
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
	return []prometheus.Collector{m.scrapeSeconds, m.scrapesFailed, m.snapshotSeconds, m.chartsSeconds, m.chartsSkipped}
}
