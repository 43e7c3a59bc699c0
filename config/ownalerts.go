package config

import (
	"fmt"
	"slices"

	"github.com/alertvitals/notifier/config/problem"
	"github.com/alertvitals/notifier/rules"
)

// validateOwnAlerts checks what makes alerts of our own. It reads the rule files.
func (c Config) validateOwnAlerts() []problem.Problem {
	_, wrong := rules.Read(c.RulesFiles)
	problems := append(problem.Under("rules_files", wrong), problem.Under("rules", c.Rules.Validate())...)
	var names []string
	for i, h := range c.Heartbeats {
		path := fmt.Sprintf("heartbeats[%d]", i)
		problems = append(problems, problem.Under(path, h.Validate())...)
		if h.Name != "" && slices.Contains(names, h.Name) {
			problems = append(problems, problem.Problem{Path: path + ".name", Msg: fmt.Sprintf("there is another heartbeat %q", h.Name)})
		}
		names = append(names, h.Name)
	}
	return append(problems, problem.Under("ping", c.Ping.Validate())...)
}
