package slackview

import (
	"strconv"
	"strings"
	"time"

	slackapi "github.com/slack-go/slack"
)

// Channel is a channel and its messages, the oldest first.
type Channel struct {
	ID string `json:"id"`
	// Name is without "#".
	Name     string    `json:"name"`
	Messages []Message `json:"messages"`
}

// Message is a message as it stands in a channel or a thread.
type Message struct {
	// From is the name of the app that posted it.
	From string `json:"from,omitempty"`
	// TS is Slack's name for the message: the time of the post in seconds, with a fraction that makes it unique.
	TS          string                `json:"ts"`
	Text        string                `json:"text,omitempty"`
	Blocks      slackapi.Blocks       `json:"blocks,omitzero"`
	Attachments []slackapi.Attachment `json:"attachments,omitempty"`
	// Pictures are the files that its image blocks show, by their IDs.
	Pictures map[string][]byte `json:"pictures,omitempty"`
	// Edits is how often it was edited.
	Edits int `json:"edits,omitempty"`
	// Replies are the messages of its thread.
	Replies []Message `json:"replies,omitempty"`
}

// At is when the message was posted; zero when TS does not say.
func (m Message) At() time.Time {
	seconds, _, _ := strings.Cut(m.TS, ".")
	unix, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.Unix(unix, 0).UTC()
}

// clock is the time of the post, "" when it is not known.
func (m Message) clock() string {
	if at := m.At(); !at.IsZero() {
		return at.Format("15:04")
	}
	return ""
}

func (m Message) from() string {
	if m.From == "" {
		return "notifier"
	}
	return m.From
}

// bodyText is the text, where Slack shows it: with blocks, it stands in notifications only.
func (m Message) bodyText() string {
	if len(m.Blocks.BlockSet) > 0 {
		return ""
	}
	return m.Text
}
