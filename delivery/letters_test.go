package delivery

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/alertmanager/template"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/alertvitals/notifier/envelope"
	"github.com/alertvitals/notifier/notifiers"
	"github.com/alertvitals/notifier/templates"
)

var errRevoked = &notifiers.Error{Reason: notifiers.Auth, Permanent: true, Err: errors.New("invalid_auth")}

// refusing is a sink that refuses for good until it is repaired.
func refusing() (s *sink, repaired *atomic.Bool) {
	repaired = new(atomic.Bool)
	return &sink{notify: func(context.Context, int, notifiers.Message) (notifiers.Receipt, error) {
		if repaired.Load() {
			return told()
		}
		return nil, errRevoked
	}}, repaired
}

func dead(t *testing.T, w *world) []Delivery {
	t.Helper()
	list, err := w.List(t.Context(), Query{Status: Dead})
	require.NoError(t, err)
	return list
}

func TestP2APermanentErrorIsADeadLetterAtOnceAndIsReplayed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newMemory()
		s, repaired := refusing()
		var log bytes.Buffer
		l := testLoop(s)
		l.Redact = []string{"user_email"}
		w := start(t, j, slog.New(slog.NewTextHandler(&log, nil)), l)
		a := on("A", 0)
		a.Labels["user_email"] = "ada@example.com"
		accepted := time.Now().UTC()
		j.add(sameWebhook(`{}:{user_email="ada@example.com"}`, "", a))
		pass(time.Hour)

		assert.Len(t, s.tried(), 1)
		assert.Equal(t, uint64(1), j.at(l.Cursor), "it stops nothing")
		list := dead(t, w)
		require.Len(t, list, 1)
		d := list[0]
		assert.Equal(t, Delivery{
			ID: d.ID, Status: Dead, Receiver: "people", Integration: "fake", Alertname: "A", State: "firing", Severity: "critical",
			Notifications: 1, Accepted: accepted, Attempts: 1, Reason: "auth", Error: "invalid_auth", Failed: accepted,
		}, d)
		assert.InDelta(t, 1, testutil.ToFloat64(w.series().dead["auth"]), 0)
		assert.InDelta(t, 1, testutil.ToFloat64(w.metrics.letters.WithLabelValues("people", "fake")), 0)
		assert.Contains(t, log.String(), "reason=auth err=invalid_auth")
		shown, err := w.Show(t.Context(), d.ID)
		require.NoError(t, err)
		assert.Equal(t, "[redacted]", shown.Group.Alerts[0].Labels["user_email"])
		assert.Empty(t, shown.Group.Key)

		// It outlives a restart, fails once more when nothing is repaired, and is told when something is.
		require.NoError(t, w.end())
		w = start(t, j, quiet, l)
		assert.InDelta(t, 1, testutil.ToFloat64(w.metrics.letters.WithLabelValues("people", "fake")), 0)
		require.NoError(t, w.Replay(t.Context(), d.ID))
		synctest.Wait()
		list = dead(t, w)
		require.Len(t, list, 1)
		assert.NotEqual(t, d.ID, list[0].ID)
		assert.Equal(t, accepted, list[0].Accepted)
		repaired.Store(true)
		var in templates.Input
		l.Render = func(i templates.Input) templates.Content { in = i; return templates.Content{} }
		require.NoError(t, w.Apply(t.Context(), []Loop{l}))
		require.NoError(t, w.Replay(t.Context(), list[0].ID))
		synctest.Wait()
		assert.Len(t, s.told(), 1)
		assert.Equal(t, &templates.Again{Reason: "auth", Accepted: accepted}, in.Again)
		assert.False(t, s.messages()[0].Late)
		assert.Empty(t, dead(t, w))
		require.ErrorIs(t, w.Replay(t.Context(), d.ID), ErrReplayed)
		shown, err = w.Show(t.Context(), d.ID)
		require.NoError(t, err)
		assert.Equal(t, []string{string(Suppressed), ReasonReplayed, "2"}, []string{string(shown.Status), shown.Reason, shown.ShownBy})
		assert.Equal(t, "[redacted]", shown.Group.Alerts[0].Labels["user_email"])
		assert.InDelta(t, 0, testutil.ToFloat64(w.metrics.letters.WithLabelValues("people", "fake")), 0)
		require.NoError(t, w.end())
	})
}

