package web

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var quiet = slog.New(slog.DiscardHandler)

// pipes is a listener without a network, so that its clients live in a test's own time.
type pipes struct{ ends chan net.Conn }

func (p pipes) Accept() (net.Conn, error) {
	conn, open := <-p.ends
	if !open {
		return nil, net.ErrClosed
	}
	return conn, nil
}

func (p pipes) Close() error   { return nil }
func (p pipes) Addr() net.Addr { return &net.TCPAddr{} }

func (p pipes) dial() net.Conn {
	ours, theirs := net.Pipe()
	p.ends <- theirs
	return ours
}

// reads takes all of a request's body.
var reads = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
})

func TestSlowClientsAreCutOff(t *testing.T) {
	const request = "POST / HTTP/1.1\r\nHost: notifier\r\n"
	for name, tc := range map[string]struct {
		sends string
		after time.Duration
	}{
		"nothing":                          {"", headerTime},
		"half a header":                    {request, headerTime},
		"half a body":                      {request + "Content-Length: 10\r\n\r\n{", readTime},
		"half a body of unknown length":    {request + "Transfer-Encoding: chunked\r\n\r\n5\r\n{", readTime},
		"a request, and then nothing more": {request + "Content-Length: 0\r\n\r\n", idleTime},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				listener := pipes{make(chan net.Conn)}
				server := Server(reads, 10, quiet, prometheus.NewRegistry())
				done := make(chan error, 1)
				go func() { done <- server.Serve(listener) }()
				conn, began := listener.dial(), time.Now()
				_, err := io.WriteString(conn, tc.sends)
				require.NoError(t, err)

				_, err = io.Copy(io.Discard, conn) // an answer, perhaps, and then the end

				require.NoError(t, err)
				// After an answer that came before the whole request the server waits a moment for its client to read it.
				assert.InDelta(t, tc.after, time.Since(began), float64(time.Second))
				close(listener.ends)
				require.ErrorIs(t, <-done, net.ErrClosed)
			})
		})
	}
}

func TestASlowReaderIsCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		listener := pipes{make(chan net.Conn)}
		failed := make(chan time.Time, 1)
		server := Server(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			for {
				if _, err := w.Write(make([]byte, 1<<20)); err != nil {
					failed <- time.Now()
					return
				}
			}
		}), 10, quiet, prometheus.NewRegistry())
		done := make(chan error, 1)
		go func() { done <- server.Serve(listener) }()
		began := time.Now()
		conn := listener.dial()
		_, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: notifier\r\n\r\n")
		require.NoError(t, err)
		assert.Equal(t, writeTime, (<-failed).Sub(began))
		conn.Close()
		close(listener.ends)
		<-done
	})
}

// listen serves on loopback, and gives the address and the metrics.
func listen(t *testing.T, handler http.Handler, most int) (address string, reg *prometheus.Registry) {
	t.Helper()
	reg = prometheus.NewRegistry()
	server := Server(handler, most, quiet, reg)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	t.Cleanup(func() {
		server.Close()
		<-done
	})
	return listener.Addr().String(), reg
}

func TestBigHeadersAreRefused(t *testing.T) {
	address, _ := listen(t, reads, 10)
	get := func(size int) int {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address, nil)
		require.NoError(t, err)
		req.Header.Set("X-Big", strings.Repeat("x", size))
		resp, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		resp.Body.Close()
		return resp.StatusCode
	}
	assert.Equal(t, http.StatusOK, get(mostHeader/2))
	assert.Equal(t, http.StatusRequestHeaderFieldsTooLarge, get(mostHeader+8192))
}

