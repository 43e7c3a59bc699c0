package diagnostics

import (
	"cmp"
	"context"
	"slices"
	"strings"

	native "github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/schema"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
)

// sharedLabel stands in a selector for the expression that gives what it selects.
const sharedLabel = "__shared__"

// share lets expressions that take the same rates of the same series have them from one evaluation. Rates are most of what vitals
// cost, and a profile asks for them over and over: of all, by a label, for one value of a label. What one expression takes is found
// within what a wider one takes, since the rate of a series depends on no other.
func share(all []*expression) {
	kinds := map[string][]rateCall{}
	for _, e := range all {
		for _, c := range e.rateCalls() {
			kinds[c.kind] = append(kinds[c.kind], c)
		}
	}
	takers := map[string][]rateCall{}
	for _, calls := range kinds {
		for _, c := range calls {
			c.from = c.widest(calls)
			takers[c.from.text] = append(takers[c.from.text], c)
		}
	}
	taken := map[*expression][]rateCall{}
	for _, calls := range takers {
		if len(calls) < 2 {
			continue
		}
		for _, c := range calls {
			taken[c.of] = append(taken[c.of], c)
		}
	}
	for e, calls := range taken {
		slices.SortFunc(calls, func(a, b rateCall) int { return cmp.Compare(b.start, a.start) })
		e.shared = e.text
		for _, c := range calls {
			e.shared = e.shared[:c.start] + c.selector() + e.shared[c.end:]
		}
	}
}

// rateCall is a rate or an increase that an expression takes.
type rateCall struct {
	of *expression
	// start and end are where it stands in the expression's text, which is text there.
	start, end int
	text       string
	// kind tells apart what has nothing to share: another function, span or metric.
	kind     string
	matchers []*labels.Matcher
	// from is the call within whose result its own is found.
	from *rateCall
}

// rateCalls are those that give the same wherever they stand: in a subquery they are taken at other times, and what absent gives has
// labels of the selector that it is given, but none of a rate.
func (e *expression) rateCalls() []rateCall {
	var calls []rateCall
	parser.Inspect(e.tree, func(node parser.Node, path []parser.Node) error {
		c, ok := node.(*parser.Call)
		if !ok || c.Func.Name != "rate" && c.Func.Name != "increase" || slices.ContainsFunc(path, tellsThemApart) {
			return nil
		}
		ranged, ok := c.Args[0].(*parser.MatrixSelector)
		if !ok {
			return nil
		}
		v, ok := ranged.VectorSelector.(*parser.VectorSelector)
		if !ok || v.OriginalOffset != 0 || v.OriginalOffsetExpr != nil || v.Timestamp != nil || v.StartOrEnd != 0 || v.Anchored || v.Smoothed {
			return nil
		}
		at, selected, where := c.PositionRange(), v.PositionRange(), ranged.PositionRange()
		kind := c.Func.Name + e.text[selected.End:where.End]
		for _, m := range v.LabelMatchers {
			if schema.IsMetadataLabel(m.Name) { // which a rate has no more
				kind += m.String()
			}
		}
		calls = append(calls, rateCall{
			of: e, start: int(at.Start), end: int(at.End), text: e.text[at.Start:at.End], kind: kind, matchers: v.LabelMatchers,
		})
		return nil
	})
	return calls
}

// tellsThemApart is whether what stands within it gives another value as a selector of its result than as itself.
func tellsThemApart(node parser.Node) bool {
	switch n := node.(type) {
	case *parser.SubqueryExpr:
		return true
	case *parser.Call:
		return n.Func.Name == "absent"
	}
	return false
}

// widest is the one of the calls, which are of its kind, that asks least of the series and gives what c gives, too: c at the least.
func (c *rateCall) widest(calls []rateCall) *rateCall {
	widest := c
	for i := range calls {
		if w := &calls[i]; len(w.matchers) < len(widest.matchers) && len(without(w.matchers, c.matchers)) == 0 {
			widest = w
		}
	}
	return widest
}

// without are the matchers that are not among others.
func without(matchers, others []*labels.Matcher) []*labels.Matcher {
	return slices.DeleteFunc(slices.Clone(matchers), func(m *labels.Matcher) bool {
		return slices.ContainsFunc(others, func(o *labels.Matcher) bool { return o.String() == m.String() })
	})
}

// selector stands in the call's place: it selects the call's part of what it is taken from.
func (c *rateCall) selector() string {
	parts := []string{labels.MustNewMatcher(labels.MatchEqual, sharedLabel, c.from.text).String()}
	for _, m := range without(c.matchers, c.from.matchers) {
		parts = append(parts, m.String())
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// sharing gives the engine the series of an evaluator's agent, and what the evaluator has evaluated of them.
type sharing struct{ *evaluator }

// Querier is part of storage.Queryable.
func (s sharing) Querier(mint, maxt int64) (storage.Querier, error) {
	q, err := s.series.Querier(mint, maxt)
	if err != nil {
		return nil, err
	}
	return sharingQuerier{q, s.evaluator}, nil
}

type sharingQuerier struct {
	storage.Querier

	evaluator *evaluator
}

// Select gives what an expression selects of what it shares as series of one sample, of the time that is asked for.
func (q sharingQuerier) Select(
	ctx context.Context, sorted bool, hints *storage.SelectHints, matchers ...*labels.Matcher,
) storage.SeriesSet {
	at := slices.IndexFunc(matchers, func(m *labels.Matcher) bool { return m.Name == sharedLabel })
	if at < 0 {
		return q.Querier.Select(ctx, sorted, hints, matchers...)
	}
	vector, err := q.evaluator.answer(ctx, question{matchers[at].Value, hints.End})
	if err != nil {
		return storage.ErrSeriesSet(err)
	}
	others := slices.Delete(slices.Clone(matchers), at, at+1)
	all := make([]instant, 0, len(vector))
	found := make([]storage.Series, 0, len(vector))
	for _, one := range vector {
		if matchesAll(one.Metric, others) {
			all = append(all, instant{one})
			found = append(found, &all[len(all)-1])
		}
	}
	return listOf(found, sorted)
}

// instant is a sample as a series that has no other.
type instant struct{ sample promql.Sample }

func (i *instant) Labels() labels.Labels { return i.sample.Metric }

func (i *instant) Iterator(chunkenc.Iterator) chunkenc.Iterator {
	return storage.NewListSeriesIterator(i)
}

// Len and Get make it storage.Samples, the rest chunks.Sample.

func (i *instant) Len() int                   { return 1 }
func (i *instant) Get(int) chunks.Sample      { return i }
func (i *instant) Copy() chunks.Sample        { return i }
func (i *instant) T() int64                   { return i.sample.T }
func (i *instant) ST() int64                  { return 0 }
func (i *instant) F() float64                 { return i.sample.F }
func (i *instant) H() *native.Histogram       { return nil }
func (i *instant) FH() *native.FloatHistogram { return i.sample.H }

func (i *instant) Type() chunkenc.ValueType {
	if i.sample.H != nil {
		return chunkenc.ValFloatHistogram
	}
	return chunkenc.ValFloat
}