func TestP3AReplayThatNewerNewsOvertookIsToldLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newMemory()
		s, repaired := refusing()
		w := start(t, j, quiet, testLoop(s))
		j.add(sameWebhook("g", "", on("A", 0), on("B", 0)))
		pass(time.Minute)
		repaired.Store(true)
		j.add(sameWebhook("g", "", off("A", 0), off("B", 0)))
		synctest.Wait()
		id := dead(t, w)[0].ID
		letter := j.letters[id]

		require.NoError(t, w.Replay(t.Context(), id))
		synctest.Wait()
		require.Len(t, s.messages(), 2)
		assert.True(t, s.messages()[1].Late)
		assert.Equal(t, []string{"A", "B"}, states(&s.messages()[1].Group))

		// A crash between the record of a replay and the end of its letter leaves the letter: told once nonetheless.
		require.NoError(t, j.SetLetter(t.Context(), id, letter))
		require.NoError(t, w.Replay(t.Context(), id))
		synctest.Wait()
		assert.Len(t, s.messages(), 2)
		// The group's own state is left alone.
		j.add(sameWebhook("g", "", off("A", 0), off("B", 0)))
		synctest.Wait()
		assert.Len(t, s.messages(), 2)
		require.NoError(t, w.end())
	})
}

func TestP2WhatWaitsTooLongIsADeadLetter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newMemory()
		s, up := downUntilUp()
		w := start(t, j, quiet, testLoop(s))
		j.add(sameWebhook("g", "", on("A", 0)))
		pass(23 * time.Hour)
		j.add(sameWebhook("g", "", on("A", 0), on("B", 1380)))
		pass(time.Hour + 5*time.Minute)

		list := dead(t, w)
		require.Len(t, list, 1)
		assert.Equal(t, "expired", list[0].Reason)
		assert.Greater(t, list[0].Attempts, 1000)
		shown, err := w.Show(t.Context(), list[0].ID)
		require.NoError(t, err)
		assert.Equal(t, []string{"A"}, states(shown.Group), "only what is too old")
		waiting, err := w.List(t.Context(), Query{Status: Retrying})
		require.NoError(t, err)
		require.Len(t, waiting, 1)
		assert.Equal(t, 1, waiting[0].Notifications)
		assert.Equal(t, "server", waiting[0].Reason)
		assert.Equal(t, "status 500", waiting[0].Error)
		assert.NotZero(t, waiting[0].Next)
		require.ErrorIs(t, w.Replay(t.Context(), waiting[0].ID), ErrNotDead)
		up.Store(true)
		pass(2 * time.Minute)
		require.Len(t, s.messages(), 1)
		assert.Equal(t, []string{"A", "B"}, states(&s.messages()[0].Group))
		require.NoError(t, w.end())
	})
}

// A record that cannot be read is kept and shown once, whoever meets it, and stops nobody.
func TestP2AnUnreadableRecordGoesAside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, s := newMemory(), &sink{}
		other := loopFor("log", s)
		w := start(t, j, quiet, testLoop(s), other)
		noBody, err := envelope.Envelope{Key: "k", To: map[string][]int{"people": nil, "log": nil}, Body: []byte(`{"version":"5"}`)}.Seal()
		require.NoError(t, err)
		j.add([]byte("\xff\x00 half a page"))
		j.add(noBody)
		j.add(webhook("g", firing("A")))
		pass(time.Minute)

		assert.Len(t, s.told(), 2)
		list := dead(t, w)
		require.Len(t, list, 2)
		for _, d := range list {
			assert.Equal(t, "unreadable", d.Reason)
			require.ErrorIs(t, w.Replay(t.Context(), d.ID), ErrUnreadable)
		}
		assert.InDelta(t, 2, testutil.ToFloat64(w.metrics.dead.WithLabelValues("", "", "unreadable")), 0)
		assert.Len(t, dead(t, w), 2, "they are kept")
		require.NoError(t, w.end())
	})
}

