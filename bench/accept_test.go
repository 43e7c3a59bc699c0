package bench

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/alertvitals/notifier/alert"
	"github.com/alertvitals/notifier/journal"
	"github.com/alertvitals/notifier/webhook"
)

// BenchmarkAccept compares two handlers over the same connections, in turns so that what disturbs one disturbs both: one
// that only decodes the webhook and says that it is accepted, and the notifier's, which has it on disk before.
//
//	ratio_accept   webhooks in a second, the notifier's by the other's; the goal is 0.7 with 64 connections
//	ratio_cpu      processor time for a webhook, the other's by the notifier's, the client's part in both
//	p50_extra_ms   what the median answer takes longer; the goal is below 1 ms with one connection
func BenchmarkAccept(b *testing.B) {
	gin.SetMode(gin.ReleaseMode)
	for _, connections := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("connections=%d", connections), func(b *testing.B) { compareAccept(b, connections) })
	}
}

// slice is how many webhooks each connection posts to a handler before the other has its turn.
const slice = 100

func compareAccept(b *testing.B, connections int) {
	b.Helper()
	quiet := slog.New(slog.DiscardHandler)
	log, err := journal.Open(b.Context(), journal.Options{Dir: b.TempDir(), Logger: quiet})
	require.NoError(b, err)
	defer log.Close()
	route := func(n alert.Notification) map[string][]int {
		return map[string][]int{"oncall": nil}
	}
	handler := webhook.New(log, route, quiet, prometheus.NewRegistry())
	bare, durable := serve(b, decodeOnly), serve(b, handler.Post)
	var bareClients, durableClients []*client
	for range connections {
		bareClients = append(bareClients, dial(b, bare))
		durableClients = append(durableClients, dial(b, durable))
	}
	var requests [][]byte
	for group := range connections * slice {
		requests = append(requests, request(payload(b, group, 0)))
	}
	var bareTimes, durableTimes samples
	var bareTook, durableTook, bareCPU, durableCPU time.Duration
	turn := func(clients []*client, n int) (times samples, took, cpu time.Duration) {
		start, before := time.Now(), processorTime(b)
		times, err := postAll(clients, requests[:n])
		require.NoError(b, err)
		return times, time.Since(start), processorTime(b) - before
	}
	turn(bareClients, len(requests)) // both get warm
	turn(durableClients, len(requests))

	b.ResetTimer()
	for left := b.N; left > 0; left -= len(requests) {
		n := min(left, len(requests))
		times, took, cpu := turn(bareClients, n)
		bareTimes, bareTook, bareCPU = append(bareTimes, times...), bareTook+took, bareCPU+cpu
		times, took, cpu = turn(durableClients, n)
		durableTimes, durableTook, durableCPU = append(durableTimes, times...), durableTook+took, durableCPU+cpu
	}
	b.StopTimer()

	b.ReportMetric(0, "ns/op") // of both together it says nothing
	b.ReportMetric(float64(b.N)/bareTook.Seconds(), "decode_only/s")
	b.ReportMetric(float64(b.N)/durableTook.Seconds(), "accepted/s")
	b.ReportMetric(bareTook.Seconds()/durableTook.Seconds(), "ratio_accept")
	b.ReportMetric(milliseconds(durableTimes.quantile(0.5)), "p50_ms")
	b.ReportMetric(milliseconds(durableTimes.quantile(0.99)), "p99_ms")
	b.ReportMetric(milliseconds(durableTimes.quantile(0.5)-bareTimes.quantile(0.5)), "p50_extra_ms")
	b.ReportMetric(float64(durableCPU.Microseconds())/float64(b.N), "cpu_us")
	b.ReportMetric(float64(bareCPU)/float64(durableCPU), "ratio_cpu")
}

// processorTime is what the process, client and server, has used of the processors so far.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var used syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &used))
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// decodeOnly answers as the notifier does, without keeping anything.
func decodeOnly(c *gin.Context) {
	body, err := io.ReadAll(http.MaxBytesReader(c.Writer, c.Request.Body, webhook.MaxBody))
	if err != nil {
		c.Status(http.StatusServiceUnavailable)
		return
	}
	if _, err := alert.Decode(body); err != nil {
		c.Status(http.StatusBadRequest)
		return
	}
	c.JSON(http.StatusOK, gin.H{"status": "accepted", "id": "1"})
}

// serve serves a handler at an address of its own until the benchmark ends.
func serve(b *testing.B, handler gin.HandlerFunc) (address string) {
	b.Helper()
	router := gin.New()
	router.POST("/api/v1/webhook", handler)
	return strings.TrimPrefix(serveHandler(b, router), "http://")
}

// serveHandler serves a handler until the benchmark ends.
func serveHandler(b *testing.B, handler http.Handler) (url string) {
	b.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(b, err)
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener) // ends with an error by Close
	}()
	b.Cleanup(func() {
		server.Close()
		<-done
	})
	return "http://" + listener.Addr().String()
}
