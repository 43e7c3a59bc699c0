package diagnostics

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// TrendStep is the time between two values of a Trend.
const TrendStep = 5 * time.Minute

const (
	// trendPoints are those of an hour, without the current value.
	trendPoints = 12
	// fewestPoints is how many must be known for a trend to mean anything.
	fewestPoints = 4
)

// trend keeps how the vitals of one agent went, at full steps of the clock. What was scraped does not change any more, so each
// moment is computed once: by the poller, which leaves snapshots little to do.
type trend struct {
	mu sync.Mutex
	// tried is the last full step of the clock at which the poller has looked.
	tried time.Time
	// at are the moments of the courses, which are kept by the vital's name.
	at      moments
	courses map[string]followed
}

// followed is how one vital went, by one of its ways.
type followed struct {
	way    *way
	values []float64
}

// follow brings the trend up to the full step before the newest scrape. Only values of moments that are new are computed. It
// gives nothing while somebody else is at it.
func (t *trend) follow(ctx context.Context, e *evaluator, groups [][]*vitalSpec) (map[string]followed, error) {
	if !t.mu.TryLock() {
		return nil, nil //nolint:nilnil // nothing is known, and that is no failure
	}
	defer t.mu.Unlock()
	wanted := until(e.at.Add(-time.Millisecond).Truncate(TrendStep), TrendStep, trendPoints)
	fresh := trendPoints
	if t.at.n > 0 {
		fresh = int(min(wanted.last().Sub(t.at.last())/TrendStep, trendPoints))
	}
	if fresh < 0 {
		return nil, nil //nolint:nilnil // the clock went back: what is kept is of the future
	}
	next := map[string]followed{}
	var errs error
	for _, specs := range groups {
		name, before := specs[0].Name, t.courses[specs[0].Name]
		if specs[0].NoBefore || specs[0].Label != "" || len(specs[0].Topics) == 0 && !specs[0].asked {
			continue
		}
		now, err := before.upTo(ctx, e, specs, wanted, fresh)
		if err != nil && !errors.Is(err, errSeveral) {
			errs = errors.Join(errs, fmt.Errorf("trend of %q: %w", name, err))
		}
		if ctx.Err() != nil {
			return nil, errs // it is begun anew another time
		}
		if err == nil && now.way != nil {
			next[name] = now
		}
	}
	t.at, t.courses = wanted, next
	return maps.Clone(next), errs
}

// upTo is f with as many fresh moments at its end. A vital that goes another way than before is computed anew.
func (f followed) upTo(ctx context.Context, e *evaluator, specs []*vitalSpec, wanted moments, fresh int) (followed, error) {
	spec, w, err := e.wayOf(ctx, specs)
	if err != nil || w == nil {
		return followed{}, err
	}
	if f.way != w {
		fresh = trendPoints
	}
	if fresh == 0 {
		return f, nil
	}
	added, err := e.course(ctx, spec, w, until(wanted.last(), TrendStep, fresh))
	if err != nil {
		return followed{}, err
	}
	if fresh == trendPoints {
		return followed{w, added.values}, nil
	}
	return followed{w, append(slices.Clone(f.values[fresh:]), added.values...)}, nil
}

// addTrends gives the vitals how they went in the last hour. One whose value is not current has none: it would end elsewhere.
func (t *trend) addTrends(ctx context.Context, e *evaluator, groups [][]*vitalSpec, vitals []Vital) error {
	if e.at.Sub(e.times[0]) < (fewestPoints-1)*TrendStep {
		return nil
	}
	// It must not cost the vitals, which are there already, their deadline.
	limited := ctx
	if deadline, has := ctx.Deadline(); has {
		var cancel context.CancelFunc
		limited, cancel = context.WithTimeout(ctx, time.Until(deadline)/2)
		defer cancel()
	}
	courses, err := t.follow(limited, e, groups)
	if limited.Err() != nil {
		return nil
	}
	for i := range vitals {
		if v := &vitals[i]; v.Value != nil && !strings.HasPrefix(v.Note, sinceStart) {
			v.Trend = trendOf(courses[v.Name].values, *v.Value)
		}
	}
	return err
}

// trendOf is a course as a Trend that ends with the current value, nil when too little of it is known.
func trendOf(values []float64, now float64) []*float64 {
	if len(values) == 0 {
		return nil
	}
	known := 0
	var trend []*float64
	for _, v := range append(slices.Clone(values), now) {
		if !finite(v) {
			trend = append(trend, nil)
			continue
		}
		v = round4(v)
		trend = append(trend, &v)
		known++
	}
	if known < fewestPoints {
		return nil
	}
	return trend
}

// round4 is v with four significant digits: a picture needs no more, and snapshots are kept.
func round4(v float64) float64 {
	rounded, err := strconv.ParseFloat(strconv.FormatFloat(v, 'e', 3, 64), 64)
	if err != nil {
		return v // beyond what a float holds
	}
	return rounded
}

// follow keeps the trend of an agent ready, once at each full step of the clock.
func (c *Collector) follow(ctx context.Context, set *settings, a *agent) error {
	now := c.now()
	if !a.trend.due(now.Truncate(TrendStep)) {
		return nil
	}
	limited, cancel := context.WithTimeout(ctx, a.interval)
	defer cancel()
	e, err := c.evaluator(limited, set, a, now)
	if err != nil || e == nil {
		return err
	}
	chosen, err := a.kindsAt(limited, e.at, e.names)
	if err != nil {
		return err
	}
	_, err = a.trend.follow(limited, e, byName(a.queries, chosen))
	return err
}

func (t *trend) due(step time.Time) bool {
	if !t.mu.TryLock() {
		return false
	}
	defer t.mu.Unlock()
	due := t.tried.Before(step)
	t.tried = step
	return due
}
