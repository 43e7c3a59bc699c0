package diagnostics

import (
	"math"
	"math/rand"
	"reflect"
	"testing"
	"testing/quick"
	"time"

	"github.com/stretchr/testify/assert"
)

// Generate makes a snapshot of anything, such as several vitals of one name and numbers that are none.
func (Snapshot) Generate(r *rand.Rand, size int) reflect.Value {
	value := func() *float64 {
		return []*float64{nil, new(float64(0)), new(r.ExpFloat64()), new(-r.Float64() * 1e9), new(math.NaN()), new(math.Inf(1))}[r.Intn(6)]
	}
	check := func() *Check {
		if r.Intn(3) == 0 {
			return nil
		}
		return &Check{
			Verdict: []Verdict{Up, Degraded, Down, NotOffered, Unclear}[r.Intn(5)],
			Says:    []string{"", "ok", "failed"}[r.Intn(3)], Version: []string{"", "v1", "v2"}[r.Intn(3)],
		}
	}
	s := Snapshot{Health: check(), Ready: check(), StartedAt: []time.Time{{}, time.Unix(int64(r.Intn(100)), 0)}[r.Intn(2)]}
	for range r.Intn(size + 1) {
		s.Vitals = append(s.Vitals, Vital{
			Name: []string{"uptime", "error rate", "memory", "version", ""}[r.Intn(5)],
			Unit: units[r.Intn(len(units))], Value: value(), Before: value(),
			Text: []string{"", "", "v1", "v2"}[r.Intn(4)], Bound: []string{"", ">", "<"}[r.Intn(3)],
		})
	}
	return reflect.ValueOf(s)
}

func TestDiffOfEqualSnapshotsIsEmpty(t *testing.T) {
	assert.NoError(t, quick.Check(func(s Snapshot) bool { return reflect.DeepEqual(Diff(s, s.clone()), Difference{}) }, nil))
}

func TestP9DiffTellsOnlyWhatBothKnow(t *testing.T) {
	assert.NoError(t, quick.Check(func(a, b Snapshot) bool {
		d := Diff(a, b)
		for _, c := range d.Vitals {
			if !known(c.Before) || !known(c.After) || c.Before.Name != c.After.Name || FormatVital(c.Before) == FormatVital(c.After) {
				return false
			}
		}
		return d.Restarted.IsZero() || b.StartedAt.After(a.StartedAt) && !a.StartedAt.IsZero()
	}, nil))
}

func TestDiff(t *testing.T) {
	began := time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
	vital := func(name string, u Unit, v float64) Vital { return Vital{Name: name, Unit: u, Value: &v} }
	slow := vital("p95 latency", Seconds, 10)
	slow.Bound = ">"
	fire := Snapshot{
		StartedAt: began, Health: &Check{Verdict: Degraded, Says: "degraded"}, Ready: &Check{Verdict: NotOffered},
		Vitals: []Vital{
			vital("error rate", PercentUnit, 0.073), slow, vital("uptime", Seconds, 10), vital("memory", Bytes, 1000),
			vital("goroutines", Short, 7),
			{Name: "sessions", Note: "not reported by this agent"},
			{Name: "version", Unit: Text, Text: "v1"},
			vital("odd", Short, 1),
		},
	}
	resolve := Snapshot{
		StartedAt: began.Add(time.Hour), Health: &Check{Verdict: Up, Says: "healthy"}, Ready: &Check{Verdict: NotOffered},
		Vitals: []Vital{
			{Name: "version", Unit: Text, Text: "v2"},
			vital("p95 latency", Seconds, 0.7), vital("uptime", Seconds, 5), vital("error rate", PercentUnit, 0.001),
			vital("memory", Bytes, 1000.0001),
			{Name: "goroutines", Unit: Short, Note: "no longer reported"},
			vital("sessions", Short, 3),
			vital("odd", Seconds, 2),
		},
	}
	d := Diff(fire, resolve)
	assert.Equal(t, began.Add(time.Hour), d.Restarted)
	assert.Equal(t, Degraded, d.Health.Before.Verdict)
	assert.Equal(t, Up, d.Health.After.Verdict)
	assert.Nil(t, d.Ready)
	var words []string
	for _, c := range d.Vitals {
		words = append(words, c.Before.Name+" "+FormatVital(c.Before)+" → "+FormatVital(c.After))
	}
	assert.Equal(t, []string{"error rate 7.3 % → 0.1 %", "p95 latency > 10 s → 0.7 s", "version v1 → v2"}, words)
	assert.True(t, Diff(fire, Snapshot{StartedAt: began.Add(3 * time.Second)}).Restarted.IsZero(), "clocks that count seconds")
}

// What an agent did in its whole life is not what it does now.
func TestP9DiffComparesLikeWithLike(t *testing.T) {
	of := func(value float64, note string) Snapshot {
		return Snapshot{Vitals: []Vital{{Name: "error rate", Unit: PercentUnit, Value: &value, Note: note}}}
	}
	for _, c := range []struct {
		before, after string
		told          bool
	}{
		{"", "", true},
		{sinceStart, sinceStart, true},
		{"in 1 h", "in 1 h", true},
		{"", "restarted", true},
		{"retries of the model for each message", "retries of the model for each message", true},
		{"", sinceStart, false},
		{sinceStart, "", false},
		{sinceStart + ", of the newest", "of the newest", false},
		{"in 3 min", "in 1 h", false},
		{anAverage, "", false},
		{sinceStart + ", " + anAverage, sinceStart, false},
	} {
		assert.Len(t, Diff(of(0.3, c.before), of(0.03, c.after)).Vitals, int(oneIf(c.told)), "%q, %q", c.before, c.after)
	}
}
