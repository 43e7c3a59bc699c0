package slackview

import (
	_ "embed"
	"encoding/base64"
	"html"
	"html/template"
	"io"
	"net/http"
	"strings"

	slackapi "github.com/slack-go/slack"
)

//go:embed page.html.tmpl
var pageSource string

var page = template.Must(template.New("page").Parse(pageSource))

// Page writes the channels as a web page that looks like Slack's desktop client, light or dark as the reader's system is.
// It is one file: it loads nothing.
func Page(w io.Writer, channels []Channel) error {
	views := make([]channelView, len(channels))
	for i, c := range channels {
		views[i] = channelView{ID: c.ID, Name: c.Name}
		for _, m := range c.Messages {
			views[i].Messages = append(views[i].Messages, viewOf(m))
		}
	}
	return page.Execute(w, views)
}

type channelView struct {
	ID, Name string
	Messages []messageView
}

type messageView struct {
	From, Clock string
	// Fallback is what a notification shows.
	Fallback    string
	Text        template.HTML
	Edited      bool
	Blocks      []blockView
	Attachments []attachmentView
	Replies     []messageView
	ReplyCount  string
}

type attachmentView struct {
	// Bar is the colour of the bar at the left.
	Bar    template.CSS
	Blocks []blockView
}

// blockView is a block; one of its parts is set, as Kind says.
type blockView struct {
	Kind    string
	Text    template.HTML
	Fields  []template.HTML
	Buttons []buttonView
	// Picture is the address of an image, "" when it is not there; Alt says what it shows.
	Picture template.URL
	Alt     string
}

type buttonView struct{ Text, URL string }

func viewOf(m Message) messageView {
	v := messageView{
		From: m.from(), Clock: m.clock(), Edited: m.Edits > 0, Fallback: unescape.Replace(m.Text),
		Text: markup(parse(m.bodyText())), Blocks: blockViews(m, m.Blocks.BlockSet),
	}
	for _, a := range m.Attachments {
		view := attachmentView{Bar: "#DDDDDD", Blocks: blockViews(m, a.Blocks.BlockSet)}
		if ansiColour(a.Color) != "" {
			view.Bar = template.CSS(a.Color) //nolint:gosec // ansiColour knows nothing but #RRGGBB
		}
		if len(view.Blocks) == 0 && a.Text != "" {
			view.Blocks = []blockView{{Kind: "section", Text: markup(parse(a.Text))}}
		}
		v.Attachments = append(v.Attachments, view)
	}
	for _, reply := range m.Replies {
		v.Replies = append(v.Replies, viewOf(reply))
	}
	if len(v.Replies) > 0 {
		v.ReplyCount = replies(len(v.Replies))
	}
	return v
}

func blockViews(m Message, blocks []slackapi.Block) []blockView {
	var views []blockView
	for _, block := range blocks {
		switch block := block.(type) {
		case *slackapi.HeaderBlock:
			views = append(views, blockView{Kind: "header", Text: markup(object(block.Text))})
		case *slackapi.SectionBlock:
			v := blockView{Kind: "section"}
			if block.Text != nil {
				v.Text = markup(object(block.Text))
			}
			for _, f := range block.Fields {
				v.Fields = append(v.Fields, markup(object(f)))
			}
			views = append(views, v)
		case *slackapi.ContextBlock:
			for _, element := range block.ContextElements.Elements {
				if text, ok := element.(*slackapi.TextBlockObject); ok {
					views = append(views, blockView{Kind: "context", Text: markup(object(text))})
				}
			}
		case *slackapi.ActionBlock:
			v := blockView{Kind: "actions"}
			for _, b := range buttonsOf(block) {
				v.Buttons = append(v.Buttons, buttonView{b.Text.Text, b.URL})
			}
			views = append(views, v)
		case *slackapi.ImageBlock:
			views = append(views, blockView{Kind: "image", Alt: block.AltText, Picture: m.picture(block)})
		case *slackapi.DividerBlock:
			views = append(views, blockView{Kind: "divider"})
		default:
			views = append(views, blockView{Kind: "context", Text: markup(literal("(" + string(block.BlockType()) + ")"))})
		}
	}
	return views
}

// picture is an image block's file as an address, "" when it is none of the message's: nothing is fetched from elsewhere.
func (m Message) picture(block *slackapi.ImageBlock) template.URL {
	if block.SlackFile == nil {
		return ""
	}
	content := m.Pictures[block.SlackFile.ID]
	if http.DetectContentType(content) != "image/png" {
		return ""
	}
	return template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(content)) //nolint:gosec // a picture
}

// markup is the lines as HTML; every text in it is escaped.
func markup(lines []line) template.HTML {
	var out strings.Builder
	for i, l := range lines {
		if i > 0 && !l.quote && !lines[i-1].quote {
			out.WriteString("<br>")
		}
		if l.quote {
			out.WriteString("<blockquote>")
		}
		for _, s := range l.spans {
			out.WriteString(s.markup())
		}
		if l.quote {
			out.WriteString("</blockquote>")
		}
	}
	return template.HTML(out.String()) //nolint:gosec // all text in it went through html.EscapeString
}

func (s span) markup() string {
	text := html.EscapeString(s.text)
	for _, known := range []struct {
		style       style
		open, close string
	}{
		{code, "<code>", "</code>"},
		{bold, "<b>", "</b>"},
		{italic, "<i>", "</i>"},
		{strike, "<s>", "</s>"},
		{mention, `<span class="mention">`, "</span>"},
	} {
		if s.style&known.style != 0 {
			text = known.open + text + known.close
		}
	}
	if strings.HasPrefix(s.href, "https://") || strings.HasPrefix(s.href, "http://") {
		text = `<a href="` + html.EscapeString(s.href) + `" rel="noreferrer">` + text + "</a>"
	}
	return text
}
