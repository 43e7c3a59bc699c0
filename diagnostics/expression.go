package diagnostics

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/alertvitals/notifier/diagnostics/rule"
)

// The spans that an expression may name. They are known when it is evaluated.
const (
	rateInterval = "$__rate_interval"
	tableSpan    = "$__window"
	historySpan  = "$__history"
)

// someSpans are durations as long in letters as the names that they stand in for: what stands where in the one text does so in the other.
var someSpans = strings.NewReplacer(rateInterval, "00000000060000ms", tableSpan, "0060000ms", historySpan, "03600000ms")

var promQL = parser.NewParser(parser.Options{})

// expression is a PromQL expression in which the spans above may stand for durations.
type expression struct {
	text string
	// shared is the text for an evaluator, see share; "" where the expression shares nothing.
	shared string
	// tree is the expression with some duration in place of each span: to see what it selects, not to be evaluated.
	tree parser.Expr
	// rate and window are whether it holds $__rate_interval and $__window.
	rate, window bool
}

// parseExpression reads one; "" is nil. The error is for the person who wrote it.
func parseExpression(text string) (*expression, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil //nolint:nilnil // none is what was given
	}
	e := &expression{text: text, rate: strings.Contains(text, rateInterval), window: strings.Contains(text, tableSpan)}
	if e.rate && e.window {
		return nil, fmt.Errorf("%s and %s cannot stand in one expression", rateInterval, tableSpan)
	}
	var err error
	if e.tree, err = promQL.ParseExpr(someSpans.Replace(text)); err != nil {
		return nil, fmt.Errorf("not PromQL: %w", whereless(err))
	}
	if err = rule.Bounded(e.tree); err != nil {
		return nil, err
	}
	for _, matchers := range e.selectors() {
		if slices.ContainsFunc(matchers, func(m *labels.Matcher) bool { return m.Name == sharedLabel }) {
			return nil, fmt.Errorf("%s is no label of an agent's: the notifier puts it into expressions itself", sharedLabel)
		}
	}
	switch kind := e.tree.Type(); kind {
	case parser.ValueTypeVector, parser.ValueTypeScalar:
	case parser.ValueTypeMatrix:
		return nil, fmt.Errorf("gives a %s, and must give a value: use rate() or increase()", parser.DocumentedType(kind))
	default:
		return nil, fmt.Errorf("gives a %s, and must give a value", parser.DocumentedType(kind))
	}
	return e, nil
}

// whereless is a parser's error without its position, which is one in a text that nobody has seen.
func whereless(err error) error {
	var found parser.ParseErrors
	if errors.As(err, &found) && len(found) > 0 {
		return found[0].Err
	}
	return err
}

// over is the PromQL in which the spans are these.
func (e *expression) over(span, history time.Duration) string { return over(e.text, span, history) }

// sharedOver is the same for an evaluator, which answers for what the expression shares with others.
func (e *expression) sharedOver(span, history time.Duration) string {
	return over(cmp.Or(e.shared, e.text), span, history)
}

func over(text string, span, history time.Duration) string {
	if !strings.Contains(text, "$__") {
		return text
	}
	of := fmt.Sprintf("%dms", span.Milliseconds())
	return strings.NewReplacer(rateInterval, of, tableSpan, of, historySpan, fmt.Sprintf("%dms", history.Milliseconds())).Replace(text)
}

// possible is whether the expression can give anything where only metrics of these names exist. What it says no to need not
// be evaluated.
func (e *expression) possible(names []string) bool { return possible(e.tree, names) }

func possible(node parser.Expr, names []string) bool {
	switch n := node.(type) {
	case *parser.VectorSelector:
		return selects(n.LabelMatchers, names)
	case *parser.MatrixSelector:
		return possible(n.VectorSelector, names)
	case *parser.SubqueryExpr:
		return possible(n.Expr, names)
	case *parser.ParenExpr:
		return possible(n.Expr, names)
	case *parser.UnaryExpr:
		return possible(n.Expr, names)
	case *parser.AggregateExpr:
		return possible(n.Expr, names)
	case *parser.BinaryExpr:
		switch n.Op {
		case parser.LOR:
			return possible(n.LHS, names) || possible(n.RHS, names)
		case parser.LUNLESS:
			return possible(n.LHS, names)
		}
		return possible(n.LHS, names) && possible(n.RHS, names)
	case *parser.Call:
		switch n.Func.Name {
		case "absent", "absent_over_time", "scalar":
			return true // they give something of nothing
		}
		for _, arg := range n.Args {
			if !possible(arg, names) {
				return false
			}
		}
	}
	return true
}

// selects is whether matchers fit a metric of one of these names.
func selects(matchers []*labels.Matcher, names []string) bool {
	for _, name := range names {
		fits := true
		for _, m := range matchers {
			if m.Name == model.MetricNameLabel && !m.Matches(name) {
				fits = false
				break
			}
		}
		if fits {
			return true
		}
	}
	return false
}

// selectors are the matchers of each metric that the expression names.
func (e *expression) selectors() [][]*labels.Matcher { return parser.ExtractSelectors(e.tree) }
