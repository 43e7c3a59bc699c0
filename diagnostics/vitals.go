package diagnostics

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// The words for what cannot be known, and for what qualifies a value.
const (
	notReportedByAgent = notReported + " by this agent"
	sinceStart         = "since start"
	noTraffic          = "no traffic"
	noNumber           = "no number reported"
	noBuckets          = "histogram without buckets"
	anAverage          = "average: the histogram has no buckets"
	oneScrape          = "known from the second scrape on"
	noLonger           = "no longer reported"
	notRead            = "not in the part of the metrics that could be read"
	severalValues      = "reported more than once"
	clocksDiffer       = "the agent's clock differs from ours"
	belowZero          = "reported as less than 0"
	partOfNothing      = "reported as a part of 0"
)

// uptimeVital is the vital that says when the agent started.
const uptimeVital = "uptime"

// reading is what the stored samples say of an agent.
type reading struct {
	at      time.Time
	started time.Time
	profile string
	samples int
	vitals  []Vital
	tables  []Table
	note    string
}

// read computes everything at the time of the newest good scrape that is not later than now.
func (c *Collector) read(ctx context.Context, set *settings, a *agent, now time.Time) (reading, error) {
	e, err := c.evaluator(ctx, set, a, now)
	if err != nil || e == nil {
		return reading{}, err
	}
	r := reading{at: e.at}
	if samples, found, numberErr := e.number(ctx, samplesExpression, e.at, 0); numberErr == nil && found {
		r.samples = int(samples.value)
	}
	chosen, err := a.kindsAt(ctx, e.at, e.names)
	if err != nil {
		return r, err
	}
	if len(chosen) == 0 {
		r.note = "no profile fits these metrics"
	} else {
		r.profile = chosen[0].Name
	}
	if !e.alone {
		r.note = strings.TrimPrefix(r.note+"; "+severalProcesses, "; ")
	}
	var specs []*tableSpec
	for _, p := range chosen {
		for i := range p.Tables {
			specs = append(specs, &p.Tables[i])
		}
	}
	// What cannot be computed of one vital, or not in time, does not cost the others.
	var tables []Table
	var failedTables error
	var ranking sync.WaitGroup
	ranking.Go(func() { tables, failedTables = inParallel(ctx, specs, e.table) })
	groups := byName(a.queries, chosen)
	vitals, failed := inParallel(ctx, groups, e.firstVital)
	ranking.Wait()
	r.vitals = vitals
	for _, v := range vitals {
		if v.Name == uptimeVital && v.Value != nil {
			r.started = e.at.Add(-time.Duration(*v.Value * float64(time.Second))).Round(time.Second)
		}
	}
	r.tables = slices.DeleteFunc(tables, func(t Table) bool { return len(t.Rows) == 0 })
	if err := errors.Join(failed, failedTables, ctx.Err()); err != nil {
		return r, err
	}
	return r, a.trend.addTrends(ctx, e, groups, r.vitals)
}

// inParallel makes one of each, in their order, with as many goroutines as there are processors. What is not made when ctx ends is
// left out.
func inParallel[From, To any](ctx context.Context, all []From, makeOne func(context.Context, From) (To, error)) ([]To, error) {
	made, whole, errs := make([]To, len(all)), make([]bool, len(all)), make([]error, len(all))
	var next atomic.Int64
	var work sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(all)) {
		work.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(all) && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				made[i], errs[i] = makeOne(ctx, all[i])
				whole[i] = errs[i] == nil || ctx.Err() == nil
			}
		})
	}
	work.Wait()
	var kept []To
	for i, one := range made {
		if whole[i] {
			kept = append(kept, one)
		}
	}
	return kept, errors.Join(errs...)
}

// evaluator computes at the time of the newest good scrape; nil when there is none.
func (c *Collector) evaluator(ctx context.Context, set *settings, a *agent, now time.Time) (*evaluator, error) {
	// A poll may have been stored since the snapshot was asked for.
	times, err := a.series.scrapes(ctx, now.Add(-set.history), now.Add(set.deadline))
	if err != nil || len(times) == 0 {
		return nil, err
	}
	e := &evaluator{
		engine: c.engine, series: a.series, times: times, at: times[len(times)-1], interval: a.interval, history: set.history, redact: set.redact,
	}
	since, err := a.series.sameProcess(ctx, times[0], e.at)
	if err != nil {
		return nil, err
	}
	if e.alone = since.IsZero(); !e.alone {
		e.times = slices.DeleteFunc(times, func(t time.Time) bool { return t.Before(since) })
	}
	e.names, err = a.series.metricNames(ctx, e.at.Add(-set.history), e.at)
	return e, err
}

