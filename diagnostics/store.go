package diagnostics

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/common/model"
	native "github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"github.com/alertvitals/notifier/diagnostics/exposition"
)

// staleAfter is the lookback: Prometheus, too, takes a series for gone that has had no sample for as long.
const staleAfter = exposition.OldAfter

// The series that are written about each scrape, as Prometheus does:
// https://prometheus.io/docs/concepts/jobs_instances/#automatically-generated-labels-and-time-series
const (
	upSeries       = "up"
	durationSeries = "scrape_duration_seconds"
	samplesSeries  = "scrape_samples_scraped"
	// incompleteSeries is our own: 1 when a part of the scrape was not read. What is absent from such a scrape may exist.
	incompleteSeries = "scrape_incomplete"
	// alertSeries and forSeries are what Prometheus's rules write about alerts:
	// https://prometheus.io/docs/prometheus/latest/configuration/alerting_rules/#inspecting-alerts-during-runtime
	alertSeries = "ALERTS"
	forSeries   = "ALERTS_FOR_STATE"
)

// blockDuration is how much of the history stays in memory before it becomes a block on disk. With Prometheus's two hours, 100 agents
// of 1,000 series took half as much memory again, and twice as much at the moment when a block is written.
const blockDuration = 30 * time.Minute

// openStore opens the samples' database in dir. It is small, keeps a log, and stays small while idle.
func openStore(dir string, history time.Duration, logger *slog.Logger) (*tsdb.DB, error) {
	opts := tsdb.DefaultOptions()
	opts.RetentionDuration = history.Milliseconds()
	opts.WALSegmentSize = 8 << 20
	opts.MinBlockDuration = blockDuration.Milliseconds()
	opts.StripeSize = 512
	opts.MaxExemplars = 0
	opts.OutOfOrderTimeWindow = 0
	// Its own metrics are left out: the notifier's are about alerts.
	db, err := tsdb.Open(dir, slog.New(warnings{logger.Handler()}), nil, opts, nil)
	if err != nil {
		return nil, fmt.Errorf("opening the scraped samples in %s: %w", dir, err)
	}
	db.DisableCompactions() // by itself: compactOften does
	return db, nil
}

// warnings keeps what the database tells about its routine to itself.
type warnings struct{ slog.Handler }

func (h warnings) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && h.Handler.Enabled(ctx, level)
}

func (h warnings) WithAttrs(attrs []slog.Attr) slog.Handler {
	return warnings{h.Handler.WithAttrs(attrs)}
}

func (h warnings) WithGroup(name string) slog.Handler { return warnings{h.Handler.WithGroup(name)} }

// Limits on what one agent may have in the history. They bound the memory that labels which never come again take: each series
// has about 2 KiB in the database for as long as the history is.
const (
	mostSeries     = 2 * exposition.MaxSamples
	mostLabelBytes = 32 << 20
)

// series is what is stored about one agent. One writer at a time appends, and in the order of time.
type series struct {
	db            *tsdb.DB
	job, instance string
	// most is mostSeries, but in tests.
	most int
	// history is for how long samples are kept, in milliseconds; it changes with the configuration.
	history atomic.Int64

	mu sync.Mutex
	// looked is whether it was asked what the database has of an earlier run.
	looked bool
	// last is the time of the newest stored scrape, whole whether that was read in full, present how many series it has.
	last    time.Time
	whole   bool
	present int
	// known are the series that the agent has had within the history, by the hash of the labels that it gave them; found are
	// those of an earlier run that it has yet to report again, by the hash of the labels that are stored. labelBytes is the
	// size of the labels of both.
	known, found map[uint64]*knownSeries
	labelBytes   uint64
	swept        time.Time
	// gone are the newest values of series that are not known any more, by the hash of the labels that were stored.
	gone map[uint64]float64
	// natively is whether the newest scrape had native histograms.
	natively bool
	// started is when the process began that was scraped last, in seconds since 1970; NaN when that is not known.
	started float64
	// bounds are those of the histograms of the newest scrape that changed which series there are, and boundsAt is when they became
	// others, in milliseconds since 1970.
	bounds   map[bound]bool
	boundsAt atomic.Int64
}

func newSeries(db *tsdb.DB, job, instance string) *series {
	return &series{db: db, job: job, instance: instance, most: mostSeries, started: math.NaN()}
}

