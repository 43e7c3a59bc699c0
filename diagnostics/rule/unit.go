package rule

import (
	"strings"

	"github.com/prometheus/prometheus/promql/parser"
)

// Kind is what a value counts, as far as its expression tells.
type Kind int

const (
	// Plain is a number without a unit.
	Plain Kind = iota
	// Ratio is a part of a whole: 0..1.
	Ratio
	// Seconds is a span of time.
	Seconds
	// Bytes is a size.
	Bytes
	// PerSecond is how many events there are in a second.
	PerSecond
)

// Kind guesses from the names of metrics, by Prometheus's conventions (https://prometheus.io/docs/practices/naming/), and
// is Plain in doubt.
func (c Condition) Kind() Kind {
	kind := kindOf(c.expr)
	if kind == Plain && c.Op != "" && c.Limit > 0 && c.Limit <= 1 {
		if e, is := c.expr.(*parser.BinaryExpr); is && e.Op == parser.DIV {
			return Ratio // the limit is that of a part
		}
	}
	return kind
}

func kindOf(expr parser.Expr) Kind {
	switch e := bare(expr).(type) {
	case *parser.VectorSelector:
		return kindOfName(e.Name)
	case *parser.MatrixSelector:
		return kindOf(e.VectorSelector)
	case *parser.SubqueryExpr:
		return kindOf(e.Expr)
	case *parser.AggregateExpr:
		switch e.Op {
		case parser.SUM, parser.AVG, parser.MIN, parser.MAX, parser.TOPK, parser.BOTTOMK, parser.QUANTILE:
			return kindOf(e.Expr)
		}
	case *parser.Call:
		return kindOfCall(e)
	case *parser.BinaryExpr:
		left, right := kindOf(e.LHS), kindOf(e.RHS)
		switch {
		case e.Op == parser.LOR && (left == right || !selects(e.RHS)):
			return left
		case e.Op == parser.DIV && endsIn(e.LHS, "_seconds_sum") && endsIn(e.RHS, "_seconds_count"):
			return Seconds
		case e.Op == parser.DIV && left == right && left != Plain:
			return Ratio
		case (e.Op == parser.ADD || e.Op == parser.SUB) && left == right:
			return left
		}
	}
	return Plain
}

func kindOfCall(call *parser.Call) Kind {
	if len(call.Args) == 0 {
		return Plain
	}
	last := call.Args[len(call.Args)-1]
	switch call.Func.Name {
	case "rate", "irate":
		if name := nameOf(last); strings.HasSuffix(name, "_total") && kindOfName(strings.TrimSuffix(name, "_total")) == Plain ||
			strings.HasSuffix(name, "_count") {
			return PerSecond
		}
	case "histogram_quantile":
		if strings.HasSuffix(nameOf(last), "_seconds_bucket") {
			return Seconds
		}
	case "avg_over_time", "max_over_time", "min_over_time", "last_over_time", "quantile_over_time", "abs", "sort", "sort_desc":
		return kindOf(last)
	case "increase", "delta":
		if strings.HasSuffix(nameOf(last), "_total") {
			return Plain
		}
		return kindOf(last)
	}
	return Plain
}

func kindOfName(name string) Kind {
	switch {
	case strings.HasSuffix(name, "_seconds"):
		return Seconds
	case strings.HasSuffix(name, "_bytes"):
		return Bytes
	case strings.HasSuffix(name, "_ratio"):
		return Ratio
	}
	return Plain
}

// nameOf is the metric that an expression selects, "" when there are several.
func nameOf(expr parser.Expr) string {
	name, several := "", false
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		if selector, is := node.(*parser.VectorSelector); is {
			several = several || (name != "" && name != selector.Name)
			name = selector.Name
		}
		return nil
	})
	if several {
		return ""
	}
	return name
}

func endsIn(expr parser.Expr, end string) bool { return strings.HasSuffix(nameOf(expr), end) }
