package strict

import (
	"fmt"
	"strings"
	"testing"

	commoncfg "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/alertvitals/notifier/config/problem"
)

type inner struct {
	Name  string           `yaml:"name"`
	Token commoncfg.Secret `yaml:"token"`
	// TokenFile is a path.
	TokenFile string            `yaml:"token_file"`
	Labels    map[string]string `yaml:"labels"`
	Wait      *model.Duration   `yaml:"wait"`
	Inner     []inner           `yaml:"inner"`
	Files     []string          `yaml:"files"`
}

type outer struct {
	List  []inner        `yaml:"list"`
	One   *inner         `yaml:"one"`
	Flag  bool           `yaml:"flag"`
	Count int            `yaml:"count"`
	Free  map[string]any `yaml:"free"`
}

func read(t *testing.T, source string) (outer, *Document) {
	t.Helper()
	var into outer
	return into, Read("f.yml", []byte(source), &into, Options{Dir: "/etc"})
}

func TestAnchorsAliasesAndMergeKeys(t *testing.T) {
	var into outer
	doc := Read("f.yml", []byte(`
list:
  - &first
    name: first
    token: t
    labels: &labels {a: "1", b: "2"}
  - <<: *first
    name: second
  - <<: [{name: third, token: mine}, *first]
    labels:
      <<: *labels
      b: "3"
  - *first
one:
  <<: &deep {inner: [*first]}
`), &into, Options{})
	require.NoError(t, doc.Err(nil))

	var got []string
	for _, one := range into.List {
		got = append(got, fmt.Sprint(one.Name, " ", string(one.Token), " ", one.Labels))
	}
	assert.Equal(t, []string{
		"first t map[a:1 b:2]", "second t map[a:1 b:2]", "third mine map[a:1 b:3]", "first t map[a:1 b:2]",
	}, got)
	assert.Equal(t, "first", into.One.Inner[0].Name)
}

func TestTagsOfYAMLItselfAreTaken(t *testing.T) {
	var into outer
	doc := Read("f.yml", []byte("one: !!map {name: !!str 12}\ncount: !!int 3\nflag: !!bool true\nlist: !!seq []\n"), &into, Options{})

	require.NoError(t, doc.Err(nil))
	assert.Equal(t, "12", into.One.Name)
	assert.Equal(t, 3, into.Count)
	assert.True(t, into.Flag)
}