func TestListSelects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newMemory()
		s, _ := refusing()
		w := start(t, j, quiet, testLoop(s))
		var times []time.Time
		for _, name := range []string{"A", "B", "C"} {
			times = append(times, time.Now())
			j.add(webhook(name, firing(name)))
			pass(time.Minute)
		}
		for name, tc := range map[string]struct {
			query Query
			want  []string
		}{
			"all":        {Query{}, []string{"C", "B", "A"}},
			"limit":      {Query{Limit: 2}, []string{"C", "B"}},
			"before":     {Query{Before: times[2]}, []string{"B", "A"}},
			"alertname":  {Query{Alertname: "B"}, []string{"B"}},
			"receiver":   {Query{Receiver: "people"}, []string{"C", "B", "A"}},
			"other":      {Query{Receiver: "log"}, nil},
			"dead":       {Query{Status: Dead}, []string{"C", "B", "A"}},
			"no waiting": {Query{Status: Pending}, nil},
		} {
			list, err := w.List(t.Context(), tc.query)
			require.NoError(t, err)
			var got []string
			for _, d := range list {
				got = append(got, d.Alertname)
			}
			assert.Equal(t, tc.want, got, name)
		}
		require.NoError(t, w.end())
	})
}

func TestListGoesOnAmongWhatWasAcceptedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newMemory()
		s, _ := refusing()
		w := start(t, j, quiet, testLoop(s))
		for i := range 25 {
			j.add(webhook(strconv.Itoa(i), firing("A")))
			if i == 20 {
				pass(time.Minute)
			}
		}
		synctest.Wait()
		want, err := w.List(t.Context(), Query{})
		require.NoError(t, err)
		require.Len(t, want, 25)
		var got []Delivery
		for q := (Query{Limit: 10}); ; {
			page, err := w.List(t.Context(), q)
			require.NoError(t, err)
			if got = append(got, page...); len(page) < q.Limit {
				break
			}
			q.Before, q.AfterID = page[9].Accepted, page[9].ID
		}
		assert.Equal(t, want, got)
		require.NoError(t, w.end())
	})
}

func TestALetterThatManyReplayAtOnceIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newMemory()
		s, repaired := refusing()
		var appended atomic.Int32
		slow := hooked{Journal: j, append: func() { appended.Add(1); time.Sleep(time.Second) }}
		w := start(t, slow, quiet, testLoop(s))
		j.add(webhook("A", firing("A")))
		synctest.Wait()
		id := dead(t, w)[0].ID
		repaired.Store(true)
		var replayed, refused atomic.Int32
		for range 8 {
			go func() {
				switch err := w.Replay(t.Context(), id); {
				case err == nil:
					replayed.Add(1)
				case errors.Is(err, ErrReplayed):
					refused.Add(1)
				}
			}()
		}
		pass(time.Minute)
		assert.Equal(t, int32(1), replayed.Load())
		assert.Equal(t, int32(7), refused.Load())
		assert.Equal(t, int32(1), appended.Load())
		assert.InDelta(t, 0, testutil.ToFloat64(w.metrics.letters.WithLabelValues("people", "fake")), 0)
		require.NoError(t, w.end())
	})
}

func TestADeadLetterWaitsUntilItCanBeKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newMemory()
		s, _ := refusing()
		var full atomic.Bool
		full.Store(true)
		l := testLoop(s)
		w := start(t, fullForLetters{j, &full}, quiet, l)
		j.add(webhook("g", firing("A")))
		pass(10 * time.Minute)
		assert.Zero(t, j.at(l.Cursor), "it is not settled before it is kept")
		assert.Len(t, s.tried(), 1)
		full.Store(false)
		pass(2 * time.Minute)
		assert.Len(t, dead(t, w), 1)
		assert.Equal(t, uint64(1), j.at(l.Cursor))
		require.NoError(t, w.end())
	})
}

type fullForLetters struct {
	*memory

	full *atomic.Bool
}

