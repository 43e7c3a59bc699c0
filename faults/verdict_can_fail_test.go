package faults

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/alertvitals/notifier/alert"
)

// exampleGroup fires with two alerts, loses one, resolves, and fires anew.
func exampleGroup() group {
	a1, a2 := plannedAlert{ID: 1, Severity: alert.Warning, Start: 1}, plannedAlert{ID: 2, Severity: alert.Warning, Start: 1}
	ended := func(a plannedAlert, at int) plannedAlert {
		a.End = at
		return a
	}
	again := a1
	again.Start = 4
	return group{ID: 7, Updates: []update{
		{Version: 1, Alerts: []plannedAlert{a1, a2}},
		{Version: 2, Alerts: []plannedAlert{a1, ended(a2, 2)}},
		{Version: 3, Alerts: []plannedAlert{ended(a1, 3)}},
		{Version: 4, Alerts: []plannedAlert{again}},
	}}
}

// said is a call of exampleGroup at team: "post 100 u1 a1s1 a2s1-".
func said(text string) call {
	fields := strings.Fields(text)
	c := call{Channel: "team", Method: fields[0], TS: fields[1], Taken: true}
	for _, field := range fields[2:] {
		var shown shownAlert
		switch {
		case field == "lost":
			c.Lost = true
		case field == "refused":
			c.Taken = false
		case field == "restarted":
			c.Epoch++
		case field[0] == 'u':
			c.Group = 7
			_, _ = fmt.Sscanf(field, "u%d", &c.Version)
		default:
			_, _ = fmt.Sscanf(field, "a%ds%d", &shown.ID, &shown.Start)
			shown.Resolved = strings.HasSuffix(field, "-")
			c.Alerts = append(c.Alerts, shown)
			c.Instances = append(c.Instances, shown.ID)
		}
	}
	c.Resolved = c.Method != "reply" && !slices.ContainsFunc(c.Alerts, func(a shownAlert) bool { return !a.Resolved })
	return c
}

