package config

import (
	"fmt"
	"maps"
	"slices"

	"github.com/alertvitals/notifier/config/problem"
	"github.com/alertvitals/notifier/templates"
)

// validateTemplates reads the files of templates and tries every template of the receivers, so that none fails at night. unread
// is whether there are files that nobody could name.
func (c Config) validateTemplates(unread bool) []problem.Problem {
	set, wrong := templates.LoadAll(c.Templates)
	var problems []problem.Problem
	for _, p := range wrong {
		problems = append(problems, problem.Problem{Path: fmt.Sprintf("templates[%d]", p.Glob), Msg: p.Err.Error()})
	}
	unread = unread || len(problems) > 0
	if !unread {
		for _, err := range set.TryStandard() {
			problems = append(problems, problem.Problem{Path: "templates", Msg: err.Error()})
		}
	}
	try := func(path string, texts map[string]string, try func(string) error) {
		for _, key := range slices.Sorted(maps.Keys(texts)) {
			err := try(texts[key])
			if err != nil && (!unread || !templates.IsUndefined(err)) {
				problems = append(problems, problem.Problem{Path: path + "." + key, Msg: err.Error()})
			}
		}
	}
	for i, r := range c.Receivers {
		for j, s := range r.SlackConfigs {
			try(fmt.Sprintf("receivers[%d].slack_configs[%d]", i, j), s.Texts(), set.Try)
		}
		for j, e := range r.EmailConfigs {
			path := fmt.Sprintf("receivers[%d].email_configs[%d]", i, j)
			try(path, e.Texts(), set.Try)
			try(path, map[string]string{"html": e.HTML}, set.TryHTML)
		}
		for j, p := range r.PagerdutyConfigs {
			try(fmt.Sprintf("receivers[%d].pagerduty_configs[%d]", i, j), p.Texts(), set.Try)
		}
	}
	return problems
}
