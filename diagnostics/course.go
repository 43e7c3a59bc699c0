package diagnostics

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
)

const (
	// missedScrapes is how many scrapes in a row may be missing before nothing is known of the time between.
	missedScrapes = 2
	// mostLoose is how many values of one course are evaluated by themselves, because less than their whole window was scraped.
	mostLoose = 24
)

// moments are points in time with even steps.
type moments struct {
	first time.Time
	step  time.Duration
	n     int
}

// until are n moments of which the last is at the end.
func until(end time.Time, step time.Duration, n int) moments {
	return moments{first: end.Add(-time.Duration(n-1) * step), step: step, n: n}
}

func (m moments) at(i int) time.Time { return m.first.Add(time.Duration(i) * m.step) }
func (m moments) last() time.Time    { return m.at(m.n - 1) }

// unknown is a course of which nothing is known yet.
func (m moments) unknown() []float64 {
	values := make([]float64, m.n)
	for i := range values {
		values[i] = math.NaN()
	}
	return values
}

// index is which of the moments a time in milliseconds is; -1 when it is none.
func (m moments) index(ms int64) int {
	since := ms - m.first.UnixMilli()
	step := m.step.Milliseconds()
	if i := since / step; since >= 0 && since%step == 0 && i < int64(m.n) {
		return int(i)
	}
	return -1
}

// vectors are what a range query gave at each moment.
func (m moments) vectors(matrix promql.Matrix) []promql.Vector {
	vectors := make([]promql.Vector, m.n)
	for _, one := range matrix {
		for _, p := range one.Floats {
			if i := m.index(p.T); i >= 0 {
				vectors[i] = append(vectors[i], promql.Sample{Metric: one.Metric, T: p.T, F: p.F})
			}
		}
	}
	return vectors
}

// course is how a vital went: its value at each moment, NaN where that is not known.
type course struct {
	values []float64
	// saturated is whether a quantile was beyond the histogram's highest bound, and so may have been more.
	saturated bool
}

// wayOf is the way by which a vital has its current value; where none has one, the first by which it may have had one. It is nil
// when there is none.
func (e *evaluator) wayOf(ctx context.Context, specs []*vitalSpec) (*vitalSpec, *way, error) {
	var spec *vitalSpec
	var possible *way
	for _, s := range specs {
		if s.Label != "" {
			continue
		}
		why := ""
		for i := range s.ways {
			w := &s.ways[i]
			if w.average && why != noBuckets || !w.possible(e.names) {
				continue
			}
			got, err := e.try(ctx, s, w)
			if err != nil {
				return nil, nil, err
			}
			if got.why == "" {
				if !got.current {
					return nil, nil, nil // the value is that since start, which has no course
				}
				return s, w, nil
			}
			native := why == noBuckets && w.tellsMore(why, got.why)
			if w.tellsMore(why, got.why) {
				why = got.why
			}
			if (possible == nil || native) && w.current != nil && !s.NeverSet && !w.average {
				spec, possible = s, w
			}
		}
	}
	return spec, possible, nil
}

