package config

import (
	"fmt"

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
		names = append(names, h.Name)
	}
	problems = append(problems, problem.Twice("heartbeat", names, func(i int) string { return fmt.Sprintf("heartbeats[%d].name", i) })...)
	return append(problems, problem.Under("ping", c.Ping.Validate())...)
}
