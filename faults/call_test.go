package faults

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// call is one call of Slack's Web API, and what a person would read in it.
type call struct {
	Epoch   int
	Channel receiver
	Method  string // "post", "edit" or "reply"
	TS      string // of the message that was made or changed; of a reply, that of the message which it answers
	Text    string
	// Taken is whether the channel shows it, Lost whether the notifier cannot know that it does.
	Taken, Lost bool
	// Group and Version are 0 for a reply, whose message says them. Version is the newest that is mentioned.
	Group, Version int
	Resolved       bool // the message is green
	Alerts         []shownAlert
	// Instances are the IDs of the alerts that are named in any way.
	Instances []int
}

// shownAlert is an alert as its line in a message shows it.
type shownAlert struct {
	ID, Start int
	Resolved  bool
}

func (c call) String() string {
	fate := "not taken"
	if c.Taken {
		fate = "taken"
	}
	if c.Lost {
		fate += ", answer lost"
	}
	return fmt.Sprintf("[start %d] %s in #%s at %s: u%d %q %v (%s)", c.Epoch, c.Method, c.Channel, c.TS, c.Version, c.Text, c.Alerts, fate)
}

var (
	versionMark  = regexp.MustCompile(`g(\d+)(?:-a\d+-s\d+)?-u(\d+)`)
	alertMark    = regexp.MustCompile(`(resolved · )?g\d+-a(\d+)-s(\d+)-u\d+`)
	instanceMark = regexp.MustCompile(`g\d+-a(\d+)`)
)

// arguments are those of a method, from a form or from JSON.
type arguments struct {
	Channel     string          `json:"channel"`
	TS          string          `json:"ts"`
	ThreadTS    string          `json:"thread_ts"`
	Text        string          `json:"text"`
	Blocks      json.RawMessage `json:"blocks"`
	Attachments json.RawMessage `json:"attachments"`
}

func readArguments(body []byte) arguments {
	var a arguments
	if json.Unmarshal(body, &a) == nil {
		return a
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return a
	}
	return arguments{
		Channel: form.Get("channel"), TS: form.Get("ts"), ThreadTS: form.Get("thread_ts"), Text: form.Get("text"),
		Blocks: []byte(form.Get("blocks")), Attachments: []byte(form.Get("attachments")),
	}
}

// readCall is what the body asks for. An edit and a reply name a channel by its ID, which says nothing here: the verdict goes
// by the message's timestamp, which is unique in the stand-in.
func readCall(method string, body []byte) call {
	a := readArguments(body)
	c := call{Channel: receiver(strings.TrimPrefix(a.Channel, "#")), Text: a.Text, Resolved: strings.HasPrefix(a.Text, "🟢")}
	switch {
	case method == "chat.update":
		c.Method, c.TS = "edit", a.TS
	case a.ThreadTS != "":
		c.Method, c.TS = "reply", a.ThreadTS
	default:
		c.Method = "post"
	}
	all := a.Text + "\n" + string(a.Blocks) + "\n" + string(a.Attachments)
	if c.Method == "reply" {
		c.Resolved = false
	}
	for _, found := range versionMark.FindAllStringSubmatch(all, -1) {
		c.Group = number(found[1])
		c.Version = max(c.Version, number(found[2]))
	}
	for _, found := range alertMark.FindAllStringSubmatch(string(a.Blocks)+string(a.Attachments), -1) {
		c.Alerts = append(c.Alerts, shownAlert{ID: number(found[2]), Start: number(found[3]), Resolved: found[1] != ""})
	}
	for _, found := range instanceMark.FindAllStringSubmatch(all, -1) {
		c.Instances = append(c.Instances, number(found[1]))
	}
	return c
}

// answered is the call with what Slack answered.
func (c call) answered(body []byte) call {
	var said struct {
		OK bool   `json:"ok"`
		TS string `json:"ts"`
	}
	if json.Unmarshal(body, &said) != nil {
		return c
	}
	c.Taken = said.OK
	if c.Method == "post" && said.OK {
		c.TS = said.TS
	}
	return c
}

func number(digits string) int {
	n, err := strconv.Atoi(digits)
	if err != nil {
		return -1 // more digits than any plan has
	}
	return n
}