var (
	samplesExpression    = mustParse(samplesSeries)
	incompleteExpression = mustParse(incompleteSeries + " == 1 and on() " + samplesSeries + " > 0")
)

func mustParse(text string) *expression {
	e, err := parseExpression(text)
	if err != nil {
		panic(err)
	}
	return e
}

// byName are the vitals to compute: the agent's queries, and those of the profiles in their order. Those of one name are
// alternatives, and stand together where the first of them stands.
func byName(queries []vitalSpec, chosen []*profile) [][]*vitalSpec {
	var groups [][]*vitalSpec
	place := map[string]int{}
	for i := range queries {
		groups = append(groups, []*vitalSpec{&queries[i]})
	}
	for _, p := range chosen {
		for i := range p.Vitals {
			v := &p.Vitals[i]
			if at, ok := place[v.Name]; ok {
				groups[at] = append(groups[at], v)
				continue
			}
			if slices.ContainsFunc(queries, func(q vitalSpec) bool { return q.Name == v.Name }) {
				continue // the user knows better
			}
			place[v.Name] = len(groups)
			groups = append(groups, []*vitalSpec{v})
		}
	}
	return groups
}

// firstVital is the first of the alternatives that is known; the first of all where none is.
func (e *evaluator) firstVital(ctx context.Context, specs []*vitalSpec) (Vital, error) {
	var first Vital
	for i, spec := range specs {
		v, err := e.vital(ctx, spec)
		if err != nil {
			return Vital{
				Name: spec.Name, Unit: spec.Unit, State: StateUnknown, Note: "could not be computed", Topics: v.Topics, Asked: spec.asked,
			}, fmt.Errorf("vital %q: %w", spec.Name, err)
		}
		if i == 0 {
			first = v
		}
		if v.State != StateUnknown {
			return v, nil
		}
	}
	return first, nil
}

// vital computes one vital. Only a failure of our own is an error.
func (e *evaluator) vital(ctx context.Context, spec *vitalSpec) (Vital, error) {
	v := Vital{Name: spec.Name, Unit: spec.Unit, State: StateUnknown, Topics: slices.Clone(spec.Topics), Asked: spec.asked}
	if spec.Label != "" {
		return e.textVital(ctx, spec, v)
	}
	why := ""
	for i := range spec.ways {
		w := &spec.ways[i]
		if w.average && why != noBuckets || !w.possible(e.names) {
			continue
		}
		got, err := e.try(ctx, spec, w)
		if err != nil {
			return v, err
		}
		if got.why != "" {
			if w.tellsMore(why, got.why) {
				why = got.why
			}
			continue
		}
		return e.known(ctx, spec, w, got, v)
	}
	if v.Note = why; why == "" || why == notReportedByAgent {
		v.Note = spec.absent()
	}
	if why != "" && why != notReportedByAgent {
		return v, nil
	}
	incomplete, err := e.query(ctx, incompleteExpression, e.at, 0)
	if err != nil {
		return v, err
	}
	gone := noLonger
	if len(incomplete) > 0 {
		gone = notRead
		if v.Note == notReportedByAgent {
			v.Note = notRead
		}
	}
	return e.lost(ctx, spec, v, gone)
}

// lost is a vital that is not reported; where one of the scrapes that it would be compared with did report it, its note says how it is gone.
func (e *evaluator) lost(ctx context.Context, spec *vitalSpec, v Vital, gone string) (Vital, error) {
	for i := range spec.ways {
		w := &spec.ways[i]
		// What counts over the last hour had nothing to count in it.
		if w.average || !w.possible(e.names) || w.current != nil && w.current.window {
			continue
		}
		was, at, err := e.before(ctx, w, w.shown(true))
		if err != nil {
			return v, err
		}
		if was == nil {
			continue
		}
		v.Note, v.Before, v.BeforeBound, v.BeforeAt = gone, &was.value, was.bound, at
		return v, nil
	}
	return v, nil
}

