package slack

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	commoncfg "github.com/prometheus/common/config"
	slackapi "github.com/slack-go/slack"

	"github.com/alertvitals/notifier/alert"
	"github.com/alertvitals/notifier/notifiers"
	"github.com/alertvitals/notifier/templates"
)

// The keys of a Receipt: the ID of the channel and the timestamp that is the message's name in it; the channel that was
// configured then, because a group moves with its receiver to another one; the files that hold its pictures, and for which
// delivery they were drawn last; the delivery by which it was edited, while its news is still to be said in the thread.
const (
	channelKey    = "channel"
	tsKey         = "ts"
	configuredKey = "configured"
	picturesKey   = "pictures"
	drawnKey      = "drawn"
	editedKey     = "edited"
)

// Notifier is one Slack integration. It is safe for concurrent use and keeps nothing between calls.
type Notifier struct {
	config    Config
	templates *templates.Set
	client    *http.Client
}

var _ notifiers.Notifier = (*Notifier)(nil)

// New makes the sink, with the templates that its Words use. Its error says what is wrong with the configuration.
func New(c Config, set *templates.Set) (*Notifier, error) {
	if problems := c.Validate(); len(problems) > 0 {
		return nil, fmt.Errorf("slack: %s: %s", problems[0].Path, problems[0].Msg)
	}
	next := http.DefaultTransport
	if c.HTTPConfig != nil {
		client, err := commoncfg.NewClientFromConfig(c.HTTPConfig.Common(), "slack")
		if err != nil {
			return nil, fmt.Errorf("slack: making the HTTP client: %w", err)
		}
		next = client.Transport
	}
	return &Notifier{
		config: c, templates: set,
		client: &http.Client{Transport: &transport{next: next, now: time.Now}, Timeout: c.requestTimeout()},
	}, nil
}

// Notify posts the message or, with a bot token and a Previous, edits it and says the news in its thread. When the edit
// went through and the reply did not, the whole is tried again: the edit is idempotent. A message that can no longer be
// edited is replaced by a fresh one, which leads to it and whose Receipt takes the old one's place. A late message stands in
// the thread of the group's message, or in the channel when there is none. An amendment edits; an incoming webhook, which
// cannot, posts the vitals of a critical group and leaves the others out. Pictures follow a fresh message, which does not wait
// for them.
//
// Source: https://docs.slack.dev/reference/methods/chat.postMessage, …/chat.update and
// https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks.
func (n *Notifier) Notify(ctx context.Context, m notifiers.Message) (notifiers.Receipt, error) {
	secret, err := n.config.credential()
	if err != nil {
		return m.Previous, &notifiers.Error{Reason: notifiers.Auth, Err: err}
	}
	words := n.config.say(n.templates, m, &m.Content)
	if !n.config.usesToken() {
		if m.Amends {
			if m.Content.Severity != alert.Critical {
				return m.Previous, nil
			}
			m.Content = vitalsAlone(m.Content)
		}
		return notifiers.Receipt{}, n.postWebhook(ctx, secret, m, words)
	}
	b := bot{
		config: n.config, words: words, hear: m.Hear,
		// The client makes no second try: it does so only when asked to (slackapi.OptionRetry).
		api: slackapi.New(secret, slackapi.OptionHTTPClient(n.client), slackapi.OptionAPIURL(n.config.apiBase())),
	}
	moved := m.Previous[configuredKey] != "" && m.Previous[configuredKey] != n.config.Channel
	known := m.Previous[channelKey] != "" && m.Previous[tsKey] != "" && !moved
	switch {
	case m.Late && known:
		return m.Previous, b.postLate(ctx, m)
	case m.Late:
		_, err = b.post(ctx, layout(m, "", words, ""))
		return m.Previous, err
	case m.Amends && !known:
		return m.Previous, nil // there is nothing to complete
	case !known:
		return b.postFresh(ctx, m, "")
	}
	return b.edit(ctx, m)
}

// mentions are those that a message pings: people are told that something fires, and nothing else is worth waking them.
func (c Config) mentions(m notifiers.Message) string {
	if m.Content.Status != alert.StatusFiring || m.Late || m.Amends || m.Content.Relief {
		return ""
	}
	return c.Mentions.markup(m.Content.Severity)
}

// postWebhook posts by an incoming webhook, which answers "ok" in plain text. The message can never be edited, so it says
// its news itself.
func (n *Notifier) postWebhook(ctx context.Context, address string, m notifiers.Message, words said) error {
	const doing = "posting to the Slack webhook"
	if parseAddress(address) == nil {
		return &notifiers.Error{Reason: notifiers.Auth, Err: errors.New(doing + ": api_url_file holds no http or https address")}
	}
	p := layout(m, m.Content.NewsBesideTitle(), words, n.config.mentions(m))
	no := false
	body, err := json.Marshal(slackapi.WebhookMessage{
		Channel:     n.config.Channel,
		Username:    words.username,
		IconEmoji:   words.iconEmoji,
		IconURL:     words.iconURL,
		Text:        p.text,
		Blocks:      &slackapi.Blocks{BlockSet: p.blocks},
		Attachments: []slackapi.Attachment{p.attachment},
		Parse:       "none",
		UnfurlLinks: &no,
		UnfurlMedia: &no,
	})
	if err != nil {
		return fmt.Errorf("%s: encoding the message: %w", doing, err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return fromError(doing, err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := n.client.Do(req)
	if err != nil {
		return fromError(doing, err)
	}
	defer resp.Body.Close()
	m.Hear("status", strconv.Itoa(resp.StatusCode))
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return fromError(doing, err)
	}
	var method webhookAnswer
	said := string(bytes.TrimSpace(answer))
	switch known := meanings[said].Reason != ""; {
	case said == "ok":
		return nil
	case known:
		return fromWord(doing, said)
	case strings.HasPrefix(said, "<"):
		return unreadable(doing) // the page of a proxy, which did not pass the message on
	case json.Unmarshal(answer, &method) != nil:
		return inDoubt(doing)
	case method.taken():
		return nil
	case method.Error != "":
		return fromWord(doing, method.Error)
	case method.refused():
		return unreadable(doing)
	default:
		return inDoubt(doing)
	}
}

// inDoubt is a success in words that nobody knows. Tried again, it might stand in the channel as often as it is tried; Alertmanager does
// not try such a one again either: https://github.com/prometheus/alertmanager/blob/v0.28.0/notify/slack/slack.go.
func inDoubt(doing string) *notifiers.Error {
	return &notifiers.Error{
		Reason: notifiers.Rejected, Permanent: true,
		Err: errors.New(doing + ": it answers 200 and not ok, so that it may have taken the message or not; look, and replay it if it is missing"),
	}
}

// webhookAnswer is what answers in JSON: a method of the Web API, with a token in http_config, and services that take the messages of
// Slack's webhooks and have a word of their own for success. A message that they took must not come again and again:
// Rocket.Chat, https://github.com/prometheus/alertmanager/issues/3546, and Zulip, https://github.com/zulip/zulip/pull/31875.
type webhookAnswer struct {
	OK      *bool  `json:"ok"`
	Success *bool  `json:"success"`
	Result  string `json:"result"`
	Error   string `json:"error"`
}

func (a webhookAnswer) taken() bool {
	return isTrue(a.OK) || a.Error == "" && (isTrue(a.Success) || a.Result == "success")
}

// refused is whether it says that it did not take the message.
func (a webhookAnswer) refused() bool {
	return a.OK != nil || a.Success != nil || a.Result == "error"
}

func isTrue(b *bool) bool { return b != nil && *b }
