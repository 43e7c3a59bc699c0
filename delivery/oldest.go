package delivery

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

var oldest = prometheus.NewDesc("notifier_oldest_pending_age_seconds",
	"How long ago the oldest notification was accepted that is not yet settled for the receiver; 0 when none waits. What is muted does not wait.",
	[]string{"receiver", "integration"}, nil)

// Describe is for a registry: Loops is a collector of how old what waits is, which is looked up at each scrape.
func (ls *Loops) Describe(to chan<- *prometheus.Desc) { to <- oldest }

// Collect is for a registry.
func (ls *Loops) Collect(to chan<- prometheus.Metric) {
	type labels struct{ receiver, integration string }
	ages := map[labels]float64{}
	for _, r := range ls.Receivers() {
		for _, one := range r.Integrations {
			l := labels{r.Name, one.Kind}
			age := 0.0
			if !one.Oldest.IsZero() {
				age = max(0, time.Since(one.Oldest).Seconds()) // clocks are set back
			}
			ages[l] = max(ages[l], age)
		}
	}
	for l, age := range ages {
		to <- prometheus.MustNewConstMetric(oldest, prometheus.GaugeValue, age, l.receiver, l.integration)
	}
}
