package notifiertest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/alertvitals/notifier/notifiers"
)

// Harness is how the suite builds one sink that speaks HTTP.
type Harness struct {
	// New builds the sink so that all its requests go below the URL, with Secret as its credential or as a part of the
	// address that is one. A timeout of its own is longer than a test.
	New func(t *testing.T, url string) notifiers.Notifier
	// Secret is what must never show in an error.
	Secret string
	// Taken answers as the service does when it takes a message.
	Taken http.HandlerFunc
	// Successes are the statuses that mean that the message was taken, when Taken's body comes with them.
	Successes []int
	// Shown is what a person can read of a body, with the service's escapes undone.
	Shown func(t *testing.T, body []byte) string
	// TooMany are the statuses beside 429 with which the service says that we send too fast.
	TooMany []int
	// StatusOnly is whether the service says all by the status of its answer, so that a body means nothing.
	StatusOnly bool
	// Inspect looks at the bodies that one message with the text in all its fields led to, and fails the test where the
	// text could do harm.
	Inspect func(t *testing.T, text string, bodies [][]byte)
}

// Run runs all that applies to a sink that speaks HTTP.
func Run(t *testing.T, h Harness) {
	t.Run("statuses", h.statuses)
	t.Run("retry-after", h.retryAfter)
	t.Run("cancelled while the server hangs", h.hangs)
	t.Run("dropped connection", h.drops)
	t.Run("refused connection", h.refuses)
	t.Run("secret stays secret", h.secret)
	t.Run("concurrent sends", h.concurrent)
	t.Run("hostile texts", func(t *testing.T) { RunContent(t, h.build, h.Inspect) })
	t.Run("notes", func(t *testing.T) { RunNotes(t, h.build, h.Shown) })
	t.Run("amendments", func(t *testing.T) { RunAmendments(t, h.build) })
	t.Run("ten megabytes", func(t *testing.T) { RunHuge(t, h.build, h.Shown) })
}

// build makes the sink and a server that takes all that it sends.
func (h Harness) build(t *testing.T) (n notifiers.Notifier, sent func() [][]byte) {
	var mu sync.Mutex
	var bodies [][]byte
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		assert.NoError(t, err)
		mu.Lock()
		bodies = append(bodies, body)
		mu.Unlock()
		r.Body = io.NopCloser(bytes.NewReader(body))
		h.Taken(w, r)
	})
	return h.New(t, url), func() [][]byte {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(bodies)
	}
}

// RunContent sends one message for each hostile text by a sink that build makes, and hands what the far side got to
// inspect. It serves sinks that do not speak HTTP too.
func RunContent(t *testing.T, build func(t *testing.T) (n notifiers.Notifier, sent func() [][]byte),
	inspect func(t *testing.T, text string, sent [][]byte),
) {
	for name, text := range HostileTexts() {
		t.Run(name, func(t *testing.T) {
			n, sent := build(t)

			_, err := n.Notify(t.Context(), Hostile(text))

			require.NoError(t, err)
			bodies := sent()
			require.NotEmpty(t, bodies, "nothing was sent")
			inspect(t, text, bodies)
		})
	}
}

// RunNotes sends what says something of its own telling, by a sink that build makes: with all else in it a megabyte long the
// note is read, and a message of the past is told whether or not the group has a living one. It serves sinks that do not speak
// HTTP too.
func RunNotes(t *testing.T, build func(t *testing.T) (n notifiers.Notifier, sent func() [][]byte),
	shown func(t *testing.T, body []byte) string,
) {
	read := func(t *testing.T, bodies [][]byte) string {
		t.Helper()
		var all strings.Builder
		for _, body := range bodies {
			all.WriteString(shown(t, body))
		}
		return all.String()
	}
	for _, name := range []string{"a megabyte", "a megabyte of <", "nothing"} {
		t.Run("beside "+name, func(t *testing.T) {
			n, sent := build(t)
			m := Hostile(HostileTexts()[name])
			m.Content.Note = Fallback().Content.Note

			_, err := n.Notify(t.Context(), m)

			require.NoError(t, err)
			assert.Contains(t, read(t, sent()), m.Content.Note)
		})
	}
	for name, first := range map[string]bool{"late, after the group's message": true, "late and alone": false} {
		t.Run(name, func(t *testing.T) {
			n, sent := build(t)
			var previous notifiers.Receipt
			var err error
			if first {
				previous, err = n.Notify(t.Context(), Firing())
				require.NoError(t, err)
			}
			m := Late(previous)

			_, err = n.Notify(t.Context(), m)

			require.NoError(t, err)
			assert.Contains(t, read(t, sent()), m.Content.Note)
		})
	}
}

