package problem

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestUnder(t *testing.T) {
	got := Under("route", []Problem{{Path: "receiver", Msg: "a", Other: "[1].x"}, {Path: "[2].x", Msg: "b"}, {Path: "", Msg: "c"}})

	assert.Equal(t, []Problem{
		{Path: "route.receiver", Msg: "a", Other: "route[1].x"}, {Path: "route[2].x", Msg: "b"}, {Path: "route", Msg: "c"},
	}, got)
}

func TestNearest(t *testing.T) {
	known := []string{"receiver", "routes", "matchers", "by_severity", "continue", "to", "url"}
	for name, want := range map[string]string{
		"recevier": "receiver", "Routes": "routes", "route": "routes", "match": "", "by-severity": "by_severity", "contniue": "continue",
		"tp": "to", "ulr": "url", "nonsense": "", "": "", "receivers_of_something_else": "",
	} {
		assert.Equal(t, want, Nearest(name, known), name)
	}
}

func TestMissingOffersTheNearestName(t *testing.T) {
	known := []string{"slack", "oncall"}
	assert.Equal(t, Problem{Path: "p", Msg: `there is no receiver "slak"; did you mean "slack"?`, Names: "receiver"}, Missing("p", "receiver", "slak", known))
	assert.Equal(t, `there is no receiver "mail"`, Missing("p", "receiver", "mail", known).Msg)
}

func TestTwice(t *testing.T) {
	at := func(i int) string { return string(rune('a' + i)) }
	assert.Equal(t, []Problem{
		{Path: "c", Msg: `there is another agent "x"`, Other: "a"}, {Path: "f", Msg: `there is another agent "x"`, Other: "a"},
	}, Twice("agent", []string{"x", "", "x", "y", "", "x"}, at))
}
