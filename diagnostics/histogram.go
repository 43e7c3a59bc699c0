package diagnostics

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
)

// histogram is a classic histogram of which a quantile is a vital. Its buckets are asked for once for all of its quantiles,
// which are computed as PromQL's histogram_quantile computes them.
type histogram struct {
	quantile, scale float64
	// buckets are the counts by le: currently, and since start.
	buckets, sinceStart *expression
}

// buckets are the counts of a histogram in the order of their bounds.
type buckets struct {
	counts promql.Buckets
	// first is the lowest bound above 0, top the highest finite one; bounded is whether there is any.
	first, top float64
	bounded    bool
}

func newBuckets(vector promql.Vector) buckets {
	var b buckets
	for _, one := range vector {
		bound, err := strconv.ParseFloat(one.Metric.Get(labels.BucketLabel), 64)
		if err != nil {
			continue
		}
		b.counts = append(b.counts, promql.Bucket{UpperBound: bound, Count: one.F})
		if !finite(bound) {
			continue
		}
		if !b.bounded || bound > b.top {
			b.top = bound
		}
		if bound > 0 && (b.first == 0 || bound < b.first) {
			b.first = bound
		}
		b.bounded = true
	}
	return b
}

// quantile is the value and its bound: ">" when it is at least the value, "<" when it is at most.
func (b buckets) quantile(q float64) (value float64, bound string) {
	if len(b.counts) == 0 || slices.ContainsFunc(b.counts, func(one promql.Bucket) bool { return math.IsNaN(one.Count) }) {
		return math.NaN(), ""
	}
	// It changes what it is given.
	value, _, _, _, _, _ = promql.BucketQuantile(q, slices.Clone(b.counts))
	switch {
	case !finite(value) || !b.bounded:
		return math.NaN(), ""
	case value >= b.top:
		// The answer is the highest finite bound for everything beyond it.
		return b.top, ">"
	case value <= b.first && value > 0:
		// Within the first bucket every value is a guess.
		return value, "<"
	}
	return value, ""
}

// quantile evaluates the histogram at t; found is false when it has no series.
func (e *evaluator) quantile(ctx context.Context, h *histogram, expr *expression, t time.Time, window time.Duration) (figure, bool, error) {
	if window > 0 && e.series.boundsAt.Load() > t.Add(-window).UnixMilli() {
		var err error
		if window, err = e.sameBounds(ctx, h, t, window); err != nil || window == 0 {
			return figure{}, false, err
		}
	}
	vector, err := e.query(ctx, expr, t, window)
	if err != nil || len(vector) == 0 {
		return figure{}, false, err
	}
	return h.figure(vector), true, nil
}

// sameBounds is as much of the window before t as the histogram had the bounds that it has at t; 0 when that is too little. Another
// version of an agent may have others, and what was counted by both is no histogram: those of the one lack what the other counted.
func (e *evaluator) sameBounds(ctx context.Context, h *histogram, t time.Time, window time.Duration) (time.Duration, error) {
	bounds := func(t time.Time) (string, error) {
		vector, err := e.query(ctx, h.sinceStart, t, 0)
		return boundsOf(vector), err
	}
	now, err := bounds(t)
	if err != nil || now == "" {
		return window, err
	}
	first, err := bounds(t.Add(time.Millisecond - window))
	if err != nil || first == "" || first == now {
		return window, err
	}
	begin := t
	for _, scrape := range slices.Backward(e.times) {
		if scrape.After(t) {
			continue
		}
		if then, err := bounds(scrape); err != nil || then != now || t.Sub(scrape) >= window {
			return e.window(t, t.Sub(begin)+time.Millisecond, e.interval/2), err
		}
		begin = scrape
	}
	return window, nil
}

// boundsOf are the bounds of the buckets in a vector, in their order.
func boundsOf(vector promql.Vector) string {
	bounds := make([]string, len(vector))
	for i, one := range vector {
		bounds[i] = one.Metric.Get(labels.BucketLabel)
	}
	slices.Sort(bounds)
	return strings.Join(bounds, " ")
}