// course computes how a vital went by one of its ways, which has a current expression. It costs one range query.
func (e *evaluator) course(ctx context.Context, spec *vitalSpec, w *way, m moments) (course, error) {
	c := course{values: m.unknown()}
	expr, window := w.current, time.Duration(0)
	switch {
	case expr.rate:
		window = e.longestRateWindow()
	case expr.window:
		window = tableWindow
	}
	asked := expr
	if w.histogram != nil {
		asked = w.histogram.buckets // which tell what is beyond them
	}
	matrix, err := e.matrix(ctx, asked.over(window, e.history), m)
	if err != nil {
		return c, err
	}
	figures, err := w.figures(matrix, m)
	if err != nil {
		return c, err
	}
	var mixed []bool
	if w.histogram != nil {
		if mixed, err = e.mixed(ctx, w.histogram, matrix, m, window); err != nil {
			return c, err
		}
	}
	loose := 0
	for i := range c.values {
		t := m.at(i)
		n, found := figures[i], figures[i] != nil
		switch {
		case !e.scrapedAt(t):
			continue
		case window > 0 && !e.scrapedSince(t, window), mixed != nil && mixed[i]:
			// Over the whole window the rate would be too low: take what of it was scraped. A count would be too low either way.
			short, ok := e.span(expr, t)
			if loose++; !ok || expr.window || loose > mostLoose {
				continue
			}
			var one figure
			if one, found, err = e.value(ctx, w, expr, t, short); err != nil {
				return c, err
			}
			n = &one
		}
		if found && finite(n.value) && (spec.Unit != Seconds || n.value >= 0) {
			c.values[i] = n.value
			c.saturated = c.saturated || n.bound == ">"
		}
	}
	return c, nil
}

// figures are what a range query gave at each moment, nil where it gave nothing. Series that take turns are one.
func (w *way) figures(matrix promql.Matrix, m moments) ([]*figure, error) {
	figures := make([]*figure, m.n)
	for i, vector := range m.vectors(matrix) {
		switch {
		case len(vector) == 0:
		case w.histogram != nil:
			n := w.histogram.figure(vector)
			figures[i] = &n
		case len(vector) > 1:
			return nil, errSeveral
		default:
			figures[i] = &figure{value: vector[0].F, judged: vector[0].F}
		}
	}
	return figures, nil
}

// scrapedAt is whether a scrape shortly before t says how it was then.
func (e *evaluator) scrapedAt(t time.Time) bool {
	i, exact := slices.BinarySearchFunc(e.times, t, time.Time.Compare)
	return exact || (i > 0 && t.Sub(e.times[i-1]) <= missedScrapes*e.interval)
}

// scrapedSince is whether scrapes reach back over the whole of a window that ends at t.
func (e *evaluator) scrapedSince(t time.Time, window time.Duration) bool {
	i, _ := slices.BinarySearchFunc(e.times, t.Add(-window), time.Time.Compare)
	return i < len(e.times) && e.times[i].Sub(t.Add(-window)) <= 3*e.interval/2
}

// matrix evaluates PromQL at each moment over the agent's own series.
func (e *evaluator) matrix(ctx context.Context, text string, m moments) (promql.Matrix, error) {
	// The text may be that of an alert, and is not repeated.
	query, err := e.engine.NewRangeQuery(ctx, e.series, nil, text, m.first, m.last(), m.step)
	if err != nil {
		return nil, errors.New("reading an expression")
	}
	defer query.Close()
	value, err := execute(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("evaluating an expression: %w", err)
	}
	matrix, is := value.(promql.Matrix)
	if !is {
		return nil, errors.New("evaluating an expression: gives no matrix")
	}
	// The engine takes its own back.
	all := make(promql.Matrix, len(matrix))
	for i, one := range matrix {
		all[i] = promql.Series{Metric: one.Metric, Floats: slices.Clone(one.Floats)}
	}
	return all, nil
}

// tries are the times of all scrapes in the history, failed ones too, in order.
func (e *evaluator) tries(ctx context.Context, from, to time.Time) ([]time.Time, error) {
	q, err := e.series.Querier(from.UnixMilli(), to.UnixMilli())
	if err != nil {
		return nil, err
	}
	defer q.Close() //nolint:errcheck // reading is over, and nothing was written
	var times []time.Time
	set := q.Select(ctx, false, nil, labels.MustNewMatcher(labels.MatchEqual, model.MetricNameLabel, upSeries))
	for set.Next() {
		it := set.At().Iterator(nil)
		for it.Next() != 0 {
			t, _ := it.At()
			times = append(times, time.UnixMilli(t))
		}
	}
	if err := set.Err(); err != nil {
		return nil, fmt.Errorf("reading the scraped samples: %w", err)
	}
	return times, nil
}
