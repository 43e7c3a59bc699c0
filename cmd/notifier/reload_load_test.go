package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// While notifications are accepted, the only receiver is replaced by another one again and again. Each notification is told
// once, by one of the two.
func TestP2ReloadUnderLoadLosesNothing(t *testing.T) {
	const senders, each, reloads = 8, 60, 40
	dir := t.TempDir()
	path := func(receiver string) string { return filepath.Join(dir, receiver+".log") }
	var receiver atomic.Value
	receiver.Store("a")
	from := source{name: "notifier.yml", read: func() ([]byte, error) {
		name, _ := receiver.Load().(string)
		return fmt.Appendf(nil, "route: {receiver: %[1]s}\nreceivers: [{name: %[1]s, log_configs: [{output: '%[2]s'}]}]\n", name, path(name)), nil
	}}
	disk := storage{path: dir, retention: time.Hour, size: smallestSize, free: 1 << 20}
	s, err := newService(t.Context(), from, disk, port{}, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	require.NoError(t, err)
	server := httptest.NewUnstartedServer(nil)
	ctx, cancel := context.WithCancel(t.Context())
	ended := begin(func() error {
		return s.run(ctx, nil, func() error { return served(s.server.Serve(server.Listener)) })
	})
	address := "http://" + server.Listener.Addr().String()

	var sending sync.WaitGroup
	for sender := range senders {
		sending.Go(func() {
			for i := range each {
				body := fmt.Sprintf(`{"version":"4","groupKey":"%[1]d-%[2]d","status":"firing","alerts":[{"status":"firing",
					"labels":{"alertname":"%[1]d-%[2]d"},"startsAt":"2026-03-14T09:14:00Z","fingerprint":"%[1]d-%[2]d"}]}`, sender, i)
				resp, err := http.Post(address+"/api/v1/webhook", "application/json", strings.NewReader(body))
				if assert.NoError(t, err) {
					assert.Equal(t, http.StatusOK, resp.StatusCode)
					resp.Body.Close()
				}
			}
		})
	}
	for i := range reloads {
		receiver.Store([]string{"b", "a"}[i%2])
		resp, err := http.Post(address+"/-/reload", "", nil)
		require.NoError(t, err)
		assert.Equal(t, http.StatusOK, resp.StatusCode)
		resp.Body.Close()
	}
	sending.Wait()

	told := func() map[string]int {
		times := map[string]int{}
		for _, receiver := range []string{"a", "b"} {
			text, _ := os.ReadFile(path(receiver)) // it is made with the first message
			for line := range strings.Lines(string(text)) {
				var alert struct {
					Alertname string `json:"alertname"`
				}
				if json.Unmarshal([]byte(line), &alert) == nil { // the last line may be under way
					times[alert.Alertname]++
				}
			}
		}
		return times
	}
	assert.Eventually(t, func() bool { return len(told()) == senders*each }, patience, 50*time.Millisecond)
	cancel()
	require.NoError(t, ended.wait())
	times := told()
	assert.Len(t, times, senders*each)
	for name, n := range times {
		assert.Equal(t, 1, n, "%s is told once", name)
	}
	both := 0
	for _, receiver := range []string{"a", "b"} {
		if info, err := os.Stat(path(receiver)); err == nil && info.Size() > 0 {
			both++
		}
	}
	assert.Equal(t, 2, both, "the load was spread over reloads")
}
