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

	"github.com/alertvitals/notifier/diagnostics/address"
)

// agent is one configured agent, ready to be asked.
type agent struct {
	// config is what the agent was made from.
	config   AgentConfig
	name     string
	matchers labels.Matchers
	links    []link
	// url makes addresses out of labels, which allowed lets in; nil for an agent that has an address. One that such a template
	// led to has that as template, and the address as target.
	url      *address.TargetTemplate
	allowed  address.Allowed
	template *agent
	target   address.Target
	client   *http.Client
	// base is the URL without a slash at its end; instance its host:port.
	base, instance string
	// metricsAt is the address of metrics that are elsewhere, metricsHost the host:port that is asked for them.
	metricsAt         *url.URL
	metricsHost       string
	interval, timeout time.Duration
	// profiles are all that there are; profile is the agent's own, nil when it is to be recognised.
	profiles   []*profile
	profile    *profile
	recognised recognised
	// sources are the JSON endpoints that were asked, by path.
	sources sources
	db      *tsdb.DB
	// queries are the vitals that its configuration asks for.
	queries []vitalSpec
	series  *series
	// history is for how long samples are kept, in nanoseconds.
	history atomic.Int64
	// scraped is how the newest scrape went.
	scraped atomic.Pointer[lastScrape]
	format  format
	trend   trend
	// flights lets those who ask at the same time share one look.
	flights singleflight.Group
	// newest is what the last look saw, for those who ask right after it.
	newest atomic.Pointer[Snapshot]
}

func newAgent(cfg AgentConfig, profiles []*profile, allowed address.Allowed, db *tsdb.DB) (*agent, error) {
	cfg = cfg.WithDefaults()
	if problems := cfg.Validate(); len(problems) > 0 {
		return nil, fmt.Errorf("agent %q: %s: %s", cfg.Name, problems[0].Path, problems[0].Msg)
	}
	a := &agent{
		config:   cfg,
		name:     cfg.Name,
		interval: time.Duration(cfg.ScrapeInterval),
		timeout:  time.Duration(cfg.Timeout),
		db:       db,
		profiles: profiles,
		profile:  profileNamed(profiles, cfg.Profile),
	}
	if a.profile == nil && cfg.Profile != profileAuto {
		return nil, fmt.Errorf("agent %q: there is no profile %q", cfg.Name, cfg.Profile)
	}
	var err error
	if a.queries, err = compileQueries(cfg.Queries); err != nil {
		return nil, fmt.Errorf("agent %q: %w", cfg.Name, err)
	}
	a.links, _ = parseLinks(cfg.Links) // Validate has found no problem with them
	for _, text := range cfg.Match {
		matchers, matchErr := compat.Matchers(text, "agents")
		if matchErr != nil {
			return nil, fmt.Errorf("agent %q: reading matcher %q: %w", cfg.Name, text, matchErr)
		}
		a.matchers = append(a.matchers, matchers...)
	}
	if cfg.FromLabels() {
		a.allowed = allowed
		if a.url, err = address.ParseTarget(cfg.URL); err != nil {
			return nil, fmt.Errorf("agent %q: the URL %w", cfg.Name, err)
		}
		return a, nil
	}
	// Validate has parsed the address.
	base, err := url.Parse(cfg.URL)
	if err != nil {
		return nil, fmt.Errorf("agent %q: the URL cannot be parsed", cfg.Name)
	}
	if a.client, err = newClient(cfg); err != nil {
		return nil, err
	}
	a.base, a.instance = strings.TrimRight(cfg.URL, "/"), hostPort(base)
	a.metricsHost = a.instance
	if cfg.MetricsURL != "" {
		if a.metricsAt, err = url.Parse(cfg.MetricsURL); err != nil {
			return nil, fmt.Errorf("agent %q: the metrics URL cannot be parsed", cfg.Name)
		}
		a.metricsHost = hostPort(a.metricsAt)
	}
	a.series = newSeries(db, a.name, a.instance+cfg.otherMetrics())
	return a, nil
}

// kind is the profile by which the agent is read; nil while an agent is not recognised.
func (a *agent) kind() *profile {
	if a.profile != nil {
		return a.profile
	}
	return a.recognised.as.Load()
}

// usual is where agents usually answer: an agent that is not recognised is asked there.
var usual = profile{HealthPath: "/health", ReadyPath: "/ready", MetricsPath: "/metrics"}

func (a *agent) paths() *profile {
	if kind := a.kind(); kind != nil {
		return kind
	}
	return &usual
}

// healthPath is "" when there is no such endpoint to ask; the same goes for those below.
func (a *agent) healthPath() string { return given(a.config.HealthPath, a.paths().HealthPath) }
func (a *agent) readyPath() string  { return given(a.config.ReadyPath, a.paths().ReadyPath) }

func (a *agent) metricsPath() string {
	if a.metricsAt != nil {
		return a.metricsAt.Path
	}
	return given(a.config.MetricsPath, a.paths().MetricsPath)
}

func (a *agent) metricsURL() string {
	if a.metricsAt != nil {
		return a.config.MetricsURL
	}
	if path := a.metricsPath(); path != "" {
		return a.base + path
	}
	return ""
}

// measured is whether there is anything that samples come from.
func (a *agent) measured() bool { return a.metricsURL() != "" || len(a.paths().JSON) > 0 }

// keep says for how long samples are kept. An agent that is a template has no series itself, and hands it on.
func (a *agent) keep(history time.Duration) {
	a.history.Store(int64(history))
	if a.series != nil {
		a.series.history.Store(history.Milliseconds())
	}
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
