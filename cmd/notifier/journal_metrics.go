package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/alertvitals/notifier/journal"
)

// scrapeTimeout bounds how long a scrape of our metrics waits for the journal.
const scrapeTimeout = 2 * time.Second

// journalMetrics say how full the journal is, asked for at each scrape. While it cannot say so there is only notifier_journal_up,
// which is 0.
type journalMetrics struct {
	journal *journal.Journal
	logger  *slog.Logger
}

var (
	journalUp = prometheus.NewDesc("notifier_journal_up",
		"Whether the journal's store runs. While it does not nothing is accepted, and nothing that was accepted is lost.", nil, nil)
	journalSize = prometheus.NewDesc("notifier_journal_size_bytes",
		"What the accepted notifications in the journal take on disk.", nil, nil)
	journalLimit = prometheus.NewDesc("notifier_journal_size_limit_bytes",
		"What they may take, as --storage.retention.size says. At the limit, what is not yet delivered keeps more from being accepted.", nil, nil)
	journalFree = prometheus.NewDesc("notifier_journal_disk_free_bytes",
		"What is free on the journal's disk.", nil, nil)
	journalLeast = prometheus.NewDesc("notifier_journal_disk_free_limit_bytes",
		"What must be free on it for anything to be accepted, as --storage.min-free says.", nil, nil)
	journalQueue = prometheus.NewDesc("notifier_journal_queue_records",
		"Webhooks that wait for the disk.", nil, nil)
)

// Describe is for the registry.
func (m journalMetrics) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{journalUp, journalSize, journalLimit, journalFree, journalLeast, journalQueue} {
		to <- d
	}
}

// Collect is for the registry.
func (m journalMetrics) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	gauge := func(d *prometheus.Desc, value float64) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value)
	}
	stats, err := m.journal.Stats(ctx)
	if err != nil {
		m.logger.Warn("The journal does not say how full it is", "err", err)
		gauge(journalUp, 0)
		return
	}
	gauge(journalUp, 1)
	gauge(journalSize, float64(stats.Bytes))
	gauge(journalLimit, float64(stats.MaxBytes))
	gauge(journalFree, float64(stats.FreeBytes))
	gauge(journalLeast, float64(stats.MinFree))
	gauge(journalQueue, float64(stats.Queue))
}
