package templates

import (
	"fmt"
	"time"
)

// ago is a duration as people say it, with its two largest parts at most: "12 s", "27 min", "4 d 2 h".
func ago(d time.Duration) string {
	d = max(d, 0)
	part := func(large, small time.Duration, largeUnit, smallUnit string) string {
		if rest := d % large / small; rest > 0 {
			return fmt.Sprintf("%d %s %d %s", d/large, largeUnit, rest, smallUnit)
		}
		return fmt.Sprintf("%d %s", d/large, largeUnit)
	}
	const day = 24 * time.Hour
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%d min", d/time.Minute)
	case d < day:
		return part(time.Hour, time.Minute, "h", "min")
	default:
		return part(day, time.Hour, "d", "h")
	}
}

// clock is a time of day in UTC, with the date when it is not within the last day.
func clock(t, now time.Time) string {
	t = t.UTC()
	if age := now.Sub(t); age > -24*time.Hour && age < 24*time.Hour {
		return t.Format("15:04")
	}
	if t.Year() == now.UTC().Year() {
		return t.Format("2 Jan 15:04")
	}
	return t.Format("2 Jan 2006 15:04")
}
