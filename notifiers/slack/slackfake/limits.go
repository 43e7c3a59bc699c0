package slackfake

import (
	"encoding/json"
	"net/url"
	"strings"
	"unicode/utf16"

	slackapi "github.com/slack-go/slack"

	"github.com/alertvitals/notifier/notifiers/slack/slackview"
)

// The limits that Slack documents, in characters, and one that it does not: the size of all blocks together, over which it
// answers msg_blocks_too_long.
//
// Source: https://docs.slack.dev/reference/block-kit/blocks and the pages below it,
// https://docs.slack.dev/changelog/2018-truncating-really-long-messages, https://github.com/slackapi/bolt-js/issues/2509.
const (
	mostText        = 40000
	mostBlocks      = 50
	mostBlocksSize  = 13200
	mostAttachments = 100
	mostHeader      = 150
	mostSection     = 3000
	mostFields      = 10
	mostField       = 2000
	mostElements    = 10
	mostButtons     = 25
	mostButtonText  = 75
	mostButtonURL   = 3000
	mostAltText     = 2000
)

// refusalOf is the error word with which Slack refuses the message, "" when it takes it.
func refusalOf(m slackview.Message) string {
	if m.Text == "" && len(m.Blocks.BlockSet) == 0 && len(m.Attachments) == 0 {
		return "no_text"
	}
	if length(m.Text) > mostText {
		return "msg_too_long"
	}
	if len(m.Attachments) > mostAttachments {
		return "too_many_attachments"
	}
	if !fits(m.Blocks) {
		return "invalid_blocks"
	}
	size := sizeOf(m.Blocks)
	for _, a := range m.Attachments {
		if !fits(a.Blocks) {
			return "invalid_attachments"
		}
		size += sizeOf(a.Blocks)
	}
	if size > mostBlocksSize {
		return "msg_blocks_too_long"
	}
	return ""
}

func sizeOf(blocks slackapi.Blocks) int {
	encoded, err := json.Marshal(blocks)
	if err != nil {
		return mostBlocksSize + 1
	}
	return length(string(encoded))
}

func fits(blocks slackapi.Blocks) bool {
	if len(blocks.BlockSet) > mostBlocks {
		return false
	}
	for _, block := range blocks.BlockSet {
		if !blockFits(block) {
			return false
		}
	}
	return true
}

func blockFits(block slackapi.Block) bool {
	switch block := block.(type) {
	case *slackapi.HeaderBlock:
		return block.Text != nil && block.Text.Type == slackapi.PlainTextType && textFits(block.Text, mostHeader)
	case *slackapi.SectionBlock:
		for _, f := range block.Fields {
			if !textFits(f, mostField) {
				return false
			}
		}
		return len(block.Fields) <= mostFields &&
			(block.Text != nil && textFits(block.Text, mostSection) || block.Text == nil && len(block.Fields) > 0)
	case *slackapi.ContextBlock:
		for _, element := range block.ContextElements.Elements {
			if text, ok := element.(*slackapi.TextBlockObject); ok && !textFits(text, mostSection) {
				return false
			}
		}
		n := len(block.ContextElements.Elements)
		return n > 0 && n <= mostElements
	case *slackapi.ActionBlock:
		return block.Elements != nil && actionsFit(block.Elements.ElementSet)
	case *slackapi.ImageBlock:
		return block.AltText != "" && length(block.AltText) <= mostAltText && length(block.ImageURL) <= mostButtonURL &&
			(block.ImageURL != "") != (block.SlackFile != nil)
	case *slackapi.DividerBlock:
		return true
	default:
		return false
	}
}

func actionsFit(elements []slackapi.BlockElement) bool {
	ids := map[string]bool{}
	for _, element := range elements {
		button, ok := element.(*slackapi.ButtonBlockElement)
		if !ok {
			continue
		}
		if button.Text == nil || button.Text.Type != slackapi.PlainTextType || !textFits(button.Text, mostButtonText) {
			return false
		}
		if button.URL != "" {
			if u, err := url.Parse(button.URL); err != nil || !strings.HasPrefix(u.Scheme, "http") || length(button.URL) > mostButtonURL {
				return false
			}
		}
		if button.ActionID != "" && ids[button.ActionID] {
			return false
		}
		ids[button.ActionID] = true
	}
	return len(elements) > 0 && len(elements) <= mostButtons
}

func textFits(text *slackapi.TextBlockObject, limit int) bool {
	return text.Text != "" && length(text.Text) <= limit && (text.Type != slackapi.MarkdownType || text.Emoji == nil)
}

func length(text string) int { return len(utf16.Encode([]rune(text))) }
