package slack

import (
	"cmp"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	slackapi "github.com/slack-go/slack"

	"github.com/alertvitals/notifier/notifiers"
	"github.com/alertvitals/notifier/templates"
)

// Words are what a user's own templates say in place of the standard texts, with the names and the meanings of Alertmanager's
// slack_config (https://prometheus.io/docs/alerting/latest/configuration/#slack_config). In Text, Pretext, Footer and Fields
// the template's own markup is meant, and none of its data's is. The two characters \n in a template begin a line.
type Words struct {
	// Title is the title, in plain text. A template; one that says the same of every message keeps the sign of the state before it.
	Title string `yaml:"title,omitempty"`
	// Text is what takes the place of the sentence below the title and of the alerts' lines. A template whose own mrkdwn is meant.
	Text string `yaml:"text,omitempty"`
	// TitleLink is the address of a button. A template.
	TitleLink string `yaml:"title_link,omitempty"`
	// Pretext stands above the text. A template whose own mrkdwn is meant.
	Pretext string `yaml:"pretext,omitempty"`
	// Footer stands in place of how the vitals were taken. A template.
	Footer string `yaml:"footer,omitempty"`
	// Fallback is what a lock screen shows. A template.
	Fallback string `yaml:"fallback,omitempty"`
	// MessageText is what a lock screen shows when there is no fallback. A template.
	MessageText string `yaml:"message_text,omitempty"`
	// Color is one of good, warning, danger and #rrggbb. A template.
	Color string `yaml:"color,omitempty"`
	// Fields are shown in two columns, at most 20.
	Fields []Field `yaml:"fields,omitempty"`
	// ShortFields is taken from Alertmanager's receivers and means nothing: fields stand in two columns.
	ShortFields bool `yaml:"short_fields,omitempty"`
	// Actions are buttons that lead to addresses.
	Actions []Action `yaml:"actions,omitempty"`
	// ImageURL is the address of a picture that Slack itself can reach. A template.
	ImageURL string `yaml:"image_url,omitempty"`
	// ThumbURL is the address of a small picture that Slack itself can reach. A template.
	ThumbURL string `yaml:"thumb_url,omitempty"`
	// Username is who a fresh post seems to be from; a bot needs the scope chat:write.customize for it, and for IconEmoji and
	// IconURL. A template.
	Username string `yaml:"username,omitempty"`
	// IconEmoji is the picture of who it seems to be from, as :robot_face:. A template.
	IconEmoji string `yaml:"icon_emoji,omitempty"`
	// IconURL is the address of that picture. A template.
	IconURL string `yaml:"icon_url,omitempty"`
}

// Field is one of Words.Fields.
type Field struct {
	// Title is the bold line of the field. A template.
	Title string `yaml:"title"`
	// Value is what stands below it. A template whose own mrkdwn is meant.
	Value string `yaml:"value"`
	// Short is taken from Alertmanager's receivers and means nothing: fields stand in two columns.
	Short *bool `yaml:"short,omitempty"`
}

// Action is a button that leads to an address. Alertmanager's other kinds need an app that answers.
type Action struct {
	// Type is taken from Alertmanager's receivers and means nothing: every action is a button.
	Type string `yaml:"type,omitempty"`
	// Text is what the button says. A template.
	Text string `yaml:"text"`
	// URL is where it leads. A template.
	URL string `yaml:"url,omitempty"`
	// Style is taken from Alertmanager's receivers and means nothing.
	Style string `yaml:"style,omitempty"`
	// Name is taken from Alertmanager's receivers and means nothing.
	Name string `yaml:"name,omitempty"`
	// Value is taken from Alertmanager's receivers and means nothing.
	Value string `yaml:"value,omitempty"`
	// ConfirmField is taken from Alertmanager's receivers and means nothing.
	ConfirmField map[string]any `yaml:"confirm,omitempty"`
}

// Texts are all templates of the words, by their place in the configuration.
func (w Words) Texts() map[string]string {
	texts := map[string]string{
		"title": w.Title, "text": w.Text, "title_link": w.TitleLink, "pretext": w.Pretext, "footer": w.Footer, "fallback": w.Fallback,
		"message_text": w.MessageText, "color": w.Color, "image_url": w.ImageURL, "thumb_url": w.ThumbURL, "username": w.Username,
		"icon_emoji": w.IconEmoji, "icon_url": w.IconURL,
	}
	for i, f := range w.Fields {
		texts[at("fields", i, "title")], texts[at("fields", i, "value")] = f.Title, f.Value
	}
	for i, a := range w.Actions {
		texts[at("actions", i, "text")], texts[at("actions", i, "url")] = a.Text, a.URL
	}
	return texts
}

func at(list string, i int, key string) string { return list + "[" + strconv.Itoa(i) + "]." + key }

// said is what a message says beyond its content: what the user's templates came to, escaped and cut for its place, and more.
type said struct {
	text, pretext, fallback, colour string
	fields                          []*slackapi.TextBlockObject
	buttons                         []templates.Link
	image, thumb                    string
	username, iconEmoji, iconURL    string
	// continues is the address of the message that this one takes the place of; files are those that hold the pictures.
	continues string
	files     []string
}