// knownSeries is one series that an agent has had.
type knownSeries struct {
	// own are the labels that are stored, whose text the database has, too; ref is the database's name for them.
	own labels.Labels
	ref storage.SeriesRef
	// seen is the time in milliseconds of the newest scrape that had it, value what it was then: 0 when it is new, and NaN when that is
	// not known.
	seen   int64
	value  float64
	native bool
}

// writing is one scrape on its way into the database.
type writing struct {
	storage.Appender

	err error
}

// put appends a sample, a native one where h is not nil.
func (w *writing) put(k *knownSeries, t int64, v float64, h *native.FloatHistogram) {
	var ref storage.SeriesRef
	var err error
	if h != nil {
		ref, err = w.AppendHistogram(k.ref, k.own, t, nil, h)
	} else {
		ref, err = w.Append(k.ref, k.own, t, v)
	}
	switch {
	case err == nil:
		k.ref = ref
	// A single sample that the database refuses (it has a later one from a clock that ran ahead) must not cost the others.
	case errors.Is(err, storage.ErrOutOfOrderSample), errors.Is(err, storage.ErrDuplicateSampleForTimestamp), errors.Is(err, storage.ErrOutOfBounds):
	default:
		w.err = errors.Join(w.err, err)
	}
}

// stale says that a series has ended: https://prometheus.io/docs/prometheus/latest/querying/basics/#staleness
func (w *writing) stale(k *knownSeries, t int64) {
	v := math.Float64frombits(value.StaleNaN)
	if k.native {
		w.put(k, t, 0, &native.FloatHistogram{Sum: v})
	} else {
		w.put(k, t, v, nil)
	}
}

// begin says what a counter that was not there at t had counted by then, which rates need to know: nothing, or where it is one that
// was there earlier and has not begun anew, as much as then.
func (w *writing) begin(k *knownSeries, t int64, now exposition.Sample) {
	first := now.Histogram
	switch {
	case math.IsNaN(k.value):
	case first != nil:
		w.put(k, t, 0, &native.FloatHistogram{Schema: first.Schema, ZeroThreshold: first.ZeroThreshold, CustomValues: first.CustomValues})
	case now.Value >= k.value:
		w.put(k, t, k.value, nil)
	default:
		w.put(k, t, 0, nil)
	}
}

// store appends a scrape that was begun at `at` and took `took`: what was read of it, or that it failed. A scrape that is
// not newer than the one before is left out; the newer one says all that it would. LeftOut is how many new series were not
// stored because the agent has had too many.
func (s *series) store(ctx context.Context, at time.Time, took time.Duration, got exposition.Exposition, ok bool) (leftOut int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err = s.look(ctx, at); err != nil {
		return 0, err
	}
	t := at.UnixMilli()
	if t <= s.last.UnixMilli() {
		return 0, nil
	}
	s.sweep(at, s.history.Load()/8)
	w := writing{Appender: s.db.Appender(ctx)}
	present, leftOut := s.append(&w, at, got.Samples)
	whole := ok && !got.Partial && leftOut == 0
	w.put(&knownSeries{own: s.report(upSeries)}, t, oneIf(ok), nil)
	w.put(&knownSeries{own: s.report(incompleteSeries)}, t, oneIf(!whole), nil)
	w.put(&knownSeries{own: s.report(durationSeries)}, t, took.Seconds(), nil)
	w.put(&knownSeries{own: s.report(samplesSeries)}, t, float64(present), nil)
	if err = w.err; err != nil {
		err = errors.Join(err, w.Rollback())
	} else {
		err = w.Commit()
	}
	if err != nil {
		// Nothing is stored. The series of this scrape count as those of the one before: they may get a stale marker too many.
		for _, k := range s.known {
			if k.seen == t {
				k.seen = s.last.UnixMilli()
			}
		}
		s.present = len(s.known) + len(s.found)
		return 0, fmt.Errorf("storing the scrape of agent %q: %w", s.job, err)
	}
	s.last, s.whole, s.present = at, whole, present
	s.natively = got.Native > 0
	if start := processStart(got.Samples); finite(start) {
		s.started = start
	}
	return leftOut, nil
}

