package config

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/alertvitals/notifier/config/problem"
	"github.com/alertvitals/notifier/config/strict"
	"github.com/alertvitals/notifier/diagnostics"
	"github.com/alertvitals/notifier/heartbeat"
	"github.com/alertvitals/notifier/notifiers/email"
	"github.com/alertvitals/notifier/notifiers/forward"
	"github.com/alertvitals/notifier/notifiers/logsink"
	"github.com/alertvitals/notifier/notifiers/pagerduty"
	"github.com/alertvitals/notifier/notifiers/slack"
	"github.com/alertvitals/notifier/routing"
	"github.com/alertvitals/notifier/rules"
	"github.com/alertvitals/notifier/web/bearer"
)

// Config is notifier.yml.
type Config struct {
	// Agents are whom to look at when an alert concerns them.
	Agents []diagnostics.AgentConfig `yaml:"agents"`
	// Diagnostics bounds how they are looked at.
	Diagnostics diagnostics.Config `yaml:"diagnostics"`
	// Delivery bounds how long it is tried to tell somebody.
	Delivery Delivery `yaml:"delivery"`
	// Route is the root of the routing tree.
	Route routing.Route `yaml:"route"`
	// Global is what the integrations of all receivers have in common.
	Global Global `yaml:"global"`
	// Receivers are whom alerts can be routed to.
	Receivers []Receiver `yaml:"receivers"`
	// TimeIntervals are the times that routes name under mute_time_intervals and active_time_intervals.
	TimeIntervals []routing.Interval `yaml:"time_intervals"`
	// MuteTimeIntervals are more of them, under the key that Alertmanager had for them first.
	MuteTimeIntervals []routing.Interval `yaml:"mute_time_intervals"`
	// RulesFiles are patterns of Prometheus's rule files, to be evaluated over what the notifier itself scrapes.
	RulesFiles []string `yaml:"rules_files"`
	// Rules says how often they are evaluated, and their alerts told.
	Rules rules.Config `yaml:"rules"`
	// Heartbeats are alerts that have to come all the time.
	Heartbeats []heartbeat.Config `yaml:"heartbeats"`
	// Ping is where to say that the notifier works.
	Ping heartbeat.Ping `yaml:"ping"`
	// Web says who may change something here.
	Web bearer.Config `yaml:"web"`
	// Templates are patterns of files of Go templates (https://prometheus.io/docs/alerting/latest/notifications/); each must fit a file.
	Templates []string `yaml:"templates"`
}

// Receiver is a name and the integrations behind it. Each is told on its own, as in Alertmanager.
type Receiver struct {
	// Name is what routes lead to.
	Name string `yaml:"name"`
	// Fallback is who is told what could not be delivered to this receiver; nobody, unless given.
	Fallback *Fallback `yaml:"fallback"`
	// SlackConfigs are channels of Slack.
	SlackConfigs []slack.Config `yaml:"slack_configs"`
	// PagerdutyConfigs are services of PagerDuty.
	PagerdutyConfigs []pagerduty.Config `yaml:"pagerduty_configs"`
	// EmailConfigs are recipients of mail.
	EmailConfigs []email.Config `yaml:"email_configs"`
	// WebhookConfigs are addresses that get Alertmanager's payload with the snapshot.
	WebhookConfigs []forward.Config `yaml:"webhook_configs"`
	// LogConfigs are files, or the notifier's own output, that get a line for each message. [] in a receiver without any other
	// integration drops what is routed to it.
	LogConfigs []logsink.Config `yaml:"log_configs"`
}

// TellsNobody is whether the receiver has no integration: what is routed to it is dropped. It is written log_configs: [], so that nobody
// drops alerts by forgetting something.
func (r Receiver) TellsNobody() bool {
	return len(r.SlackConfigs)+len(r.PagerdutyConfigs)+len(r.EmailConfigs)+len(r.WebhookConfigs)+len(r.LogConfigs) == 0
}

// LoadFile reads the file at path. The error is an *Error when the file could be read but is wrong.
func LoadFile(path string) (Config, error) {
	source, err := os.ReadFile(path)
	if err != nil {
		return Config{}, fmt.Errorf("reading the configuration: %w", err)
	}
	return Load(path, source)
}

// Load reads source, the content of the file called name. Relative paths in it lead from the directory of that file, and ${NAME}
// in a secret is the environment's. The error is always an *Error, with everything that is wrong.
func Load(name string, source []byte) (Config, error) {
	var cfg Config
	options := strict.Options{Dir: filepath.Dir(name), Unknown: refuse, Refuses: Refuses}
	doc := strict.Read(name, source, &cfg, options)
	leadFrom(&cfg, options)
	given := cfg.Global.give(cfg.Receivers, doc.Unread)
	if err := doc.Err(given.placed(cfg.validate(doc.Unread))); err != nil {
		return Config{}, err
	}
	return cfg, nil
}

