package bench

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// BenchmarkMemory measures the resident memory of the real program with one agent: at rest, and the most that it ever took
// while 64 connections posted 20,000 webhooks of 1,000 groups as fast as they could and all of them were delivered.
//
//	idle_MiB   the goal is below 100
func BenchmarkMemory(b *testing.B) {
	const groups, versions = 1000, 20
	var idle, most float64
	for b.Loop() {
		sink := newSlackSink(b)
		n := start(b, b.TempDir(), sink.configuration(demoAgent(b)))
		rest := time.NewTimer(3 * time.Second) // what the start needed is given back, and the agent was scraped
		<-rest.C
		idle = n.status(b, "VmRSS")
		n.postGroups(b, groups, versions)
		until(b, "all to be delivered", func() bool { return n.pending() == 0 && sink.showsAll(groups, versions-1) })
		most = n.status(b, "VmHWM")
		n.kill()
	}
	b.ReportMetric(0, "ns/op") // the load is ours
	b.ReportMetric(idle, "idle_MiB")
	b.ReportMetric(most, "most_MiB")
}

// postGroups posts that many versions of that many groups, version by version, as fast as 64 connections can.
func (n *notifier) postGroups(b *testing.B, groups, versions int) {
	b.Helper()
	var clients []*client
	for range 64 {
		clients = append(clients, dial(b, n.address))
	}
	for version := range versions {
		requests := make([][]byte, groups)
		for group := range groups {
			requests[group] = request(payload(b, group, version))
		}
		_, err := postAll(clients, requests)
		require.NoError(b, err)
	}
}

// showsAll is whether every group is shown at a version.
func (s *slackSink) showsAll(groups, version int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for group := range groups {
		if _, ok := s.shown[fmt.Sprintf("g%d-u%d", group, version)]; !ok {
			return false
		}
	}
	return true
}