// Whoever opens connections and sends nothing on them, or half a header, keeps nobody out.
func TestIdleAndSlowConnectionsMakeRoom(t *testing.T) {
	const most = 5
	address, reg := listen(t, reads, most)
	var strangers []net.Conn
	for i := range 4 * most {
		conn, err := net.Dial("tcp", address)
		require.NoError(t, err)
		defer conn.Close()
		if i%2 == 0 {
			_, err = io.WriteString(conn, "POST / HTTP/1.1\r\nHost:")
			require.NoError(t, err)
		}
		strangers = append(strangers, conn)
		// A webhook comes through meanwhile, each on a connection of its own.
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		resp, err := client.Post("http://"+address, "application/json", strings.NewReader("{}"))
		require.NoError(t, err)
		resp.Body.Close()
		assert.Equal(t, http.StatusOK, resp.StatusCode)
	}
	for _, conn := range strangers[:2*most] { // those who came first had to go
		_, err := conn.Read(make([]byte, 1))
		require.Error(t, err)
	}
	assert.Positive(t, gathered(t, reg, "notifier_http_connections_dropped_total"))
	assert.LessOrEqual(t, gathered(t, reg, "notifier_http_connections"), float64(most))
}

// gathered is the value of a metric.
func gathered(t *testing.T, reg *prometheus.Registry, name string) float64 {
	t.Helper()
	families, err := reg.Gather()
	require.NoError(t, err)
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetCounter().GetValue() + f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	t.Fatalf("there is no metric %s", name)
	return 0
}

// Requests that are under way are left alone for as long as an honest one may take; then they make room, too.
func TestRequestsMakeRoomWhenTheyAreSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const most = 3
		conns := newConnections(most, prometheus.NewRegistry())
		open := func() net.Conn {
			ours, theirs := net.Pipe()
			t.Cleanup(func() { theirs.Close() })
			conns.changed(ours, http.StateNew)
			return ours
		}
		closed := func(conn net.Conn) bool {
			_ = conn.SetDeadline(time.Now().Add(-time.Second))
			_, err := conn.Write([]byte("x"))
			_ = conn.SetDeadline(time.Time{})
			return errors.Is(err, io.ErrClosedPipe)
		}
		var busy []net.Conn
		for range most {
			conn := open()
			conns.changed(conn, http.StateActive)
			busy = append(busy, conn)
			time.Sleep(time.Second)
		}

		newcomer := open()
		assert.True(t, closed(newcomer), "all are at work, so there is no room")
		conns.changed(newcomer, http.StateActive) // as a server may say before it sees that the connection is closed
		conns.changed(newcomer, http.StateClosed)
		time.Sleep(patience)
		assert.False(t, closed(open()))
		assert.True(t, closed(busy[0]), "the oldest went")
		conns.changed(busy[1], http.StateIdle)
		assert.False(t, closed(open()))
		assert.False(t, closed(busy[2]))
		conns.changed(busy[2], http.StateClosed)
		assert.Len(t, conns.open, most-1)
		assert.Equal(t, 3.0, testutil.ToFloat64(conns.dropped))
	})
}

func TestConnectionsOfTLSMakeRoom(t *testing.T) {
	const most = 2
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Proto) })
	server := httptest.NewUnstartedServer(handler)
	server.Config = Server(handler, most, quiet, prometheus.NewRegistry())
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	var first *tls.Conn
	for range 3 * most {
		conn, err := tls.Dial("tcp", server.Listener.Addr().String(), &tls.Config{InsecureSkipVerify: true})
		require.NoError(t, err)
		defer conn.Close()
		if first == nil {
			first = conn
		}
		silent, err := net.Dial("tcp", server.Listener.Addr().String()) // no handshake at all
		require.NoError(t, err)
		defer silent.Close()
	}
	_, err := bufio.NewReader(first).ReadByte()
	require.Error(t, err)
	client := server.Client()
	resp, err := client.Get(server.URL)
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	assert.Equal(t, "HTTP/2.0", string(body))
}

func TestWhoeverCausesErrorsDoesNotFillTheLog(t *testing.T) {
	var log bytes.Buffer
	server := Server(reads, 10, slog.New(slog.NewTextHandler(&log, nil)), prometheus.NewRegistry())
	for range 1000 {
		server.ErrorLog.Print("http: TLS handshake error from 127.0.0.1:1: EOF")
	}
	assert.Equal(t, 10, strings.Count(log.String(), "handshake error"))
}
