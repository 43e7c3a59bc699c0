package slackview

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// style is how a span looks; styles add up.
type style uint8

const (
	bold style = 1 << iota
	italic
	strike
	code
	mention
)

// span is text of one style. href is set on links.
type span struct {
	text  string
	style style
	href  string
}

// line is a line of a text. Slack shows a line that starts with ">" as a quotation, without the sign.
type line struct {
	quote bool
	spans []span
}

// markers are the characters that switch a style on and off.
var markers = map[byte]style{'*': bold, '_': italic, '~': strike, '`': code}

var unescape = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&")

// parse reads mrkdwn as Slack does, as far as one line goes: code over several lines is not known.
//
// Source: https://docs.slack.dev/messaging/formatting-message-text.
func parse(text string) []line {
	var lines []line
	for raw := range strings.SplitSeq(text, "\n") {
		var l line
		for _, sign := range []string{"&gt;", ">"} {
			if rest, ok := strings.CutPrefix(raw, sign); ok {
				raw, l.quote = strings.TrimPrefix(rest, " "), true
				break
			}
		}
		l.spans = parseInline(raw, 0)
		lines = append(lines, l)
	}
	return lines
}

func parseInline(text string, outer style) []span {
	var spans []span
	start := 0
	flush := func(end int) {
		if end > start {
			spans = append(spans, span{text: unescape.Replace(text[start:end]), style: outer})
		}
	}
	for i := 0; i < len(text); i++ {
		if text[i] == '<' {
			if length := strings.IndexByte(text[i:], '>'); length > 1 {
				flush(i)
				spans = append(spans, special(text[i+1:i+length], outer))
				i += length
				start = i + 1
			}
			continue
		}
		marker, ok := markers[text[i]]
		if !ok || outer&marker != 0 {
			continue
		}
		end := closing(text, i)
		if end < 0 {
			continue
		}
		flush(i)
		inner := text[i+1 : end]
		if marker == code {
			spans = append(spans, span{text: unescape.Replace(inner), style: outer | code})
		} else {
			spans = append(spans, parseInline(inner, outer|marker)...)
		}
		i = end
		start = i + 1
	}
	flush(len(text))
	return spans
}

// closing is the index of the marker that ends what the one at i starts, -1 when it starts nothing: styles start and end
// at the edges of words.
func closing(text string, i int) int {
	before, _ := utf8.DecodeLastRuneInString(text[:i])
	after, _ := utf8.DecodeRuneInString(text[i+1:])
	if i > 0 && inWord(before) || i+1 == len(text) || unicode.IsSpace(after) || after == rune(text[i]) {
		return -1
	}
	for end := i + 2; end < len(text); end++ {
		if text[end] != text[i] {
			continue
		}
		last, _ := utf8.DecodeLastRuneInString(text[:end])
		next, _ := utf8.DecodeRuneInString(text[end+1:])
		if !unicode.IsSpace(last) && (end+1 == len(text) || !inWord(next)) {
			return end
		}
	}
	return -1
}

func inWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// special is what stands between < and >: a link, or a name that pings.
func special(inside string, outer style) span {
	target, label, labelled := strings.Cut(inside, "|")
	target = unescape.Replace(target)
	switch {
	case strings.HasPrefix(target, "!"), strings.HasPrefix(target, "@"), strings.HasPrefix(target, "#"):
		name := target
		if labelled {
			name = unescape.Replace(label)
		}
		return span{text: "@" + strings.TrimPrefix(strings.TrimLeft(name, "!@#"), "subteam^"), style: outer | mention}
	case labelled:
		return span{text: unescape.Replace(label), style: outer, href: target}
	default:
		return span{text: target, style: outer, href: target}
	}
}