// known is the vital with the value that one of its ways gave.
func (e *evaluator) known(ctx context.Context, spec *vitalSpec, w *way, got tried, v Vital) (Vital, error) {
	value := got.value
	v.Value, v.Bound, v.State = &value, got.bound, spec.judge(got.judged)
	var notes []string
	switch {
	case !got.current:
		notes = append(notes, sinceStart)
	case w.current.window:
		notes = append(notes, "in "+spanName(got.span))
	}
	if w.average {
		notes = append(notes, anAverage)
	}
	switch {
	case spec.when == nil && spec.Note != "":
		notes = append(notes, spec.Note)
	case spec.when != nil && e.alone:
		vector, err := e.query(ctx, spec.when, e.at, 0)
		if err != nil {
			return v, err
		}
		if len(vector) > 0 {
			notes = append(notes, spec.Note)
		}
	}
	v.Note = strings.Join(notes, ", ")
	if spec.NoBefore || !got.current && w.current != nil {
		return v, nil
	}
	was, at, err := e.before(ctx, w, w.shown(got.current))
	if was != nil {
		v.Before, v.BeforeBound, v.BeforeAt = &was.value, was.bound, at
	}
	return v, err
}

func (v *vitalSpec) absent() string {
	if v.Absent != "" {
		return v.Absent
	}
	return notReportedByAgent
}

// tellsMore is whether this way's reason is said in place of that of the ways before: a histogram that has no classic buckets may be a
// native one, and then nothing is missing.
func (w *way) tellsMore(before, why string) bool {
	return before == "" || before == notReportedByAgent || before == noBuckets && !w.average && why != notReportedByAgent
}

func (w *way) possible(names []string) bool {
	return w.current != nil && w.current.possible(names) || w.sinceStart != nil && w.sinceStart.possible(names)
}

// shown is the expression that a value comes from: the current one's, or that since start.
func (w *way) shown(current bool) *expression {
	if current && w.current != nil {
		return w.current
	}
	return w.sinceStart
}

// tried is what one way gave: a number, or why there is none.
type tried struct {
	figure
	// current is whether it is one of now rather than since start; span what it was computed over, 0 when that is no matter.
	current bool
	span    time.Duration
	why     string
}

// try is the current value, or where none can be known that of the agent's whole life.
func (e *evaluator) try(ctx context.Context, spec *vitalSpec, w *way) (tried, error) {
	var got tried
	found, missing := false, ""
	var err error
	if w.current != nil {
		var ok bool
		if got.span, ok = e.span(w.current, e.at); ok {
			got.figure, found, err = e.value(ctx, w, w.current, e.at, got.span)
			if found && err == nil && w.current.rate {
				// Over its span a rate outlives what it is the rate of; it is none of now any more.
				found, err = e.stillReported(ctx, w.current)
			}
			got.current = found
		} else if w.current.possible(e.names) {
			if missing = oneScrape; w.current.window {
				missing = "known after " + Format((scrapesInBetween*e.interval).Seconds(), Seconds) + " of scrapes"
			}
		}
	}
	if err == nil && !found && w.sinceStart != nil {
		got.span = 0
		got.figure, found, err = e.value(ctx, w, w.sinceStart, e.at, 0)
	}
	switch {
	case errors.Is(err, errSeveral):
		return tried{why: severalValues}, nil
	case err != nil:
		return tried{}, err
	case !found && missing != "":
		return tried{why: missing}, nil
	case !found:
		return tried{why: notReportedByAgent}, nil
	case !finite(got.value):
		why, err := e.whyNaN(ctx, spec, w, got)
		return tried{why: why}, err
	case got.value < 0:
		why, err := e.whyNegative(ctx, spec, w, got)
		if why != "" || err != nil {
			return tried{why: why}, err
		}
	}
	if spec.NeverSet && got.value == 0 {
		set, err := e.everSet(ctx, w.current)
		if err != nil || !set {
			return tried{why: notReported + " by this agent (always 0)"}, err
		}
	}
	return got, nil
}

// value evaluates one of the way's expressions at t.
func (e *evaluator) value(ctx context.Context, w *way, expr *expression, t time.Time, span time.Duration) (figure, bool, error) {
	if w.histogram != nil {
		counts := w.histogram.buckets
		if expr == w.sinceStart {
			counts = w.histogram.sinceStart
		}
		return e.quantile(ctx, w.histogram, counts, t, span)
	}
	return e.number(ctx, expr, t, span)
}

