package delivery

import (
	"maps"
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
	"github.com/alertvitals/notifier/notifiers"
)

// span is a time after the start of a test.
type span struct{ from, to time.Duration }

// mutedIn mutes alerts by their names, "" being all that have none.
func mutedIn(began time.Time, by map[string]span) func(map[string]string, string, time.Time) (Mute, bool) {
	return func(labels map[string]string, _ string, at time.Time) (Mute, bool) {
		w, ok := by[labels["alertname"]]
		if !ok {
			w, ok = by[""]
		}
		if !ok || at.Before(began.Add(w.from)) || !at.Before(began.Add(w.to)) {
			return Mute{}, false
		}
		return Mute{Reason: reasonMuteInterval, By: []string{"nights"}, Until: began.Add(w.to)}, true
	}
}

// night is a loop that is muted for an hour, from one hour after now on.
func night(s notifiers.Notifier) Loop {
	l := testLoop(s)
	l.Mutes = mutedIn(time.Now(), map[string]span{"": {time.Hour, 2 * time.Hour}})
	return l
}

// saying is what the messages that were told say.
func saying(s *sink) (all [][]string) {
	for _, m := range s.messages() {
		all = append(all, states(&m.Group))
	}
	return all
}

// begun is an alert that began just now; finished is its end.
func begun(name string) template.Alert { return since(firing(name), time.Now()) }

func finished(a template.Alert) template.Alert {
	a.Status, a.EndsAt = alert.StatusResolved, time.Now()
	return a
}

func (m *memory) held(t *testing.T, cursor, group string) *held {
	t.Helper()
	value, _, _ := m.State(t.Context(), cursor, group)
	s, err := decodeState(value)
	require.NoError(t, err)
	return s.Held
}

// A mute of days, far beyond the age at which what waits becomes a dead letter: nothing is told, the journal is not held up, and by the
// end there is one message, whether or not there was a restart.
func TestP2P3WhatStillFiresWhenAMuteEndsIsToldThen(t *testing.T) {
	for name, restart := range map[string]bool{"": false, "with a restart": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				j, s := newMemory(), &sink{}
				l := testLoop(s)
				l.Limits.MaxAge = time.Hour
				end := 10 * 24 * time.Hour
				ends := time.Now().Add(end)
				l.Mutes = mutedIn(time.Now(), map[string]span{"": {0, end}})
				w := start(t, j, quiet, l)
				a, b := begun("A"), begun("B")
				j.add(sameWebhook("g", "", a))
				pass(time.Minute)
				j.add(sameWebhook("g", "", a, b))
				pass(5 * 24 * time.Hour)
				j.add(sameWebhook("g", "repeat interval elapsed", a, b))
				pass(24 * time.Hour)

				assert.Empty(t, s.tried())
				assert.Equal(t, uint64(3), j.at(l.Cursor), "the journal may let go of it")
				assert.InDelta(t, 0, testutil.ToFloat64(w.series().pending), 0)
				assert.InDelta(t, 1, testutil.ToFloat64(w.series().muted), 0)
				assert.InDelta(t, 3, testutil.ToFloat64(w.series().suppressed[reasonMuteInterval]), 0)
				list, err := w.List(t.Context(), Query{})
				require.NoError(t, err)
				require.Len(t, list, 1)
				assert.Equal(t, Pending, list[0].Status)
				assert.Equal(t, &Mute{reasonMuteInterval, []string{"nights"}, ends}, list[0].Muted)
				assert.Equal(t, ends, list[0].Next)
				assert.Equal(t, 3, list[0].Notifications)
				assert.Equal(t, "firing", list[0].State)
				shown, err := w.Show(t.Context(), list[0].ID)
				require.NoError(t, err)
				assert.Equal(t, []string{"A", "B"}, states(shown.Group))
				require.ErrorIs(t, w.Replay(t.Context(), list[0].ID), ErrNotDead)
				if restart {
					require.NoError(t, w.end())
					assert.InDelta(t, 0, testutil.ToFloat64(w.series().muted), 0)
					pass(time.Hour)
					w = start(t, j, quiet, l)
				}
				pass(time.Until(ends) - time.Second)
				assert.Empty(t, s.tried())
				stored := j.held(t, l.Cursor, "g").Stored
				assert.Less(t, time.Since(stored), 26*time.Hour, "a state that is not written ages away")
				pass(time.Second)

				require.Equal(t, [][]string{{"A", "B"}}, saying(s))
				assert.Equal(t, list[0].ID, s.messages()[0].ID)
				assert.Nil(t, j.held(t, l.Cursor, "g"))
				assert.InDelta(t, 0, testutil.ToFloat64(w.series().muted), 0)
				pass(24 * time.Hour)
				assert.Len(t, s.tried(), 1)
				assert.Empty(t, w.groupsThatWait())
				j.add(sameWebhook("g", "", finished(a), b))
				pass(time.Second)
				assert.Equal(t, [][]string{{"A", "B"}, {"-A", "B"}}, saying(s))
				require.NoError(t, w.end())
			})
		})
	}
}

