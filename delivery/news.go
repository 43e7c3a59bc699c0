package delivery

import (
	"maps"
	"slices"
	"time"

	"github.com/prometheus/alertmanager/template"

	"github.com/alertvitals/notifier/alert"
)

// knowledge is what is known of a group's alerts from what was said of them so far.
type knowledge struct {
	// At is when the newest notification was accepted that said something; zero when none did.
	At     time.Time `json:"at,omitzero"`
	Status string    `json:"status,omitempty"`
	// Firing are the alerts that fire, by fingerprint: when they started.
	Firing map[string]time.Time `json:"firing,omitempty"`
	// Ended are the alerts that were resolved with the newest notification, or not long before.
	Ended map[string]ended `json:"ended,omitempty"`
	// Truncated is how many alerts nobody told us about.
	Truncated uint64 `json:"truncated,omitempty"`
	// Repeat is whether Alertmanager called the newest notification a repeat.
	Repeat bool `json:"repeat,omitempty"`
}

// ended is the end of an alert.
type ended struct {
	Start time.Time `json:"start,omitzero"`
	End   time.Time `json:"end,omitzero"`
	// At is when the notification was accepted that said so.
	At time.Time `json:"at,omitzero"`
}

// echo is how long after a repeat the same repeat is a duplicate.
const echo = time.Minute

// correct is what a group says in the light of what is known, when it comes from an Alertmanager that is behind.
//
// An alert that ended before it began to fire anew, as is known, fires, and since then. An end that is not newer than the known
// one is that one. An alert that fires since before the end that is known of it counts as resolved. That holds for window after
// the end became known; whoever is behind has said so by then, and an alert that is still said to fire does: an Alertmanager that
// had lost its Prometheus for a while resolves an alert which then goes on firing since the same time. InDoubt are the
// fingerprints of such alerts, with the end of the doubt.
func (k knowledge) correct(g alert.Group, now time.Time, window time.Duration) (corrected alert.Group, inDoubt map[string]time.Time) {
	corrected = g
	corrected.Alerts = slices.Clone(g.Alerts)
	for i := range corrected.Alerts {
		a := &corrected.Alerts[i]
		start, fires := k.Firing[a.Fingerprint]
		end, over := k.Ended[a.Fingerprint]
		if a.Status == alert.StatusResolved {
			switch said := later(a.StartsAt, a.EndsAt); {
			case fires && !said.IsZero() && start.After(said):
				a.Status, a.StartsAt, a.EndsAt = alert.StatusFiring, start, time.Time{}
			case !fires && over && !said.After(end.End):
				a.StartsAt, a.EndsAt = end.Start, end.End
			}
			continue
		}
		switch {
		case !over || a.StartsAt.After(end.End):
		case fires && start.After(end.End):
			a.StartsAt = start
		case !fires && now.Before(end.At.Add(window)):
			if inDoubt == nil {
				inDoubt = map[string]time.Time{}
			}
			inDoubt[a.Fingerprint] = end.At.Add(window)
			a.Status, a.StartsAt, a.EndsAt = alert.StatusResolved, end.Start, end.End
		}
	}
	return corrected, inDoubt
}

// old is whether a group says nothing that is not known: its alerts fire or are resolved as they were. One that fires since a
// later time than is known fires anew; an earlier time is that of an Alertmanager which saw it first, before a restart. What it
// leaves out says nothing: an Alertmanager that is behind does not know of it yet.
func (k knowledge) old(g alert.Group) bool {
	if k.At.IsZero() || g.Truncated != k.Truncated {
		return false
	}
	return !slices.ContainsFunc(g.Alerts, func(a template.Alert) bool { return !k.knows(a) })
}

func (k knowledge) knows(a template.Alert) bool {
	start, fires := k.Firing[a.Fingerprint]
	if a.Status == alert.StatusFiring {
		return fires && !a.StartsAt.After(start)
	}
	end, over := k.Ended[a.Fingerprint]
	return !fires && over && end.Start.Equal(a.StartsAt)
}

// duplicate is whether a group, accepted at, has to be told no more. A repeat has to be, and so has what only repeats after
// the window; that a group is resolved is never repeated.
func (k knowledge) duplicate(g alert.Group, at time.Time, window time.Duration) bool {
	switch {
	case !k.old(g):
		return false
	case k.Status == alert.StatusResolved && g.Status() == alert.StatusResolved:
		return true
	case g.Repeated() && len(g.Alerts.Firing()) == len(k.Firing):
		return k.Repeat && at.Sub(k.At) < echo
	default:
		return at.Sub(k.At) < window
	}
}

// after is what is known when g was said, too.
func (k knowledge) after(g alert.Group, at time.Time, window time.Duration) knowledge {
	n := knowledge{
		At: at, Status: g.Status(), Truncated: g.Truncated, Repeat: g.Repeated(),
		Firing: map[string]time.Time{}, Ended: map[string]ended{},
	}
	if at.Before(k.At) {
		n.At = k.At
	}
	if g.Truncated > 0 {
		maps.Copy(n.Firing, k.Firing) // what is hidden may fire as before
	}
	for fingerprint, end := range k.Ended {
		if at.Sub(end.At) < window {
			n.Ended[fingerprint] = end
		}
	}
	for _, a := range g.Alerts {
		if a.Status == alert.StatusFiring {
			n.Firing[a.Fingerprint] = later(k.Firing[a.Fingerprint], a.StartsAt)
			continue
		}
		delete(n.Firing, a.Fingerprint)
		_, fired := k.Firing[a.Fingerprint] // then it is an end of its own, even of an alert that fired since the same time
		if before, ok := k.Ended[a.Fingerprint]; ok && !fired && before.Start.Equal(a.StartsAt) {
			n.Ended[a.Fingerprint] = before
		} else {
			n.Ended[a.Fingerprint] = ended{Start: a.StartsAt, End: later(a.StartsAt, a.EndsAt), At: at}
		}
	}
	for _, a := range g.Gone {
		delete(n.Firing, a.Fingerprint)
	}
	return n
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// firing are the fingerprints of the alerts that fire, sorted.
func (k knowledge) firing() []string { return slices.Sorted(maps.Keys(k.Firing)) }

// over are the fingerprints of the alerts of a group whose end is known.
func (k knowledge) over(g alert.Group) (fingerprints []string) {
	for _, a := range g.Alerts.Resolved() {
		if k.knows(a) {
			fingerprints = append(fingerprints, a.Fingerprint)
		}
	}
	return fingerprints
}
