package heartbeat

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/prometheus/alertmanager/matcher/compat"
	amlabels "github.com/prometheus/alertmanager/pkg/labels"
	commoncfg "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"

	"github.com/alertvitals/notifier/config/httpclient"
	"github.com/alertvitals/notifier/config/problem"
)

// Config is one entry of the `heartbeats` key: an alert that always fires.
type Config struct {
	// Name tells it from others.
	Name string `yaml:"name"`
	// Matchers are Alertmanager's: an alert that fires and fits all of them is a beat.
	Matchers []string `yaml:"matchers"`
	// Interval is how long none may come before it counts as missing, from 5s to 7d.
	Interval model.Duration `yaml:"interval"`
	// Labels are those of the alert HeartbeatMissing, beside alertname and heartbeat. Its severity is critical unless they say so.
	Labels map[string]string `yaml:"labels"`
}

// Ping is the `ping` key: where to say that the notifier works.
type Ping struct {
	// URL is asked with GET. It is a secret, because whoever knows it can say so, too.
	URL commoncfg.Secret `yaml:"url"`
	// URLFile is a file that holds it, read at each use.
	URLFile string `yaml:"url_file"`
	// Interval is how often, from 5s to 24h.
	Interval model.Duration `yaml:"interval"`
	// HTTPConfig is how to speak HTTP with who is asked.
	HTTPConfig *httpclient.Config `yaml:"http_config"`
}

const (
	defaultInterval = 5 * time.Minute
	defaultPing     = time.Minute
)

// WithDefaults is c with the defaults in place of what it leaves out.
func (c Config) WithDefaults() Config {
	c.Interval = cmp.Or(c.Interval, model.Duration(defaultInterval))
	return c
}

// WithDefaults is p with the defaults in place of what it leaves out.
func (p Ping) WithDefaults() Ping {
	p.Interval = cmp.Or(p.Interval, model.Duration(defaultPing))
	return p
}

func (c Config) interval() time.Duration { return time.Duration(c.WithDefaults().Interval) }

func (p Ping) interval() time.Duration { return time.Duration(p.WithDefaults().Interval) }

// Configured is whether there is an address.
func (p Ping) Configured() bool { return p.URL != "" || p.URLFile != "" }

// Validate says what is wrong with c.
func (c Config) Validate() []problem.Problem {
	var problems []problem.Problem
	wrong := func(path, msg string) { problems = append(problems, problem.Problem{Path: path, Msg: msg}) }
	if c.Name == "" {
		wrong("name", "a heartbeat needs a name, for its alert to carry")
	}
	if len(c.Matchers) == 0 {
		wrong("matchers", `nothing says which alert is the heartbeat; write matchers: ['alertname="Watchdog"']`)
	}
	for i, text := range c.Matchers {
		if parsed, err := compat.Matchers(text, "heartbeats"); err != nil {
			wrong(fmt.Sprintf("matchers[%d]", i), fmt.Sprintf("not a matcher like alertname=\"Watchdog\": %v", err))
		} else if len(parsed) == 0 {
			wrong(fmt.Sprintf("matchers[%d]", i), "is empty, and would take every alert")
		}
	}
	if d := c.interval(); d < 5*time.Second || d > 7*24*time.Hour {
		wrong("interval", "must be between 5s and 7d")
	}
	for name := range c.Labels {
		switch {
		case !model.UTF8Validation.IsValidLabelName(name):
			wrong("labels", fmt.Sprintf("%q is no name of a label", name))
		case name == model.AlertNameLabel || name == "heartbeat":
			wrong("labels."+name, "is set by the notifier itself")
		}
	}
	return problems
}

// Validate says what is wrong with p, without its address.
func (p Ping) Validate() []problem.Problem {
	var problems []problem.Problem
	wrong := func(path, msg string) { problems = append(problems, problem.Problem{Path: path, Msg: msg}) }
	address := string(p.URL)
	switch {
	case address != "" && p.URLFile != "":
		wrong("url_file", "url and url_file are both set, want one of them")
	case address != "" && parse(address) == nil:
		wrong("url", "must be an address like https://hc-ping.com/…")
	case !p.Configured() && (p.interval() != defaultPing || p.HTTPConfig != nil): // the default is what a configuration shows
		wrong("", "nothing says whom to ping: set url or url_file")
	}
	if d := p.interval(); d < 5*time.Second || d > 24*time.Hour {
		wrong("interval", "must be between 5s and 24h")
	}
	return append(problems, problem.Under("http_config", p.HTTPConfig.Validate())...)
}

// parse is nil for what is not an absolute http address.
func parse(address string) *url.URL {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil
	}
	return u
}

// parseMatchers are the matchers of a heartbeat that Validate found nothing wrong with.
func parseMatchers(texts []string) (all amlabels.Matchers, err error) {
	for _, text := range texts {
		matchers, err := compat.Matchers(text, "heartbeats")
		if err != nil {
			return nil, fmt.Errorf("reading matcher %q: %w", text, err)
		}
		all = append(all, matchers...)
	}
	return all, nil
}

// Expected is whether an alert with some labels is one of the heartbeats. It fails on what Validate refuses.
func Expected(heartbeats []Config) (func(labels map[string]string) bool, error) {
	var all []amlabels.Matchers
	for _, c := range heartbeats {
		matchers, err := parseMatchers(c.Matchers)
		if err != nil {
			return nil, err
		}
		all = append(all, matchers)
	}
	return func(labels map[string]string) bool {
		return slices.ContainsFunc(all, func(m amlabels.Matchers) bool { return fits(labels, m) })
	}, nil
}
