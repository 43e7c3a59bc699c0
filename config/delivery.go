package config

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"github.com/alertvitals/notifier/config/problem"
)

// Delivery is the `delivery` key of the configuration.
type Delivery struct {
	// DedupeWindow is for how long the same state of a group counts as told already: Alertmanager's retry, or the second
	// Alertmanager of a pair. From 1s to 1h.
	DedupeWindow *model.Duration `yaml:"dedupe_window"`
	// MaxAge is how long it is tried to tell what was accepted; then it becomes a dead letter. At least 1m, and not longer than
	// --storage.retention.time.
	MaxAge *model.Duration `yaml:"max_age"`
}

// WithDefaults is d with the defaults in place of what it leaves out.
func (d Delivery) WithDefaults() Delivery {
	if d.DedupeWindow == nil {
		d.DedupeWindow = new(model.Duration(5 * time.Minute))
	}
	if d.MaxAge == nil {
		d.MaxAge = new(model.Duration(24 * time.Hour))
	}
	return d
}

// Fallback is the `fallback` key of a receiver.
type Fallback struct {
	// Receiver is told in the place of the receiver that could not be.
	Receiver string `yaml:"receiver"`
	// After is how long after the acceptance it is told, when the message could not be delivered by then; at once when it never can be.
	After *model.Duration `yaml:"after"`
}

// WithDefaults is f with the defaults in place of what it leaves out.
func (f Fallback) WithDefaults() Fallback {
	if f.After == nil {
		f.After = new(model.Duration(2 * time.Minute))
	}
	return f
}

// For is DedupeWindow and MaxAge with the defaults in place of what is left out. retention is how long the journal keeps what it
// accepted; the error is for a MaxAge beyond it.
func (d Delivery) For(retention time.Duration) (dedupeWindow, maxAge time.Duration, err error) {
	dedupeWindow, maxAge = d.dedupeWindow(), d.maxAge()
	if d.MaxAge == nil {
		maxAge = min(maxAge, retention)
	}
	if maxAge > retention {
		return 0, 0, fmt.Errorf("delivery.max_age is %s, but the journal keeps what it accepted for %s only: "+
			"lower it, or raise --storage.retention.time", model.Duration(maxAge), model.Duration(retention))
	}
	return dedupeWindow, maxAge, nil
}

func (d Delivery) dedupeWindow() time.Duration { return time.Duration(*d.WithDefaults().DedupeWindow) }

func (d Delivery) maxAge() time.Duration { return time.Duration(*d.WithDefaults().MaxAge) }

// Wait is After with its default.
func (f Fallback) Wait() time.Duration { return time.Duration(*f.WithDefaults().After) }

func (d Delivery) validate() []problem.Problem {
	var problems []problem.Problem
	if w := d.dedupeWindow(); w < time.Second || w > time.Hour {
		problems = append(problems, problem.Problem{
			Path: "dedupe_window",
			Msg: "must be between 1s and 1h: a retry or the second Alertmanager comes within minutes, and a longer window would hide " +
				"what Alertmanager repeats on purpose",
		})
	}
	if a := d.maxAge(); a < time.Minute {
		problems = append(problems, problem.Problem{
			Path: "max_age", Msg: "must be at least 1m: what could not be delivered by then becomes a dead letter",
		})
	}
	return problems
}

// validateFallbacks checks every fallback; receivers are all names.
func (c Config) validateFallbacks(receivers []string) []problem.Problem {
	var problems []problem.Problem
	next, nobody := map[string]string{}, map[string]bool{}
	for _, r := range c.Receivers {
		if r.Fallback != nil {
			next[r.Name] = r.Fallback.Receiver
		}
		if r.TellsNobody() {
			nobody[r.Name] = true
		}
	}
	told := map[string]bool{} // those whose circle is told already
	for i, r := range c.Receivers {
		if r.Fallback == nil {
			continue
		}
		wrong := func(key, format string, args ...any) {
			path := fmt.Sprintf("receivers[%d].fallback%s", i, key)
			problems = append(problems, problem.Problem{Path: path, Msg: fmt.Sprintf(format, args...)})
		}
		switch to := r.Fallback.Receiver; {
		case to == "":
			wrong(".receiver", "names no receiver; write fallback: {receiver: NAME}")
		case !slices.Contains(receivers, to):
			problems = append(problems, problem.Missing(fmt.Sprintf("receivers[%d].fallback.receiver", i), "receiver", to, receivers))
		case to == r.Name:
			wrong(".receiver", "is the receiver itself: what it could not be told, it cannot be told this way")
		case nobody[to]:
			wrong(".receiver", "tells nobody: %q has no integration", to)
		case !told[r.Name]:
			if circle := circleFrom(r.Name, next); circle != nil {
				for _, name := range circle {
					told[name] = true
				}
				wrong(".receiver", "leads back to %q: %s; let the last of them have no fallback",
					r.Name, strings.Join(append(circle, r.Name), " -> "))
			}
		}
		switch after, age := r.Fallback.Wait(), c.Delivery.maxAge(); {
		case after < time.Second:
			wrong(".after", "must be at least 1s")
		case after > age:
			wrong(".after", "is %s, which is longer than delivery.max_age (%s): by then the message is a dead letter",
				model.Duration(after), model.Duration(age))
		}
	}
	return problems
}

// circleFrom is the way of fallbacks that begins at name and comes back to it; nil when there is none.
func circleFrom(name string, next map[string]string) []string {
	way := []string{name}
	for at := next[name]; at != "" && !slices.Contains(way[1:], at); at = next[at] {
		if at == name {
			return way
		}
		way = append(way, at)
	}
	return nil
}