// groupsThatWait are the groups that the loops remember.
func (w *world) groupsThatWait() (keys []string) {
	for _, r := range w.runs() {
		r.mu.Lock()
		keys = slices.AppendSeq(keys, maps.Keys(r.groups))
		r.mu.Unlock()
	}
	return keys
}

// Each step is a minute; the night is from minute 10 to minute 20.
func TestP3WhatPeopleAreToldAroundAMute(t *testing.T) {
	type step struct {
		minute int
		say    []string // the group, as states writes it
	}
	for name, tc := range map[string]struct {
		steps []step
		want  map[int][]string // by the minute
		quiet bool             // the receiver wants no ends
	}{
		"it fires and ends":                           {steps: []step{{11, []string{"A"}}, {12, []string{"-A"}}}, want: map[int][]string{}},
		"it fires, ends, and fires anew":              {steps: []step{{11, []string{"A"}}, {12, []string{"-A"}}, {13, []string{"A"}}}, want: map[int][]string{20: {"A"}}},
		"one of two ends":                             {steps: []step{{11, []string{"A", "B"}}, {12, []string{"-A", "B"}}}, want: map[int][]string{20: {"B"}}},
		"it was told, and ends":                       {steps: []step{{1, []string{"A"}}, {11, []string{"-A"}}}, want: map[int][]string{1: {"A"}, 20: {"-A"}}},
		"it was told, ends, and fires anew":           {steps: []step{{1, []string{"A"}}, {11, []string{"-A"}}, {12, []string{"A"}}}, want: map[int][]string{1: {"A"}, 20: {"A"}}},
		"it was told, another fires and ends":         {steps: []step{{1, []string{"A"}}, {11, []string{"A", "B"}}, {12, []string{"A", "-B"}}}, want: map[int][]string{1: {"A"}}},
		"it was told, another fires":                  {steps: []step{{1, []string{"A"}}, {11, []string{"A", "B"}}}, want: map[int][]string{1: {"A"}, 20: {"A", "B"}}},
		"it was told, and goes on":                    {steps: []step{{1, []string{"A"}}, {11, []string{"A"}}, {21, []string{"A"}}}, want: map[int][]string{1: {"A"}, 21: {"A"}}},
		"it ends when the mute is over":               {steps: []step{{11, []string{"A"}}, {21, []string{"-A"}}}, want: map[int][]string{20: {"A"}, 21: {"-A"}}},
		"an end that nobody waits for":                {steps: []step{{11, []string{"-A"}}}, want: map[int][]string{}},
		"it vanishes":                                 {steps: []step{{11, []string{"A", "B"}}, {17, []string{"B"}}}, want: map[int][]string{20: {"B"}}},
		"all that people know is over":                {steps: []step{{1, []string{"A"}}, {11, []string{"-B"}}}, want: map[int][]string{1: {"A"}, 20: {"-B"}}},
		"a night without news":                        {want: map[int][]string{}},
		"it was told, and ends, without a wish":       {quiet: true, steps: []step{{1, []string{"A"}}, {11, []string{"-A"}}}, want: map[int][]string{1: {"A"}}},
		"it fires and ends, without a wish":           {quiet: true, steps: []step{{11, []string{"A"}}, {12, []string{"-A"}}}, want: map[int][]string{}},
		"one that is muted never":                     {steps: []step{{11, []string{"day"}}, {12, []string{"-day"}}}, want: map[int][]string{11: {"day"}, 12: {"-day"}}},
		"one is muted":                                {steps: []step{{11, []string{"A", "day"}}}, want: map[int][]string{11: {"day"}, 20: {"A", "day"}}},
		"one is muted and ends":                       {steps: []step{{11, []string{"A", "day"}}, {12, []string{"-A", "day"}}}, want: map[int][]string{11: {"day"}}},
		"one is muted, the other ends":                {steps: []step{{11, []string{"A", "day"}}, {12, []string{"A", "-day"}}}, want: map[int][]string{11: {"day"}, 12: {"-day"}, 20: {"A"}}},
		"one was told and is muted, the other fires":  {steps: []step{{1, []string{"A"}}, {11, []string{"-A", "day"}}}, want: map[int][]string{1: {"A"}, 11: {"A", "day"}, 20: {"-A", "day"}}},
		"… the other ends, too":                       {steps: []step{{1, []string{"A"}}, {11, []string{"-A", "day"}}, {12, []string{"-A", "-day"}}}, want: map[int][]string{1: {"A"}, 11: {"A", "day"}, 12: {"-day", "A"}, 20: {"-A"}}},
		"only the muted one has news":                 {steps: []step{{9, []string{"day"}}, {18, []string{"A", "day"}}, {19, []string{"-A", "day"}}}, want: map[int][]string{9: {"day"}}},
		"a repeat tells what is not muted":            {steps: []step{{9, []string{"day"}}, {11, []string{"A", "day"}}, {17, []string{"A", "day"}}}, want: map[int][]string{9: {"day"}, 17: {"day"}, 20: {"A", "day"}}},
		"mutes of several ends":                       {steps: []step{{11, []string{"A", "long"}}}, want: map[int][]string{20: {"A"}, 30: {"A", "long"}}},
		"… and more news before the last":             {steps: []step{{11, []string{"A", "long"}}, {25, []string{"-A", "long"}}}, want: map[int][]string{20: {"A"}, 25: {"-A"}, 30: {"long"}}},
		"… of which the longer one was told":          {steps: []step{{1, []string{"A", "long"}}, {11, []string{"-A", "-long"}}}, want: map[int][]string{1: {"A", "long"}, 20: {"-A", "long"}, 30: {"-long"}}},
		"P8: nothing is told of what is hidden":       {steps: []step{{11, []string{"A", "+1"}}}, want: map[int][]string{20: {"A"}}},
		"P8: more is hidden":                          {steps: []step{{1, []string{"A"}}, {11, []string{"A", "+1"}}}, want: map[int][]string{1: {"A"}, 20: {"A"}}},
		"a twin that is behind within the mute":       {steps: []step{{11, []string{"A", "B"}}, {12, []string{"-A", "B"}}, {13, []string{"=A", "B"}}}, want: map[int][]string{20: {"A", "B"}}},
		"a twin that is behind, and says so by then ": {steps: []step{{11, []string{"A", "B"}}, {12, []string{"-A", "B"}}, {13, []string{"=A", "B"}}, {14, []string{"-A", "B"}}}, want: map[int][]string{20: {"B"}}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, restarts := range []bool{false, true} {
				synctest.Test(t, func(t *testing.T) {
					j, s := newMemory(), &sink{}
					l := testLoop(s)
					l.SendResolved = !tc.quiet
					began := time.Now()
					l.Mutes = mutedIn(began, map[string]span{
						"": {10 * time.Minute, 20 * time.Minute}, "long": {10 * time.Minute, 30 * time.Minute}, "day": {},
					})
					w := start(t, j, quiet, l)
					fire := map[string]template.Alert{} // what was said last of each
					for minute := range 36 {
						for _, st := range tc.steps {
							if st.minute != minute {
								continue
							}
							var alerts []template.Alert
							var hidden uint64
							for _, name := range st.say {
								a := fire[strings.TrimLeft(name, "-=")]
								switch {
								case name[0] == '+':
									hidden = 1
									continue
								case name[0] == '=': // as if it had never ended
									a.Status, a.EndsAt = alert.StatusFiring, time.Time{}
								case name[0] == '-' && a.Fingerprint == "":
									a = finished(begun(name[1:]))
								case name[0] == '-' && a.Status == alert.StatusFiring:
									a = finished(a)
								case name[0] != '-' && a.Status != alert.StatusFiring:
									a = begun(name)
								}
								if name[0] != '=' {
									fire[strings.TrimLeft(name, "-")] = a
								}
								alerts = append(alerts, a)
							}
							j.add(hiddenWebhook("g", hidden, alerts...))
						}
						if pass(time.Second); restarts && minute%4 == 3 {
							require.NoError(t, w.end())
							w = start(t, j, quiet, l)
						}
						pass(59 * time.Second)
					}
					got := map[int][]string{}
					for _, try := range s.tried() {
						got[int(try.at.Sub(began)/time.Minute)] = states(&try.message.Group)
					}
					assert.Equal(t, tc.want, got)
					assert.Len(t, s.tried(), len(tc.want), "one message each time")
					assert.Nil(t, j.held(t, l.Cursor, "g"))
					assert.Len(t, j.records, int(j.at(l.Cursor)), "all is settled")
					assert.Empty(t, w.groupsThatWait())
					ids := map[string]bool{}
					for _, m := range s.messages() {
						ids[m.ID] = true
					}
					assert.Len(t, ids, len(tc.want), "each has an ID of its own")
					require.NoError(t, w.end())
				})
			}
		})
	}
}

func hiddenWebhook(group string, truncated uint64, alerts ...template.Alert) []byte {
	return hidden(group, "", truncated, alerts...)
}
