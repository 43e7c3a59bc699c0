package slack

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	slackapi "github.com/slack-go/slack"

	"github.com/alertvitals/notifier/alert"
	"github.com/alertvitals/notifier/notifiers"
	"github.com/alertvitals/notifier/templates"
)

// Sizes of the parts, in characters. The header's, a field's, a section's and a button's are at most what Slack takes
// (https://docs.slack.dev/reference/block-kit/blocks, …/block-elements/button-element); most are less, because a text that
// long is not read.
const (
	headerSize     = 150
	sectionSize    = 3000
	fieldsInBlock  = 10
	headlineSize   = 600
	noteSize       = 400
	stateSize      = 150
	checksSize     = 600
	vitalNameSize  = 80
	vitalValueSize = 80
	vitalNoteSize  = 150
	trendSize      = 200
	changeSize     = 200
	lineNameSize   = 100
	lineTextSize   = 300
	footSize       = 500
	countsSize     = 300
	newsSize       = 1000
	fallbackSize   = 600
	buttonTextSize = 75
	buttonURLSize  = 3000
	mostButtons    = 10 // Slack takes 25 in a block: https://docs.slack.dev/reference/block-kit/blocks/actions-block
	// More of these than that are not read; the alerts that are not named are counted.
	mostVitals = 20
	mostTables = 8
	mostAlerts = 40
)

// post is a message as Slack takes it. The blocks stand above the attachment and are never folded away; the attachment
// gives the coloured bar. text is what a notification on a lock screen shows.
type post struct {
	text       string
	blocks     []slackapi.Block
	attachment slackapi.Attachment
}

// layout is the message as a post that fits into Slack's limits. news are what the post says itself, because there is no
// thread for it; words are what the user's templates say, and mentions the markup that pings.
func layout(m notifiers.Message, news string, words said, mentions string) post {
	p := partsOf(m.Content)
	p.late, p.news, p.said, p.mentions = m.Late, news, words, mentions
	return fit(p)
}

// vitalsAlone is c without what the first post said already.
func vitalsAlone(c templates.Content) templates.Content {
	return templates.Content{
		Status: c.Status, Severity: c.Severity, Emoji: c.Emoji, Title: c.Title, Headline: "Now the agent has answered.",
		State: c.State, Checks: c.Checks, Vitals: c.Vitals, Tables: c.Tables, Foot: c.Foot, Counts: c.Counts,
	}
}

// parts is what a post is made of, before it is known what of it fits.
type parts struct {
	templates.Content
	said
	mentions string
	// news are those that the message says itself; late is whether it tells of the past.
	news string
	late bool
	// hiddenAlerts is how many of the alerts' lines were dropped.
	hiddenAlerts int
}

// partsOf leaves out what nobody needs: of an agent that has recovered, the vitals that are as they should be.
func partsOf(c templates.Content) parts {
	if c.Status == alert.StatusResolved {
		var loud []templates.Vital
		for _, v := range c.Vitals {
			if v.Loud {
				loud = append(loud, v)
			}
		}
		c.Vitals = loud
	}
	c.Vitals = c.Vitals[:min(len(c.Vitals), mostVitals)]
	c.Tables = c.Tables[:min(len(c.Tables), mostTables)]
	p := parts{Content: c}
	p.dropAlerts(max(0, len(c.Alerts)-mostAlerts))
	return p
}

func (p *parts) post() post {
	title := plainText(p.Emoji+" "+p.Title, headerSize)
	if title.Text == "" {
		title.Text = "Alert"
	}
	top := []slackapi.Block{slackapi.NewHeaderBlock(title)}
	for _, text := range []string{p.mentions, p.pretext} {
		if text != "" {
			top = append(top, section(text))
		}
	}
	if text := p.headline(); text != "" {
		headline := section(text)
		if p.thumb != "" {
			headline.Accessory = slackapi.NewAccessory(slackapi.NewImageBlockElement(p.thumb, title.Text))
		}
		top = append(top, headline)
	}
	if note := mrkdwn(p.Note, noteSize); note != "" {
		top = append(top, section(note))
	}
	if p.continues != "" {
		top = append(top, section("<"+mrkdwn(p.continues, buttonURLSize)+"|Continues an earlier message>"))
	}
	for fields := range slices.Chunk(p.fields, fieldsInBlock) {
		top = append(top, slackapi.NewSectionBlock(nil, fields, nil))
	}
	if p.image != "" {
		top = append(top, slackapi.NewImageBlock(p.image, title.Text, "", nil))
	}
	return post{
		text:   p.fallback(),
		blocks: top,
		attachment: slackapi.Attachment{
			Color:    p.colour(),
			Fallback: mrkdwn(p.State+" "+p.Counts, fallbackSize),
			Blocks:   slackapi.Blocks{BlockSet: p.details()},
		},
	}
}

