package templates

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/alertvitals/notifier/alert"
)

// difference is what differs between the group and what people were told of it: the names of the alerts.
type difference struct {
	// Joined fire, and people do not know.
	Joined []string
	// Left were told to fire, and are resolved.
	Left []string
	// Passed fired and were resolved before anybody here heard that they fired.
	Passed []string
	// Gone fired, and are neither reported as firing nor as resolved.
	Gone []string
}

// differenceOf names the alerts. A group may have thousands.
func differenceOf(in Input) difference {
	known, ended := set(in.Known), set(in.Ended)
	shared := sharedLabels(in.Group)
	var d difference
	for _, a := range in.Group.Alerts {
		var list *[]string
		switch firing := a.Status == alert.StatusFiring; {
		case firing && !known[a.Fingerprint]:
			list = &d.Joined
		case !firing && known[a.Fingerprint]:
			list = &d.Left
		case !firing && !ended[a.Fingerprint]:
			list = &d.Passed
		default:
			continue
		}
		*list = append(*list, alertName(a.Labels, shared))
	}
	for _, a := range in.Group.Gone {
		d.Gone = append(d.Gone, alertName(a.Labels, shared))
	}
	return d
}

// worse is whether what joined is more severe than all that people were told of the group.
func worse(in Input, d difference) bool {
	known := set(in.Known)
	highest := 0
	for _, a := range slices.Concat(in.Group.Alerts, in.Group.Gone) {
		if known[a.Fingerprint] {
			highest = max(highest, alert.Severity(a.Labels["severity"]).Rank())
		}
	}
	return highest > 0 && len(d.Joined) > 0 && in.Group.Severity().Rank() > highest
}

func set(fingerprints []string) map[string]bool {
	all := make(map[string]bool, len(fingerprints))
	for _, fingerprint := range fingerprints {
		all[fingerprint] = true
	}
	return all
}

// What is said in one breath: so many names, each of so many characters at most.
const (
	mostNames   = 5
	longestName = 60
)

// names are the first few, and how many more there are: "a, b, c, d, e …and 12 more". The alerts' lines have all of them.
func names(of []string) string {
	var said []string
	for _, name := range of[:min(len(of), mostNames)] {
		said = append(said, cut(name, longestName))
	}
	text := strings.Join(said, ", ")
	if more := len(of) - len(said); more > 0 {
		text += fmt.Sprintf(" …and %d more", more)
	}
	return text
}

// cut is the beginning of a line, at most that many characters of it; it ends with "…" when it was cut.
func cut(text string, most int) string {
	if len(text) <= most || utf8.RuneCountInString(text) <= most {
		return text
	}
	return strings.TrimRight(string([]rune(text)[:most-1]), " ") + "…"
}

// sentence makes one of parts that each begin with "; ".
func sentence(parts string) string {
	text := strings.TrimPrefix(parts, "; ")
	if text == "" {
		return ""
	}
	first, size := utf8.DecodeRuneInString(text)
	return string(unicode.ToUpper(first)) + text[size:]
}
