package routingtest

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"

	"github.com/alertvitals/notifier/routing"
)

// Case is a tree and alerts.
type Case struct {
	Route routing.Route
	// Labels are those of the alerts.
	Labels []map[string]string
}

var (
	// Receivers are the names that the routes of a case may have.
	Receivers = []string{"r0", "r1", "r2", "r3", "r4", "null", "a b"}

	names    = []string{"severity", "team", "env", "a"}
	values   = []string{"critical", "warning", "x", "y", "xy", "ü \"q\"", "", "two\nlines"}
	patterns = []string{"critical|warning", "x|y", "x.*", ".*", ".+", "^(x|xy)$", "[xy]", "(?i)CRITICAL", "", "x?", "c.*l|y", "ü.*"}
	odd      = []string{"ünï", "a b", "0x"} // names that the UTF-8 syntax alone can write
)

// Generate makes n cases with label sets each.
func Generate(seed uint64, n, labelSets int) []Case {
	r := rand.New(rand.NewPCG(seed, 0))
	cases := make([]Case, n)
	for i := range cases {
		cases[i].Route = routing.Route{Receiver: pick(r, Receivers), Routes: children(r, 3)}
		for range labelSets {
			cases[i].Labels = append(cases[i].Labels, labelSet(r))
		}
	}
	return cases
}

// Severities gives a tree by_severity at some routes where that is short for routes that Alertmanager has, too: in the place of each such
// route's receiver, and with no children that continue. The second tree has those routes.
func Severities(route routing.Route, seed uint64) (short, long routing.Route) {
	r := rand.New(rand.NewPCG(seed, 1))
	short = withSeverities(route, r)
	return short, spelt(short, nil)
}

func withSeverities(route routing.Route, r *rand.Rand) routing.Route {
	route.Routes = slices.Clone(route.Routes)
	if r.IntN(2) == 0 || route.Receiver == "" {
		route.BySeverity = map[string][]string{"critical": {pick(r, Receivers), pick(r, Receivers)}, "warning": {pick(r, Receivers)}}
	}
	for i := range route.Routes {
		route.Routes[i].Continue = false
		route.Routes[i] = withSeverities(route.Routes[i], r)
	}
	return route
}

// spelt has routes in the place of by_severity, after the route's own.
func spelt(route routing.Route, inherited map[string][]string) routing.Route {
	named := route.BySeverity
	if named == nil && route.Receiver == "" {
		named = inherited
	}
	route.BySeverity = nil
	children := route.Routes
	route.Routes = nil
	for _, child := range children {
		route.Routes = append(route.Routes, spelt(child, named))
	}
	for _, severity := range []string{"critical", "warning"} {
		for i, receiver := range named[severity] {
			route.Routes = append(route.Routes, routing.Route{
				Match: map[string]string{"severity": severity}, Receiver: receiver, Continue: i < len(named[severity])-1,
			})
		}
	}
	return route
}

// Alertmanager is an alertmanager.yml with the route.
func Alertmanager(route routing.Route) string {
	var receivers []any
	for _, name := range Receivers {
		receivers = append(receivers, map[string]any{"name": name})
	}
	text, err := json.Marshal(map[string]any{"route": plain(route), "receivers": receivers}) // which is YAML, too
	if err != nil {
		panic(err) // these are strings
	}
	return string(text)
}

func plain(r routing.Route) map[string]any {
	keys := map[string]any{"continue": r.Continue}
	if r.Receiver != "" {
		keys["receiver"] = r.Receiver
	}
	if r.Match != nil {
		keys["match"] = r.Match
	}
	if r.MatchRE != nil {
		keys["match_re"] = r.MatchRE
	}
	if r.Matchers != nil {
		keys["matchers"] = r.Matchers
	}
	var routes []any
	for _, child := range r.Routes {
		routes = append(routes, plain(child))
	}
	if routes != nil {
		keys["routes"] = routes
	}
	return keys
}

func children(r *rand.Rand, deep int) []routing.Route {
	if deep == 0 {
		return nil
	}
	var all []routing.Route
	for range r.IntN(5) {
		route := routing.Route{Continue: r.IntN(3) == 0, Routes: children(r, deep-1-r.IntN(2)*(deep-1))}
		if r.IntN(3) > 0 {
			route.Receiver = pick(r, Receivers)
		}
		if r.IntN(4) == 0 {
			route.Match = map[string]string{pick(r, names): pick(r, values)}
		}
		if r.IntN(4) == 0 {
			route.MatchRE = map[string]string{pick(r, names): pick(r, patterns)}
		}
		for range r.IntN(3) {
			route.Matchers = append(route.Matchers, matcher(r))
		}
		all = append(all, route)
	}
	return all
}

// matcher is an item of matchers, in any syntax.
func matcher(r *rand.Rand) string {
	one := func() string {
		name := pick(r, names)
		if r.IntN(8) == 0 {
			name = strconv.Quote(pick(r, odd))
		}
		operator, value := pick(r, []string{"=", "!="}), pick(r, values)
		if r.IntN(2) == 0 {
			operator, value = pick(r, []string{"=~", "!~"}), pick(r, patterns)
		}
		if bare := name[0] != '"' && r.IntN(3) == 0 && value != "" && !slices.Contains([]byte(value), '"') && value != "two\nlines"; bare {
			return name + pick(r, []string{"", " "}) + operator + value // the classic syntax alone has most of these
		}
		return name + operator + strconv.Quote(value)
	}
	switch r.IntN(6) {
	case 0:
		return fmt.Sprintf(`{%s="%s"}`, pick(r, names), pick(r, []string{"x", "critical"}))
	case 1:
		return pick(r, names) + `="x", ` + pick(r, names) + `!~"y|z",`
	default:
		return one()
	}
}

func labelSet(r *rand.Rand) map[string]string {
	set := map[string]string{}
	for _, name := range append(slices.Clone(names), odd...) {
		if value := pick(r, values); value != "" && r.IntN(3) > 0 {
			set[name] = value
		}
	}
	return set
}

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }
