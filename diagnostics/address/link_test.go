package address

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	began = time.Date(2026, 3, 14, 9, 14, 0, 0, time.UTC)
	later = began.Add(27 * time.Minute)
)

func linkTemplate(t testing.TB, text string) *LinkTemplate {
	t.Helper()
	template, err := ParseLink(text)
	require.NoError(t, err)
	return template
}

func TestLinksAreFilledIn(t *testing.T) {
	labels := map[string]string{"instance": "aster-0:8080", "job": `a"s&t=e#r`}
	data := NewLinkData(labels, began, time.Time{}, later)
	for text, want := range map[string]string{
		"https://grafana/":                                              "https://grafana/",
		"https://grafana":                                               "https://grafana",
		"http://g/d/x?i={{ .Labels.instance }}":                         "http://g/d/x?i=aster-0%3A8080",
		"http://g/d/{{ .Labels.job }}/x":                                "http://g/d/a%22s%26t%3De%23r/x",
		"http://g/#/x?i={{ .Labels.job }}":                              "http://g/#/x?i=a%22s%26t%3De%23r",
		"http://g/?from={{ .From }}&to={{ .To }}":                       "http://g/?from=1773478740000&to=1773481260000",
		"http://g/?from={{ .StartsAt }}&to={{ .EndsAt }}":               "http://g/?from=1773479640000&to=1773481260000",
		"http://g/?start={{ .From.UnixMicro }}&end={{ .To.UnixMicro }}": "http://g/?start=1773478740000000&end=1773481260000000",
		`http://g/?at={{ .StartsAt.Format "2006-01-02T15:04:05Z" }}`:    "http://g/?at=2026-03-14T09%3A14%3A00Z",
		`http://g/?q={"expr":{{ printf "{job=%q}" .Labels.job | toJson }}}`: "http://g/?q=%7B%22expr%22:" +
			`%22%7Bjob%3D%5C%22a%5C%5C%5C%22s%5Cu0026t%3De%23r%5C%22%7D%22%7D`,
		"http://g/?x={{ .Labels.absent }}":                                   "",
		"http://g/?{{ with .Labels.absent }}x={{ . }}{{ else }}all{{ end }}": "http://g/?all",
		"http://g/{{ range .Labels.SortedPairs }}{{ .Name }},{{ end }}":      "http://g/instance,job,",
		`http://g/?x={{ slice .Labels.instance 40 }}`:                        "",
	} {
		t.Run(text, func(t *testing.T) {
			template, err := ParseLink(text)
			if strings.Contains(text, "slice") {
				require.Error(t, err)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, want, template.Of(data))
		})
	}
}

func TestLinksShowTheTimeOfTheAlert(t *testing.T) {
	for name, c := range map[string]struct{ starts, ends, now, from, to time.Time }{
		"firing":         {began, time.Time{}, later, began.Add(-15 * time.Minute), later},
		"over":           {began, later, later.Add(time.Hour), began.Add(-15 * time.Minute), later.Add(5 * time.Minute)},
		"just over":      {began, later, later.Add(time.Minute), began.Add(-15 * time.Minute), later.Add(time.Minute)},
		"no start":       {time.Time{}, time.Time{}, later, later.Add(-15 * time.Minute), later},
		"ends later":     {began, later.Add(time.Hour), later, began.Add(-15 * time.Minute), later},
		"starts in time": {later.Add(time.Hour), time.Time{}, later, later.Add(-15 * time.Minute), later},
	} {
		t.Run(name, func(t *testing.T) {
			data := NewLinkData(nil, c.starts, c.ends, c.now)
			assert.Equal(t, c.from, data.From.Time)
			assert.Equal(t, c.to, data.To.Time)
		})
	}
}

// P7: a label fills a value of a link and nothing else.
func TestP7ALabelNeverChangesWhereALinkLeads(t *testing.T) {
	template := linkTemplate(t, "https://grafana/d/{{ .Labels.x }}/y?var={{ .Labels.x }}&z=1#{{ .Labels.x }}")
	for _, value := range []string{
		"a&b=c", "a#b", "a?b", "//evil", "@evil", `\\evil`, "a b\r\nc", "%2e%2e%2f", "é", "\xff\x00", "<script>", "javascript:alert(1)", "...", "a..",
	} {
		link := template.Of(LinkData{Labels: map[string]string{"x": value}})
		u, err := url.Parse(link)
		require.NoError(t, err, value)
		assert.Equal(t, "grafana", u.Host, value)
		assert.Equal(t, "/d/"+value+"/y", u.Path)
		assert.Equal(t, url.Values{"var": {value}, "z": {"1"}}, u.Query())
		assert.Equal(t, value, u.Fragment)
	}
	for _, value := range []string{"", ".", "..", strings.Repeat("x", LongestLink)} {
		assert.Empty(t, template.Of(LinkData{Labels: map[string]string{"x": value}}), value)
	}
}

func TestWrongLinksAreExplained(t *testing.T) {
	for text, why := range map[string]string{
		"https://grafana{{ .Labels.x }}/":   "must name its host",
		"https://{{ .Labels.x }}":           "must name its host",
		"https://":                          "names no host",
		"https:///x":                        "names no host",
		"https://a b/":                      "names no host",
		"https://[::1/":                     "names no host",
		"javascript:alert({{ .Labels.x }})": "must begin with http",
		"/d/x":                              "must begin with http",
		"https://u:p@g/":                    "user or password",
		"https://g/?{{ .Annotations.x }}":   "there is no .Annotations; there is .Labels, .From",
		"https://g/?{{ .Labels.x":           "is not a template",
		"https://g/{{ range 100000000 }}xxxx{{ end }}": "more than an address",
	} {
		_, err := ParseLink(text)
		require.ErrorContains(t, err, why, text)
	}
}

func FuzzLink(f *testing.F) {
	f.Add("a", "b")
	f.Add("..", "&x=y#z")
	f.Add("\x0061\x00", "\r\n")
	template := linkTemplate(f, "https://grafana:3000/d/{{ .Labels.a }}/x?var-b={{ .Labels.b }}&from={{ .From }}")
	f.Fuzz(func(t *testing.T, a, b string) {
		link := template.Of(NewLinkData(map[string]string{"a": a, "b": b}, began, time.Time{}, later))
		if link == "" {
			return
		}
		u, err := url.Parse(link)
		require.NoError(t, err)
		require.Equal(t, "grafana:3000", u.Host)
		require.Equal(t, "/d/"+a+"/x", u.Path)
		require.Equal(t, u.Path, u.JoinPath().Path, "it is clean")
		require.Equal(t, url.Values{"var-b": {b}, "from": {"1773478740000"}}, u.Query())
		require.Empty(t, u.Fragment)
		require.LessOrEqual(t, len(link), LongestLink)
	})
}
