package alertmanager

import (
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	yamlnode "go.yaml.in/yaml/v3"

	"github.com/alertvitals/notifier/config"
	"github.com/alertvitals/notifier/config/problem"
	"github.com/alertvitals/notifier/notifiers/email"
	"github.com/alertvitals/notifier/notifiers/forward"
	"github.com/alertvitals/notifier/notifiers/pagerduty"
	"github.com/alertvitals/notifier/notifiers/slack"
)

// names are the receivers'.
func (f *file) names(n *yamlnode.Node) {
	for _, receiver := range f.items(n, "receivers") {
		name := ""
		at := receiver
		for _, e := range f.entries(receiver, "receivers") {
			if e.key == "name" {
				name, at = f.text(e.value, "receivers.name"), e.value
			}
		}
		switch {
		case name == "":
			f.wrongf(receiver, "a receiver needs a name")
		case slices.Contains(f.receivers, name):
			f.wrongf(at, "there is another receiver %q", name)
		}
		f.receivers = append(f.receivers, name)
	}
}

// receiver is the i-th one, with what of its integrations the notifier has.
func (f *file) receiver(i int, n *yamlnode.Node) mapping {
	var m mapping
	name := f.receivers[i]
	m.set("name", name)
	had := 0
	for _, e := range f.entries(n, "receivers") {
		if e.key == "name" {
			continue
		}
		if e.key == "labels" {
			f.notef(e.at, "labels: the notifier has no labels of receivers")
			f.entries(e.value, "labels")
			continue
		}
		carry, ours := carriers[e.key]
		s, elsewhere := services[e.key]
		if !ours && !elsewhere {
			f.wrongf(e.at, "receiver %q: Alertmanager has no key %q", name, e.key)
			continue
		}
		var all list
		for _, one := range f.items(e.value, e.key) {
			had++
			entries, there := f.integration(e, one)
			if !there {
				continue
			}
			if elsewhere {
				f.checkElsewhere(e.key, entry{e.key, one, one}, entries)
				f.notef(one, "%s of receiver %q: the notifier does not tell %s", e.key, name, s.name)
				continue
			}
			what := fmt.Sprintf("%s of receiver %q", e.key, name)
			if made := f.accepted(one, what, carry, entries); made != nil {
				all = append(all, made)
			}
		}
		if len(all) > 0 {
			m.set(e.key, all)
		}
	}
	if len(m) > 1 {
		return m
	}
	if had > 0 {
		f.notef(n, "receiver %q: nothing of it is left, so what is routed to it goes to the log", name)
		m.set("log_configs", list{mapping{}})
		return m
	}
	m.set("log_configs", list{}) // it drops what is routed to it, as it does in Alertmanager
	return m
}

// integration are the keys of one entry of a list of integrations, if it is one.
func (f *file) integration(of entry, n *yamlnode.Node) (entries []entry, there bool) {
	if isNull(n) && of.key != "slack_configs" {
		f.wrongf(n, "%s: there is an empty one", of.key)
		return nil, false
	}
	entries = f.entries(n, of.key)
	f.bothWays(of.key, entries)
	return entries, true
}

// carrier makes the notifier's integration of Alertmanager's.
type carrier struct {
	// fold leaves what Alertmanager heeds, and finds what it would refuse.
	fold func(f *file, at *yamlnode.Node, m *mapping)
	// typed are the keys that there are.
	typed any
	// problems are what the notifier has against it, once it has what is global.
	problems func(f *file, text string) ([]problem.Problem, error)
	// vital are the keys without which there is no integration.
	vital []string
	// silent is whether Alertmanager tells nothing when it is over, unless it is told to.
	silent bool
}

var carriers = map[string]carrier{
	"slack_configs": {(*file).foldSlack, slack.Config{}, func(f *file, text string) ([]problem.Problem, error) {
		var c [1]slack.Config
		err := yaml.Unmarshal([]byte(text), &c[0])
		f.given.Give(config.Receiver{SlackConfigs: c[:]})
		return append(c[0].Validate(), f.tried(c[0].Texts(), f.set.Try)...), err
	}, []string{"api_url", "api_url_file", "app_token", "app_token_file", "channel"}, true},
	"pagerduty_configs": {(*file).foldPagerduty, pagerduty.Config{}, func(f *file, text string) ([]problem.Problem, error) {
		var c [1]pagerduty.Config
		err := yaml.Unmarshal([]byte(text), &c[0])
		f.given.Give(config.Receiver{PagerdutyConfigs: c[:]})
		return append(c[0].Validate(), f.tried(c[0].Texts(), f.set.Try)...), err
	}, []string{"routing_key", "routing_key_file", "service_key", "service_key_file", "url"}, false},
	"email_configs": {(*file).foldEmail, email.Config{}, func(f *file, text string) ([]problem.Problem, error) {
		var c [1]email.Config
		err := yaml.Unmarshal([]byte(text), &c[0])
		f.given.Give(config.Receiver{EmailConfigs: c[:]})
		found := append(c[0].Validate(), f.tried(c[0].Texts(), f.set.Try)...)
		return append(found, f.tried(map[string]string{"html": c[0].HTML}, f.set.TryHTML)...), err
	}, []string{"to", "from", "smarthost", "require_tls", "tls_config"}, true},
	"webhook_configs": {(*file).foldWebhook, forward.Config{}, func(f *file, text string) ([]problem.Problem, error) {
		var c [1]forward.Config
		err := yaml.Unmarshal([]byte(text), &c[0])
		f.given.Give(config.Receiver{WebhookConfigs: c[:]})
		return c[0].Validate(), err
	}, []string{"url", "url_file"}, false},
}

// tried are the templates that fail.
func (f *file) tried(texts map[string]string, try func(string) error) []problem.Problem {
	var problems []problem.Problem
	for _, p := range sorted(texts) {
		if err := try(texts[p.key]); err != nil {
			problems = append(problems, problem.Problem{Path: p.key, Msg: err.Error()})
		}
	}
	return problems
}

// accepted is an integration as the notifier takes it: without the keys that it refuses, or nil when it needs one of them.
func (f *file) accepted(at *yamlnode.Node, what string, c carrier, entries []entry) mapping {
	m := f.carried(entries, c.typed, what)
	before := len(f.wrongs)
	c.fold(f, at, &m)
	if len(f.wrongs) > before {
		return nil
	}
	if _, said := m.get("send_resolved"); c.silent && !said {
		f.notef(at, "send_resolved: Alertmanager does not tell here when it is over, the notifier does; send_resolved: false keeps it silent")
	}
	for range len(m) + 1 {
		problems, err := c.problems(f, written(m))
		if err != nil {
			// What the value was stays out of it: it may be a secret.
			f.notef(at, "%s is left out: a value in it is not what the notifier takes", what)
			return nil
		}
		if len(problems) == 0 {
			return m
		}
		for _, p := range problems {
			key := p.Path[:len(p.Path)-len(strings.TrimLeft(p.Path, "abcdefghijklmnopqrstuvwxyz0123456789_"))]
			if key == "" || key == "http_config" || slices.Contains(c.vital, key) {
				f.notef(at, "%s is left out: %s", what, strings.TrimPrefix(p.Path+": "+p.Msg, ": "))
				return nil
			}
			if _, there := m.get(key); there {
				f.notef(at, "%s is without its %s: %s", what, key, p.Msg)
				m.remove(key)
			}
		}
	}
	f.notef(at, "%s is left out: the notifier does not take it", what)
	return nil
}