// TestVerdict breaks each promise once on paper: a verdict that cannot fail says nothing.
func TestVerdict(t *testing.T) {
	for name, tc := range map[string]struct {
		transcript string
		broken     string // "" when all promises hold
		extra      int
	}{
		"all is well": {`
			post 100 u1 a1s1 a2s1
			edit 100 u2 a1s1 a2s1-
			reply 100 a2s1-
			edit 100 u3 a1s1-
			reply 100
			post 200 u4 a1s4`, "", 0},
		"all merged": {`
			post 100 u4 a1s4 a2s1-`, "", 0},
		"some merged": {`
			post 100 u1 a1s1 a2s1
			edit 100 u3 a1s1- a2s1-
			post 200 u4 a1s4`, "", 0},
		"merged over an episode, in the old message": {`
			post 100 u1 a1s1 a2s1
			edit 100 u4 a1s4 a2s1-`, "", 0},
		"twice after a lost answer": {`
			post 100 u1 a1s1 a2s1 lost
			post 110 u1 a1s1 a2s1
			edit 110 u3 a1s1- a2s1-
			post 200 u4 a1s4`, "", 1},
		"twice after a kill, and newer by then": {`
			post 100 u1 a1s1 a2s1
			post 110 u2 a1s1 a2s1- restarted
			edit 110 u3 a1s1- restarted
			post 200 u4 a1s4 restarted`, "", 1},
		"edit repeated for its reply": {`
			post 100 u1 a1s1 a2s1
			edit 100 u2 a1s1 a2s1-
			reply 100 refused
			edit 100 u2 a1s1 a2s1-
			reply 100 a2s1-
			edit 100 u3 a1s1-
			post 200 u4 a1s4`, "", 0},
		"edit repeated after its reply's answer was lost": {`
			post 100 u1 a1s1 a2s1
			edit 100 u3 a1s1- a2s1-
			reply 100 lost
			edit 100 u3 a1s1- a2s1-
			reply 100
			post 200 u4 a1s4`, "", 0},
		"nothing at all": {``, "P2: group 7 at team: nothing was ever shown", 0},
		"the end is lost": {`
			post 100 u1 a1s1 a2s1
			edit 100 u3 a1s1- a2s1-`, "P2: group 7 at team: the last that is shown is u3", 0},
		"merged without a name": {`
			post 100 u4 a1s4`, "P2: group 7 at team: alert a2, which fired at u1, was never named", 0},
		"an alert is missing": {`
			post 100 u1 a1s1
			edit 100 u2 a1s1 a2s1-
			edit 100 u3 a1s1-
			post 200 u4 a1s4`, "P2: group 7 at team: u1 does not show alert a2", 0},
		"back in time": {`
			post 100 u1 a1s1 a2s1
			edit 100 u3 a1s1- a2s1-
			post 200 u4 a1s4
			edit 200 u2 a1s1 a2s1-
			edit 200 u4 a1s4`, "P3: group 7 at team: u2 is shown after u4", 0},
		"fires after its end": {`
			post 100 u1 a1s1 a2s1
			edit 100 u3 a1s1- a2s1-
			post 200 u4 a1s4 a2s1`, "P3: group 7 at team: u4 shows alert a2 of s1 as firing after its end", 0},
		"wrong state": {`
			post 100 u1 a1s1 a2s1
			edit 100 u2 a1s1 a2s1-
			edit 100 u3 a1s1
			post 200 u4 a1s4`, "P3: group 7 at team: u3 is shown as resolved=false", 0},
		"a message too many": {`
			post 100 u1 a1s1 a2s1
			post 110 u2 a1s1 a2s1-
			edit 110 u3 a1s1-
			post 200 u4 a1s4`, "P4: group 7 at team: u2 is a second message of the same episode", 0},
		"settled and yet shown again after a kill": {`
			post 100 u1 a1s1 a2s1
			edit 100 u2 a1s1 a2s1-
			post 110 u2 a1s1 a2s1- restarted
			edit 110 u3 a1s1- restarted
			post 200 u4 a1s4 restarted`, "P4: group 7 at team: u2 is a second message of the same episode", 0},
		"a duplicate after the end": {`
			post 100 u1 a1s1 a2s1
			edit 100 u3 a1s1- a2s1-
			post 200 u3 a1s1- a2s1-
			post 300 u4 a1s4`, "P4: group 7 at team: u3 is a second message", 0},
		"an edit too many": {`
			post 100 u1 a1s1 a2s1
			edit 100 u1 a1s1 a2s1
			edit 100 u3 a1s1- a2s1-
			post 200 u4 a1s4`, "P4: group 7 at team: u1 is shown twice", 0},
		"a reply too many": {`
			post 100 u1 a1s1 a2s1
			edit 100 u3 a1s1- a2s1-
			reply 100
			reply 100
			post 200 u4 a1s4`, "P4: group 7 at team: the thread of u3 says it twice", 0},
		"the wrong message": {`
			post 100 u1 a1s1 a2s1 lost
			post 110 u1 a1s1 a2s1
			edit 100 u3 a1s1- a2s1-
			post 200 u4 a1s4`, "P4: group 7 at team: an older message", 1},
	} {
		t.Run(name, func(t *testing.T) {
			var transcript []call
			for line := range strings.Lines(tc.transcript) {
				if strings.TrimSpace(line) != "" {
					transcript = append(transcript, said(line))
				}
			}

			v := judge([]group{exampleGroup()}, transcript, true)

			if tc.broken == "" {
				assert.Empty(t, v.Broken)
			} else {
				assert.Contains(t, strings.Join(v.Broken, "\n"), tc.broken)
			}
			if !strings.HasPrefix(tc.broken, "P4") {
				assert.Equal(t, tc.extra, v.ExtraMessages)
			}
		})
	}
}
