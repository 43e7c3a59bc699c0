package pagerdutyfake

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"
)

// The states of an incident.
const (
	Triggered    = "triggered"
	Acknowledged = "acknowledged"
	Resolved     = "resolved"
)

// Incident is one incident, which here has one alert.
type Incident struct {
	RoutingKey string `json:"-"`
	DedupKey   string `json:"dedup_key"`
	State      string `json:"state"`
	// Summary and the rest are those of the newest trigger.
	Summary   string          `json:"summary"`
	Source    string          `json:"source"`
	Severity  string          `json:"severity"`
	Component string          `json:"component,omitempty"`
	Class     string          `json:"class,omitempty"`
	Details   json.RawMessage `json:"details,omitempty"`
	Links     []string        `json:"links,omitempty"`
	// Notified is how often somebody was notified: once, when it was opened.
	Notified int `json:"notified"`
	// Events are the actions that came for it, in their order.
	Events []string `json:"events"`
}

// State is all that happened.
type State struct {
	// Incidents are in the order in which they were opened.
	Incidents []Incident `json:"incidents"`
	// Dropped is how many events were taken and led to nothing: the end of what is not open.
	Dropped int `json:"dropped"`
}

// Open are the incidents that are not resolved.
func (s State) Open() []Incident {
	return slices.DeleteFunc(slices.Clone(s.Incidents), func(i Incident) bool { return i.State == Resolved })
}

// Server is PagerDuty. It is an http.Handler and safe for concurrent use:
//
//	POST /v2/enqueue                                  the Events API v2
//	POST /generic/2010-04-15/create_event.json        the Events API v1
//	GET  /state                                       the incidents, as JSON
type Server struct {
	// Now is the clock of the rate limit.
	Now func() time.Time

	keys []string
	mux  *http.ServeMux

	mu       sync.Mutex
	state    State
	taken    map[string][]time.Time // by routing key
	failures []Failure
	changed  chan struct{}
}

// New is a PagerDuty whose integrations have these keys.
func New(keys ...string) *Server {
	s := &Server{Now: time.Now, keys: keys, mux: http.NewServeMux(), taken: map[string][]time.Time{}, changed: make(chan struct{})}
	s.mux.HandleFunc("POST /v2/enqueue", func(w http.ResponseWriter, r *http.Request) {
		s.take(w, r, readV2, http.StatusAccepted, http.StatusTooManyRequests)
	})
	s.mux.HandleFunc("POST /generic/2010-04-15/create_event.json", func(w http.ResponseWriter, r *http.Request) {
		s.take(w, r, readV1, http.StatusOK, http.StatusForbidden)
	})
	s.mux.HandleFunc("GET /state", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, s.State()) })
	return s
}

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// take answers an event: read finds what is wrong with it.
func (s *Server) take(w http.ResponseWriter, r *http.Request, read func([]byte) (incident, []string), ok, tooMany int) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		answer(w, http.StatusBadRequest, refusal("the body did not arrive whole"))
		return
	}
	e, wrong := read(body)
	s.mu.Lock()
	f, failing := s.nextFailure()
	switch {
	case failing:
		if f.Taken && len(wrong) == 0 {
			s.apply(e)
		}
		s.mu.Unlock()
		f.misbehave(w)
		return
	case len(wrong) == 0 && !slices.Contains(s.keys, e.RoutingKey):
		wrong = []string{"Invalid routing key"}
	case len(wrong) == 0 && !s.withinRate(e.RoutingKey):
		s.mu.Unlock()
		answer(w, tooMany, map[string]any{"status": "throttle exceeded", "message": "Request Limit Exceeded"})
		return
	}
	if len(wrong) == 0 {
		s.apply(e)
	}
	s.mu.Unlock()
	if len(wrong) > 0 {
		answer(w, http.StatusBadRequest, refusal(wrong...))
		return
	}
	answer(w, ok, map[string]any{"status": "success", "message": "Event processed", "dedup_key": e.DedupKey})
}

func refusal(wrong ...string) map[string]any {
	return map[string]any{"status": "invalid event", "message": "Event object is invalid", "errors": wrong}
}

// apply does what the event says, by the rules of
// https://developer.pagerduty.com/docs/send-alert-event#alert-de-duplication: an event belongs to the open incident of its key at
// the same integration; a trigger without one opens one, and anything else is dropped. s.mu is held.
func (s *Server) apply(e incident) {
	defer s.announce()
	for i := range s.state.Incidents {
		open := &s.state.Incidents[i]
		if open.RoutingKey != e.RoutingKey || open.DedupKey != e.DedupKey || open.State == Resolved {
			continue
		}
		open.Events = append(open.Events, e.action)
		switch e.action {
		case "trigger": // notifies nobody; an acknowledged incident stays so
			e.State, e.Notified, e.Events = open.State, open.Notified, open.Events
			*open = e.Incident
		case "acknowledge":
			open.State = Acknowledged
		default:
			open.State = Resolved
		}
		return
	}
	if e.action != "trigger" {
		s.state.Dropped++
		return
	}
	e.State, e.Notified, e.Events = Triggered, 1, []string{e.action}
	s.state.Incidents = append(s.state.Incidents, e.Incident)
}

// Acknowledge and Resolve are what a person does with the incident that is open for a dedup_key.
func (s *Server) Acknowledge(dedupKey string) error { return s.byHand(dedupKey, Acknowledged) }

// Resolve closes it by hand.
func (s *Server) Resolve(dedupKey string) error { return s.byHand(dedupKey, Resolved) }

func (s *Server) byHand(dedupKey, state string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.state.Incidents {
		if open := &s.state.Incidents[i]; open.DedupKey == dedupKey && open.State != Resolved {
			open.State = state
			s.announce()
			return nil
		}
	}
	return errors.New("no incident of that key is open")
}

// State is a copy of all that happened.
func (s *Server) State() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.copied()
}

func (s *Server) copied() State {
	state := s.state
	state.Incidents = slices.Clone(state.Incidents)
	for i := range state.Incidents {
		state.Incidents[i].Events = slices.Clone(state.Incidents[i].Events)
	}
	return state
}

// Wait returns nil as soon as until accepts the state, which it is shown now and after each change; it returns the context's error
// when that ends first.
func (s *Server) Wait(ctx context.Context, until func(State) bool) error {
	for {
		s.mu.Lock()
		state, changed := s.copied(), s.changed
		s.mu.Unlock()
		if until(state) {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("waiting for a change in the fake PagerDuty: %w", ctx.Err())
		}
	}
}

// announce wakes all that wait. s.mu is held.
func (s *Server) announce() {
	close(s.changed)
	s.changed = make(chan struct{})
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) //nolint:errchkjson // these have JSON; whether it arrives is the client's affair
}
