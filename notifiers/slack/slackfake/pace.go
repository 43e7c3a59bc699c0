package slackfake

import (
	"math"
	"net/http"
	"strconv"
	"time"

	"golang.org/x/time/rate"
)

// burst is how many messages a channel takes at once. Slack documents "short bursts", not how short.
const burst = 10

// perMinute are the tiers of the methods that have one: what is promised as "at least".
//
// Source: https://docs.slack.dev/apis/web-api/rate-limits#tiers and the methods' pages.
var perMinute = map[string]int{"chat.update": 50, "files.getUploadURLExternal": 100, "files.completeUploadExternal": 100}

// KeepPace has the workspace refuse what comes too fast, as Slack documents it: a message a second for each channel and each
// incoming webhook, and the tiers of the other methods.
func (s *Server) KeepPace() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.paces = map[string]*rate.Limiter{}
}

// CloseEdits has the workspace refuse to edit what is older than that, as its administrators can have it.
//
// Source: https://docs.slack.dev/reference/methods/chat.update#errors, edit_window_closed.
func (s *Server) CloseEdits(after time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.editable = after
}

// tooFast answers that the method was called too often, if it was. Target is the channel, or the webhook's path.
func (s *Server) tooFast(w http.ResponseWriter, method, target string, asWord func(word string)) bool {
	wait := s.pace(method, target)
	if wait == 0 {
		return false
	}
	w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
	w.WriteHeader(http.StatusTooManyRequests)
	asWord("ratelimited")
	return true
}

// pace is how long the caller has to wait; 0 takes the call.
func (s *Server) pace(method, target string) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	key, limit, atOnce := method, rate.Inf, 1
	if n := perMinute[method]; n > 0 {
		limit, atOnce = rate.Limit(n)/60, n
	}
	if method == "chat.postMessage" || method == "webhook" {
		key, limit, atOnce = method+" "+target, 1, burst
	}
	if s.paces == nil || limit == rate.Inf {
		return 0
	}
	if s.paces[key] == nil {
		s.paces[key] = rate.NewLimiter(limit, atOnce)
	}
	reserved := s.paces[key].Reserve()
	wait := reserved.Delay()
	if wait > 0 {
		reserved.Cancel()
	}
	return wait
}
