package delivery

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/alertmanager/template"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/alertvitals/notifier/alert"
	"github.com/alertvitals/notifier/diagnostics"
	"github.com/alertvitals/notifier/notifiers"
	"github.com/alertvitals/notifier/templates"
)

// brief is what a test compares of deliveries: record, status, reason.
func brief(all []Delivery) (texts []string) {
	for _, d := range all {
		record, _, _ := strings.Cut(d.ID, "-")
		texts = append(texts, strings.TrimSpace(fmt.Sprint(record, " ", d.Status, " ", d.Reason)))
	}
	return texts
}

func list(t *testing.T, w *world, q Query) []Delivery {
	t.Helper()
	all, err := w.List(t.Context(), q)
	require.NoError(t, err)
	return all
}

// one is the only delivery that a query selects, with all that is known of it.
func one(t *testing.T, w *world, q Query) Delivery {
	t.Helper()
	all := list(t, w, q)
	require.Len(t, all, 1)
	d, err := w.Show(t.Context(), all[0].ID)
	require.NoError(t, err)
	return d
}

func TestWhatWasSentIsKeptWithAllThatIsKnownOfIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newMemory()
		s := &sink{notify: func(_ context.Context, n int, m notifiers.Message) (notifiers.Receipt, error) {
			time.Sleep(2 * time.Second)
			m.Hear("status", fmt.Sprint(500-300*(n-1)))
			if n == 1 {
				return nil, errDown
			}
			m.Hear("ts", "17.1")
			return notifiers.Receipt{"ts": "17.1"}, nil
		}}
		l := testLoop(s)
		l.Redact = []string{"user_email"}
		l.Way = func(labels map[string]string, receiver string) string {
			return "{}/{user_email=" + `"` + labels["user_email"] + `"}`
		}
		l.Snapshots = snapshots(func(map[string]string) *diagnostics.Snapshot {
			return &diagnostics.Snapshot{Agent: "aster", TakenAt: time.Now()}
		})
		w := start(t, j, quiet, l)
		a := on("A", 0)
		a.Labels["user_email"] = "ada@example.com"
		accepted := time.Now().UTC()
		j.add(sameWebhook(`{}:{user_email="ada@example.com"}`, "", a))
		pass(time.Minute)
		require.NoError(t, w.end())
		w = start(t, j, quiet, l)

		d := one(t, w, Query{Status: Sent})
		assert.Equal(t, []string{"1 sent"}, brief([]Delivery{d}))
		assert.Equal(t, []any{accepted, "A", "firing", "critical", 1, 1}, []any{d.Accepted, d.Alertname, d.State, d.Severity, d.Notifications, d.Attempts})
		assert.Equal(t, []string{"1"}, d.Webhooks)
		assert.Equal(t, "aster", d.Snapshot.Agent)
		assert.Equal(t, "[redacted]", d.Group.Alerts[0].Labels["user_email"])
		require.Len(t, d.Routes, 1)
		assert.True(t, strings.HasPrefix(d.Routes[0], `{}/{user_email="[redacted]"}`), d.Routes[0])
		require.Len(t, d.Tries, 2)
		assert.Equal(t, Attempt{At: accepted, Seconds: 2, Reason: "server", Error: "status 500", Answer: map[string]string{"status": "500"}}, d.Tries[0])
		assert.Equal(t, map[string]string{"status": "200", "ts": "17.1"}, d.Tries[1].Answer)
		assert.Equal(t, d.Tries[1].At.Add(2*time.Second), d.Settled)
		text, err := json.Marshal(d)
		require.NoError(t, err)
		assert.NotContains(t, string(text), "ada@example")
		for _, o := range j.outcomes {
			assert.NotContains(t, string(o.data), "ada@example")
		}
		require.NoError(t, w.end())
	})
}

func TestP10OutcomesHideWhatIsPersonalNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newMemory()
		l := testLoop(&sink{})
		l.Way = func(labels map[string]string, _ string) string { return `{}/{team="` + labels["team"] + `"}` }
		w := start(t, j, quiet, l)
		a := on("A", 0)
		a.Labels["team"] = "ada"
		j.add(sameWebhook("g", "", a))
		pass(time.Minute)
		l.Redact = []string{"team"}
		require.NoError(t, w.Apply(t.Context(), []Loop{l}))
		shown, err := json.Marshal([]any{one(t, w, Query{}), list(t, w, Query{})})
		require.NoError(t, err)
		assert.NotContains(t, string(shown), "ada")
		assert.Contains(t, string(shown), "[redacted]")
		trace, err := w.Trace(t.Context(), "1")
		require.NoError(t, err)
		shown, err = json.Marshal(trace)
		require.NoError(t, err)
		assert.NotContains(t, string(shown), "ada")
		require.NoError(t, w.end())
	})
}

func TestWhatIsNotToldSaysWhy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newMemory()
		l := testLoop(&sink{})
		l.SendResolved = false
		w := start(t, j, quiet, l)
		a := on("A", 0)
		j.add(sameWebhook("g", "", a))
		pass(time.Second)
		j.add(sameWebhook("g", "", a)) // the second Alertmanager of a pair
		pass(time.Second)
		j.add(sameWebhook("g", "", off("A", 0)))
		pass(time.Second)

		all := list(t, w, Query{})
		assert.Equal(t, []string{"3 suppressed unwanted", "2 suppressed duplicate", "1 sent"}, brief(all))
		assert.Equal(t, all[2].ID, all[1].ShownBy)
		assert.Equal(t, "resolved", all[0].State)
		assert.Equal(t, []string{"3 suppressed unwanted", "2 suppressed duplicate"}, brief(list(t, w, Query{Status: Suppressed})))
		assert.Empty(t, list(t, w, Query{Status: Sent, Alertname: "B"}))
		require.NoError(t, w.end())
	})
}

func TestMergedUpdatesAreFoundByEachOfTheirIDs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newMemory()
		s, up := downUntilUp()
		w := start(t, j, quiet, testLoop(s))
		j.add(sameWebhook("g", "", on("A", 0)))
		synctest.Wait()
		first := list(t, w, Query{})[0].ID
		j.add(sameWebhook("h", "", on("X", 0))) // another group
		j.add(sameWebhook("g", "", on("A", 0), on("B", 0)))
		pass(10 * time.Second)
		early, err := w.Show(t.Context(), first)
		require.NoError(t, err)
		assert.Equal(t, Retrying, early.Status, "the ID that the log had")
		assert.Equal(t, []string{"1", "3"}, early.Webhooks)
		assert.NotEmpty(t, early.Tries)
		up.Store(true)
		pass(time.Minute)

		d, err := w.Show(t.Context(), first)
		require.NoError(t, err)
		assert.Equal(t, []string{"3 sent"}, brief([]Delivery{d}))
		assert.Equal(t, []string{"1", "3"}, d.Webhooks)
		for _, webhook := range []string{"1", "3"} {
			trace, untraced := w.Trace(t.Context(), webhook)
			require.NoError(t, untraced)
			require.Len(t, trace.Deliveries, 1, webhook)
			assert.Equal(t, d.ID, trace.Deliveries[0].ID)
			assert.Equal(t, []string{"log", "people"}, trace.Receivers)
		}
		_, err = w.Show(t.Context(), "2-"+strings.Split(d.ID, "-")[1])
		require.ErrorIs(t, err, ErrNotFound, "that is the other group's")
		require.NoError(t, w.end())
	})
}