// headline is the sentence below the title; news that have no thread to stand in come first.
func (p *parts) headline() string {
	return join("\n", mrkdwn(p.news, newsSize), cmp.Or(p.text, mrkdwn(p.Headline, headlineSize)))
}

// fallback is the message in one line, for notifications and for screen readers. The note has its place in it, however
// long the rest is.
func (p *parts) fallback() string {
	note := mrkdwn(p.Note, fallbackSize/2)
	if p.said.fallback != "" {
		return noQuotation(join(" — ", p.said.fallback, note))
	}
	says := join(" · ", p.news, p.Headline)
	text := mrkdwn(join(" — ", p.Emoji+" "+p.Title, says), fallbackSize-length(note))
	return noQuotation(join(" — ", text, note))
}

// join leaves out what is empty.
func join(separator string, texts ...string) string {
	return strings.Join(slices.DeleteFunc(texts, func(text string) bool { return text == "" }), separator)
}

// details are the blocks beside the coloured bar.
func (p *parts) details() []slackapi.Block {
	var blocks []slackapi.Block
	add := func(text string) {
		if text != "" {
			blocks = append(blocks, section(text))
		}
	}
	add(strings.TrimSpace(bold(mrkdwn(p.State, stateSize)) + "\n" + mrkdwn(p.Checks, checksSize)))
	changes := make([]string, len(p.Changes))
	for i, change := range p.Changes {
		changes[i] = mrkdwn(change, changeSize)
	}
	add(withinSection(changes, " · ", 0))
	prominent, rest := prominent(p.Vitals)
	for fields := range slices.Chunk(fields(prominent), fieldsInBlock) {
		blocks = append(blocks, slackapi.NewSectionBlock(nil, fields, nil))
	}
	add(withinSection(inLine(rest), " · ", 0))
	add(mrkdwn(p.Trend, trendSize))
	blocks = append(blocks, pictureBlocks(p.files, p.Charts)...)
	add(withinSection(lines(p.Tables, ""), "\n", 0))
	add(withinSection(lines(p.Alerts, "▸ "), "\n", p.hiddenAlerts))
	if foot := p.foot(); foot != "" {
		blocks = append(blocks, slackapi.NewContextBlock("", markdown(foot)))
	}
	if buttons := buttons(p.Links); len(buttons) > 0 {
		blocks = append(blocks, slackapi.NewActionBlock("", buttons...))
	}
	return blocks
}

// fewestFields is how many vitals have a field of their own though they are normal: those that matter most to the alert.
const fewestFields = 4

// prominent splits the vitals into those that have a field each, all that are not normal among them, and the rest, which
// shares a few lines. An even number of fields fills Slack's two columns.
func prominent(vitals []templates.Vital) (fields, rest []templates.Vital) {
	n := fewestFields
	for i, v := range vitals {
		if v.Loud {
			n = max(n, i+1)
		}
	}
	n = min(n+n%2, len(vitals))
	return vitals[:n], vitals[n:]
}

// inLine are vitals as parts of one line: "requests *31 /s*".
func inLine(vitals []templates.Vital) []string {
	all := make([]string, len(vitals))
	for i, v := range vitals {
		value := mrkdwn(v.Value, vitalValueSize)
		if !v.Unknown {
			value = bold(value)
		}
		all[i] = mrkdwn(v.Name, vitalNameSize) + " " + value
		if v.Change != "" {
			all[i] += " " + mrkdwn(v.Change, vitalNoteSize)
		}
	}
	return all
}

