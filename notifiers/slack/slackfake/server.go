package slackfake

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/alertvitals/notifier/notifiers/slack/slackview"
)

// WebhookChannel is the channel of every incoming webhook: a webhook belongs to one channel, whatever the message asks.
const WebhookChannel = "webhook"

// Server is a Slack workspace. It is an http.Handler and safe for concurrent use:
//
//	POST /api/chat.postMessage, …update, …getPermalink, /api/files.…External
//	                                               the Web API; the sink's api_base_url is http://HOST/api/
//	POST /upload/…                                 where a file is put
//	POST /services/…                               an incoming webhook, with any path below it
//	GET /, GET /state                              the channels for people, and as JSON
type Server struct {
	token string
	mux   *http.ServeMux

	mu       sync.Mutex
	channels map[string]*slackview.Channel // by ID
	archived map[string]bool               // by ID
	closed   bool                          // only the channels that are there can be posted to
	posts    int
	files    map[string]*file // by ID
	failures []Failure
	// paces are nil when nothing is too fast; editable is for how long a message can be edited, 0 for ever.
	paces    map[string]*rate.Limiter
	editable time.Duration
	released chan struct{}
	changed  chan struct{}
}

// State is all that the workspace holds, channels in the order of their names.
type State struct {
	Channels []slackview.Channel `json:"channels"`
}

// Messages are those of the channel of that name, with or without "#"; nil when there is none.
func (s State) Messages(name string) []slackview.Message {
	for _, c := range s.Channels {
		if c.Name == strings.TrimPrefix(name, "#") {
			return c.Messages
		}
	}
	return nil
}

// New is a workspace whose bot has the token. When channels are named there are no others; else a channel is made when
// it is first posted to.
func New(token string, channels ...string) *Server {
	s := &Server{
		token:    token,
		mux:      http.NewServeMux(),
		channels: map[string]*slackview.Channel{},
		archived: map[string]bool{},
		files:    map[string]*file{},
		released: make(chan struct{}),
		changed:  make(chan struct{}),
	}
	for _, name := range channels {
		s.open(name)
	}
	s.closed = len(channels) > 0
	s.mux.HandleFunc("POST /api/{method}", s.api)
	s.mux.HandleFunc("GET /api/chat.getPermalink", s.api)
	s.mux.HandleFunc("POST /upload/{id}", s.upload)
	s.mux.HandleFunc("POST /services/", s.webhook)
	s.mux.HandleFunc("GET /state", s.serveState)
	s.mux.HandleFunc("GET /{$}", s.servePage)
	return s
}

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// Messages are those of the channel of that name, the oldest first.
func (s *Server) Messages(name string) []slackview.Message { return s.State().Messages(name) }

// State is a copy of all channels.
func (s *Server) State() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state()
}

func (s *Server) state() State {
	var state State
	for _, c := range s.channels {
		view := *c
		view.Messages = slices.Clone(c.Messages)
		for i := range view.Messages {
			view.Messages[i].Replies = slices.Clone(view.Messages[i].Replies)
			view.Messages[i].Pictures = s.picturesOf(view.Messages[i])
		}
		state.Channels = append(state.Channels, view)
	}
	slices.SortFunc(state.Channels, func(a, b slackview.Channel) int { return strings.Compare(a.Name, b.Name) })
	return state
}

// Wait returns nil as soon as until accepts the state, which it is shown now and after each change; it returns the
// context's error when that ends first.
func (s *Server) Wait(ctx context.Context, until func(State) bool) error {
	for {
		s.mu.Lock()
		state, changed := s.state(), s.changed
		s.mu.Unlock()
		if until(state) {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("waiting for a change in the fake Slack: %w", ctx.Err())
		}
	}
}

// Archive makes a channel refuse every message.
func (s *Server) Archive(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.find(name); c != nil {
		s.archived[c.ID] = true
	}
}

// Delete removes the message from the channel, as a person may.
func (s *Server) Delete(name, ts string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.find(name); c != nil {
		c.Messages = slices.DeleteFunc(c.Messages, func(m slackview.Message) bool { return m.TS == ts })
		s.announce()
	}
}

// announce wakes all that wait. s.mu is held.
func (s *Server) announce() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// find is the channel of that name or ID, nil when there is none. s.mu is held.
func (s *Server) find(nameOrID string) *slackview.Channel {
	if c, ok := s.channels[nameOrID]; ok {
		return c
	}
	for c := range maps.Values(s.channels) {
		if c.Name == strings.TrimPrefix(nameOrID, "#") {
			return c
		}
	}
	return nil
}

// open is the channel of that name or ID; it makes one where it may. s.mu is held.
func (s *Server) open(nameOrID string) *slackview.Channel {
	c := s.find(nameOrID)
	if c == nil && !s.closed && nameOrID != "" {
		name := strings.TrimPrefix(nameOrID, "#")
		hash := fnv.New64a()
		_, _ = hash.Write([]byte(name)) // never fails
		c = &slackview.Channel{ID: fmt.Sprintf("C%010X", hash.Sum64()&0xffffffffff), Name: name}
		s.channels[c.ID] = c
	}
	return c
}

// nextTS is a timestamp that no other message has. s.mu is held.
func (s *Server) nextTS() string {
	s.posts++
	return fmt.Sprintf("%d.%06d", time.Now().Unix(), s.posts)
}

func (s *Server) serveState(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(s.State()); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

// servePage shows the channels; the browser asks again every two seconds.
func (s *Server) servePage(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; img-src data:")
	w.Header().Set("Refresh", "2")
	if err := slackview.Page(w, s.State().Channels); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}
