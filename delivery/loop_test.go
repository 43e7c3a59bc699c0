package delivery

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/alertmanager/template"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/alertvitals/notifier/diagnostics"
	"github.com/alertvitals/notifier/notifiers"
	"github.com/alertvitals/notifier/templates"
)

func TestALoopTellsWhatGoesToItsReceiver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, s := newMemory(), &sink{}
		l := testLoop(s)
		w := start(t, j, quiet, l)

		info := firing("Info")
		info.Labels["severity"] = "info"
		j.add(webhook("mixed", info, firing("A")))
		j.add([]byte("<html>"))
		j.add(webhook("other", info))
		synctest.Wait()

		require.Len(t, s.messages(), 1)
		m := s.messages()[0]
		assert.Equal(t, "mixed", m.Group.Key)
		assert.Len(t, m.Group.Alerts, 1, "only the alerts that go here")
		assert.Equal(t, "people", m.Receiver)
		assert.Equal(t, "A", m.Content.Title)
		assert.Regexp(t, `^1-[0-9a-f]{8}$`, m.ID)
		assert.Nil(t, m.Previous)
		pass(2 * saveEvery)
		assert.Equal(t, uint64(3), j.at(l.Cursor), "saved while running")
		assert.InDelta(t, 1, testutil.ToFloat64(w.series().tries), 0)
		assert.InDelta(t, 0, testutil.ToFloat64(w.series().pending), 0)
		require.NoError(t, w.end())
	})
}

func TestMetricsHaveTheirNames(t *testing.T) {
	reg := prometheus.NewPedanticRegistry()
	NewMetrics(reg).of("people", "fake")
	problems, err := testutil.GatherAndLint(reg)
	require.NoError(t, err)
	assert.Empty(t, problems)
	assert.NoError(t, testutil.GatherAndCompare(reg, strings.NewReader(`
# HELP notifier_notifications_total Tries to tell a message, failed ones included.
# TYPE notifier_notifications_total counter
notifier_notifications_total{integration="fake",receiver="people"} 0
# HELP notifier_pending Notifications that were read for a receiver and are not yet settled.
# TYPE notifier_pending gauge
notifier_pending{integration="fake",receiver="people"} 0
`), "notifier_notifications_total", "notifier_pending"))
}

func TestP2ANewLoopStartsAtTheEndAndGoesOnWhereItWas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, s := newMemory(), &sink{}
		j.positions["other/fake/0"] = 0
		j.add(webhook("old", firing("A")))
		require.NoError(t, start(t, j, quiet, testLoop(s)).end())
		j.add(webhook("accepted while nothing ran", firing("A")))

		w := start(t, j, quiet, testLoop(s))
		synctest.Wait()

		assert.Equal(t, []string{"accepted while nothing ran"}, s.told())
		require.NoError(t, w.end())
	})
}

// A journal that lost its end (a broken disk) gives its numbers again: what comes then is told nonetheless.
func TestP2WhatComesAfterALostEndIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, s := newMemory(), &sink{}
		w := start(t, j, quiet, testLoop(s))
		for range 5 {
			j.add(webhook("g", firing("A")))
			synctest.Wait()
		}
		require.NoError(t, w.end())
		require.Len(t, s.told(), 5)

		j.mu.Lock()
		j.records = j.records[:2]
		j.mu.Unlock()
		time.Sleep(time.Minute)
		w = start(t, j, quiet, testLoop(s))
		j.add(webhook("g", resolved("A")))
		synctest.Wait()

		assert.Len(t, s.told(), 6)
		require.NoError(t, w.end())
	})
}

