package slackview

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	slackapi "github.com/slack-go/slack"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestParse(t *testing.T) {
	for in, want := range map[string][]line{
		"":                     {{}},
		"a &lt;b&gt; &amp;lt;": {{spans: []span{{text: "a <b> &lt;"}}}},
		"*b* x":                {{spans: []span{{text: "b", style: bold}, {text: " x"}}}},
		"*a _b_ c*":            {{spans: []span{{text: "a ", style: bold}, {text: "b", style: bold | italic}, {text: " c", style: bold}}}},
		"bash_exec file_read":  {{spans: []span{{text: "bash_exec file_read"}}}},
		"2*3*4 * 5 **":         {{spans: []span{{text: "2*3*4 * 5 **"}}}},
		"`*x* &lt;`":           {{spans: []span{{text: "*x* <", style: code}}}},
		"~gone~":               {{spans: []span{{text: "gone", style: strike}}}},
		"one\ntwo":             {{spans: []span{{text: "one"}}}, {spans: []span{{text: "two"}}}},
		"&gt; 10 s":            {{quote: true, spans: []span{{text: "10 s"}}}},
		"*&gt; 10 s*":          {{spans: []span{{text: "> 10 s", style: bold}}}},
		"<!subteam^S0123ABCD>": {{spans: []span{{text: "@S0123ABCD", style: mention}}}},
		"<!channel> <@U1>":     {{spans: []span{{text: "@channel", style: mention}, {text: " "}, {text: "@U1", style: mention}}}},
		"<http://x?a&amp;b|y>": {{spans: []span{{text: "y", href: "http://x?a&b"}}}},
		"<http://x>":           {{spans: []span{{text: "http://x", href: "http://x"}}}},
		"< 3 and >":            {{spans: []span{{text: " 3 and ", href: " 3 and "}}}},
		"<":                    {{spans: []span{{text: "<"}}}},
	} {
		assert.Equal(t, want, parse(in), "%q", in)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("*a* _b_ `c` ~d~ <!channel> <http://x|y> &lt;\n&gt; q")
	f.Add("**__``~~<<>>")
	f.Fuzz(func(t *testing.T, text string) {
		m := Message{Text: text, TS: "1.1"}
		var page, terminal bytes.Buffer
		if err := Page(&page, []Channel{{Messages: []Message{m}}}); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(page.String(), "<script") {
			t.Fatal("the text became a script")
		}
		if err := Text(&terminal, m, false); err != nil {
			t.Fatal(err)
		}
		if !utf8.ValidString(terminal.String()) || strings.ContainsFunc(terminal.String(), func(r rune) bool { return r != '\n' && unicode.IsControl(r) }) {
			t.Fatalf("%q moves the cursor", terminal.String())
		}
		for l := range strings.SplitSeq(terminal.String(), "\n") {
			if n := measure(toCells(l, 0)); n > columns {
				t.Fatalf("%q is %d columns wide", l, n)
			}
		}
	})
}

// sample has every block that the notifier uses, and one that it does not.
func sample(t *testing.T) Message {
	t.Helper()
	var m Message
	body, err := os.ReadFile("testdata/message.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(body, &m))
	return m
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(got), 0o600))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, string(want), got)
}

func TestText(t *testing.T) {
	for name, color := range map[string]bool{"message.txt": false, "message.ansi": true} {
		var out bytes.Buffer
		require.NoError(t, Text(&out, sample(t), color))
		golden(t, name, out.String())
	}
}

func TestPage(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, Page(&out, []Channel{{ID: "C1", Name: "agent-alerts", Messages: []Message{sample(t)}}}))
	_, body, found := strings.Cut(out.String(), "<body>")
	require.True(t, found)
	golden(t, "message.html", body)

	assert.NotContains(t, out.String(), "src=", "the page loads nothing")
	assert.NotContains(t, out.String(), "@import")
	assert.NotContains(t, out.String(), "url(")
}

func TestPageWithoutMessages(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, Page(&out, nil))
	assert.Contains(t, out.String(), "No message has been posted yet.")
}

func TestWithoutBlocksTheTextIsTheMessage(t *testing.T) {
	m := Message{Text: "*hello*", Attachments: []slackapi.Attachment{{Color: "good", Text: "&lt;b&gt;"}}}

	var terminal, page bytes.Buffer
	require.NoError(t, Text(&terminal, m, false))
	require.NoError(t, Page(&page, []Channel{{Messages: []Message{m}}}))

	assert.Equal(t, "notifier\nhello\n┃ <b>\n", terminal.String())
	assert.Contains(t, page.String(), "<b>hello</b>")
	assert.Contains(t, page.String(), "&lt;b&gt;")
}

func TestP7HostileTextStaysText(t *testing.T) {
	m := Message{From: "<script>", TS: "x", Text: "<script>alert(1)</script> \x1b[31m <javascript:alert(1)|x>"}

	var terminal, page bytes.Buffer
	require.NoError(t, Text(&terminal, m, true))
	require.NoError(t, Page(&page, []Channel{{Name: `"><script>`, Messages: []Message{m}}}))

	assert.NotContains(t, page.String(), "<script")
	assert.NotContains(t, page.String(), `href="javascript`)
	assert.NotContains(t, terminal.String(), "\x1b[31m")
}

func TestWideCharactersTakeTwoColumns(t *testing.T) {
	assert.Equal(t, 7, measure(toCells("警報🔴x", 0)))
	assert.Equal(t, 1, measure(toCells("e\u0301", 0)))
}