func (f fullForLetters) SetLetter(ctx context.Context, id string, value []byte) error {
	if f.full.Load() {
		return errors.New("no space left on device")
	}
	return f.memory.SetLetter(ctx, id, value)
}

// told by the fallback, with what the message says of itself.
func fallbackTo(receiver string, s *sink, inputs *[]templates.Input) Loop {
	l := loopFor(receiver, s)
	l.Render = func(in templates.Input) templates.Content {
		*inputs = append(*inputs, in)
		return templates.Content{}
	}
	return l
}

func TestFallbackIsToldWhatCouldNotBeDeliveredInTimeAndHowItEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newMemory()
		s, up := downUntilUp()
		mail := &sink{}
		var inputs []templates.Input
		l := testLoop(s)
		l.Fallback = Fallback{Receiver: "ops-email", After: 2 * time.Minute}
		loops := []Loop{l, fallbackTo("ops-email", mail, &inputs)}
		w := start(t, j, quiet, loops...)
		accepted := time.Now().UTC()
		j.add(sameWebhook("g", "", on("A", 0)))
		pass(time.Minute + 58*time.Second)
		assert.Empty(t, mail.told())
		pass(4 * time.Second)
		require.Len(t, mail.told(), 1)
		assert.Equal(t, &templates.Again{From: "people", Reason: "server", Accepted: accepted}, inputs[0].Again)
		assert.Equal(t, "ops-email", mail.messages()[0].Receiver)

		pass(time.Hour)
		require.NoError(t, w.end())
		w = start(t, j, quiet, loops...)
		pass(time.Hour)
		assert.Len(t, mail.told(), 1, "once, over a restart, too")
		assert.Greater(t, len(s.tried()), 100, "the receiver itself is tried on")
		waiting, err := w.List(t.Context(), Query{Receiver: "people"})
		require.NoError(t, err)
		assert.Len(t, waiting, 1)

		j.add(sameWebhook("g", "", on("A", 0), on("B", 120)))
		pass(3 * time.Minute)
		require.Len(t, mail.told(), 2, "what is new is handed over when it is overdue, too")
		assert.Equal(t, []string{"A", "B"}, states(&mail.messages()[1].Group))

		up.Store(true)
		pass(2 * time.Minute)
		assert.Len(t, s.told(), 1)
		assert.Len(t, mail.told(), 2)
		j.add(sameWebhook("g", "", off("A", 0), off("B", 120)))
		synctest.Wait()
		assert.Len(t, s.told(), 2)
		require.Len(t, mail.told(), 3, "who was told that it fires is told that it ended")
		assert.Equal(t, "recovered", inputs[2].Again.Reason)
		j.add(sameWebhook("g", "", on("A", 300)))
		synctest.Wait()
		assert.Len(t, mail.told(), 3)
		assert.InDelta(t, 3, testutil.ToFloat64(w.series().handedOver)+1, 1, "counted")
		require.NoError(t, w.end())
	})
}

func TestFallbackIsToldAtOnceWhenTryingAgainCannotHelp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newMemory()
		s, _ := refusing()
		mail := &sink{}
		var inputs []templates.Input
		l := testLoop(s)
		l.Fallback = Fallback{Receiver: "ops-email", After: time.Hour}
		w := start(t, j, quiet, l, fallbackTo("ops-email", mail, &inputs))
		j.add(sameWebhook("g", "", on("A", 0)))
		synctest.Wait()
		require.Len(t, mail.told(), 1)
		assert.Equal(t, "auth", inputs[0].Again.Reason)
		assert.Len(t, dead(t, w), 1, "and it is a dead letter, too")
		j.add(sameWebhook("g", "", off("A", 0)))
		synctest.Wait()
		require.Len(t, mail.told(), 2)
		assert.Equal(t, []string{"-A"}, states(&mail.messages()[1].Group))
		require.NoError(t, w.end())
	})
}

