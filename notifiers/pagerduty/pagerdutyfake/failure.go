package pagerdutyfake

import (
	"net/http"
	"slices"
)

// Failure is how a request goes wrong.
type Failure struct {
	// Status is the HTTP status of the answer.
	Status int
	// RetryAfter is the header of that name, absent when empty.
	RetryAfter string
	// Drop breaks the connection instead of answering.
	Drop bool
	// Taken is whether the event is taken nonetheless: only the answer is lost.
	Taken bool
}

// FailNext makes the next n requests fail, after those that were asked for before.
func (s *Server) FailNext(n int, f Failure) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failures = append(s.failures, slices.Repeat([]Failure{f}, n)...)
}

// nextFailure is what a request is to suffer; ok is false when it is to go well. s.mu is held.
func (s *Server) nextFailure() (f Failure, ok bool) {
	if len(s.failures) == 0 {
		return Failure{}, false
	}
	f, s.failures = s.failures[0], s.failures[1:]
	return f, true
}

func (f Failure) misbehave(w http.ResponseWriter) {
	if f.Drop {
		panic(http.ErrAbortHandler) // net/http breaks the connection and logs nothing
	}
	if f.RetryAfter != "" {
		w.Header().Set("Retry-After", f.RetryAfter)
	}
	answer(w, f.Status, map[string]any{"status": "failed on purpose"})
}
