package diagnostics

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	commoncfg "github.com/prometheus/common/config"

	"github.com/alertvitals/notifier/config/httpclient"
	"github.com/alertvitals/notifier/config/problem"
	"github.com/alertvitals/notifier/diagnostics/address"
)

const (
	// mostTargets is how many agents that labels led to are known at the same time; then the one goes that no alert has
	// concerned for the longest time.
	mostTargets = 256
	// targetLife is how long after the last alert an agent that labels led to is polled, so that the rates of the next one are
	// known; forgetEvery is how often it is looked whether one is to be forgotten.
	targetLife  = time.Hour
	forgetEvery = time.Minute
)

// validateFromLabels says what is wrong with an agent whose address comes from labels.
func (a AgentConfig) validateFromLabels() []problem.Problem {
	var problems []problem.Problem
	wrong := func(path, msg string) { problems = append(problems, problem.Problem{Path: path, Msg: msg}) }
	if _, err := address.ParseTarget(a.URL); err != nil {
		wrong("url", err.Error())
	}
	if a.MetricsURL != "" {
		wrong("metrics_url", "goes with a fixed url only; where url is a template, write metrics_path")
	}
	if a.HTTPConfig == nil {
		return problems
	}
	const why = "is never sent where a label leads; write the agent's own address in url, or leave this out"
	c := a.HTTPConfig
	for name, given := range map[string]bool{
		"basic_auth": c.BasicAuth != nil, "authorization": c.Authorization != nil, "oauth2": c.OAuth2 != nil,
		"bearer_token": c.BearerToken != "", "bearer_token_file": c.BearerTokenFile != "",
		"tls_config.cert_file": c.TLSConfig.CertFile != "" || c.TLSConfig.Cert != "" || c.TLSConfig.CertRef != "",
		"tls_config.key_file":  c.TLSConfig.KeyFile != "" || c.TLSConfig.Key != "" || c.TLSConfig.KeyRef != "",
	} {
		if given {
			wrong("http_config."+name, why)
		}
	}
	for name, given := range map[string]bool{"proxy_url": c.ProxyURL.URL != nil, "proxy_from_environment": c.ProxyFromEnvironment} {
		if given {
			wrong("http_config."+name, "a proxy would connect where diagnostics.allowed_targets does not let us; "+
				"write the agent's own address in url, or leave this out")
		}
	}
	return problems
}

// withoutCredentials is c with nothing in it that must not be sent where a label leads. Validate refuses it, too.
func withoutCredentials(c *httpclient.Config) *httpclient.Config {
	if c == nil {
		return nil
	}
	return &httpclient.Config{
		TLSConfig: commoncfg.TLSConfig{
			CA: c.TLSConfig.CA, CAFile: c.TLSConfig.CAFile, CARef: c.TLSConfig.CARef, ServerName: c.TLSConfig.ServerName,
			InsecureSkipVerify: c.TLSConfig.InsecureSkipVerify, MinVersion: c.TLSConfig.MinVersion, MaxVersion: c.TLSConfig.MaxVersion,
		},
		FollowRedirects: c.FollowRedirects,
	}
}

// at is the agent at one of the addresses that its template gives.
func (a *agent) at(t address.Target) (*agent, error) {
	cfg := a.config
	cfg.URL = t.URL()
	cfg.HTTPConfig = withoutCredentials(cfg.HTTPConfig)
	dialer := address.Dialer{Allowed: a.allowed}
	client, err := newClient(cfg,
		commoncfg.WithDialContextFunc(dialer.DialContext),
		// Each request connects anew, and so is checked anew; nothing stays open when the agent is forgotten.
		commoncfg.WithKeepAlivesDisabled(), commoncfg.WithHTTP2Disabled(),
	)
	if err != nil {
		return nil, err
	}
	here := &agent{
		config: cfg, name: a.name, matchers: a.matchers, client: client, base: t.URL(), instance: t.HostPort() + t.Path(),
		metricsHost: t.HostPort(), interval: a.interval, timeout: a.timeout, profiles: a.profiles, profile: a.profile,
		queries: a.queries, links: a.links, target: t, template: a,
	}
	here.series = newSeries(a.db, here.name, here.instance)
	here.keep(time.Duration(a.history.Load()))
	return here, nil
}

