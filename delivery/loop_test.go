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

func TestRunTellsWhatRoutesToItsReceiver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, s := newMemory(), &sink{}
		reg := prometheus.NewPedanticRegistry()
		l := testLoop(j, s)
		l.Metrics = NewMetrics(reg)
		stop := start(t, l)

		info := firing("Info")
		info.Labels["severity"] = "info"
		j.Append(webhook("mixed", info, firing("A")))
		j.Append([]byte("<html>"))
		j.Append(webhook("other", info))
		synctest.Wait()

		require.Len(t, s.messages(), 1)
		m := s.messages()[0]
		assert.Equal(t, "mixed", m.Group.Key)
		assert.Len(t, m.Group.Alerts, 1, "only the alerts that route here")
		assert.Equal(t, "people", m.Receiver)
		assert.Equal(t, "A", m.Content.Title)
		assert.Regexp(t, `^1-[0-9a-f]{8}$`, m.ID)
		assert.Nil(t, m.Previous)
		pass(2 * saveEvery)
		assert.Equal(t, uint64(3), j.at(l.Cursor), "saved while running")
		assert.NoError(t, testutil.GatherAndCompare(reg, strings.NewReader(`
# HELP notifier_notifications_total Tries to tell a message, failed ones included.
# TYPE notifier_notifications_total counter
notifier_notifications_total{integration="fake",receiver="people"} 1
# HELP notifier_pending Notifications that were read for a receiver and are not yet settled.
# TYPE notifier_pending gauge
notifier_pending{integration="fake",receiver="people"} 0
# HELP notifier_records_unreadable_total Records of the journal that are no notification and were skipped.
# TYPE notifier_records_unreadable_total counter
notifier_records_unreadable_total{integration="fake",receiver="people"} 1
`), "notifier_notifications_total", "notifier_pending", "notifier_records_unreadable_total"))
		require.NoError(t, stop())
	})
}

func TestP2ANewLoopStartsWhereItWasPrepared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, s := newMemory(), &sink{}
		j.Append(webhook("old", firing("A")))
		require.NoError(t, testLoop(j, s).Prepare(t.Context()))
		j.Append(webhook("accepted before the first Run", firing("A")))

		stop := start(t, testLoop(j, s))
		synctest.Wait()

		assert.Equal(t, []string{"accepted before the first Run"}, s.told())
		require.NoError(t, stop())
	})
}

// A journal that lost its end (a broken disk) gives its numbers again: what comes then is told nonetheless.
func TestP2WhatComesAfterALostEndIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, s := newMemory(), &sink{}
		stop := start(t, testLoop(j, s))
		for range 5 {
			j.Append(webhook("g", firing("A")))
			synctest.Wait()
		}
		require.NoError(t, stop())
		require.Len(t, s.told(), 5)

		j.mu.Lock()
		j.records = j.records[:2]
		j.mu.Unlock()
		time.Sleep(time.Minute)
		require.NoError(t, testLoop(j, s).Prepare(t.Context()))
		j.Append(webhook("g", resolved("A")))
		stop = start(t, testLoop(j, s))
		synctest.Wait()

		assert.Len(t, s.told(), 6)
		require.NoError(t, stop())
	})
}

