package exposition

import (
	"fmt"
	"strings"
	"testing"
)

// agentBody is what an agent with about so many series answers: histograms with a path, a method and a status, and gauges.
func agentBody(series int) []byte {
	var b strings.Builder
	b.WriteString("# HELP agent_http_request_duration_seconds How long requests took.\n# TYPE agent_http_request_duration_seconds histogram\n")
	for i := 0; i < series; i += 20 {
		labels := fmt.Sprintf(`method="POST",path="/v1/agents/%d/chat",status="2xx"`, i)
		for le := range 13 {
			fmt.Fprintf(&b, "agent_http_request_duration_seconds_bucket{%s,le=\"%g\"} %d\n", labels, 0.005*float64(int(1)<<le), i+le)
		}
		fmt.Fprintf(&b, "agent_http_request_duration_seconds_bucket{%s,le=\"+Inf\"} %d\n", labels, i+13)
		fmt.Fprintf(&b, "agent_http_request_duration_seconds_sum{%s} %d.25\n", labels, i)
		fmt.Fprintf(&b, "agent_http_request_duration_seconds_count{%s} %d\n", labels, i+13)
	}
	b.WriteString("# HELP agent_tool_calls_total Calls of tools.\n# TYPE agent_tool_calls_total counter\n")
	for i := 0; i < series; i += 5 {
		fmt.Fprintf(&b, "agent_tool_calls_total{tool_name=\"tool_%d\",status=\"ok\"} %d\n", i, i)
	}
	return []byte(b.String())
}

// BenchmarkRead reads a body whole, and once more with one line that is bad, so that it is read line by line.
func BenchmarkRead(b *testing.B) {
	for _, series := range []int{1000, 50_000} {
		body := agentBody(series)
		for name, body := range map[string][]byte{"good": body, "bad": append([]byte("!\n"), body...)} {
			b.Run(fmt.Sprintf("series=%d/%s", series, name), func(b *testing.B) {
				b.SetBytes(int64(len(body)))
				b.ReportAllocs()
				for b.Loop() {
					if got := Read(body, plain, scrapeTime); len(got.Samples) < series {
						b.Fatal(len(got.Samples))
					}
				}
			})
		}
	}
}
