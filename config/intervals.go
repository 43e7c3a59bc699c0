package config

import (
	"fmt"
	"slices"

	"github.com/alertvitals/notifier/config/problem"
	"github.com/alertvitals/notifier/routing"
)

// Intervals are all time intervals, those under the deprecated key, too.
func (c Config) Intervals() []routing.Interval {
	return slices.Concat(c.MuteTimeIntervals, c.TimeIntervals)
}

func (c Config) validateIntervals() []problem.Problem {
	names := routing.NamesOf(c.Intervals())
	path := func(i int) string {
		if i < len(c.MuteTimeIntervals) {
			return fmt.Sprintf("mute_time_intervals[%d].name", i)
		}
		return fmt.Sprintf("time_intervals[%d].name", i-len(c.MuteTimeIntervals))
	}
	return slices.Concat(
		problem.Under("mute_time_intervals", routing.ValidateIntervals(c.MuteTimeIntervals)),
		problem.Under("time_intervals", routing.ValidateIntervals(c.TimeIntervals)),
		problem.Twice("time interval", names, path),
		problem.Under("route", c.Route.ValidateIntervals(names)),
	)
}
