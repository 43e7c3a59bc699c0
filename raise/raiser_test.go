package raise

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/alertvitals/notifier/alert"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// disk is what outlives a crash: the states and what was accepted.
type disk struct {
	states map[string][]byte
	taken  []taken
	// broken is what every write of a state, refuses what every acceptance fails with; full is after how many writes the first begins.
	broken, refuses error
	full            int
}

type taken struct {
	after time.Duration
	alert.Notification
}

func newDisk() *disk { return &disk{states: map[string][]byte{}, full: 1 << 30} }

func (d *disk) States(_ context.Context, _ string, fn func([]byte) error) error {
	for _, key := range slices.Sorted(maps.Keys(d.states)) {
		if err := fn(d.states[key]); err != nil {
			return err
		}
	}
	return nil
}

func (d *disk) SetState(_ context.Context, _, group string, value []byte) error {
	if d.full--; d.full < 0 && d.broken != nil {
		return d.broken
	}
	d.states[group] = value
	return nil
}

// running is a raiser over a disk, in a bubble whose time began at start.
type running struct {
	*Raiser
	*disk

	stop func()
}

func run(t *testing.T, d *disk, start time.Time) running {
	t.Helper()
	accept := func(_ context.Context, n alert.Notification) error {
		if d.refuses != nil {
			return d.refuses
		}
		d.taken = append(d.taken, taken{time.Since(start), n})
		return nil
	}
	r, err := Open(t.Context(), d, accept, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		assert.NoError(t, r.Run(ctx))
	}()
	return running{r, d, func() { cancel(); <-done }}
}

// said is what was accepted, a line for each notification.
func (d *disk) said() []string {
	synctest.Wait()
	var lines []string
	for _, n := range d.taken {
		line := fmt.Sprintf("%v %s", n.after.Round(time.Second), n.Status)
		for _, a := range n.Alerts {
			line += fmt.Sprintf(" %s=%s", a.Labels["n"], a.Status)
		}
		if n.NotificationReason == "repeat interval elapsed" {
			line += " again"
		}
		lines = append(lines, line)
	}
	return lines
}

func one(state State, n string, startsAt time.Time) Alert {
	return Alert{
		State: state, Lease: 4 * time.Minute, StartsAt: startsAt, EndsAt: time.Now(),
		Labels:      map[string]string{"alertname": "A", "job": "aster", "instance": "aster:8080", "n": n, "severity": "critical"},
		Annotations: map[string]string{"summary": "s"}, GeneratorURL: "/graph?g0.expr=up",
	}
}

// every hears the alerts once a minute, so often.
func (r running) every(times int, alerts func() []Alert) {
	for range times {
		r.Hear(alerts()...)
		time.Sleep(time.Minute)
	}
}

func TestP3AGroupIsToldAsAlertmanagerTellsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		r := run(t, newDisk(), start)
		defer r.stop()

		r.Hear(one(Resolved, "never fired", start), one(Held, "pending", start))
		r.every(1, func() []Alert { return []Alert{one(Firing, "1", start)} })
		r.every(9, func() []Alert { return []Alert{one(Firing, "1", start), one(Firing, "2", start.Add(time.Minute))} })
		r.every(1, func() []Alert { return []Alert{one(Resolved, "1", start), one(Resolved, "2", start)} })
		time.Sleep(10 * time.Hour)

		assert.Equal(t, []string{
			"0s firing 1=firing",
			"5m0s firing 1=firing 2=firing",
			"10m0s resolved 1=resolved 2=resolved",
		}, r.said())
		first := r.taken[0]
		assert.Equal(t, `{}/{source="notifier"}:{alertname="A", instance="aster:8080", job="aster"}`, first.GroupKey)
		assert.Equal(t, "first notification", first.NotificationReason)
		assert.Equal(t, "4", first.Version)
		assert.Equal(t, "critical", first.CommonLabels["severity"])
		assert.Len(t, first.Alerts[0].Fingerprint, 16)
		assert.Equal(t, "/graph?g0.expr=up", first.Alerts[0].GeneratorURL)
		assert.Zero(t, r.firing())
	})
}

func TestAGroupIsRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, newDisk(), time.Now())
		defer r.stop()
		r.Use(Intervals{Group: time.Minute, Repeat: time.Hour})

		start := time.Now()
		r.every(150, func() []Alert { return []Alert{one(Firing, "1", start)} })

		assert.Equal(t, []string{"0s firing 1=firing", "1h0m0s firing 1=firing again", "2h0m0s firing 1=firing again"}, r.said())
	})
}

func TestWhatIsHeardOfNoMoreIsResolved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		r := run(t, newDisk(), start)
		defer r.stop()

		r.Hear(one(Firing, "1", start))
		time.Sleep(3 * time.Minute)
		r.Hear(one(Held, "1", start)) // pending anew: nobody knows
		time.Sleep(time.Hour)

		assert.Equal(t, []string{"0s firing 1=firing", "7m0s resolved 1=resolved"}, r.said())
		assert.Equal(t, 7*time.Minute, r.taken[1].Alerts[0].EndsAt.Sub(start))
	})
}

func TestAnAlertThatFlapsIsToldOnceInAGroupInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		r := run(t, newDisk(), start)
		defer r.stop()

		r.Hear(one(Firing, "1", start))
		time.Sleep(time.Minute)
		r.Hear(one(Resolved, "1", start))
		time.Sleep(time.Minute)
		again := time.Now()
		r.every(5, func() []Alert { return []Alert{one(Firing, "1", again)} })

		assert.Equal(t, []string{"0s firing 1=firing", "5m0s firing 1=firing"}, r.said())
		assert.True(t, r.taken[1].Alerts[0].StartsAt.Equal(again), "it fires anew")
	})
}

func TestP4ARestartRepeatsNothingThatWasRaised(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		d := newDisk()
		r := run(t, d, start)
		r.Hear(one(Firing, "1", start))
		time.Sleep(time.Minute)
		r.stop()

		r = run(t, d, start)
		defer r.stop()
		found := time.Now() // a rule without `for` counts anew
		r.every(10, func() []Alert { return []Alert{one(Firing, "1", found)} })
		r.Hear(one(Resolved, "1", found))
		time.Sleep(time.Minute)

		assert.Equal(t, []string{"0s firing 1=firing", "11m0s resolved 1=resolved"}, r.said())
		assert.True(t, r.taken[1].Alerts[0].StartsAt.Equal(start), "it is the same alert")
	})
}

func TestP2AnEndDuringAStopIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		d := newDisk()
		r := run(t, d, start)
		r.Hear(one(Firing, "1", start))
		time.Sleep(time.Minute)
		r.stop()
		time.Sleep(time.Hour)

		r = run(t, d, start)
		defer r.stop()
		time.Sleep(time.Hour)

		assert.Equal(t, []string{"0s firing 1=firing", "1h5m0s resolved 1=resolved"}, r.said())
	})
}

// A crash after each write in turn: what was told is known afterwards, or is told once more in the same words.
func TestP2P4ACrashBetweenTheWritesLosesNoEnd(t *testing.T) {
	for writes := range 4 {
		t.Run(fmt.Sprint(writes), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				d := newDisk()
				d.full, d.broken = writes, errors.New("the process is gone")
				r := run(t, d, start)
				r.Hear(one(Firing, "1", start))
				time.Sleep(time.Second)
				r.stop()
				d.broken = nil

				r = run(t, d, start)
				defer r.stop()
				time.Sleep(time.Minute)
				r.Hear(one(Firing, "1", time.Now()))
				time.Sleep(time.Minute)
				r.Hear(one(Resolved, "1", start))
				time.Sleep(time.Hour)

				synctest.Wait()
				require.NotEmpty(t, d.taken)
				assert.LessOrEqual(t, len(d.taken), 3)
				last := d.taken[len(d.taken)-1]
				assert.Equal(t, alert.StatusResolved, last.Status)
				for _, n := range d.taken {
					assert.True(t, n.Alerts[0].StartsAt.Equal(d.taken[0].Alerts[0].StartsAt), "delivery knows it for the same alert")
				}
			})
		})
	}
}

func TestP2WhatIsNotAcceptedIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		d := newDisk()
		d.refuses = errors.New("no space left on device")
		r := run(t, d, start)
		defer r.stop()

		r.Hear(one(Firing, "1", start))
		time.Sleep(time.Minute)
		synctest.Wait()
		d.refuses = nil
		r.Hear(one(Resolved, "1", start))
		time.Sleep(time.Minute)

		assert.Equal(t, []string{"1m5s resolved 1=resolved"}, r.said(), "that it fired is told, if only after its end")
	})
}

func TestAGroupIsBoundedAndSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		r := run(t, newDisk(), start)
		defer r.stop()

		var many []Alert
		for n := range mostAlerts + 7 {
			many = append(many, one(Firing, fmt.Sprint(n), start))
		}
		r.Hear(many...)
		synctest.Wait()

		require.Len(t, r.taken, 1)
		assert.Len(t, r.taken[0].Alerts, mostAlerts)
		assert.EqualValues(t, 7, r.taken[0].TruncatedAlerts)
	})
}

// Labels of an agent's series may have 4 KiB each, and JSON makes six bytes of one of theirs.
func TestP2AGroupOfLongAlertsIsToldAsFarAsTheJournalTakesIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		d := newDisk()
		r := run(t, d, start)
		long, description := strings.Repeat("<", 4000), strings.Repeat("é", 20<<10)
		find := func(state State) (many []Alert) {
			for n := range mostAlerts {
				a := one(state, fmt.Sprint(n)+long, start)
				a.Annotations = map[string]string{"summary": long, "description": description}
				many = append(many, a)
			}
			return many
		}
		r.Hear(find(Firing)...)
		synctest.Wait()

		require.Len(t, r.taken, 1)
		told := r.taken[0].Alerts
		assert.NotEmpty(t, told)
		assert.EqualValues(t, mostAlerts, uint64(len(told))+r.taken[0].TruncatedAlerts)
		body, err := json.Marshal(r.taken[0].Notification)
		require.NoError(t, err)
		const webhookLimit = 4 << 20
		assert.Less(t, len(body), webhookLimit)
		for _, state := range d.states {
			assert.Less(t, len(state), webhookLimit)
		}

		r.stop()
		r = run(t, d, start)
		defer r.stop()
		r.Hear(find(Firing)...)
		for _, a := range find(Resolved) {
			a.EndsAt = time.Now().Add(time.Second)
			r.Hear(a)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		require.Len(t, r.taken, 2)
		assert.Len(t, r.taken[1].Alerts, len(told))
		assert.Zero(t, r.taken[1].TruncatedAlerts)
	})
}

// Two rules with the same name and labels make one alert. Prometheus speaks of an end for a quarter of an hour.
func TestTheEndOfAnOlderAlertOfAnotherRuleIsNoEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		r := run(t, newDisk(), start)
		defer r.stop()
		old := one(Resolved, "1", start)
		old.EndsAt = start.Add(5 * time.Minute)
		time.Sleep(10 * time.Minute)

		began := time.Now()
		r.every(15, func() []Alert { return []Alert{old, one(Firing, "1", began)} })
		r.every(15, func() []Alert { return []Alert{one(Firing, "1", began), old} })
		r.Hear(one(Resolved, "1", began))
		time.Sleep(time.Minute)

		assert.Equal(t, []string{"10m0s firing 1=firing", "40m0s resolved 1=resolved"}, r.said())
	})
}

func TestAClockThatWentBackDelaysNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		d := newDisk()
		r := run(t, d, start)
		r.Hear(one(Firing, "1", start))
		synctest.Wait()
		r.stop()
		for key, state := range d.states { // as if the clock had been a year ahead
			d.states[key] = bytes.ReplaceAll(state, []byte(start.Format("2006-")), []byte(start.AddDate(1, 0, 0).Format("2006-")))
		}

		r = run(t, d, start)
		defer r.stop()
		r.every(10, func() []Alert { return []Alert{one(Resolved, "1", start)} })

		assert.Equal(t, []string{"0s firing 1=firing", "5m0s resolved 1=resolved"}, r.said())
	})
}

func TestADamagedStateIsLeftOut(t *testing.T) {
	d := newDisk()
	d.states["x"] = []byte("{")

	r, err := Open(t.Context(), d, nil, slog.New(slog.DiscardHandler), prometheus.NewRegistry())

	require.NoError(t, err)
	assert.Empty(t, r.groups)
}
