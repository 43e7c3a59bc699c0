package delivery

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/alertmanager/template"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/alertvitals/notifier/alert"
	"github.com/alertvitals/notifier/envelope"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

const window = 5 * time.Minute

// on is a firing alert that began n minutes after noon; off is its end a minute later.
func on(name string, n int) template.Alert {
	return since(firing(name), noon.Add(time.Duration(n)*time.Minute))
}

func off(name string, n int) template.Alert {
	return until(since(resolved(name), noon.Add(time.Duration(n)*time.Minute)), noon.Add(time.Duration(n+1)*time.Minute))
}

// said is an entry that was accepted some seconds after noon.
func said(seconds int, alerts ...template.Alert) entry {
	at := noon.Add(time.Duration(seconds) * time.Second)
	return entry{seq: uint64(seconds) + 1, at: at, accepted: at, group: &alert.Group{Key: "g", Alerts: alerts}}
}

func (e entry) because(reason string) entry {
	g := *e.group
	g.Reason = reason
	e.group = &g
	return e
}

func (e entry) hiding(n uint64) entry {
	g := *e.group
	g.Truncated = n
	e.group = &g
	return e
}

// states are the alerts that a message names: A fires, -A is resolved, ~A is gone.
func states(g *alert.Group) (names []string) {
	if g == nil {
		return nil
	}
	for _, a := range g.Alerts {
		name := a.Labels["alertname"]
		if a.Status == alert.StatusResolved {
			name = "-" + name
		}
		names = append(names, name)
	}
	for _, a := range g.Gone {
		names = append(names, "~"+a.Labels["alertname"])
	}
	slices.Sort(names)
	return names
}

func TestFold(t *testing.T) {
	for name, tc := range map[string]struct {
		before  []entry
		entries []entry
		now     int // seconds after noon; 0: when the newest was accepted
		want    []string
		known   []string
		old     int  // duplicates
		doubt   bool // about the newest
	}{
		"the first":                 {entries: []entry{said(0, on("A", 0))}, want: []string{"A"}, known: []string{"fp-A"}},
		"waiting updates merge":     {entries: []entry{said(0, on("A", 0)), said(10, on("A", 0), on("B", 0))}, want: []string{"A", "B"}, known: []string{"fp-A", "fp-B"}},
		"what fired and ended":      {entries: []entry{said(0, on("A", 0), on("B", 0)), said(90, off("A", 0), on("B", 0)), said(100, on("B", 0), on("C", 1))}, want: []string{"-A", "B", "C"}, known: []string{"fp-B", "fp-C"}},
		"what fired and is gone":    {entries: []entry{said(0, on("A", 0), on("B", 0)), said(10, on("A", 0), on("C", 0))}, want: []string{"A", "C", "~B"}, known: []string{"fp-A", "fp-C"}},
		"all over before it began":  {entries: []entry{said(0, on("A", 0)), said(90, off("A", 0))}, want: []string{"-A"}},
		"an end that comes first":   {entries: []entry{said(90, off("A", 0))}, want: []string{"-A"}},
		"a retry":                   {before: []entry{said(0, on("A", 0))}, entries: []entry{said(1, on("A", 0))}, old: 1, known: []string{"fp-A"}},
		"a twin that is behind":     {before: []entry{said(0, on("A", 0)), said(1, on("A", 0), on("B", 0))}, entries: []entry{said(2, on("A", 0))}, old: 1, known: []string{"fp-A", "fp-B"}},
		"the same, much later":      {before: []entry{said(0, on("A", 0))}, entries: []entry{said(300, on("A", 0))}, want: []string{"A"}, known: []string{"fp-A"}},
		"a repeat":                  {before: []entry{said(0, on("A", 0))}, entries: []entry{said(1, on("A", 0)).because("repeat interval elapsed")}, want: []string{"A"}, known: []string{"fp-A"}},
		"the twin of a repeat":      {before: []entry{said(0, on("A", 0)), said(1, on("A", 0)).because("repeat interval elapsed")}, entries: []entry{said(2, on("A", 0)).because("repeat interval elapsed")}, old: 1, known: []string{"fp-A"}},
		"an end is never repeated":  {before: []entry{said(90, off("A", 0))}, entries: []entry{said(90_000, off("A", 0))}, old: 1},
		"a late twin after the end": {before: []entry{said(0, on("A", 0)), said(90, off("A", 0))}, entries: []entry{said(95, on("A", 0))}, doubt: true},
		"… when the end came first": {before: []entry{said(90, off("A", 0))}, entries: []entry{said(95, on("A", 0))}, doubt: true},
		"… then it says the end":    {before: []entry{said(90, off("A", 0))}, entries: []entry{said(95, on("A", 0)), said(96, off("A", 0))}, old: 2},
		"… it fires after all":      {before: []entry{said(90, off("A", 0))}, entries: []entry{said(95, on("A", 0))}, now: 390, want: []string{"A"}, known: []string{"fp-A"}},
		"… with something new":      {before: []entry{said(90, off("A", 0))}, entries: []entry{said(95, on("A", 0), on("B", 1))}, want: []string{"-A", "B"}, known: []string{"fp-B"}, doubt: true},
		"… all of it waits":         {entries: []entry{said(0, on("A", 0)), said(90, off("A", 0)), said(95, on("A", 0))}, want: []string{"-A"}, doubt: true},
		"it fires anew":             {before: []entry{said(90, off("A", 0))}, entries: []entry{said(125, on("A", 2))}, want: []string{"A"}, known: []string{"fp-A"}},
		"P8: hidden alerts may fire": {
			before:  []entry{said(0, on("A", 0), on("B", 0))},
			entries: []entry{said(90, off("A", 0)).hiding(1)}, want: []string{"-A"}, known: []string{"fp-B"},
		},
		"P8: more is hidden": {before: []entry{said(0, on("A", 0)).hiding(1)}, entries: []entry{said(1, on("A", 0)).hiding(2)}, want: []string{"A"}, known: []string{"fp-A"}},
		"told again, in its place": {
			entries: []entry{said(100, on("B", 1)), {seq: 200, at: noon.Add(time.Hour), accepted: noon, again: &envelope.Again{}, group: said(0, on("A", 0)).group}},
			want:    []string{"B", "~A"}, known: []string{"fp-B"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var known knowledge
			for _, e := range tc.before {
				known = fold(known, []entry{e}, e.at, window).known
			}
			now := noon.Add(time.Duration(tc.now) * time.Second)
			if tc.now == 0 {
				now = tc.entries[len(tc.entries)-1].accepted
			}

			f := fold(known, tc.entries, now, window)

			assert.Equal(t, tc.want, states(f.group))
			assert.Equal(t, tc.known, f.known.firing())
			assert.Equal(t, tc.old, f.duplicates, "duplicates")
			assert.Equal(t, tc.doubt, f.doubtful != nil, "in doubt")
			if tc.doubt {
				assert.Equal(t, noon.Add(90*time.Second+window), f.inDoubt)
			}
			if tc.want != nil {
				want := alert.StatusResolved
				if len(tc.known) > 0 {
					want = alert.StatusFiring
				}
				assert.Equal(t, want, f.known.Status)
			}
		})
	}
}

