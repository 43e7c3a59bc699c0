package diagnostics

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
)

// The series that are written about each scrape, as Prometheus does:
// https://prometheus.io/docs/concepts/jobs_instances/#automatically-generated-labels-and-time-series
const (
	upSeries       = "up"
	durationSeries = "scrape_duration_seconds"
	samplesSeries  = "scrape_samples_scraped"
	// incompleteSeries is our own: 1 when a part of the scrape was not read. What is absent from such a scrape may exist.
	incompleteSeries = "scrape_incomplete"
)

// openStore opens the samples' database in dir. It is small, keeps a log, and stays small while idle.
func openStore(dir string, history time.Duration, logger *slog.Logger) (*tsdb.DB, error) {
	opts := tsdb.DefaultOptions()
	opts.RetentionDuration = history.Milliseconds()
	opts.WALSegmentSize = 8 << 20
	opts.StripeSize = 512
	opts.MaxExemplars = 0
	opts.OutOfOrderTimeWindow = 0
	// Its own metrics are left out: the notifier's are about alerts.
	db, err := tsdb.Open(dir, slog.New(warnings{logger.Handler()}), nil, opts, nil)
	if err != nil {
		return nil, fmt.Errorf("opening the scraped samples in %s: %w", dir, err)
	}
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

// series is what is stored about one agent. One writer at a time appends, and in the order of time.
type series struct {
	db            *tsdb.DB
	job, instance string

	mu   sync.Mutex
	last time.Time
	// present are the series of the newest stored scrape, by the hash of their labels; they get a stale marker when a
	// later scrape lacks them.
	present map[uint64]labels.Labels
	// known are all that were ever seen; whole is whether the newest scrape was read in full.
	known map[uint64]bool
	whole bool
}

// store appends a scrape that was begun at `at` and took `took`: what was read of it, or that it failed. A scrape that is
// not newer than the one before is left out; the newer one says all that it would.
func (s *series) store(ctx context.Context, at time.Time, took time.Duration, got exposition, ok bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if at.UnixMilli() <= s.last.UnixMilli() {
		return nil
	}
	t := at.UnixMilli()
	app := s.db.Appender(ctx)
	present := make(map[uint64]labels.Labels, len(got.samples))
	var errs error
	put := func(set labels.Labels, t int64, v float64) {
		// A single sample that the database refuses (it has a later one from a clock that ran ahead) must not cost the others.
		if _, err := app.Append(0, set, t, v); err != nil && !errors.Is(err, storage.ErrOutOfOrderSample) &&
			!errors.Is(err, storage.ErrDuplicateSampleForTimestamp) && !errors.Is(err, storage.ErrOutOfBounds) {
			errs = errors.Join(errs, err)
		}
	}
	for _, one := range got.samples {
		switch one.labels.Get(model.MetricNameLabel) {
		case upSeries, durationSeries, samplesSeries, incompleteSeries:
			continue // the agent does not say whether it could be scraped
		}
		set := s.own(one.labels)
		hash := set.Hash()
		present[hash] = set
		if one.counter && s.whole && !s.known[hash] {
			// A counter appears with its first event: until then it was 0, which rates need to know.
			put(set, s.last.UnixMilli(), 0)
		}
		put(set, t, one.value)
	}
	for hash, set := range s.present {
		if _, still := present[hash]; !still {
			put(set, t, math.Float64frombits(value.StaleNaN))
		}
	}
	put(s.report(upSeries), t, oneIf(ok))
	put(s.report(incompleteSeries), t, oneIf(!ok || got.incomplete()))
	put(s.report(durationSeries), t, took.Seconds())
	put(s.report(samplesSeries), t, float64(len(got.samples)))
	if errs != nil {
		return errors.Join(fmt.Errorf("storing the scrape of agent %q: %w", s.job, errs), app.Rollback())
	}
	if err := app.Commit(); err != nil {
		return fmt.Errorf("storing the scrape of agent %q: %w", s.job, err)
	}
	s.last, s.present, s.whole = at, present, ok && !got.incomplete()
	if s.known == nil || len(s.known) > mostKnown {
		s.known = map[uint64]bool{}
	}
	for hash := range present {
		s.known[hash] = true
	}
	return nil
}

// mostKnown bounds the memory of series that agents have had, which grows with labels that never come again.
const mostKnown = 4 * maxSamples

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

func (q ownQuerier) Select(ctx context.Context, sorted bool, hints *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
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
