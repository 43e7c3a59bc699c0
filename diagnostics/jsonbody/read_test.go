package jsonbody

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const sessions = `[
	{"id":"s1","title":"a planted title","cost":0.25,"tokens":{"input":100,"cache":{"read":7}},"busy":true},
	{"id":"s2","title":"another","cost":0.5,"tokens":{"input":20,"cache":{"read":1}},"busy":false}]`

func TestRead(t *testing.T) {
	const none = -1
	for _, c := range []struct {
		name, body string
		rule       Rule
		want       float64 // -1 is no sample
		unknown    bool
	}{
		{"a value", `{"data":{"total":3}}`, Rule{Value: "data.total"}, 3, false},
		{"a flag", `{"data":{"up":true}}`, Rule{Value: "data.up"}, 1, false},
		{"zero is a value", `{"data":{"total":0}}`, Rule{Value: "data.total"}, 0, false},
		{"no such key", `{"data":{}}`, Rule{Value: "data.total"}, none, true},
		{"null", `{"data":{"total":null}}`, Rule{Value: "data.total"}, none, true},
		{"a text", `{"data":{"total":"3"}}`, Rule{Value: "data.total"}, none, true},
		{"a list on the way", `{"data":[1]}`, Rule{Value: "data.total"}, none, true},
		{"beyond a number", `{"a":1e999}`, Rule{Value: "a"}, none, true},
		{"count", sessions, Rule{Count: "*"}, 2, false},
		{"count where", sessions, Rule{Count: "*", Where: map[string]string{"busy": "true"}}, 1, false},
		{"count where deep", sessions, Rule{Count: "*", Where: map[string]string{"tokens.cache.read": "7"}}, 1, false},
		{"count of no list", `{"data":7}`, Rule{Count: "data.*"}, none, true},
		{"count of an empty list", `[]`, Rule{Count: "*"}, 0, false},
		{"count of an empty object", `{}`, Rule{Count: "*"}, 0, false},
		{"members of an object", `{"a":{"type":"busy"},"b":{"type":"retry"}}`, Rule{Count: "*", Where: map[string]string{"type": "busy"}}, 1, false},
		{"deep list", `{"data":{"items":[1,2]}}`, Rule{Count: "data.items.*"}, 2, false},
		{"sum", sessions, Rule{Sum: "*.cost"}, 0.75, false},
		{"sum deep", sessions, Rule{Sum: "*.tokens.cache.read"}, 8, false},
		{"sum of the elements themselves", `{"q":[1,2,4]}`, Rule{Sum: "q.*"}, 7, false},
		{"sum of nothing", `[]`, Rule{Sum: "*.cost"}, 0, false},
		{"sum where one has no number", `[{"cost":1},{}]`, Rule{Sum: "*.cost"}, none, true},
		{"sum beyond numbers", `[{"cost":1e308},{"cost":1e308}]`, Rule{Sum: "*.cost"}, none, true},
		{"max", sessions, Rule{Max: "*.cost"}, 0.5, false},
		{"max below zero", `[-5,-3,-4]`, Rule{Max: "*"}, -3, false},
		{"max of nothing", `[]`, Rule{Max: "*.cost"}, none, false},
		{"max where none fits", sessions, Rule{Max: "*.cost", Where: map[string]string{"id": "s9"}}, none, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.rule.Name, c.rule.Labels = "x", map[string]string{"l": "v"}
			require.NoError(t, c.rule.Validate())
			if c.name == "beyond a number" {
				_, _, err := Read([]byte(c.body), []Rule{c.rule})
				require.EqualError(t, err, "not JSON", "and nothing of the body")
				return
			}
			samples, unknown, err := Read([]byte(c.body), []Rule{c.rule})
			require.NoError(t, err)
			assert.Equal(t, c.unknown, len(unknown) == 1)
			if c.want == none && len(samples) == 0 {
				return
			}
			assert.Equal(t, []Sample{{"x", map[string]string{"l": "v"}, c.want}}, samples)
		})
	}
}

func TestReadRefusesWhatIsNoJSON(t *testing.T) {
	for _, body := range []string{"", "<!doctype html>", `{"a":`, "OK", strings.Repeat("[", 20_000)} {
		samples, unknown, err := Read([]byte(body), []Rule{{Name: "x", Count: "*"}})
		assert.EqualError(t, err, "not JSON")
		assert.Empty(t, samples)
		assert.Empty(t, unknown)
	}
}

func TestValidate(t *testing.T) {
	for _, wrong := range []Rule{
		{},
		{Name: "a b", Value: "x"},
		{Name: "x"},
		{Name: "x", Value: "a", Count: "*"},
		{Name: "x", Value: "a..b"},
		{Name: "x", Value: "*.a"},
		{Name: "x", Value: "a", Where: map[string]string{"b": "c"}},
		{Name: "x", Sum: "a"},
		{Name: "x", Sum: "*.a.*"},
		{Name: "x", Count: "*.a"},
		{Name: "x", Value: "a", Labels: map[string]string{"__name__": "y"}},
		{Name: "x", Value: "a", Labels: map[string]string{"a-b": "y"}},
	} {
		assert.Error(t, wrong.Validate(), "%+v", wrong)
	}
}

// No text of the body becomes part of a sample, and no sample is anything but a number.
func FuzzRead(f *testing.F) {
	f.Add([]byte(sessions))
	f.Add([]byte(`{"a":{"type":"busy","attempt":3},"b":{"type":"retry"}}`))
	f.Add([]byte(`{"data":{"total":1}}`))
	rules := []Rule{
		{Name: "a", Count: "*", Labels: map[string]string{"l": "v"}},
		{Name: "a", Sum: "*.cost", Where: map[string]string{"busy": "true"}},
		{Name: "a", Max: "*.attempt"},
		{Name: "a", Value: "data.total"},
		{Name: "a", Sum: "data.*"},
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		samples, unknown, err := Read(body, rules)
		assert.LessOrEqual(t, len(samples)+len(unknown), len(rules))
		if err != nil {
			assert.Empty(t, samples)
		}
		for _, s := range samples {
			assert.Equal(t, "a", s.Name)
			assert.False(t, math.IsNaN(s.Value) || math.IsInf(s.Value, 0))
			for name, value := range s.Labels {
				assert.Equal(t, "lv", name+value)
			}
		}
	})
}