// However the notifications are parted into messages, people know the same in the end, and every alert was named.
func TestP3AnyPartingOfTheNotificationsEndsTheSame(t *testing.T) {
	for seed := range uint64(500) {
		rnd := rand.New(rand.NewPCG(seed, 3))
		entries := history(rnd, 30)
		now := entries[len(entries)-1].accepted.Add(2 * window) // nothing is in doubt
		var one knowledge
		for _, e := range entries {
			one = fold(one, []entry{e}, now, window).known
		}
		for range 5 {
			var known knowledge
			named, wanted := map[string]bool{}, map[string]bool{}
			for rest := entries; len(rest) > 0; {
				n := 1 + rnd.IntN(len(rest))
				f := fold(known, rest[:n], now, window)
				if f.group != nil {
					for _, list := range []template.Alerts{f.group.Alerts, f.group.Gone} {
						for _, a := range list {
							named[a.Fingerprint] = true
						}
					}
				}
				known, rest = f.known, rest[n:]
			}
			for _, e := range entries {
				for _, a := range e.group.Alerts {
					wanted[a.Fingerprint] = true
				}
			}
			require.Equal(t, one, known, "seed %d", seed)
			require.Equal(t, wanted, named, "seed %d", seed)
		}
	}
}

// Retries, twins and redeliveries after a crash change nothing, wherever they come within the window.
func TestP4WhatComesTwiceChangesNothing(t *testing.T) {
	for seed := range uint64(500) {
		rnd := rand.New(rand.NewPCG(seed, 4))
		entries := history(rnd, 20)
		var once knowledge
		for _, e := range entries {
			once = fold(once, []entry{e}, e.accepted, window).known
		}
		var twice knowledge
		told := 0
		for i, e := range entries {
			f := fold(twice, []entry{e}, e.accepted, window)
			if twice = f.known; f.group != nil {
				told++
			}
			again := entries[max(0, i-rnd.IntN(2))] // itself, or the one before: a twin that is behind
			if e.accepted.Sub(again.accepted) >= window {
				continue
			}
			again.accepted = e.accepted.Add(time.Second)
			f = fold(twice, []entry{again}, again.accepted, window)
			require.Nil(t, f.group, "seed %d: told twice: %v", seed, states(f.group))
			require.Equal(t, twice, f.known, "seed %d", seed)
		}
		require.Equal(t, once, twice, "seed %d", seed)
		require.Positive(t, told)
	}
}

// history is what an Alertmanager says of a group over time: all that fires, and what has ended since it last said so.
func history(rnd *rand.Rand, n int) []entry {
	fires := map[string]int{} // the minute of the start
	var entries []entry
	minute := 0
	for range n {
		minute += 1 + rnd.IntN(8)
		var alerts []template.Alert
		changed := false
		for _, name := range []string{"A", "B", "C", "D"} {
			began, firing := fires[name]
			switch {
			case firing && rnd.IntN(3) == 0:
				a := off(name, began)
				a.EndsAt = noon.Add(time.Duration(minute)*time.Minute - time.Second)
				alerts = append(alerts, a)
				delete(fires, name)
				changed = true
			case firing:
				alerts = append(alerts, on(name, began))
			case rnd.IntN(3) == 0:
				fires[name] = minute
				alerts = append(alerts, on(name, minute))
				changed = true
			}
		}
		if changed {
			entries = append(entries, said(60*minute+1, alerts...))
		}
	}
	if len(entries) == 0 {
		return history(rnd, n)
	}
	return entries
}
