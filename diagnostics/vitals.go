package diagnostics

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
)

const (
	// longestRateWindow is how far current rates look back at the most. An agent that is scraped more often than every
	// 15 s is looked back at for this many scrapes.
	longestRateWindow = 5 * time.Minute
	scrapesInWindow   = 20
	// beforeAge is how old the value is that the current one is compared with. It may be as young as this many scrapes.
	beforeAge        = time.Hour
	scrapesInBetween = 4
	// tableWindow is what tables count over.
	tableWindow = time.Hour
	maxRows     = 5
)

// The words for what cannot be known.
const (
	notReportedByAgent = notReported + " by this agent"
	sinceStart         = "since start"
	noTraffic          = "no traffic"
	noNumber           = "no number reported"
)

// errSeveral is an expression that should give one number and gave more.
var errSeveral = errors.New("several values")

// reading is what the stored samples say of an agent.
type reading struct {
	at      time.Time
	profile string
	samples int
	vitals  []Vital
	tables  []Table
	note    string
}

// read computes everything at the time of the newest good scrape that is not later than now.
func (c *Collector) read(ctx context.Context, set *settings, a *agent, now time.Time) (reading, error) {
	// A poll may have been stored since the snapshot was asked for.
	times, err := a.series.scrapes(ctx, now.Add(-set.history), now.Add(set.deadline))
	if err != nil || len(times) == 0 {
		return reading{}, err
	}
	e := evaluator{engine: c.engine, series: a.series, times: times, at: times[len(times)-1], interval: a.interval, history: set.history}
	r := reading{at: e.at}
	if samples, found, numberErr := e.number(ctx, samplesSeries, e.at, 0); numberErr == nil && found {
		r.samples = int(samples)
	}
	p, err := a.profileAt(ctx, e.at)
	if err != nil {
		return r, err
	}
	if p == nil {
		r.note = "no profile fits these metrics"
		return r, nil
	}
	r.profile = p.Name
	// What cannot be computed of one vital does not cost the others.
	var errs error
	for _, spec := range p.Vitals {
		v, err := e.vital(ctx, spec)
		if err != nil {
			errs = errors.Join(errs, fmt.Errorf("vital %q: %w", spec.Name, err))
			v = Vital{Name: spec.Name, Unit: spec.Unit, State: StateUnknown, Note: "could not be computed", Topics: v.Topics}
		}
		if ctx.Err() != nil {
			return r, errs
		}
		r.vitals = append(r.vitals, v)
	}
	for _, spec := range p.Tables {
		table, err := e.table(ctx, spec)
		if err != nil {
			errs = errors.Join(errs, fmt.Errorf("table %q: %w", spec.Name, err))
		} else if len(table.Rows) > 0 {
			r.tables = append(r.tables, table)
		}
	}
	return r, errs
}

// evaluator computes values of one agent at one time.
type evaluator struct {
	engine *promql.Engine
	series *series
	// times are those of the good scrapes in the history, in order; at is the last of them.
	times    []time.Time
	at       time.Time
	interval time.Duration
	history  time.Duration
}

