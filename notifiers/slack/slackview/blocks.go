package slackview

import (
	"fmt"
	"strings"

	slackapi "github.com/slack-go/slack"
)

// object is the text of a text object; plain text has no markup.
func object(text *slackapi.TextBlockObject) []line {
	if text.Type == slackapi.PlainTextType {
		return literal(text.Text)
	}
	return parse(text.Text)
}

// literal is text without markup.
func literal(text string) []line {
	var lines []line
	for raw := range strings.SplitSeq(text, "\n") {
		lines = append(lines, line{spans: []span{{text: raw}}})
	}
	return lines
}

func buttonsOf(block *slackapi.ActionBlock) []*slackapi.ButtonBlockElement {
	var buttons []*slackapi.ButtonBlockElement
	if block.Elements == nil {
		return nil
	}
	for _, element := range block.Elements.ElementSet {
		if button, ok := element.(*slackapi.ButtonBlockElement); ok && button.Text != nil {
			buttons = append(buttons, button)
		}
	}
	return buttons
}

func replies(n int) string {
	if n == 1 {
		return "1 reply"
	}
	return fmt.Sprintf("%d replies", n)
}