func TestWhatAliasesStandForIsBounded(t *testing.T) {
	source := "free:\n  a0: &a0 [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]\n"
	for i := 1; i < 9; i++ {
		source += fmt.Sprintf("  a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 10), ", "))
	}
	_, doc := read(t, source)

	require.ErrorContains(t, doc.Err(nil), "aliases make more than 100000 values of this")
}

func TestPathsLeadFromTheDirectory(t *testing.T) {
	var into outer
	require.NoError(t, Read("f.yml", []byte("list: [{token_file: a/b}, {token_file: /c}, {token_file: '', files: [d, /e]}]"), &into, Options{Dir: "/etc/x"}).Err(nil))

	assert.Equal(t, []string{"/etc/x/a/b", "/c", ""}, []string{into.List[0].TokenFile, into.List[1].TokenFile, into.List[2].TokenFile})
	assert.Equal(t, []string{"/etc/x/d", "/e"}, into.List[2].Files)
}

func TestP10VariablesStandInSecretsOnly(t *testing.T) {
	t.Setenv("A_SECRET", `s$e"c: r${e}t`)
	var into outer
	doc := Read("f.yml", []byte(`
list:
  - {token: '${A_SECRET}', name: '${A_SECRET}'}
  - token: before-${A_SECRET}-${A_SECRET}
  - token: pa$$word$1$${A_SECRET}
  - token: 12345
`), &into, Options{})
	require.NoError(t, doc.Err(nil))

	assert.Equal(t, "${A_SECRET}", into.List[0].Name)
	for i, want := range []string{
		`s$e"c: r${e}t`, `before-s$e"c: r${e}t-s$e"c: r${e}t`, `pa$$word$1${A_SECRET}`, "12345",
	} {
		assert.Equal(t, want, string(into.List[i].Token))
	}
}

func TestP10AVariableThatIsNotSetIsAnError(t *testing.T) {
	t.Setenv("EMPTY_ONE", "")
	for token, want := range map[string]string{
		"${NOT_SET_ANYWHERE}": "the environment variable NOT_SET_ANYWHERE is not set",
		"x${EMPTY_ONE}":       "the environment variable EMPTY_ONE is empty",
		"${planted}":          "the environment variable that this names",
		"${planted":           "${ begins the name of an environment variable",
		"${plan-ted}":         "${ begins the name of an environment variable",
	} {
		_, doc := read(t, "one:\n  token: '"+token+"'\n")
		err := doc.Err(nil)
		require.ErrorContains(t, err, "f.yml:2:10: one.token: "+want)
		assert.NotContains(t, err.Error(), "planted")
	}
}

// Each problem names what it stands at; what is told already is not told again in other words.
func TestProblemsThatOnlyFollowAreLeftOut(t *testing.T) {
	_, doc := read(t, "list: [{name: [x]}, {nam: x, wait: soon}]\none: {inner: 3, nonsense: 1}\n")
	at := func(path string) problem.Problem { return problem.Problem{Path: path, Msg: "told"} }

	err := doc.Err([]problem.Problem{
		at("list[0].name"), at("list[0]"), at("list[1].name"), at("list[1].wait"), at("one.inner[3].name"), at("one"),
		at("list[0].token"), at("list[1].token"), at("one.name"), at("count"),
	})

	var told []string
	for _, line := range strings.Split(err.Error(), "\n") {
		if path, ok := strings.CutSuffix(line, ": told"); ok {
			told = append(told, strings.Fields(path)[1])
		}
	}
	assert.Equal(t, []string{"count", "list[0].token", "list[1].token", "one.name"}, told)
}

func TestUnread(t *testing.T) {
	_, doc := read(t, "list: [{name: [x]}]\n")

	for path, want := range map[string]bool{"list": true, "list[0]": true, "list[0].name": true, "list[0].name.x": true, "list[0].names": false, "one": false} {
		assert.Equal(t, want, doc.Unread(path), path)
	}
}

func TestTheOtherPlaceHasItsLine(t *testing.T) {
	_, doc := read(t, "list:\n  - name: a\n  - name: a\n")
	err := doc.Err([]problem.Problem{{Path: "list[1].name", Msg: "again", Other: "list[0].name"}})

	require.EqualError(t, err, "f.yml:3:11: list[1].name: again, on line 2\n     3 |   - name: a\n       |           ^")
}

func TestKeysOfAnyKindHaveTheirPlace(t *testing.T) {
	_, doc := read(t, `
"list":
  - ? name
    : {a: b}
'one': {"lab\u0065ls": {x.y: [z]}}
count: !!str x
!!str flag: 7
&anchor free: 1
`)
	var got []string
	for _, f := range doc.found {
		got = append(got, fmt.Sprintf("%d:%d %s", f.Line, f.Column, f.Msg))
	}
	assert.Equal(t, []string{
		"4:7 list[0].name: want text, and this is a mapping",
		"5:30 one.labels.x.y: want text, and this is a list",
		`6:14 count: want a whole number, and this is the text "x"`,
		"7:13 flag: want true or false, and this is the number 7",
		"8:15 free: want a mapping (key: value), and this is the number 1",
	}, got)
}

func TestWhatIsBrokenHasOneFinding(t *testing.T) {
	for source, want := range map[string]string{
		"list: [":                 "f.yml:1:7: this is not YAML: ",
		"a: b: c":                 "f.yml:1:",
		"a: 'x":                   "f.yml:1:4: this is not YAML: ",
		"- - - -\n":               "f.yml:1:",
		"one: {}\n---\none: {}\n": "f.yml:2:1: one document is enough; remove what follows",
	} {
		_, doc := read(t, source)
		require.ErrorContains(t, doc.Err(nil), want, source)
	}
	for _, source := range []string{"", "\n\n", "# only a comment\n", "---\n", "{}", "~"} {
		_, doc := read(t, source)
		require.NoError(t, doc.Err(nil), source)
	}
}
