package config

import (
	"slices"

	"github.com/alertvitals/notifier/config/problem"
	"github.com/alertvitals/notifier/routing"
)

// Intervals are all time intervals, those under the deprecated key, too.
func (c Config) Intervals() []routing.Interval {
	return slices.Concat(c.MuteTimeIntervals, c.TimeIntervals)
}

func (c Config) validateIntervals() []problem.Problem {
	older := routing.NamesOf(c.MuteTimeIntervals)
	return slices.Concat(
		problem.Under("mute_time_intervals", routing.ValidateIntervals(c.MuteTimeIntervals, nil)),
		problem.Under("time_intervals", routing.ValidateIntervals(c.TimeIntervals, older)),
		problem.Under("route", c.Route.ValidateIntervals(routing.NamesOf(c.Intervals()))),
	)
}
