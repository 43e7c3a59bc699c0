package diagnostics

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
)

const (
	// longestRateWindow is how far current rates look back at the most. An agent that is scraped more often than every
	// 15 s is looked back at for this many scrapes.
	longestRateWindow = 5 * time.Minute
	scrapesInWindow   = 20
	// beforeAge is how old the value is that the current one is compared with. It may be as young as this many scrapes, and
	// as young as the scrape before where it is no rate.
	beforeAge        = time.Hour
	scrapesInBetween = 4
	// tableWindow is what counts of the last hour count over.
	tableWindow = time.Hour
)

// errSeveral is an expression that should give one number and gave more.
var errSeveral = errors.New("several values")

// evaluator computes values of one agent at one time. It remembers what it was asked, since vitals share queries. It is safe for
// concurrent use.
type evaluator struct {
	engine *promql.Engine
	series *series
	// names are those of all metrics that the agent had in the history.
	names []string
	// times are those of the good scrapes in the history, in order; at is the last of them.
	times []time.Time
	at    time.Time
	// alone is whether all of the history is of one process and its restarts. If not, times are those of the process that answered
	// last.
	alone    bool
	interval time.Duration
	history  time.Duration
	// redact are the personal labels, whose values are not shown.
	redact []string

	mu    sync.Mutex
	asked map[question]*reply
	// now are the names of the metrics that the scrape at `at` had.
	now struct {
		once  sync.Once
		names []string
		err   error
	}
}

// question is a query and the time for which it was asked.
type question struct {
	text string
	at   int64
}

// reply is what a question came to; whoever asks first computes it.
type reply struct {
	once   sync.Once
	vector promql.Vector
	err    error
}

// figure is a value with what is known of its exactness.
type figure struct {
	// value is what is shown, and judged what thresholds judge: within a histogram's first bucket it is a guess.
	value, judged float64
	// bound is ">" when it is at least value, "<" when it is at most.
	bound string
	// unbounded is a quantile of a histogram that has no buckets but +Inf.
	unbounded bool
}

// window is the span before t, at most `most`, that scrapes cover. It ends with the first of them rather than reach beyond
// it: PromQL's rate over a longer range would spread what was counted over time that nobody saw. It is 0 when there are
// fewer than two scrapes or they lie closer together than `least`, too close for a rate to mean anything.
func (e *evaluator) window(t time.Time, most, least time.Duration) time.Duration {
	first, count := t, 0
	for _, scrape := range e.times {
		if scrape.After(t.Add(-most)) && !scrape.After(t) {
			if count++; count == 1 {
				first = scrape
			}
		}
	}
	span := t.Sub(first)
	if count < 2 || span < least {
		return 0
	}
	// A range excludes its begin: https://prometheus.io/docs/prometheus/3.0/migration/#range-selectors-and-lookback-exclude-samples-coinciding-with-the-left-boundary
	return span + time.Millisecond
}

// rateWindow is the span over which a current rate is known at t, 0 when none is.
func (e *evaluator) rateWindow(t time.Time) time.Duration {
	return e.window(t, e.longestRateWindow(), e.interval/2)
}

// longestRateWindow is that span where all of it was scraped.
func (e *evaluator) longestRateWindow() time.Duration {
	return max(min(longestRateWindow, scrapesInWindow*e.interval), 4*e.interval)
}

// countWindow is the span over which counts of the last hour are known at t, 0 when none is.
func (e *evaluator) countWindow(t time.Time) time.Duration {
	return e.window(t, tableWindow, scrapesInBetween*e.interval)
}

// span is what the expression's $__rate_interval or $__window stands for at t; ok is false when it needs one that is not
// known.
func (e *evaluator) span(expr *expression, t time.Time) (span time.Duration, ok bool) {
	switch {
	case expr.rate:
		span = e.rateWindow(t)
	case expr.window:
		span = e.countWindow(t)
	default:
		return 0, true
	}
	return span, span > 0
}

// beforeTimes are a few scrapes to compare with, the best first: the one an hour ago, then ever younger ones, since the
// agent may have had nothing to report at first; where all are older than an hour, the newest of them. A gauge may be compared
// with the scrape before.
func (e *evaluator) beforeTimes(gauge bool) []time.Time {
	var times, older, last []time.Time
	for _, t := range e.times {
		switch age := e.at.Sub(t); {
		case age > beforeAge+e.interval:
			older = []time.Time{t}
		case age >= scrapesInBetween*e.interval:
			times = append(times, t)
		case gauge && age >= e.interval*9/10: // timers are late now and then
			last = []time.Time{t}
		}
	}
	if n := len(times); n > 4 {
		times = []time.Time{times[0], times[n/4], times[n/2], times[3*n/4]}
	}
	return slices.Concat(times, older, last)
}

// number evaluates an expression that gives one number; found is false when it gives none.
func (e *evaluator) number(ctx context.Context, expr *expression, t time.Time, span time.Duration) (n figure, found bool, err error) {
	vector, err := e.query(ctx, expr, t, span)
	switch {
	case err != nil || len(vector) == 0:
		return figure{}, false, err
	case len(vector) > 1:
		return figure{}, false, errSeveral
	}
	v := vector[0].F + 0 // and not the -0 that 0 * -1 is
	return figure{value: v, judged: v}, true, nil
}