// RunAmendments tells vitals after their message: it is not an error, whether or not the sink can, and what the group's next
// message needs is kept. It serves sinks that do not speak HTTP too.
func RunAmendments(t *testing.T, build func(t *testing.T) (n notifiers.Notifier, sent func() [][]byte)) {
	for name, state := range map[string]func(notifiers.Receipt) notifiers.Message{"firing": Amended, "over": func(previous notifiers.Receipt) notifiers.Message {
		m := Resolved(previous)
		m.Amends, m.Content.News = true, ""
		return m
	}} {
		t.Run(name, func(t *testing.T) {
			n, sent := build(t)
			first, err := n.Notify(t.Context(), Firing())
			require.NoError(t, err)

			second, err := n.Notify(t.Context(), state(first))
			require.NoError(t, err)
			assert.Equal(t, first == nil, second == nil, "the receipt is as good as the one before")

			before := len(sent())
			_, err = n.Notify(t.Context(), Resolved(second))
			require.NoError(t, err)
			assert.Greater(t, len(sent()), before)
		})
	}
}

// RunHuge sends ten megabytes of labels, and reads the note all the same. It serves sinks that do not speak HTTP too.
func RunHuge(t *testing.T, build func(t *testing.T) (n notifiers.Notifier, sent func() [][]byte),
	shown func(t *testing.T, body []byte) string,
) {
	n, sent := build(t)
	m := Huge()

	_, err := n.Notify(t.Context(), m)

	require.NoError(t, err)
	var all strings.Builder
	for _, body := range sent() {
		all.WriteString(shown(t, body))
	}
	assert.True(t, strings.Contains(all.String(), m.Content.Note), "the note is not shown") // assert.Contains would print it all
}

// serve is the URL of a server that lasts for the test.
func serve(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // broken connections are the point
	server.Start()
	t.Cleanup(func() {
		server.CloseClientConnections() // a request may still hang on purpose
		server.Close()
	})
	return server.URL
}

// errorOf is the *Error of a send that must fail.
func errorOf(t *testing.T, n notifiers.Notifier, m notifiers.Message) *notifiers.Error {
	t.Helper()
	_, err := n.Notify(t.Context(), m)
	var e *notifiers.Error
	require.ErrorAs(t, err, &e)
	return e
}

// statuses goes through all that a server can answer. 1xx is no answer to a POST: net/http takes all but 101 for the announcement of
// one that never comes.
func (h Harness) statuses(t *testing.T) {
	var next atomic.Int64
	n := h.New(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch status := int(next.Load()); {
		case slices.Contains(h.Successes, status):
			h.Taken(statusWriter{w, status}, r)
		case status < http.StatusOK:
			sayRaw(w, r, fmt.Sprintf("HTTP/1.1 %d Announced\r\n\r\n", status))
		default:
			w.WriteHeader(status)
		}
	}))
	for status := 100; status <= 599; status++ {
		next.Store(int64(status))
		if status < http.StatusOK {
			e := errorOf(t, n, Firing())
			assert.Contains(t, []notifiers.Reason{notifiers.Unreachable, notifiers.Server}, e.Reason, status)
			assert.False(t, e.Permanent, status)
			continue
		}
		if slices.Contains(h.Successes, status) {
			_, err := n.Notify(t.Context(), Firing())
			assert.NoError(t, err, status)
			continue
		}
		e := errorOf(t, n, Firing())
		want := notifiers.FromStatus(status, nil, time.Time{}, nil)
		if want == nil {
			want = &notifiers.Error{Reason: notifiers.Server} // a 2xx that the service never sends
		}
		if slices.Contains(h.TooMany, status) {
			want = &notifiers.Error{Reason: notifiers.RateLimited}
		}
		assert.Equal(t, want.Reason, e.Reason, status)
		assert.Equal(t, want.Permanent, e.Permanent, status)
		assert.Zero(t, e.RetryAfter, status)
		assert.NotEmpty(t, e.Error(), status)
	}
}

// sayRaw answers with bytes as they are, and breaks the connection.
func sayRaw(w http.ResponseWriter, r *http.Request, text string) {
	_, _ = io.Copy(io.Discard, r.Body)
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	defer conn.Close() //nolint:errcheck // it breaks on purpose
	_, _ = io.WriteString(conn, text)
}

// statusWriter answers with a status where the handler would answer 200.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w statusWriter) Write(body []byte) (int, error) {
	w.WriteHeader(w.status)
	return w.ResponseWriter.Write(body)
}

func (h Harness) retryAfter(t *testing.T) {
	for _, status := range []int{http.StatusTooManyRequests, http.StatusServiceUnavailable} {
		// Each time a new sink: one that was asked to wait may wait.
		wait := func(value string) time.Duration {
			return errorOf(t, h.New(t, serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Retry-After", value)
				w.WriteHeader(status)
			})), Firing()).RetryAfter
		}
		assert.Equal(t, 30*time.Second, wait("30"), "%d in seconds", status)
		date := wait(time.Now().Add(20 * time.Minute).UTC().Format(http.TimeFormat))
		assert.Positive(t, date, "%d as a date", status)
		assert.LessOrEqual(t, date, 20*time.Minute, "%d as a date", status)
		assert.Zero(t, wait("-1"), "%d with a value that is none", status)
		assert.Equal(t, time.Hour, wait("999999999"), "%d for ever", status)
	}
}

