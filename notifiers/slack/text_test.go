package slack

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
)

func TestP7MrkdwnShowsTextAsItIs(t *testing.T) {
	for in, want := range map[string]string{
		"":                       "",
		"7.3 % on aster-0:8080":  "7.3 % on aster-0:8080",
		"<!channel>":             "&lt;!channel&gt;",
		"<@U1>":                  "&lt;@U1&gt;",
		"<http://x|y>":           "&lt;http://x|y&gt;",
		"&lt;!channel&gt;":       "&amp;lt;!channel&amp;gt;",
		"bash_exec":              "bash_exec",
		"_it_":                   "ˍitˍ",
		"__name__":               "ˍˍnameˍˍ",
		"*b* ~s~ `c`":            "∗b∗ ∼s∼ ˋcˋ",
		"one\r\ntwo\x00\tthree":  "one two three",
		"\u2028sep\u2029":        "sep",
		"caf\xe9":                "caf\uFFFD",
		"\u202egnp.exe \u2066x":  "gnp.exe x",
		"警報 🔴":                   "警報 🔴",
		"  a  lot   of   space ": "a lot of space",
	} {
		assert.Equal(t, want, mrkdwn(in, 1000), "%q", in)
	}
}

func TestP7MrkdwnIsCutBetweenCharacters(t *testing.T) {
	for _, tc := range []struct {
		in    string
		limit int
		want  string
	}{
		{"12345", 5, "12345"},
		{"123456", 5, "1234…"},
		{"1 23456", 3, "1…"},
		{"<<<", 12, "&lt;&lt;&lt;"},
		{"<<<<", 12, "&lt;&lt;…"},
		{"ab<", 5, "ab…"},
		{"🔴🔴🔴", 6, "🔴🔴🔴"},
		{"🔴🔴🔴🔴", 6, "🔴🔴…"},
		{"警報警報", 3, "警報…"},
		{"&", 4, "…"},
	} {
		assert.Equal(t, tc.want, mrkdwn(tc.in, tc.limit), "%q in %d", tc.in, tc.limit)
	}
}

func TestClip(t *testing.T) {
	assert.Equal(t, "<b> & *c*", clip("<b> &\n*c*", 20), "plain text is not escaped")
	assert.Equal(t, "🔴🔴…", clip("🔴🔴🔴🔴", 6))
	assert.Equal(t, "12345", clip("12345", 5))
	assert.Equal(t, "1234…", clip("123456", 5))
}

func TestNoQuotation(t *testing.T) {
	assert.Equal(t, "p95\n\u2060&gt; 10 s", noQuotation("p95\n&gt; 10 s"))
	assert.Equal(t, "p95 &gt; 10 s", noQuotation("p95 &gt; 10 s"))
}

func FuzzMrkdwn(f *testing.F) {
	f.Add("<!channel> & *bold* _it_ `c`", 10)
	f.Add("🔴 警報\r\n", 3)
	f.Add("caf\xe9 \u202e", 4)
	f.Fuzz(func(t *testing.T, in string, limit int) {
		limit = 1 + (limit&0xfff+0xfff)%0xfff
		out := mrkdwn(in, limit)

		if !utf8.ValidString(out) {
			t.Fatalf("%q is not UTF-8", out)
		}
		if length(out) > limit {
			t.Fatalf("%q has %d characters, limit %d", out, length(out), limit)
		}
		if strings.ContainsAny(out, "<>*~`\r\n") || strings.ContainsFunc(out, unicode.IsControl) {
			t.Fatalf("%q can format", out)
		}
		for rest := range strings.SplitSeq(out, "&") {
			if rest != out && !strings.HasPrefix(rest, "amp;") && !strings.HasPrefix(rest, "lt;") && !strings.HasPrefix(rest, "gt;") && !strings.HasPrefix(out, rest) {
				t.Fatalf("%q has an entity that is cut", out)
			}
		}
	})
}
