package alertmanager

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v3"

	"github.com/alertvitals/notifier/routing"
)

// branch is a route of the file: as it is written, and as it routes.
type branch struct {
	at       *yaml.Node
	route    routing.Route
	rest     mapping // the keys of intervals
	branches []branch
}

// kept are the keys of a route that say how Alertmanager groups.
var kept = map[string]string{
	"group_by": "Alertmanager groups; keep it there", "group_wait": "Alertmanager waits; keep it there",
	"group_interval": "Alertmanager waits; keep it there", "repeat_interval": "Alertmanager repeats; keep it there",
	"labels": "the notifier has no labels of routes",
}

// route is the tree without what no alert can come to, which the notifier does not take. intervals are the names that there are.
func (f *file) route(n *yaml.Node, intervals []string) mapping {
	places := map[string]*yaml.Node{}
	root := f.branch(n, "", places, intervals)
	if len(root.rest) > 0 {
		f.wrongRoutef(n, "the root route must have no time intervals")
	}
	dead := map[string]bool{}
	for _, p := range root.route.Unreachable() {
		dead[p.Path] = true
		f.notef(places[p.Path], "route.%s is left out: %s", p.Path, p.Msg)
	}
	for _, p := range root.route.Validate(f.receivers) {
		if dead[p.Path] {
			continue
		}
		at := n
		for path := p.Path; ; path = path[:max(0, strings.LastIndexAny(path, ".["))] {
			if place := places[path]; place != nil {
				at = place
				break
			}
			if path == "" {
				break
			}
		}
		f.wrongRoutef(at, "%s: %s", strings.TrimSuffix("route."+p.Path, "."), p.Msg)
	}
	return root.write("", dead)
}

func (f *file) branch(n *yaml.Node, path string, places map[string]*yaml.Node, intervals []string) branch {
	b := branch{at: n}
	what := strings.TrimSuffix("route."+path, ".")
	place := func(key string, at *yaml.Node) {
		places[strings.TrimPrefix(path+"."+key, ".")] = at
	}
	places[path] = n
	if isNull(n) {
		f.wrongRoutef(n, "%s: want a mapping (key: value) here", what)
		return b
	}
	for _, e := range f.entries(n, what) {
		place(e.key, e.at)
		switch e.key {
		case "receiver":
			b.route.Receiver = f.text(e.value, what+".receiver")
			place(e.key, e.value)
		case "continue":
			b.route.Continue = f.truth(e.value, what+".continue")
		case "match", "match_re", "matchers":
			f.matchers(&b, e, what, place)
		case "mute_time_intervals", "active_time_intervals":
			names := f.texts(e.value, what+"."+e.key)
			for _, name := range names {
				if !slices.Contains(intervals, name) {
					f.wrongRoutef(e.value, "%s.%s: there is no time interval %q", what, e.key, name)
				}
			}
			if len(names) > 0 {
				b.rest.set(e.key, names)
			}
		case "routes":
			for i, child := range f.items(e.value, what+".routes") {
				inner := f.branch(child, strings.TrimPrefix(fmt.Sprintf("%s.routes[%d]", path, i), "."), places, intervals)
				b.branches = append(b.branches, inner)
				b.route.Routes = append(b.route.Routes, inner.route)
			}
		default:
			f.keptKey(e, what)
		}
	}
	return b
}

// matchers are those of one form. place remembers where each stands.
func (f *file) matchers(b *branch, e entry, what string, place func(key string, at *yaml.Node)) {
	switch e.key {
	case "match":
		b.route.Match = map[string]string{}
		for _, m := range f.entries(e.value, what+".match") {
			b.route.Match[m.key] = f.text(m.value, what+".match."+m.key)
			place("match."+m.key, m.at)
		}
	case "match_re":
		b.route.MatchRE = map[string]string{}
		for _, m := range f.entries(e.value, what+".match_re") {
			f.matchRE(b, m, what)
			place("match_re."+m.key, m.at)
		}
	default:
		for _, m := range f.items(e.value, what+".matchers") {
			if text := f.text(m, what+".matchers"); strings.Trim(text, "{} ,") != "" { // Alertmanager takes empty ones, which ask nothing
				place(fmt.Sprintf("matchers[%d]", len(b.route.Matchers)), m)
				b.route.Matchers = append(b.route.Matchers, text)
			}
		}
	}
}

