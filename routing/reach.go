package routing

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/prometheus/alertmanager/pkg/labels"
	promlabels "github.com/prometheus/prometheus/model/labels"

	"github.com/alertvitals/notifier/config/problem"
)

// Unreachable are the routes below the root r, and the keys of by_severity, that no alert can ever come to, whatever its labels: what is
// asked of it contradicts itself, or a sibling before it takes all of its alerts and does not continue. It finds only what it can prove,
// and says of a route that is unreachable nothing more of those below it.
func (r Route) Unreachable() []problem.Problem {
	return r.unreachable("", demands{}, nil)
}

// demands are what the labels of an alert must satisfy to come to some place in the tree, by the label's name.
type demands map[string]demanded

// demanded is what one label must satisfy, and the values that do when something lists them.
type demanded struct {
	of     []demand
	values []string
	finite bool
}

// demand is a matcher and the path of the route that has it.
type demand struct {
	asked

	at string
}

// asked is a matcher, and the values that fit it when it lists them: to read a regular expression takes longer than all else here.
type asked struct {
	*labels.Matcher

	values []string
	finite bool
}

func ask(matchers labels.Matchers) []asked {
	all := make([]asked, len(matchers))
	for i, m := range matchers {
		all[i].Matcher = m
		switch m.Type {
		case labels.MatchEqual, labels.MatchNotEqual:
			all[i].values, all[i].finite = []string{m.Value}, true
		default:
			all[i].values, all[i].finite = listed(m.Value)
		}
	}
	return all
}

// taker is a route that keeps every alert that fits it from those after it.
type taker struct {
	path     string
	matchers []asked
	way      string // the matchers as Alertmanager writes them
}

// unreachable is what no alert comes to below the node at path, to which some come. above is what the node demands, before are the routes
// that have taken their alerts by then.
func (r Route) unreachable(path string, above demands, before []taker) []problem.Problem {
	problems := r.unreachableSeverities(path, above, before)
	before = slices.Clip(before) // what follows is seen below here alone
	for i, child := range r.Routes {
		at := join(path, fmt.Sprintf("routes[%d]", i))
		matchers, err := child.allMatchers()
		if err != nil {
			continue // another problem
		}
		asks := ask(matchers)
		inside := above.and(at, asks)
		if why := cmp.Or(inside.contradiction(), inside.taken(before)); why != (reason{}) {
			problems = append(problems, why.problem(at))
			continue
		}
		problems = append(problems, child.unreachable(at, inside, before)...)
		if !child.Continue {
			before = append(before, taker{at, asks, matchers.String()})
		}
	}
	return problems
}

func (r Route) unreachableSeverities(path string, above demands, before []taker) []problem.Problem {
	var problems []problem.Problem
	for _, severity := range slices.Sorted(maps.Keys(r.BySeverity)) {
		is, err := labels.NewMatcher(labels.MatchEqual, "severity", severity)
		if err != nil {
			continue // there is no such error for an equality
		}
		key := join(path, "by_severity."+severity)
		with := above.and(key, ask(labels.Matchers{is}))
		why := cmp.Or(with.contradiction(), with.taken(before))
		if why == (reason{}) && !slices.ContainsFunc(r.Routes, inherits) {
			why = with.taken(r.takers(path)) // a child takes what fits it, whether or not it continues to its siblings
		}
		if why != (reason{}) {
			problems = append(problems, why.problem(key))
		}
	}
	return problems
}

// inherits is whether the by_severity of the route above counts here or further below.
func inherits(r Route) bool {
	return r.Receiver == "" && r.BySeverity == nil
}

