package routing

import (
	"encoding/json"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestExplain(t *testing.T) {
	lines := map[string]int{"route": 1, "route.routes[0]": 7, "route.routes[0].routes[1]": 12}
	compiled, err := NewLocated(tree, func(path string) int { return lines[path] })
	require.NoError(t, err)

	got := compiled.Explain(map[string]string{"team": "data", "region": "us"})

	assert.Equal(t, []string{"data-slack"}, got.Receivers)
	assert.Equal(t, []Through{{
		Receiver: "data-slack", Route: "route.routes[0].routes[1]", Line: 12, Way: `{}/{team="data"}/{region!="eu"}`,
	}}, got.Through)
	want := []Try{
		{Route: "route", Line: 1, Way: "{}", Own: "{}", Outcome: PassedOn, Matchers: []Check{}},
		{
			Route: "route.routes[0]", Line: 7, Way: `{}/{team="data"}`, Own: `{team="data"}`, Depth: 1, Outcome: PassedOn,
			Matchers: []Check{{Matcher: `team="data"`, Label: "team", Value: "data", Fits: true}},
		},
		{
			Route: "route.routes[0].routes[0]", Way: `{}/{team="data"}/{severity=~"critical|page"}`, Own: `{severity=~"critical|page"}`, Depth: 2, Outcome: Refused,
			Matchers: []Check{{Matcher: `severity=~"critical|page"`, Label: "severity"}}, Continue: true,
		},
		{
			Route: "route.routes[0].routes[1]", Line: 12, Way: `{}/{team="data"}/{region!="eu"}`, Own: `{region!="eu"}`, Depth: 2, Outcome: Took,
			Matchers: []Check{{Matcher: `region!="eu"`, Label: "region", Value: "us", Fits: true}}, Receivers: []string{"data-slack"},
		},
	}
	for i, way := range []string{`{audit="yes"}`, `{alertname="Watchdog"}`, `{env=~"prod.*",team="ml"}`, `{audit="yes",severity="critical"}`} {
		want = append(want, Try{
			Route: childPath("route", i+1), Way: "{}/" + way, Own: way, Depth: 1, Outcome: NotTried, Matchers: []Check{}, After: "route.routes[0]",
		})
	}
	assert.Equal(t, want, got.Tried)
}

func TestExplainSaysWhatBySeverityDecided(t *testing.T) {
	compiled, err := New(Route{Receiver: "log", BySeverity: map[string][]string{"critical": {"oncall", "slack"}, "": {"none"}}})
	require.NoError(t, err)
	critical, none := "critical", ""

	for severity, want := range map[string]struct {
		through  []Through
		unlisted bool
	}{
		"critical": {[]Through{
			{Receiver: "oncall", Route: "route", Way: "{}", BySeverity: &critical}, {Receiver: "slack", Route: "route", Way: "{}", BySeverity: &critical},
		}, false},
		"info": {[]Through{{Receiver: "log", Route: "route", Way: "{}"}}, true},
		"":     {[]Through{{Receiver: "none", Route: "route", Way: "{}", BySeverity: &none}}, false},
	} {
		got := compiled.Explain(map[string]string{"severity": severity})
		assert.Equal(t, want.through, got.Through, severity)
		assert.Equal(t, want.unlisted, got.Tried[0].Unlisted, severity)
	}
}

func TestP10AnExplanationShowsOtherValues(t *testing.T) {
	compiled, err := New(Route{Receiver: "log", Routes: []Route{{Matchers: []string{`user_email=~".*@example.com"`}, Receiver: "x"}}})
	require.NoError(t, err)

	e := compiled.Explain(map[string]string{"user_email": "planted@example.com", "team": "data"})
	text, err := json.Marshal(e.Show(map[string]string{"user_email": "[redacted]", "team": "data"}))

	require.NoError(t, err)
	assert.NotContains(t, string(text), "planted")
	assert.Contains(t, string(text), `"value":"[redacted]","fits":true`)
	assert.Equal(t, "planted@example.com", e.Tried[1].Matchers[0].Value, "the explanation itself does not change")
}

func TestNode(t *testing.T) {
	compiled, err := NewLocated(tree, func(path string) int { return len(path) })
	require.NoError(t, err)

	got := compiled.Node()

	assert.Equal(t, "route", got.Route)
	assert.Equal(t, 5, got.Line)
	require.Len(t, got.Routes, 5)
	ml := got.Routes[3]
	assert.Equal(t, []string{`env=~"prod.*"`, `team="ml"`}, ml.Matchers)
	assert.Equal(t, "log", ml.Receiver, "its parent's")
	assert.Equal(t, tree.BySeverity, ml.BySeverity, "its parent's")
	assert.True(t, got.Routes[0].Routes[0].Continue)
	assert.Nil(t, got.Routes[0].BySeverity, "a receiver of its own takes its place")
}

func TestAskKnowsHeartbeats(t *testing.T) {
	compiled, err := New(tree)
	require.NoError(t, err)
	alerts := []map[string]string{{"alertname": "Beat"}, {"alertname": "Watchdog"}, {"alertname": "Other"}}
	expected := func(labels map[string]string) bool { return labels["alertname"] != "Other" }

	got := compiled.Ask(alerts, nil, expected)

	assert.Equal(t, []string{"log"}, got.Receivers)
	assert.True(t, got.Alerts[0].Heartbeat)
	assert.Empty(t, got.Alerts[0].Receivers)
	assert.Empty(t, got.Alerts[0].Through)
	assert.False(t, got.Alerts[1].Heartbeat, "a route of its own takes it")
	assert.Equal(t, []string{"log"}, got.Alerts[1].Receivers)
	assert.False(t, got.Alerts[2].Heartbeat)
	assert.Equal(t, compiled.Ask(alerts[2:], nil, nil).Alerts[0], got.Alerts[2])
}

func TestIntervalsAreShown(t *testing.T) {
	compiled, err := New(Route{Receiver: "log", Routes: []Route{
		{Receiver: "a", MuteTimeIntervals: []string{"nights"}, ActiveTimeIntervals: []string{"office"}, Routes: []Route{{Match: map[string]string{"x": "y"}}}},
	}})
	require.NoError(t, err)

	through := compiled.Explain(nil).Through[0]
	assert.Equal(t, []string{"nights"}, through.MuteTimeIntervals)
	assert.Equal(t, []string{"office"}, through.ActiveTimeIntervals)
	assert.Empty(t, compiled.Explain(map[string]string{"x": "y"}).Through[0].MuteTimeIntervals, "they are not inherited")
	assert.Equal(t, []string{"nights"}, compiled.Node().Routes[0].MuteTimeIntervals)
	assert.Equal(t, []string{"office"}, compiled.Node().Routes[0].ActiveTimeIntervals)
}

// Whatever the tree and the alert: there is a receiver, and the explanation names the receivers that Match finds.
func FuzzExplainAgreesWithMatch(f *testing.F) {
	f.Add(uint64(1), "team", "data", "critical")
	f.Add(uint64(2), "", "\xff", "")
	f.Fuzz(func(t *testing.T, seed uint64, name, value, severity string) {
		root := anyRoute(rand.New(rand.NewPCG(seed, 0)), name, value, 3)
		root.Match, root.MatchRE, root.Matchers = nil, nil, nil
		compiled, err := New(root)
		if err != nil {
			return // a label's name or a regular expression that there is not
		}
		for _, labels := range []map[string]string{nil, {name: value}, {"severity": severity}, {name: value, "severity": severity}, {name: severity}} {
			got := compiled.Match(labels)
			e := compiled.Explain(labels)
			require.NotEmpty(t, got)
			require.Equal(t, got, e.Receivers)
			for _, through := range e.Through {
				require.NotEmpty(t, compiled.Way(labels, through.Receiver))
			}
			taken := 0
			for _, try := range e.Tried {
				taken += len(try.Receivers)
				require.Equal(t, try.Outcome == Took, len(try.Receivers) > 0)
			}
			require.Len(t, e.Through, taken)
		}
	})
}

func anyRoute(r *rand.Rand, name, value string, deep int) Route {
	route := Route{Receiver: string(rune('a' + r.IntN(5))), Continue: r.IntN(2) == 0}
	switch r.IntN(4) {
	case 0:
		route.Match = map[string]string{name: value}
	case 1:
		route.MatchRE = map[string]string{"severity": value + "|critical"}
	case 2:
		route.Matchers = []string{"severity!=critical"}
	}
	if r.IntN(3) == 0 {
		route.BySeverity = map[string][]string{"critical": {"a", "e"}, value: {"f"}}
	}
	for range r.IntN(4) * min(deep, 1) {
		route.Routes = append(route.Routes, anyRoute(r, name, value, deep-1))
	}
	return route
}

// A receiver that by_severity names has the line of its key, be it that of a route above.
func TestThroughHasTheLineOfTheSeverity(t *testing.T) {
	root := Route{
		Receiver: "log", BySeverity: map[string][]string{"critical": {"oncall"}},
		Routes: []Route{{Matchers: []string{`team="web"`}, Routes: []Route{{Matchers: []string{`job="x"`}}}}},
	}
	lines := map[string]int{"route": 1, "route.by_severity.critical": 3, "route.routes[0]": 5, "route.routes[0].routes[0]": 7}
	compiled, err := NewLocated(root, func(path string) int { return lines[path] })
	require.NoError(t, err)
	for _, labels := range []map[string]string{{}, {"team": "web"}, {"team": "web", "job": "x"}} {
		labels["severity"] = "critical"
		assert.Equal(t, 3, compiled.Explain(labels).Through[0].Line, labels)
	}
	assert.Equal(t, 7, compiled.Explain(map[string]string{"team": "web", "job": "x"}).Through[0].Line)
}