func TestWhatIsMutedIsFoundByItsWebhook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, s := newMemory(), &sink{}
		l := night(s)
		w := start(t, j, quiet, l)
		pass(time.Hour + time.Minute)
		a := begun("A")
		j.add(sameWebhook("g", "", a))
		pass(time.Second)
		j.add(sameWebhook("g", "", a)) // the second Alertmanager of a pair
		pass(time.Second)
		j.add(sameWebhook("g", "", a, begun("B")))
		c := begun("C")
		j.add(sameWebhook("quiet", "", c))
		pass(time.Minute)
		j.add(sameWebhook("quiet", "", finished(c)))
		pass(time.Minute)
		trace := func(id string) Delivery {
			found, err := w.Trace(t.Context(), id)
			require.NoError(t, err)
			require.Len(t, found.Deliveries, 1, id)
			assert.Empty(t, found.Unknown)
			return found.Deliveries[0]
		}
		for _, webhook := range []string{"1", "3"} {
			d := trace(webhook)
			assert.Equal(t, Pending, d.Status)
			assert.Equal(t, []string{"nights"}, d.Muted.By)
			assert.Equal(t, []string{"1", "3"}, d.Webhooks)
		}
		for _, webhook := range []string{"4", "5"} {
			d := trace(webhook)
			assert.Equal(t, []string{"5 suppressed muted"}, brief([]Delivery{d}), "it fired and ended within the mute")
			assert.Equal(t, []string{"nights"}, d.Muted.By)
		}
		require.NoError(t, w.end())
		w = start(t, j, quiet, l)
		pass(2 * time.Hour)
		require.Len(t, s.messages(), 1)
		d := trace("1")
		assert.Equal(t, Sent, d.Status)
		assert.Equal(t, []string{"1", "3"}, d.Webhooks)
		assert.Equal(t, d.ID, trace("3").ID)
		twin := trace("2")
		assert.Equal(t, ReasonDuplicate, twin.Reason)
		for _, id := range []string{d.ID, twin.ShownBy} {
			one, err := w.Show(t.Context(), id)
			require.NoError(t, err)
			assert.Equal(t, d.ID, one.ID)
		}
		require.NoError(t, w.end())
	})
}

func TestATraceFollowsTheFallbackAndTheReplay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newMemory()
		s, repaired := refusing()
		people := testLoop(s)
		people.Fallback = Fallback{Receiver: "ops", After: time.Minute}
		w := start(t, j, quiet, people, loopFor("ops", &sink{}), loopFor("log", &sink{}))
		j.add(sameWebhook("g", "", on("A", 0)))
		pass(time.Minute)
		trace, err := w.Trace(t.Context(), "1")
		require.NoError(t, err)
		whom := func() (texts []string) {
			for _, d := range trace.Deliveries {
				texts = append(texts, d.Receiver+" "+string(d.Status))
			}
			return texts
		}
		assert.ElementsMatch(t, []string{"log sent", "people dead", "ops sent"}, whom())
		i := slices.IndexFunc(trace.Deliveries, func(d Delivery) bool { return d.Receiver == "ops" })
		dead := one(t, w, Query{Status: Dead})
		assert.Equal(t, &InsteadOf{Receiver: "people", Delivery: dead.ID, Reason: "auth"}, trace.Deliveries[i].InsteadOf)
		assert.Equal(t, "ops", dead.HandedOver)
		assert.Len(t, dead.Tries, 1)
		assert.Equal(t, []string{"1"}, dead.Webhooks)

		repaired.Store(true)
		require.NoError(t, w.Replay(t.Context(), dead.ID))
		pass(time.Minute)
		trace, err = w.Trace(t.Context(), "1")
		require.NoError(t, err)
		assert.Contains(t, whom(), "people suppressed")
		assert.Contains(t, whom(), "people sent", "what the replay became")
		was, err := w.Show(t.Context(), dead.ID)
		require.NoError(t, err)
		assert.Equal(t, ReasonReplayed, was.Reason)
		became, err := w.Trace(t.Context(), was.ShownBy)
		require.NoError(t, err)
		require.NotEmpty(t, became.Deliveries)
		assert.Equal(t, dead.ID, became.Deliveries[0].Replays)
		assert.Empty(t, list(t, w, Query{Status: Dead}))
		require.NoError(t, w.end())
	})
}