// append writes the samples, and ends the series of the scrape before that are not among them. Present is how many there are now.
func (s *series) append(w *writing, at time.Time, samples []exposition.Sample) (present, leftOut int) {
	t, before := at.UnixMilli(), s.last.UnixMilli()
	still := 0
	// What another process has counted it may have counted long before.
	whole := s.whole && !anotherProcess(s.started, processStart(samples), s.last) && !s.joined(samples, before)
	for _, one := range samples {
		name := one.Labels.Get(model.MetricNameLabel)
		if one.Old || reserved(name) || name == startSeries && !saysStart(one.Value) {
			continue
		}
		hash := one.Labels.Hash()
		k := s.known[hash]
		if k == nil {
			if k = s.meet(at, hash, one.Labels); k == nil {
				leftOut++
				continue
			}
		}
		if k.seen != before && one.Counter && whole && (one.Histogram == nil || s.natively) {
			// A counter appears with its first event, and a collector shows one that had rested again with its next. A native
			// histogram may also appear because text, which cannot show it, is not read any more.
			w.begin(k, before, one)
		}
		w.put(k, t, one.Value, one.Histogram)
		if k.value = one.Value; one.Histogram != nil {
			k.value = math.NaN()
		}
		if k.seen == before {
			still++
		}
		k.seen, k.native = t, one.Histogram != nil
		present++
	}
	if still != s.present || still != present {
		s.seeBounds(t)
	}
	if still == s.present {
		return present, leftOut
	}
	for _, all := range []map[uint64]*knownSeries{s.known, s.found} {
		for _, k := range all {
			if k.seen == before {
				w.stale(k, t)
			}
		}
	}
	return present, leftOut
}

// seeBounds remembers when the bounds of the histograms of the scrape at t are others than those of the one before.
func (s *series) seeBounds(t int64) {
	bounds := map[bound]bool{}
	for _, k := range s.known {
		if k.seen == t && k.own.Has(labels.BucketLabel) {
			bounds[bound{k.own.Get(model.MetricNameLabel), k.own.Get(labels.BucketLabel)}] = true
		}
	}
	if !maps.Equal(bounds, s.bounds) {
		s.bounds = bounds
		s.boundsAt.Store(t)
	}
}

// bound is one of a histogram's, both in the words of the agent.
type bound struct{ bucket, le string }

// joined is whether a collector tells of a process that it did not tell of in the scrape before, and that had begun before that one.
func (s *series) joined(samples []exposition.Sample, before int64) bool {
	return slices.ContainsFunc(samples, func(one exposition.Sample) bool {
		if one.Labels.Get(model.MetricNameLabel) != startSeries || one.Old || !saysStart(one.Value) {
			return false
		}
		k := s.known[one.Labels.Hash()]
		return (k == nil || k.seen != before) && one.Value < float64(s.last.Add(-clocksApart).UnixMilli())/1000
	})
}

// reserved is whether a name is one of the series that are ours: an agent does not say whether it could be scraped, nor which
// alerts there are.
func reserved(name string) bool {
	switch name {
	case upSeries, durationSeries, samplesSeries, incompleteSeries, alertSeries, forSeries:
		return true
	}
	return false
}

// meet makes a series known that was not; nil when the agent has had too many.
func (s *series) meet(at time.Time, hash uint64, scraped labels.Labels) *knownSeries {
	own := s.own(scraped)
	stored := own.Hash()
	if k := s.found[stored]; k != nil {
		delete(s.found, stored)
		s.known[hash] = k
		return k
	}
	full := func() bool {
		return len(s.known)+len(s.found) >= s.most || s.labelBytes+own.ByteSize() > mostLabelBytes
	}
	if full() {
		if s.sweep(at, time.Minute.Milliseconds()); full() {
			return nil
		}
	}
	k := &knownSeries{own: own, value: s.gone[stored]}
	delete(s.gone, stored)
	s.known[hash] = k
	s.labelBytes += own.ByteSize()
	return k
}

// sweep forgets the series that the agent has not had within the history, unless it did that within so many milliseconds.
func (s *series) sweep(now time.Time, every int64) {
	if now.UnixMilli()-s.swept.UnixMilli() < every {
		return
	}
	s.swept = now
	for _, all := range []map[uint64]*knownSeries{s.known, s.found} {
		for hash, k := range all {
			if k.seen < now.UnixMilli()-s.history.Load() && k.seen != s.last.UnixMilli() {
				s.labelBytes -= k.own.ByteSize()
				delete(all, hash)
				if len(s.gone) >= s.most/4 {
					clear(s.gone) // labels that never come again must not fill the memory
				}
				s.gone[k.own.Hash()] = k.value
			}
		}
	}
}

