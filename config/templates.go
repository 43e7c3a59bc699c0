package config

import (
	"fmt"
	"maps"
	"slices"

	"github.com/alertvitals/notifier/config/problem"
	"github.com/alertvitals/notifier/templates"
)

// validateTemplates reads the files of templates and tries every template of the receivers, so that none fails at night.
func (c Config) validateTemplates() []problem.Problem {
	for i, glob := range c.Templates {
		if _, err := templates.Load([]string{glob}); err != nil {
			return []problem.Problem{{Path: fmt.Sprintf("templates[%d]", i), Msg: err.Error()}}
		}
	}
	set, err := templates.Load(c.Templates)
	if err == nil {
		err = set.TryStandard()
	}
	if err != nil {
		return []problem.Problem{{Path: "templates", Msg: err.Error()}}
	}
	var problems []problem.Problem
	try := func(path string, texts map[string]string, try func(string) error) {
		for _, key := range slices.Sorted(maps.Keys(texts)) {
			if err := try(texts[key]); err != nil {
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
