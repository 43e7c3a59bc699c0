package rule

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/prometheus/prometheus/promql/parser"
)

// longest is how many bytes an expression may have. It comes from outside, and is walked through recursively.
const longest = 4096

// promQL reads PromQL without its experimental parts.
var promQL = parser.NewParser(parser.Options{})

// FromURL is the rule's expression in an alert's generatorURL, "" when it has none. Prometheus writes it as g0.expr:
// https://github.com/prometheus/prometheus/blob/v3.5.0/util/strutil/strconv.go (TableLinkForExpression); so do Thanos and Mimir.
// Its own page calls /query what was /graph before version 3.
func FromURL(generatorURL string) string {
	if len(generatorURL) > 3*longest {
		return ""
	}
	u, err := url.Parse(generatorURL)
	if err != nil {
		return ""
	}
	text := strings.TrimSpace(u.Query().Get("g0.expr"))
	if len(text) > longest {
		return ""
	}
	return text
}

// Condition is what a rule says: a value, and from where on it is bad.
type Condition struct {
	// Value gives the value.
	Value string
	// Op compares the value with Limit: one of > >= < <= == !=. It is "" when the limit is no constant, or there is none.
	Op    string
	Limit float64
	// More is whether the rule has other conditions, too.
	More bool

	expr parser.Expr
}

// Split takes a rule's expression apart: "rate(x[5m]) > 0.05" is the rate and its limit. Of "A and B" and "A unless B" the
// value is A's, as it is for the alert. One that is not Bounded is an error: whoever can post an alert can write one.
func Split(text string) (Condition, error) {
	if len(text) > longest {
		return Condition{}, fmt.Errorf("longer than %d bytes", longest)
	}
	expr, err := promQL.ParseExpr(text)
	if err != nil {
		return Condition{}, fmt.Errorf("reading the rule's expression: %w", err)
	}
	if err = Bounded(expr); err != nil {
		return Condition{}, err
	}
	c := Condition{}
	for {
		expr = bare(expr)
		binary, is := expr.(*parser.BinaryExpr)
		if !is || (binary.Op != parser.LAND && binary.Op != parser.LUNLESS) {
			break
		}
		c.More, expr = true, binary.LHS
	}
	if binary, is := expr.(*parser.BinaryExpr); is {
		switch {
		case binary.Op == parser.LOR:
			// Which of them the alert means depends on the moment.
			return Condition{}, fmt.Errorf("it has several values")
		case binary.Op.IsComparisonOperator() && !binary.ReturnBool:
			if err := compare(&c, binary); err != nil {
				return Condition{}, err
			}
			expr = c.expr
		}
	}
	if t := expr.Type(); t != parser.ValueTypeVector && t != parser.ValueTypeScalar {
		return Condition{}, fmt.Errorf("gives a %s", t)
	}
	if number, constant := constantOf(expr); constant {
		return Condition{}, fmt.Errorf("its value is always %v", number)
	}
	c.expr, c.Value = expr, expr.String()
	return c, nil
}

// compare takes the limit from the right side or, as in "0.05 < x", from the left.
func compare(c *Condition, binary *parser.BinaryExpr) error {
	if limit, constant := constantOf(binary.RHS); constant {
		c.expr, c.Op, c.Limit = bare(binary.LHS), binary.Op.String(), limit
	} else if limit, constant := constantOf(binary.LHS); constant {
		c.expr, c.Op, c.Limit = bare(binary.RHS), turned(binary.Op), limit
	} else {
		// A filter keeps the left side's value, which is why a scalar on the left gives the right one's.
		if c.expr = bare(binary.LHS); c.expr.Type() == parser.ValueTypeScalar {
			c.expr = bare(binary.RHS)
		}
	}
	// "x > 1 > 0" would have two.
	if inner, is := c.expr.(*parser.BinaryExpr); is && inner.Op.IsComparisonOperator() && !inner.ReturnBool {
		return fmt.Errorf("it compares what was compared")
	}
	return nil
}

// turned is the comparison with its sides swapped.
func turned(op parser.ItemType) string {
	switch op {
	case parser.GTR:
		return "<"
	case parser.GTE:
		return "<="
	case parser.LSS:
		return ">"
	case parser.LTE:
		return ">="
	}
	return op.String()
}

// bare is an expression without the brackets around it.
func bare(expr parser.Expr) parser.Expr {
	for {
		switch e := expr.(type) {
		case *parser.ParenExpr:
			expr = e.Expr
		case *parser.StepInvariantExpr:
			expr = e.Expr
		default:
			return expr
		}
	}
}

// constantOf is the number that an expression always gives: "0.05", "-1", "100 * 1024 * 1024".
func constantOf(expr parser.Expr) (float64, bool) {
	switch e := bare(expr).(type) {
	case *parser.NumberLiteral:
		return e.Val, true
	case *parser.UnaryExpr:
		v, constant := constantOf(e.Expr)
		if e.Op == parser.SUB {
			v = -v
		}
		return v, constant
	case *parser.BinaryExpr:
		a, constA := constantOf(e.LHS)
		b, constB := constantOf(e.RHS)
		if !constA || !constB {
			return 0, false
		}
		switch e.Op {
		case parser.ADD:
			return a + b, true
		case parser.SUB:
			return a - b, true
		case parser.MUL:
			return a * b, true
		case parser.DIV:
			return a / b, true
		}
	}
	return 0, false
}
