package delivery

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/alertmanager/template"
	"github.com/stretchr/testify/require"

	"github.com/alertvitals/notifier/alert"
	"github.com/alertvitals/notifier/notifiers"
)

// manager is one Alertmanager of a pair, as far as one group goes (notify/notify.go, DedupStage.needsUpdate).
type manager struct {
	lag   time.Duration // how long after the truth it knows
	wait  time.Duration // for its peer
	phase time.Duration
	alive map[string]template.Alert // what its group holds
	log   *logged
}

// logged is what an Alertmanager remembers that it, or its peer, said.
type logged struct {
	at               time.Time
	firing, resolved map[string]bool
}

func (m *manager) reason(alerts []template.Alert, now time.Time, repeat time.Duration) string {
	var fires, news, ends bool
	for _, a := range alerts {
		if a.Status == alert.StatusFiring {
			fires = true
			news = news || m.log == nil || !m.log.firing[a.Fingerprint]
		} else {
			ends = ends || m.log == nil || !m.log.resolved[a.Fingerprint]
		}
	}
	switch {
	case m.log == nil && fires:
		return "first notification"
	case m.log == nil:
		return ""
	case news:
		return "new alerts added"
	case !fires && len(m.log.firing) > 0:
		return "all alerts resolved"
	case !fires:
		return ""
	case ends:
		return "some alerts resolved"
	case now.Sub(m.log.at) >= repeat:
		return "repeat interval elapsed"
	}
	return ""
}

// Two Alertmanagers with group_interval 10s tell of alerts that flap; the sink fails, the process dies between any two writes.
// In the end people know what is true, nobody is told of an end before a firing that it ended, and only a crash and a repeat
// say anything twice.
func TestP2P3P4TwoAlertmanagersOfFlappingAlerts(t *testing.T) {
	for seed := range uint64(twinSeeds) {
		synctest.Test(t, func(t *testing.T) { twins(t, seed) })
	}
}

const twinSeeds = 60

