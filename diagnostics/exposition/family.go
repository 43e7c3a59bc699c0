package exposition

import (
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
)

// families are what a body's TYPE lines say, by the family's name. The first that says something counts.
type families map[string]model.MetricType

func (f families) add(name string, kind model.MetricType) {
	if f[name] == "" || f[name] == model.MetricTypeUnknown {
		f[name] = kind
	}
}

// counts is whether a series of this name counts from 0. Its TYPE says so, and only where there is none its name does: some
// agents have gauges whose names end in _total or _count, and histograms that end in _total. OpenMetrics's TYPE of a counter
// has the name without its _total.
func (f families) counts(name string) bool {
	if kind := f[name]; kind != "" && kind != model.MetricTypeUnknown {
		return kind == model.MetricTypeCounter
	}
	for _, end := range []string{"_total", "_count", "_sum", "_bucket"} {
		family, fits := strings.CutSuffix(name, end)
		if !fits {
			continue
		}
		switch kind := f[family]; kind {
		case "", model.MetricTypeUnknown:
			return true
		case model.MetricTypeCounter:
			return end == "_total"
		case model.MetricTypeHistogram, model.MetricTypeSummary:
			return end != "_total"
		default:
			return false
		}
	}
	return false
}

// histogramParts is how many series of each part a classic histogram has.
type histogramParts struct{ buckets, infinite, counts int }

// judge says of each sample whether it counts from 0, finds histograms that hide their buckets, and adds +Inf where it is missing.
func (r *reader) judge() {
	parts := map[string]histogramParts{}
	counting := map[string]bool{}
	for i := range r.out.Samples {
		s := &r.out.Samples[i]
		name := s.Labels.Get(model.MetricNameLabel)
		if s.Histogram != nil {
			s.Counter = s.Histogram.CounterResetHint != histogram.GaugeType
			continue
		}
		is, known := counting[name]
		if !known {
			is = r.families.counts(name)
			counting[name] = is
		}
		s.Counter = is
		if family, fits := strings.CutSuffix(name, "_bucket"); fits {
			if le := s.Labels.Get(labels.BucketLabel); le != "" {
				p := parts[family]
				p.buckets++
				if le == "+Inf" {
					p.infinite++
				}
				parts[family] = p
			}
		} else if family, fits := strings.CutSuffix(name, "_count"); fits && r.families[family] == model.MetricTypeHistogram {
			p := parts[family]
			p.counts++
			parts[family] = p
		}
	}
	incomplete := map[string]bool{}
	for family, p := range parts {
		if p.infinite > 0 && p.buckets == p.infinite && r.out.Native == 0 {
			r.out.Hidden = true
		}
		if p.buckets > p.infinite && p.counts > p.infinite {
			incomplete[family] = true
		}
	}
	if len(incomplete) > 0 {
		r.addInfinite(incomplete)
	}
}

// addInfinite gives each histogram of these families that has buckets but not +Inf that bucket, which by definition holds what
// its count does: PromQL computes no quantile without it.
func (r *reader) addInfinite(incomplete map[string]bool) {
	without := func(s Sample) (family string, rest uint64) {
		name := s.Labels.Get(model.MetricNameLabel)
		family, _ = strings.CutSuffix(name, "_bucket")
		family, _ = strings.CutSuffix(family, "_count")
		rest, _ = s.Labels.HashWithoutLabels(nil, model.MetricNameLabel, labels.BucketLabel)
		return family, rest
	}
	type one struct {
		family string
		rest   uint64
	}
	bucketed := map[one]bool{}
	for _, s := range r.out.Samples {
		if strings.HasSuffix(s.Labels.Get(model.MetricNameLabel), "_bucket") {
			family, rest := without(s)
			bucketed[one{family, rest}] = true
		}
	}
	for _, s := range r.out.Samples { // those that are added are not looked at
		family, rest := without(s)
		if !incomplete[family] || s.Labels.Get(model.MetricNameLabel) != family+"_count" || !bucketed[one{family, rest}] {
			continue
		}
		set := renamed(s.Labels, family+"_bucket", "+Inf")
		if _, has := r.seen[set.Hash()]; !has && !r.full && len(r.out.Samples) < MaxSamples {
			s.Labels = set
			r.seen[set.Hash()] = len(r.out.Samples)
			r.out.Samples = append(r.out.Samples, s)
			r.added++
			if s.Old {
				r.out.Old++
			}
		}
	}
}

// renamed is a set of labels with another name and, unless it is empty, an upper bound.
func renamed(set labels.Labels, name, le string) labels.Labels {
	b := labels.NewBuilder(set)
	b.Set(model.MetricNameLabel, name)
	if le != "" {
		b.Set(labels.BucketLabel, le)
	}
	return b.Labels()
}
