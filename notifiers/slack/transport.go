package slack

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"sync"
	"time"

	"github.com/alertvitals/notifier/notifiers"
)

// answerSize bounds what is read of an answer; Slack repeats the whole message in it.
const answerSize = 1 << 20

// transport turns every status but 200, the only one with which Slack takes a message, into the error that it means, so
// that no answer is judged in two places. It keeps the client from following a redirect with our token.
//
// Slack limits each method on its own: https://docs.slack.dev/apis/web-api/rate-limits. One that asked to be left alone is not asked
// again until then: whoever keeps asking is cut off.
type transport struct {
	next http.RoundTripper
	now  func() time.Time

	mu sync.Mutex
	// rests are until when methods are left alone, by their names.
	rests map[string]time.Time
}

func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	method := path.Base(r.URL.Path)
	if rest := t.rest(method); rest > 0 {
		if r.Body != nil {
			_ = r.Body.Close() // a RoundTripper has to
		}
		return nil, &notifiers.Error{
			Reason: notifiers.RateLimited, RetryAfter: rest, Err: errors.New("Slack has asked for a pause before"), //nolint:staticcheck // a name
		}
	}
	resp, err := t.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode == http.StatusOK {
		if wait := notifiers.RetryAfter(resp.Header, t.now()); wait > 0 {
			t.leaveAlone(method, wait) // "ratelimited" comes with 200, too: https://github.com/prometheus/alertmanager/issues/2111
		}
		resp.Body = limited{io.LimitReader(resp.Body, answerSize), resp.Body}
		return resp, nil
	}
	defer resp.Body.Close()
	said := errorWord(resp)
	answered := fmt.Errorf("Slack answers %s%s", notifiers.StatusInWords(resp.StatusCode), inBrackets(said)) //nolint:staticcheck // a name
	e := notifiers.FromStatus(resp.StatusCode, resp.Header, t.now(), answered)
	if e == nil {
		e = &notifiers.Error{Reason: notifiers.Server, Err: answered}
	}
	if resp.StatusCode == http.StatusTooManyRequests {
		t.leaveAlone(method, e.RetryAfter)
	}
	if meaning := meanings[said]; e.Permanent && meaning.Permanent {
		e.Reason = meaning.Reason // the word says it closer than the status: 404 no_service is a webhook that was revoked
	}
	return nil, e
}

// rest is how long a method wants to be left alone.
func (t *transport) rest(method string) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.rests[method].Sub(t.now())
}

func (t *transport) leaveAlone(method string, wait time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.rests == nil {
		t.rests = map[string]time.Time{}
	}
	t.rests[method] = t.now().Add(wait)
}

// limited is a body of which only the beginning can be read.
type limited struct {
	io.Reader
	io.Closer
}

// errorWord is the error word that incoming webhooks give as the body, "" when the body is anything else.
func errorWord(resp *http.Response) string {
	body, err := io.ReadAll(io.LimitReader(resp.Body, 100))
	if said := string(bytes.TrimSpace(body)); err == nil && word.MatchString(said) {
		return said
	}
	return ""
}

func inBrackets(text string) string {
	if text == "" {
		return ""
	}
	return " (" + text + ")"
}