// mixed says of each moment whether the histogram had other bounds within the window before it, see sameBounds; nil when it never had.
func (e *evaluator) mixed(ctx context.Context, h *histogram, matrix promql.Matrix, m moments, window time.Duration) ([]bool, error) {
	if e.series.boundsAt.Load() <= m.at(0).Add(-window).UnixMilli() {
		return nil, nil
	}
	alike := func(a, b promql.Series) bool { return len(a.Floats) == len(b.Floats) && a.Floats[0].T == b.Floats[0].T }
	if !slices.ContainsFunc(matrix, func(one promql.Series) bool { return !alike(one, matrix[0]) }) {
		return nil, nil
	}
	back := int((window + m.step - 1) / m.step)
	longer := until(m.last(), m.step, m.n+back)
	counts, err := e.matrix(ctx, h.sinceStart.over(0, e.history), longer)
	if err != nil {
		return nil, err
	}
	bounds := make([]string, longer.n)
	for i, vector := range longer.vectors(counts) {
		bounds[i] = boundsOf(vector)
	}
	mixed := make([]bool, m.n)
	for i := range mixed {
		now := bounds[i+back]
		mixed[i] = slices.ContainsFunc(bounds[i:i+back], func(then string) bool { return then != "" && then != now })
	}
	return mixed, nil
}

// figure is the quantile of buckets, of which there is at least one.
func (h *histogram) figure(vector promql.Vector) figure {
	b := newBuckets(vector)
	n := figure{unbounded: !b.bounded}
	n.value, n.bound = b.quantile(h.quantile)
	n.judged = n.value * h.scale
	switch n.value = n.judged; n.bound {
	case ">":
		n.value = b.top * h.scale
	case "<":
		n.value = b.first * h.scale
	}
	return n
}

// histogramWays are the ways to a quantile of each of these histograms: from its buckets, from the native form, and where
// it has no buckets the average in its place.
func histogramWays(selectors []string, q, scale float64) ([]way, error) {
	var quantiles, averages []way
	for _, selector := range selectors {
		matchers, err := promQL.ParseMetricSelector(selector)
		if err != nil {
			return nil, fmt.Errorf("histogram: not a selector: %w", whereless(err))
		}
		name, others, by := family(matchers, scale)
		if name == nil {
			return nil, fmt.Errorf("histogram: %q does not begin with the histogram's name", selector)
		}
		of := func(end string) string { return "{" + strings.Join(append([]string{name(end)}, others...), ",") + "}" }
		var errs []error
		parsed := func(format string, args ...any) *expression {
			e, err := parseExpression(fmt.Sprintf(format, args...))
			errs = append(errs, err)
			return e
		}
		classic, native, average := way{}, way{}, way{average: true}
		rate := "rate(%s[" + rateInterval + "])"
		quantiled := func(inner string) string {
			text := fmt.Sprintf("histogram_quantile(%v, %s)", q, inner)
			if by != 1 {
				text += fmt.Sprintf(" * %v", by)
			}
			return text
		}
		// The quantile's own expression says what it needs; its value comes from the buckets.
		classic.current = parsed(quantiled("sum by (le) ("+rate+")"), of("_bucket"))
		classic.sinceStart = parsed(quantiled("sum by (le) (%s)"), of("_bucket"))
		classic.histogram = &histogram{
			quantile: q, scale: by,
			buckets: parsed("sum by (le) ("+rate+")", of("_bucket")), sinceStart: parsed("sum by (le) (%s)", of("_bucket")),
		}
		native.current = parsed(quantiled("sum("+rate+")"), of(""))
		native.sinceStart = parsed(quantiled("sum(%s)"), of(""))
		average.current = parsed("sum("+rate+") / sum("+rate+") * %v", of("_sum"), of("_count"), by)
		average.sinceStart = parsed("sum(%s) / sum(%s) * %v", of("_sum"), of("_count"), by)
		for _, err := range errs {
			if err != nil {
				return nil, fmt.Errorf("histogram: %w", err)
			}
		}
		quantiles = append(quantiles, classic, native)
		averages = append(averages, average)
	}
	return append(quantiles, averages...), nil
}

// family is the name of a histogram's selector, as a matcher of the name with an end to come, and its other matchers. A scale of 0
// is what the name says of its unit. Name is nil where the selector has none.
func family(matchers []*labels.Matcher, scale float64) (name func(end string) string, others []string, by float64) {
	for _, m := range matchers {
		switch {
		case m.Name != model.MetricNameLabel:
			others = append(others, m.String())
		case m.Type == labels.MatchEqual:
			name = func(end string) string { return strconv.Quote(m.Value + end) }
		case m.Type == labels.MatchRegexp:
			name = func(end string) string { return "__name__=~" + strconv.Quote("(?:"+m.Value+")"+end) }
		}
		if m.Name == model.MetricNameLabel && scale == 0 && strings.Contains(m.Value, "milliseconds") {
			scale = 0.001
		}
	}
	if scale == 0 {
		scale = 1
	}
	return name, others, scale
}
