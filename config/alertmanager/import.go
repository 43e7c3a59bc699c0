package alertmanager

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	goccy "github.com/goccy/go-yaml"
	"go.yaml.in/yaml/v3"

	"github.com/alertvitals/notifier/config"
	"github.com/alertvitals/notifier/notifiers/slack"
	"github.com/alertvitals/notifier/templates"
)

// file is an alertmanager.yml on its way.
type file struct {
	*reader

	top, globals []entry
	given        config.Global // what the integrations get of it
	set          *templates.Set
	receivers    []string
}

// Import is the notifier.yml that routes as the alertmanager.yml in source does; name is its path. Where package config refuses the result,
// because of what cannot be known here, both the text and the error are there. Without a text the error is about source.
func Import(name string, source []byte) (text []byte, err error) {
	f := &file{reader: &reader{name: name, lines: strings.Split(string(source), "\n")}}
	root := f.parse(source)
	out := f.all(root)
	if len(f.wrongs) > 0 {
		slices.SortStableFunc(f.wrongs, func(a, b config.Finding) int {
			return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
		})
		return nil, &config.Error{Findings: slices.Compact(f.wrongs)}
	}
	text = []byte(f.header() + written(out))
	_, err = config.Load(filepath.Join(filepath.Dir(name), "notifier.yml"), text)
	return text, err
}

// header says what the file is, and what did not come along.
func (f *file) header() string {
	var text strings.Builder
	fmt.Fprintf(&text, "# Made by notifier import of %s: it leads every alert to the same receivers.\n", comment(filepath.Base(f.name)))
	if len(f.notes) == 0 {
		return text.String()
	}
	text.WriteString("#\n# What did not come along, or is different here:\n")
	slices.SortStableFunc(f.notes, func(a, b note) int { return cmp.Compare(slices.Min(a.lines), slices.Min(b.lines)) })
	for _, n := range f.notes {
		slices.Sort(n.lines)
		var lines []string
		for _, line := range n.lines {
			lines = append(lines, strconv.Itoa(line))
		}
		fmt.Fprintf(&text, "# %s:%s: %s\n", comment(filepath.Base(f.name)), strings.Join(lines, ","), comment(n.text))
	}
	return text.String()
}

// comment is text on one line.
func comment(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == 0x85 || r == 0x2028 || r == 0x2029 || r == 0xfeff {
			return ' '
		}
		return r
	}, text)
}

// all is the notifier.yml; f.wrongs says whether it can be used.
func (f *file) all(root *yaml.Node) mapping {
	if len(f.wrongs) > 0 {
		return nil
	}
	if isNull(root) {
		f.find(1, 1, false, "the file has no route")
		return nil
	}
	f.top = f.entries(root, "the file")
	var out mapping
	var route, receivers entry
	for _, e := range f.top {
		switch e.key {
		case "global":
			f.globals = f.entries(e.value, "global")
		case "route":
			route = e
		case "receivers":
			receivers = e
		case "templates", "time_intervals", "mute_time_intervals":
		case "inhibit_rules":
			f.inhibitions(e)
		case "tracing", "event_recorder":
			f.notef(e.at, "%s: it is about Alertmanager itself; keep it there", e.key)
		default:
			f.wrongf(e.at, "Alertmanager has no key %q", e.key)
		}
	}
	if global := f.carryGlobal(); len(global) > 0 {
		out.set("global", global)
	}
	globs := f.templates()
	f.names(receivers.value)
	intervals, names := f.intervals()
	if isNull(route.value) {
		f.find(1, 1, false, "the file has no route")
	} else {
		out.set("route", f.route(route.value, names))
	}
	var all list
	for i, n := range f.items(receivers.value, "receivers") {
		all = append(all, f.receiver(i, n))
	}
	if receivers.value == nil || len(all) == 0 {
		f.find(1, 1, false, "the file has no receivers")
	}
	out.set("receivers", all)
	if len(globs) > 0 {
		out.set("templates", globs)
	}
	if len(intervals) > 0 {
		out.set("time_intervals", intervals)
	}
	return out
}

// unused are the keys of global that are for services which the notifier does not tell.
var unused = []string{
	"jira_api_url", "opsgenie_api_url", "opsgenie_api_key", "opsgenie_api_key_file", "wechat_api_url", "wechat_api_secret",
	"wechat_api_secret_file", "wechat_api_corp_id", "victorops_api_url", "victorops_api_key", "victorops_api_key_file", "telegram_api_url",
	"telegram_bot_token", "telegram_bot_token_file", "webex_api_url", "rocketchat_api_url", "rocketchat_token", "rocketchat_token_file",
	"rocketchat_token_id", "rocketchat_token_id_file", "mattermost_webhook_url", "mattermost_webhook_url_file",
}