func twins(t *testing.T, seed uint64) { //nolint:gocyclo // it is one story
	rnd := &lockedRand{rnd: rand.New(rand.NewPCG(seed, 9))}
	second := func(n int) time.Duration { return time.Duration(rnd.n(n)) * time.Second }
	begin := time.Now()
	type change struct {
		at time.Time
		a  template.Alert
	}
	var changes []change
	truth := map[string]template.Alert{}
	for _, name := range []string{"A", "B", "C"} {
		now := begin.Add(second(60))
		for now.Before(begin.Add(15 * time.Minute)) {
			a := since(firing(name), now)
			changes = append(changes, change{now, a})
			truth[a.Fingerprint] = a
			if now = now.Add(5*time.Second + second(200)); rnd.n(4) == 0 || now.After(begin.Add(15*time.Minute)) {
				break
			}
			a = until(since(resolved(name), a.StartsAt), now)
			changes = append(changes, change{now, a})
			truth[a.Fingerprint] = a
			now = now.Add(5*time.Second + second(100))
		}
	}
	slices.SortStableFunc(changes, func(a, b change) int { return a.at.Compare(b.at) })
	pair := []*manager{
		{lag: second(3), phase: second(10), alive: map[string]template.Alert{}},
		{lag: second(40), wait: 15 * time.Second, phase: second(10), alive: map[string]template.Alert{}},
	}
	gossip := second(30)
	if rnd.n(3) == 0 {
		gossip = time.Hour // they do not see each other
	}
	repeat := []time.Duration{2 * time.Minute, 6 * time.Minute, 4 * time.Hour}[rnd.n(3)]

	crashes, repeats := 0, 0
	var messages []notifiers.Message
	var times []time.Time
	var j *memory
	var mu sync.Mutex
	var history []string
	note := func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		history = append(history, fmt.Sprintf(format, args...))
	}
	var w *world
	var alive *atomic.Bool
	trouble := rnd.n(2) == 0
	open := func(m *memory) {
		j = m
		mine := new(atomic.Bool)
		mine.Store(true)
		alive = mine
		s := &sink{notify: func(ctx context.Context, _ int, msg notifiers.Message) (notifiers.Receipt, error) {
			pause(ctx, time.Duration(rnd.n(1500))*time.Millisecond)
			switch {
			case !mine.Load():
				return nil, errors.New("killed")
			case trouble && rnd.n(3) == 0:
				return nil, errDown
			}
			messages, times = append(messages, msg), append(times, time.Now())
			note("%4.0fs SENT %v", time.Since(begin).Seconds(), states(&msg.Group))
			return told()
		}}
		disk := hooked{Journal: m, setState: func(string) error {
			pause(t.Context(), time.Duration(rnd.n(300))*time.Millisecond)
			if rnd.n(10) == 0 {
				return errors.New("disk")
			}
			return nil
		}}
		w = start(t, disk, quiet, testLoop(s))
	}
	open(newMemory())

	type sending struct {
		due    time.Time
		by     *manager
		alerts []template.Alert
	}
	var under []sending
	var words []*logged // that the peer has not heard yet
	next := [2]int{}
	for now := begin; now.Before(begin.Add(35 * time.Minute)); now = now.Add(time.Second) {
		for len(words) > 0 && !words[0].at.Add(gossip).After(now) {
			for _, m := range pair {
				if m.log == nil || m.log.at.Before(words[0].at) {
					m.log = words[0]
				}
			}
			words = words[1:]
		}
		for i, m := range pair {
			for ; next[i] < len(changes) && !changes[next[i]].at.Add(m.lag).After(now); next[i]++ {
				m.alive[changes[next[i]].a.Fingerprint] = changes[next[i]].a
			}
			busy := slices.ContainsFunc(under, func(s sending) bool { return s.by == m })
			if !busy && len(m.alive) > 0 && (now.Sub(begin)+m.phase)%(10*time.Second) == 0 {
				alerts := slices.SortedFunc(maps.Values(m.alive), func(a, b template.Alert) int {
					return slices.Compare([]byte(a.Fingerprint), []byte(b.Fingerprint))
				})
				under = append(under, sending{now.Add(m.wait), m, alerts})
			}
		}
		under = slices.DeleteFunc(under, func(s sending) bool {
			if s.due.After(now) {
				return false
			}
			if why := s.by.reason(s.alerts, now, repeat); why != "" {
				if why == "repeat interval elapsed" {
					repeats++
				}
				g := alert.Group{Alerts: s.alerts}
				note("%4.0fs AM%d %v %s", now.Sub(begin).Seconds(), 1+slices.Index(pair, s.by), states(&g), why)
				for range 1 + rnd.n(6)/5 { // a retry
					j.add(sameWebhook("g", why, s.alerts...))
				}
				entry := &logged{now, map[string]bool{}, map[string]bool{}}
				for _, a := range s.alerts {
					if a.Status == alert.StatusFiring {
						entry.firing[a.Fingerprint] = true
					} else {
						entry.resolved[a.Fingerprint] = true
					}
				}
				s.by.log = entry
				words = append(words, entry)
			}
			for _, a := range s.alerts {
				if have := s.by.alive[a.Fingerprint]; a.Status == alert.StatusResolved && have.Status == a.Status && have.EndsAt.Equal(a.EndsAt) {
					delete(s.by.alive, a.Fingerprint)
				}
			}
			return true
		})
		pass(time.Second)
		if trouble && rnd.n(60) == 0 {
			crashes++
			alive.Store(false)
			copied := j.clone()
			note("KILLED")
			require.NoError(t, w.end())
			open(copied)
		}
	}
	pass(2 * window)
	require.NoError(t, w.end())

	explain := func() string {
		text := fmt.Sprintf("seed %d, lags %v %v, gossip %v, repeat %v\n", seed, pair[0].lag, pair[1].lag, gossip, repeat)
		for _, line := range history {
			text += line + "\n"
		}
		return text
	}
	known := map[string]template.Alert{}
	again := 0
	fires := func(fingerprint string, at time.Time) (is bool) {
		for _, c := range changes {
			if c.a.Fingerprint == fingerprint && !c.at.After(at) {
				is = c.a.Status == alert.StatusFiring
			}
		}
		return is
	}
	for i, m := range messages {
		news := false
		for _, a := range m.Group.Alerts {
			before, was := known[a.Fingerprint]
			require.False(t, was && a.StartsAt.Before(before.StartsAt), "an older state of %s\n%s", a.Fingerprint, explain())
			reopened := was && a.Status == alert.StatusFiring && before.Status == alert.StatusResolved && a.StartsAt.Equal(before.StartsAt)
			// Alertmanagers that see each other's word for a firing do not say that it fires anew.
			require.False(t, reopened && !fires(a.Fingerprint, times[i]), "%s reopened\n%s", a.Fingerprint, explain())
			// One that is behind leaves out what it does not know: then it is news when it comes back.
			left := i > 0 && a.Status == alert.StatusFiring && !slices.ContainsFunc(messages[i-1].Group.Alerts,
				func(b template.Alert) bool { return b.Fingerprint == a.Fingerprint })
			news = news || !was || left || before.Status != a.Status || !before.StartsAt.Equal(a.StartsAt)
			known[a.Fingerprint] = a
		}
		if !news {
			again++
		}
	}
	require.LessOrEqual(t, again, crashes+repeats, explain())
	if len(truth) == 0 {
		return
	}
	last := messages[len(messages)-1]
	var want []string
	for _, a := range truth {
		if a.Status == alert.StatusFiring {
			want = append(want, a.Fingerprint)
		}
	}
	var got []string
	for _, a := range last.Group.Alerts.Firing() {
		got = append(got, a.Fingerprint)
	}
	require.ElementsMatch(t, want, got, explain())
	for _, c := range changes {
		if c.a.Status == alert.StatusResolved {
			continue
		}
		require.Contains(t, known, c.a.Fingerprint, explain())
	}
}

// clone is the journal as a kill leaves it.
func (m *memory) clone() *memory {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := newMemory()
	n.records, n.ids = slices.Clone(m.records), slices.Clone(m.ids)
	n.positions, n.states, n.letters = maps.Clone(m.positions), maps.Clone(m.states), maps.Clone(m.letters)
	return n
}