func (h Harness) hangs(t *testing.T) {
	arrived := make(chan struct{})
	n := h.New(t, serve(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // net/http sees that the client left only when the body is read
		close(arrived)
		<-r.Context().Done()
	}))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		<-arrived
		cancel()
	}()

	_, err := n.Notify(ctx, Firing())

	var e *notifiers.Error
	require.ErrorAs(t, err, &e)
	require.ErrorIs(t, err, context.Canceled)
	assert.Equal(t, notifiers.Timeout, e.Reason)
	assert.False(t, e.Permanent)
}

func (h Harness) drops(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"before the answer": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"in the middle of the body": func(w http.ResponseWriter, r *http.Request) {
			recorder := httptest.NewRecorder()
			h.Taken(recorder, r)
			body := recorder.Body.Bytes()
			w.Header().Set("Content-Type", recorder.Header().Get("Content-Type"))
			w.Header().Set("Content-Length", fmt.Sprint(len(body)+1))
			_, _ = w.Write(body[:len(body)/2])
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		},
	} {
		t.Run(name, func(t *testing.T) {
			e := errorOf(t, h.New(t, serve(t, handler)), Firing())

			assert.Equal(t, notifiers.Unreachable, e.Reason)
			assert.False(t, e.Permanent)
		})
	}
}

func (h Harness) refuses(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()

	e := errorOf(t, h.New(t, server.URL), Firing())

	assert.Equal(t, notifiers.Unreachable, e.Reason)
	assert.False(t, e.Permanent)
	assert.NotContains(t, e.Error(), h.Secret)
}

// secret lets the server repeat all that it got, in every way that a sink may read.
func (h Harness) secret(t *testing.T) {
	for name, answer := range map[string]func(w http.ResponseWriter, echo []byte){
		"a bad request":   func(w http.ResponseWriter, echo []byte) { w.WriteHeader(http.StatusBadRequest); say(w, echo) },
		"a broken server": func(w http.ResponseWriter, echo []byte) { w.WriteHeader(http.StatusBadGateway); say(w, echo) },
		"a bare text":     func(w http.ResponseWriter, echo []byte) { say(w, echo) },
		"an error in JSON": func(w http.ResponseWriter, echo []byte) {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprintf(w, `{"ok":false,"error":%q,"errors":[%q],"needed":%q,"response_metadata":{"messages":[%q]}}`, echo, echo, echo, echo)
		},
		"a redirect": func(w http.ResponseWriter, echo []byte) {
			w.Header().Set("Location", "http://127.0.0.1:1/"+h.Secret)
			w.WriteHeader(http.StatusTemporaryRedirect)
			say(w, echo)
		},
		"no answer": func(http.ResponseWriter, []byte) { panic(http.ErrAbortHandler) },
		"an echo that speaks no HTTP": func(w http.ResponseWriter, echo []byte) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				panic(err)
			}
			defer conn.Close() //nolint:errcheck // it breaks on purpose
			say(conn, append(echo, '\n'))
		},
	} {
		if h.StatusOnly && (name == "a bare text" || name == "an error in JSON") {
			continue // these come with 200
		}
		t.Run(name, func(t *testing.T) {
			n := h.New(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
				var all bytes.Buffer
				fmt.Fprintf(&all, "%s %s %v ", h.Secret, r.URL, r.Header)
				_, _ = io.Copy(&all, r.Body)
				answer(w, all.Bytes())
			}))

			m := Firing()
			m.Heard = func(name, value string) { assert.NotContains(t, name+value, h.Secret) }

			_, err := n.Notify(t.Context(), m)

			require.Error(t, err)
			assert.NotContains(t, fmt.Sprintf("%v %+v %#v", err, err, err), h.Secret)
			for _, part := range strings.FieldsFunc(h.Secret, func(r rune) bool { return r == '/' }) {
				assert.NotContains(t, err.Error(), part)
			}
		})
	}
}

// say writes the body; whether it arrives is the client's affair.
func say(w io.Writer, body []byte) { _, _ = w.Write(body) }

func (h Harness) concurrent(t *testing.T) {
	n := h.New(t, serve(t, h.Taken))
	var all sync.WaitGroup
	for i := range 100 {
		all.Go(func() {
			m := Firing()
			m.ID = fmt.Sprint("01JNSAMPLE", i)
			_, err := n.Notify(t.Context(), m)
			assert.NoError(t, err)
		})
	}
	all.Wait()
}