// P4: what says the same again soon after, as Alertmanager's retry or its twin does, is told once; a repeat is told.
func TestP4DuplicatesAreToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reg := prometheus.NewRegistry()
		j, s := newMemory(), &sink{}
		l := testLoop(j, s)
		l.Metrics = NewMetrics(reg)
		stop := start(t, l)
		say := func(want int, why, reason string, alerts ...template.Alert) {
			t.Helper()
			j.Append(sameWebhook("g", reason, alerts...))
			synctest.Wait()
			assert.Len(t, s.told(), want, why)
		}

		say(1, "the first", "", firing("A"), firing("B"))
		say(1, "a retry", "", firing("A"), firing("B"))
		say(1, "the twin sorts them otherwise", "", firing("B"), firing("A"))
		say(2, "a change", "", firing("A"))
		pass(duplicateWindow - time.Second)
		say(2, "late, but within the window", "", firing("A"))
		pass(2 * time.Second)
		say(3, "no duplicate after the window", "", firing("A"))
		say(4, "Alertmanager says that it is a repeat", "repeat interval elapsed", firing("A"))
		say(5, "resolved", "", resolved("A"))
		require.NoError(t, stop())
		stop = start(t, l)
		say(5, "resolved by the twin, after a restart", "", resolved("A"))
		say(6, "fires anew", "", firing("A"))

		require.NoError(t, stop())
		assert.Equal(t, uint64(10), j.at(l.Cursor), "what was left out is settled")
		assert.NoError(t, testutil.GatherAndCompare(reg, strings.NewReader(`
# HELP notifier_duplicates_total Notifications that said only what the receiver was told just before, and were left out.
# TYPE notifier_duplicates_total counter
notifier_duplicates_total{integration="fake",receiver="people"} 4
`), "notifier_duplicates_total"))
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
		l := testLoop(j, s)
		l.Metrics = NewMetrics(nil)
		l.Snapshots = snapshots(func(map[string]string) *diagnostics.Snapshot {
			looks++
			return &diagnostics.Snapshot{Agent: "aster"}
		})
		l.Render = func(in templates.Input) templates.Content {
			rendered = append(rendered, in.Now)
			return templates.Content{}
		}
		stop := start(t, l)
		j.Append(webhook("g", firing("A")))
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
		assert.Equal(t, 1, looks, "one snapshot for all tries")
		assert.Equal(t, "aster", s.messages()[0].Snapshot.Agent)
		series := l.Metrics.of("people", "fake")
		assert.InDelta(t, 4, testutil.ToFloat64(series.tries), 0)
		for why, want := range map[string]float64{"server": 1, "other": 1, "rate_limited": 1, "timeout": 0} {
			assert.InDelta(t, want, testutil.ToFloat64(series.failures[why]), 0, why)
		}
		require.NoError(t, stop())
	})
}

func TestP2APermanentErrorLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newMemory()
		var repaired atomic.Bool
		s := &sink{notify: func(context.Context, int, notifiers.Message) (notifiers.Receipt, error) {
			if repaired.Load() {
				return told()
			}
			return nil, &notifiers.Error{Reason: notifiers.Auth, Permanent: true, Err: errors.New("invalid_auth")}
		}}
		var log bytes.Buffer
		l := testLoop(j, s)
		l.Logger = slog.New(slog.NewTextHandler(&log, nil))
		stop := start(t, l)
		j.Append(webhook("g", firing("A")))
		pass(12 * time.Minute)
		assert.Len(t, s.tried(), 3, "every five minutes")
		assert.Contains(t, log.String(), `level=ERROR msg="A try failed" receiver=people integration=fake delivery=1-`)
		assert.Contains(t, log.String(), `attempt=3 reason=auth again_in=5m0s err=invalid_auth`)

		repaired.Store(true)
		pass(5 * time.Minute)

		assert.Equal(t, []string{"g"}, s.told())
		require.NoError(t, stop())
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
				l := testLoop(j, s)
				l.Metrics = NewMetrics(nil)
				stop := start(t, l)
				j.Append(webhook("stuck", firing("A")))
				for i := range 100 {
					j.Append(webhook(fmt.Sprint(i), firing("A")))
				}
				synctest.Wait()

				assert.Len(t, s.told(), 100, "without any time passing")
				pass(10 * time.Minute)
				assert.Greater(t, len(s.tried()), 105, "the stuck one is tried again and again")
				assert.Equal(t, uint64(0), j.at(l.Cursor), "and holds the position")
				assert.InDelta(t, 1, testutil.ToFloat64(l.Metrics.of("people", "fake").pending), 0)
				require.NoError(t, stop())
				assert.InDelta(t, 0, testutil.ToFloat64(l.Metrics.of("people", "fake").pending), 0, "nothing waits in a loop that ended")
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
		l := testLoop(j, s)
		l.Metrics = NewMetrics(nil)
		l.Limits = Limits{Sends: 3, Entries: 7, Try: time.Hour}
		stop := start(t, l)
		for i := range 50 {
			j.Append(webhook(fmt.Sprint(i%10), firing("A")))
		}
		synctest.Wait()

		assert.Len(t, s.tried(), 3)
		assert.InDelta(t, 7, testutil.ToFloat64(l.Metrics.of("people", "fake").pending), 0)
		close(release)
		synctest.Wait()
		assert.Len(t, s.told(), 50)
		assert.Equal(t, int64(3), most.Load())
		require.NoError(t, stop())
		assert.Equal(t, uint64(50), j.at(l.Cursor))
	})
}

