package faults

import (
	"fmt"
	"slices"
	"strings"
)

// verdict is what a transcript says of the promises.
type verdict struct {
	// Broken are the promises that did not hold, and below them what was accepted and shown of the group.
	Broken []string
	// What was shown twice because the notifier could not know better: it was killed, or an answer was lost.
	ExtraMessages, ExtraReplies int
}

// story is all that one receiver was told of one group.
type story struct {
	group    group
	receiver receiver
	heard    []heard
	calls    []call
}

// judge holds the transcript against the plan. over is whether all had the time to arrive: only then what is missing is lost.
func judge(plan []group, transcript []call, over bool) verdict {
	var v verdict
	for _, s := range stories(plan, transcript, &v) {
		s.judge(&v, over)
	}
	return v
}

// stories sorts the calls by receiver and group.
func stories(plan []group, transcript []call, v *verdict) []*story {
	type key struct {
		receiver receiver
		group    int
	}
	byKey := map[key]*story{}
	var all []*story
	for _, g := range plan {
		for _, r := range []receiver{"oncall", "team", "info"} {
			s := &story{group: g, receiver: r, heard: g.at(r)}
			byKey[key{r, g.ID}] = s
			all = append(all, s)
		}
	}
	posted := map[string]*story{} // by timestamp
	for _, c := range transcript {
		s := posted[c.TS]
		if c.Method == "post" {
			s = byKey[key{c.Channel, c.Group}]
		}
		switch {
		case s == nil:
			v.Broken = append(v.Broken, fmt.Sprintf("a call belongs to no group of the plan: %v", c))
			continue
		case c.Taken && c.Method == "post":
			posted[c.TS] = s
		}
		s.calls = append(s.calls, c)
	}
	return all
}

func (s *story) at(version int) (heard, bool) {
	i := slices.IndexFunc(s.heard, func(h heard) bool { return h.Version == version })
	if i < 0 {
		return heard{}, false
	}
	return s.heard[i], true
}

func (s *story) judge(v *verdict, over bool) {
	var found []string
	broken := func(promise, format string, args ...any) {
		found = append(found, fmt.Sprintf("%s: group %d at %s: %s", promise, s.group.ID, s.receiver, fmt.Sprintf(format, args...)))
	}
	defer func() {
		if len(found) > 0 {
			v.Broken = append(v.Broken, strings.Join(append(found, s.String()), "\n"))
		}
	}()
	var shown []call // posts and edits that were taken
	troubled := false
	for _, c := range s.calls {
		if !c.Taken {
			troubled = true
			continue
		}
		if c.Method == "reply" {
			troubled = troubled || c.Lost // then the edit before it comes again too
			continue
		}
		h, routed := s.at(c.Version)
		if !routed {
			broken("P2", "it is shown u%d, which does not route to it", c.Version)
			continue
		}
		s.judgeContent(c, h, broken)
		if len(shown) > 0 {
			last := shown[len(shown)-1]
			s.judgeOrder(last, c, shown, broken)
			if s.judgeRepeat(last, c, h, troubled, broken) {
				v.ExtraMessages++
			}
		}
		troubled = c.Lost
		shown = append(shown, c)
	}
	v.ExtraReplies += s.judgeReplies(broken)
	if over {
		s.judgeEnd(shown, broken)
	}
}

// judgeContent compares a message with what Alertmanager said at that version. Merged messages name more alerts: those that
// were resolved while nobody could be told.
func (s *story) judgeContent(c call, h heard, broken func(string, string, ...any)) {
	if c.Resolved != h.resolved() {
		broken("P3", "u%d is shown as resolved=%v", c.Version, c.Resolved)
	}
	for _, a := range h.Alerts {
		if !slices.Contains(c.Alerts, shownAlert{a.ID, a.Start, a.resolved()}) {
			broken("P2", "u%d does not show alert a%d of s%d with resolved=%v", c.Version, a.ID, a.Start, a.resolved())
		}
	}
	for _, a := range c.Alerts {
		known := slices.ContainsFunc(h.Alerts, func(b plannedAlert) bool {
			return b.ID == a.ID && b.Start == a.Start && b.resolved() == a.Resolved
		})
		if !known && !s.wasResolved(a, c.Version) {
			broken("P3", "u%d shows alert a%d of s%d with resolved=%v, which it was not", c.Version, a.ID, a.Start, a.Resolved)
		}
	}
}

