package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/promslog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/alertvitals/notifier/logging"
)

// A thousand failures write some lines, of which the last says how many there are not; each failure is in the list of deliveries.
func TestFailuresUnderLoadWriteFewLines(t *testing.T) {
	const failures = 1000
	refuses := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }))
	defer refuses.Close()
	from := source{name: "notifier.yml", read: func() ([]byte, error) {
		return []byte(fmt.Sprintf("route: {receiver: refuses}\nreceivers: [{name: refuses, webhook_configs: [{url: %q}]}]\n", refuses.URL)), nil
	}}
	reg := newRegistry()
	var log bytes.Buffer
	logger, flush := newLogger(&promslog.Config{Writer: &log}, reg)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	disk := storage{path: t.TempDir(), retention: 48 * time.Hour, size: smallestSize, free: 1 << 20}
	go func() { ended <- serveOn(ctx, from, disk, listener, logger, reg) }()

	// One webhook a group: each is a failure of its own.
	posts := make(chan int)
	go func() {
		defer close(posts)
		for i := range failures {
			posts <- i
		}
	}()
	posted := make(chan error)
	for range 8 {
		go func() {
			for i := range posts {
				body := fmt.Sprintf(`{"version":"4","groupKey":"%d","status":"firing","alerts":[{"status":"firing","labels":{"alertname":"A"},
					"startsAt":"2026-03-14T09:14:00Z","fingerprint":"%016d"}]}`, i, i)
				resp, err := http.Post("http://"+listener.Addr().String()+"/api/v1/webhook", "application/json", strings.NewReader(body))
				if err == nil {
					err = resp.Body.Close()
				}
				posted <- err
			}
		}()
	}
	for range failures {
		require.NoError(t, <-posted)
	}
	dead := func() (sum float64) {
		for _, m := range familyOf(t, reg, "notifier_dead_letters_total").GetMetric() {
			sum += m.GetCounter().GetValue()
		}
		return sum
	}
	require.Eventually(t, func() bool { return dead() == failures }, patience, 20*time.Millisecond)
	stop()
	require.NoError(t, <-ended)
	flush()

	written := strings.Count(log.String(), "It is a dead letter now")
	assert.GreaterOrEqual(t, written, logging.First)
	assert.Less(t, written, failures/2)
	suppressed := 0
	for _, found := range regexp.MustCompile(`suppressed=(\d+)`).FindAllStringSubmatch(log.String(), -1) {
		n := 0
		_, err := fmt.Sscan(found[1], &n)
		require.NoError(t, err)
		suppressed += n
	}
	assert.Equal(t, failures, written+suppressed, "what is not written is counted")
	assert.InDelta(t, suppressed, familyOf(t, reg, "notifier_log_lines_suppressed_total").GetMetric()[0].GetCounter().GetValue(), 0)
	assert.Contains(t, log.String(), "Stopped", "and the lines of others are there")
	assert.NotContains(t, log.String(), refuses.URL, "a webhook's address may be a secret")
}
