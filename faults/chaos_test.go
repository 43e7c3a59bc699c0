package faults

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/alertvitals/notifier/alert"
)

// form is how much one run does.
type form struct {
	groups                              int
	kills, ends, reloads, outages, full int
	// drainKills come after the last webhook, while what waits is delivered.
	drainKills int
	limit      time.Duration
}

func formOf() form {
	if *longForm {
		return form{groups: 6000, kills: 40, ends: 5, reloads: 5, outages: 5, full: 3, drainKills: 6, limit: 12 * time.Minute}
	}
	return form{groups: 60, kills: 3, ends: 1, reloads: 1, outages: 1, drainKills: 1, limit: 3 * time.Minute}
}

// chaos is one run: the load, the notifier between it and the sink, and what goes wrong.
type chaos struct {
	t        *testing.T
	rnd      *rand.Rand
	ctx      context.Context
	notifier *notifier
	sink     *sink
	load     *load
	disk     *disk // nil when no disk can be filled
	plan     []group
	restarts int
}

// event is something that goes wrong once that many webhooks were accepted.
type event struct {
	at   int
	name string
	do   func()
}

// TestP1P2P3P4UnderChaos: whatever happens, what was accepted is shown in the end, in order, and not twice.
func TestP1P2P3P4UnderChaos(t *testing.T) {
	f := formOf()
	rnd := newRandom(t)
	ctx, cancel := context.WithTimeout(context.Background(), f.limit)
	defer cancel()
	storage, full := t.TempDir(), (*disk)(nil)
	if f.full > 0 {
		if full = mount(t, "192m"); full != nil {
			storage = full.dir
		}
	}
	s := newSink(t, rnd)
	n := newNotifier(t, s.server.URL, storage)
	c := &chaos{t: t, rnd: rnd, ctx: ctx, notifier: n, sink: s, load: newLoad(n), disk: full, plan: newPlan(rnd, f.groups)}
	fallBehind(rnd, c.plan, 6)
	events := c.events(f)
	n.start()
	s.setWeather(rough)

	loaded := make(chan error, 1)
	go func() {
		err := c.load.run(ctx, c.plan)
		if err != nil {
			cancel() // nobody needs to wait for more webhooks
		}
		loaded <- err
	}()
	for _, e := range events {
		if c.load.accepted.reach(ctx, e.at) != nil {
			break // the load says why
		}
		t.Logf("after %d webhooks: %s", e.at, e.name)
		e.do()
	}
	require.NoError(t, <-loaded)

	s.setWeather(rough)
	for range f.drainKills {
		c.killWhileDraining()
	}
	s.setWeather(fair)
	c.settle()
	before, _ := s.taken.now()
	t.Log("all is settled; a last kill must show nothing again")
	c.restart(n.kill)
	c.settle()
	after, _ := s.taken.now()
	dead, _ := n.sum("notifier_dead_letters_total")

	assert.Zero(t, dead, "nothing that failed was permanent, so nothing may be a dead letter")
	assert.Equal(t, len(hears), after-before, "after the last kill only the sentinel may be shown, once to each receiver")
	v := judge(c.plan, s.calls(), true)
	unavailable, _ := c.load.unavailable.now()
	t.Logf("%d groups, %d webhooks, %d calls taken, %d restarts, %d answers 503; explained by a kill or a lost answer: %d messages, %d replies",
		len(c.plan), posts(c.plan), after, c.restarts, unavailable, v.ExtraMessages, v.ExtraReplies)
	c.report(v)
}

// report fails the test with the first of what is broken.
func (c *chaos) report(v verdict) {
	c.t.Helper()
	for i, broken := range v.Broken {
		if i == 20 {
			c.t.Errorf("and %d more", len(v.Broken)-i)
			return
		}
		c.t.Error(broken)
	}
}

