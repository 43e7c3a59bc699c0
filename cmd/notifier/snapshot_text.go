package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/clipperhouse/displaywidth"

	"github.com/alertvitals/notifier/diagnostics"
	"github.com/alertvitals/notifier/templates"
)

// The ANSI sequences of the styles: https://en.wikipedia.org/wiki/ANSI_escape_code#Select_Graphic_Rendition_parameters.
const (
	styleReset  = "\x1b[0m"
	styleDim    = "\x1b[2m"
	styleBold   = "\x1b[1m"
	styleRed    = "\x1b[1;31m"
	styleYellow = "\x1b[1;33m"
	styleGreen  = "\x1b[1;32m"
)

// sheet is text in columns, no line of which is wider than a terminal.
type sheet struct {
	strings.Builder

	width  int
	colour bool
}

// snapshotText is a snapshot for people: the blocks of a message as aligned columns.
func snapshotText(s *diagnostics.Snapshot, now time.Time, width int, colour bool) string {
	out := &sheet{width: width, colour: colour}
	said := templates.Describe(s, now)
	about := strings.Join(slices.DeleteFunc([]string{s.Instance, s.Profile}, func(t string) bool { return t == "" }), " · ")
	out.row(stateStyle(said.State), 0, said.State+"   "+about)
	out.row("", 0, said.Checks)

	known, unknown := parted(s, said.Vitals)
	names, values := 0, 0
	for _, v := range known {
		names = max(names, min(columns(v.Name), width/3))
		values = max(values, min(columns(v.Value), width/4))
	}
	for _, line := range unknown {
		names = max(names, min(columns(line.Name), width/3))
	}
	if len(known)+len(unknown) > 0 {
		fmt.Fprintln(out)
	}
	for _, v := range known {
		sign := "  "
		if v.Loud {
			sign = "⚠ "
		}
		out.row(vitalStyle(s, v.Name), names+values+6, sign+padded(v.Name, names)+"  "+padded(v.Value, values)+"  "+v.Change)
	}
	for _, line := range unknown {
		out.row(styleDim, names+4, "  "+padded(line.Name, names)+"  "+line.Text)
	}

	if len(said.Tables) > 0 {
		fmt.Fprintln(out)
	}
	for _, t := range said.Tables {
		out.row("", 0, t.Name)
		out.row("", 2, "  "+t.Text)
	}
	fmt.Fprintln(out)
	out.row(styleDim, 0, said.Foot)
	return out.String()
}

// parted are the vitals that have a value, and the names of the others by why they have none.
func parted(s *diagnostics.Snapshot, vitals []templates.Vital) (known []templates.Vital, unknown []templates.Line) {
	missing := map[string]bool{}
	for _, v := range s.Vitals {
		missing[v.Name] = v.Value == nil && v.Text == ""
	}
	for _, v := range vitals {
		if !missing[v.Name] {
			known = append(known, v)
			continue
		}
		i := slices.IndexFunc(unknown, func(l templates.Line) bool { return l.Name == v.Value })
		if i < 0 {
			unknown = append(unknown, templates.Line{Name: v.Value, Text: v.Name})
			continue
		}
		unknown[i].Text += ", " + v.Name
	}
	return known, unknown
}

func stateStyle(state string) string {
	switch {
	case strings.HasSuffix(state, " DOWN"):
		return styleRed
	case strings.HasSuffix(state, " UP"):
		return styleGreen
	default:
		return styleYellow
	}
}

func vitalStyle(s *diagnostics.Snapshot, name string) string {
	i := slices.IndexFunc(s.Vitals, func(v diagnostics.Vital) bool { return v.Name == name })
	switch {
	case i < 0:
		return ""
	case s.Vitals[i].State == diagnostics.StateCritical:
		return styleRed
	case s.Vitals[i].State == diagnostics.StateWarning:
		return styleYellow
	default:
		return ""
	}
}

// row writes text in as many lines as it needs, each after the first with an indent. Text is untrusted.
func (s *sheet) row(style string, indent int, text string) {
	if indent = min(indent, s.width/2); text == "" {
		return
	}
	margin := ""
	for rest := printable(text); rest != ""; margin = strings.Repeat(" ", indent) {
		var line string
		line, rest = cut(rest, s.width-len(margin))
		line = strings.TrimRight(margin+line, " ")
		if s.colour && style != "" {
			line = style + line + styleReset
		}
		fmt.Fprintln(s, line)
	}
}

// cut is the beginning of text that fits into so many columns, and what follows: it is cut at a space where there is one, and
// never within a character that a person sees as one.
func cut(text string, room int) (line, rest string) {
	if columns(text) <= room {
		return text, ""
	}
	used, end, space := 0, 0, 0
	for g := displaywidth.StringGraphemes(text); g.Next(); {
		if g.Value() == " " && strings.TrimSpace(text[:end]) != "" {
			space = end
		}
		if used += g.Width(); used > room {
			break
		}
		end += len(g.Value())
	}
	if space > 0 {
		end = space
	}
	if end == 0 { // a terminal of one column
		end = len(text)
	}
	return text[:end], strings.TrimLeft(text[end:], " ")
}

// columns is how many columns a terminal gives the text.
func columns(text string) int { return displaywidth.String(printable(text)) }

func padded(text string, to int) string { return text + strings.Repeat(" ", max(0, to-columns(text))) }