func TestARecordLargerThanTheRoomIsDelivered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, s := newMemory(), &sink{}
		l := testLoop(j, s)
		l.Limits.Bytes = 10
		stop := start(t, l)
		j.Append(webhook("a", firing("A")))
		j.Append(webhook("b", firing("B")))
		synctest.Wait()
		assert.Equal(t, []string{"a", "b"}, s.told())
		require.NoError(t, stop())
	})
}

func TestReceiptAndKnowledgeLastUntilResolved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newMemory()
		s := &sink{notify: func(_ context.Context, n int, _ notifiers.Message) (notifiers.Receipt, error) {
			return notifiers.Receipt{"ts": fmt.Sprint(n)}, nil
		}}
		var inputs []templates.Input
		l := testLoop(j, s)
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
			stop := start(t, l)
			j.Append(webhook("g", alerts...))
			synctest.Wait()
			require.Len(t, s.messages(), i+1)
			require.NoError(t, stop())
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

func TestResolvedIsSettledInSilenceWhenNobodyWantsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newMemory()
		s := &sink{notify: func(context.Context, int, notifiers.Message) (notifiers.Receipt, error) {
			return notifiers.Receipt{"ts": "1"}, nil
		}}
		l := testLoop(j, s)
		l.SendResolved = false
		stop := start(t, l)
		j.Append(webhook("g", firing("A")))
		j.Append(webhook("g", resolved("A")))
		j.Append(webhook("g", firing("A")))
		synctest.Wait()

		require.Len(t, s.messages(), 2)
		assert.Nil(t, s.messages()[1].Previous, "a fresh message after the resolved one that nobody saw")
		require.NoError(t, stop())
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
				l := testLoop(j, s)
				l.Metrics = NewMetrics(nil)
				l.Logger = slog.New(slog.NewTextHandler(&log, nil))
				breaks(&l)
				stop := start(t, l)
				j.Append(webhook("g", firing("A")))
				pass(time.Second)

				assert.Equal(t, []string{"g"}, s.told())
				assert.InDelta(t, 1, testutil.ToFloat64(l.Metrics.of("people", "fake").failures[reasonPanic]), 0)
				assert.Contains(t, log.String(), `reason=panic`)
				assert.Contains(t, log.String(), `err="panic: boom" stack=`)
				assert.Contains(t, log.String(), `loop_test.go`, "the trace")
				require.NoError(t, stop())
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
				l := testLoop(j, s)
				l.Metrics = NewMetrics(nil)
				stop := start(t, l)
				j.Append(webhook("g", firing("A")))
				j.Append(webhook("g", resolved("A")))
				synctest.Wait()
				began := time.Now()

				require.NoError(t, stop())

				assert.Equal(t, min(tc.takes, 5*time.Second), time.Since(began))
				assert.Len(t, s.tried(), 1, "nothing new is begun")
				assert.Len(t, s.told(), tc.told)
				assert.Equal(t, uint64(tc.told), j.at(l.Cursor))
				assert.Zero(t, testutil.ToFloat64(l.Metrics.of("people", "fake").failures["other"]), "an interrupted try is no failure")
				s.notify = nil
				stop = start(t, l)
				synctest.Wait()
				assert.Len(t, s.told(), 2, "the rest follows after the restart")
				require.NoError(t, stop())
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
		l := testLoop(j, s)
		l.Metrics = NewMetrics(nil)
		stop := start(t, l)
		j.Append(webhook("g", firing("A")))
		pass(31 * time.Second)
		assert.Len(t, s.told(), 1)
		assert.InDelta(t, 1, testutil.ToFloat64(l.Metrics.of("people", "fake").failures["timeout"]), 0)
		require.NoError(t, stop())
	})
}

