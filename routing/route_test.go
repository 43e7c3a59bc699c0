package routing

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/alertvitals/notifier/config/problem"
)

var tree = Route{
	Receiver: "log",
	BySeverity: map[string][]string{
		"critical": {"oncall", "slack"},
		"warning":  {"slack"},
	},
	Routes: []Route{
		{Matchers: []string{`team="data"`}, Receiver: "data-slack", Routes: []Route{
			{Matchers: []string{`severity=~"critical|page"`}, Receiver: "data-oncall", Continue: true},
			{Matchers: []string{`region!="eu"`}},
		}},
		{Matchers: []string{`audit="yes"`}, Receiver: "audit", Continue: true},
		{Matchers: []string{`alertname="Watchdog"`}, Receiver: "log"},
		{Matchers: []string{`team="ml"`, `env=~"prod.*"`}},
		{Matchers: []string{`audit="yes"`, `severity="critical"`}, Receiver: "audit"},
	},
}

var names = []string{"log", "oncall", "slack", "data-slack", "data-oncall", "audit"}

func TestMatch(t *testing.T) {
	require.Empty(t, tree.Validate(names))
	compiled, err := New(tree)
	require.NoError(t, err)

	for name, tc := range map[string]struct {
		labels string
		want   []string
	}{
		"no labels":                        {"", []string{"log"}},
		"severity fans out":                {"severity=critical", []string{"oncall", "slack"}},
		"another severity":                 {"severity=warning", []string{"slack"}},
		"severity not listed":              {"severity=info", []string{"log"}},
		"severity is case sensitive":       {"severity=Critical", []string{"log"}},
		"child before severity":            {"severity=warning team=data region=eu", []string{"data-slack"}},
		"grandchild continues":             {"severity=critical team=data region=us", []string{"data-oncall", "data-slack"}},
		"continue with nothing after":      {"severity=page team=data region=eu", []string{"data-oncall"}},
		"continue, then another child":     {"alertname=Watchdog audit=yes severity=critical", []string{"audit", "log"}},
		"each receiver once":               {"audit=yes severity=critical", []string{"audit"}},
		"child without receiver inherits":  {"team=ml env=prod-1 severity=critical", []string{"oncall", "slack"}},
		"all matchers must fit":            {"team=ml env=dev", []string{"log"}},
		"absent label fits a negative one": {"team=data", []string{"data-slack"}},
	} {
		t.Run(name, func(t *testing.T) {
			set := map[string]string{}
			for _, pair := range strings.Fields(tc.labels) {
				key, value, _ := strings.Cut(pair, "=")
				set[key] = value
			}
			assert.Equal(t, tc.want, compiled.Match(set))
		})
	}
}

func TestWay(t *testing.T) {
	compiled, err := New(tree)
	require.NoError(t, err)
	data := map[string]string{"team": "data", "severity": "critical", "region": "us"}

	for name, tc := range map[string]struct {
		labels         map[string]string
		receiver, want string
	}{
		"the root":          {nil, "log", `{}`},
		"a severity":        {map[string]string{"severity": "critical"}, "slack", `{} by_severity.critical`},
		"not listed":        {map[string]string{"severity": "info"}, "log", `{}`},
		"a grandchild":      {data, "data-oncall", `{}/{team="data"}/{severity=~"critical|page"}`},
		"the one after":     {data, "data-slack", `{}/{team="data"}/{region!="eu"}`},
		"another's matters": {data, "audit", ``},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, tc.want, compiled.Way(tc.labels, tc.receiver)) })
	}
}

func TestValidateSaysWhere(t *testing.T) {
	wrong := Route{
		Matchers:   []string{`a="b"`},
		Continue:   true,
		BySeverity: map[string][]string{"info": nil, "critical": {"slack", "pager"}},
		Routes: []Route{
			{Receiver: "slack", Matchers: []string{`c="d"`}, Routes: []Route{{Receiver: "nobody", Matchers: []string{`a="b"`, `=x`, ``}}}},
		},
	}

	var paths []string
	for _, p := range wrong.Validate(names) {
		paths = append(paths, p.Path)
		assert.NotEmpty(t, p.Msg)
	}

	assert.Equal(t, []string{
		"receiver", "matchers", "continue",
		"by_severity.critical[1]", "by_severity.info",
		"routes[0].routes[0].receiver", "routes[0].routes[0].matchers[1]", "routes[0].routes[0].matchers[2]",
	}, paths)
}

func TestValidateNamesTheUnknownReceiver(t *testing.T) {
	got := Route{Receiver: "slak"}.Validate(names)

	assert.Equal(t, []problem.Problem{problem.Missing("receiver", "receiver", "slak", names)}, got)
}

func FuzzMatchAlwaysFindsAReceiver(f *testing.F) {
	compiled, err := New(tree)
	require.NoError(f, err)
	f.Add("team", "data", "critical")
	f.Add("", "\xff", "")
	f.Fuzz(func(t *testing.T, name, value, severity string) {
		got := compiled.Match(map[string]string{name: value, "severity": severity})
		require.NotEmpty(t, got)
		require.Equal(t, got, compiled.Match(map[string]string{name: value, "severity": severity}))
	})
}

func BenchmarkMatch(b *testing.B) {
	compiled, err := New(tree)
	require.NoError(b, err)
	set := map[string]string{"alertname": "HighErrorRate", "job": "aster", "severity": "critical", "team": "web"}
	for b.Loop() {
		compiled.Match(set)
	}
}

func TestNamedIsWhatARouteBelowTheRootTakes(t *testing.T) {
	tree, err := New(Route{
		Receiver: "log", BySeverity: map[string][]string{"none": {"log"}},
		Routes: []Route{{Matchers: []string{`alertname="Watchdog"`}, Receiver: "dead-man", Continue: true}},
	})
	require.NoError(t, err)

	assert.True(t, tree.Named(map[string]string{"alertname": "Watchdog"}))
	assert.False(t, tree.Named(map[string]string{"alertname": "Other", "severity": "none"}))
}
