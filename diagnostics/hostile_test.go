package diagnostics

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	commoncfg "github.com/prometheus/common/config"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/alertvitals/notifier/config/httpclient"
)

// rawAgent is an agent that answers each connection in its own way, without regard for HTTP.
func rawAgent(t *testing.T, answer func(net.Conn)) (url string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var all sync.WaitGroup
	all.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer conn.Close()
				conn.Read(make([]byte, 4096))
				answer(conn)
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		all.Wait()
	})
	return "http://" + l.Addr().String()
}

func written(answer string) func(net.Conn) {
	return func(conn net.Conn) { io.WriteString(conn, answer) }
}

func zipped(body string) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	io.WriteString(w, body)
	w.Close()
	return b.Bytes()
}

// P5, P9: what an agent that lies about its answer said is kept, and it is said that it is not all.
func TestP9WhatCameOfABrokenAnswerIsShownAsAPart(t *testing.T) {
	const body = "go_goroutines 7\ngo_threads 12345"
	half := zipped(strings.Repeat("go_goroutines 7\n", 5000))
	for _, c := range []struct {
		name    string
		answer  func(net.Conn)
		samples int
		ok      bool
		note    string
	}{
		{
			"a length that is wrong", written("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 1000\r\n\r\n" + body),
			1, true, "connection closed by HOST; the rest was not read",
		},
		{
			"closed in the middle of a chunk", written("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n100\r\n" + body),
			1, true, "connection closed by HOST; the rest was not read",
		},
		{
			"half-closed after the headers", func(conn net.Conn) {
				io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 1000\r\n\r\n")
				conn.(*net.TCPConn).CloseWrite()
				io.Copy(io.Discard, conn)
			}, 0, false, "connection closed by HOST",
		},
		{
			"half of a compressed body", written(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s", len(half)-8, half[:len(half)-8])),
			1, true, "connection closed by HOST; the rest was not read",
		},
		{"no HTTP", written("220 mail.example.com ESMTP\r\n"), 0, false, "HOST could not be asked"},
		{"an unknown compression", written("HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 1\r\n\r\nx"), 0, false, "the answer is compressed in a way that was not asked for"},
		{
			"another name for gzip", written(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Encoding: x-gzip\r\nContent-Length: %d\r\n\r\n%s",
				len(zipped(body)), zipped(body))), 2, true, "",
		},
		{"endless headers", func(conn net.Conn) {
			io.WriteString(conn, "HTTP/1.1 200 OK\r\n")
			for line := []byte("X-More: " + strings.Repeat("x", 8000) + "\r\n"); ; {
				if _, err := conn.Write(line); err != nil {
					return
				}
			}
		}, 0, false, "HOST could not be asked"},
	} {
		t.Run(c.name, func(t *testing.T) {
			url := rawAgent(t, c.answer)
			collector := newCollector(t, url)
			s := collector.Snapshot(t.Context(), about)
			assert.Equal(t, strings.ReplaceAll(c.note, "HOST", strings.TrimPrefix(url, "http://")), s.Metrics.Note)
			assert.Equal(t, c.samples, s.Metrics.Samples)
			assert.Equal(t, c.ok, s.Metrics.OK)
			if c.samples == 1 {
				assert.Equal(t, "go-runtime", s.Profile)
				assert.InDelta(t, 7, *vitalNamed(t, s, "goroutines").Value, 0)
				assert.Empty(t, ask(t, collector, s.Metrics.At, "go_threads"), "half a number is none")
			}
		})
	}
}

// grown is how much memory do allocated in all, and how much of it is still in use.
func grown(do func()) (allocated, live uint64) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	do()
	runtime.GC()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc, after.HeapAlloc - min(after.HeapAlloc, before.HeapAlloc)
}

