package slack

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	slackapi "github.com/slack-go/slack"

	"github.com/alertvitals/notifier/alert"
	"github.com/alertvitals/notifier/notifiers"
	"github.com/alertvitals/notifier/templates"
)

// The keys of a Receipt: the ID of the channel and the timestamp that is the message's name in it; and the channel that
// was configured then, because a group moves with its receiver to another one.
const (
	channelKey    = "channel"
	tsKey         = "ts"
	configuredKey = "configured"
)

// Notifier is one Slack integration. It is safe for concurrent use and keeps nothing between calls.
type Notifier struct {
	config Config
	client *http.Client
}

var _ notifiers.Notifier = (*Notifier)(nil)

// New makes the sink. Its error says what is wrong with the configuration.
func New(c Config) (*Notifier, error) {
	if problems := c.Validate(); len(problems) > 0 {
		return nil, fmt.Errorf("slack: %s: %s", problems[0].Path, problems[0].Msg)
	}
	return &Notifier{
		config: c,
		client: &http.Client{
			Transport: transport{next: http.DefaultTransport, now: time.Now},
			Timeout:   c.requestTimeout(),
		},
	}, nil
}

// Notify posts the message or, with a bot token and a Previous, edits it and says the news in its thread. When the edit
// went through and the reply did not, the whole is tried again: the edit is idempotent. A message that can no longer be
// edited is replaced by a fresh one, whose Receipt takes the old one's place. A late message stands in the thread of the
// group's message, or in the channel when there is none. An amendment edits; an incoming webhook, which cannot, posts the
// vitals of a critical group and leaves the others out.
//
// Source: https://docs.slack.dev/reference/methods/chat.postMessage, …/chat.update and
// https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks.
func (n *Notifier) Notify(ctx context.Context, m notifiers.Message) (notifiers.Receipt, error) {
	secret, err := n.config.credential()
	if err != nil {
		return m.Previous, &notifiers.Error{Reason: notifiers.Auth, Err: err}
	}
	if !n.config.usesToken() {
		if m.Amends {
			if m.Content.Severity != alert.Critical {
				return m.Previous, nil
			}
			m.Content = vitalsAlone(m.Content)
		}
		return notifiers.Receipt{}, n.postWebhook(ctx, secret, m)
	}
	// The client makes no second try: it does so only when asked to (slackapi.OptionRetry).
	api := slackapi.New(secret, slackapi.OptionHTTPClient(n.client), slackapi.OptionAPIURL(n.config.apiBase()))
	p := layout(m, "")
	channel, ts := m.Previous[channelKey], m.Previous[tsKey]
	moved := m.Previous[configuredKey] != "" && m.Previous[configuredKey] != n.config.Channel
	known := channel != "" && ts != "" && !moved
	switch {
	case m.Late && known:
		return m.Previous, n.postLate(ctx, api, m.Previous, p)
	case m.Late:
		_, err = postFresh(ctx, api, n.config.Channel, p)
		return m.Previous, err
	case m.Amends && !known:
		return m.Previous, nil // there is nothing to complete
	case !known:
		return postFresh(ctx, api, n.config.Channel, p)
	}
	_, updated, _, err := api.UpdateMessageContext(ctx, channel, ts, p.options()...)
	switch {
	case err != nil && isLost(err) && m.Amends:
		return m.Previous, nil // the group's next message will find it gone, and begin afresh
	case err != nil && isLost(err):
		return postFresh(ctx, api, n.config.Channel, p)
	case err != nil:
		return m.Previous, fromError("editing the Slack message", err)
	case updated == "":
		return m.Previous, unreadable("editing the Slack message")
	}
	if text := reply(m.Content); text != "" {
		_, replied, err := api.PostMessageContext(ctx, channel, append(quiet(),
			slackapi.MsgOptionTS(ts), slackapi.MsgOptionText(text, false))...)
		switch {
		case err != nil:
			return m.Previous, fromError("replying in the Slack thread", err)
		case replied == "":
			return m.Previous, unreadable("replying in the Slack thread")
		}
	}
	return m.Previous, nil
}

// postLate posts in the thread of a message, which it leaves as it is. A thread that takes no replies, or is out of reach,
// must not keep the message from people.
func (n *Notifier) postLate(ctx context.Context, api *slackapi.Client, of notifiers.Receipt, p post) error {
	const doing = "posting a late message in the Slack thread"
	_, ts, err := api.PostMessageContext(ctx, of[channelKey], append(p.options(), slackapi.MsgOptionTS(of[tsKey]))...)
	switch {
	case err != nil && (isLost(err) || isUnthreadable(err)):
		_, err = postFresh(ctx, api, n.config.Channel, p)
		return err
	case err != nil:
		return fromError(doing, err)
	case ts == "":
		return unreadable(doing)
	}
	return nil
}

func postFresh(ctx context.Context, api *slackapi.Client, channel string, p post) (notifiers.Receipt, error) {
	id, ts, err := api.PostMessageContext(ctx, channel, p.options()...)
	switch {
	case err != nil:
		return nil, fromError("posting to Slack", err)
	case id == "" || ts == "":
		return nil, unreadable("posting to Slack")
	}
	return notifiers.Receipt{channelKey: id, tsKey: ts, configuredKey: channel}, nil
}

// reply is what is said in the thread; a thread ends with the group's end, whether or not there is news.
func reply(c templates.Content) string {
	news := c.News
	if news == "" && c.Status == alert.StatusResolved {
		news = "Resolved"
	}
	if news == "" {
		return ""
	}
	return noQuotation(mrkdwn(c.Emoji+" "+news, newsSize))
}

// options are the post for the Web API. An edit that leaves out the blocks or the attachment would remove them.
func (p post) options() []slackapi.MsgOption {
	return append(quiet(),
		slackapi.MsgOptionText(p.text, false), // escaped already
		slackapi.MsgOptionBlocks(p.blocks...),
		slackapi.MsgOptionAttachments(p.attachment))
}

// quiet keeps Slack from making links, names and previews out of what labels say.
func quiet() []slackapi.MsgOption {
	return []slackapi.MsgOption{
		slackapi.MsgOptionParse(false),
		slackapi.MsgOptionDisableLinkUnfurl(),
		slackapi.MsgOptionDisableMediaUnfurl(),
	}
}

// postWebhook posts by an incoming webhook, which answers "ok" in plain text. The message can never be edited, so it says
// its news itself.
func (n *Notifier) postWebhook(ctx context.Context, address string, m notifiers.Message) error {
	const doing = "posting to the Slack webhook"
	if parseAddress(address) == nil {
		return &notifiers.Error{Reason: notifiers.Auth, Err: errors.New(doing + ": api_url_file holds no http or https address")}
	}
	p := layout(m, m.Content.News)
	no := false
	body, err := json.Marshal(slackapi.WebhookMessage{
		Channel:     n.config.Channel,
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
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return fromError(doing, err)
	}
	switch said := string(bytes.TrimSpace(answer)); {
	case said == "ok":
		return nil
	case word.MatchString(said):
		return fromWord(doing, said)
	default:
		return unreadable(doing)
	}
}