func TestWhatWasSentIsToldOnceMoreWhenSomebodyAsks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newMemory()
		s := &sink{}
		l := testLoop(s)
		var in []templates.Input
		l.Render = func(i templates.Input) templates.Content { in = append(in, i); return templates.Content{} }
		w := start(t, j, quiet, l)
		accepted := time.Now().UTC()
		j.add(sameWebhook("g", "", on("A", 0)))
		pass(time.Hour)
		before := slices.Clone(j.states["people/fake/0\x00g"])
		d := one(t, w, Query{})

		for n := range 2 { // who asks twice is told twice
			require.NoError(t, w.Replay(t.Context(), d.ID))
			pass(time.Minute)
			require.Len(t, s.messages(), 2+n)
		}

		m := s.messages()[1]
		assert.True(t, m.Late, "it stands beside the group's message")
		assert.Equal(t, []string{"A"}, states(&m.Group))
		assert.Equal(t, &templates.Again{Accepted: accepted, Late: true, Asked: true}, in[1].Again)
		all := list(t, w, Query{})
		assert.Equal(t, []string{"1 sent", "2 sent", "3 sent"}, brief(all), "all were accepted at the same time")
		assert.Equal(t, []string{"", d.ID, d.ID}, []string{all[0].Replays, all[1].Replays, all[2].Replays})
		var known, after state
		require.NoError(t, json.Unmarshal(before, &known))
		require.NoError(t, json.Unmarshal(j.states["people/fake/0\x00g"], &after))
		assert.Equal(t, known.Known, after.Known, "the group's own state is left alone")
		require.ErrorIs(t, w.Replay(t.Context(), "1"), ErrWebhook)
		require.ErrorIs(t, w.Replay(t.Context(), "9-aa"), ErrNotFound)

		j.mu.Lock()
		j.records[0].Data = nil
		j.mu.Unlock()
		require.ErrorIs(t, w.Replay(t.Context(), d.ID), ErrGoneRecords)
		require.NoError(t, w.Apply(t.Context(), []Loop{loopFor("other", s)}))
		require.ErrorIs(t, w.Replay(t.Context(), d.ID), ErrGoneIntegration)
		require.NoError(t, w.end())
	})
}

func TestFailedTriesOutliveARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newMemory()
		s, up := downUntilUp()
		w := start(t, j, quiet, testLoop(s))
		j.add(webhook("g", firing("A")))
		pass(10 * time.Minute)
		before := one(t, w, Query{})
		assert.Greater(t, before.Attempts, 8)
		require.NoError(t, w.end())
		w = start(t, j, quiet, testLoop(s))
		pass(time.Second)

		after := one(t, w, Query{})
		assert.Equal(t, Retrying, after.Status)
		assert.Greater(t, after.Attempts, 8, "those that were written down: 1, 2, 4, 8, …")
		assert.Equal(t, before.Tries[0], after.Tries[0])
		up.Store(true)
		pass(2 * time.Minute)
		sent := one(t, w, Query{Status: Sent})
		assert.GreaterOrEqual(t, sent.Attempts, after.Attempts)
		assert.Empty(t, sent.Tries[len(sent.Tries)-1].Error)
		// The next message begins anew.
		j.add(webhook("g", firing("A")))
		pass(time.Minute)
		assert.Equal(t, 0, list(t, w, Query{})[0].Attempts)
		require.NoError(t, w.end())
	})
}

// Outcomes are no part of any promise of delivery: a journal that does not take them costs no message, no order and no memory.
func TestOutcomesThatCannotBeStoredStopNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newMemory()
		full := true
		refused := 0
		h := hooked{Journal: j, addOutcomes: func(int) error {
			if full {
				refused++
				return errors.New("the disk is full")
			}
			return nil
		}}
		s := &sink{}
		l := testLoop(s)
		w := start(t, h, quiet, l)
		const groups = 300
		for i := range groups {
			j.add(webhook(fmt.Sprint("g", i), firing("A")))
		}
		pass(10 * time.Second)
		assert.Len(t, s.messages(), groups)
		assert.Equal(t, uint64(groups), j.at(l.Cursor), "positions move on")
		assert.NotZero(t, refused)
		assert.Len(t, list(t, w, Query{}), groups, "what is in memory is listed")
		full = false
		j.add(webhook("last", firing("A")))
		pass(10 * time.Second)
		assert.Len(t, j.outcomes, groups+1)
		require.NoError(t, w.end())

		os := newOutcomes(h, NewMetrics(nil), quiet)
		for i := range 20 {
			os.add(written{fmt.Sprint(i), make([]byte, 1<<20)})
			assert.LessOrEqual(t, os.bytes, mostUnwritten)
		}
		assert.Len(t, os.waiting, 8)
		assert.InDelta(t, 12, testutil.ToFloat64(os.lost), 0)
		assert.Equal(t, "19", os.waiting[7].ID, "the newest stay")
	})
}

