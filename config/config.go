package config

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"github.com/alertvitals/notifier/config/problem"
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
	// Receivers are whom alerts can be routed to.
	Receivers []Receiver `yaml:"receivers"`
	// TimeIntervals are what routes name under mute_time_intervals and active_time_intervals. MuteTimeIntervals is the key that
	// Alertmanager had for them first.
	TimeIntervals     []routing.Interval `yaml:"time_intervals"`
	MuteTimeIntervals []routing.Interval `yaml:"mute_time_intervals"`
	// RulesFiles are patterns of Prometheus's rule files, to be evaluated over what the notifier itself scrapes, relative to the
	// directory of this file. Rules says how often they are, and their alerts told.
	RulesFiles []string     `yaml:"rules_files"`
	Rules      rules.Config `yaml:"rules"`
	// Heartbeats are alerts that have to come all the time.
	Heartbeats []heartbeat.Config `yaml:"heartbeats"`
	// Ping is where to say that the notifier works.
	Ping heartbeat.Ping `yaml:"ping"`
	// Web says who may change something here.
	Web bearer.Config `yaml:"web"`
	// Templates are globs of files of Go templates: https://prometheus.io/docs/alerting/latest/notifications/.
	Templates []string `yaml:"templates"`
}

// Receiver is a name and the integrations behind it. Each is told on its own, as in Alertmanager.
type Receiver struct {
	Name string `yaml:"name"`
	// Fallback is who is told what could not be delivered to this receiver; nil is nobody.
	Fallback         *Fallback          `yaml:"fallback"`
	SlackConfigs     []slack.Config     `yaml:"slack_configs"`
	PagerdutyConfigs []pagerduty.Config `yaml:"pagerduty_configs"`
	EmailConfigs     []email.Config     `yaml:"email_configs"`
	WebhookConfigs   []forward.Config   `yaml:"webhook_configs"`
	LogConfigs       []logsink.Config   `yaml:"log_configs"`
}

// LoadFile reads the file at path. The error is an *Error when the file could be read but is wrong.
func LoadFile(path string) (Config, error) {
	source, err := os.ReadFile(path)
	if err != nil {
		return Config{}, fmt.Errorf("reading the configuration: %w", err)
	}
	return Load(path, source)
}

// Load reads source; name stands for it in the error, which is always an *Error.
func Load(name string, source []byte) (Config, error) {
	root, cfg, found := decode(name, source)
	if found != nil {
		return Config{}, &Error{Findings: []Finding{*found}}
	}
	for i, pattern := range cfg.RulesFiles {
		if pattern != "" && !filepath.IsAbs(pattern) {
			cfg.RulesFiles[i] = filepath.Join(filepath.Dir(name), pattern)
		}
	}
	if problems := cfg.validate(); len(problems) > 0 {
		return Config{}, newError(name, source, root, problems)
	}
	return cfg, nil
}

// decode is the YAML and what it says, or the one problem that keeps it from being read.
func decode(name string, source []byte) (root ast.Node, cfg Config, found *Finding) {
	defer func() {
		// The library panics on some things that no configuration has, such as a list that is only a tag.
		if p := recover(); p != nil {
			f := finding(name, source, 1, 1, "this cannot be read as YAML: take out tags (!), anchors (&) and aliases (*)")
			found = &f
		}
	}()
	if deep := tooDeep(source); deep != nil {
		f := finding(name, source, deep.Line, deep.Column, fmt.Sprintf("this is nested more than %d deep; a configuration needs less", mostNested))
		return nil, cfg, &f
	}
	file, err := parser.ParseBytes(source, 0)
	if err != nil {
		f := fromYAML(name, source, err)
		return nil, cfg, &f
	}
	if len(file.Docs) > 1 {
		f := finding(name, source, file.Docs[1].Start.Position.Line, 1, "one document is enough; remove what follows")
		return nil, cfg, &f
	}
	if len(file.Docs) == 0 || file.Docs[0].Body == nil {
		return nil, cfg, nil
	}
	root = file.Docs[0].Body
	if err := yaml.NodeToValue(root, &cfg, yaml.Strict()); err != nil {
		f := decodeError(name, source, root, err)
		return nil, cfg, &f
	}
	return root, cfg, nil
}

// mostNested is how deep brackets, or lists on one line, may be nested. A configuration needs some four levels; the parser
// takes memory with the square of the depth.
const mostNested = 100

// tooDeep is where something is nested too deep, nil when nothing is.
func tooDeep(source []byte) *token.Position {
	brackets, dashes, line := 0, 0, 0
	for _, t := range lexer.Tokenize(string(source)) {
		if t.Position.Line != line {
			dashes, line = 0, t.Position.Line
		}
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			brackets++
		case token.SequenceEndType, token.MappingEndType:
			brackets--
		case token.SequenceEntryType, token.MappingKeyType:
			dashes++
		default:
		}
		if brackets+dashes > mostNested {
			return t.Position
		}
	}
	return nil
}

func (c Config) validate() []problem.Problem {
	var problems []problem.Problem
	var agents []string
	for i, a := range c.Agents {
		path := fmt.Sprintf("agents[%d]", i)
		problems = append(problems, problem.Under(path, a.Validate())...)
		if a.Name != "" && slices.Contains(agents, a.Name) {
			problems = append(problems, problem.Problem{Path: path + ".name", Msg: fmt.Sprintf("there is another agent %q", a.Name)})
		}
		agents = append(agents, a.Name)
		if a.FromLabels() && len(c.Diagnostics.AllowedTargets) == 0 {
			problems = append(problems, problem.Problem{
				Path: path + ".url",
				Msg: "leads where the labels of an alert say, so diagnostics.allowed_targets has to say where that may be: " +
					"hosts and ports like aster-*:8080, or CIDRs like 10.0.0.0/8",
			})
		}
	}
	problems = append(problems, problem.Under("diagnostics", c.Diagnostics.Validate())...)
	problems = append(problems, c.Diagnostics.ValidateProfiles(c.Agents)...)
	problems = append(problems, problem.Under("delivery", c.Delivery.validate())...)
	problems = append(problems, problem.Under("web", c.Web.Validate())...)
	var receivers []string
	for i, r := range c.Receivers {
		path := fmt.Sprintf("receivers[%d]", i)
		problems = append(problems, problem.Under(path, r.validate())...)
		if r.Name != "" && slices.Contains(receivers, r.Name) {
			problems = append(problems, problem.Problem{Path: path + ".name", Msg: fmt.Sprintf("there is another receiver %q", r.Name)})
		}
		receivers = append(receivers, r.Name)
	}
	if len(c.Receivers) == 0 {
		problems = append(problems, problem.Problem{Path: "receivers", Msg: "there are no receivers, so nobody can be told anything"})
	}
	problems = append(problems, c.validateFallbacks(receivers)...)
	problems = append(problems, c.validateIntervals()...)
	problems = append(problems, c.validateTemplates()...)
	problems = append(problems, c.validateOwnAlerts()...)
	return append(problems, problem.Under("route", c.Route.Validate(receivers))...)
}

func (r Receiver) validate() []problem.Problem {
	var problems []problem.Problem
	if r.Name == "" {
		problems = append(problems, problem.Problem{Path: "name", Msg: "a receiver needs a name, for routes to lead to it"})
	}
	if len(r.SlackConfigs)+len(r.PagerdutyConfigs)+len(r.EmailConfigs)+len(r.WebhookConfigs)+len(r.LogConfigs) == 0 {
		problems = append(problems, problem.Problem{Msg: "the receiver has no integration; " +
			"give it slack_configs, pagerduty_configs, email_configs, webhook_configs or log_configs"})
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