// P4: what says the same again soon after, as Alertmanager's retry or its twin does, is told once; a repeat is told.
func TestP4DuplicatesAreToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, s := newMemory(), &sink{}
		l := testLoop(s)
		w := start(t, j, quiet, l)
		say := func(want int, why, reason string, alerts ...template.Alert) {
			t.Helper()
			j.add(sameWebhook("g", reason, alerts...))
			synctest.Wait()
			assert.Len(t, s.told(), want, why)
		}
		then := time.Now()
		a, b := since(firing("A"), then), since(firing("B"), then)
		over := until(since(resolved("A"), then), then.Add(time.Hour))
		anew := since(firing("A"), then.Add(2*time.Hour))

		say(1, "the first", "", a)
		say(2, "one joins", "", a, b)
		say(2, "a retry", "", a, b)
		say(2, "the twin sorts them otherwise", "", b, a)
		say(2, "the twin is behind", "", a)
		pass(5*time.Minute - time.Second)
		say(2, "late, but within the window", "", a, b)
		pass(2 * time.Second)
		say(3, "no duplicate after the window", "", a, b)
		say(4, "Alertmanager says that it is a repeat", "repeat interval elapsed", a, b)
		say(4, "and so does its twin", "repeat interval elapsed", a, b)
		pass(2 * time.Minute)
		say(5, "a repeat again", "repeat interval elapsed", a, b)
		pass(2 * time.Hour)
		say(6, "resolved", "", over)
		require.NoError(t, w.end())
		first := testutil.ToFloat64(w.series().duplicates)
		w = start(t, j, quiet, l)
		say(6, "resolved by the twin, after a restart", "", over)
		pass(time.Hour)
		say(6, "that it is resolved is never repeated", "", over)
		say(7, "fires anew", "", anew)

		require.NoError(t, w.end())
		assert.Equal(t, uint64(14), j.at(l.Cursor), "what was left out is settled")
		assert.InDelta(t, 5, first, 0)
		assert.InDelta(t, 2, testutil.ToFloat64(w.series().duplicates), 0)
	})
}

func TestFailedTriesAreRepeatedUntilOneSucceeds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newMemory()
		s := &sink{notify: func(_ context.Context, n int, _ notifiers.Message) (notifiers.Receipt, error) {
			switch n {
			case 1:
				return nil, errDown
			case 2:
				return nil, errors.New("odd")
			case 3:
				return nil, &notifiers.Error{Reason: notifiers.RateLimited, RetryAfter: 90 * time.Second, Err: errors.New("429")}
			}
			return told()
		}}
		var looks int
		var rendered []time.Time
		l := testLoop(s)
		l.Snapshots = snapshots(func(map[string]string) *diagnostics.Snapshot {
			looks++
			return &diagnostics.Snapshot{Agent: "aster"}
		})
		l.Render = func(in templates.Input) templates.Content {
			rendered = append(rendered, in.Now)
			return templates.Content{}
		}
		w := start(t, j, quiet, l)
		j.add(webhook("g", firing("A")))
		pass(5 * time.Minute)

		require.Len(t, s.tried(), 4)
		assert.Len(t, s.messages(), 1)
		for i, want := range []struct{ least, most time.Duration }{
			{250 * time.Millisecond, 500 * time.Millisecond},
			{500 * time.Millisecond, time.Second},
			{90 * time.Second, 90 * time.Second},
		} {
			waited := s.tried()[i+1].at.Sub(s.tried()[i].at)
			assert.True(t, waited >= want.least && waited <= want.most, "pause %d was %s", i+1, waited)
			assert.Equal(t, s.tried()[0].message.ID, s.tried()[i+1].message.ID)
			assert.Equal(t, s.tried()[i+1].at, rendered[i+1], "rendered for the time of its try")
		}
		assert.Equal(t, 2, looks, "a snapshot serves the tries of a minute")
		assert.Equal(t, "aster", s.messages()[0].Snapshot.Agent)
		series := w.series()
		assert.InDelta(t, 4, testutil.ToFloat64(series.tries), 0)
		for why, want := range map[string]float64{"server": 1, "other": 1, "rate_limited": 1, "timeout": 0} {
			assert.InDelta(t, want, testutil.ToFloat64(series.failures[why]), 0, why)
		}
		require.NoError(t, w.end())
	})
}