// A crash at any moment costs no outcome of what was settled, and doubles none.
func TestKill9KeepsTheOutcome(t *testing.T) {
	for _, stops := range []string{"before the send", "before the state", "before the outcome", "before the position"} {
		t.Run(stops, func(t *testing.T) {
			dir := t.TempDir()
			j := openJournal(t, dir)
			require.NoError(t, start(t, j, quiet, testLoop(&sink{})).end())
			seq, err := j.Append(t.Context(), webhook("g", firing("A")))
			require.NoError(t, err)
			j.Close()
			killAt(t, dir, stops)

			j = openJournal(t, dir)
			defer j.Close()
			deliverAll(t, j, &sink{})
			w := start(t, j, quiet, testLoop(&sink{}))
			d := one(t, w, Query{})
			assert.Equal(t, Sent, d.Status)
			assert.Equal(t, webhooks([]uint64{seq}), d.Webhooks)
			require.NotEmpty(t, d.Tries)
			if stops == "before the outcome" || stops == "before the position" {
				assert.Equal(t, map[string]string{"ts": "1"}, d.Tries[0].Answer, "what the killed process heard")
			}
			require.NoError(t, w.end())
			n := 0
			require.NoError(t, j.Outcomes(t.Context(), func(time.Time, []byte) error { n++; return nil }))
			assert.Equal(t, 1, n, "it is kept once")
		})
	}
}

func TestTenThousandOutcomesArePagedWithoutGapOrRepeat(t *testing.T) {
	j := openJournal(t, t.TempDir())
	defer j.Close()
	w := start(t, j, quiet, testLoop(&sink{}))
	const n = 10_000
	base := time.Now().Add(-time.Hour).UTC()
	add := func(i int, accepted time.Time) {
		o := outcome{head: head{Delivery: Delivery{
			ID: fmt.Sprintf("%d-%08x", i, i), Status: []Status{Sent, Suppressed}[i%2], Receiver: "people", Alertname: fmt.Sprint("A", i%100), Accepted: accepted,
		}, Records: packRecords([]entry{{seq: uint64(i)}})}}
		sealed, err := o.seal()
		require.NoError(t, err)
		w.outcomes.add(written{o.ID, sealed})
	}
	for i := 1; i <= n; i++ {
		// In another order than they are stored in, and seven at a time.
		add(i, base.Add(time.Duration(i*7919%n/7)*time.Millisecond))
		if i == n-100 {
			w.outcomes.flush(t.Context()) // the newest are in memory
		}
	}
	for name, tc := range map[string]struct {
		q    Query
		want int
	}{
		"all": {Query{Limit: 333}, n}, "sent": {Query{Limit: 1000, Status: Sent}, n / 2},
		"one alert": {Query{Limit: 7, Alertname: "A42"}, n / 100}, "nobody": {Query{Limit: 5, Receiver: "x"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			seen := map[string]bool{}
			before := Delivery{Accepted: time.Now()}
			for q := tc.q; ; {
				page := list(t, w, q)
				for _, d := range page {
					require.False(t, seen[d.ID], "%s comes twice", d.ID)
					require.LessOrEqual(t, byAge(before, d), 0)
					seen[d.ID], before = true, d
				}
				if len(page) < q.Limit {
					break
				}
				q.Before, q.AfterID = before.Accepted, before.ID
				add(n+len(seen), time.Now()) // what comes meanwhile moves nothing
			}
			require.GreaterOrEqual(t, len(seen), tc.want)
			for i := 1; i <= n && name == "all"; i++ {
				require.True(t, seen[fmt.Sprintf("%d-%08x", i, i)], i)
			}
		})
	}
	d, err := w.Show(t.Context(), fmt.Sprintf("%d-%08x", 17, 17))
	require.NoError(t, err)
	assert.Equal(t, []string{"17"}, d.Webhooks)
	require.NoError(t, w.end())
}

func TestDamagedOutcomesNeverBreakTheList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newMemory()
		w := start(t, j, quiet, testLoop(&sink{}))
		j.add(webhook("g", firing("A")))
		pass(time.Minute)
		whole := j.outcomes[0]
		for _, cut := range []int{0, 1, 2, len(whole.data) / 2} {
			j.outcomes = append(j.outcomes, storedOutcome{whole.at, whole.data[:cut]})
		}
		j.outcomes = append(j.outcomes, storedOutcome{whole.at, []byte{9, 1, 2, 3}}) // of a program that does not exist yet
		assert.Len(t, list(t, w, Query{}), 1)
		// Its details alone are damaged.
		half := whole.data[:len(whole.data)-9]
		j.outcomes = append(j.outcomes, storedOutcome{whole.at, half})
		d := one(t, w, Query{})
		assert.Equal(t, Sent, d.Status)
		assert.Nil(t, d.Group)
		require.NoError(t, w.end())
	})
}