// wasResolved is whether an alert is shown as resolved and was, at the version or before.
func (s *story) wasResolved(a shownAlert, version int) bool {
	return a.Resolved && slices.ContainsFunc(s.heard, func(h heard) bool {
		return h.Version <= version && slices.ContainsFunc(h.Alerts, func(b plannedAlert) bool {
			return b.ID == a.ID && b.Start == a.Start && b.resolved()
		})
	})
}

// judgeOrder asks whether c goes back behind what was shown before it.
func (s *story) judgeOrder(last, c call, shown []call, broken func(string, string, ...any)) {
	if c.Version < last.Version {
		broken("P3", "u%d is shown after u%d", c.Version, last.Version)
	}
	for _, a := range c.Alerts {
		if a.Resolved {
			continue
		}
		for _, before := range shown {
			if slices.Contains(before.Alerts, shownAlert{a.ID, a.Start, true}) {
				broken("P3", "u%d shows alert a%d of s%d as firing after its end was shown", c.Version, a.ID, a.Start)
				return
			}
		}
	}
}

// judgeRepeat asks whether c had to be shown after last. extra is whether it is a message too many with an excuse: the
// notifier could not know that last was taken.
func (s *story) judgeRepeat(last, c call, h heard, troubled bool, broken func(string, string, ...any)) (extra bool) {
	before, _ := s.at(last.Version)
	restarted := last.Epoch != c.Epoch
	if c.Method == "edit" {
		switch {
		case c.TS != last.TS:
			broken("P4", "an older message than the last one is edited")
		case c.Version == last.Version && !troubled && !restarted:
			broken("P4", "u%d is shown twice without a reason", c.Version)
		}
		return false
	}
	if h.Episode > before.Episode {
		return false
	}
	if last.Method == "post" && (last.Lost || restarted) {
		return true
	}
	broken("P4", "u%d is a second message of the same episode without a reason", c.Version)
	return false
}

// judgeReplies asks whether something was said twice in a thread.
func (s *story) judgeReplies(broken func(string, string, ...any)) (extra int) {
	said := map[string]call{} // by message and version
	version := map[string]int{}
	for _, c := range s.calls {
		if !c.Taken {
			continue
		}
		if c.Method != "reply" {
			version[c.TS] = c.Version
			continue
		}
		key := fmt.Sprint(c.TS, " u", version[c.TS])
		if before, twice := said[key]; twice {
			if !before.Lost && before.Epoch == c.Epoch {
				broken("P4", "the thread of u%d says it twice without a reason", version[c.TS])
			}
			extra++
		}
		said[key] = c
	}
	return extra
}

// judgeEnd asks whether all that was accepted was shown in the end.
func (s *story) judgeEnd(shown []call, broken func(string, string, ...any)) {
	if len(s.heard) == 0 {
		return
	}
	last := s.heard[len(s.heard)-1]
	if len(shown) == 0 {
		broken("P2", "nothing was ever shown, the last was u%d", last.Version)
		return
	}
	end := shown[len(shown)-1]
	if h, _ := s.at(end.Version); h.Run != last.Run {
		broken("P2", "the last that is shown is u%d, the last that was accepted is u%d", end.Version, last.Version)
		return
	}
	for _, h := range s.heard {
		for _, a := range h.Alerts {
			if a.Start != h.Version && h.Version != s.heard[0].Version {
				continue // it fired before
			}
			if !s.named(a.ID, h.Version) {
				broken("P2", "alert a%d, which fired at u%d, was never named since", a.ID, h.Version)
			}
		}
	}
}

// named is whether a call at the version or a later one names the alert. A reply says what its message says.
func (s *story) named(alert, since int) bool {
	version := map[string]int{}
	for _, c := range s.calls {
		if !c.Taken {
			continue
		}
		if c.Method != "reply" {
			version[c.TS] = c.Version
		}
		if version[c.TS] >= since && slices.Contains(c.Instances, alert) {
			return true
		}
	}
	return false
}

// String is the story, for a person who looks for the reason.
func (s *story) String() string {
	var text strings.Builder
	for _, h := range s.heard {
		fmt.Fprintf(&text, "    accepted u%d (episode %d, run %d): %v\n", h.Version, h.Episode, h.Run, h.Alerts)
	}
	for _, c := range s.calls {
		fmt.Fprintf(&text, "    %v\n", c)
	}
	return text.String()
}
