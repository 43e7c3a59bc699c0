package delivery

import (
	"errors"
	"time"

	"github.com/alertvitals/notifier/notifiers"
)

const (
	// firstPause doubles with each failed try, up to longestPause.
	firstPause   = 500 * time.Millisecond
	longestPause = time.Minute
	// longestRetryAfter bounds what the far side may ask for: a wrong clock there must not silence us for a day.
	longestRetryAfter = time.Hour
)

// Next is how long to wait after the failed try number attempt (1, 2, …), which ended with err. rnd is in [0,1): half of a
// pause is left to chance, so that messages that failed together do not come back together. The far side's own wish for a
// longer pause is granted, up to an hour.
func Next(attempt int, err error, rnd float64) time.Duration {
	wait := longestPause
	if shift := max(attempt, 1) - 1; shift < 16 {
		wait = min(firstPause<<shift, longestPause)
	}
	wait = wait/2 + time.Duration(rnd*float64(wait/2))
	return max(wait, wish(err))
}

// wish is how long the far side itself asked to be left alone.
func wish(err error) time.Duration {
	if e, ok := errors.AsType[*notifiers.Error](err); ok {
		return min(max(e.RetryAfter, 0), longestRetryAfter)
	}
	return 0
}

// permanent is whether trying again cannot help.
func permanent(err error) bool {
	e, ok := errors.AsType[*notifiers.Error](err)
	return ok && e.Permanent
}