// fields are the vitals, each in two short lines; what is not normal has a sign and stands out without colour.
func fields(vitals []templates.Vital) []*slackapi.TextBlockObject {
	var all []*slackapi.TextBlockObject
	for _, v := range vitals {
		name, value := mrkdwn(v.Name, vitalNameSize), mrkdwn(v.Value, vitalValueSize)
		if name == "" {
			continue
		}
		if v.Loud {
			name, value = "⚠ "+bold(name), bold(value)
		}
		text := name + "\n" + value
		if v.Change != "" {
			text += "  " + mrkdwn(v.Change, vitalNoteSize)
		}
		all = append(all, markdown(text))
	}
	return all
}

func lines(of []templates.Line, sign string) []string {
	all := make([]string, len(of))
	for i, line := range of {
		all[i] = sign + strings.TrimSpace(bold(mrkdwn(line.Name, lineNameSize))+"  "+mrkdwn(line.Text, lineTextSize))
	}
	return all
}

// withinSection joins as many of the pieces as a section takes, and says how many more there are, hidden ones included.
func withinSection(pieces []string, separator string, hidden int) string {
	more := func(n int) string {
		if n == 0 {
			return ""
		}
		return fmt.Sprintf("%sand %d more", separator, n)
	}
	room := sectionSize - length(more(len(pieces)+hidden))
	size := 0
	for i, piece := range pieces {
		if size += length(piece) + length(separator); size > room {
			return strings.TrimPrefix(strings.Join(pieces[:i], separator)+more(len(pieces)-i+hidden), separator)
		}
	}
	return strings.TrimPrefix(strings.Join(pieces, separator)+more(hidden), separator)
}

// foot is how many alerts there are, which is never dropped, and how the vitals were taken.
func (p *parts) foot() string {
	var texts []string
	if p.Counts != "" {
		texts = append(texts, mrkdwn(p.Counts, countsSize))
	}
	if p.Foot != "" {
		texts = append(texts, mrkdwn(p.Foot, footSize))
	}
	return strings.Join(texts, " · ")
}

func buttons(links []templates.Link) []slackapi.BlockElement {
	var all []slackapi.BlockElement
	for _, link := range links {
		if len(all) == mostButtons {
			break
		}
		if link.URL != clip(link.URL, buttonURLSize) || parseAddress(link.URL) == nil || clip(link.Text, buttonTextSize) == "" {
			continue
		}
		button := slackapi.NewButtonBlockElement(fmt.Sprintf("link-%d", len(all)), "", plainText(link.Text, buttonTextSize))
		button.URL = link.URL
		all = append(all, button)
	}
	return all
}

// The colours are those of Slack's own logo, so that they suit its light and dark themes.
const (
	red   = "#E01E5A"
	amber = "#ECB22E"
	blue  = "#36C5F0"
	green = "#2EB67D"
	grey  = "#8D8D8D" // none of the logo's: the past is neither good nor bad any more
)

func (p *parts) colour() string {
	switch {
	case p.late:
		return grey
	case p.said.colour != "":
		return p.said.colour
	case p.Status == alert.StatusResolved:
		return green
	case p.Severity == alert.Critical:
		return red
	case p.Severity == alert.Info:
		return blue
	default:
		return amber
	}
}

func section(text string) *slackapi.SectionBlock {
	return slackapi.NewSectionBlock(markdown(text), nil, nil)
}

// markdown is escaped text. Verbatim keeps Slack from making links and channel names out of it by itself.
func markdown(escaped string) *slackapi.TextBlockObject {
	return &slackapi.TextBlockObject{Type: slackapi.MarkdownType, Text: noQuotation(escaped), Verbatim: true}
}

// plainText is text in which Slack interprets nothing, ":fire:" included.
func plainText(text string, limit int) *slackapi.TextBlockObject {
	no := false
	return &slackapi.TextBlockObject{Type: slackapi.PlainTextType, Text: clip(text, limit), Emoji: &no}
}
