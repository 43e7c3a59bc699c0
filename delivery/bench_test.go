package delivery

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alertvitals/notifier/diagnostics"
)

// BenchmarkOutcome is what an outcome costs a message beside its fsync: fifty notifications were merged in it, and it has a
// snapshot of twenty vitals with their trends.
func BenchmarkOutcome(b *testing.B) {
	var s diagnostics.Snapshot
	for i := range 20 {
		v := diagnostics.Vital{Name: fmt.Sprint("vital ", i), Value: new(float64)}
		for range 60 {
			v.Trend = append(v.Trend, new(float64))
		}
		s.Vitals = append(s.Vitals, v)
	}
	for name, snapshot := range map[string]*diagnostics.Snapshot{"bare": nil, "snapshot": &s} {
		b.Run(name, func(b *testing.B) {
			l := withDefaults(testLoop(&sink{}))
			r := newRun(*l, 0, 0, newMemory(), nil, nil, NewMetrics(nil), quiet)
			g := &group{key: "g"}
			var entries []entry
			for i := range 50 {
				entries = append(entries, entry{seq: uint64(i)*8_000_000 + 4095, at: time.Now(), accepted: time.Now()})
			}
			told, err := l.read(webhook("g", firing("A"), firing("B")))
			require.NoError(b, err)
			size := 0
			for b.Loop() {
				o := r.outcome(l, g, told, entries, Sent)
				o.Snapshot = snapshot
				size = len(r.sealed(o).Sealed)
			}
			b.ReportMetric(float64(size), "bytes")
		})
	}
}

// BenchmarkList is what a list costs that reads all of 20,000 outcomes, and one that reads the newest.
func BenchmarkList(b *testing.B) {
	m := newMemory()
	ls := NewLoops(m, NewMetrics(nil), quiet)
	for i := range 20_000 {
		o := outcome{head: head{Delivery: Delivery{ID: fmt.Sprintf("%d-aaaaaaaa", i+1), Status: Sent, Receiver: "people", Accepted: time.Now()}}}
		sealed, err := o.seal()
		require.NoError(b, err)
		require.NoError(b, m.AddOutcomes(b.Context(), [][]byte{sealed}))
	}
	for name, q := range map[string]Query{"newest": {Limit: 20}, "filtered": {Limit: 20, Alertname: "none"}} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				_, err := ls.List(b.Context(), q)
				require.NoError(b, err)
			}
		})
	}
}