// targets are the agents that labels led to.
type targets struct {
	mu    sync.Mutex
	known map[targetKey]*knownTarget
}

type targetKey struct {
	// template is the configured agent.
	template *agent
	url      string
}

type knownTarget struct {
	*agent
	// asked is when an alert concerned it last.
	asked time.Time
}

func newTargets() *targets { return &targets{known: map[targetKey]*knownTarget{}} }

// find is the agent at an address that the template of a gives; isNew is whether it was not known. An agent that inUse denies
// is of a configuration that was replaced meanwhile, and is not kept.
func (ts *targets) find(a *agent, t address.Target, now time.Time, inUse func(*agent) bool) (found *agent, isNew bool, err error) {
	key := targetKey{a, t.URL()}
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if known := ts.known[key]; known != nil {
		known.asked = now
		return known.agent, false, nil
	}
	if found, err = a.at(t); err != nil || !inUse(a) {
		return found, false, err
	}
	if len(ts.known) >= mostTargets {
		var oldest targetKey
		for key, one := range ts.known {
			if o := ts.known[oldest]; o == nil || one.asked.Before(o.asked) {
				oldest = key
			}
		}
		delete(ts.known, oldest)
	}
	ts.known[key] = &knownTarget{found, now}
	return found, true, nil
}

// all are those that are known, in the order of their names and addresses.
func (ts *targets) all() []*agent {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	all := make([]*agent, 0, len(ts.known))
	for _, one := range ts.known {
		all = append(all, one.agent)
	}
	slices.SortFunc(all, func(a, b *agent) int { return strings.Compare(a.name+"\x00"+a.instance, b.name+"\x00"+b.instance) })
	return all
}

// of are those of one configured agent.
func (ts *targets) of(template *agent) []*agent {
	return slices.DeleteFunc(ts.all(), func(a *agent) bool { return a.template != template })
}

// forget lets those go that no alert has concerned since, and says whether there were any.
func (ts *targets) forget(since time.Time) bool {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	before := len(ts.known)
	maps.DeleteFunc(ts.known, func(_ targetKey, one *knownTarget) bool { return one.asked.Before(since) })
	return len(ts.known) < before
}

// follow takes what is known over to another configuration: an agent whose template is as before stays, one whose settings have
// changed goes on with its series, and one that is not configured or not allowed any more is forgotten.
func (ts *targets) follow(next []*agent) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	before := ts.known
	ts.known = make(map[targetKey]*knownTarget, len(before))
	for key, one := range before {
		i := slices.IndexFunc(next, func(a *agent) bool { return a.name == one.name && a.url != nil })
		if i < 0 {
			continue
		}
		now := next[i]
		if now == key.template {
			one.keep(time.Duration(now.history.Load()))
			ts.known[key] = one
			continue
		}
		if now.config.URL != key.template.config.URL || now.allowed.Permits(one.target) != nil {
			continue
		}
		moved, err := now.at(one.target)
		if err != nil {
			continue // the next alert says why
		}
		moved.series = one.series // one writer at a time: it knows what was stored last
		moved.keep(time.Duration(now.history.Load()))
		ts.known[targetKey{now, key.url}] = &knownTarget{moved, one.asked}
	}
}

// refused is the snapshot of an agent that must not be asked, or cannot be found.
func (c *Collector) refused(a *agent, why error) *Snapshot {
	c.logger.Warn("Agent is not asked", "agent", a.name, "err", why)
	c.metrics.snapshotsFailed.WithLabelValues(snapshotRefused).Inc()
	s := Snapshot{Agent: a.name, TakenAt: c.now(), Metrics: Scrape{Path: a.metricsPath(), Note: why.Error()}}
	// That we did not ask says nothing of the agent.
	s.Health, s.Ready = unasked(a.healthPath(), why.Error()), unasked(a.readyPath(), why.Error())
	if s.Health == nil && s.Ready == nil {
		s.Health = unasked("/", why.Error())
	}
	return &s
}

// withoutLabels is labels without those of these names.
func withoutLabels(labels map[string]string, names []string) map[string]string {
	kept := maps.Clone(labels)
	for _, name := range names {
		delete(kept, name)
	}
	return kept
}
