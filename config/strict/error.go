package strict

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/goccy/go-yaml"
)

// Error is everything that is wrong with a file.
type Error struct {
	// Findings are in the order of the file.
	Findings []Finding
}

// Finding is one problem and its place.
type Finding struct {
	File string
	// Line and Column count from 1; a column is a character's, not a byte's.
	Line, Column int
	// Source is that line of the file with stars in the place of secrets, "" when it is not known.
	Source string
	Msg    string
}

// finding has its excerpt later, when it is known what has to be hidden. The library's places are not always in the file.
func (d *Document) finding(at place, msg string) Finding {
	at = d.bounded(at)
	return Finding{File: d.name, Line: at.line, Column: at.column, Msg: known.ReplaceAllStringFunc(msg, stars)}
}

func (d *Document) bounded(at place) place {
	line := min(max(at.line, 1), len(d.lines))
	width := len([]rune(strings.TrimRight(d.lines[line-1], "\r")))
	return place{line, min(max(at.column, 1), width+1)}
}

// syntax is the finding of an error of the YAML library.
func (d *Document) syntax(err error) {
	var at yaml.Error
	if !errors.As(err, &at) || at.GetToken() == nil {
		d.broken(nil, "this cannot be read as YAML: "+firstLine(err.Error()))
		return
	}
	position := at.GetToken().Position
	d.hideBelowKey(position.Line)
	d.broken(position, "this is not YAML: "+firstLine(at.GetMessage()))
}

// hideBelowKey hides a line that stands below the key of a secret, which has its value there: what the tokens are of a text that is
// not YAML nobody knows.
func (d *Document) hideBelowKey(line int) {
	line = min(max(line, 1), len(d.lines))
	depth := indentation(d.lines[line-1])
	for at := line - 1; at > 0; at-- {
		above := d.lines[at-1]
		if strings.TrimSpace(above) == "" || indentation(above) >= depth {
			continue
		}
		depth = indentation(above)
		if alone.MatchString(above) {
			d.hidden = append(d.hidden, span{place{line, 1}, place{line + 1, 1}})
			return
		}
	}
}

func indentation(line string) int { return len(line) - len(strings.TrimLeft(line, " ")) }

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

// Error shows each finding as file:line:column with the line and a caret under it.
func (e *Error) Error() string {
	var text strings.Builder
	for i, f := range e.Findings {
		if i > 0 {
			text.WriteByte('\n')
		}
		fmt.Fprintf(&text, "%s:%d:%d: %s", f.File, f.Line, f.Column, harmless(f.Msg))
		if f.Source != "" {
			source, before := window(harmless(f.Source), f.Column-1)
			fmt.Fprintf(&text, "\n%6d | %s\n       | %s^", f.Line, source, indent(source, before))
		}
	}
	return text.String()
}

// harmless has a mark in the place of each character that moves or colours what a terminal shows.
func harmless(line string) string {
	return strings.Map(func(r rune) rune {
		if r != '\t' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)) {
			return unicode.ReplacementChar
		}
		return r
	}, line)
}

// widest is how many characters of a line are shown.
const widest = 160

// window is the part of a line around what has n characters before it, and how many of them are in that part.
func window(line string, n int) (part string, before int) {
	all := []rune(line)
	if len(all) <= widest {
		return line, n
	}
	from := max(0, min(n-widest/2, len(all)-widest))
	shown := slices.Clone(all[from : from+widest])
	if from > 0 {
		shown[0] = '…'
	}
	if from+widest < len(all) {
		shown[widest-1] = '…'
	}
	return string(shown), n - from
}

// indent is as wide as the first n runes of line: tabs stay tabs.
func indent(line string, n int) string {
	var text strings.Builder
	for i, r := range []rune(line) {
		switch {
		case i >= n:
			return text.String()
		case r == '\t':
			text.WriteByte('\t')
		default:
			text.WriteByte(' ')
		}
	}
	return text.String()
}
