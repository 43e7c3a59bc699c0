// Package forwardfake stands in for a webhook's consumer: it verifies signatures, takes each delivery once, and keeps what it got.
//
// In flow requests as Alertmanager or the notifier posts them, and what a test wants to go wrong. Out flow answers and the payloads.
// It is written from the specification of Standard Webhooks and shares nothing with the sink. It speaks to nobody.
package forwardfake

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// tolerance is how far a timestamp may be from now; an older request may be one that somebody recorded.
const tolerance = 5 * time.Minute

// Server is the consumer. It is an http.Handler and safe for concurrent use.
type Server struct {
	key []byte // nil when nothing has to be signed

	mu       sync.Mutex
	got      []Webhook
	seen     map[string]bool
	failures []int
	changed  chan struct{}
}

// Webhook is what was taken.
type Webhook struct {
	ID   string
	Body json.RawMessage
}

// New is a consumer that takes only what is signed with key; nil takes everything.
func New(key []byte) *Server {
	return &Server{key: key, seen: map[string]bool{}, changed: make(chan struct{})}
}

// FailNext makes the next n requests fail with that status.
func (s *Server) FailNext(n, status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failures = append(s.failures, slices.Repeat([]int{status}, n)...)
}

// Got are the webhooks that were taken, each once.
func (s *Server) Got() []Webhook {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.got)
}

// Wait returns nil as soon as until accepts what was taken, which it is shown now and after each change; it returns the context's
// error when that ends first.
func (s *Server) Wait(ctx context.Context, until func([]Webhook) bool) error {
	for {
		s.mu.Lock()
		got, changed := slices.Clone(s.got), s.changed
		s.mu.Unlock()
		if until(got) {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("waiting for a webhook: %w", ctx.Err())
		}
	}
}

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, "the body did not arrive whole", http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.failures) > 0 {
		status := s.failures[0]
		s.failures = s.failures[1:]
		http.Error(w, "failed on purpose", status)
		return
	}
	if s.key != nil {
		if err := Verify(s.key, r.Header, body, time.Now()); err != nil {
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		}
	}
	if !json.Valid(body) || r.Header.Get("Content-Type") != "application/json" {
		http.Error(w, "no JSON", http.StatusBadRequest)
		return
	}
	id := r.Header.Get("Webhook-Id")
	if id == "" || !s.seen[id] {
		s.seen[id] = true
		s.got = append(s.got, Webhook{id, body})
		close(s.changed)
		s.changed = make(chan struct{})
	}
	_, _ = io.WriteString(w, "taken\n")
}

// Verify is what is wrong with the signature of a request.
//
// Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md#verifying-webhook-authenticity.
func Verify(key []byte, header http.Header, body []byte, now time.Time) error {
	id, timestamp := header.Get("Webhook-Id"), header.Get("Webhook-Timestamp")
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil {
		return errors.New("webhook-timestamp is missing or no number")
	}
	if age := now.Sub(time.Unix(seconds, 0)); age > tolerance || age < -tolerance {
		return errors.New("webhook-timestamp is too far from now")
	}
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%s.%s", id, timestamp, body)
	want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	for given := range strings.FieldsSeq(header.Get("Webhook-Signature")) {
		if hmac.Equal([]byte(given), []byte(want)) {
			return nil
		}
	}
	return errors.New("webhook-signature does not fit")
}
