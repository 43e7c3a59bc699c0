package faults

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alertvitals/notifier/notifiers/slack/slackfake"
)

const token = "xoxb-planted-secret"

// weather is how the stand-in for Slack behaves.
type weather int

const (
	fair   weather = iota
	rough          // one request in six fails, each in a way of its own
	outage         // all requests fail
)

// sink is Slack as slackfake keeps it, behind a line that fails as it is told, with a transcript of what was taken.
type sink struct {
	slack  *slackfake.Server
	server *httptest.Server

	// taking makes the order of the transcript that in which Slack took the calls.
	taking     sync.Mutex
	transcript []call

	mu      sync.Mutex
	rnd     *rand.Rand
	weather weather
	refuse  func(call) string // Slack's error word for a call that it never takes; nil refuses none
	epoch   int               // which start of the notifier calls
	taken   counter
	open    map[net.Conn]bool
	closed  chan struct{} // closed and made anew when a connection ends
}

func newSink(t testing.TB, rnd *rand.Rand) *sink {
	t.Helper()
	s := &sink{
		slack: slackfake.New(token), rnd: rand.New(rand.NewPCG(rnd.Uint64(), 0)),
		taken: newCounter(), open: map[net.Conn]bool{}, closed: make(chan struct{}),
	}
	s.server = httptest.NewUnstartedServer(s)
	s.server.Config.ConnState = s.connection
	s.server.Start()
	t.Cleanup(s.server.Close)
	return s
}

func (s *sink) connection(c net.Conn, state http.ConnState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch state {
	case http.StateNew:
		s.open[c] = true
	case http.StateClosed, http.StateHijacked:
		delete(s.open, c)
		close(s.closed)
		s.closed = make(chan struct{})
	default:
	}
}

// nextEpoch waits until everything that a killed notifier has sent is dealt with, so that what comes later is its
// successor's.
func (s *sink) nextEpoch(ctx context.Context) error {
	if err := s.acceptAll(ctx); err != nil {
		return err
	}
	for {
		s.mu.Lock()
		n, closed := len(s.open), s.closed
		if n == 0 {
			s.epoch++
			s.mu.Unlock()
			return nil
		}
		s.mu.Unlock()
		select {
		case <-closed:
		case <-ctx.Done():
			return fmt.Errorf("%d connections of a notifier that is gone stay open: %w", n, ctx.Err())
		}
	}
}

// barrier is a path that is not Slack's.
const barrier = "/barrier"

// acceptAll waits until every connection that a killed notifier has made is known: the kernel may hold some that nobody has accepted
// yet, in their order, and one of our own comes after them.
func (s *sink) acceptAll(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.server.URL+barrier, nil)
	if err != nil {
		return err
	}
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

func (s *sink) setWeather(w weather) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.weather = w
}

// trouble is how one call goes wrong.
type trouble int

const (
	none trouble = iota
	status500
	status503
	retrySeconds
	retryDate
	hang
	drop
	// The others take the message and lose the answer.
	taken500
	takenHang
	takenDrop
	takenHalf
	troubles
)

func (tr trouble) takes() bool { return tr == none || tr >= taken500 }

// next is what the next call suffers, and in which epoch it is.
func (s *sink) next() (tr trouble, epoch int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.weather == outage:
		return []trouble{status500, status503, drop}[s.rnd.IntN(3)], s.epoch
	case s.weather == rough && s.rnd.IntN(6) == 0:
		tr = 1 + trouble(s.rnd.IntN(int(troubles)-1))
		if (tr == hang || tr == takenHang) && s.rnd.IntN(4) > 0 {
			tr = drop // a call that hangs holds up much else
		}
		return tr, s.epoch
	default:
		return none, s.epoch
	}
}

// slow is how long an answer may take and still be certain to arrive before the notifier gives up, after 2 s.
const slow = time.Second