// What a failed try told nonetheless is not told again by the next one, and forgotten when the message is through.
func TestP4AMessageThatWasToldInPartGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newMemory()
		s := &sink{notify: func(_ context.Context, n int, m notifiers.Message) (notifiers.Receipt, error) {
			switch n {
			case 1:
				return notifiers.Receipt{"parts": "1"}, errDown
			case 2:
				return nil, errDown // it came no further
			default:
				return notifiers.Receipt{"parts": m.Previous["parts"] + "+"}, nil
			}
		}}
		l := testLoop(s)
		l.Redact, l.Way = []string{"who"}, func(labels map[string]string, receiver string) string {
			return `{}/{who="` + labels["who"] + `"} ` + receiver
		}
		w := start(t, j, quiet, l)
		a := firing("A")
		a.Labels["who"], a.Fingerprint = "ada@example.com", "a"
		j.add(webhook("g", a))
		pass(time.Minute)
		j.add(webhook("g", a, firing("B")))
		pass(time.Minute)

		var had []string
		for _, try := range s.tried() {
			had = append(had, try.message.Previous["parts"])
		}
		assert.Equal(t, []string{"", "1", "1", "1+"}, had)
		assert.Equal(t, "g", s.messages()[0].GroupKey)
		assert.Regexp(t, `^{}/{who="\[redacted\]"} people#[0-9a-f]{16}$`, s.messages()[0].Routes["a"])
		require.NoError(t, w.end())
	})
}

func TestOneStuckGroupHoldsUpNoOther(t *testing.T) {
	for name, stuck := range map[string]func(context.Context) error{
		"failing": func(context.Context) error { return errDown },
		"hanging": func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				j := newMemory()
				s := &sink{notify: func(ctx context.Context, _ int, m notifiers.Message) (notifiers.Receipt, error) {
					if m.Group.Key == "stuck" {
						return nil, stuck(ctx)
					}
					return told()
				}}
				l := testLoop(s)
				w := start(t, j, quiet, l)
				j.add(webhook("stuck", firing("A")))
				for i := range 100 {
					j.add(webhook(fmt.Sprint(i), firing("A")))
				}
				synctest.Wait()

				assert.Len(t, s.told(), 100, "without any time passing")
				pass(10 * time.Minute)
				assert.Greater(t, len(s.tried()), 105, "the stuck one is tried again and again")
				assert.Equal(t, uint64(0), j.at(l.Cursor), "and holds the position")
				assert.InDelta(t, 1, testutil.ToFloat64(w.series().pending), 0)
				require.NoError(t, w.end())
				assert.InDelta(t, 0, testutil.ToFloat64(w.series().pending), 0, "nothing waits in a loop that ended")
			})
		})
	}
}

func TestWhatWaitsAndWhatIsSentAtOnceIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newMemory()
		var now, most atomic.Int64
		release := make(chan struct{})
		s := &sink{notify: func(context.Context, int, notifiers.Message) (notifiers.Receipt, error) {
			most.Store(max(most.Load(), now.Add(1)))
			defer now.Add(-1)
			<-release
			return told()
		}}
		l := testLoop(s)
		l.Limits = Limits{Sends: 3, Entries: 7, Try: time.Hour}
		w := start(t, j, quiet, l)
		for i := range 50 {
			j.add(webhook(fmt.Sprint(i), firing("A")))
		}
		synctest.Wait()

		assert.Len(t, s.tried(), 3)
		assert.InDelta(t, 7, testutil.ToFloat64(w.series().pending), 0)
		close(release)
		synctest.Wait()
		assert.Len(t, s.told(), 50)
		assert.Equal(t, int64(3), most.Load())
		require.NoError(t, w.end())
		assert.Equal(t, uint64(50), j.at(l.Cursor))
	})
}

func TestWhatFindsNoRoomInMemoryIsReadAgainAtItsTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, s := newMemory(), &sink{}
		l := testLoop(s)
		l.Limits.Bytes = 10
		w := start(t, j, quiet, l)
		j.add(webhook("a", firing("A")))
		j.add(webhook("b", firing("B")))
		synctest.Wait()
		assert.ElementsMatch(t, []string{"a", "b"}, s.told())
		assert.Equal(t, 2, j.gets)
		require.NoError(t, w.end())
	})
}

