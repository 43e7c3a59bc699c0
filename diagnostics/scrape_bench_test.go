package diagnostics

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// BenchmarkScrapeAndStore scrapes one agent of 1,000 series over loopback and stores what it says; ns/op has the agent's own part,
// and allocations, too.
func BenchmarkScrapeAndStore(b *testing.B) {
	var bodies [2][]byte
	for turn := range bodies {
		var text strings.Builder
		text.WriteString("# TYPE agent_calls_total counter\n")
		for i := range 1000 {
			fmt.Fprintf(&text, "agent_calls_total{method=\"POST\",path=\"/v1/agents/%d/chat\",status=\"2xx\"} %d\n", i, i+turn)
		}
		bodies[turn] = []byte(text.String())
	}
	n := 0
	f := newFakeAgent(b)
	f.on("/metrics", func(w http.ResponseWriter, _ *http.Request) {
		n++
		w.Write(bodies[n%len(bodies)])
	})
	c := newCollector(b, f.URL)
	now := time.Now().Add(-time.Hour)
	c.now = func() time.Time { return now }
	a := c.settings.Load().agents[0]
	b.ReportAllocs()
	for b.Loop() {
		now = now.Add(15 * time.Second)
		require.Empty(b, c.poll(b.Context(), a))
	}
	b.ReportMetric(float64(len(a.series.known)), "series")
}
