package slack

import (
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// noQuotation puts a character without width (WORD JOINER) in front of a ">" that starts a line: Slack would show a
// quotation there, escaped or not, and swallow the sign of "> 10 s".
func noQuotation(escaped string) string {
	lines := strings.Split(escaped, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, "&gt;") {
			lines[i] = "\u2060" + line
		}
	}
	return strings.Join(lines, "\n")
}

func bold(escaped string) string {
	if escaped == "" {
		return ""
	}
	return "*" + escaped + "*"
}

// lookalikes stand for the characters that switch formatting on: a label must not turn what follows it into code.
var lookalikes = map[rune]rune{'*': '∗', '~': '∼', '`': 'ˋ'}

// mrkdwn is untrusted text as Slack's mrkdwn shows it unchanged: nothing in it mentions, links or formats. The result has
// at most limit characters, ends with "…" when it was cut, and never ends within a character or an entity.
//
// Source: https://docs.slack.dev/messaging/formatting-message-text#escaping.
func mrkdwn(text string, limit int) string {
	runes := []rune(plain(text, limit+1)) // one more, to know whether it goes on
	var escaped strings.Builder
	size, lastFit := 0, 0
	for i, r := range runes {
		piece := escapeRune(runes, i, r)
		// Room for "…" is kept until the last rune is known to fit.
		if size+length(piece) <= limit-1 {
			lastFit = escaped.Len() + len(piece)
		}
		size += length(piece)
		if size > limit {
			return strings.TrimRight(escaped.String()[:lastFit], " ") + "…"
		}
		escaped.WriteString(piece)
	}
	return escaped.String()
}

func escapeRune(runes []rune, i int, r rune) string {
	switch {
	case r == '&':
		return "&amp;"
	case r == '<':
		return "&lt;"
	case r == '>':
		return "&gt;"
	case r == '_' && atWordsEdge(runes, i):
		return "ˍ"
	}
	if like, ok := lookalikes[r]; ok {
		return string(like)
	}
	return string(r)
}

// atWordsEdge is whether an underscore at i could start or end italics: within a word, as in bash_exec, it cannot.
func atWordsEdge(runes []rune, i int) bool {
	inWord := func(j int) bool {
		return j >= 0 && j < len(runes) && (unicode.IsLetter(runes[j]) || unicode.IsDigit(runes[j]))
	}
	return !inWord(i-1) || !inWord(i+1)
}

// plain is the beginning of untrusted text, at most that many runes, in one line of valid UTF-8, without control characters
// and without those that reverse the direction of what follows. It looks at no more of a long text than it needs.
func plain(text string, most int) string {
	var out strings.Builder
	n, space, broken := 0, false, false
	for i, r := range text {
		// A run of bytes that are not UTF-8 becomes one replacement character.
		wasBroken := broken
		broken = r == utf8.RuneError && !strings.HasPrefix(text[i:], string(utf8.RuneError))
		switch {
		case broken && wasBroken, unicode.Is(unicode.Bidi_Control, r):
			continue
		case unicode.IsSpace(r), unicode.IsControl(r):
			space = n > 0
			continue
		}
		if space && n < most {
			out.WriteByte(' ')
			n++
		}
		if n == most {
			break
		}
		out.WriteRune(r)
		n, space = n+1, false
	}
	return out.String()
}

// clip is plain text of at most limit characters; it ends with "…" when it was cut.
func clip(text string, limit int) string {
	text = plain(text, limit+1)
	if length(text) <= limit {
		return text
	}
	size := 0
	for i, r := range text {
		if size += utf16.RuneLen(r); size > limit-1 {
			return strings.TrimRight(text[:i], " ") + "…"
		}
	}
	return text
}

// length counts as JavaScript does, where an emoji is two characters: Slack does not say how it counts, and no way of
// counting characters gives more.
func length(text string) int {
	n := 0
	for _, r := range text {
		n += max(utf16.RuneLen(r), 1)
	}
	return n
}
