package slack

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/alertvitals/notifier/notifiers"
)

// answerSize bounds what is read of an answer; Slack repeats the whole message in it.
const answerSize = 1 << 20

// transport turns every status but 200, the only one with which Slack takes a message, into the error that it means, so
// that no answer is judged in two places. It keeps the client from following a redirect with our token.
type transport struct {
	next http.RoundTripper
	now  func() time.Time
}

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := t.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode == http.StatusOK {
		resp.Body = limited{io.LimitReader(resp.Body, answerSize), resp.Body}
		return resp, nil
	}
	defer resp.Body.Close()
	said := errorWord(resp)
	answered := fmt.Errorf("Slack answers %d %s%s", resp.StatusCode, strings.ToLower(http.StatusText(resp.StatusCode)), inBrackets(said)) //nolint:staticcheck // a name
	e := notifiers.FromStatus(resp.StatusCode, resp.Header, t.now(), answered)
	if e == nil {
		e = &notifiers.Error{Reason: notifiers.Server, Err: answered}
	}
	if meaning := meanings[said]; e.Permanent && meaning.Permanent {
		e.Reason = meaning.Reason // the word says it closer than the status: 404 no_service is a webhook that was revoked
	}
	return nil, e
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
