package diagnostics

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/alertmanager/matcher/compat"
	"github.com/prometheus/alertmanager/pkg/labels"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/tsdb"
	"golang.org/x/sync/singleflight"
)

// agent is one configured agent, ready to be asked.
type agent struct {
	// config is what the agent was made from.
	config   AgentConfig
	name     string
	matchers labels.Matchers
	client   *http.Client
	// base is the URL without a slash at its end; instance its host:port.
	base, instance string
	// healthPath and readyPath are "" when the endpoint is not to be asked, metricsURL when there is nothing to scrape.
	healthPath, readyPath   string
	metricsURL, metricsPath string
	metricsHost             string
	interval, timeout       time.Duration
	// profile is nil when the agent is to be recognised by its metrics.
	profile *profile
	series  *series
	// flights lets those who ask at the same time share one look.
	flights singleflight.Group
	// newest is what the last look saw, for those who ask right after it.
	newest atomic.Pointer[Snapshot]
}

func newAgent(cfg AgentConfig, db *tsdb.DB) (*agent, error) {
	cfg = cfg.WithDefaults()
	if problems := cfg.Validate(); len(problems) > 0 {
		return nil, fmt.Errorf("agent %q: %s: %s", cfg.Name, problems[0].Path, problems[0].Msg)
	}
	// Validate has parsed the address.
	base, err := url.Parse(cfg.URL)
	if err != nil {
		return nil, fmt.Errorf("agent %q: the URL cannot be parsed", cfg.Name)
	}
	client, err := newClient(cfg)
	if err != nil {
		return nil, err
	}
	a := &agent{
		config:   cfg,
		name:     cfg.Name,
		client:   client,
		base:     strings.TrimRight(cfg.URL, "/"),
		instance: hostPort(base),
		interval: time.Duration(cfg.ScrapeInterval),
		timeout:  time.Duration(cfg.Timeout),
		profile:  profileNamed(cfg.Profile),
	}
	for _, text := range cfg.Match {
		matchers, err := compat.Matchers(text, "agents")
		if err != nil {
			return nil, fmt.Errorf("agent %q: reading matcher %q: %w", cfg.Name, text, err)
		}
		a.matchers = append(a.matchers, matchers...)
	}
	// An agent that is yet to be recognised is asked where agents usually answer.
	paths := profile{HealthPath: "/health", ReadyPath: "/ready", MetricsPath: "/metrics"}
	if a.profile != nil {
		paths = *a.profile
	}
	a.healthPath = given(cfg.HealthPath, paths.HealthPath)
	a.readyPath = given(cfg.ReadyPath, paths.ReadyPath)
	a.metricsHost = a.instance
	if cfg.MetricsURL != "" {
		elsewhere, err := url.Parse(cfg.MetricsURL)
		if err != nil {
			return nil, fmt.Errorf("agent %q: the metrics URL cannot be parsed", cfg.Name)
		}
		a.metricsURL, a.metricsPath, a.metricsHost = cfg.MetricsURL, elsewhere.Path, hostPort(elsewhere)
	} else if a.metricsPath = given(cfg.MetricsPath, paths.MetricsPath); a.metricsPath != "" {
		a.metricsURL = a.base + a.metricsPath
	}
	a.series = &series{db: db, job: a.name, instance: a.instance}
	return a, nil
}

func given(configured *string, otherwise string) string {
	if configured != nil {
		return *configured
	}
	return otherwise
}

// concerns says whether an alert with these labels is about the agent.
func (a *agent) concerns(alertLabels model.LabelSet) bool {
	return a.matchers.Matches(alertLabels)
}