func (s *sink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == barrier {
		return
	}
	arrived := time.Now()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the notifier is gone, and Slack takes no half of a message
	}
	if strings.HasSuffix(r.URL.Path, "/chat.getPermalink") { // it asks, and shows nobody anything
		r.Body = io.NopCloser(bytes.NewReader(body))
		s.slack.ServeHTTP(w, r)
		return
	}
	c := readCall(strings.TrimPrefix(r.URL.Path, "/api/"), body)
	tr, epoch := s.next()
	c.Epoch = epoch
	if s.refuse != nil {
		if word := s.refuse(c); word != "" {
			fmt.Fprintf(w, `{"ok":false,"error":%q}`, word)
			return
		}
	}
	if !tr.takes() {
		s.record(c)
		s.misbehave(w, r, tr, nil)
		return
	}
	s.taking.Lock()
	answer := httptest.NewRecorder()
	r.Body = io.NopCloser(bytes.NewReader(body))
	s.slack.ServeHTTP(answer, r)
	c = c.answered(answer.Body.Bytes())
	c.Lost = tr != none || time.Since(arrived) > slow || r.Context().Err() != nil
	s.transcript = append(s.transcript, c)
	s.taking.Unlock()
	if c.Taken {
		s.taken.add()
	}
	if tr != none {
		s.misbehave(w, r, tr, answer.Body.Bytes())
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(answer.Body.Bytes())
}

func (s *sink) record(c call) {
	s.taking.Lock()
	defer s.taking.Unlock()
	s.transcript = append(s.transcript, c)
}

func (s *sink) misbehave(w http.ResponseWriter, r *http.Request, tr trouble, answer []byte) {
	switch tr {
	case status500, taken500:
		w.WriteHeader(http.StatusInternalServerError)
	case status503:
		w.WriteHeader(http.StatusServiceUnavailable)
	case retrySeconds:
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusTooManyRequests)
	case retryDate:
		w.Header().Set("Retry-After", time.Now().Add(2*time.Second).UTC().Format(http.TimeFormat))
		w.WriteHeader(http.StatusTooManyRequests)
	case hang, takenHang:
		<-r.Context().Done() // until the notifier gives up or is killed
	case takenHalf:
		w.Header().Set("Content-Length", fmt.Sprint(len(answer)))
		_, _ = w.Write(answer[:len(answer)/2])
		panic(http.ErrAbortHandler)
	default:
		panic(http.ErrAbortHandler)
	}
}

// calls is the transcript so far.
func (s *sink) calls() []call {
	s.taking.Lock()
	defer s.taking.Unlock()
	return s.transcript[:len(s.transcript):len(s.transcript)]
}

// counter counts, and can be waited for.
type counter struct {
	state *counterState
}

type counterState struct {
	mu      sync.Mutex
	n       int
	changed chan struct{}
}

func newCounter() counter { return counter{&counterState{changed: make(chan struct{})}} }

func (c counter) add() {
	c.state.mu.Lock()
	defer c.state.mu.Unlock()
	c.state.n++
	close(c.state.changed)
	c.state.changed = make(chan struct{})
}

func (c counter) now() (n int, changed <-chan struct{}) {
	c.state.mu.Lock()
	defer c.state.mu.Unlock()
	return c.state.n, c.state.changed
}

// reach waits until the count is n.
func (c counter) reach(ctx context.Context, n int) error {
	for {
		now, changed := c.now()
		if now >= n {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("waiting for the %dth, there are %d: %w", n, now, ctx.Err())
		}
	}
}

// TestSinkKeepsItsTranscript: the suite's own eyes must see what was taken, and nothing else.
func TestSinkKeepsItsTranscript(t *testing.T) {
	s := newSink(t, rand.New(rand.NewPCG(1, 1)))
	post := func() (status int, answer map[string]any) {
		body := `{"channel":"#team","text":"🔴 g1-u2","attachments":[{"color":"#E01E5A","fallback":"g1-a1-s2-u2"}]}`
		req, err := http.NewRequest(http.MethodPost, s.server.URL+"/api/chat.postMessage", strings.NewReader(body))
		require.NoError(t, err)
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Authorization", "Bearer "+token)
		resp, err := s.server.Client().Do(req)
		if err != nil {
			return 0, nil
		}
		defer resp.Body.Close()
		_ = json.NewDecoder(resp.Body).Decode(&answer)
		return resp.StatusCode, answer
	}

	status, answer := post()
	s.setWeather(outage)
	failed, _ := post()

	require.Equal(t, http.StatusOK, status)
	require.NotEqual(t, http.StatusOK, failed)
	calls := s.calls()
	require.Len(t, calls, 2)
	require.Equal(t, answer["ts"], calls[0].TS)
	require.True(t, calls[0].Taken)
	require.False(t, calls[1].Taken)
	require.Equal(t, 1, calls[0].Group)
	require.Equal(t, 2, calls[0].Version)
	require.Equal(t, receiver("team"), calls[0].Channel)
}
