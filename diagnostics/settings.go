package diagnostics

import (
	"crypto/sha256"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/prometheus/common/model"
	promconfig "github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/tsdb"

	"github.com/alertvitals/notifier/diagnostics/address"
)

// settings are what one configuration says. They never change.
type settings struct {
	agents            []*agent
	profiles          []*profile
	deadline, history time.Duration
	// prometheus is nil when none is configured.
	prometheus *server
	// redact are the personal labels.
	redact []string
}

// newSettings makes the agents ready. One that is configured as before stays the one it was, and one that has moved to other
// settings but not to another address goes on with its series; before may be nil.
func newSettings(agents []AgentConfig, cfg Config, db *tsdb.DB, before *settings) (*settings, error) {
	cfg = cfg.WithDefaults()
	s := &settings{deadline: time.Duration(cfg.Deadline), history: time.Duration(cfg.History), redact: cfg.RedactLabels}
	allowed, problems := address.ParseAllowed(cfg.AllowedTargets)
	if len(problems) > 0 {
		return nil, fmt.Errorf("diagnostics.allowed_targets%s: %s", problems[0].Path, problems[0].Msg)
	}
	var err error
	if s.profiles, err = profilesWith(cfg.Profiles); err != nil {
		return nil, fmt.Errorf("reading the profiles: %w", err)
	}
	if s.prometheus, err = newServer(cfg.Prometheus, before); err != nil {
		return nil, err
	}
	for _, a := range agents {
		ready, err := newAgent(a, s.profiles, allowed, db)
		if err != nil {
			return nil, err
		}
		if before != nil {
			if i := slices.IndexFunc(before.agents, func(b *agent) bool { return b.name == ready.name }); i >= 0 {
				ready = ready.following(before.agents[i])
			}
		}
		ready.keep(s.history)
		s.agents = append(s.agents, ready)
	}
	return s, nil
}

// agentOf is the agent that an alert with these labels is about: the first one whose matchers all fit, or else
// that has this job and instance in what we scraped; nil when there is none.
func (s *settings) agentOf(alertLabels map[string]string) *agent {
	set := make(model.LabelSet, len(alertLabels))
	for name, value := range alertLabels {
		set[model.LabelName(name)] = model.LabelValue(value)
	}
	for _, a := range s.agents {
		if a.concerns(set) {
			return a
		}
	}
	// The alerts of rules over what we scraped have no labels but those that we gave.
	of := identity{alertLabels[model.JobLabel], alertLabels[model.InstanceLabel]}
	for _, a := range s.agents {
		if public := a.publicly(); of == public || a.url != nil && of.job == public.job && of.instance != "" && public.instance == "" {
			return a
		}
	}
	return nil
}

// otherMetrics tells an agent's series from those that it had when its metrics were elsewhere: counters of two places are not
// compared. It is "" for the usual place, and else no text that could hold a credential.
func (a AgentConfig) otherMetrics() string {
	place := a.MetricsURL
	if place == "" && a.MetricsPath != nil {
		place = *a.MetricsPath
	}
	if place == "" {
		return ""
	}
	return fmt.Sprintf("#%x", sha256.Sum256([]byte(place)))[:9]
}

// following is a in the place of before, which has its name.
func (a *agent) following(before *agent) *agent {
	if reflect.DeepEqual(a.config, before.config) && reflect.DeepEqual(a.allowed, before.allowed) &&
		slices.Equal(a.profiles, before.profiles) {
		return before
	}
	if a.series != nil && before.series != nil && a.series.instance == before.series.instance {
		a.series = before.series // one writer at a time: it knows what was stored last
	}
	return a
}

// Prepare makes another configuration ready, which must be one that Validate finds nothing wrong with, and changes nothing: apply
// puts it in use, and cannot fail. The samples that are stored stay. A look that is under way ends as it began. Configurations
// are prepared and applied one after the other.
func (c *Collector) Prepare(agents []AgentConfig, cfg Config) (apply func(), err error) {
	before := c.settings.Load()
	next, err := newSettings(agents, cfg, c.db, before)
	if err != nil {
		return nil, fmt.Errorf("making the agents ready: %w", err)
	}
	return func() {
		if !c.begin() {
			return
		}
		defer c.work.Done()
		c.settings.Store(next)
		c.targets.follow(next.agents)
		if before.prometheus != nil && before.prometheus != next.prometheus {
			before.prometheus.client.CloseIdleConnections()
		}
		c.metrics.name(before.agents, next.agents)
		if next.history != before.history {
			c.keep(next.history)
		}
		c.change()
	}, nil
}

// keep changes for how long samples are kept.
func (c *Collector) keep(history time.Duration) {
	err := c.db.ApplyConfig(&promconfig.Config{StorageConfig: promconfig.StorageConfig{TSDBConfig: &promconfig.TSDBConfig{
		Retention: &promconfig.TSDBRetentionConfig{Time: model.Duration(history)},
	}}})
	if err != nil {
		// Vitals look back as far as is configured; only the disk's use is as before.
		c.logger.Error("The history of scraped samples keeps its length until the next start", "err", err)
	}
}