func TestReceiptAndKnowledgeLastUntilResolved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newMemory()
		s := &sink{notify: func(_ context.Context, n int, _ notifiers.Message) (notifiers.Receipt, error) {
			return notifiers.Receipt{"ts": fmt.Sprint(n)}, nil
		}}
		var inputs []templates.Input
		l := testLoop(s)
		l.Snapshots = snapshots(func(map[string]string) *diagnostics.Snapshot {
			return &diagnostics.Snapshot{Agent: fmt.Sprint(len(inputs))}
		})
		l.Render = func(in templates.Input) templates.Content {
			inputs = append(inputs, in)
			return templates.Content{}
		}
		for i, alerts := range [][]template.Alert{
			{firing("A")},
			{firing("A"), firing("B")},
			{resolved("A"), firing("B")},
			{resolved("B")},
			{firing("A")},
		} {
			// Each in a run of its own: what is remembered comes from the journal.
			w := start(t, j, quiet, l)
			j.add(webhook("g", alerts...))
			synctest.Wait()
			require.Len(t, s.messages(), i+1)
			require.NoError(t, w.end())
		}

		previous := func(i int) string { return s.messages()[i].Previous["ts"] }
		assert.Equal(t, []string{"", "1", "2", "3", ""}, []string{previous(0), previous(1), previous(2), previous(3), previous(4)})
		known := [][]string{inputs[0].Known, inputs[1].Known, inputs[2].Known, inputs[3].Known, inputs[4].Known}
		assert.Equal(t, [][]string{nil, {"fp-A"}, {"fp-A", "fp-B"}, {"fp-B"}, nil}, known)
		assert.Nil(t, inputs[0].AtFire)
		for _, in := range inputs[1:4] {
			assert.Equal(t, "0", in.AtFire.Agent)
		}
		assert.Equal(t, "3", inputs[3].Snapshot.Agent)
		assert.Nil(t, inputs[4].AtFire)
	})
}

func TestP4HowFarAMessageCameOutlivesARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newMemory()
		s := &sink{notify: func(_ context.Context, n int, _ notifiers.Message) (notifiers.Receipt, error) {
			switch n {
			case 1:
				return notifiers.Receipt{"told": "ada"}, errDown
			case 2:
				return nil, errDown
			}
			return notifiers.Receipt{"told": "all"}, nil
		}}
		w := start(t, j, quiet, testLoop(s))
		j.add(webhook("g", firing("A")))
		synctest.Wait()
		require.NoError(t, w.end())
		w = start(t, j, quiet, testLoop(s))
		pass(time.Minute)
		j.add(webhook("g", firing("A"), firing("B")))
		pass(time.Minute)

		tries := s.tried()
		require.Len(t, tries, 4)
		assert.Nil(t, tries[0].message.Previous)
		for _, again := range tries[1:3] {
			assert.Equal(t, notifiers.Receipt{"told": "ada"}, again.message.Previous)
			assert.Equal(t, tries[0].message.ID, again.message.ID)
		}
		assert.Equal(t, notifiers.Receipt{"told": "all"}, tries[3].message.Previous)
		require.NoError(t, w.end())
	})
}

func TestResolvedIsSettledInSilenceWhenNobodyWantsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newMemory()
		s := &sink{notify: func(context.Context, int, notifiers.Message) (notifiers.Receipt, error) {
			return notifiers.Receipt{"ts": "1"}, nil
		}}
		l := testLoop(s)
		l.SendResolved = false
		w := start(t, j, quiet, l)
		for _, a := range []template.Alert{firing("A"), resolved("A"), firing("A")} {
			j.add(webhook("g", a))
			synctest.Wait()
		}

		require.Len(t, s.messages(), 2)
		assert.Nil(t, s.messages()[1].Previous, "a fresh message after the resolved one that nobody saw")
		require.NoError(t, w.end())
		assert.Equal(t, uint64(3), j.at(l.Cursor))
	})
}