// leadFrom joins relative paths of c that are not under keys which end in _file to the directory of the file.
func leadFrom(c *Config, options strict.Options) {
	for _, list := range [][]string{c.Templates, c.Diagnostics.Profiles, c.RulesFiles} {
		for i := range list {
			list[i] = options.Path(list[i])
		}
	}
	for _, r := range c.Receivers {
		for i := range r.LogConfigs {
			r.LogConfigs[i] = r.LogConfigs[i].LeadFrom(options.Path)
		}
	}
}

// validate says what is wrong with the values. unread is whether something at a path, above or below it, could not be read.
func (c Config) validate(unread func(path string) bool) []problem.Problem {
	var problems []problem.Problem
	var agents []string
	for i, a := range c.Agents {
		path := fmt.Sprintf("agents[%d]", i)
		problems = append(problems, problem.Under(path, a.Validate())...)
		agents = append(agents, a.Name)
		if a.FromLabels() && len(c.Diagnostics.AllowedTargets) == 0 && !unread("diagnostics.allowed_targets") {
			problems = append(problems, problem.Problem{
				Path: path + ".url",
				Msg: "leads where the labels of an alert say, so diagnostics.allowed_targets has to say where that may be: " +
					"hosts and ports like aster-*:8080, or CIDRs like 10.0.0.0/8",
			})
		}
	}
	problems = append(problems, problem.Twice("agent", agents, func(i int) string { return fmt.Sprintf("agents[%d].name", i) })...)
	problems = append(problems, problem.Under("diagnostics", c.Diagnostics.Validate())...)
	problems = append(problems, c.Diagnostics.ValidateProfiles(c.Agents)...)
	problems = append(problems, problem.Under("delivery", c.Delivery.validate())...)
	problems = append(problems, problem.Under("global", c.Global.Validate())...)
	problems = append(problems, problem.Under("web", c.Web.Validate())...)
	var receivers []string
	for i, r := range c.Receivers {
		path := fmt.Sprintf("receivers[%d]", i)
		problems = append(problems, problem.Under(path, r.validate())...)
		receivers = append(receivers, r.Name)
	}
	problems = append(problems, problem.Twice("receiver", receivers, func(i int) string { return fmt.Sprintf("receivers[%d].name", i) })...)
	if len(c.Receivers) == 0 {
		problems = append(problems, problem.Problem{Path: "receivers", Msg: "there are no receivers, so nobody can be told anything"})
	}
	problems = append(problems, c.validateFallbacks(receivers)...)
	problems = append(problems, c.validateIntervals()...)
	problems = append(problems, c.validateTemplates(unread("templates"))...)
	problems = append(problems, c.validateOwnAlerts()...)
	problems = append(problems, problem.Under("route", c.Route.Validate(receivers))...)
	// A name that seems to be missing need not be, when not all of them could be read.
	return slices.DeleteFunc(problems, func(p problem.Problem) bool {
		return p.Names == "receiver" && nameless("receivers", len(c.Receivers), unread) ||
			p.Names == "time interval" && (nameless("time_intervals", len(c.TimeIntervals), unread) ||
				nameless("mute_time_intervals", len(c.MuteTimeIntervals), unread))
	})
}

// nameless is whether a name in the list at path could not be read, or could be in a list that could not be.
func nameless(path string, length int, unread func(path string) bool) bool {
	if length == 0 {
		return unread(path)
	}
	for i := range length {
		if unread(fmt.Sprintf("%s[%d].name", path, i)) {
			return true
		}
	}
	return false
}

func (r Receiver) validate() []problem.Problem {
	var problems []problem.Problem
	if r.Name == "" {
		problems = append(problems, problem.Problem{Path: "name", Msg: "a receiver needs a name, for routes to lead to it"})
	}
	if r.TellsNobody() && r.LogConfigs == nil {
		problems = append(problems, problem.Problem{Msg: "the receiver has no integration; " +
			"give it slack_configs, pagerduty_configs, email_configs, webhook_configs or log_configs, " +
			"or log_configs: [] when what goes there is to be dropped"})
	}
	for i, s := range r.SlackConfigs {
		problems = append(problems, problem.Under(fmt.Sprintf("slack_configs[%d]", i), s.Validate())...)
	}
	for i, e := range r.EmailConfigs {
		problems = append(problems, problem.Under(fmt.Sprintf("email_configs[%d]", i), e.Validate())...)
	}
	for i, p := range r.PagerdutyConfigs {
		problems = append(problems, problem.Under(fmt.Sprintf("pagerduty_configs[%d]", i), p.Validate())...)
	}
	for i, w := range r.WebhookConfigs {
		problems = append(problems, problem.Under(fmt.Sprintf("webhook_configs[%d]", i), w.Validate())...)
	}
	for i, l := range r.LogConfigs {
		problems = append(problems, problem.Under(fmt.Sprintf("log_configs[%d]", i), l.Validate())...)
	}
	return problems
}
