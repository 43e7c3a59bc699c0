package templates

import (
	"time"

	"github.com/alertvitals/notifier/diagnostics"
)

// Describe says in words how an agent is, in the words of a message but without an alert: State, Checks, Vitals, Tables and
// Foot. What is not normal comes first, what is not known last.
func Describe(s *diagnostics.Snapshot, now time.Time) Content {
	return Content{
		State: stateOf(s), Checks: checksOf(s), Vitals: vitals(s, nil, now, nil), Tables: tables(s, nil), Foot: foot(s),
	}
}
