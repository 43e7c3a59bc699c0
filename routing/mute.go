package routing

import (
	"fmt"
	"slices"
	"sync/atomic"
	"time"
)

// Why somebody is not told, in Alertmanager's words:
// https://github.com/prometheus/alertmanager/blob/v0.34.2/notify/mute.go.
const (
	// MuteTimeInterval is that one of the route's mute_time_intervals holds.
	MuteTimeInterval = "mute_time_interval"
	// ActiveTimeInterval is that none of the route's active_time_intervals holds.
	ActiveTimeInterval = "active_time_interval"
)

// horizon is how far ahead the end of a mute is looked for.
const horizon = 10 * 365 * 24 * time.Hour

// Mute is why nobody is told of an alert, and for how long.
type Mute struct {
	// Reason is MuteTimeInterval or ActiveTimeInterval.
	Reason string
	// By are the names of the intervals that hold, or with ActiveTimeInterval of those that do not.
	By []string
	// Until is the first instant at which it is told. It is zero when that is more than ten years ahead.
	Until time.Time
}

// Muting says when the routes of a tree are muted. It does not change, and is safe for concurrent use.
type Muting struct {
	tree *Tree
	// schedules are those of the nodes that name intervals.
	schedules map[*Tree]*schedule
}

// NewMuting is the muting of a tree with these intervals. It fails when the tree names one that is not among them.
func NewMuting(tree *Tree, intervals []Interval) (*Muting, error) {
	named := make(map[string]Interval, len(intervals))
	for _, interval := range intervals {
		named[interval.Name] = interval
	}
	m := &Muting{tree: tree, schedules: map[*Tree]*schedule{}}
	return m, m.add(tree, named)
}

func (m *Muting) add(node *Tree, named map[string]Interval) error {
	s := &schedule{}
	for _, list := range []struct {
		names []string
		to    *[]Interval
	}{{node.muted, &s.mute}, {node.active, &s.active}} {
		for _, name := range list.names {
			interval, ok := named[name]
			if !ok {
				return fmt.Errorf("the route %s names the time interval %q, which is not defined", node.way, name)
			}
			*list.to = append(*list.to, interval)
		}
	}
	if len(s.mute)+len(s.active) > 0 {
		m.schedules[node] = s
	}
	for _, child := range node.children {
		if err := m.add(child, named); err != nil {
			return err
		}
	}
	return nil
}

// Never is whether no route is ever muted.
func (m *Muting) Never() bool { return len(m.schedules) == 0 }

// Mutes is whether a receiver is not told at a time of an alert with these labels, and why. What comes to the receiver by several routes
// is told when one of them is not muted; what comes by none, as to a fallback, always is. A route has its own intervals, never its
// parent's, as in Alertmanager.
func (m *Muting) Mutes(alertLabels map[string]string, receiver string, at time.Time) (mute Mute, is bool) {
	if m.Never() {
		return Mute{}, false
	}
	for _, end := range m.tree.match(setOf(alertLabels)) {
		if !slices.Contains(end.receivers, receiver) {
			continue
		}
		s, has := m.schedules[end.at]
		if !has {
			return Mute{}, false
		}
		one, muted := s.mutes(at)
		if !muted {
			return Mute{}, false
		}
		mute = mute.and(one, !is)
		is = true
	}
	return mute, is
}

// and is the mute of two routes.
func (m Mute) and(other Mute, first bool) Mute {
	if first {
		return other
	}
	for _, name := range other.By {
		if !slices.Contains(m.By, name) {
			m.By = append(slices.Clip(m.By), name)
		}
	}
	if m.Until.IsZero() || !other.Until.IsZero() && other.Until.Before(m.Until) {
		m.Until = other.Until
	}
	return m
}

// schedule is when one route is muted.
type schedule struct {
	mute, active []Interval
	// found is the mute whose end was looked for last: every alert of a route asks for the same.
	found atomic.Pointer[span]
}

// span is from an instant that was asked for to the end of the mute then, zero when that is beyond the horizon.
type span struct{ from, until time.Time }

func (s *schedule) mutes(at time.Time) (Mute, bool) {
	m, muted := s.at(at)
	if !muted {
		return Mute{}, false
	}
	if f := s.found.Load(); f != nil && !at.Before(f.from) && (at.Before(f.until) || f.until.IsZero() && at.Before(f.from.Add(24*time.Hour))) {
		m.Until = f.until
		return m, true
	}
	m.Until = s.end(at)
	s.found.Store(&span{from: at, until: m.Until})
	return m, true
}

// at is whether the route is muted, without the end of it.
func (s *schedule) at(t time.Time) (Mute, bool) {
	holds := func(i Interval) bool { return i.contains(t) }
	if len(s.active) > 0 && !slices.ContainsFunc(s.active, holds) {
		return Mute{Reason: ActiveTimeInterval, By: NamesOf(s.active)}, true
	}
	var by []Interval
	for _, interval := range s.mute {
		if holds(interval) {
			by = append(by, interval)
		}
	}
	return Mute{Reason: MuteTimeInterval, By: NamesOf(by)}, len(by) > 0
}

// end is the first instant after t at which the route is not muted. Between two of the steps nothing begins or ends.
func (s *schedule) end(t time.Time) time.Time {
	for last := t.Add(horizon); t.Before(last); {
		next := t.Add(24 * time.Hour)
		for _, list := range [][]Interval{s.mute, s.active} {
			for _, interval := range list {
				if n := interval.next(t); n.Before(next) {
					next = n
				}
			}
		}
		t = next
		if _, muted := s.at(t); !muted {
			return t.UTC()
		}
	}
	return time.Time{}
}
