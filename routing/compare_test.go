package routing_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/alertvitals/notifier/routing"
	"github.com/alertvitals/notifier/routing/routingtest"
)

// How many trees are compared, and how many alerts go through each.
const (
	trees  = 250
	alerts = 15
)

// The same tree leads the same alert to the same receivers, in the same order, as in Alertmanager.
func TestTreesRouteAsAlertmanagers(t *testing.T) {
	cases := routingtest.Generate(1, trees, alerts)
	var questions []routingtest.Question
	for _, c := range cases {
		questions = append(questions, routingtest.Question{Config: routingtest.Alertmanager(c.Route), Labels: c.Labels})
	}

	answers := routingtest.Ask(t, questions)

	require.Len(t, answers, trees)
	several := 0
	for i, c := range cases {
		require.Empty(t, answers[i].Error, questions[i].Config)
		tree, err := routing.New(c.Route)
		require.NoError(t, err, questions[i].Config)
		for j, labels := range c.Labels {
			got := tree.Match(labels)
			require.Equal(t, answers[i].Receivers[j], got, "%v\n%s", labels, questions[i].Config)
			require.Equal(t, got, tree.Explain(labels).Receivers)
			if len(got) > 1 {
				several++
			}
		}
	}
	assert.Greater(t, several, trees/2, "the trees are too simple to prove anything")
}

// by_severity is short for a route for each receiver that it names.
func TestBySeverityIsShortForRoutes(t *testing.T) {
	cases := routingtest.Generate(2, trees, alerts)
	shorts := make([]routing.Route, len(cases))
	var questions []routingtest.Question
	for i, c := range cases {
		var long routing.Route
		shorts[i], long = routingtest.Severities(c.Route, uint64(i))
		questions = append(questions, routingtest.Question{Config: routingtest.Alertmanager(long), Labels: c.Labels})
	}

	for i, answer := range routingtest.Ask(t, questions) {
		require.Empty(t, answer.Error, questions[i].Config)
		tree, err := routing.New(shorts[i])
		require.NoError(t, err)
		for j, labels := range cases[i].Labels {
			got := tree.Match(labels)
			require.Equal(t, answer.Receivers[j], got, "%v\n%s", labels, questions[i].Config)
			require.Equal(t, got, tree.Explain(labels).Receivers)
		}
	}
}

// What is said to be unreachable is never reached.
func TestUnreachableRoutesAreNotReached(t *testing.T) {
	found := 0
	for i, c := range routingtest.Generate(3, trees, alerts) {
		short, _ := routingtest.Severities(c.Route, uint64(i))
		for _, route := range []routing.Route{c.Route, short} {
			tree, err := routing.New(route)
			require.NoError(t, err)
			never := map[string]bool{}
			for _, p := range route.Unreachable() {
				never["route."+p.Path] = true
				found++
			}
			for _, labels := range c.Labels {
				for _, try := range tree.Explain(labels).Tried {
					reached := try.Outcome == routing.Took || try.Outcome == routing.PassedOn
					require.False(t, reached && never[try.Route], "%s is reached by %v", try.Route, labels)
					if try.BySeverity != nil {
						key := try.Route + ".by_severity." + *try.BySeverity
						require.False(t, never[key] && route.BySeverity != nil, "%s is reached by %v\n%+v", key, labels, route)
					}
				}
			}
		}
	}
	assert.Greater(t, found, trees/4, "too few are unreachable to prove anything")
}
