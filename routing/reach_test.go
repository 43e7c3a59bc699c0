package routing

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/alertvitals/notifier/config/problem"
)

func TestUnreachable(t *testing.T) {
	data, critical := Route{Match: map[string]string{"team": "data"}}, Route{Match: map[string]string{"severity": "critical"}}
	with := func(r Route, routes ...Route) Route { r.Routes = routes; return r }
	matching := func(matchers ...string) Route { return Route{Matchers: matchers} }
	goOn := func(r Route) Route { r.Continue = true; return r }

	for name, tc := range map[string]struct {
		root Route
		want []problem.Problem
	}{
		"the same sibling before": {
			with(Route{}, data, data),
			[]problem.Problem{{Path: "routes[1]", Msg: `no alert can come here: route.routes[0] has taken them all, with {team="data"}`, Other: "routes[0]"}},
		},
		"unless it continues": {with(Route{}, goOn(data), data), nil},
		"a wider sibling before": {
			with(Route{}, data, critical, matching(`team="data"`, `severity="critical"`)),
			[]problem.Problem{{Path: "routes[2]", Msg: `no alert can come here: route.routes[0] has taken them all, with {team="data"}`, Other: "routes[0]"}},
		},
		"a narrower sibling before": {with(Route{}, matching(`team="data"`, `severity="critical"`), data), nil},
		"a list before its values": {
			with(Route{}, matching(`severity=~"critical|page"`), critical),
			[]problem.Problem{{Path: "routes[1]", Msg: `no alert can come here: route.routes[0] has taken them all, with {severity=~"critical|page"}`, Other: "routes[0]"}},
		},
		"a shorter list before": {with(Route{}, critical, matching(`severity=~"critical|page"`)), nil},
		"a pattern before a value that fits it": {
			with(Route{}, matching(`env=~"prod.*"`), matching(`env="prod-1"`)),
			[]problem.Problem{{Path: "routes[1]", Msg: `no alert can come here: route.routes[0] has taken them all, with {env=~"prod.*"}`, Other: "routes[0]"}},
		},
		"a negative one before": {
			with(Route{}, matching(`env!="dev"`), matching(`env=~"prod|test"`), matching(`env!~"dev|test"`), matching(`env!~"prod"`)),
			[]problem.Problem{
				{Path: "routes[1]", Msg: `no alert can come here: route.routes[0] has taken them all, with {env!="dev"}`, Other: "routes[0]"},
				{Path: "routes[2]", Msg: `no alert can come here: route.routes[0] has taken them all, with {env!="dev"}`, Other: "routes[0]"},
			},
		},
		"one without matchers before": {
			with(Route{}, Route{Receiver: "a"}, with(data, critical)),
			[]problem.Problem{{Path: "routes[1]", Msg: `no alert can come here: route.routes[0], which has no matchers, has taken every alert`, Other: "routes[0]"}},
		},
		"all that is dot star, for newlines are not in it": {with(Route{}, matching(`team=~".*"`), data, matching(`team=~"a"`)), []problem.Problem{
			{Path: "routes[1]", Msg: `no alert can come here: route.routes[0] has taken them all, with {team=~".*"}`, Other: "routes[0]"},
			{Path: "routes[2]", Msg: `no alert can come here: route.routes[0] has taken them all, with {team=~".*"}`, Other: "routes[0]"},
		}},
		"a label that nothing is known of": {with(Route{}, matching(`team=~".*"`), critical), nil},
		"a sibling of the parent before": {
			with(Route{}, critical, with(data, critical, matching(`severity="page"`))),
			[]problem.Problem{{Path: "routes[1].routes[0]", Msg: `no alert can come here: route.routes[0] has taken them all, with {severity="critical"}`, Other: "routes[0]"}},
		},
		"against the parent": {
			with(Route{}, with(data, matching(`team="web"`), matching(`team!="data"`), matching(`team=~"w.*"`), matching(`team!~"d.*"`), matching(`team=~"d.*"`))),
			[]problem.Problem{
				{Path: "routes[0].routes[0]", Msg: `no alert can come here: team="web" contradicts team="data" of route.routes[0]`, Other: "routes[0]"},
				{Path: "routes[0].routes[1]", Msg: `no alert can come here: team!="data" contradicts team="data" of route.routes[0]`, Other: "routes[0]"},
				{Path: "routes[0].routes[2]", Msg: `no alert can come here: team=~"w.*" contradicts team="data" of route.routes[0]`, Other: "routes[0]"},
				{Path: "routes[0].routes[3]", Msg: `no alert can come here: team!~"d.*" contradicts team="data" of route.routes[0]`, Other: "routes[0]"},
			},
		},
		"against itself": {
			with(Route{}, with(matching(`a="b"`, `a="c"`), data), matching(`a=~"x.*"`, `a!~"x.*"`), matching(`a=~"x|y"`, `a!="x"`, `a!="y"`)),
			[]problem.Problem{
				{Path: "routes[0]", Msg: `no alert can come here: a="c" contradicts a="b"`},
				{Path: "routes[1]", Msg: `no alert can come here: a!~"x.*" contradicts a=~"x.*"`},
				{Path: "routes[2]", Msg: `no alert can come here: together with those of the routes above it, its matchers leave no value for the label a`},
			},
		},
		"a severity that the route excludes": {
			with(Route{}, Route{Matchers: []string{`severity=~"critical|page"`}, BySeverity: map[string][]string{"critical": {"a"}, "warning": {"b"}}}),
			[]problem.Problem{{
				Path: "routes[0].by_severity.warning",
				Msg:  `no alert can come here: severity="warning" contradicts severity=~"critical|page" of route.routes[0]`, Other: "routes[0]",
			}},
		},
		"a severity that a child takes": {
			Route{BySeverity: map[string][]string{"critical": {"a"}, "info": {"b"}}, Routes: []Route{{Receiver: "c", Match: critical.Match, Continue: true}}},
			[]problem.Problem{{Path: "by_severity.critical", Msg: `no alert can come here: route.routes[0] has taken them all, with {severity="critical"}`, Other: "routes[0]"}},
		},
		"a severity that a child takes by the same key": {
			Route{BySeverity: map[string][]string{"critical": {"a"}}, Routes: []Route{critical}}, nil,
		},
		"wrong matchers prove nothing": {with(Route{}, matching(`=x`), data, matching(`team="data"`, `y=~"("`)), nil},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, tc.want, tc.root.Unreachable()) })
	}
}

// A regular expression is read once, however many routes stand before it: a tree of thousands is checked at once.
func TestUnreachableReadsEachExpressionOnce(t *testing.T) {
	allocations := func(siblings int) float64 {
		var root Route
		for i := range siblings {
			root.Routes = append(root.Routes, Route{Matchers: []string{fmt.Sprintf(`team=~"a%d|b%d"`, i, i), fmt.Sprintf(`env!~"c%d|d%d"`, i, i)}})
		}
		return testing.AllocsPerRun(1, func() { assert.Empty(t, root.Unreachable()) })
	}
	assert.Less(t, allocations(400), 6*allocations(100))
}
