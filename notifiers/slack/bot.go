package slack

import (
	"context"
	"errors"
	"maps"
	"regexp"
	"strings"

	slackapi "github.com/slack-go/slack"

	"github.com/alertvitals/notifier/alert"
	"github.com/alertvitals/notifier/notifiers"
	"github.com/alertvitals/notifier/templates"
)

// bot speaks the Web API with a bot token, for one message.
type bot struct {
	config Config
	words  said
	api    *slackapi.Client
	hear   func(name, value string)
}

// What Slack calls channels and messages. Only such words of its answers are told on.
var (
	channelID = regexp.MustCompile(`^[A-Z0-9]{1,20}$`)
	timestamp = regexp.MustCompile(`^[0-9.]{1,32}$`)
)

// posted tells that a message stands in a channel, under the name that the message goes by.
func (b bot) posted(name, channel, ts string) {
	if channelID.MatchString(channel) && timestamp.MatchString(ts) {
		b.hear(channelKey, channel)
		b.hear(name, ts)
	}
}

// postFresh begins the group's message, and gives it its pictures afterwards. Continues is the address of the message that it
// takes the place of.
func (b bot) postFresh(ctx context.Context, m notifiers.Message, continues string) (notifiers.Receipt, error) {
	b.words.continues = continues
	mentions := b.config.mentions(m)
	receipt, err := b.post(ctx, layout(m, "", b.words, mentions))
	if err != nil {
		return receipt, err
	}
	if m = m.WithCharts(ctx); len(m.Content.Charts) == 0 {
		return receipt, nil
	}
	// The message is there. Whatever goes wrong with its pictures is no reason to post it once more.
	if files := b.upload(ctx, m.Content.Charts); len(files) > 0 {
		b.words.files = files
		// It is the same message: who was mentioned a moment ago still is, and an edit pings nobody.
		edited := layout(m, "", b.words, mentions).options()
		if _, _, _, err := b.api.UpdateMessageContext(ctx, receipt[channelKey], receipt[tsKey], edited...); err == nil {
			receipt[picturesKey] = strings.Join(files, " ")
		}
	}
	return receipt, nil
}

func (b bot) post(ctx context.Context, p post) (notifiers.Receipt, error) {
	options := p.options()
	if b.words.username != "" {
		options = append(options, slackapi.MsgOptionUsername(b.words.username))
	}
	if b.words.iconEmoji != "" {
		options = append(options, slackapi.MsgOptionIconEmoji(b.words.iconEmoji))
	} else if b.words.iconURL != "" {
		options = append(options, slackapi.MsgOptionIconURL(b.words.iconURL))
	}
	id, ts, err := b.api.PostMessageContext(ctx, b.config.Channel, options...)
	switch {
	case err != nil:
		return nil, fromError("posting to Slack", err)
	case id == "" || ts == "":
		return nil, unreadable("posting to Slack")
	}
	b.posted(tsKey, id, ts)
	return notifiers.Receipt{channelKey: id, tsKey: ts, configuredKey: b.config.Channel}, nil
}

// edit brings the group's message up to date, and says the news in its thread.
func (b bot) edit(ctx context.Context, m notifiers.Message) (notifiers.Receipt, error) {
	channel, ts := m.Previous[channelKey], m.Previous[tsKey]
	receipt := maps.Clone(m.Previous)
	if m.ID != "" && !m.Amends && receipt[editedKey] == m.ID { // an earlier try came as far as this
		// Slack takes replies to a message that somebody has deleted since, and shows them to nobody.
		if _, err := b.api.GetPermalinkContext(ctx, &slackapi.PermalinkParameters{Channel: channel, Ts: ts}); !isLost(err) {
			return b.reply(ctx, m, receipt)
		}
	}
	b.words.files = strings.Fields(receipt[picturesKey])
	if m.Content.Status == alert.StatusResolved || m.Amends || len(b.words.files) == 0 {
		m = m.WithCharts(ctx)
		if m.ID == "" || m.ID != receipt[drawnKey] { // or else an earlier try has uploaded them
			if files := b.upload(ctx, m.Content.Charts); len(files) > 0 {
				b.words.files = files
				receipt[picturesKey], receipt[drawnKey] = strings.Join(files, " "), m.ID
			}
		}
	}
	_, updated, _, err := b.api.UpdateMessageContext(ctx, channel, ts, layout(m, "", b.words, "").options()...)
	if err != nil && isAboutPictures(err) && len(b.words.files) > 0 {
		b.words.files = nil
		delete(receipt, picturesKey)
		_, updated, _, err = b.api.UpdateMessageContext(ctx, channel, ts, layout(m, "", b.words, "").options()...)
	}
	switch {
	case err != nil && isLost(err) && m.Amends:
		return m.Previous, nil // the group's next message will find it gone, and begin afresh
	case err != nil && isLost(err):
		return b.postFresh(ctx, m, b.permalink(ctx, channel, ts))
	case err != nil:
		err = fromError("editing the Slack message", err)
		if e, ok := errors.AsType[*notifiers.Error](err); ok {
			e.Partly = true // what begins to fire need not wait for the edits of others
		}
		return receipt, err
	case updated == "":
		return receipt, unreadable("editing the Slack message")
	}
	b.posted("edited", channel, ts)
	if m.ID != "" {
		receipt[editedKey] = m.ID
	}
	return b.reply(ctx, m, receipt)
}

// reply says the news of a message in the thread. The receipt says that the message was brought up to date until that is done.
func (b bot) reply(ctx context.Context, m notifiers.Message, receipt notifiers.Receipt) (notifiers.Receipt, error) {
	channel, ts := receipt[channelKey], receipt[tsKey]
	if text := reply(m.Content); text != "" {
		options := append(quiet(), slackapi.MsgOptionTS(ts), slackapi.MsgOptionText(join(" ", text, b.config.mentions(m)), false))
		if b.config.ReplyBroadcast && m.Content.Status == alert.StatusFiring {
			options = append(options, slackapi.MsgOptionBroadcast())
		}
		_, replied, err := b.api.PostMessageContext(ctx, channel, options...)
		switch {
		case err != nil:
			return receipt, fromError("replying in the Slack thread", err)
		case replied == "":
			return receipt, unreadable("replying in the Slack thread")
		}
		b.posted("reply", channel, replied)
	}
	delete(receipt, editedKey)
	return receipt, nil
}

// permalink is the address of a message, "" when it has none: it was deleted, or its channel is.
func (b bot) permalink(ctx context.Context, channel, ts string) string {
	address, err := b.api.GetPermalinkContext(ctx, &slackapi.PermalinkParameters{Channel: channel, Ts: ts})
	if err != nil {
		return ""
	}
	return picture(address)
}

// postLate posts in the thread of the group's message, which it leaves as it is. A thread that takes no replies, or is out of
// reach, must not keep the message from people.
func (b bot) postLate(ctx context.Context, m notifiers.Message) error {
	const doing = "posting a late message in the Slack thread"
	p := layout(m, "", b.words, "")
	_, ts, err := b.api.PostMessageContext(ctx, m.Previous[channelKey], append(p.options(), slackapi.MsgOptionTS(m.Previous[tsKey]))...)
	switch {
	case err != nil && (isLost(err) || isUnthreadable(err)):
		_, err = b.post(ctx, p)
		return err
	case err != nil:
		return fromError(doing, err)
	case ts == "":
		return unreadable(doing)
	}
	b.posted("reply", m.Previous[channelKey], ts)
	return nil
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
