package rule

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// Target is one agent as its own series and the alert know it.
type Target struct {
	// Instance is the host:port that is scraped.
	Instance string
	// Alert are the alert's labels.
	Alert map[string]string
	// Known is whether it is certain that the alert's instance is this one, though it may have another name.
	Known bool
	// Job is what the agent's alerts have as their job, "" when that may be several.
	Job string
	// Labels are the names of the labels that series of a metric have, nil when the agent reports no such metric.
	Labels func(metric string) []string
}

// Local is a condition's value over one agent's own series, which need no selector for job and instance.
type Local struct {
	Value string
	// Lookback is how far before a moment the value at that moment looks.
	Lookback time.Duration
}

// Errors of Local that say why an expression means more than one agent's own series.
var (
	errOthers  = errors.New("it may count other instances, too")
	errUnknown = errors.New("it is not certain that the alert is about this instance")
	errTime    = errors.New("it looks at a time of its own")
)

// Local is the condition's value over the series of one target. It is refused when it could be another than Prometheus
// has: when it needs series or labels that the target's do not have, and when it adds up instances.
func (c Condition) Local(t Target) (Local, error) {
	// Parsed anew: selectors are changed in place.
	expr, err := promQL.ParseExpr(c.Value)
	if err != nil {
		return Local{}, fmt.Errorf("reading the value's expression: %w", err)
	}
	if !t.pinned(expr) {
		instance := t.Alert[model.InstanceLabel]
		if instance == "" || (instance != t.Instance && !t.Known) {
			return Local{}, errUnknown
		}
		if err = t.keepsInstance(expr); err != nil {
			return Local{}, err
		}
	}
	lookback, err := lookbackOf(expr)
	if err != nil {
		return Local{}, err
	}
	selects, unfit := false, error(nil)
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		if selector, is := node.(*parser.VectorSelector); is && unfit == nil {
			selects = true
			unfit = t.localise(selector)
		}
		return nil
	})
	if unfit != nil {
		return Local{}, unfit
	}
	if !selects {
		return Local{}, errors.New("it selects no series")
	}
	return Local{Value: expr.String(), Lookback: lookback}, nil
}

// pinned is whether every selector asks for this instance by name.
func (t Target) pinned(expr parser.Expr) bool {
	selectors, pinned := 0, 0
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		if selector, is := node.(*parser.VectorSelector); is {
			selectors++
			if slices.ContainsFunc(selector.LabelMatchers, func(m *labels.Matcher) bool {
				return m.Name == model.InstanceLabel && m.Type == labels.MatchEqual && m.Value == t.Instance
			}) {
				pinned++
			}
		}
		return nil
	})
	return selectors > 0 && selectors == pinned
}

// keepsInstance refuses what puts series of several instances together.
func (t Target) keepsInstance(expr parser.Expr) error {
	var refused error
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		switch e := node.(type) {
		case *parser.AggregateExpr:
			if slices.Contains(e.Grouping, model.InstanceLabel) == e.Without && !t.pinned(e.Expr) {
				refused = errOthers
			}
		case *parser.BinaryExpr:
			if e.VectorMatching != nil && selects(e.LHS) && selects(e.RHS) &&
				slices.Contains(e.VectorMatching.MatchingLabels, model.InstanceLabel) != e.VectorMatching.On && !t.pinned(e) {
				refused = errOthers
			}
		case *parser.Call:
			switch e.Func.Name {
			case "absent", "absent_over_time", "scalar":
				if !t.pinned(e) {
					refused = errOthers
				}
			case "label_replace", "label_join":
				if target, is := e.Args[1].(*parser.StringLiteral); !is || target.Val == model.InstanceLabel || target.Val == model.JobLabel {
					refused = errOthers
				}
			}
		}
		return nil
	})
	return refused
}

func selects(expr parser.Expr) bool {
	found := false
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		_, is := node.(*parser.VectorSelector)
		found = found || is
		return nil
	})
	return found
}

// lookbackOf is how far back an expression looks.
func lookbackOf(node parser.Node) (time.Duration, error) {
	own := time.Duration(0)
	switch e := node.(type) {
	case *parser.VectorSelector:
		if e.Timestamp != nil || e.StartOrEnd != 0 || e.OriginalOffset < 0 {
			return 0, errTime
		}
		own = e.OriginalOffset
	case *parser.MatrixSelector:
		own = e.Range
	case *parser.SubqueryExpr:
		if e.Timestamp != nil || e.StartOrEnd != 0 || e.OriginalOffset < 0 {
			return 0, errTime
		}
		own = e.Range + e.OriginalOffset
	case *parser.Call:
		if e.Func.Name == "info" {
			return 0, errTime
		}
	}
	deepest := time.Duration(0)
	for child := range parser.ChildrenIter(node) {
		below, err := lookbackOf(child)
		if err != nil {
			return 0, err
		}
		deepest = max(deepest, below)
	}
	return own + deepest, nil
}

// localise takes from a selector what the target's own series cannot fit, where that changes nothing.
func (t Target) localise(selector *parser.VectorSelector) error {
	if selector.Name == "" {
		return errors.New("it names no metric")
	}
	// What a Prometheus says of its own scrapes and alerts is not what we would say of ours:
	// https://prometheus.io/docs/concepts/jobs_instances/#automatically-generated-labels-and-time-series
	if name := selector.Name; name == "up" || strings.HasPrefix(name, "scrape_") || strings.HasPrefix(name, "ALERTS") {
		return fmt.Errorf("%s is Prometheus's own", name)
	}
	own := t.Labels(selector.Name)
	if own == nil {
		return fmt.Errorf("the agent does not report %s", selector.Name)
	}
	var kept []*labels.Matcher
	for _, m := range selector.LabelMatchers {
		drop, err := t.drops(m, own)
		if err != nil {
			return err
		}
		if !drop {
			kept = append(kept, m)
		}
	}
	selector.LabelMatchers = kept
	return nil
}

// drops says whether a matcher fits all of the target's series in Prometheus, though it may not fit them here.
func (t Target) drops(m *labels.Matcher, own []string) (bool, error) {
	value, alerted := t.Alert[m.Name]
	switch {
	case m.Name == model.MetricNameLabel:
		return false, nil
	case m.Name == model.InstanceLabel && m.Type == labels.MatchEqual && m.Value == t.Instance:
		return true, nil
	case m.Name == model.JobLabel && !alerted:
		value, alerted = t.Job, t.Job != ""
	case m.Name != model.JobLabel && m.Name != model.InstanceLabel:
		if slices.Contains(own, m.Name) || (!alerted && m.Matches("")) {
			return false, nil
		}
	}
	// A label that the agent does not report was given to the target by Prometheus, to all of its series alike.
	if !alerted || !m.Matches(value) {
		return false, fmt.Errorf("whether %s fits is not known", m)
	}
	return true, nil
}
