package slackfake

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// call asks a method of the Web API with a form, as slack-go does.
func ask(t *testing.T, s *Server, method string, form url.Values) map[string]any {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/api/"+method, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	require.Equal(t, http.StatusOK, w.Code)
	var answer map[string]any
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &answer))
	return answer
}

func form(pairs ...string) url.Values {
	values := url.Values{"token": {"xoxb-1"}, "channel": {"#alerts"}, "text": {"hello"}}
	for i := 0; i < len(pairs); i += 2 {
		values.Set(pairs[i], pairs[i+1])
	}
	return values
}

func TestPostEditAndReply(t *testing.T) {
	s := New("xoxb-1")

	posted := ask(t, s, "chat.postMessage", form())
	id, ts := posted["channel"].(string), posted["ts"].(string)
	edited := ask(t, s, "chat.update", form("channel", id, "ts", ts, "text", "edited"))
	replied := ask(t, s, "chat.postMessage", form("channel", id, "thread_ts", ts, "text", "reply"))

	assert.Regexp(t, `^C[0-9A-F]{10}$`, id)
	assert.Equal(t, ts, edited["ts"])
	assert.NotEqual(t, ts, replied["ts"])
	messages := s.Messages("#alerts")
	require.Len(t, messages, 1)
	assert.Equal(t, "edited", messages[0].Text)
	assert.Equal(t, 1, messages[0].Edits)
	require.Len(t, messages[0].Replies, 1)
	assert.Equal(t, "reply", messages[0].Replies[0].Text)
}

func TestRefusals(t *testing.T) {
	section := func(text string) string {
		return `[{"type":"section","text":{"type":"mrkdwn","text":"` + text + `"}}]`
	}
	for name, tc := range map[string]struct {
		method string
		form   url.Values
		want   string
	}{
		"no token":             {"chat.postMessage", form("token", ""), "not_authed"},
		"wrong token":          {"chat.postMessage", form("token", "xoxb-2"), "invalid_auth"},
		"unknown method":       {"chat.shout", form(), "unknown_method"},
		"unknown channel":      {"chat.postMessage", form("channel", "#other"), "channel_not_found"},
		"no channel":           {"chat.postMessage", form("channel", ""), "channel_not_found"},
		"archived":             {"chat.postMessage", form("channel", "old"), "is_archived"},
		"edit by name":         {"chat.update", form("ts", "1.1"), "channel_not_found"},
		"nothing":              {"chat.postMessage", form("text", ""), "no_text"},
		"long text":            {"chat.postMessage", form("text", strings.Repeat("x", 40001)), "msg_too_long"},
		"not blocks":           {"chat.postMessage", form("blocks", "[{"), "invalid_blocks_format"},
		"unknown block":        {"chat.postMessage", form("blocks", `[{"type":"surprise"}]`), "invalid_blocks"},
		"empty section":        {"chat.postMessage", form("blocks", section("")), "invalid_blocks"},
		"long section":         {"chat.postMessage", form("blocks", section(strings.Repeat("x", 3001))), "invalid_blocks"},
		"long section in bar":  {"chat.postMessage", form("attachments", `[{"blocks":`+section(strings.Repeat("x", 3001))+`}]`), "invalid_attachments"},
		"long header":          {"chat.postMessage", form("blocks", `[{"type":"header","text":{"type":"plain_text","text":"`+strings.Repeat("x", 151)+`"}}]`), "invalid_blocks"},
		"mrkdwn header":        {"chat.postMessage", form("blocks", `[{"type":"header","text":{"type":"mrkdwn","text":"x"}}]`), "invalid_blocks"},
		"eleven fields":        {"chat.postMessage", form("blocks", `[{"type":"section","fields":[`+strings.TrimSuffix(strings.Repeat(`{"type":"mrkdwn","text":"x"},`, 11), ",")+`]}]`), "invalid_blocks"},
		"51 blocks":            {"chat.postMessage", form("blocks", "["+strings.TrimSuffix(strings.Repeat(`{"type":"divider"},`, 51), ",")+"]"), "invalid_blocks"},
		"too much in all":      {"chat.postMessage", form("blocks", "["+strings.TrimSuffix(strings.Repeat(strings.Trim(section(strings.Repeat("x", 2900)), "[]")+",", 5), ",")+"]"), "msg_blocks_too_long"},
		"button to javascript": {"chat.postMessage", form("blocks", `[{"type":"actions","elements":[{"type":"button","text":{"type":"plain_text","text":"x"},"url":"javascript:alert(1)"}]}]`), "invalid_blocks"},
	} {
		t.Run(name, func(t *testing.T) {
			s := New("xoxb-1", "alerts", "old")
			s.Archive("#old")

			answer := ask(t, s, tc.method, tc.form)

			assert.Equal(t, map[string]any{"ok": false, "error": tc.want}, answer)
			assert.Empty(t, s.Messages("alerts"))
		})
	}
}