func TestAnOutcomeIsBounded(t *testing.T) {
	var entries []entry
	for i := range 200_000 {
		entries = append(entries, entry{seq: uint64(i)*4096 + 4095})
	}
	packed := packRecords(entries)
	assert.LessOrEqual(t, len(packed), mostRecords)
	numbers := unpackRecords(packed)
	assert.Greater(t, len(numbers), 10_000)
	assert.Equal(t, entries[len(entries)-1].seq, numbers[len(numbers)-1], "the newest stay")
	assert.True(t, holdsRecord(packed, numbers[100]))
	assert.False(t, holdsRecord(packed, numbers[100]+1))
	assert.False(t, holdsRecord(nil, 0))

	g := alert.Group{Key: "secret"}
	for range 5000 {
		g.Alerts = append(g.Alerts, template.Alert{Labels: template.KV{"a": strings.Repeat("é", 1000)}, Annotations: template.KV{"b": strings.Repeat("x", 1<<20)}})
	}
	small, leftOut := kept(g)
	assert.Equal(t, 5000, len(small.Alerts)+leftOut)
	assert.NotEmpty(t, small.Alerts)
	assert.Less(t, sizeOf(small), 2*mostKept)
	assert.Empty(t, small.Key)

	o := outcome{head: head{Delivery: Delivery{ID: "1-a"}}, details: details{Snapshot: &diagnostics.Snapshot{TookSeconds: math.NaN()}, LeftOut: 7}}
	sealed, err := o.seal()
	require.NoError(t, err)
	h, rest, err := openHead(sealed)
	require.NoError(t, err)
	d, err := openDetails(rest)
	require.NoError(t, err)
	assert.Equal(t, "1-a", h.ID)
	assert.Equal(t, details{LeftOut: 7}, d, "what has no JSON form is left out, and nothing else")

	var e ear
	for i := range 50 {
		e.hear(fmt.Sprint(i), strings.Repeat("ß", 1000))
	}
	heard := e.end()
	assert.Len(t, heard, mostHeard)
	assert.LessOrEqual(t, len(heard["0"]), longestHeard+len("…"))
	e.hear("late", "x")
	assert.NotContains(t, e.end(), "late")
	var tries []Attempt
	for i := range 100 {
		tries = withAttempt(tries, Attempt{Seconds: float64(i)})
	}
	assert.Len(t, tries, firstTries+lastTries)
	assert.Equal(t, []float64{0, 4, 85, 99}, []float64{tries[0].Seconds, tries[4].Seconds, tries[5].Seconds, tries[19].Seconds})
}

func FuzzOpenOutcome(f *testing.F) {
	o := outcome{
		head:    head{Delivery: Delivery{ID: "7-aa", Status: Sent, Accepted: time.Unix(1, 0)}, Records: packRecords([]entry{{seq: 7}, {seq: 4095}})},
		details: details{Tries: []Attempt{{Reason: "x"}}, Group: &alert.Group{Alerts: template.Alerts{{Status: "firing"}}}},
	}
	sealed, err := o.seal()
	require.NoError(f, err)
	f.Add(sealed)
	f.Add([]byte{outcomeV1, 200})
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, sealed []byte) {
		h, rest, err := openHead(sealed)
		if err != nil {
			return
		}
		require.NotEmpty(t, h.ID)
		numbers := unpackRecords(h.Records)
		require.True(t, slices.IsSorted(numbers))
		for _, n := range numbers[:min(len(numbers), 100)] {
			require.True(t, holdsRecord(h.Records, n))
		}
		parseID(h.ID)
		d, _ := openDetails(rest)
		_, err = json.Marshal(withoutPersonal(outcome{h, d}.shown(), []string{"a"}))
		require.NoError(t, err)
	})
}
