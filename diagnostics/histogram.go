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
	vector, err := e.query(ctx, expr, t, window)
	if err != nil || len(vector) == 0 {
		return figure{}, false, err
	}
	return h.figure(vector), true, nil
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
