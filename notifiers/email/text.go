package email

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// clip is untrusted text in one line of at most limit characters of valid UTF-8, without control characters and without those
// that reverse the direction of what follows. It ends with "…" when it was cut, and looks at no more of a long text than it
// needs.
func clip(text string, limit int) string {
	var out strings.Builder
	n, space, broken := 0, false, false
	lastFit := 0
	for i, r := range text {
		// A run of bytes that are not UTF-8 becomes one replacement character.
		wasBroken := broken
		broken = r == utf8.RuneError && !strings.HasPrefix(text[i:], string(utf8.RuneError))
		switch {
		case broken && wasBroken, unicode.Is(unicode.Bidi_Control, r):
			continue
		case unicode.IsSpace(r), unicode.IsControl(r), r == '\u2028', r == '\u2029':
			space = n > 0
			continue
		}
		if space {
			out.WriteByte(' ')
			n++
			space = false
		}
		if n >= limit {
			return strings.TrimRight(out.String()[:lastFit], " ") + "…"
		}
		out.WriteRune(r)
		if n++; n < limit {
			lastFit = out.Len()
		}
	}
	return out.String()
}