// P5: what an agent sends without end takes no memory without end. What is counted includes all garbage, and the sending agent.
func TestP5HostileAnswersTakeLittleMemory(t *testing.T) {
	const mib = 1 << 20
	metrics := http.NewServeMux()
	metrics.HandleFunc("/series", func(w http.ResponseWriter, _ *http.Request) {
		line := make([]byte, 0, 100)
		for i := range 1_000_000 {
			line = append(append(append(line[:0], `http_requests_total{path="/v1/agents/`...), strconv.Itoa(i)...), "\"} 1\n"...)
			if _, err := w.Write(line); err != nil {
				return
			}
		}
	})
	zeroes := zipped(strings.Repeat("\x00", 32*mib))
	metrics.HandleFunc("/bomb", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		w.Write(zeroes)
	})
	lines := zipped(strings.Repeat("go_goroutines 7\n", 2*mib))
	metrics.HandleFunc("/lines", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		w.Write(lines)
	})
	metrics.HandleFunc("/line", func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, `a{x="`)
		io.CopyN(w, zeros{}, 32*mib)
	})
	server := httptest.NewServer(metrics)
	defer server.Close()
	for _, c := range []struct {
		path            string
		ok              bool
		samples         int
		note            string
		allocated, live uint64
	}{
		{"/series", true, 50_000, "only the first 50,000 series are kept; the answer is larger than 16 MiB; the rest was not read", 300 * mib, 120 * mib},
		{"/bomb", false, 0, "the answer is larger than 16 MiB", 200 * mib, 20 * mib},
		{"/lines", true, 1, "the answer is larger than 16 MiB; the rest was not read", 300 * mib, 20 * mib},
		{"/line", false, 0, "the answer is larger than 16 MiB", 200 * mib, 20 * mib},
	} {
		t.Run(c.path[1:], func(t *testing.T) {
			none := ""
			collector := newCollector(t, server.URL, func(a *AgentConfig, _ *Config) {
				a.MetricsPath, a.HealthPath, a.ReadyPath = &c.path, &none, &none
			})
			var s *Snapshot
			allocated, live := grown(func() { s = collector.Snapshot(t.Context(), about) })
			assert.Equal(t, c.note, s.Metrics.Note)
			assert.Equal(t, c.ok, s.Metrics.OK)
			assert.Equal(t, c.samples, s.Metrics.Samples)
			assert.Less(t, allocated, c.allocated, "%d MiB allocated", allocated/mib)
			assert.Less(t, live, c.live, "%d MiB in use", live/mib)
			t.Logf("%d MiB allocated, %d MiB in use", allocated/mib, live/mib)
		})
	}
}

// P5: an agent that gives its answer, or its headers, a little at a time is not waited for.
func TestP5AnAnswerThatDripsIsNotWaitedFor(t *testing.T) {
	for name, head := range map[string]string{
		"headers": "HTTP/1.1 200 OK\r\n",
		"body":    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 1000000\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCollector(t, "http://agent:8080", deadline(time.Second))
				listener := newPipeListener()
				var agent sync.WaitGroup
				defer agent.Wait()
				defer listener.Close()
				agent.Go(func() {
					for {
						conn, err := listener.Accept()
						if err != nil {
							return
						}
						agent.Go(func() {
							defer conn.Close()
							conn.Read(make([]byte, 4096))
							io.WriteString(conn, head)
							for {
								if _, err := io.WriteString(conn, "X-Go: 1\r\n"); err != nil {
									return
								}
								time.Sleep(50 * time.Millisecond) // in the bubble's clock
							}
						})
					}
				})
				c.settings.Load().agents[0].client = &http.Client{Transport: &http.Transport{DialContext: listener.dial, DisableKeepAlives: true}}

				began := time.Now()
				s := c.Snapshot(t.Context(), about)

				assert.LessOrEqual(t, time.Since(began), time.Second)
				note := map[string]string{"headers": "no answer within 0.9 s", "body": "the answer had not ended within 0.9 s"}[name]
				assert.Equal(t, note, s.Metrics.Note)
				assert.Equal(t, note, s.Health.Note)
				assert.False(t, s.Metrics.OK)
			})
		})
	}
}