func TestASentMessageIsNotSentAgainBecauseItsStateCannotBeStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, s := newMemory(), &sink{}
		var writes, reads int
		l := testLoop(hooked{
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
		}, s)
		stop := start(t, l)
		j.Append(webhook("g", firing("A")))
		pass(time.Minute)

		assert.Len(t, s.tried(), 1)
		assert.Equal(t, uint64(1), j.at(l.Cursor))
		require.NoError(t, stop())
	})
}

func TestAStateThatCannotBeReadCountsAsNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, s := newMemory(), &sink{}
		l := testLoop(j, s)
		require.NoError(t, j.SetState(t.Context(), l.Cursor, "g", []byte(`{"seq":"x`)))
		stop := start(t, l)
		j.Append(webhook("g", firing("A")))
		synctest.Wait()
		assert.Len(t, s.told(), 1)
		require.NoError(t, stop())
	})
}

func TestASnapshotThatHasNoJSONIsNotStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, s := newMemory(), &sink{}
		l := testLoop(j, s)
		l.Snapshots = snapshots(func(map[string]string) *diagnostics.Snapshot {
			return &diagnostics.Snapshot{TookSeconds: math.NaN()}
		})
		stop := start(t, l)
		j.Append(webhook("g", firing("A")))
		synctest.Wait()
		assert.Len(t, s.told(), 1)
		require.NoError(t, stop())
		assert.Equal(t, uint64(1), j.at(l.Cursor))
	})
}

func TestRunCountsRecordsThatWereGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, s := newMemory(), &sink{}
		j.Append(webhook("g", firing("A")))
		j.records[0].Missed = 41
		j.positions["people/fake/0"] = 0
		l := testLoop(j, s)
		l.Metrics = NewMetrics(nil)
		stop := start(t, l)
		synctest.Wait()
		assert.InDelta(t, 41, testutil.ToFloat64(l.Metrics.of("people", "fake").missed), 0)
		require.NoError(t, stop())
	})
}

type brokenJournal struct{ *memory }

func (brokenJournal) Read(context.Context, uint64, func(Record) error) error {
	return errors.New("closed")
}

func TestRunEndsWhenTheJournalDoes(t *testing.T) {
	l := testLoop(brokenJournal{newMemory()}, &sink{})
	assert.EqualError(t, l.Run(t.Context()), "delivering to people/fake/0: closed")
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
				l := testLoop(j, s)
				l.Snapshots = snapshots(func(labels map[string]string) *diagnostics.Snapshot {
					if agent := tc.agents[labels["instance"]]; agent != "" {
						return &diagnostics.Snapshot{Agent: agent}
					}
					return nil
				})
				stop := start(t, l)
				j.Append(webhook("g", tc.alerts...))
				synctest.Wait()
				require.Len(t, s.messages(), 1)
				if tc.want == "" {
					assert.Nil(t, s.messages()[0].Snapshot)
				} else {
					require.NotNil(t, s.messages()[0].Snapshot)
					assert.Equal(t, tc.want, s.messages()[0].Snapshot.Agent)
				}
				require.NoError(t, stop())
			})
		})
	}
}
