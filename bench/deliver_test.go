package bench

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alertvitals/notifier/demo/agent"
)

// BenchmarkDeliver measures the way of a webhook through the real program: from the moment when Alertmanager begins to post
// until the message arrives at a stand-in for Slack. Each webhook is the first of a group of its own. One iteration is many
// of them, at an even rate.
//
//	p50_ms   the goal is below 5 ms at 10 webhooks a second, agent included
func BenchmarkDeliver(b *testing.B) {
	for _, withAgent := range []bool{false, true} {
		for _, load := range []struct{ rate, webhooks int }{{10, 100}, {200, 2000}} {
			b.Run(fmt.Sprintf("agent=%t/rate=%d", withAgent, load.rate), func(b *testing.B) {
				measureDelivery(b, withAgent, load.rate, load.webhooks)
			})
		}
	}
}

func measureDelivery(b *testing.B, withAgent bool, rate, webhooks int) {
	b.Helper()
	sink := newSlackSink(b)
	url := ""
	if withAgent {
		url = demoAgent(b)
	}
	n := start(b, b.TempDir(), sink.configuration(url))
	const connections = 16
	clients := make(chan *client, connections)
	for range connections {
		clients <- dial(b, n.address)
	}
	group := 0
	// deliver posts that many webhooks, and returns how long each took to its message.
	deliver := func(webhooks int) samples {
		first := group
		group += webhooks
		starts, errs := make([]time.Time, webhooks), make([]error, webhooks)
		ticks := time.NewTicker(time.Second / time.Duration(rate))
		defer ticks.Stop()
		var posts sync.WaitGroup
		for i := range webhooks {
			body := request(payload(b, first+i, 0))
			<-ticks.C
			posts.Go(func() {
				c := <-clients
				defer func() { clients <- c }()
				starts[i] = time.Now()
				if status, err := c.post(body); err != nil || status != http.StatusOK {
					errs[i] = fmt.Errorf("answer %d: %w", status, err)
				}
			})
		}
		posts.Wait()
		var times samples
		for i := range webhooks {
			require.NoError(b, errs[i])
			until(b, "a message to arrive", func() bool { _, shown := sink.when(first+i, 0); return shown })
			at, _ := sink.when(first+i, 0)
			times = append(times, at.Sub(starts[i]))
		}
		return times
	}
	deliver(rate) // connections are made, the agent is recognised

	var times samples
	for b.Loop() {
		times = append(times, deliver(webhooks)...)
	}

	b.ReportMetric(0, "ns/op") // the rate is ours
	b.ReportMetric(milliseconds(times.quantile(0.5)), "p50_ms")
	b.ReportMetric(milliseconds(times.quantile(0.99)), "p99_ms")
}

// demoAgent is the address of a healthy agent that chats until the benchmark ends.
func demoAgent(b *testing.B) string {
	b.Helper()
	a := agent.New()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		a.Run(ctx, 25*time.Millisecond)
	}()
	b.Cleanup(func() {
		cancel()
		<-done
	})
	return serveHandler(b, a)
}