// query evaluates an expression over the agent's own series. Span is what $__rate_interval and $__window stand for.
func (e *evaluator) query(ctx context.Context, expr *expression, t time.Time, span time.Duration) (promql.Vector, error) {
	if !expr.possible(e.names) {
		return nil, nil
	}
	vector, err := e.answer(ctx, question{expr.sharedOver(span, e.history), t.UnixMilli()})
	if err != nil && expr.shared != "" && ctx.Err() == nil {
		// It may have failed over series that this expression does not take.
		vector, err = e.answer(ctx, question{expr.over(span, e.history), t.UnixMilli()})
	}
	if err != nil {
		return nil, fmt.Errorf("evaluating %q: %w", expr.text, err)
	}
	// A histogram is no number.
	return slices.DeleteFunc(slices.Clone(vector), func(s promql.Sample) bool { return s.H != nil }), nil
}

// answer evaluates what was asked, unless that was done. What it gives belongs to the evaluator.
func (e *evaluator) answer(ctx context.Context, q question) (promql.Vector, error) {
	e.mu.Lock()
	r := e.asked[q]
	if r == nil {
		if e.asked == nil {
			e.asked = map[question]*reply{}
		}
		r = &reply{}
		e.asked[q] = r
	}
	e.mu.Unlock()
	r.once.Do(func() { r.vector, r.err = e.evaluate(ctx, q) })
	return r.vector, r.err
}

func (e *evaluator) evaluate(ctx context.Context, q question) (promql.Vector, error) {
	query, err := e.engine.NewInstantQuery(ctx, sharing{e}, nil, q.text, time.UnixMilli(q.at))
	if err != nil {
		return nil, fmt.Errorf("reading it: %w", err)
	}
	defer query.Close()
	result, err := execute(ctx, query)
	if err != nil {
		return nil, err
	}
	switch result := result.(type) {
	case promql.Vector:
		return slices.Clone(result), nil // the engine takes its own back
	case promql.Scalar:
		return promql.Vector{{T: result.T, F: result.V}}, nil
	}
	return nil, errors.New("gives no vector")
}

// stillReported is whether the newest scrape had what the expression needs.
func (e *evaluator) stillReported(ctx context.Context, expr *expression) (bool, error) {
	e.now.once.Do(func() { e.now.names, e.now.err = e.series.reportedNames(ctx, e.at) })
	return expr.possible(e.now.names), e.now.err
}

// given is whether the agent itself reported such a value for something that the expression uses, in the span before the newest scrape.
func (e *evaluator) given(ctx context.Context, expr *expression, span time.Duration, such func(float64) bool) (bool, error) {
	q, err := e.series.Querier(e.at.Add(-span).UnixMilli(), e.at.UnixMilli())
	if err != nil {
		return false, err
	}
	defer q.Close() //nolint:errcheck // reading is over, and nothing was written
	for _, matchers := range expr.selectors() {
		set := q.Select(ctx, false, nil, matchers...)
		for set.Next() {
			it := set.At().Iterator(nil)
			for it.Next() == chunkenc.ValFloat {
				if _, v := it.At(); such(v) && !value.IsStaleNaN(v) {
					return true, nil
				}
			}
		}
		if err := set.Err(); err != nil {
			return false, fmt.Errorf("reading the scraped samples: %w", err)
		}
	}
	return false, nil
}

// everSet is whether any series of the metrics that the expression names was ever another number than 0.
func (e *evaluator) everSet(ctx context.Context, expr *expression) (bool, error) {
	q, err := e.series.Querier(e.at.Add(-e.history).UnixMilli(), e.at.UnixMilli())
	if err != nil {
		return false, err
	}
	defer q.Close() //nolint:errcheck // reading is over, and nothing was written
	for _, matchers := range expr.selectors() {
		set := q.Select(ctx, false, nil, matchers...)
		for set.Next() {
			it := set.At().Iterator(nil)
			for kind := it.Next(); kind != chunkenc.ValNone; kind = it.Next() {
				if kind != chunkenc.ValFloat {
					return true, nil
				}
				if _, v := it.At(); v != 0 && finite(v) {
					return true, nil
				}
			}
			if err := it.Err(); err != nil {
				return false, fmt.Errorf("reading the scraped samples: %w", err)
			}
		}
		if err := set.Err(); err != nil {
			return false, fmt.Errorf("reading the scraped samples: %w", err)
		}
	}
	return false, nil
}

// metricNames are those of all metrics that the agent had from one time to another.
func (s *series) metricNames(ctx context.Context, from, to time.Time) ([]string, error) {
	q, err := s.db.Querier(from.UnixMilli(), to.UnixMilli())
	if err != nil {
		return nil, fmt.Errorf("reading the scraped samples: %w", err)
	}
	defer q.Close() //nolint:errcheck // reading is over, and nothing was written
	names, _, err := q.LabelValues(ctx, model.MetricNameLabel, nil,
		labels.MustNewMatcher(labels.MatchEqual, model.JobLabel, s.job),
		labels.MustNewMatcher(labels.MatchEqual, model.InstanceLabel, s.instance))
	if err != nil {
		return nil, fmt.Errorf("reading the scraped samples: %w", err)
	}
	return slices.Clone(names), nil
}
