package delivery

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/alertvitals/notifier/diagnostics"
	"github.com/alertvitals/notifier/notifiers"
	"github.com/alertvitals/notifier/templates"
)

// slowAgent misses the deadline, and says more when it is given two seconds.
type slowAgent struct{ later *diagnostics.Snapshot }

func (slowAgent) Snapshot(context.Context, map[string]string) *diagnostics.Snapshot {
	return &diagnostics.Snapshot{Agent: "aster", Unfinished: true}
}

func (slowAgent) Links(_, _ map[string]string, _, _ time.Time) []diagnostics.Link { return nil }

func (a slowAgent) SnapshotLater(ctx context.Context, _ map[string]string) *diagnostics.Snapshot {
	if !pause(ctx, 2*time.Second) {
		return nil
	}
	return a.later
}

func (slowAgent) Charts(context.Context, []diagnostics.ChartedAlert) []diagnostics.Chart { return nil }

// awake is what the slow agent says at last.
func awake() *diagnostics.Snapshot {
	return &diagnostics.Snapshot{Agent: "aster", Metrics: diagnostics.Scrape{OK: true}, TakenAt: time.Now()}
}

// receipts gives each message a receipt of its own.
func receipts() *sink {
	return &sink{notify: func(_ context.Context, _ int, m notifiers.Message) (notifiers.Receipt, error) {
		return notifiers.Receipt{"id": m.ID}, nil
	}}
}

func TestP5AMessageIsCompletedWithVitalsThatCameLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, s := newMemory(), receipts()
		l := testLoop(s)
		l.Snapshots, l.Limits.Sends = slowAgent{awake()}, 1
		w := start(t, j, quiet, l)
		a := since(firing("A"), time.Now())
		j.add(sameWebhook("g", "", a))
		j.add(webhook("h", firing("A")))
		pass(time.Second)
		require.Equal(t, []string{"g", "h"}, s.told(), "nobody waits for vitals that are late")
		j.add(sameWebhook("g", "", a)) // the second Alertmanager of a pair
		pass(10 * time.Second)

		sent := s.messages()
		require.Len(t, sent, 4)
		first, last := sent[0], sent[2]
		if last.Group.Key != "g" {
			last = sent[3]
		}
		assert.False(t, first.Amends)
		assert.True(t, last.Amends)
		assert.True(t, last.Snapshot.Metrics.OK)
		assert.Equal(t, notifiers.Receipt{"id": first.ID}, last.Previous)
		assert.Empty(t, last.Content.News)
		assert.NotEqual(t, first.ID, last.ID)
		waiting, err := w.List(t.Context(), Query{Status: Pending})
		require.NoError(t, err)
		assert.Empty(t, waiting)

		j.add(sameWebhook("g", "", a, since(firing("B"), time.Now())))
		pass(time.Second)
		sent = s.messages()
		require.Len(t, sent, 5)
		assert.Equal(t, notifiers.Receipt{"id": last.ID}, sent[4].Previous, "it goes on from the amendment")
		require.NoError(t, w.end(), "with a look under way")
		assert.Len(t, s.messages(), 5)
	})
}

func TestNewsTakeThePlaceOfAnAmendment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, s := newMemory(), receipts()
		l := testLoop(s)
		l.Snapshots = slowAgent{awake()}
		w := start(t, j, quiet, l)
		j.add(webhook("g", firing("A")))
		pass(time.Second)
		j.add(webhook("g", resolved("A")))
		pass(time.Minute)

		sent := s.messages()
		require.Len(t, sent, 2)
		assert.Equal(t, []string{"A"}, states(&sent[0].Group))
		assert.False(t, sent[1].Amends)
		require.NoError(t, w.end())
	})
}

func TestAnAmendmentIsTriedOnceAndOnlyWhenItTellsMore(t *testing.T) {
	for name, test := range map[string]struct {
		later *diagnostics.Snapshot
		tries int
	}{
		"the agent says no more":     {&diagnostics.Snapshot{Agent: "aster", Unfinished: true}, 1},
		"there is no such agent now": {nil, 1},
		"the sink is down":           {awake(), 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				j := newMemory()
				s := &sink{notify: func(_ context.Context, n int, _ notifiers.Message) (notifiers.Receipt, error) {
					if n > 1 {
						return nil, errDown
					}
					return told()
				}}
				l := testLoop(s)
				l.Snapshots = slowAgent{test.later}
				w := start(t, j, quiet, l)
				j.add(webhook("g", firing("A")))
				pass(time.Hour)

				assert.Len(t, s.tried(), test.tries)
				assert.Len(t, s.messages(), 1)
				assert.Empty(t, w.loops[l.Cursor].run.groups, "nothing is kept of it")
				require.NoError(t, w.end())
			})
		})
	}
}

func TestChartsAreDrawnForASinkThatShowsThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, s := newMemory(), &sink{}
		var drawn []templates.Image
		s.notify = func(ctx context.Context, _ int, m notifiers.Message) (notifiers.Receipt, error) {
			drawn = append(drawn, m.WithCharts(ctx).Content.Charts...)
			return told()
		}
		l := testLoop(s)
		l.Snapshots = snapshots(func(map[string]string) *diagnostics.Snapshot { return &diagnostics.Snapshot{Agent: "aster"} })
		w := start(t, j, quiet, l)
		j.add(webhook("g", firing("A")))
		pass(time.Minute)
		assert.Equal(t, []templates.Image{{Title: "A", PNG: []byte("png")}}, drawn)
		require.NoError(t, w.end())
	})
}

type brokenCharts struct{ Snapshotter }

func (brokenCharts) Charts(context.Context, []diagnostics.ChartedAlert) []diagnostics.Chart {
	panic("no font")
}

func TestP4ChartsThatCannotBeDrawnCostNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, s := newMemory(), &sink{}
		s.notify = func(ctx context.Context, _ int, m notifiers.Message) (notifiers.Receipt, error) {
			assert.Empty(t, m.WithCharts(ctx).Content.Charts)
			return told()
		}
		l := testLoop(s)
		l.Snapshots = brokenCharts{snapshots(func(map[string]string) *diagnostics.Snapshot { return nil })}
		w := start(t, j, quiet, l)
		j.add(webhook("g", firing("A")))
		pass(time.Minute)
		assert.Len(t, s.tried(), 1)
		require.NoError(t, w.end())
	})
}