// look finds out, once, what the database has of an earlier run of ours: which series the agent had, and which of them its
// newest scrape had, so that those that are gone since get their stale markers.
func (s *series) look(ctx context.Context, now time.Time) error {
	if s.looked {
		return nil
	}
	s.known, s.found, s.gone = map[uint64]*knownSeries{}, map[uint64]*knownSeries{}, map[uint64]float64{}
	s.labelBytes, s.swept = 0, now
	from, to := now.UnixMilli()-s.history.Load(), now.UnixMilli()
	err := s.each(ctx, from, to, &storage.SelectHints{Start: from, End: to, Func: "series"}, labels.MatchNotEqual, "", func(set labels.Labels, _ chunkenc.Iterator) {
		if !reserved(set.Get(model.MetricNameLabel)) {
			s.found[set.Hash()] = &knownSeries{own: set.Copy(), seen: to, value: math.NaN()}
			s.labelBytes += set.ByteSize()
		}
	})
	if err != nil {
		return err
	}
	s.boundsAt.Store(now.UnixMilli()) // the run before may have seen others
	last, up, incomplete := int64(math.MinInt64), 0.0, 1.0
	// Older than the lookback, a series has ended without a marker.
	recent := max(from, to-staleAfter.Milliseconds())
	err = s.each(ctx, recent, to, nil, labels.MatchEqual, upSeries, func(_ labels.Labels, it chunkenc.Iterator) {
		for it.Next() == chunkenc.ValFloat {
			last, up = it.At()
		}
	})
	if err != nil || last == math.MinInt64 {
		s.looked = err == nil
		return err
	}
	present := 0
	err = s.each(ctx, last, last, nil, labels.MatchNotEqual, "", func(set labels.Labels, it chunkenc.Iterator) {
		isNative := false
		var v float64
		switch it.Next() {
		case chunkenc.ValFloat:
			_, v = it.At()
		case chunkenc.ValHistogram, chunkenc.ValFloatHistogram:
			_, h := it.AtFloatHistogram(nil)
			v, isNative = h.Sum, true
		case chunkenc.ValNone:
			return
		}
		if set.Get(model.MetricNameLabel) == incompleteSeries {
			incomplete = v
		}
		if k := s.found[set.Hash()]; k != nil && !value.IsStaleNaN(v) {
			k.seen, k.native = last, isNative
			present++
		}
	})
	if err != nil {
		return err
	}
	s.looked, s.last, s.present, s.whole = true, time.UnixMilli(last), present, up == 1 && incomplete == 0
	return nil
}

// each calls do for the agent's own series with samples in a span of time, whose name matches.
func (s *series) each(
	ctx context.Context, from, to int64, hints *storage.SelectHints, match labels.MatchType, name string, do func(labels.Labels, chunkenc.Iterator),
) error {
	q, err := s.Querier(from, to)
	if err != nil {
		return err
	}
	defer q.Close() //nolint:errcheck // reading is over, and nothing was written
	set := q.Select(ctx, false, hints, labels.MustNewMatcher(match, model.MetricNameLabel, name))
	var it chunkenc.Iterator
	for set.Next() {
		it = set.At().Iterator(it)
		do(set.At().Labels(), it)
	}
	if err := set.Err(); err != nil {
		return fmt.Errorf("reading the scraped samples: %w", err)
	}
	return nil
}