// matchRE is an entry of match_re. An empty expression fits the absent label alone, which the notifier wants said.
func (f *file) matchRE(b *branch, m entry, what string) {
	switch pattern := f.text(m.value, what+".match_re."+m.key); {
	case isNull(m.value):
		f.wrongRoutef(m.at, "%s.match_re.%s has no regular expression", what, m.key)
	case pattern == "":
		b.route.Matchers = append(b.route.Matchers, m.key+`=""`)
	default:
		b.route.MatchRE[m.key] = pattern
	}
}

// keptKey is a key that the notifier does not have.
func (f *file) keptKey(e entry, what string) {
	why, known := kept[e.key]
	if !known {
		f.wrongRoutef(e.at, "%s: Alertmanager has no key %q", what, e.key)
		return
	}
	f.notef(e.at, "%s: %s", e.key, why)
	switch e.key {
	case "labels":
		f.entries(e.value, what+".labels")
	case "group_by":
		by := f.texts(e.value, what+".group_by")
		for i, label := range by {
			if slices.Contains(by[:i], label) {
				f.wrongRoutef(e.at, "%s.group_by: %q is there twice", what, label)
			}
		}
		if len(by) > 1 && slices.Contains(by, "...") {
			f.wrongRoutef(e.at, "%s.group_by: ... stands for all labels, so there can be no other", what)
		}
	default:
		d, err := model.ParseDuration(f.text(e.value, what+"."+e.key))
		switch {
		case isNull(e.value):
		case err != nil:
			f.wrongRoutef(e.value, "%s.%s: want a duration, such as 5m", what, e.key)
		case time.Duration(d) == 0 && e.key != "group_wait":
			f.wrongRoutef(e.value, "%s.%s must not be 0", what, e.key)
		}
	}
}

// write is the route without those below it that are dead.
func (b branch) write(path string, dead map[string]bool) mapping {
	var m mapping
	if len(b.route.Match) > 0 {
		m.set("match", sorted(b.route.Match))
	}
	if len(b.route.MatchRE) > 0 {
		m.set("match_re", sorted(b.route.MatchRE))
	}
	if len(b.route.Matchers) > 0 {
		m.set("matchers", b.route.Matchers)
	}
	if b.route.Receiver != "" {
		m.set("receiver", b.route.Receiver)
	}
	if b.route.Continue {
		m.set("continue", plain("true"))
	}
	m = append(m, b.rest...)
	var routes list
	for i, child := range b.branches {
		at := strings.TrimPrefix(fmt.Sprintf("%s.routes[%d]", path, i), ".")
		if !dead[at] {
			routes = append(routes, child.write(at, dead))
		}
	}
	if len(routes) > 0 {
		m.set("routes", routes)
	}
	return m
}

func sorted(of map[string]string) mapping {
	var m mapping
	for key, value := range of {
		m = append(m, pair{key, value})
	}
	slices.SortFunc(m, func(a, b pair) int { return strings.Compare(a.key, b.key) })
	return m
}

// intervals are all named time intervals, and their names.
func (f *file) intervals() (all list, names []string) {
	for _, key := range []string{"mute_time_intervals", "time_intervals"} {
		e, _ := find(f.top, key)
		for _, n := range f.items(e.value, key) {
			var one mapping
			name := ""
			for _, part := range f.entries(n, key) {
				switch part.key {
				case "name":
					name = f.text(part.value, key+".name")
					one.set("name", name)
				case "time_intervals":
					one.set(part.key, f.copied(part.value, true))
				default:
					f.wrongRoutef(part.at, "%s: Alertmanager has no key %q", key, part.key)
				}
			}
			switch {
			case name == "":
				f.wrongRoutef(n, "%s: a time interval needs a name", key)
			case slices.Contains(names, name):
				f.wrongRoutef(n, "%s: there is another time interval %q", key, name)
			}
			names, all = append(names, name), append(all, one)
		}
	}
	return all, names
}

// copied is a value as it is. With asText every scalar becomes text; else numbers and truths stay what they are.
func (f *file) copied(n *yaml.Node, asText bool) any {
	n = resolve(n)
	switch {
	case isNull(n):
		return plain("null")
	case n.Kind == yaml.MappingNode:
		m := mapping{}
		for _, e := range f.entries(n, "this") {
			m = append(m, pair{e.key, f.copied(e.value, asText)})
		}
		return m
	case n.Kind == yaml.SequenceNode:
		l := list{}
		for _, one := range n.Content {
			l = append(l, f.copied(one, asText))
		}
		return l
	case !asText && slices.Contains([]string{"!!int", "!!float", "!!bool"}, n.ShortTag()):
		return plain(n.Value)
	default:
		return n.Value
	}
}