// colours of Alertmanager's words, which it has of Slack's older attachments.
var colours = map[string]string{"good": green, "warning": amber, "danger": red}

var hexColour = regexp.MustCompile(`^#[0-9A-Fa-f]{6}$`)

const (
	pretextSize  = 600
	usernameSize = 80
	mostFields   = 20
)

// say executes the user's templates, and puts into c what takes the place of a standard text. A template that fails, or has
// nothing to say, leaves the standard one; the first is said in the message.
func (w Words) say(set *templates.Set, m notifiers.Message, c *templates.Content) said {
	if reflect.DeepEqual(w, Words{}) {
		return said{}
	}
	plainData := templates.DataOf(m.Receiver, m.Group, m.Snapshot)
	escapedData := plainData.Escaped(escapeLines)
	var failed []string
	run := func(name, source string, d templates.Data) string {
		if source == "" {
			return ""
		}
		text, err := set.Text(lineBreaks(source), d)
		if err != nil {
			failed = append(failed, name)
			return ""
		}
		return strings.TrimSpace(text)
	}
	var s said
	if title := run("title", w.Title, plainData); title != "" {
		c.Title = title
		if strings.Contains(w.Title, "{{") {
			c.Emoji = "" // a template may say the state itself; a fixed title is the same when all is over
		}
	}
	if s.text = cutLines(run("text", w.Text, escapedData), sectionSize); s.text != "" {
		c.Alerts = nil
	}
	s.pretext = cutLines(run("pretext", w.Pretext, escapedData), pretextSize)
	s.fallback = mrkdwn(run("fallback", cmp.Or(w.Fallback, w.MessageText), plainData), fallbackSize)
	if footer := run("footer", w.Footer, plainData); footer != "" {
		c.Foot = footer
	}
	colour := run("color", w.Color, plainData)
	if named := colours[colour]; named != "" {
		s.colour = named
	} else if hexColour.MatchString(colour) {
		s.colour = colour
	}
	for i, f := range w.Fields[:min(len(w.Fields), mostFields)] {
		title := cutLines(run(at("fields", i, "title"), f.Title, escapedData), vitalNameSize)
		value := cutLines(run(at("fields", i, "value"), f.Value, escapedData), changeSize)
		if title != "" || value != "" {
			s.fields = append(s.fields, markdown(join("\n", bold(title), value)))
		}
	}
	link := func(name, text, address string) {
		l := templates.Link{Text: run(name+"text", text, plainData), URL: run(name+"url", address, plainData)}
		if l.Text != "" && l.URL != "" {
			s.buttons = append(s.buttons, l)
		}
	}
	for i, a := range w.Actions {
		link(at("actions", i, ""), a.Text, a.URL)
	}
	link("title_link: ", "Open", w.TitleLink)
	c.Links = append(s.buttons, c.Links...)
	s.image, s.thumb = picture(run("image_url", w.ImageURL, plainData)), picture(run("thumb_url", w.ThumbURL, plainData))
	s.username = clip(run("username", w.Username, plainData), usernameSize)
	s.iconEmoji, s.iconURL = run("icon_emoji", w.IconEmoji, plainData), picture(run("icon_url", w.IconURL, plainData))
	if len(failed) > 0 {
		c.Foot = join(" · ", c.Foot, "standard text in place of "+strings.Join(failed, ", ")+", which failed")
	}
	return s
}

// lineBreaks is a template in which \n in its own text begins a line: in single quotes YAML leaves the two characters as they are, and
// nobody wants to read them. What stands between {{ and }} is Go's, which knows them itself.
func lineBreaks(source string) string {
	var out strings.Builder
	for {
		text, rest, action := strings.Cut(source, "{{")
		out.WriteString(strings.ReplaceAll(text, `\n`, "\n"))
		if !action {
			return out.String()
		}
		inside, after, closed := strings.Cut(rest, "}}")
		out.WriteString("{{" + inside)
		if !closed {
			return out.String()
		}
		out.WriteString("}}")
		source = after
	}
}

// picture is the address of a picture, "" for what is none.
func picture(address string) string {
	if parseAddress(address) == nil || length(address) > buttonURLSize {
		return ""
	}
	return address
}

// escapeLines is mrkdwn for a text of several lines.
func escapeLines(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = mrkdwn(line, sectionSize)
	}
	return noQuotation(strings.Join(lines, "\n"))
}

// cutLines is the beginning of text whose markup is meant, in whole lines: a line that is cut could leave a mark open. A first
// line that is too long alone is cut between words.
func cutLines(text string, limit int) string {
	text = strings.ToValidUTF8(text, "\ufffd")
	if length(text) <= limit {
		return text
	}
	var kept []string
	size := 1 // "…"
	for line := range strings.SplitSeq(text, "\n") {
		if size += length(line) + 1; size > limit {
			break
		}
		kept = append(kept, line)
	}
	if len(kept) > 0 {
		return strings.Join(kept, "\n") + "\n…"
	}
	size = 1
	for word := range strings.SplitSeq(text, " ") {
		if size += length(word) + 1; size > limit {
			break
		}
		kept = append(kept, word)
	}
	return strings.Join(kept, " ") + "…"
}