// A sink that is full of what hangs has the fallback told of what never had its turn.
func TestFallbackIsToldOfWhatNeverHadItsTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newMemory()
		s := &sink{notify: func(context.Context, int, notifiers.Message) (notifiers.Receipt, error) {
			return nil, &notifiers.Error{Reason: notifiers.RateLimited, RetryAfter: time.Hour, Err: errors.New("429")}
		}}
		mail := &sink{}
		var inputs []templates.Input
		l := testLoop(s)
		l.Limits.Sends = 1
		l.Fallback = Fallback{Receiver: "ops-email", After: time.Minute}
		w := start(t, j, quiet, l, fallbackTo("ops-email", mail, &inputs))
		j.add(webhook("g", firing("A")))
		synctest.Wait()
		j.add(webhook("h", firing("B")))
		pass(2 * time.Minute)
		assert.ElementsMatch(t, []string{"g", "h"}, mail.told())
		assert.Len(t, s.tried(), 1)
		require.NoError(t, w.end())
	})
}

// The removed receiver's letters hide what is personal, and so do the others while it is being removed. What is personal since
// a letter was kept is hidden, too.
func TestP10LettersHideWhatIsPersonalNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newMemory()
		s, _ := refusing()
		stays := loopFor("log", s)
		w := start(t, j, quiet, testLoop(&sink{}), stays)
		require.NoError(t, w.end())
		a := since(firing("A"), time.Now())
		a.Labels["user_email"] = "ada@example.com"
		n := map[string]any{"version": "4", "groupKey": "g", "alerts": []template.Alert{a}, "groupLabels": a.Labels}
		body, err := json.Marshal(n)
		require.NoError(t, err)
		record, err := envelope.Envelope{Key: "g", To: map[string][]int{"people": nil, "log": nil}, Body: body}.Seal()
		require.NoError(t, err)
		j.add(record)
		shown := func(w *world) string {
			list := dead(t, w)
			require.Len(t, list, 2)
			var all []any
			for _, d := range list {
				one, err := w.Show(t.Context(), d.ID)
				require.NoError(t, err)
				all = append(all, d, one)
			}
			text, err := json.Marshal(all)
			require.NoError(t, err)
			return string(text)
		}

		w = start(t, j, quiet, stays)
		pass(time.Second)
		assert.Contains(t, shown(w), "ada@example.com", "it is not personal yet")
		stays.Redact = []string{"user_email"}
		require.NoError(t, w.Apply(t.Context(), []Loop{stays}))
		assert.NotContains(t, shown(w), "ada@example.com", "a reload that calls it personal")
		require.NoError(t, w.end())
		for id := range j.letters {
			require.NoError(t, j.DropLetter(t.Context(), id))
		}
		j.states, j.positions = map[string][]byte{}, map[string]uint64{"people/fake/0": 0, "log/fake/0": 0}
		w = start(t, j, quiet, stays)
		pass(time.Second)
		assert.NotContains(t, shown(w), "ada@example.com", "a start with a receiver that is no more")
		for _, value := range j.letters {
			var l letter
			require.NoError(t, json.Unmarshal(value, &l))
			assert.NotContains(t, l.GroupLabels, "ada@example.com")
			assert.Equal(t, "[redacted]", l.GroupLabels["user_email"])
		}
		require.NoError(t, w.end())
	})
}

// A late message that cannot be told holds up no news of its group.
func TestALateMessageThatFailsHoldsUpNoNews(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newMemory()
		refuses := errors.New("not this one")
		s := &sink{notify: func(_ context.Context, n int, m notifiers.Message) (notifiers.Receipt, error) {
			switch {
			case n == 1:
				return nil, errRevoked
			case m.Late:
				return nil, refuses
			}
			return told()
		}}
		w := start(t, j, quiet, testLoop(s))
		j.add(sameWebhook("g", "", on("A", 0)))
		pass(time.Minute)
		j.add(sameWebhook("g", "", off("A", 0)))
		pass(time.Minute)
		require.NoError(t, w.Replay(t.Context(), dead(t, w)[0].ID))
		pass(time.Minute)
		j.add(sameWebhook("g", "", on("B", 3)))
		pass(2 * time.Minute)
		assert.Equal(t, [][]string{{"-A"}, {"B"}}, toldStates(s))
		pass(25 * time.Hour)
		assert.Len(t, dead(t, w), 1, "and it is a dead letter again")
		require.NoError(t, w.end())
	})
}

