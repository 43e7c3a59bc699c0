package diagnostics

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/prometheus/alertmanager/matcher/compat"
	"github.com/prometheus/common/model"

	"github.com/alertvitals/notifier/config/httpclient"
	"github.com/alertvitals/notifier/config/problem"
	"github.com/alertvitals/notifier/diagnostics/address"
)

// Config is the `diagnostics` key of the configuration. Start from DefaultConfig.
type Config struct {
	// Deadline is how long a message waits for its snapshot, from 50ms to 20s.
	Deadline model.Duration `yaml:"deadline"`
	// History is how long scraped samples are kept on local disk, at least 10m.
	History model.Duration `yaml:"history"`
	// Profiles are files, or patterns of files, of profiles that are looked at before those that the program brings.
	Profiles []string `yaml:"profiles"`
	// RedactLabels are the labels of alerts whose values name a person; they are shown to nobody. An empty list is none.
	RedactLabels []string `yaml:"redact_labels"`
	// AllowedTargets is where the label of an alert may lead, when an agent's URL is a template: host:port with *, and CIDRs. With none
	// a label leads nowhere.
	AllowedTargets []string `yaml:"allowed_targets"`
	// Prometheus is asked how the alert's own expression went; without one only what the notifier itself scraped is known.
	Prometheus PrometheusConfig `yaml:"prometheus"`
}

// DefaultConfig is what the `diagnostics` key says when it says nothing.
func DefaultConfig() Config {
	return Config{
		Deadline:     model.Duration(time.Second),
		History:      model.Duration(2 * time.Hour),
		RedactLabels: []string{"user_email", "user_id", "user_account_uuid", "user_account_id", "organization_id"},
	}
}

// WithDefaults is c with the defaults in place of what it leaves out.
func (c Config) WithDefaults() Config {
	d := DefaultConfig()
	if c.Deadline == 0 {
		c.Deadline = d.Deadline
	}
	if c.History == 0 {
		c.History = d.History
	}
	if c.RedactLabels == nil {
		c.RedactLabels = d.RedactLabels
	}
	return c
}

// Validate says what is wrong with c. A zero field is the default.
func (c Config) Validate() []problem.Problem {
	var problems []problem.Problem
	if d := time.Duration(c.Deadline); d != 0 && (d < 50*time.Millisecond || d > 20*time.Second) {
		problems = append(problems, problem.Problem{Path: "deadline", Msg: "must be between 50ms and 20s: a page waits for it"})
	}
	if h := time.Duration(c.History); h != 0 && h < 10*time.Minute {
		problems = append(problems, problem.Problem{Path: "history", Msg: "must be at least 10m: rates look back over 5m"})
	}
	_, wrong := address.ParseAllowed(c.AllowedTargets)
	problems = append(problems, problem.Under("allowed_targets", wrong)...)
	return append(problems, problem.Under("prometheus", c.Prometheus.Validate())...)
}

// ValidateProfiles says what is wrong with the files of c.Profiles, and which agents have a profile that there is not. It reads
// the files. Paths begin at the root of the configuration.
func (c Config) ValidateProfiles(agents []AgentConfig) []problem.Problem {
	var problems []problem.Problem
	for i, pattern := range c.Profiles {
		if _, err := profilesWith([]string{pattern}); err != nil && !errors.Is(err, errIncludes) {
			for line := range strings.SplitSeq(err.Error(), "\n") {
				problems = append(problems, problem.Problem{Path: fmt.Sprintf("diagnostics.profiles[%d]", i), Msg: line})
			}
		}
	}
	if len(problems) > 0 {
		return problems
	}
	profiles, err := profilesWith(c.Profiles)
	if err != nil {
		return []problem.Problem{{Path: "diagnostics.profiles", Msg: err.Error()}}
	}
	for i, a := range agents {
		if a.Profile != "" && a.Profile != profileAuto && profileNamed(profiles, a.Profile) == nil {
			problems = append(problems, problem.Problem{
				Path: fmt.Sprintf("agents[%d].profile", i),
				Msg: fmt.Sprintf("there is no profile %q; there are: %s, %s", a.Profile, profileAuto,
					strings.Join(profileNames(profiles), ", ")),
			})
		}
	}
	return problems
}

// AgentConfig is one entry of the `agents` key: whom to look at, and which alerts concern it.
type AgentConfig struct {
	// Name is what people read in every message.
	Name string `yaml:"name"`
	// Match are Alertmanager matchers; an alert concerns the agent when all of them fit.
	Match []string `yaml:"match"`
	// URL is the agent's base address, http or https, or a template of the alert's labels that gives one, as in
	// http://{{ .Labels.instance }}; then diagnostics.allowed_targets says where that may be.
	URL string `yaml:"url"`
	// Profile is how to read the agent: auto, or the name of a profile (docs/profiles.md).
	Profile string `yaml:"profile"`
	// HealthPath is where the agent says how it is, below its URL; the profile's own, unless given. An empty one is: do not ask.
	HealthPath *string `yaml:"health_path"`
	// ReadyPath is where it says whether it takes work; the profile's own, unless given. An empty one is: do not ask.
	ReadyPath *string `yaml:"ready_path"`
	// MetricsPath is where its metrics are; the profile's own, unless given. An empty one is: do not ask.
	MetricsPath *string `yaml:"metrics_path"`
	// MetricsURL is where the metrics are when they are elsewhere, such as at a collector. The credentials of http_config go there, too.
	MetricsURL string `yaml:"metrics_url"`
	// ScrapeInterval is how often the agent is scraped, from 100ms to 2m.
	ScrapeInterval model.Duration `yaml:"scrape_interval"`
	// Timeout bounds one request; it is not longer than the scrape interval.
	Timeout model.Duration `yaml:"timeout"`
	// HTTPConfig is how to speak HTTP with the agent.
	HTTPConfig *httpclient.Config `yaml:"http_config"`
	// Links are buttons in the messages about the agent, at most five: a name, and a template of the alert's labels
	// and times that gives an address (docs/agents.md).
	Links yaml.MapSlice `yaml:"links"`
	// Queries are more vitals, shown before all others.
	Queries []QueryConfig `yaml:"queries"`
}