// takers are the children.
func (r Route) takers(path string) []taker {
	var all []taker
	for i, child := range r.Routes {
		if matchers, err := child.allMatchers(); err == nil {
			all = append(all, taker{join(path, fmt.Sprintf("routes[%d]", i)), ask(matchers), matchers.String()})
		}
	}
	return all
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// shown is a path as the file has it.
func shown(path string) string { return join(rootPath, path) }

func (d demands) and(at string, matchers []asked) demands {
	all := maps.Clone(d)
	for _, m := range matchers {
		all[m.Name] = demanded{of: append(slices.Clone(all[m.Name].of), demand{m, at})}
	}
	for _, m := range matchers {
		one := all[m.Name]
		one.values, one.finite = valuesOf(one.of)
		all[m.Name] = one
	}
	return all
}

// reason is why no alert comes somewhere, and the path of the route that is in its way, if it is another one. There is none when some may.
type reason struct{ text, other string }

func (r reason) problem(path string) problem.Problem {
	return problem.Problem{Path: path, Msg: "no alert can come here: " + r.text, Other: r.other}
}

// contradiction is why no alert can satisfy the demands.
func (d demands) contradiction() reason {
	for _, name := range slices.Sorted(maps.Keys(d)) {
		of := d[name].of
		if !contradict(d[name]) {
			continue
		}
		for i, one := range of {
			for _, other := range of[:i] {
				switch {
				case !contradict(both(one, other)):
				case one.at == other.at:
					return reason{text: fmt.Sprintf("%s contradicts %s", one, other)}
				default:
					return reason{fmt.Sprintf("%s contradicts %s of %s", one, other, shown(other.at)), other.at}
				}
			}
		}
		return reason{text: fmt.Sprintf("together with those of the routes above it, its matchers leave no value for the label %s", name)}
	}
	return reason{}
}

func both(a, b demand) demanded {
	of := []demand{a, b}
	values, finite := valuesOf(of)
	return demanded{of, values, finite}
}

func contradict(label demanded) bool {
	if label.finite {
		return len(label.values) == 0
	}
	for i, one := range label.of {
		for _, other := range label.of[:i] {
			if one.Value == other.Value && opposite(one.Type, other.Type) {
				return true
			}
		}
	}
	return false
}

func opposite(a, b labels.MatchType) bool {
	return min(a, b) == labels.MatchRegexp && max(a, b) == labels.MatchNotRegexp ||
		min(a, b) == labels.MatchEqual && max(a, b) == labels.MatchNotEqual
}

// taken is which of the routes takes every alert that satisfies the demands, as far as it can be proved.
func (d demands) taken(by []taker) reason {
	for _, t := range by {
		switch {
		case slices.ContainsFunc(t.matchers, func(m asked) bool { return !d.imply(m) }):
		case len(t.matchers) == 0:
			return reason{shown(t.path) + ", which has no matchers, has taken every alert", t.path}
		default:
			return reason{fmt.Sprintf("%s has taken them all, with %s", shown(t.path), t.way), t.path}
		}
	}
	return reason{}
}

// imply is whether m fits every alert that satisfies the demands, as far as it can be proved.
func (d demands) imply(m asked) bool {
	label := d[m.Name]
	switch {
	case slices.ContainsFunc(label.of, func(o demand) bool { return o.Type == m.Type && o.Value == m.Value }):
		return true
	case label.finite:
		return !slices.ContainsFunc(label.values, func(v string) bool { return !m.Matches(v) })
	case m.Type == labels.MatchNotEqual, m.Type == labels.MatchNotRegexp:
		// It refuses some values, and is implied when each of them is refused already.
		return m.finite && !slices.ContainsFunc(m.values, func(v string) bool { return satisfies(v, label.of) })
	default:
		return false
	}
}

func satisfies(value string, of []demand) bool {
	return !slices.ContainsFunc(of, func(o demand) bool { return !o.Matches(value) })
}

// valuesOf are the values of a label that satisfy the demands, when something lists them.
func valuesOf(of []demand) (values []string, finite bool) {
	i := slices.IndexFunc(of, func(o demand) bool { return o.finite && (o.Type == labels.MatchEqual || o.Type == labels.MatchRegexp) })
	if i < 0 {
		return nil, false
	}
	for _, v := range of[i].values {
		if satisfies(v, of) {
			values = append(values, v)
		}
	}
	return values, true
}

// listed are the values that fit a regular expression like critical|page, which lists them.
func listed(pattern string) (values []string, finite bool) {
	m, err := promlabels.NewFastRegexMatcher(pattern)
	if err != nil {
		return nil, false
	}
	values = m.SetMatches()
	return values, len(values) > 0
}
