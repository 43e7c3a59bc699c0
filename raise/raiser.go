package raise

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/alertvitals/notifier/alert"
)

const (
	// cursor is under which name the states are kept. No receiver's cursor is called so: those have a slash.
	cursor = "raised"
	// receiver is what the notifications call the receiver, which is ourselves.
	receiver = "notifier"
	// retryAfter is how long after a failure it is tried again.
	retryAfter = 5 * time.Second
	// tellTimeout bounds what a notification may take to be on disk.
	tellTimeout = 10 * time.Second
)

// States keeps a value for each group; SetState returns when it is on disk.
type States interface {
	States(ctx context.Context, cursor string, fn func(value []byte) error) error
	SetState(ctx context.Context, cursor, group string, value []byte) error
}

// Accept takes a notification as a webhook's, and returns when it is on disk.
type Accept func(ctx context.Context, n alert.Notification) error

// Intervals are how often a group is told.
type Intervals struct {
	// Group is how long after it was told a group that has changed is told again, Repeat how long after that one which has not.
	Group, Repeat time.Duration
}

// Raiser keeps the alerts and tells of them. Its methods may be called at the same time.
type Raiser struct {
	states States
	accept Accept
	logger *slog.Logger
	failed prometheus.Counter

	changed   chan struct{}
	mu        sync.Mutex
	intervals Intervals
	groups    map[string]*group
}

// Open reads what was known at the last stop. Nothing is told before Run.
func Open(ctx context.Context, states States, accept Accept, logger *slog.Logger, reg prometheus.Registerer) (*Raiser, error) {
	r := &Raiser{
		states: states, accept: accept, logger: logger, changed: make(chan struct{}, 1), groups: map[string]*group{},
		intervals: Intervals{Group: 5 * time.Minute, Repeat: 4 * time.Hour},
	}
	now := time.Now()
	err := states.States(ctx, cursor, func(value []byte) error {
		g, err := decode(value, now)
		if err != nil {
			logger.Error("The state of an alert of our own is damaged, left it out", "err", err)
			return nil
		}
		delete(r.groups, g.key) // a value may come twice
		if len(g.alerts) > 0 {
			r.groups[g.key] = g
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading the alerts that were raised before: %w", err)
	}
	r.failed = promauto.With(reg).NewCounter(prometheus.CounterOpts{
		Name: "notifier_raised_failures_total",
		Help: "Tries to put a notification of the notifier's own alerts on disk that failed. Each is repeated.",
	})
	promauto.With(reg).NewGaugeFunc(prometheus.GaugeOpts{
		Name: "notifier_raised_alerts",
		Help: "Alerts of the notifier's own, from rules_files and heartbeats, that fire now.",
	}, r.firing)
	return r, nil
}

func (r *Raiser) firing() float64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for _, g := range r.groups {
		for _, a := range g.alerts {
			if a.Status == alert.StatusFiring {
				n++
			}
		}
	}
	return float64(n)
}

// Use tells by other intervals from now on.
func (r *Raiser) Use(i Intervals) {
	r.mu.Lock()
	r.intervals = i
	r.mu.Unlock()
	r.wake()
}

// Hear takes what was found. It never waits for a disk.
func (r *Raiser) Hear(alerts ...Alert) {
	if len(alerts) == 0 {
		return
	}
	now := time.Now()
	r.mu.Lock()
	for _, a := range alerts {
		labels := groupLabels(a.Labels)
		g := r.groups[groupKey(labels)]
		if g == nil {
			if a.State != Firing {
				continue
			}
			g = newGroup(labels)
			r.groups[g.key] = g
		}
		g.hear(a, now)
	}
	r.mu.Unlock()
	r.wake()
}

func (r *Raiser) wake() {
	select {
	case r.changed <- struct{}{}:
	default: // Run has yet to look
	}
}

// Run tells of the alerts until ctx ends, and then returns nil.
func (r *Raiser) Run(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-r.changed:
		case <-timer.C:
		}
		timer.Reset(r.tell(ctx))
	}
}

// idle is how long Run sleeps when there is nothing to wait for.
const idle = time.Hour

// tell tells of the groups that are due, and says when to look again.
func (r *Raiser) tell(ctx context.Context) time.Duration {
	for ctx.Err() == nil {
		g, repeat, wait := r.next(time.Now())
		if g == nil {
			return wait
		}
		if err := r.tellOf(ctx, g, repeat); err != nil {
			r.failed.Inc()
			r.logger.Error("An alert of our own could not be put on disk, trying again", "group", g.labels, "in", retryAfter, "err", err)
			r.mu.Lock()
			g.retry = time.Now().Add(retryAfter)
			r.mu.Unlock()
		}
	}
	return idle
}

// next is a group that is due, or how long none is.
func (r *Raiser) next(now time.Time) (g *group, repeat bool, wait time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	wait = idle
	for _, g := range r.groups {
		g.age(now)
		at, repeat := g.due(r.intervals.Group, r.intervals.Repeat)
		if !at.IsZero() && !at.After(now) {
			return g, repeat, 0
		}
		for _, at := range []time.Time{at, g.expiry()} {
			if !at.IsZero() {
				wait = min(wait, max(at.Sub(now), time.Millisecond))
			}
		}
	}
	return nil, false, wait
}

// tellOf tells of a group: what it is goes to disk first, so that nothing that was told is unknown after a crash.
func (r *Raiser) tellOf(ctx context.Context, g *group, repeat bool) error {
	// What is begun is finished, whatever ends meanwhile.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tellTimeout)
	defer cancel()
	r.mu.Lock()
	intent, err := g.encode()
	n := g.notification(repeat)
	// What is found meanwhile belongs to the next notification.
	after := g.clone()
	r.mu.Unlock()
	if err != nil {
		return err
	}
	if err = r.states.SetState(ctx, cursor, g.key, intent); err != nil {
		return fmt.Errorf("storing what is to be told: %w", err)
	}
	if err = r.accept(ctx, n); err != nil {
		return err
	}
	now := time.Now()
	after.settle(n, now)
	told, err := after.encode()
	if err != nil {
		return err
	}
	if err := r.states.SetState(ctx, cursor, g.key, told); err != nil {
		return fmt.Errorf("storing what was told: %w", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	g.settle(n, now)
	if len(g.alerts) == 0 {
		delete(r.groups, g.key)
	}
	return nil
}
