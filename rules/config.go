package rules

import (
	"time"

	"github.com/prometheus/common/model"

	"github.com/alertvitals/notifier/config/problem"
)

// Config is the `rules` key of the configuration. The names and defaults are those of Prometheus and Alertmanager, but that rules are
// evaluated as often as agents are scraped.
type Config struct {
	// EvaluationInterval is how often a group of rules is evaluated that does not say so itself.
	EvaluationInterval model.Duration `yaml:"evaluation_interval"`
	// GroupInterval is how long after a notification a group of alerts that has changed is told again.
	GroupInterval model.Duration `yaml:"group_interval"`
	// RepeatInterval is how long after a notification a group that still fires is told again.
	RepeatInterval model.Duration `yaml:"repeat_interval"`
}

// WithDefaults is c with the defaults in place of what it leaves out.
func (c Config) WithDefaults() Config {
	or := func(d *model.Duration, otherwise time.Duration) {
		if *d == 0 {
			*d = model.Duration(otherwise)
		}
	}
	or(&c.EvaluationInterval, 15*time.Second)
	or(&c.GroupInterval, 5*time.Minute)
	or(&c.RepeatInterval, 4*time.Hour)
	return c
}

// longestRepeat is shorter than what is known of a group is kept (30 days): each telling renews it.
const longestRepeat = 7 * 24 * time.Hour

// Validate says what is wrong with c. A zero field is the default.
func (c Config) Validate() []problem.Problem {
	var problems []problem.Problem
	c = c.WithDefaults()
	wrong := func(path, msg string) { problems = append(problems, problem.Problem{Path: path, Msg: msg}) }
	if d := time.Duration(c.EvaluationInterval); d < time.Second || d > time.Hour {
		wrong("evaluation_interval", "must be between 1s and 1h")
	}
	if d := time.Duration(c.GroupInterval); d < time.Second || d > 24*time.Hour {
		wrong("group_interval", "must be between 1s and 24h")
	}
	if d := time.Duration(c.RepeatInterval); d < time.Minute || d > longestRepeat {
		wrong("repeat_interval", "must be between 1m and 7d")
	}
	return problems
}
