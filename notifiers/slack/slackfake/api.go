package slackfake

import (
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	slackapi "github.com/slack-go/slack"

	"github.com/alertvitals/notifier/notifiers/slack/slackview"
)

// call is what a method of the Web API was asked.
type call struct {
	token, channel, ts, threadTS string
	message                      slackview.Message
	form                         url.Values
	// host is where the server was asked.
	host string
}

// api answers a method of the Web API.
//
// Source: https://docs.slack.dev/apis/web-api and https://docs.slack.dev/reference/methods/chat.postMessage.
func (s *Server) api(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	refuse := func(word string) { writeJSON(w, map[string]any{"ok": false, "error": word}) }
	c, refusal := readCall(r)
	method := path.Base(r.URL.Path)
	if f, released, failing := s.nextFailure(method); failing {
		if f.Taken {
			s.take(method, c)
		}
		f.misbehave(w, r, released, refuse)
		return
	}
	if s.tooFast(w, method, c.channel, refuse) {
		return
	}
	switch {
	case refusal != "":
		refuse(refusal)
	case c.token == "":
		refuse("not_authed")
	case c.token != s.token:
		refuse("invalid_auth")
	default:
		answer, refusal := s.take(method, c)
		if refusal != "" {
			refuse(refusal)
			return
		}
		writeJSON(w, answer)
	}
}

// take does what the method says. refusal is Slack's error word, "" when all went well.
func (s *Server) take(method string, c call) (answer map[string]any, refusal string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch method {
	case "chat.postMessage", "chat.update":
	case "chat.getPermalink":
		return s.permalink(c.form)
	case "files.getUploadURLExternal":
		return s.place(c)
	case "files.completeUploadExternal":
		return s.complete(c.form)
	default:
		return nil, "unknown_method"
	}
	var ch *slackview.Channel
	if method == "chat.postMessage" {
		ch = s.open(c.channel)
	} else if ch = s.channels[c.channel]; ch == nil {
		return nil, "channel_not_found" // chat.update wants the ID
	}
	if ch == nil {
		return nil, "channel_not_found"
	}
	if s.archived[ch.ID] {
		return nil, "is_archived"
	}
	if refusal = refusalOf(c.message); refusal != "" {
		return nil, refusal
	}
	if !s.hasFiles(c.message) {
		return nil, "invalid_blocks"
	}
	var ts string
	if method == "chat.postMessage" {
		ts = s.post(ch, c)
	} else if ts, refusal = s.update(ch, c); refusal != "" {
		return nil, refusal
	}
	s.announce()
	return map[string]any{"ok": true, "channel": ch.ID, "ts": ts, "text": c.message.Text, "message": map[string]any{"text": c.message.Text, "ts": ts}}, ""
}

// post adds the message to the channel or to a thread of it. A reply to a message that is gone stands in the channel.
func (s *Server) post(ch *slackview.Channel, c call) string {
	c.message.TS = s.nextTS()
	for i := range ch.Messages {
		if parent := &ch.Messages[i]; c.threadTS != "" && parent.TS == c.threadTS {
			parent.Replies = append(parent.Replies, c.message)
			return c.message.TS
		}
	}
	ch.Messages = append(ch.Messages, c.message)
	return c.message.TS
}

// update replaces what the message says: an edit without blocks removes them.
func (s *Server) update(ch *slackview.Channel, c call) (ts, refusal string) {
	i := slices.IndexFunc(ch.Messages, func(m slackview.Message) bool { return m.TS == c.ts })
	if i < 0 {
		return "", "message_not_found"
	}
	m := &ch.Messages[i]
	if s.editable > 0 && time.Since(m.At()) > s.editable {
		return "", "edit_window_closed"
	}
	m.Text, m.Blocks, m.Attachments = c.message.Text, c.message.Blocks, c.message.Attachments
	m.Edits++
	return m.TS, ""
}

// readCall reads a form or a JSON body. refusal is Slack's error word.
func readCall(r *http.Request) (c call, refusal string) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 4<<20))
	if err != nil {
		return call{}, "invalid_form_data"
	}
	c.host, c.form = r.Host, r.URL.Query()
	c.token, _ = strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	var arguments struct {
		Channel     string          `json:"channel"`
		TS          string          `json:"ts"`
		ThreadTS    string          `json:"thread_ts"`
		Text        string          `json:"text"`
		Blocks      json.RawMessage `json:"blocks"`
		Attachments json.RawMessage `json:"attachments"`
	}
	if mediaType == "application/json" {
		if err := json.Unmarshal(body, &arguments); err != nil {
			return c, "invalid_json"
		}
	} else {
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return c, "invalid_form_data"
		}
		if r.Method == http.MethodPost {
			c.form = form
		}
		if c.token == "" {
			c.token = form.Get("token")
		}
		arguments.Channel, arguments.TS, arguments.ThreadTS, arguments.Text = form.Get("channel"), form.Get("ts"), form.Get("thread_ts"), form.Get("text")
		arguments.Blocks, arguments.Attachments = []byte(form.Get("blocks")), []byte(form.Get("attachments"))
	}
	c.channel, c.ts, c.threadTS = arguments.Channel, arguments.TS, arguments.ThreadTS
	c.message, refusal = decode(arguments.Text, arguments.Blocks, arguments.Attachments)
	return c, refusal
}

func decode(text string, blocks, attachments []byte) (m slackview.Message, refusal string) {
	m = slackview.Message{From: "notifier", Text: text}
	if len(blocks) > 0 {
		if err := json.Unmarshal(blocks, &m.Blocks); err != nil {
			return m, "invalid_blocks_format"
		}
	}
	if len(attachments) > 0 {
		var list []slackapi.Attachment
		if err := json.Unmarshal(attachments, &list); err != nil {
			return m, "invalid_attachments"
		}
		m.Attachments = list
	}
	return m, ""
}

// webhook answers an incoming webhook: "ok", or an error word as plain text with a status.
//
// Source: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks#handling_errors.
func (s *Server) webhook(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html")
	c, refusal := readCall(r)
	if refusal == "" {
		refusal = refusalOf(c.message)
	}
	if f, released, failing := s.nextFailure(""); failing {
		if f.Taken {
			s.takeWebhook(c)
		}
		f.misbehave(w, r, released, func(word string) { fmt.Fprint(w, word) })
		return
	}
	if s.tooFast(w, "webhook", r.URL.Path, func(word string) { fmt.Fprint(w, word) }) {
		return
	}
	if refusal != "" {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, refusal) //nolint:gosec // a word of a closed set
		return
	}
	s.takeWebhook(c)
	fmt.Fprint(w, "ok")
}

func (s *Server) takeWebhook(c call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	wasClosed := s.closed
	s.closed = false
	ch := s.open(WebhookChannel)
	s.closed = wasClosed
	c.threadTS = ""
	s.post(ch, c)
	s.announce()
}

func writeJSON(w http.ResponseWriter, answer map[string]any) {
	if err := json.NewEncoder(w).Encode(answer); err != nil {
		panic(http.ErrAbortHandler) // the client is gone
	}
}