// events are what goes wrong, in the order of their points.
func (c *chaos) events(f form) []event {
	total := posts(c.plan)
	var events []event
	point := func() int { return total*2/100 + c.rnd.IntN(total*90/100) }
	add := func(n int, name string, do func()) {
		for range n {
			events = append(events, event{point(), name, do})
		}
	}
	add(f.kills, "kill -9", func() { c.restart(c.notifier.kill) })
	add(f.ends, "SIGTERM", func() { c.restart(c.notifier.terminate) })
	add(f.reloads, "reload", c.reload)
	if c.disk != nil {
		add(f.full, "the disk is full", c.fillDisk)
	}
	for range f.outages {
		from := point()
		events = append(events,
			event{from, "Slack is down", func() { c.sink.setWeather(outage) }},
			event{min(from+total/20, total*95/100), "Slack is back", func() { c.sink.setWeather(rough) }})
	}
	// What waits at the end is killed while it drains.
	events = append(events, event{total * 95 / 100, "Slack is down until the last webhook", func() { c.sink.setWeather(outage) }})
	slices.SortStableFunc(events, func(a, b event) int { return a.at - b.at })
	return events
}

// restart ends the notifier and starts it again; now and then it is killed once more while it starts.
func (c *chaos) restart(end func()) {
	c.t.Helper()
	for {
		end()
		c.restarts++
		require.NoError(c.t, c.sink.nextEpoch(c.ctx), "the sink")
		if c.rnd.IntN(4) > 0 {
			break
		}
		c.notifier.launch()
		early := time.NewTimer(time.Duration(c.rnd.IntN(200)) * time.Millisecond)
		select {
		case <-early.C:
		case <-c.ctx.Done():
			early.Stop()
		}
		end = c.notifier.kill
	}
	c.notifier.start()
}

func (c *chaos) reload() {
	if !c.notifier.reload() {
		c.t.Log("this notifier cannot reload")
	}
}

// killWhileDraining kills the notifier after it has sent a few of the messages that wait.
func (c *chaos) killWhileDraining() {
	sent, _ := c.sink.taken.now()
	ctx, cancel := context.WithTimeout(c.ctx, 3*time.Second)
	defer cancel()
	if err := c.sink.taken.reach(ctx, sent+1+c.rnd.IntN(40)); err != nil {
		c.t.Logf("little waits: %v", err)
	}
	c.t.Log("kill -9 while it drains")
	c.restart(c.notifier.kill)
}

// fillDisk fills the disk, wants a 503 for it, frees it, and wants the notifier to go on by itself.
func (c *chaos) fillDisk() {
	ctx, cancel := context.WithTimeout(c.ctx, patience)
	defer cancel()
	refused, _ := c.load.unavailable.now()
	c.disk.fill(c.t)
	require.NoError(c.t, c.load.unavailable.reach(ctx, refused+posters), "a full disk must be answered with 503")
	c.disk.free(c.t)
	accepted, _ := c.load.accepted.now()
	require.NoError(c.t, c.load.accepted.reach(ctx, accepted+2*posters),
		"with room on the disk the notifier must go on by itself\n%s", c.notifier.logTail())
}

// settle waits until all that was accepted before is settled. A group of its own goes after all others: when it is shown,
// everything before it was read.
func (c *chaos) settle() {
	c.t.Helper()
	sentinel := group{ID: len(c.plan) + 1, Updates: []update{{Version: 1, Alerts: []plannedAlert{
		{ID: 1, Severity: alert.Critical, Start: 1},
		{ID: 2, Severity: alert.Warning, Start: 1},
		{ID: 3, Severity: alert.Info, Start: 1},
	}}}}
	c.plan = append(c.plan, sentinel)
	require.NoError(c.t, c.load.run(c.ctx, c.plan[len(c.plan)-1:]))
	ctx, cancel := context.WithTimeout(c.ctx, patience)
	defer cancel()
	var pending float64
	err := eventually(ctx, func() bool {
		told := map[receiver]bool{}
		for _, call := range c.sink.calls() {
			if call.Taken && call.Group == sentinel.ID {
				told[call.Channel] = true
			}
		}
		var ok bool
		pending, ok = c.notifier.sum("notifier_pending")
		return ok && pending == 0 && len(told) == len(hears)
	})
	if err != nil {
		v := judge(c.plan, c.sink.calls(), true)
		require.NoError(c.t, err, "%v notifications are pending, and something is not shown\n%s\n%s",
			pending, strings.Join(v.Broken[:min(len(v.Broken), 3)], "\n"), c.notifier.logTail())
	}
}

// String keeps the plan's alerts short in a story.
func (a plannedAlert) String() string {
	state := "fires"
	if a.resolved() {
		state = fmt.Sprintf("ended u%d", a.End)
	}
	return fmt.Sprintf("a%d(%s) since s%d %s", a.ID, a.Severity, a.Start, state)
}
