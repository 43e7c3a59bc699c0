package rule

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/prometheus/prometheus/promql/parser"
)

// Limits on what a short expression may ask for. A subquery's range and step are one number each, and Prometheus's engine makes
// room for all of its points before it looks at the time it has: one of centuries by milliseconds ends the process.
const (
	// mostPoints is how many points one subquery may have: 30 days by minutes are 43,200.
	mostPoints = 200_000
	// mostWork is how many points subqueries within each other may have together.
	mostWork = 5_000_000
	// mostGrowth is how many times as long label_replace and label_join may make a label, all of them together.
	mostGrowth = 32
)

// UsualStep is the step of a subquery that names none: Prometheus's default evaluation_interval.
const UsualStep = time.Minute

// evaluated is the span over which an expression is evaluated: that of a chart. A subquery has points for all of it.
const evaluated = time.Hour

var (
	errPoints = fmt.Errorf("a subquery asks for more than %d points: give it a shorter range or a longer step", mostPoints)
	errGrowth = errors.New("label_replace or label_join could make a label much longer, again and again")
)

// Bounded says why an expression asks for too much to be evaluated, nil when it does not.
func Bounded(expr parser.Expr) error { return bounded(expr, evaluated.Seconds(), 1, 1) }

// bounded looks at a part that is evaluated over a span, in seconds, within subqueries of so much work and functions that may
// make labels so many times as long. It counts in floats: durations overflow.
func bounded(node parser.Node, span, work, growth float64) error {
	switch e := node.(type) {
	case *parser.SubqueryExpr:
		step := e.Step
		if step <= 0 {
			step = UsualStep
		}
		span += e.Range.Seconds()
		work *= 1 + e.Range.Seconds()/step.Seconds()
		if span/step.Seconds() > mostPoints || work > mostWork {
			return errPoints
		}
	case *parser.Call:
		growth *= growthOf(e)
		if growth > mostGrowth {
			return errGrowth
		}
	}
	for child := range parser.ChildrenIter(node) {
		if err := bounded(child, span, work, growth); err != nil {
			return err
		}
	}
	return nil
}

// growthOf is how many labels' values a function may put one after the other.
func growthOf(call *parser.Call) float64 {
	switch call.Func.Name {
	case "label_join": // its first three arguments are the series, the new label and the separator
		return max(1, float64(len(call.Args)-3))
	case "label_replace":
		if replacement, is := bare(call.Args[2]).(*parser.StringLiteral); is {
			return max(1, float64(strings.Count(replacement.Val, "$")))
		}
	}
	return 1
}