// What comes to more than the journal takes is kept in several letters.
func TestP2WhatIsTooMuchForOneLetterIsKeptInSeveral(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newMemory()
		var refuses atomic.Bool
		s := &sink{notify: func(context.Context, int, notifiers.Message) (notifiers.Receipt, error) {
			if !refuses.Load() {
				return nil, &notifiers.Error{Reason: notifiers.Server, RetryAfter: 50 * time.Second, Err: errDown}
			}
			return nil, errRevoked
		}}
		mail := &sink{}
		l, other := testLoop(s), loopFor("ops-email", mail)
		l.Fallback = Fallback{Receiver: "ops-email", After: time.Minute}
		small := hooked{Journal: j, most: 8 << 20}
		w := start(t, small, quiet, l, other)
		for i := range 5 {
			a := on(fmt.Sprint("A", i), i)
			a.Annotations = template.KV{"description": strings.Repeat("x", 3<<20)}
			j.add(sameWebhook("g", "", a))
		}
		pass(2 * time.Minute)
		assert.Len(t, mail.told(), 1, "the fallback is told of the newest")
		refuses.Store(true)
		pass(2 * time.Minute)

		named := map[string]bool{}
		for _, d := range dead(t, w) {
			one, err := w.Show(t.Context(), d.ID)
			require.NoError(t, err)
			for _, name := range states(one.Group) {
				named[strings.TrimPrefix(name, "~")] = true
			}
		}
		assert.Len(t, named, 5)
		assert.Equal(t, uint64(6), j.at(l.Cursor))
		require.NoError(t, w.end())
	})
}

// People who do not want to hear of an end hear of an alert that fired and ended while they could not be told.
func TestP2WhatFiredAndEndedDuringAnOutageIsToldToWhoeverWantsNoEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newMemory()
		var down atomic.Bool
		s := &sink{notify: func(context.Context, int, notifiers.Message) (notifiers.Receipt, error) {
			if down.Load() {
				return nil, errDown
			}
			return told()
		}}
		l := testLoop(s)
		l.SendResolved = false
		w := start(t, j, quiet, l)
		j.add(sameWebhook("g", "", on("A", 0)))
		pass(10 * time.Minute)
		down.Store(true)
		j.add(sameWebhook("g", "repeat interval elapsed", on("A", 0)))
		pass(time.Minute)
		j.add(sameWebhook("g", "", off("A", 0)))
		down.Store(false)
		pass(time.Minute)
		assert.Equal(t, [][]string{{"A"}}, toldStates(s), "they know of A already")
		down.Store(true)
		j.add(sameWebhook("g", "", on("B", 20)))
		pass(time.Minute)
		j.add(sameWebhook("g", "", off("B", 20)))
		pass(time.Minute)
		down.Store(false)
		pass(time.Minute)
		assert.Equal(t, [][]string{{"A"}, {"-B"}}, toldStates(s))
		require.NoError(t, w.end())
	})
}

// A journal whose end was lost gives its numbers again: a dead letter of that number from before is another one.
func TestP2ALetterOfALostEndIsNotTakenForANewOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newMemory()
		s, _ := refusing()
		l := testLoop(s)
		w := start(t, j, quiet, l)
		j.add(webhook("g", firing("A")))
		pass(time.Minute)
		require.Len(t, dead(t, w), 1)
		require.NoError(t, w.end())
		j.records = nil
		w = start(t, j, quiet, l)
		j.add(webhook("g", firing("B")))
		pass(time.Minute)

		list := dead(t, w)
		require.Len(t, list, 2)
		assert.NotEqual(t, list[0].ID, list[1].ID)
		for _, d := range list {
			shown, err := w.Show(t.Context(), d.ID)
			require.NoError(t, err)
			assert.Equal(t, d.Alertname, shown.Group.Name())
		}
		require.NoError(t, w.end())
	})
}