// whyNaN says why a value that was computed is no number.
func (e *evaluator) whyNaN(ctx context.Context, spec *vitalSpec, w *way, got tried) (string, error) {
	counted := len(spec.Histogram) > 0 || w.current != nil && (w.current.rate || w.current.window)
	switch {
	case got.unbounded:
		// Such as the text form of a native histogram, which has the bucket +Inf alone.
		return noBuckets, nil
	case math.IsInf(got.value, 0) && spec.Unit != PercentUnit:
		return noNumber, nil
	case !counted && spec.Idle != "":
		return spec.Idle, nil
	case !counted && spec.Unit != PercentUnit:
		return noNumber, nil
	}
	// What was counted is a number, and 0 of 0 is none: but an agent may count NaN, and +Inf.
	switch given, err := e.given(ctx, w.shown(got.current), got.span, func(v float64) bool { return !finite(v) }); {
	case given, err != nil:
		return noNumber, err
	case spec.Idle != "":
		return spec.Idle, nil
	case !counted || math.IsInf(got.value, 0):
		return partOfNothing, nil
	}
	return noTraffic, nil
}

// whyNegative says why a value is less than nothing where it cannot be; "" where it may be.
func (e *evaluator) whyNegative(ctx context.Context, spec *vitalSpec, w *way, got tried) (string, error) {
	expr := w.shown(got.current)
	// What was counted in a life that has yet to begin is less than nothing, as is what an agent counts below 0.
	future := spec.Unit == Seconds || !got.current && w.current != nil
	if !future && !expr.rate && !expr.window {
		return "", nil
	}
	switch given, err := e.given(ctx, expr, got.span, func(v float64) bool { return v < 0 }); {
	case given, err != nil:
		return belowZero, err
	case future:
		return clocksDiffer, nil
	}
	return "", nil
}

// before is the value an hour before, or as near to that as the history allows; nil when there is none.
func (e *evaluator) before(ctx context.Context, w *way, expr *expression) (*figure, time.Time, error) {
	long, _ := e.span(expr, e.at)
	for _, t := range e.beforeTimes(!expr.rate && !expr.window) {
		span, ok := e.span(expr, t)
		// A count over less time is less: it is nothing to compare with.
		if !ok || expr.window && span < long*9/10 {
			continue
		}
		n, found, err := e.value(ctx, w, expr, t, span)
		switch {
		case errors.Is(err, errSeveral):
			return nil, time.Time{}, nil
		case err != nil:
			return nil, time.Time{}, err
		case found && finite(n.value):
			return &n, t, nil
		}
	}
	return nil, time.Time{}, nil
}

// textVital is a vital that is a label's value, such as a version. Several of them are all said: a pool may be half way
// through an update.
func (e *evaluator) textVital(ctx context.Context, spec *vitalSpec, v Vital) (Vital, error) {
	v.Note = spec.absent()
	for i := range spec.ways {
		expr := spec.ways[i].current
		if expr == nil {
			continue
		}
		text, err := e.text(ctx, spec.Label, expr, e.at)
		if err != nil {
			return v, err
		}
		if text == "" {
			continue
		}
		v.Text, v.State, v.Note = text, StateOK, ""
		for _, t := range e.beforeTimes(true) {
			was, err := e.text(ctx, spec.Label, expr, t)
			if err != nil {
				return v, err
			}
			if was != "" {
				v.BeforeText, v.BeforeAt = was, t
				break
			}
		}
		return v, nil
	}
	return v, nil
}

// mostTexts is how many values of one label are said.
const mostTexts = 3

func (e *evaluator) text(ctx context.Context, label string, expr *expression, t time.Time) (string, error) {
	vector, err := e.query(ctx, expr, t, 0)
	var texts []string
	for _, one := range vector {
		if text := e.shown(one.Metric, label); text != "" && !slices.Contains(texts, text) {
			texts = append(texts, text)
		}
	}
	slices.Sort(texts)
	if more := len(texts) - mostTexts; more > 0 {
		texts = append(texts[:mostTexts], fmt.Sprintf("and %d more", more))
	}
	return strings.Join(texts, ", "), err
}