// FromLabels is whether the agent's address comes from the labels of the alert.
func (a AgentConfig) FromLabels() bool { return address.IsTemplate(a.URL) }

// WithDefaults is a with the defaults in place of what it leaves out.
func (a AgentConfig) WithDefaults() AgentConfig {
	if a.Profile == "" {
		a.Profile = profileAuto
	}
	if a.ScrapeInterval == 0 {
		a.ScrapeInterval = model.Duration(15 * time.Second)
	}
	if a.Timeout == 0 {
		a.Timeout = min(model.Duration(2*time.Second), a.ScrapeInterval)
	}
	return a
}

// Validate says what is wrong with a. A zero field is the default.
func (a AgentConfig) Validate() []problem.Problem {
	var problems []problem.Problem
	wrong := func(path, format string, args ...any) {
		problems = append(problems, problem.Problem{Path: path, Msg: fmt.Sprintf(format, args...)})
	}
	if strings.TrimSpace(a.Name) == "" {
		wrong("name", "an agent needs a name: people read it in every message")
	}
	if len(a.Match) == 0 {
		wrong("match", "needs at least one matcher like job=\"aster\"; without one no alert concerns the agent")
	}
	for i, text := range a.Match {
		if matchers, err := compat.Matchers(text, "agents"); err != nil {
			wrong(fmt.Sprintf("match[%d]", i), "not a matcher like job=\"aster\": %v", err)
		} else if len(matchers) == 0 {
			wrong(fmt.Sprintf("match[%d]", i), "is empty, and would take every alert")
		}
	}
	if a.URL == "" {
		wrong("url", "an agent needs a URL like http://aster:8080")
	} else if a.FromLabels() {
		problems = append(problems, a.validateFromLabels()...)
	} else if msg := checkURL(a.URL); msg != "" {
		wrong("url", "%s", msg)
	}
	problems = append(problems, problem.Under("links", validateLinks(a.Links))...)
	if a.MetricsURL != "" {
		if msg := checkURL(a.MetricsURL); msg != "" {
			wrong("metrics_url", "%s", msg)
		}
		if a.MetricsPath != nil {
			wrong("metrics_path", "metrics_url says already where the metrics are; leave one of the two out")
		}
	}
	for name, path := range map[string]*string{"health_path": a.HealthPath, "ready_path": a.ReadyPath, "metrics_path": a.MetricsPath} {
		if path != nil && *path != "" && !strings.HasPrefix(*path, "/") {
			wrong(name, "must begin with / (or be empty: do not ask)")
		}
	}
	problems = append(problems, a.costly(profileNamed(embedded, a.Profile))...)
	d := a.WithDefaults()
	if time.Duration(d.ScrapeInterval) < 100*time.Millisecond || time.Duration(d.ScrapeInterval) > 2*time.Minute {
		// Rates look back over five minutes and need several scrapes in them.
		wrong("scrape_interval", "must be between 100ms and 2m")
	}
	if time.Duration(d.Timeout) < 10*time.Millisecond || d.Timeout > d.ScrapeInterval {
		wrong("timeout", "must be at least 10ms and not longer than scrape_interval")
	}
	used := a.HTTPConfig
	if a.FromLabels() {
		used = withoutCredentials(used) // of the rest it is told that it must not be there
	}
	problems = append(problems, problem.Under("http_config", used.Validate())...)
	problems = append(problems, validateQueries(a.Queries)...)
	slices.SortStableFunc(problems, func(x, y problem.Problem) int { return strings.Compare(x.Path, y.Path) })
	return problems
}

// costly are the configured paths that must not be asked of this kind of agent, which may be nil.
func (a AgentConfig) costly(kind *profile) []problem.Problem {
	var problems []problem.Problem
	for name, path := range map[string]*string{"health_path": a.HealthPath, "ready_path": a.ReadyPath} {
		if path != nil && kind.neverAsk(*path) {
			problems = append(problems, problem.Problem{
				Path: name, Msg: fmt.Sprintf("asking a %s for %s calls its models, which costs money; leave it out: the profile knows another", kind.Name, *path),
			})
		}
	}
	return problems
}

// checkURL says what is wrong with an address, "" when nothing is. It never repeats the address: it may hold a password.
func checkURL(text string) string {
	if address.IsTemplate(text) {
		return "must not be a template; only url can be one"
	}
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return "is not a URL like http://aster:8080"
	case u.Scheme != "http" && u.Scheme != "https":
		return "must begin with http:// or https://"
	case u.Hostname() == "":
		return "names no host"
	case !validPort(u):
		return "has no port from 1 to 65535"
	case u.User != nil:
		return "must not hold a user or password: use http_config.basic_auth, which is kept out of messages"
	case u.RawQuery != "" || u.Fragment != "":
		return "must not have a query or a fragment"
	}
	return ""
}

// validPort is whether an address names no port, or one that there can be.
func validPort(u *url.URL) bool {
	if u.Port() == "" {
		return !strings.HasSuffix(u.Host, ":")
	}
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	return err == nil && port > 0
}
