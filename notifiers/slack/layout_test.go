package slack

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	slackapi "github.com/slack-go/slack"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/alertvitals/notifier/alert"
	"github.com/alertvitals/notifier/notifiers"
	"github.com/alertvitals/notifier/notifiers/notifiertest"
	"github.com/alertvitals/notifier/templates"
)

func layoutOf(c templates.Content) post { return layout(notifiers.Message{Content: c}, "", said{}, "") }

// textsOf are all texts of the post, in the order in which they show.
func textsOf(p post) []string {
	texts := []string{p.text, p.attachment.Fallback}
	add := func(objects ...*slackapi.TextBlockObject) {
		for _, o := range objects {
			if o != nil {
				texts = append(texts, o.Text)
			}
		}
	}
	for _, block := range append(append([]slackapi.Block{}, p.blocks...), p.attachment.Blocks.BlockSet...) {
		switch block := block.(type) {
		case *slackapi.HeaderBlock:
			add(block.Text)
		case *slackapi.SectionBlock:
			add(block.Text)
			add(block.Fields...)
		case *slackapi.ContextBlock:
			add(block.ContextElements.Elements[0].(*slackapi.TextBlockObject))
		case *slackapi.ActionBlock:
			for _, element := range block.Elements.ElementSet {
				add(element.(*slackapi.ButtonBlockElement).Text)
			}
		}
	}
	return texts
}

func allText(p post) string { return strings.Join(textsOf(p), "\n") }

func TestColour(t *testing.T) {
	for want, c := range map[string]templates.Content{
		red:   {Status: alert.StatusFiring, Severity: alert.Critical},
		amber: {Status: alert.StatusFiring, Severity: "page"},
		blue:  {Status: alert.StatusFiring, Severity: alert.Info},
		green: {Status: alert.StatusResolved, Severity: alert.Critical},
	} {
		assert.Equal(t, want, layoutOf(c).attachment.Color)
		assert.Equal(t, grey, layout(notifiers.Message{Content: c, Late: true}, "", said{}, "").attachment.Color, "the past has no colour")
	}
}

func TestTheLockScreenShowsTheNoteHoweverLongTheRestIs(t *testing.T) {
	c := notifiertest.Fallback().Content
	c.Headline = strings.Repeat("error ", 1000)

	text := layoutOf(c).text

	assert.LessOrEqual(t, length(text), fallbackSize+length(" — "))
	assert.True(t, strings.HasPrefix(text, "🔴 CRITICAL"), text)
	assert.True(t, strings.HasSuffix(text, "… — "+c.Note), text)
}

func TestResolvedShowsOnlyVitalsThatAreStillNotNormal(t *testing.T) {
	m := notifiertest.Resolved(nil)
	m.Content.Vitals = []templates.Vital{{Name: "requests", Value: "30 /s"}, {Name: "memory", Value: "3 GiB", Loud: true}}

	text := allText(layoutOf(m.Content))

	assert.Contains(t, text, "*memory*")
	assert.NotContains(t, text, "requests")
	assert.Contains(t, text, "error rate 7.3 % → 0.1 %")
}

func TestP7FitKeepsWhatMattersAndSaysWhatIsGone(t *testing.T) {
	c := notifiertest.Firing().Content
	c.Alerts = nil
	for i := range 10000 {
		c.Alerts = append(c.Alerts, templates.Line{Name: fmt.Sprintf("aster-%d:8080", i), Text: strings.Repeat("<x> ", 100)})
	}
	c.Counts = "10,000 firing"
	for range 14 {
		c.Vitals = append(c.Vitals, templates.Vital{Name: "quiet", Value: "1", Change: strings.Repeat("<", 200)})
	}

	p := layoutOf(c)
	text := allText(p)

	assert.LessOrEqual(t, p.size(), postSize)
	assert.Contains(t, text, c.Title)
	assert.Contains(t, text, c.Headline)
	assert.Contains(t, text, c.Counts)
	assert.Contains(t, text, "aster-0:8080")
	assert.Contains(t, text, "⚠ *error rate*")
	assert.NotContains(t, text, "vitals taken", "the foot goes first")
	shown := strings.Count(text, "▸")
	assert.Contains(t, text, fmt.Sprintf("and %d more", 10000-shown), "every alert is shown or counted")
}

func TestP7NothingIsTooMuch(t *testing.T) {
	long := strings.Repeat("<", 1<<20)
	c := notifiertest.Hostile(long).Content
	c.Links = nil
	for range 14 {
		c.Links = append(c.Links, templates.Link{Text: long, URL: "https://example.com/" + strings.Repeat("%3C", 900)})
	}

	for _, news := range []string{"", long} {
		p := layout(notifiers.Message{Content: c}, news, said{}, "")

		assert.LessOrEqual(t, p.size(), postSize)
		assert.Len(t, p.blocks, 3, "title, headline and note stay")
		assert.GreaterOrEqual(t, len(p.attachment.Blocks.BlockSet), 1, "the counts stay")
	}
}

func TestFitDropsALongLinkBeforeVitals(t *testing.T) {
	c := notifiertest.Firing().Content
	for i := range 5 {
		c.Links = append(c.Links, templates.Link{Text: fmt.Sprint(i), URL: "https://example.com/" + strings.Repeat("x", 2900)})
	}
	c.Links = c.Links[3:]

	text := allText(layoutOf(c))

	assert.Contains(t, text, "requests")
	assert.Contains(t, text, "aster-1:8080")
}

func TestButtonsLeadOnlyToWebPages(t *testing.T) {
	got := buttons([]templates.Link{
		{Text: "ok", URL: "https://example.com/a?b=c&d=<e>"},
		{Text: "js", URL: "javascript:alert(1)"},
		{Text: "file", URL: "file:///etc/passwd"},
		{Text: "none", URL: ""},
		{Text: "line", URL: "https://example.com/\n"},
		{Text: "long", URL: "https://example.com/" + strings.Repeat("x", 3000)},
		{Text: " ", URL: "https://example.com/"},
		{Text: strings.Repeat("t", 100), URL: "http://example.com"},
	})

	require.Len(t, got, 2)
	assert.Equal(t, "https://example.com/a?b=c&d=<e>", got[0].(*slackapi.ButtonBlockElement).URL)
	assert.Equal(t, 75, length(got[1].(*slackapi.ButtonBlockElement).Text.Text))
	assert.Len(t, buttons(slicesRepeat(templates.Link{Text: "x", URL: "https://example.com"}, mostButtons+1)), mostButtons)
}

func slicesRepeat(l templates.Link, n int) []templates.Link {
	all := make([]templates.Link, n)
	for i := range all {
		all[i] = l
	}
	return all
}

func TestWithinSectionCountsWhatItLeavesOut(t *testing.T) {
	assert.Empty(t, withinSection(nil, "\n", 0))
	assert.Equal(t, "and 4 more", withinSection(nil, "\n", 4))
	assert.Equal(t, "a\nb", withinSection([]string{"a", "b"}, "\n", 0))
	assert.Equal(t, "a · b · and 3 more", withinSection([]string{"a", "b"}, " · ", 3))

	long := withinSection([]string{strings.Repeat("a", 2000), strings.Repeat("b", 2000), "c"}, "\n", 5)
	assert.Equal(t, strings.Repeat("a", 2000)+"\nand 7 more", long)
}

func TestEmptyContentIsStillAMessage(t *testing.T) {
	p := layoutOf(templates.Content{})

	encoded, err := json.Marshal(p.blocks)
	require.NoError(t, err)
	assert.Contains(t, string(encoded), `"text":"Alert"`)
}
