package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/alertvitals/notifier/routing"
)

// widestValue is how many characters of a label's value are shown.
const widestValue = 80

// treeText draws a tree. file is the configuration's name.
func treeText(root routing.Node, file string) string {
	var text strings.Builder
	drawNode(&text, root, file, "", "")
	return text.String()
}

// drawNode draws a node behind first, and what is below it behind rest.
func drawNode(text *strings.Builder, n routing.Node, file, first, rest string) {
	label := matchersText(n.Matchers) + " → " + printable(n.Receiver)
	if n.Continue {
		label += ", continues"
	}
	label += intervalsText(n.MuteTimeIntervals, n.ActiveTimeIntervals)
	fmt.Fprintf(text, "%s%s%s\n", first, label, atLine(file, n.Line))
	below := "    "
	if len(n.Routes) > 0 {
		below = "│   "
	}
	for _, severity := range slices.Sorted(maps.Keys(n.BySeverity)) {
		fmt.Fprintf(text, "%s%sseverity %s → %s\n", rest, below, severityText(severity), names(n.BySeverity[severity]))
	}
	for i, child := range n.Routes {
		if i == len(n.Routes)-1 {
			drawNode(text, child, file, rest+"└── ", rest+"    ")
			continue
		}
		drawNode(text, child, file, rest+"├── ", rest+"│   ")
	}
}

func matchersText(matchers []string) string {
	if len(matchers) == 0 {
		return "every alert"
	}
	return "{" + printable(strings.Join(matchers, ",")) + "}"
}

// intervalsText is when a route tells nobody.
func intervalsText(muted, active []string) string {
	text := ""
	if len(muted) > 0 {
		text += ", muted during " + names(muted)
	}
	if len(active) > 0 {
		text += ", active only during " + names(active)
	}
	return text
}

func severityText(severity string) string {
	if severity == "" {
		return `""`
	}
	return short(printable(severity), widestValue)
}

func atLine(file string, line int) string {
	if line == 0 {
		return ""
	}
	return fmt.Sprintf("  (%s:%d)", printable(file), line)
}

// answerText is where alerts go, the receivers first, on a line that a script can read.
func answerText(a routing.Answer, file string) string {
	var text strings.Builder
	fmt.Fprintln(&text, printable(strings.Join(a.Receivers, ",")))
	for i, e := range a.Alerts {
		fmt.Fprintln(&text)
		if len(a.Alerts) > 1 {
			fmt.Fprintf(&text, "Alert %d of %d: %s\n", i+1, len(a.Alerts), labelsText(e.Labels))
		}
		width := 0
		for _, name := range e.Receivers {
			width = max(width, utf8.RuneCountInString(printable(name)))
		}
		for _, t := range e.Through {
			fmt.Fprintf(&text, "%-*s  through %s%s\n", width, printable(t.Receiver), printable(t.Place())+
				intervalsText(t.MuteTimeIntervals, t.ActiveTimeIntervals), atLine(file, t.Line))
		}
		if e.Heartbeat {
			fmt.Fprintln(&text, "It is a heartbeat that is expected: it is heard, and nobody is told unless a route below the root takes it.")
		}
		fmt.Fprintln(&text, "\nTried:")
		for _, try := range e.Tried {
			fmt.Fprintf(&text, "%s%s: %s%s\n", strings.Repeat("  ", try.Depth+1), wayText(try), outcomeText(try, e.Labels), atLine(file, try.Line))
		}
	}
	return text.String()
}

func labelsText(labels map[string]string) string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		all = append(all, fmt.Sprintf("%s=%q", printable(name), short(printable(labels[name]), widestValue)))
	}
	if len(all) == 0 {
		return "no labels"
	}
	return strings.Join(all, " ")
}

// wayText is the last step of a try's way: its own matchers.
func wayText(t routing.Try) string {
	if t.Own == "{}" {
		return "every alert"
	}
	return printable(t.Own)
}

func outcomeText(t routing.Try, labels map[string]string) string {
	goesOn := ""
	if t.Continue {
		goesOn = ", and continues"
	}
	switch t.Outcome {
	case routing.NotTried:
		return fmt.Sprintf("not tried: %s fits and does not continue", t.After)
	case routing.PassedOn:
		return "fits, and so does a route below" + goesOn
	case routing.Refused:
		var why []string
		for _, c := range t.Matchers {
			switch {
			case c.Fits:
			case c.Value == "":
				why = append(why, printable(c.Label)+" is not set")
			default:
				why = append(why, fmt.Sprintf("%s is %q", printable(c.Label), short(printable(c.Value), widestValue)))
			}
		}
		return "no, " + strings.Join(why, " and ")
	}
	to := " → " + names(t.Receivers) + goesOn
	severity := severityText(labels["severity"])
	switch {
	case t.BySeverity != nil:
		return "fits; severity " + severityText(*t.BySeverity) + to
	case t.Unlisted && labels["severity"] == "":
		return "fits; there is no severity" + to
	case t.Unlisted:
		return "fits; by_severity does not list " + severity + to
	default:
		return "fits" + to
	}
}
