package diagnostics

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
)

// maxRows is how long a ranking is.
const maxRows = 5

// table computes one ranking; its Rows are empty when there is nothing to tell.
func (e *evaluator) table(ctx context.Context, spec *tableSpec) (Table, error) {
	table := Table{Name: spec.Name, Unit: spec.Unit, Topics: slices.Clone(spec.Topics)}
	for _, r := range spec.rankings {
		vector, whole, span, err := e.ranked(ctx, r)
		if err != nil {
			return table, err
		}
		if len(vector) == 0 {
			continue
		}
		switch {
		case span > 0:
			table.Name += " (" + spanName(span) + ")"
		case r.expr == nil || r.expr.window:
			table.Note = sinceStart
		}
		table.Rows = spec.rows(vector, whole, func(l labels.Labels) string { return e.rowName(l, spec.By) })
		break
	}
	return table, nil
}

// ranked are the values of the rows and of the wholes that they are parts of, over the span, which is 0 for values since start
// and for those of now.
func (e *evaluator) ranked(ctx context.Context, r ranking) (vector, whole promql.Vector, span time.Duration, err error) {
	expr, of := r.expr, r.of
	if expr != nil {
		var known bool
		if span, known = e.span(expr, e.at); known {
			vector, err = e.query(ctx, expr, e.at, span)
		}
	}
	if err == nil && len(vector) == 0 && r.sinceStart != nil {
		expr, of, span = r.sinceStart, r.ofSinceStart, 0
		vector, err = e.query(ctx, expr, e.at, 0)
	}
	if err == nil && of != nil && len(vector) > 0 {
		whole, err = e.query(ctx, of, e.at, span)
	}
	return vector, whole, span, err
}

func (t *tableSpec) rows(vector, whole promql.Vector, name func(labels.Labels) string) []Row {
	wholes := map[string]float64{}
	for _, one := range whole {
		wholes[t.key(one.Metric)] = t.round(one.F)
	}
	var rows []Row
	for _, one := range vector {
		row := Row{Name: name(one.Metric), Value: t.round(one.F)}
		if !finite(row.Value) || row.Value <= 0 {
			continue
		}
		if whole, ok := wholes[t.key(one.Metric)]; ok && finite(whole) && whole >= row.Value {
			row.Of = &whole
		}
		rows = append(rows, row)
	}
	slices.SortFunc(rows, func(a, b Row) int {
		return cmp.Or(cmp.Compare(b.Value, a.Value), cmp.Compare(a.Name, b.Name))
	})
	return rows[:min(len(rows), maxRows)]
}

// key tells rows apart, whatever of them is shown.
func (t *tableSpec) key(metric labels.Labels) string {
	values := make([]string, len(t.By))
	for i, label := range t.By {
		values[i] = metric.Get(label)
	}
	return strings.Join(values, "\xff")
}

// round makes counts whole: PromQL's increase estimates, and gives fractions of events.
func (t *tableSpec) round(v float64) float64 {
	if t.Unit == Short {
		return math.Round(v)
	}
	return v
}

// spanName is a span in words: "1 h", "20 min".
func spanName(span time.Duration) string {
	// A full hour of scrapes begins up to an interval after it.
	if span >= tableWindow-2*time.Minute {
		return Format(tableWindow.Seconds(), Seconds)
	}
	if span < time.Minute {
		return Format(span.Round(time.Second).Seconds(), Seconds)
	}
	return Format(span.Round(time.Minute).Seconds(), Seconds)
}

func (e *evaluator) rowName(metric labels.Labels, by []string) string {
	var parts []string
	for _, label := range by {
		if part := e.shown(metric, label); part != "" {
			parts = append(parts, part)
		}
	}
	if len(parts) == 0 {
		return "(no name)"
	}
	return strings.Join(parts, " ")
}

// hidden stands in the place of a personal label's value.
const hidden = "(hidden)"

// shown is the value of a label as people may see it.
func (e *evaluator) shown(metric labels.Labels, label string) string {
	value := word(metric.Get(label))
	if value != "" && slices.Contains(e.redact, label) {
		return hidden
	}
	return value
}
