package diagnostics

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	amlabels "github.com/prometheus/alertmanager/pkg/labels"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/util/annotations"
)

// Samples is what was scraped of all agents, for rules: with the labels job and instance that the alerts of each have (AgentConfig.Match),
// or else its name and address, and without those of agents that are no more; and the series up, scrape_duration_seconds, scrape_samples_scraped and scrape_incomplete that are
// written about each scrape. What is appended is read as it was written. It must not be used after Close.
func (c *Collector) Samples() interface {
	storage.Queryable
	storage.Appendable
} {
	return samples{c}
}

// Engine evaluates expressions. It must not be used after Close.
func (c *Collector) Engine() *promql.Engine { return c.engine }

type samples struct{ *Collector }

// identity is the job and instance of a series.
type identity struct{ job, instance string }

// publicly is how the alerts of an agent name it, as far as its matchers say.
func (a *agent) publicly() identity {
	public := identity{a.name, a.instance}
	for _, m := range a.matchers {
		if m.Type != amlabels.MatchEqual || m.Value == "" {
			continue
		}
		switch m.Name {
		case model.JobLabel:
			public.job = m.Value
		case model.InstanceLabel:
			public.instance = m.Value
		}
	}
	return public
}

// identities are how the agents are named outside, by how they are stored. No two are named alike.
func identities(agents []*agent) map[identity]identity {
	public, taken := map[identity]identity{}, map[identity]bool{}
	for _, a := range agents {
		if a.series == nil {
			continue
		}
		name := a.publicly()
		if taken[name] {
			name = identity{a.name, a.series.instance}
		}
		taken[name] = true
		public[identity{a.series.job, a.series.instance}] = name
	}
	return public
}

// Appender is part of storage.Appendable.
func (s samples) Appender(ctx context.Context) storage.Appender { return s.db.Appender(ctx) }

// Querier is part of storage.Queryable.
func (s samples) Querier(mint, maxt int64) (storage.Querier, error) {
	q, err := s.db.Querier(mint, maxt)
	if err != nil {
		return nil, fmt.Errorf("reading the scraped samples: %w", err)
	}
	public := identities(slices.Concat(s.settings.Load().agents, s.targets.all()))
	return &publicQuerier{Querier: q, public: public}, nil
}

type publicQuerier struct {
	storage.Querier

	public map[identity]identity
	look   sync.Once
	gone   map[identity]bool
}

// left are those whose scrapes are stored, and who are no agents now. Their samples count for some minutes yet, and an alert about
// an agent that was removed would end, and begin anew under a name that it never had. What rules have written is not of them.
func (q *publicQuerier) left(ctx context.Context) map[identity]bool {
	q.look.Do(func() {
		q.gone = map[identity]bool{}
		scraped := q.Querier.Select(ctx, false, nil, labels.MustNewMatcher(labels.MatchEqual, model.MetricNameLabel, incompleteSeries))
		for scraped.Next() {
			set := scraped.At().Labels()
			as := identity{set.Get(model.JobLabel), set.Get(model.InstanceLabel)}
			if _, known := q.public[as]; !known {
				q.gone[as] = true
			}
		}
		for _, name := range q.public {
			delete(q.gone, name)
		}
	})
	return q.gone
}

// Select gives the series under the names that agents have outside.
func (q *publicQuerier) Select(
	ctx context.Context, sorted bool, hints *storage.SelectHints, matchers ...*labels.Matcher,
) storage.SeriesSet {
	ofAgent, others := split(matchers)
	gone := q.left(ctx)
	set := q.Querier.Select(ctx, false, hints, others...)
	var found []storage.Series
	for set.Next() {
		if own, ok := q.named(set.At().Labels(), gone); ok && matchesAll(own, ofAgent) {
			found = append(found, namedSeries{set.At(), own})
		}
	}
	list := listOf(found, sorted)
	list.err, list.warnings = set.Err(), set.Warnings()
	return list
}

// split parts those matchers that must be asked of the names outside from those that the database answers.
func split(matchers []*labels.Matcher) (ofAgent, others []*labels.Matcher) {
	for _, m := range matchers {
		if m.Name == model.JobLabel || m.Name == model.InstanceLabel {
			ofAgent = append(ofAgent, m)
		} else {
			others = append(others, m)
		}
	}
	if len(others) == 0 {
		others = append(others, labels.MustNewMatcher(labels.MatchNotEqual, model.MetricNameLabel, ""))
	}
	return ofAgent, others
}

// named are the labels of a series with the names outside. ok is false for a series of metrics that are elsewhere now, and for those of
// agents that are gone.
func (q *publicQuerier) named(stored labels.Labels, gone map[identity]bool) (named labels.Labels, ok bool) {
	as := identity{stored.Get(model.JobLabel), stored.Get(model.InstanceLabel)}
	name, known := q.public[as]
	switch {
	case !known:
		return stored, !strings.Contains(as.instance, "#") && !gone[as]
	case name == as:
		return stored, true
	}
	b := labels.NewBuilder(stored)
	b.Set(model.JobLabel, name.job)
	b.Set(model.InstanceLabel, name.instance)
	return b.Labels(), true
}

func matchesAll(set labels.Labels, matchers []*labels.Matcher) bool {
	return !slices.ContainsFunc(matchers, func(m *labels.Matcher) bool { return !m.Matches(set.Get(m.Name)) })
}

type namedSeries struct {
	storage.Series

	named labels.Labels
}

func (s namedSeries) Labels() labels.Labels { return s.named }

// seriesList is a storage.SeriesSet of what is there already.
type seriesList struct {
	all      []storage.Series
	at       int
	err      error
	warnings annotations.Annotations
}

// listOf are the series, in the order of their labels if that is asked for.
func listOf(all []storage.Series, sorted bool) *seriesList {
	if sorted {
		slices.SortFunc(all, func(a, b storage.Series) int { return labels.Compare(a.Labels(), b.Labels()) })
	}
	return &seriesList{all: all, at: -1}
}

func (l *seriesList) Next() bool                        { l.at++; return l.err == nil && l.at < len(l.all) }
func (l *seriesList) At() storage.Series                { return l.all[l.at] }
func (l *seriesList) Err() error                        { return l.err }
func (l *seriesList) Warnings() annotations.Annotations { return l.warnings }
