package bench

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// client is one keep-alive connection that posts webhooks. It knows just enough of HTTP/1.1: client and server share the
// processors, and a client that costs as much as the server would hide what the server costs.
type client struct {
	conn   net.Conn
	reader *bufio.Reader
}

func dial(tb testing.TB, address string) *client {
	tb.Helper()
	conn, err := net.Dial("tcp", address)
	require.NoError(tb, err)
	tb.Cleanup(func() { conn.Close() })
	return &client{conn: conn, reader: bufio.NewReader(conn)}
}

// request is the bytes of a POST of body.
func request(body []byte) []byte {
	return fmt.Appendf(nil, "POST /api/v1/webhook HTTP/1.1\r\nHost: notifier\r\nUser-Agent: Alertmanager/0.34.2\r\n"+
		"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

var errNoLength = errors.New("the answer has no Content-Length")

// post writes a request and reads the whole answer.
func (c *client) post(request []byte) (status int, err error) {
	if _, err = c.conn.Write(request); err != nil {
		return 0, fmt.Errorf("posting: %w", err)
	}
	line, err := c.reader.ReadSlice('\n')
	if err != nil {
		return 0, fmt.Errorf("reading the answer: %w", err)
	}
	if len(line) < len("HTTP/1.1 200") {
		return 0, fmt.Errorf("the answer begins with %q", line)
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, fmt.Errorf("the answer begins with %q", line)
	}
	length := -1
	for {
		if line, err = c.reader.ReadSlice('\n'); err != nil {
			return 0, fmt.Errorf("reading the answer: %w", err)
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			break
		}
		if value, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			if length, err = strconv.Atoi(string(value)); err != nil {
				return 0, errNoLength
			}
		}
	}
	if length < 0 {
		return 0, errNoLength
	}
	if _, err = io.CopyN(io.Discard, c.reader, int64(length)); err != nil {
		return 0, fmt.Errorf("reading the answer: %w", err)
	}
	return status, nil
}

// postAll posts the requests over the clients, each of which takes the next one. times has one sample for each.
func postAll(clients []*client, requests [][]byte) (times samples, err error) {
	times = make(samples, len(requests))
	errs := make([]error, len(clients))
	next := make(chan int, len(requests))
	for i := range requests {
		next <- i
	}
	close(next)
	var wg sync.WaitGroup
	for n, c := range clients {
		wg.Go(func() {
			for i := range next {
				start := time.Now()
				status, err := c.post(requests[i])
				times[i] = time.Since(start)
				if err == nil && status != http.StatusOK {
					err = fmt.Errorf("the answer is %d", status)
				}
				if err != nil {
					errs[n] = err
					return
				}
			}
		})
	}
	wg.Wait()
	return times, errors.Join(errs...)
}