// window is the span before t, at most `most`, that scrapes cover. It ends with the first of them rather than reach beyond
// it: PromQL's rate over a longer range would spread what was counted over time that nobody saw. It is 0 when there are
// fewer than two scrapes or they lie closer together than `least`, too close for a rate to mean anything.
func (e evaluator) window(t time.Time, most, least time.Duration) time.Duration {
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
func (e evaluator) rateWindow(t time.Time) time.Duration {
	return e.window(t, max(min(longestRateWindow, scrapesInWindow*e.interval), 4*e.interval), e.interval/2)
}

// vital computes one vital. Only a failure of our own is an error.
func (e evaluator) vital(ctx context.Context, spec vitalSpec) (Vital, error) {
	v := Vital{Name: spec.Name, Unit: spec.Unit, State: StateUnknown, Note: notReportedByAgent, Topics: slices.Clone(spec.Topics)}
	value, found, current, err := e.currentOrLifetime(ctx, spec)
	switch {
	case errors.Is(err, errSeveral):
		v.Note = "reported more than once"
		return v, nil
	case err != nil:
		return v, err
	case !found:
		return v, nil
	case !finite(value):
		v.Note, err = e.whyNaN(ctx, spec, value)
		return v, err
	case spec.Unit == Seconds && value < 0:
		v.Note = "the agent's clock differs from ours"
		return v, nil
	}
	v.Value, v.State, v.Note = &value, spec.judge(value), ""
	if !current {
		v.Note = sinceStart
	}
	if spec.When != "" {
		vector, whenErr := e.query(ctx, spec.When, e.at, 0)
		if whenErr != nil {
			return v, whenErr
		}
		if len(vector) > 0 {
			v.Note = spec.Note
		}
	}
	if spec.Buckets != "" {
		top, _, topErr := e.topBucket(ctx, spec.Buckets)
		if topErr != nil {
			return v, topErr
		}
		// histogram_quantile answers with the highest finite bound for everything beyond it.
		if value >= top {
			v.Bound = ">"
		}
	}
	if current && !spec.NoBefore {
		v.Before, v.BeforeAt, err = e.before(ctx, spec)
	}
	return v, err
}

// currentOrLifetime is the current value, or where none can be known that of the agent's whole life.
func (e evaluator) currentOrLifetime(ctx context.Context, spec vitalSpec) (value float64, found, current bool, err error) {
	window := e.rateWindow(e.at)
	if window > 0 || !spec.needsRate() {
		value, found, err = e.number(ctx, spec.Expr, e.at, window)
		if err != nil || found {
			return value, found, true, err
		}
	}
	if spec.SinceStart == "" {
		return 0, false, false, nil
	}
	value, found, err = e.number(ctx, spec.SinceStart, e.at, 0)
	return value, found, false, err
}

func (v vitalSpec) needsRate() bool { return strings.Contains(v.Expr, "$__rate_interval") }

// whyNaN says why a value that was computed is no number.
func (e evaluator) whyNaN(ctx context.Context, spec vitalSpec, value float64) (string, error) {
	if math.IsInf(value, 0) {
		return noNumber, nil
	}
	if spec.Buckets != "" {
		if _, bounded, err := e.topBucket(ctx, spec.Buckets); err != nil || !bounded {
			// Such as the text form of a native histogram, which has the bucket +Inf alone.
			return "histogram without buckets", err
		}
	}
	switch {
	case spec.Idle != "":
		return spec.Idle, nil
	case spec.needsRate():
		return noTraffic, nil
	}
	return noNumber, nil
}

// before is the value an hour before, or as near to that as the history allows; nil when there is none.
func (e evaluator) before(ctx context.Context, spec vitalSpec) (*float64, time.Time, error) {
	for _, t := range e.beforeTimes() {
		window := e.rateWindow(t)
		if spec.needsRate() && window == 0 {
			continue
		}
		value, found, err := e.number(ctx, spec.Expr, t, window)
		switch {
		case errors.Is(err, errSeveral):
			return nil, time.Time{}, nil
		case err != nil:
			return nil, time.Time{}, err
		case found && finite(value):
			return &value, t, nil
		}
	}
	return nil, time.Time{}, nil
}

// beforeTimes are a few scrapes to compare with, the best first: the one an hour ago, then ever younger ones, since the
// agent may have had nothing to report at first; where all are older than an hour, the newest of them.
func (e evaluator) beforeTimes() []time.Time {
	var times, older []time.Time
	for _, t := range e.times {
		switch age := e.at.Sub(t); {
		case age > beforeAge+e.interval:
			older = []time.Time{t}
		case age >= scrapesInBetween*e.interval:
			times = append(times, t)
		}
	}
	if n := len(times); n > 4 {
		times = []time.Time{times[0], times[n/4], times[n/2], times[3*n/4]}
	}
	return append(times, older...)
}

// topBucket is the highest finite bound of the histogram's buckets; bounded is false when it has none.
func (e evaluator) topBucket(ctx context.Context, selector string) (top float64, bounded bool, err error) {
	vector, err := e.query(ctx, "group by (le) ("+selector+")", e.at, 0)
	top = math.Inf(1)
	for _, bucket := range vector {
		le, parseErr := strconv.ParseFloat(bucket.Metric.Get(labels.BucketLabel), 64)
		if parseErr == nil && finite(le) && (!bounded || le > top) {
			top, bounded = le, true
		}
	}
	return top, bounded, err
}

// table computes one ranking; its Rows are empty when there is nothing to tell.
func (e evaluator) table(ctx context.Context, spec tableSpec) (Table, error) {
	table := Table{Name: spec.Name, Unit: spec.Unit, Topics: slices.Clone(spec.Topics)}
	window := e.window(e.at, tableWindow, scrapesInBetween*e.interval)
	expr, of := spec.Expr, spec.Of
	var vector promql.Vector
	var err error
	if window > 0 {
		if vector, err = e.query(ctx, expr, e.at, window); err != nil {
			return table, err
		}
		table.Name += " (" + spanName(window) + ")"
	}
	if len(vector) == 0 {
		expr, of, window = spec.SinceStart, spec.OfSinceStart, 0
		table.Name, table.Note = spec.Name, sinceStart
		if vector, err = e.query(ctx, expr, e.at, window); err != nil {
			return table, err
		}
	}
	wholes := map[string]float64{}
	if of != "" {
		all, err := e.query(ctx, of, e.at, window)
		if err != nil {
			return table, err
		}
		for _, one := range all {
			wholes[rowName(one.Metric, spec.By)] = spec.round(one.F)
		}
	}
	for _, one := range vector {
		row := Row{Name: rowName(one.Metric, spec.By), Value: spec.round(one.F)}
		if !finite(row.Value) || row.Value <= 0 {
			continue
		}
		if whole, ok := wholes[row.Name]; ok && finite(whole) && whole >= row.Value {
			row.Of = &whole
		}
		table.Rows = append(table.Rows, row)
	}
	slices.SortFunc(table.Rows, func(a, b Row) int {
		return cmp.Or(cmp.Compare(b.Value, a.Value), cmp.Compare(a.Name, b.Name))
	})
	table.Rows = table.Rows[:min(len(table.Rows), maxRows)]
	return table, nil
}

// round makes counts whole: PromQL's increase estimates, and gives fractions of events.
func (t tableSpec) round(v float64) float64 {
	if t.Unit == Short {
		return math.Round(v)
	}
	return v
}

// spanName is a table's span in words: "1 h", "20 min".
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

func rowName(metric labels.Labels, by []string) string {
	var parts []string
	for _, label := range by {
		if part := word(metric.Get(label)); part != "" {
			parts = append(parts, part)
		}
	}
	if len(parts) == 0 {
		return "(no name)"
	}
	return strings.Join(parts, " ")
}

// number evaluates an expression that gives one number; found is false when it gives none.
func (e evaluator) number(ctx context.Context, expr string, t time.Time, window time.Duration) (value float64, found bool, err error) {
	vector, err := e.query(ctx, expr, t, window)
	switch {
	case err != nil || len(vector) == 0:
		return 0, false, err
	case len(vector) > 1:
		return 0, false, errSeveral
	}
	return vector[0].F, true, nil
}

// query evaluates an expression over the agent's own series. Window is what $__rate_interval and $__window stand for.
func (e evaluator) query(ctx context.Context, expr string, t time.Time, window time.Duration) (promql.Vector, error) {
	span := fmt.Sprintf("%dms", window.Milliseconds())
	text := strings.NewReplacer(
		"$__rate_interval", span,
		"$__window", span,
		"$__history", fmt.Sprintf("%dms", e.history.Milliseconds()),
	).Replace(expr)
	query, err := e.engine.NewInstantQuery(ctx, e.series, nil, text, t)
	if err != nil {
		return nil, fmt.Errorf("reading %q: %w", expr, err)
	}
	defer query.Close()
	result := query.Exec(ctx)
	if result.Err != nil {
		return nil, fmt.Errorf("evaluating %q: %w", expr, result.Err)
	}
	switch value := result.Value.(type) {
	case promql.Vector:
		// The engine takes its own back.
		return slices.Clone(value), nil
	case promql.Scalar:
		return promql.Vector{{T: value.T, F: value.V}}, nil
	}
	return nil, fmt.Errorf("evaluating %q: gives no vector", expr)
}
