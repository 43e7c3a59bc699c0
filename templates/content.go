package templates

import (
	"strings"

	"github.com/alertvitals/notifier/alert"
)

// Content is what people should read about a group, the same for every sink; each sink lays it out and escapes it for its
// service. Every string is plain text, may hold anything that a label can hold, and has no markup. Numbers are formatted
// with their units. Parts that have nothing to say are empty.
type Content struct {
	// Status is alert.StatusFiring or alert.StatusResolved.
	Status   string
	Severity alert.Severity
	// Emoji stands before Title: "🔴". With it the state is told in words, by colour and by shape. "⏪" is the past.
	Emoji string
	// Title says what is wrong and how bad: "CRITICAL · HighErrorRate · aster · 2 firing". It begins with "LATE · " when the
	// message tells of the past.
	Title string
	// Headline says it in a sentence, and since when.
	Headline string
	// Note is a sentence about the telling itself: that it comes late, or instead of another receiver's. It is empty for an
	// ordinary message and stands right below the headline. A sink that runs out of room never drops it, as it never drops
	// Title, Headline and Counts.
	Note string
	// State says how the agent is: "aster is DEGRADED"; Checks is what its endpoints said. Both are empty without an agent.
	State  string
	Checks string
	// Vitals are in the order in which they matter to this alert: what is least useful comes last.
	Vitals []Vital
	// Trend draws how the vital that matters most went, in characters: "▁▁▂▂▁▂▆█ error rate, last hour: 0.1 % to 7.3 %".
	Trend string
	// Changes says, on a resolved group, what got better: "error rate 7.3 % → 0.1 %".
	Changes []string
	Tables  []Line
	// Charts are pictures of what the text says too, the most useful first. They are drawn for a sink that shows them.
	Charts []Image
	// Foot says when and how the vitals were taken.
	Foot string
	// Alerts is one line for each alert of the group: firing ones first, then resolved ones, then those that are no longer
	// reported.
	Alerts []Line
	// Counts is how many fire, are resolved, are no longer reported (and why that may be) and are hidden: "2 firing, 1
	// resolved, 3 hidden by max_alerts (set max_alerts: 0)". A sink that runs out of room never drops it.
	Counts string
	Links  []Link
	// News is what people must hear about this change of a group that they know already: "One more fires: aster-2:8080". It
	// names what fired and what was resolved since the last message, and counts what is too much to name. It is empty when
	// there is nothing new to hear.
	News string
	// Relief is whether News tells only of alerts that ended while others, which people know, go on firing: nobody has to be woken.
	Relief bool
}

// NewsBesideTitle is News for a message that shows Title right above: "Resolved after 27 min" alone would say it twice.
func (c Content) NewsBesideTitle() string {
	if c.Status == alert.StatusResolved && !strings.Contains(c.News, ";") {
		return ""
	}
	return c.News
}

// Vital is one number, in words: "error rate", "7.3 %", "▲ was 0.2 %".
type Vital struct {
	Name   string
	Value  string
	Change string
	// Loud is whether the value differs from normal.
	Loud bool
	// Unknown is whether there is no value: Value says why.
	Unknown bool
}

// Image is a picture for people.
type Image struct {
	// Title is what it is a picture of, in a few words: "error rate, last hour". Alt says what it shows to those who do not
	// see it.
	Title, Alt string
	PNG        []byte
}

// Line is a name and what is to be said of it.
type Line struct {
	Name string
	Text string
}

// Link is an address for people. URL is http or https.
type Link struct {
	Text string
	URL  string
}
