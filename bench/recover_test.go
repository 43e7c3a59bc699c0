package bench

import (
	"testing"
	"time"
)

// BenchmarkRecover measures the start after a bad night: 100,000 webhooks of 2,000 groups were accepted.
//
//	undelivered_s   Slack was down all night: from the start of the program until the newest of every group is shown and
//	                nothing is pending
//	settled_s       all were delivered and the program was killed: from its start until a new webhook is shown
//
// The goal of both is below 5 s.
func BenchmarkRecover(b *testing.B) {
	const groups, versions = 2000, 50
	var undelivered, settled time.Duration
	for b.Loop() {
		sink, storage := newSlackSink(b), b.TempDir()
		sink.setDown(true)
		n := start(b, storage, sink.configuration(""))
		n.postGroups(b, groups, versions)
		n.kill()

		sink.setDown(false)
		n = start(b, storage, sink.configuration(""))
		until(b, "all to be delivered", func() bool { return sink.showsAll(groups, versions-1) && n.pending() == 0 })
		undelivered = time.Since(n.launch)
		n.kill()

		n = start(b, storage, sink.configuration(""))
		_, err := postAll([]*client{dial(b, n.address)}, [][]byte{request(payload(b, groups, 0))})
		if err != nil {
			b.Fatal(err)
		}
		until(b, "a new webhook to be shown", func() bool { _, shown := sink.when(groups, 0); return shown })
		settled = time.Since(n.launch)
		n.kill()
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(undelivered.Seconds(), "undelivered_s")
	b.ReportMetric(settled.Seconds(), "settled_s")
}
