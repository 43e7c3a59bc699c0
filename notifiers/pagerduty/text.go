package pagerduty

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// line is the beginning of untrusted text, at most that many characters of it on one line of valid UTF-8, without what reverses
// the direction of what follows. It ends with "…" when it was cut.
func line(text string, most int) string {
	// White space folds and runs of broken bytes shrink, so more is looked at than fits; never all of ten megabytes.
	long := len(text) > 16*most
	if long {
		text = text[:16*most]
	}
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.Is(unicode.Bidi_Control, r):
			return -1
		case unicode.IsControl(r), unicode.IsSpace(r):
			return ' '
		default:
			return r
		}
	}, strings.ToValidUTF8(text, "\uFFFD"))
	text = strings.Join(strings.Fields(text), " ")
	switch n := utf8.RuneCountInString(text); {
	case n > most:
		runes := []rune(text)
		return strings.TrimRight(string(runes[:most-1]), " ") + "…"
	case long && n == most:
		return text[:len(text)-len(string([]rune(text)[most-1:]))] + "…"
	case long:
		return text + "…"
	default:
		return text
	}
}

// arrows stand before what a value was. They are pictures, and a page is also read aloud.
var arrows = strings.NewReplacer("▲ ", "", "▼ ", "")

// value is a vital in words: "7.3 % (was 0.2 % an hour ago)".
func value(now, change string) string {
	change = arrows.Replace(change)
	if change == "" {
		return now
	}
	return now + " (" + change + ")"
}
