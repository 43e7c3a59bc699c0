package webhook

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/alertvitals/notifier/alert"
)

// metrics are what is counted beside the answers.
type metrics struct {
	took, append     prometheus.Histogram
	firing, resolved prometheus.Counter
}

func newMetrics(reg prometheus.Registerer) metrics {
	histogram := func(name, help string) prometheus.Histogram {
		return promauto.With(reg).NewHistogram(prometheus.HistogramOpts{
			Name: name, Help: help,
			// From an fsync of a good disk to what makes Alertmanager give up.
			Buckets:                        []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
			NativeHistogramBucketFactor:    1.1,
			NativeHistogramMaxBucketNumber: 100, NativeHistogramMinResetDuration: time.Hour,
		})
	}
	alerts := promauto.With(reg).NewCounterVec(prometheus.CounterOpts{
		Name: "notifier_alerts_accepted_total",
		Help: "Alerts in the webhooks that were accepted, by their status. One alert comes again with every update and repeat of its group.",
	}, []string{"status"})
	return metrics{
		took: histogram("notifier_webhook_request_duration_seconds",
			"Time from the headers of a webhook until its answer, refused ones too."),
		append: histogram("notifier_journal_append_duration_seconds",
			"Time until a webhook was on disk, or could not be put there."),
		firing:   alerts.WithLabelValues(alert.StatusFiring),
		resolved: alerts.WithLabelValues(alert.StatusResolved),
	}
}

func (m metrics) accepted(n alert.Notification) {
	firing := 0
	for _, a := range n.Alerts {
		if a.Status == alert.StatusFiring {
			firing++
		}
	}
	m.firing.Add(float64(firing))
	m.resolved.Add(float64(len(n.Alerts) - firing))
}
