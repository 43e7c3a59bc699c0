package faults

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestP3AnAlertmanagerThatIsBehind: the second Alertmanager of a pair posts the update before the newest one, as when gossip
// between the two is cut. Nobody may be shown what is over.
func TestP3AnAlertmanagerThatIsBehind(t *testing.T) {
	rnd := newRandom(t)
	ctx, cancel := context.WithTimeout(context.Background(), formOf().limit)
	defer cancel()
	s := newSink(t, rnd)
	n := newNotifier(t, s.server.URL, t.TempDir())
	n.start()
	l := newLoad(n)
	plan := newPlan(rnd, min(formOf().groups, 1000))
	require.Positive(t, fallBehind(rnd, plan, 2))
	c := &chaos{t: t, rnd: rnd, ctx: ctx, notifier: n, sink: s, load: l, plan: plan}

	require.NoError(t, l.run(ctx, plan))
	c.settle()

	c.report(judge(c.plan, s.calls(), true))
}

// fallBehind makes one update in so many be followed by the one before it, where that can be told apart in the end. n is how
// many there are.
func fallBehind(rnd *rand.Rand, plan []group, oneIn int) (n int) {
	for _, g := range plan {
		for i := 1; i < len(g.Updates); i++ {
			old, newer := g.Updates[i-1], g.Updates[i]
			// A repeat may be told whenever it comes. It is then told with the ends that are known by now, which a verdict that goes
			// by versions cannot tell from a lie.
			if old.Repeat && slices.ContainsFunc(newer.Alerts, plannedAlert.resolved) {
				continue
			}
			if g.clearAfter(old.Version, newer.Version) && rnd.IntN(oneIn) == 0 {
				g.Updates[i].Behind = true
				n++
			}
		}
	}
	return n
}

// clearAfter is whether every receiver of the old version hears news after the new one, so that whatever is in doubt then
// is clear in the end.
func (g group) clearAfter(old, newer int) bool {
	for r := range hears {
		all := g.at(r)
		concerned := slices.ContainsFunc(all, func(h heard) bool { return h.Version == old })
		run := 0
		for _, h := range all {
			if h.Version <= newer {
				run = h.Run
			}
		}
		if concerned && !slices.ContainsFunc(all, func(h heard) bool { return h.Version > newer && h.Run > run }) {
			return false
		}
	}
	return true
}