// carryGlobal is what the notifier takes of global.
func (f *file) carryGlobal() mapping {
	var ours []entry
	for _, e := range f.globals {
		switch {
		case e.key == "resolve_timeout":
			f.notef(e.at, "global.resolve_timeout: Alertmanager says when an alert is over; keep it there")
		case slices.Contains(unused, e.key):
			f.notef(e.at, "global.%s: it is for a service that the notifier does not tell", e.key)
		default:
			ours = append(ours, e)
		}
	}
	f.bothWays("global", f.globals)
	token, address := f.global("slack_app_token")+f.global("slack_app_token_file"), f.global("slack_api_url")+f.global("slack_api_url_file")
	if token != "" && address != "" && address != cmp.Or(f.global("slack_app_url"), slack.PostMessage) {
		e, _ := find(f.globals, "slack_api_url")
		if e.at == nil {
			e, _ = find(f.globals, "slack_api_url_file")
		}
		f.wrongf(e.at, "global: slack_app_token and slack_api_url are both set, want one of them")
	}
	m := f.carried(ours, config.Global{}, "global")
	for _, e := range ours {
		withoutEmpty(&m, e.key)
		if value, ok := m.get(e.key); ok && e.key == "slack_app_url" {
			f.checkAppURL(e.at, "global.slack_app_url", value)
		}
	}
	return f.acceptedGlobal(m, ours)
}

// acceptedGlobal is m without what the notifier refuses of it.
func (f *file) acceptedGlobal(m mapping, entries []entry) mapping {
	for _, e := range entries {
		value, ok := m.get(e.key)
		if !ok {
			continue
		}
		var one config.Global
		if err := goccy.Unmarshal([]byte(written(mapping{{e.key, value}})), &one); err != nil {
			// What the value was stays out of it: it may be a secret.
			f.notef(e.at, "global.%s is left out: it is not what the notifier takes", e.key)
			m.remove(e.key)
			continue
		}
		for _, p := range one.Validate() {
			f.notef(e.at, "global.%s is left out: %s", e.key, p.Msg)
			m.remove(e.key)
		}
	}
	if err := goccy.Unmarshal([]byte(written(m)), &f.given); err != nil {
		f.find(1, 1, false, "global cannot be read")
	}
	return m
}

// global is the text of a key of global, "" when there is none.
func (f *file) global(key string) string {
	e, ok := find(f.globals, key)
	if !ok || isNull(e.value) || e.value.Kind != yaml.ScalarNode {
		return ""
	}
	return e.value.Value
}

func find(entries []entry, key string) (entry, bool) {
	i := slices.IndexFunc(entries, func(e entry) bool { return e.key == key })
	if i < 0 {
		return entry{}, false
	}
	return entries[i], true
}

// templates are the globs that lead to files.
func (f *file) templates() []string {
	e, _ := find(f.top, "templates")
	var globs, paths []string
	for _, n := range f.items(e.value, "templates") {
		glob := f.text(n, "templates")
		path := glob
		if !filepath.IsAbs(glob) {
			path = filepath.Join(filepath.Dir(f.name), glob)
		}
		switch found, err := filepath.Glob(path); {
		case err != nil:
			f.wrongf(n, "templates: %q is not a pattern of files", glob)
		case len(found) == 0:
			f.notef(n, "templates: no file here is called %s; put it back when there is one", glob)
		default:
			if _, err := templates.Load([]string{path}); err != nil {
				f.notef(n, "templates: %s is left out: %v", glob, err)
				continue
			}
			globs, paths = append(globs, glob), append(paths, path)
		}
	}
	var err error
	if f.set, err = templates.Load(paths); err != nil {
		f.find(1, 1, false, fmt.Sprintf("templates: %v", err))
	}
	return globs
}

// inhibitions stay with Alertmanager.
func (f *file) inhibitions(e entry) {
	f.notef(e.at, "inhibit_rules: Alertmanager inhibits; keep them there")
	for _, rule := range f.items(e.value, "inhibit_rules") {
		for _, key := range f.entries(rule, "inhibit_rules") {
			if key.key == "source_match_re" || key.key == "target_match_re" {
				for _, m := range f.entries(key.value, key.key) {
					if isNull(m.value) {
						f.wrongRoutef(m.at, "inhibit_rules: %s.%s has no regular expression", key.key, m.key)
					}
				}
			}
		}
	}
}
