package slackfake

import (
	"net/http"
	"slices"
)

// Failure is how a request goes wrong. Its zero value is an answer that is not Slack's.
type Failure struct {
	// Status is the HTTP status of the answer; 0 means 200.
	Status int
	// RetryAfter is the header of that name, absent when empty.
	RetryAfter string
	// Error is the error word: in the Web API's JSON, or as the text with which a webhook answers.
	Error string
	// Hang holds the answer back until Release, or until the client leaves.
	Hang bool
	// Drop breaks the connection instead of answering.
	Drop bool
	// Method is the only method that fails so; "" is any. Until it is called, nothing else fails either.
	Method string
	// Taken is whether the message is taken nonetheless: only the answer is lost.
	Taken bool
}

// FailNext makes the next n requests fail, after those that were asked for before.
func (s *Server) FailNext(n int, f Failure) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failures = append(s.failures, slices.Repeat([]Failure{f}, n)...)
}

// Release lets all requests that hang go on, and forgets the failures that are still due.
func (s *Server) Release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failures = nil
	close(s.released)
	s.released = make(chan struct{})
}

// nextFailure is what the request is to suffer; ok is false when it is to go well.
func (s *Server) nextFailure(method string) (f Failure, released <-chan struct{}, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.failures) == 0 || s.failures[0].Method != "" && s.failures[0].Method != method {
		return Failure{}, nil, false
	}
	f, s.failures = s.failures[0], s.failures[1:]
	return f, s.released, true
}

// misbehave answers as f says.
func (f Failure) misbehave(w http.ResponseWriter, r *http.Request, released <-chan struct{}, asWord func(word string)) {
	if f.Hang {
		select {
		case <-released:
		case <-r.Context().Done():
		}
	}
	if f.Drop {
		panic(http.ErrAbortHandler) // net/http breaks the connection and logs nothing
	}
	if f.RetryAfter != "" {
		w.Header().Set("Retry-After", f.RetryAfter)
	}
	if f.Status != 0 && f.Status != http.StatusOK {
		w.WriteHeader(f.Status)
	}
	asWord(f.Error)
}
