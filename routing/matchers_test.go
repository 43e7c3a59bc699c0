package routing

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMatchersInEverySyntax(t *testing.T) {
	for name, tc := range map[string]struct {
		route Route
		want  string
	}{
		"match":                    {Route{Match: map[string]string{"team": "data", "env": ""}}, `{env="",team="data"}`},
		"match_re":                 {Route{MatchRE: map[string]string{"team": "data|ml"}}, `{team=~"data|ml"}`},
		"classic, bare":            {Route{Matchers: []string{`team = data`}}, `{team="data"}`},
		"classic, odd value":       {Route{Matchers: []string{`team=~(data|ml){2}x`}}, `{team=~"(data|ml){2}x"}`},
		"several in an item":       {Route{Matchers: []string{`team="data", env!~"dev|test"`}}, `{env!~"dev|test",team="data"}`},
		"in braces":                {Route{Matchers: []string{`{team="data",env!="dev",}`}}, `{env!="dev",team="data"}`},
		"UTF-8":                    {Route{Matchers: []string{`"überlauf"="ja"`, `"a b"=~x`}}, `{"a b"=~"x",überlauf="ja"}`},
		"where the two disagree":   {Route{Matchers: []string{`a="\\n"`}}, `{a="\\n"}`},
		"escapes":                  {Route{Matchers: []string{`a="\"q\""`}}, `{a="\"q\""}`},
		"all forms, sorted":        {Route{Match: map[string]string{"c": "1"}, MatchRE: map[string]string{"a": "2"}, Matchers: []string{"b=3"}}, `{a=~"2",b="3",c="1"}`},
		"an empty value is absent": {Route{Matchers: []string{`a=""`, `b!=""`}}, `{a="",b!=""}`},
	} {
		t.Run(name, func(t *testing.T) {
			require.Empty(t, tc.route.validateMatchers())
			got, err := tc.route.allMatchers()

			require.NoError(t, err)
			assert.Equal(t, tc.want, got.String())
		})
	}
}

func TestBadMatchersAreExplained(t *testing.T) {
	for name, tc := range map[string]struct {
		route      Route
		path, want string
	}{
		"no operator":      {Route{Matchers: []string{"team"}}, "matchers[0]", `is no matcher: it has none of =, !=, =~ and !~; want one like team="data"`},
		"open quotation":   {Route{Matchers: []string{`a="b"`, `team="data`}}, "matchers[1]", `is no matcher: a quotation mark is not closed; want one like team="data"`},
		"regexp":           {Route{Matchers: []string{`team=~"("`}}, "matchers[0]", "the regular expression is wrong (https://github.com/google/re2/wiki/Syntax): missing closing ): `(`"},
		"no name":          {Route{Matchers: []string{`=x`}}, "matchers[0]", `not a matcher like team="data": bad matcher format: =x`},
		"empty":            {Route{Matchers: []string{`{}`}}, "matchers[0]", "is empty, and would take every alert"},
		"match name":       {Route{Match: map[string]string{"a b": "c"}}, "match.a b", `"a b" cannot be a label's name here; names with other characters than letters, digits and _ go into matchers: ['"a b"="…"']`},
		"match_re name":    {Route{MatchRE: map[string]string{"ü": "c"}}, "match_re.ü", `"ü" cannot be a label's name here; names with other characters than letters, digits and _ go into matchers: ['"ü"=~"…"']`},
		"match_re pattern": {Route{MatchRE: map[string]string{"a": "[b"}}, "match_re.a", "\"[b\" is no regular expression (https://github.com/google/re2/wiki/Syntax): missing closing ]: `[b`"},
		"match_re empty":   {Route{MatchRE: map[string]string{"a": ""}}, "match_re.a", `has no regular expression; for alerts without the label write match: {a: ""}`},
	} {
		t.Run(name, func(t *testing.T) {
			got := tc.route.validateMatchers()

			require.Len(t, got, 1)
			assert.Equal(t, tc.path, got[0].Path)
			assert.Equal(t, tc.want, got[0].Msg)
		})
	}
}

func TestParseLabel(t *testing.T) {
	for text, want := range map[string][2]string{
		"severity=critical": {"severity", "critical"}, `team="a b"`: {"team", "a b"}, `"ü"=x`: {"ü", "x"}, "instance=h:80": {"instance", "h:80"}, "a=": {"a", ""},
	} {
		name, value, err := ParseLabel(text)
		require.NoError(t, err)
		assert.Equal(t, want, [2]string{name, value})
	}
	for _, text := range []string{"", "severity", "a!=b", "a=~b", "{a=b}", "a=b,c=d e\""} {
		_, _, err := ParseLabel(text)
		require.ErrorContains(t, err, "is not LABEL=VALUE, as in severity=critical", text)
	}
}