func TestAPanicIsAFailedTry(t *testing.T) {
	for name, breaks := range map[string]func(*Loop){
		"sink": func(l *Loop) {
			var calls int
			good := l.Sink
			l.Sink = notifyFunc(func(ctx context.Context, m notifiers.Message) (notifiers.Receipt, error) {
				if calls++; calls == 1 {
					panic("boom")
				}
				return good.Notify(ctx, m)
			})
		},
		"template": func(l *Loop) {
			var calls int
			l.Render = func(templates.Input) templates.Content {
				if calls++; calls == 1 {
					panic("boom")
				}
				return templates.Content{}
			}
		},
		"snapshot": func(l *Loop) {
			l.Snapshots = snapshots(func(map[string]string) *diagnostics.Snapshot { panic("boom") })
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				j, s := newMemory(), &sink{}
				var log bytes.Buffer
				l := testLoop(s)
				breaks(&l)
				w := start(t, j, slog.New(slog.NewTextHandler(&log, nil)), l)
				j.add(webhook("g", firing("A")))
				pass(time.Second)

				assert.Equal(t, []string{"g"}, s.told())
				assert.InDelta(t, 1, testutil.ToFloat64(w.series().failures[reasonPanic]), 0)
				assert.Contains(t, log.String(), `reason=panic`)
				assert.Contains(t, log.String(), `err="panic: boom" stack=`)
				assert.Contains(t, log.String(), `loop_test.go`, "the trace")
				require.NoError(t, w.end())
			})
		})
	}
}

type notifyFunc func(context.Context, notifiers.Message) (notifiers.Receipt, error)

func (f notifyFunc) Notify(ctx context.Context, m notifiers.Message) (notifiers.Receipt, error) {
	return f(ctx, m)
}

func TestATryUnderWayGetsItsGraceAtTheEnd(t *testing.T) {
	for _, tc := range []struct {
		takes time.Duration
		told  int
	}{{3 * time.Second, 1}, {7 * time.Second, 0}} {
		t.Run(tc.takes.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				j := newMemory()
				s := &sink{notify: func(ctx context.Context, _ int, _ notifiers.Message) (notifiers.Receipt, error) {
					if !pause(ctx, tc.takes) {
						return nil, ctx.Err()
					}
					return told()
				}}
				l := testLoop(s)
				w := start(t, j, quiet, l)
				j.add(webhook("g", firing("A")))
				synctest.Wait()
				j.add(webhook("g", firing("A"), firing("B")))
				synctest.Wait()
				began := time.Now()

				require.NoError(t, w.end())

				assert.Equal(t, min(tc.takes, 5*time.Second), time.Since(began))
				assert.Len(t, s.tried(), 1, "nothing new is begun")
				assert.Len(t, s.told(), tc.told)
				assert.Equal(t, uint64(tc.told), j.at(l.Cursor))
				assert.Zero(t, testutil.ToFloat64(w.series().failures["other"]), "an interrupted try is no failure")
				s.notify = nil
				w = start(t, j, quiet, l)
				synctest.Wait()
				assert.Len(t, s.told(), tc.told+1, "the rest follows after the restart")
				assert.Len(t, s.messages()[tc.told].Group.Alerts, 2)
				require.NoError(t, w.end())
			})
		})
	}
}

func TestATryEndsInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newMemory()
		s := &sink{notify: func(ctx context.Context, n int, _ notifiers.Message) (notifiers.Receipt, error) {
			if n > 1 {
				return told()
			}
			<-ctx.Done()
			return nil, fmt.Errorf("posting: %w", ctx.Err())
		}}
		l := testLoop(s)
		w := start(t, j, quiet, l)
		j.add(webhook("g", firing("A")))
		pass(31 * time.Second)
		assert.Len(t, s.told(), 1)
		assert.InDelta(t, 1, testutil.ToFloat64(w.series().failures["timeout"]), 0)
		require.NoError(t, w.end())
	})
}

