package chart

import (
	"math"
	"time"
)

// axis is the span of values that the picture shows, and where its grid lines are.
type axis struct {
	low, high float64
	ticks     []float64
	// above and below say that the threshold lies beyond that end.
	above, below bool
}

// mostGrid is how many steps the value axis has at the most.
const mostGrid = 5

// farAway is how many times the values a threshold may be before it is only pointed to: it would press them flat.
const farAway = 4

// newAxis has 0 in it: a line that seems to climb from nothing to much must do so.
func newAxis(series []Series, threshold *Threshold, scale Scale) axis {
	low, high := 0.0, 0.0
	for _, s := range series {
		for _, v := range s.Values {
			if known(v) {
				low, high = min(low, v), max(high, v)
			}
		}
	}
	a := axis{}
	if threshold != nil {
		v, reach := threshold.Value, farAway*max(high, -low)
		switch {
		case reach > 0 && v > reach:
			a.above = true
		case reach > 0 && -v > reach:
			a.below = true
		default:
			low, high = min(low, v), max(high, v)
		}
	}
	if low == 0 && high == 0 {
		high = 1
	}
	// A little air, so that the highest value does not touch the frame.
	span := high - low
	if high > 0 {
		high += span * 0.08
	}
	if low < 0 {
		low -= span * 0.08
	}
	step := stepFor((high-low)/mostGrid, scale)
	for i := math.Ceil(low / step); i*step <= high && len(a.ticks) <= 2*mostGrid; i++ {
		a.ticks = append(a.ticks, i*step)
	}
	a.low, a.high = low, high
	return a
}

// part is where on the axis a value lies: 0 at its low end, 1 at its high end.
func (a axis) part(v float64) float64 { return (v - a.low) / (a.high - a.low) }

// clock are the steps of a clock, in seconds.
var clock = []float64{60, 120, 300, 600, 900, 1800, 3600, 7200, 3 * 3600, 6 * 3600, 12 * 3600, 86400}

// stepFor is the smallest step of the scale that is at least as large.
func stepFor(least float64, scale Scale) float64 {
	switch {
	case scale == Binary && least > 1:
		return math.Pow(2, math.Ceil(math.Log2(least)))
	case scale == Time && least > 10 && least <= 86400:
		for _, step := range append([]float64{15, 30}, clock...) {
			if step >= least {
				return step
			}
		}
	case scale == Time && least > 86400:
		return 86400 * stepFor(least/86400, Decimal)
	}
	power := math.Pow(10, math.Floor(math.Log10(least)))
	for _, digit := range []float64{1, 2, 5} {
		if digit*power >= least {
			return digit * power
		}
	}
	return 10 * power
}

// timeTicks are full steps of the clock, some six of them.
func timeTicks(from, to time.Time) []time.Time {
	span := to.Sub(from)
	if span <= 0 {
		return nil
	}
	step := time.Duration(stepFor(max(span.Seconds()/6, 60), Time)) * time.Second
	var ticks []time.Time
	for t := from.Truncate(step); !t.After(to); t = t.Add(step) {
		if !t.Before(from) {
			ticks = append(ticks, t)
		}
	}
	return ticks
}