// P10: an agent cannot send us, or its credentials, to a cloud's metadata or anywhere else.
func TestP10RedirectsLeadNowhere(t *testing.T) {
	other := newFakeAgent(t)
	for _, target := range []string{"http://169.254.169.254/latest/meta-data/", other.URL + "/metrics", "//" + strings.TrimPrefix(other.URL, "http://"), "file:///etc/passwd", "/metrics"} {
		f := newFakeAgent(t)
		redirect := func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", target)
			w.WriteHeader(http.StatusTemporaryRedirect)
		}
		f.on("/metrics", redirect)
		f.on("/health", redirect)
		s := newCollector(t, f.URL, func(a *AgentConfig, _ *Config) {
			a.HTTPConfig = &httpclient.Config{BasicAuth: &commoncfg.BasicAuth{Username: "u", Password: "hunter2"}}
		}).Snapshot(t.Context(), about)
		assert.Equal(t, "redirects elsewhere, which is not followed", s.Metrics.Note, target)
		assert.Equal(t, Unclear, s.Health.Verdict)
		assert.LessOrEqual(t, f.times("/metrics"), 8, "round and round")
	}
	assert.Zero(t, other.times("/metrics")+other.times("/"))
}

// An agent whose text hides a native histogram's buckets is asked for protobuf from then on, as long as that helps.
func TestNativeHistogramsAreAskedForAsProtobuf(t *testing.T) {
	reg := prometheus.NewRegistry()
	chat := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "agent_chat_latency_seconds", Help: "x", NativeHistogramBucketFactor: 1.1})
	reg.MustRegister(chat)
	chat.Observe(1)
	var mu sync.Mutex
	var asked []string
	refuse := 0
	f := newFakeAgent(t)
	f.on("/metrics", func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		format, _, _ := strings.Cut(r.Header.Get("Accept"), ";")
		asked = append(asked, format)
		assert.NotContains(t, r.Header.Get("Accept"), "escaping")
		if refuse != 0 && format != "text/plain" {
			w.WriteHeader(refuse)
			return
		}
		promhttp.HandlerFor(reg, promhttp.HandlerOpts{}).ServeHTTP(w, r)
	})
	c := newCollector(t, f.URL)
	now := time.Now().Add(-10 * time.Minute)
	c.now = func() time.Time { return now }
	look := func() *Snapshot {
		now = now.Add(time.Minute)
		asked = nil
		return c.Snapshot(t.Context(), about)
	}
	const text, protobuf = "text/plain", "application/vnd.google.protobuf"
	s := look()
	assert.Equal(t, []string{text}, asked)
	assert.Equal(t, 3, s.Metrics.Samples)
	s = look()
	assert.Equal(t, []string{protobuf}, asked)
	assert.Equal(t, 4, s.Metrics.Samples, "the same and the histogram itself")
	assert.Empty(t, s.Metrics.Note)
	chat.Observe(3)
	look()
	got := ask(t, c, now, "histogram_quantile(0.9, rate(agent_chat_latency_seconds[61s]))")
	require.Len(t, got, 1)
	assert.InDelta(t, 3, got[0].F, 0.3)
	assert.Len(t, ask(t, c, now, "agent_chat_latency_seconds_count"), 1, "what text has is still there")

	refuse = http.StatusNotAcceptable
	s = look()
	assert.Equal(t, []string{protobuf, text}, asked, "text is asked for at once")
	assert.True(t, s.Metrics.OK)
	refuse = 0
	look()
	assert.Equal(t, []string{text}, asked, "protobuf is left alone for a while")
	now = now.Add(textAgainFor)
	look()
	look()
	assert.Equal(t, []string{protobuf}, asked)
	f.on("/metrics", func(w http.ResponseWriter, r *http.Request) { hang(w, r) })
	c.settings.Load().agents[0].timeout = 10 * time.Millisecond
	look()
	f.on("/metrics", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(401) })
	look()
	assert.True(t, c.settings.Load().agents[0].format.protobuf(), "an agent that does not answer says nothing of the format")
}
