package routing

import (
	"fmt"
	"slices"
	"time"

	"github.com/prometheus/alertmanager/timeinterval"

	"github.com/alertvitals/notifier/config/problem"
)

// Interval is a name for times, as Alertmanager writes it:
// https://prometheus.io/docs/alerting/latest/configuration/#time_interval. It holds at a time when one of its parts does.
type Interval struct {
	// Name is what routes name.
	Name string `yaml:"name"`
	// TimeIntervals are its parts, Alertmanager's own; it is one of those times when all that one part says holds (docs/time-intervals.md).
	TimeIntervals []timeinterval.TimeInterval `yaml:"time_intervals"`
}

// contains is whether the interval holds at t.
func (i Interval) contains(t time.Time) bool {
	return slices.ContainsFunc(i.TimeIntervals, func(part timeinterval.TimeInterval) bool { return part.ContainsTime(t.UTC()) })
}

// next is an instant after t before which the interval neither begins nor ends.
func (i Interval) next(t time.Time) time.Time {
	next := t.Add(24 * time.Hour)
	for _, part := range i.TimeIntervals {
		if n := nextOf(part, t); n.Before(next) {
			next = n
		}
	}
	return next
}

// nextOf is the next minute after t at which a part may begin or end: one of its times, midnight where it is, or the moment when the
// clocks there are changed.
func nextOf(part timeinterval.TimeInterval, t time.Time) time.Time {
	t = t.UTC()
	if part.Location != nil && part.Location.Location != nil {
		t = t.In(part.Location.Location)
	}
	hour, minute, second := t.Clock()
	sinceMidnight := time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute + time.Duration(second)*time.Second +
		time.Duration(t.Nanosecond())
	// As long as nobody changes the clocks. When somebody does, it is asked again then.
	midnight := t.Add(-sinceMidnight)
	next := midnight.Add(24 * time.Hour)
	if _, changed := t.ZoneBounds(); !changed.IsZero() && changed.Before(next) {
		next = changed
	}
	for _, r := range part.Times {
		for _, minutes := range []int{r.StartMinute, r.EndMinute} {
			if at := midnight.Add(time.Duration(minutes) * time.Minute); at.After(t) && at.Before(next) {
				next = at
			}
		}
	}
	return next
}

// ValidateIntervals says what is wrong with one list of intervals, each on its own.
func ValidateIntervals(intervals []Interval) []problem.Problem {
	var problems []problem.Problem
	for i, interval := range intervals {
		if interval.Name == "" {
			problems = append(problems, problem.Problem{Path: fmt.Sprintf("[%d].name", i), Msg: "a time interval needs a name, for routes to name it"})
		}
	}
	return problems
}

// NamesOf are the names of intervals.
func NamesOf(intervals []Interval) []string {
	names := make([]string, len(intervals))
	for i, interval := range intervals {
		names[i] = interval.Name
	}
	return names
}

// ValidateIntervals says which intervals the tree whose root r is names that are not among names.
func (r Route) ValidateIntervals(names []string) []problem.Problem {
	var problems []problem.Problem
	for _, list := range r.intervals() {
		if len(list.names) > 0 {
			problems = append(problems, problem.Problem{
				Path: list.key, Msg: "the root route takes what nothing else does, so it must always be there: put intervals on a route below it",
			})
		}
	}
	return append(problems, r.unknownIntervals(names)...)
}

func (r Route) unknownIntervals(names []string) []problem.Problem {
	var problems []problem.Problem
	for _, list := range r.intervals() {
		for i, name := range list.names {
			if !slices.Contains(names, name) {
				problems = append(problems, problem.Missing(fmt.Sprintf("%s[%d]", list.key, i), "time interval", name, names))
			}
		}
	}
	for i, child := range r.Routes {
		problems = append(problems, problem.Under(fmt.Sprintf("routes[%d]", i), child.unknownIntervals(names))...)
	}
	return problems
}

// intervalNames are the intervals that a route names under a key.
type intervalNames struct {
	key   string
	names []string
}

func (r Route) intervals() []intervalNames {
	return []intervalNames{{"mute_time_intervals", r.MuteTimeIntervals}, {"active_time_intervals", r.ActiveTimeIntervals}}
}