func TestADeletedMessageCannotBeEdited(t *testing.T) {
	s := New("xoxb-1")
	posted := ask(t, s, "chat.postMessage", form())
	s.Delete("alerts", posted["ts"].(string))

	answer := ask(t, s, "chat.update", form("channel", posted["channel"].(string), "ts", posted["ts"].(string)))

	assert.Equal(t, "message_not_found", answer["error"])
}

func postWebhook(t *testing.T, address, body string) (int, string) {
	t.Helper()
	resp, err := http.Post(address+"/services/T/B/x", "application/json", strings.NewReader(body))
	require.NoError(t, err)
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(answer)
}

func start(t *testing.T, s *Server) string {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return server.URL
}

func TestWebhook(t *testing.T) {
	s := New("xoxb-1", "alerts")
	address := start(t, s)

	status, answer := postWebhook(t, address, `{"text":"hello","channel":"#alerts"}`)
	assert.Equal(t, http.StatusOK, status)
	assert.Equal(t, "ok", answer)

	status, answer = postWebhook(t, address, `{}`)
	assert.Equal(t, http.StatusBadRequest, status)
	assert.Equal(t, "no_text", answer)

	require.Len(t, s.Messages(WebhookChannel), 1)
	assert.Empty(t, s.Messages("alerts"), "a webhook has a channel of its own")
}

func TestFailures(t *testing.T) {
	s := New("xoxb-1")
	address := start(t, s)
	s.FailNext(2, Failure{Status: http.StatusTooManyRequests, RetryAfter: "30"})
	s.FailNext(1, Failure{Error: "no_service"})
	s.FailNext(1, Failure{Status: http.StatusBadGateway, Taken: true})

	for range 2 {
		status, _ := postWebhook(t, address, `{"text":"x"}`)
		assert.Equal(t, http.StatusTooManyRequests, status)
	}
	_, answer := postWebhook(t, address, `{"text":"x"}`)
	assert.Equal(t, "no_service", answer)
	assert.Empty(t, s.Messages(WebhookChannel))

	status, _ := postWebhook(t, address, `{"text":"taken"}`)
	assert.Equal(t, http.StatusBadGateway, status)
	require.Len(t, s.Messages(WebhookChannel), 1, "it took the message and lost the answer")

	_, answer = postWebhook(t, address, `{"text":"x"}`)
	assert.Equal(t, "ok", answer)
}

func TestDrop(t *testing.T) {
	s := New("xoxb-1")
	address := start(t, s)
	s.FailNext(1, Failure{Drop: true})

	_, err := http.Post(address+"/services/T/B/x", "application/json", strings.NewReader(`{"text":"x"}`))

	require.ErrorIs(t, err, io.EOF)
}

func TestHangUntilReleased(t *testing.T) {
	s := New("xoxb-1")
	address := start(t, s)
	s.FailNext(1, Failure{Hang: true, Taken: true, Error: "ok"})
	answers := make(chan string)
	go func() {
		_, answer := postWebhook(t, address, `{"text":"x"}`)
		answers <- answer
	}()
	require.NoError(t, s.Wait(t.Context(), func(state State) bool { return len(state.Messages(WebhookChannel)) == 1 }))

	select {
	case <-answers:
		t.Fatal("it answered before it was released")
	default:
	}
	s.Release()

	assert.Equal(t, "ok", <-answers)
}

func TestWait(t *testing.T) {
	s := New("xoxb-1")
	address := start(t, s)
	go postWebhook(t, address, `{"text":"one"}`)
	go postWebhook(t, address, `{"text":"two"}`)

	require.NoError(t, s.Wait(t.Context(), func(state State) bool { return len(state.Messages(WebhookChannel)) == 2 }))

	ctx, cancel := context.WithTimeout(t.Context(), time.Nanosecond)
	defer cancel()
	require.ErrorIs(t, s.Wait(ctx, func(State) bool { return false }), context.DeadlineExceeded)
}

func TestStateAndPage(t *testing.T) {
	s := New("xoxb-1")
	ask(t, s, "chat.postMessage", form("attachments", `[{"color":"#E01E5A","blocks":[{"type":"divider"}]}]`))

	get := func(path string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		return w
	}

	var state State
	require.NoError(t, json.Unmarshal(get("/state").Body.Bytes(), &state))
	assert.Equal(t, s.State(), state, "the state survives JSON, blocks included")
	page := get("/")
	assert.Contains(t, page.Body.String(), "hello")
	assert.Equal(t, "2", page.Header().Get("Refresh"))
	assert.Equal(t, http.StatusNotFound, get("/other").Code)
}
