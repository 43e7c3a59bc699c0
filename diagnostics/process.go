package diagnostics

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"github.com/alertvitals/notifier/diagnostics/exposition"
)

// startSeries says when a process began, by its own clock, in seconds since 1970:
// https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics
const startSeries = "process_start_time_seconds"

// clocksApart is how far the agent's clock may be from ours before what it says of its start is misread.
const clocksApart = 2 * time.Minute

// saysStart is whether a start time says when a process began: 0 and the like stand for one that is not known, and one in milliseconds
// or of a machine whose clock was not yet set says something else. No number at all is said to be none where it is used.
func saysStart(at float64) bool {
	const in1990, in5138 = 631_152_000, 1e11
	return at >= in1990 && at < in5138 || !finite(at)
}

// severalProcesses are the words for an address where more than one process answers, such as that of a balancer.
const severalProcesses = "its start time changed without a restart: several processes answer there, or its clock was set; " +
	"values before that are not used"

// anotherProcess is whether a process that says it began at `is` cannot be a restart of the one that had begun at `was` and was
// scraped last at `last`: it had begun before that one, or while that one still answered. What the two counted has nothing to do with
// each other.
func anotherProcess(was, is float64, last time.Time) bool {
	if !finite(was) || !finite(is) || math.Abs(is-was) <= clockError.Seconds() {
		return false
	}
	return is < was || is < float64(last.Add(-clocksApart).UnixMilli())/1000
}

// processStart is when the process began that gave the samples; NaN when they do not say, or tell of several.
func processStart(samples []exposition.Sample) float64 {
	start := math.NaN()
	for _, one := range samples {
		if one.Labels.Get(model.MetricNameLabel) != startSeries || one.Old || !saysStart(one.Value) {
			continue
		}
		if !math.IsNaN(start) {
			return math.NaN()
		}
		start = one.Value
	}
	return start
}

// sameProcess is the time in the span since which one process and its restarts have answered, and nobody else; zero when that is so
// for all of it, and where it is not known.
func (s *series) sameProcess(ctx context.Context, from, to time.Time) (since time.Time, err error) {
	q, err := s.Querier(from.UnixMilli(), to.UnixMilli())
	if err != nil {
		return since, err
	}
	defer q.Close() //nolint:errcheck // reading is over, and nothing was written
	set := q.Select(ctx, false, nil, labels.MustNewMatcher(labels.MatchEqual, model.MetricNameLabel, startSeries))
	for n := 0; set.Next(); n++ {
		if n > 0 {
			return time.Time{}, nil // a collector tells of several
		}
		was, last := math.NaN(), time.Time{}
		it := set.At().Iterator(nil)
		for it.Next() == chunkenc.ValFloat {
			t, is := it.At()
			if value.IsStaleNaN(is) {
				continue
			}
			at := time.UnixMilli(t)
			if anotherProcess(was, is, last) {
				since = at
			}
			was, last = is, at
		}
	}
	if err := set.Err(); err != nil {
		return since, fmt.Errorf("reading the scraped samples: %w", err)
	}
	return since, nil
}
