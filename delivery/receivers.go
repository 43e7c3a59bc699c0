package delivery

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
)

// Receiver is how the delivery to one receiver goes. It holds no secret and no personal label.
type Receiver struct {
	Name string `json:"name"`
	// Fallback is who is told what could not be delivered within FallbackAfter; "" is nobody.
	Fallback      string         `json:"fallback,omitempty"`
	FallbackAfter model.Duration `json:"fallback_after,omitempty"`
	Integrations  []Integration  `json:"integrations"`
}

// Integration is how the delivery to one integration goes.
type Integration struct {
	// Kind is "slack"; a receiver may have several of a kind, which Index numbers from 0.
	Kind  string `json:"kind"`
	Index int    `json:"index"`
	// SendsResolved is whether it is told of groups that are over.
	SendsResolved bool `json:"sends_resolved"`
	// Pace is how many messages a second it is told at the most, after a burst; 0 is any number.
	Pace float64 `json:"pace"`
	// Removed is whether the configuration has it no more: it is told what was accepted for it.
	Removed bool `json:"removed,omitempty"`
	// Waiting is how many notifications are not yet told, Retrying how many groups of them have failed before.
	Waiting  int `json:"waiting"`
	Retrying int `json:"retrying"`
	// Muted is how many groups hold what nobody is told before a time interval ends; that is neither Waiting nor Oldest.
	Muted int `json:"muted"`
	// Oldest is when the oldest of what waits was accepted, zero when nothing does.
	Oldest time.Time `json:"oldest,omitzero"`
	// LastFailure is the newest failed try since the start, nil when there is none.
	LastFailure *Failure `json:"last_failure,omitempty"`
}

// Failure is why a try failed.
type Failure struct {
	At     time.Time `json:"at"`
	Reason string    `json:"reason"`
	Error  string    `json:"error"`
}

// Receivers are all that are told, by name.
func (ls *Loops) Receivers() []Receiver {
	all := []Receiver{}
	ls.mu.Lock()
	defer ls.mu.Unlock()
	for _, m := range ls.loops {
		l := m.run.settings.Load()
		i := slices.IndexFunc(all, func(r Receiver) bool { return r.Name == l.Receiver })
		if i < 0 {
			i = len(all)
			all = append(all, Receiver{Name: l.Receiver})
		}
		if l.Fallback.Receiver != "" {
			all[i].Fallback, all[i].FallbackAfter = l.Fallback.Receiver, model.Duration(l.Fallback.After)
		}
		one := m.run.integration(l)
		one.Removed = !m.removed.IsZero()
		all[i].Integrations = append(all[i].Integrations, one)
	}
	for _, r := range all {
		slices.SortFunc(r.Integrations, func(a, b Integration) int { return cmp.Or(cmp.Compare(a.Kind, b.Kind), a.Index-b.Index) })
	}
	slices.SortFunc(all, func(a, b Receiver) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

// integration is how r goes.
func (r *run) integration(l *Loop) Integration {
	one := Integration{Kind: l.Integration, SendsResolved: l.SendResolved, Waiting: r.progress.waiting()}
	one.Index, _ = strconv.Atoi(r.cursor[strings.LastIndexByte(r.cursor, '/')+1:]) // Cursor wrote it
	if l.Pace != nil {
		one.Pace = float64(l.Pace.Limit())
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, g := range r.groups {
		waiting := g.waiting
		switch {
		case g.held == nil:
		case g.held.due.IsZero():
			one.Muted++
		default:
			one.Waiting += g.held.notifications
			waiting = append([]entry{g.held.entry}, waiting...)
		}
		if g.attempts > 0 && len(waiting) > 0 {
			one.Retrying++
		}
		for _, e := range waiting {
			if one.Oldest.IsZero() || e.accepted.Before(one.Oldest) {
				one.Oldest = e.accepted.UTC()
			}
		}
	}
	if r.lastFailure != nil {
		last := *r.lastFailure
		one.LastFailure = &last
	}
	return one
}