func TestASentMessageIsNotSentAgainBecauseItsStateCannotBeStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, s := newMemory(), &sink{}
		var writes, reads int
		l := testLoop(s)
		w := start(t, hooked{
			Journal: j,
			setState: func(string) error {
				if writes++; writes < 5 {
					return errors.New("disk")
				}
				return nil
			},
			state: func() error {
				if reads++; reads < 3 {
					return errors.New("disk")
				}
				return nil
			},
		}, quiet, l)
		j.add(webhook("g", firing("A")))
		pass(time.Minute)

		assert.Len(t, s.tried(), 1)
		assert.Equal(t, uint64(1), j.at(l.Cursor))
		require.NoError(t, w.end())
	})
}

func TestAStateThatCannotBeReadCountsAsNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, s := newMemory(), &sink{}
		l := testLoop(s)
		require.NoError(t, j.SetState(t.Context(), l.Cursor, "g", []byte(`{"seq":"x`)))
		w := start(t, j, quiet, l)
		j.add(webhook("g", firing("A")))
		synctest.Wait()
		assert.Len(t, s.told(), 1)
		require.NoError(t, w.end())
	})
}

func TestASnapshotThatHasNoJSONIsNotStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, s := newMemory(), &sink{}
		l := testLoop(s)
		l.Snapshots = snapshots(func(map[string]string) *diagnostics.Snapshot {
			return &diagnostics.Snapshot{TookSeconds: math.NaN()}
		})
		w := start(t, j, quiet, l)
		j.add(webhook("g", firing("A")))
		synctest.Wait()
		assert.Len(t, s.told(), 1)
		require.NoError(t, w.end())
		assert.Equal(t, uint64(1), j.at(l.Cursor))
	})
}

func TestRunCountsRecordsThatWereGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, s := newMemory(), &sink{}
		j.add(webhook("g", firing("A")))
		j.records[0].Missed = 41
		j.positions["people/fake/0"] = 0
		l := testLoop(s)
		w := start(t, j, quiet, l)
		synctest.Wait()
		assert.InDelta(t, 41, testutil.ToFloat64(w.series().missed), 0)
		require.NoError(t, w.end())
	})
}

type brokenJournal struct{ *memory }

func (brokenJournal) Read(context.Context, uint64, func(Record) error) error {
	return errors.New("closed")
}

func TestRunEndsWhenTheJournalDoes(t *testing.T) {
	w := start(t, brokenJournal{newMemory()}, quiet, testLoop(&sink{}))
	assert.EqualError(t, <-w.done, "delivering to people/fake/0: closed")
}

func TestTheSnapshotIsOfTheGroupsAgentOrTheFirstFiringAlerts(t *testing.T) {
	at := func(a template.Alert, instance string) template.Alert {
		a.Labels["instance"] = instance
		return a
	}
	for name, tc := range map[string]struct {
		alerts []template.Alert
		agents map[string]string // by instance
		want   string
	}{
		"common":       {[]template.Alert{at(firing("A"), "a:1"), at(firing("B"), "a:1")}, map[string]string{"a:1": "a"}, "a"},
		"first firing": {[]template.Alert{at(resolved("A"), "a:1"), at(firing("A"), "b:1")}, map[string]string{"a:1": "a", "b:1": "b"}, "b"},
		"all resolved": {[]template.Alert{at(resolved("A"), "a:1"), at(resolved("A"), "b:1")}, map[string]string{"a:1": "a"}, "a"},
		"none":         {[]template.Alert{at(firing("A"), "a:1")}, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				j, s := newMemory(), &sink{}
				l := testLoop(s)
				l.Snapshots = snapshots(func(labels map[string]string) *diagnostics.Snapshot {
					if agent := tc.agents[labels["instance"]]; agent != "" {
						return &diagnostics.Snapshot{Agent: agent}
					}
					return nil
				})
				w := start(t, j, quiet, l)
				j.add(webhook("g", tc.alerts...))
				synctest.Wait()
				require.Len(t, s.messages(), 1)
				if tc.want == "" {
					assert.Nil(t, s.messages()[0].Snapshot)
				} else {
					require.NotNil(t, s.messages()[0].Snapshot)
					assert.Equal(t, tc.want, s.messages()[0].Snapshot.Agent)
				}
				require.NoError(t, w.end())
			})
		})
	}
}