func oneIf(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

// own puts the agent's job and instance on scraped labels; the agent's own labels of these names are kept as
// exported_job and exported_instance, as Prometheus does with honor_labels false.
func (s *series) own(scraped labels.Labels) labels.Labels {
	b := labels.NewBuilder(scraped)
	b.Set(model.JobLabel, s.job)
	b.Set(model.InstanceLabel, s.instance)
	for _, name := range []string{model.JobLabel, model.InstanceLabel} {
		theirs := scraped.Get(name)
		if theirs == "" {
			continue
		}
		for name = model.ExportedLabelPrefix + name; b.Get(name) != ""; {
			name = model.ExportedLabelPrefix + name
		}
		b.Set(name, theirs)
	}
	return b.Labels()
}

func (s *series) report(name string) labels.Labels {
	return labels.FromStrings(model.MetricNameLabel, name, model.JobLabel, s.job, model.InstanceLabel, s.instance)
}

// Querier gives the agent's own series only, so that an expression needs no selector for them.
func (s *series) Querier(mint, maxt int64) (storage.Querier, error) {
	q, err := s.db.Querier(mint, maxt)
	if err != nil {
		return nil, fmt.Errorf("reading the scraped samples: %w", err)
	}
	return ownQuerier{q, []*labels.Matcher{
		labels.MustNewMatcher(labels.MatchEqual, model.JobLabel, s.job),
		labels.MustNewMatcher(labels.MatchEqual, model.InstanceLabel, s.instance),
	}}, nil
}

type ownQuerier struct {
	storage.Querier
	own []*labels.Matcher
}

// Select lets the database give whole chunks: the engine passes over the samples that are outside its span, which costs it less than
// it costs the database to cut them off.
func (q ownQuerier) Select(ctx context.Context, sorted bool, hints *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
	if hints != nil {
		asked := *hints
		asked.DisableTrimming = true
		hints = &asked
	}
	all := make([]*labels.Matcher, 0, len(matchers)+len(q.own))
	return q.Querier.Select(ctx, sorted, hints, append(append(all, matchers...), q.own...)...)
}

// scrapes are the times of the successful scrapes in a span of time, in order.
func (s *series) scrapes(ctx context.Context, from, to time.Time) ([]time.Time, error) {
	q, err := s.Querier(from.UnixMilli(), to.UnixMilli())
	if err != nil {
		return nil, err
	}
	defer q.Close() //nolint:errcheck // reading is over, and nothing was written
	var times []time.Time
	set := q.Select(ctx, false, nil, labels.MustNewMatcher(labels.MatchEqual, model.MetricNameLabel, upSeries))
	for set.Next() {
		it := set.At().Iterator(nil)
		for it.Next() == chunkenc.ValFloat {
			// NaN, a stale marker, is not 1 either.
			if t, v := it.At(); v == 1 {
				times = append(times, time.UnixMilli(t))
			}
		}
		if err := it.Err(); err != nil {
			return nil, fmt.Errorf("reading the scraped samples: %w", err)
		}
	}
	if err := set.Err(); err != nil {
		return nil, fmt.Errorf("reading the scraped samples: %w", err)
	}
	return times, nil
}

// reportedNames are those of the metrics that the scrape at t had.
func (s *series) reportedNames(ctx context.Context, t time.Time) ([]string, error) {
	names := map[string]bool{}
	q, err := s.Querier(t.UnixMilli(), t.UnixMilli())
	if err != nil {
		return nil, err
	}
	defer q.Close() //nolint:errcheck // reading is over, and nothing was written
	set := q.Select(ctx, false, nil, labels.MustNewMatcher(labels.MatchNotEqual, model.MetricNameLabel, ""))
	var it chunkenc.Iterator
	for set.Next() {
		name := set.At().Labels().Get(model.MetricNameLabel)
		if names[name] {
			continue
		}
		it = set.At().Iterator(it)
		switch it.Next() {
		case chunkenc.ValFloat:
			_, v := it.At()
			names[name] = !value.IsStaleNaN(v)
		case chunkenc.ValHistogram, chunkenc.ValFloatHistogram:
			_, h := it.AtFloatHistogram(nil)
			names[name] = !value.IsStaleNaN(h.Sum)
		case chunkenc.ValNone:
		}
	}
	if err := set.Err(); err != nil {
		return nil, fmt.Errorf("reading the scraped samples: %w", err)
	}
	maps.DeleteFunc(names, func(_ string, reported bool) bool { return !reported })
	return slices.Collect(maps.Keys(names)), nil
}

// reports says whether the agent reported a metric of one of these names at t.
func (s *series) reports(ctx context.Context, t time.Time, names []string) (bool, error) {
	// From t to t: the samples of the scrape at t and no others.
	q, err := s.Querier(t.UnixMilli(), t.UnixMilli())
	if err != nil {
		return false, err
	}
	defer q.Close() //nolint:errcheck // reading is over, and nothing was written
	match := labels.MustNewMatcher(labels.MatchRegexp, model.MetricNameLabel, strings.Join(names, "|"))
	set := q.Select(ctx, false, nil, match)
	for set.Next() {
		it := set.At().Iterator(nil)
		for it.Next() == chunkenc.ValFloat {
			if _, v := it.At(); !value.IsStaleNaN(v) {
				return true, nil
			}
		}
	}
	if err := set.Err(); err != nil {
		return false, fmt.Errorf("reading the scraped samples: %w", err)
	}
	return false, nil
}
