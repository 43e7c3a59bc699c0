package heartbeat

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	amlabels "github.com/prometheus/alertmanager/pkg/labels"
	"github.com/prometheus/alertmanager/template"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/prometheus/common/model"

	"github.com/alertvitals/notifier/alert"
	"github.com/alertvitals/notifier/raise"
)

// refresh is how often it is said how things are, lease for how long that is believed. A look that is overdue for longer than asleep
// says that the process stood still, and could not hear anybody: the interval begins anew.
const (
	refresh = time.Minute
	lease   = 4 * time.Minute
	asleep  = 2 * time.Second
	// looks is how often it is looked in an interval.
	looks = 5
)

// missingAlert is the name of the alert that is raised. It is never a beat: else broad matchers would take it for the heartbeat that it
// says is missing, and tell it to nobody.
const missingAlert = "HeartbeatMissing"

// Monitor hears heartbeats and says which are missing. Its methods may be called at the same time.
type Monitor struct {
	hear    func(...raise.Alert)
	changed chan struct{}
	last    *prometheus.GaugeVec
	missing *prometheus.GaugeVec

	mu     sync.Mutex
	hearts []*heart
	// next is when Run looks again, zero before its first look.
	next time.Time
}

// heart is one heartbeat that is expected.
type heart struct {
	config   Config
	matchers amlabels.Matchers
	// since is when the interval began that runs: with the newest beat, when the heartbeat was first expected, or when the process had
	// stood still.
	since time.Time
	// last is when the newest beat came, zero when none has.
	last time.Time
	// missing is whether it was missing at the last look.
	missing bool
}

// NewMonitor expects nothing until Use says what. Hear gets what is found; it must not wait.
func NewMonitor(hear func(...raise.Alert), reg prometheus.Registerer) *Monitor {
	return &Monitor{
		hear: hear, changed: make(chan struct{}, 1),
		last: promauto.With(reg).NewGaugeVec(prometheus.GaugeOpts{
			Name: "notifier_heartbeat_last_timestamp_seconds",
			Help: "When the heartbeat came last; 0 when it has not since the start.",
		}, []string{"name"}),
		missing: promauto.With(reg).NewGaugeVec(prometheus.GaugeOpts{
			Name: "notifier_heartbeat_missing", Help: "Whether the heartbeat has not come for its interval.",
		}, []string{"name"}),
	}
}

// Use expects these heartbeats from now on. One whose name and matchers are as before goes on; the interval of others begins.
func (m *Monitor) Use(configs []Config) error {
	now := time.Now()
	hearts := make([]*heart, 0, len(configs))
	for _, c := range configs {
		matchers, err := parseMatchers(c.Matchers)
		if err != nil {
			return err
		}
		hearts = append(hearts, &heart{config: c, matchers: matchers, since: now})
	}
	m.mu.Lock()
	for _, old := range m.hearts {
		i := slices.IndexFunc(hearts, func(h *heart) bool { return h.config.Name == old.config.Name })
		if i < 0 {
			m.last.DeleteLabelValues(old.config.Name)
			m.missing.DeleteLabelValues(old.config.Name)
			continue
		}
		if slices.Equal(hearts[i].config.Matchers, old.config.Matchers) {
			hearts[i].since, hearts[i].last, hearts[i].missing = old.since, old.last, old.missing
		}
	}
	m.hearts = hearts
	for _, h := range hearts {
		m.last.WithLabelValues(h.config.Name).Set(h.lastSeconds())
		m.missing.WithLabelValues(h.config.Name).Set(0)
	}
	m.mu.Unlock()
	m.wake()
	return nil
}

func (h *heart) lastSeconds() float64 {
	if h.last.IsZero() {
		return 0
	}
	return float64(h.last.UnixMilli()) / 1000
}

// Listen takes the alerts of a webhook.
func (m *Monitor) Listen(alerts template.Alerts) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.hearts) == 0 {
		return
	}
	now := time.Now()
	for _, a := range alerts {
		if a.Status != alert.StatusFiring {
			continue
		}
		for _, h := range m.hearts {
			if !fits(a.Labels, h.matchers) {
				continue
			}
			h.since, h.last = now, now
			m.last.WithLabelValues(h.config.Name).Set(h.lastSeconds())
			m.wake()
		}
	}
}

// Expects is whether an alert with these labels is a heartbeat, or its end.
func (m *Monitor) Expects(labels map[string]string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.ContainsFunc(m.hearts, func(h *heart) bool { return fits(labels, h.matchers) })
}

// fits is whether an alert with these labels is the heartbeat that has these matchers.
func fits(labels map[string]string, matchers amlabels.Matchers) bool {
	set := make(model.LabelSet, len(labels))
	for name, value := range labels {
		set[model.LabelName(name)] = model.LabelValue(value)
	}
	return labels[model.AlertNameLabel] != missingAlert && matchers.Matches(set)
}

func (m *Monitor) wake() {
	select {
	case m.changed <- struct{}{}:
	default: // Run has yet to look
	}
}

// Run says which heartbeats are missing until ctx ends, and then returns nil.
func (m *Monitor) Run(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-m.changed:
		case <-timer.C:
		}
		timer.Reset(m.look(time.Now()))
	}
}

// look says how things are, and when to look again.
func (m *Monitor) look(now time.Time) time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.next.IsZero() && now.Sub(m.next) > asleep {
		for _, h := range m.hearts {
			if !h.missing {
				h.since = now
			}
		}
	}
	wait := refresh
	var found []raise.Alert
	for _, h := range m.hearts {
		due := h.since.Add(h.config.interval())
		a := h.alert(due)
		switch {
		case !now.Before(due):
			a.State = raise.Firing
		case !h.last.IsZero():
			a.State, a.EndsAt = raise.Resolved, h.last
		}
		m.missing.WithLabelValues(h.config.Name).Set(0)
		if h.missing = a.State == raise.Firing; h.missing {
			m.missing.WithLabelValues(h.config.Name).Set(1)
		} else {
			// Often enough to notice when a good part of the interval was slept away.
			wait = min(wait, due.Sub(now), h.config.interval()/looks)
		}
		found = append(found, a)
	}
	m.hear(found...)
	m.next = now.Add(wait)
	return wait
}

// alert is what is told when the heartbeat has not come by a time. Its state is Held: nobody knows yet.
func (h *heart) alert(due time.Time) raise.Alert {
	labels := maps.Clone(h.config.Labels)
	if labels == nil {
		labels = map[string]string{}
	}
	labels[model.AlertNameLabel], labels["heartbeat"] = missingAlert, h.config.Name
	if labels["severity"] == "" {
		labels["severity"] = string(alert.Critical)
	}
	interval := model.Duration(h.config.interval()).String()
	return raise.Alert{
		State: raise.Held, Labels: labels, StartsAt: due.UTC(), Lease: lease,
		Annotations: map[string]string{
			"summary": "Heartbeat " + h.config.Name + " has not come for " + interval,
			"description": "No alert with " + strings.Join(h.config.Matchers, ", ") + " has come for " + interval + ". Prometheus, " +
				"Alertmanager or the way from them to the notifier may be down: other alerts may not come, either.",
			"runbook_url": "https://github.com/alertvitals/notifier/blob/main/docs/heartbeat.md",
		},
	}
}
