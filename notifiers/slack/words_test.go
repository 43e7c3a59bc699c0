package slack

import (
	"encoding/json"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/alertvitals/notifier/alert"
	"github.com/alertvitals/notifier/notifiers"
	"github.com/alertvitals/notifier/notifiers/notifiertest"
	"github.com/alertvitals/notifier/notifiers/slack/slackfake"
	"github.com/alertvitals/notifier/templates"
)

// configured is a bot whose configuration has these keys too, and the workspace that it speaks to.
func configured(t *testing.T, text string) (*Notifier, *slackfake.Server) {
	t.Helper()
	fake := slackfake.New(token)
	var c Config
	require.NoError(t, yaml.UnmarshalWithOptions([]byte(text), &c, yaml.Strict()))
	c.AppToken, c.Channel, c.APIBaseURL = token, "#agent-alerts", serve(t, fake)+"/api/"
	n, err := New(c, templates.Standard())
	require.NoError(t, err)
	return n, fake
}

// asJSON is the JSON of the only message.
func asJSON(t *testing.T, fake *slackfake.Server) string {
	t.Helper()
	messages := fake.Messages("agent-alerts")
	require.Len(t, messages, 1)
	text, err := json.Marshal(messages[0])
	require.NoError(t, err)
	return string(text)
}

func TestAReceiverOfAlertmanagersWorksAsItIs(t *testing.T) {
	n, fake := configured(t, `
send_resolved: true
title: '{{ template "slack.default.title" . }}'
title_link: '{{ .ExternalURL }}/#/alerts'
pretext: '*{{ .Status | toUpper }}*'
text: |-
  {{ range .Alerts }}*{{ .Labels.instance }}* {{ .Annotations.summary }}
  {{ end }}
fallback: '{{ .CommonLabels.alertname }} in a word'
color: '{{ if eq .Status "firing" }}danger{{ else }}good{{ end }}'
footer: by {{ .Receiver }}
short_fields: true
fields: [{title: Severity, value: '{{ .CommonLabels.severity }}', short: true}]
actions: [{type: button, text: 'Runbook :green_book:', url: 'https://runbooks.example.com/{{ .CommonLabels.alertname }}'}]
username: '{{ .Receiver }}-bot'
icon_emoji: ':fire:'
image_url: https://example.com/a.png
thumb_url: https://example.com/b.png
link_names: true
update_message: true
mrkdwn_in: [text]
callback_id: x
http_config: {follow_redirects: false}
`)
	send(t, n, notifiertest.Firing())
	text := asJSON(t, fake)
	for _, want := range []string{
		`"text":"[FIRING:2] HighErrorRate`, `*FIRING*`, `*aster-0:8080* Error rate is 7.3 %\n*aster-1:8080* Error rate is 9.0 %"`,
		`"text":"HighErrorRate in a word"`, red, "by slack", `*Severity*\ncritical`, "https://runbooks.example.com/HighErrorRate",
		"http://alertmanager:9093/#/alerts", "https://example.com/a.png", "https://example.com/b.png", "*7.3 %*  ▲ was 0.2 % an hour ago",
	} {
		assert.Contains(t, text, want)
	}
	assert.NotContains(t, text, "▸", "the text names the alerts")
	assert.NotContains(t, text, "since 09:14", "the text takes the headline's place")
}

// A title that is no template cannot say whether all is over, and single quotes leave \n as it is.
func TestAPlainTitleAndQuotedLineBreaks(t *testing.T) {
	n, fake := configured(t, `
title: Agent Alert
text: '{{ range .Alerts }}{{ .Annotations.summary }}\n{{ .Labels.instance }}{{ "\n" }}{{ end }}'
`)
	m := notifiertest.Firing()
	m.Group.Alerts[1].Annotations["summary"] = `C:\new`
	first := send(t, n, m)
	text := asJSON(t, fake)
	assert.Contains(t, text, `"text":"🔴 Agent Alert"`)
	assert.Contains(t, text, `"text":"Error rate is 7.3 %\naster-0:8080\nC:\\new\naster-1:8080"`, "what the data hold stays as it is")

	send(t, n, notifiertest.Resolved(first))
	assert.Contains(t, asJSON(t, fake), `"text":"🟢 Agent Alert"`)
}

func TestP7WhatAUsersTemplateInsertsStaysText(t *testing.T) {
	n, fake := configured(t, `
text: '*{{ .CommonLabels.team }}* <https://example.com/{{ .CommonLabels.team }}|open> {{ .CommonAnnotations.description }}'
pretext: '{{ .CommonLabels.team }}'
title: '{{ .CommonLabels.team }}'
fields: [{title: '{{ .CommonLabels.team }}', value: '{{ .CommonLabels.team }}'}]
`)
	m := notifiertest.Firing()
	for _, a := range m.Group.Alerts {
		a.Labels["team"] = "<!channel> <@U1> *x*"
		a.Annotations["description"] = "one\n> two & <http://x|y>"
	}
	send(t, n, m)
	text := asJSON(t, fake)
	for _, harm := range []string{`"<!channel>`, `\u003c!channel`, `\u003c@U1`, `\u003chttp://x`} {
		// In the title, which is plain text, it is no markup.
		assert.NotContains(t, blocksAfterHeader(t, fake), harm)
	}
	assert.Contains(t, text, `\u0026lt;!channel\u0026gt; \u0026lt;@U1\u0026gt; ∗x∗* \u003chttps://example.com/`, "the template's own markup is meant")
	assert.Contains(t, text, `one\n`+"\u2060"+`\u0026gt; two \u0026amp; \u0026lt;http://x|y\u0026gt;`)
}

// blocksAfterHeader is the JSON of all that is mrkdwn.
func blocksAfterHeader(t *testing.T, fake *slackfake.Server) string {
	t.Helper()
	m := fake.Messages("agent-alerts")[0]
	m.Blocks.BlockSet = m.Blocks.BlockSet[1:]
	text, err := json.Marshal(m)
	require.NoError(t, err)
	return string(text)
}

func TestATemplateThatFailsAtNightLeavesTheStandardText(t *testing.T) {
	n, fake := configured(t, `{title: '{{ .Snapshot.Agent }}', text: '{{ index .Alerts 7 }}', footer: ' '}`)
	m := notifiertest.Firing()
	m.Snapshot = nil
	send(t, n, m)
	text := asJSON(t, fake)
	assert.Contains(t, text, m.Content.Title)
	assert.Contains(t, text, "since 09:14 UTC")
	assert.Contains(t, text, "standard text in place of title, text, which failed")
}

func TestLongTextsOfTemplatesFit(t *testing.T) {
	n, fake := configured(t, `
title: &long '{{ range $i, $a := .Alerts }}{{ .Annotations.description }}{{ end }}'
text: *long
pretext: *long
footer: *long
fallback: *long
fields: [{title: *long, value: *long}, {title: *long, value: *long}]
`)
	m := notifiertest.Firing()
	for _, description := range []string{"words and words ", "one\ntwo\n", "字", "*"} {
		for _, a := range m.Group.Alerts {
			long := make([]byte, 0, 200_000)
			for len(long) < 200_000 {
				long = append(long, description...)
			}
			a.Annotations["description"] = string(long)
		}
		send(t, n, m) // the stand-in refuses what does not fit
	}
	assert.Len(t, fake.Messages("agent-alerts"), 4)
}

func TestMentionsPingWhenSomethingFires(t *testing.T) {
	n, fake := configured(t, `{mentions: {critical: [S0ONCALL, U0ANNA], warning: [here]}, reply_broadcast: true}`)
	first := send(t, n, notifiertest.Firing())
	text := asJSON(t, fake)
	assert.Contains(t, text, `\u003c!subteam^S0ONCALL\u003e \u003c@U0ANNA\u003e`)
	second := send(t, n, notifiertest.Joined(first))
	m := fake.Messages("agent-alerts")[0]
	edited, err := json.Marshal(m.Blocks)
	require.NoError(t, err)
	assert.NotContains(t, string(edited), "subteam", "an edit pings nobody")
	assert.Equal(t, "🔴 One more fires: aster-2:8080 <!subteam^S0ONCALL> <@U0ANNA>", m.Replies[0].Text)
	left := notifiertest.Joined(second)
	left.Content.News, left.Content.Relief = "One is resolved: aster-2:8080; 2 still firing", true
	send(t, n, notifiertest.Resolved(send(t, n, left)))
	m = fake.Messages("agent-alerts")[0]
	assert.Equal(t, "🔴 One is resolved: aster-2:8080; 2 still firing", m.Replies[1].Text, "what ended wakes nobody")
	assert.NotContains(t, m.Replies[2].Text, "subteam", "an end wakes nobody")

	every := Mentions{everySeverity: {"S0A", "channel"}, alert.Critical: {"S0A", "W0B"}}
	assert.Equal(t, "<!subteam^S0A> <!channel> <@W0B>", every.markup(alert.Critical))
	assert.Equal(t, "<!subteam^S0A> <!channel>", every.markup(alert.Info))
	assert.Empty(t, Mentions(nil).markup(alert.Critical))
}

func TestMentionsAreChecked(t *testing.T) {
	for text, want := range map[string]string{
		`[S0123, '@anna']`:        "[1]: not the ID of a user group",
		`{critcal: [S0123]}`:      "critcal: there is no such severity",
		`{critical: ['<!here>']}`: "critical[0]: not the ID",
	} {
		var m Mentions
		require.NoError(t, yaml.Unmarshal([]byte(text), &m))
		problems := m.validate()
		require.Len(t, problems, 1)
		assert.Contains(t, problems[0].Path+": "+problems[0].Msg, want)
	}
	var m Mentions
	require.ErrorContains(t, yaml.Unmarshal([]byte(`S0123`), &m), "want a list")
}

func TestPicturesFollowTheMessage(t *testing.T) {
	n, fake := configured(t, "{mentions: [S0123]}")
	m := notifiertest.Firing()
	m.Content.Charts = []templates.Image{{Title: "error rate", Alt: "error rate rises to 7.3 %", PNG: []byte("\x89PNG one")}, {}}
	first := send(t, n, m)
	require.Equal(t, "F00000001", first["pictures"])
	assert.Equal(t, "\x89PNG one", string(fake.File("F00000001")))
	assert.Contains(t, asJSON(t, fake), `"slack_file":{"id":"F00000001"}`)
	assert.Contains(t, asJSON(t, fake), `"alt_text":"error rate rises to 7.3 %"`)
	assert.Contains(t, asJSON(t, fake), "subteam^S0123", "whoever was mentioned still is")

	joined := notifiertest.Joined(first)
	second := send(t, n, joined)
	assert.Equal(t, first, second, "an edit keeps them")
	assert.Contains(t, asJSON(t, fake), "F00000001")

	resolved := notifiertest.Resolved(second)
	resolved.Content.Charts = []templates.Image{{PNG: []byte("\x89PNG two")}}
	third := send(t, n, resolved)
	assert.Equal(t, "F00000002", third["pictures"])
	assert.Contains(t, asJSON(t, fake), `"alt_text":"chart"`)

	fake.LoseFiles()
	fourth := send(t, n, notifiertest.Joined(third))
	assert.NotContains(t, fourth, "pictures", "what Slack has deleted is left out")
	assert.NotContains(t, asJSON(t, fake), "slack_file")
	assert.Len(t, fake.Messages("agent-alerts"), 1)
}

// Pictures that were uploaded for a try that failed serve the next one: Slack keeps every file.
func TestATryAfterAFailedEditUploadsNothingAgain(t *testing.T) {
	for name, failure := range map[string]slackfake.Failure{
		"the edit":  {Status: 429, Method: "chat.update"},
		"the reply": {Status: 503, Method: "chat.postMessage"},
	} {
		t.Run(name, func(t *testing.T) {
			n, fake := configured(t, "{}")
			resolved := notifiertest.Resolved(send(t, n, notifiertest.Firing()))
			resolved.Content.Charts = []templates.Image{{Alt: "all is well", PNG: []byte("\x89PNG")}}
			fake.FailNext(1, failure)
			var err error
			resolved.Previous, err = n.Notify(t.Context(), resolved)
			require.Error(t, err)

			last := send(t, n, resolved)

			assert.Equal(t, "F00000001", last["pictures"])
			assert.Contains(t, asJSON(t, fake), `"slack_file":{"id":"F00000001"}`)
			assert.Contains(t, asJSON(t, fake), `"alt_text":"all is well"`)
			assert.Nil(t, fake.File("F00000002"))
		})
	}
}

func TestAMessageNeedsNoPictures(t *testing.T) {
	for name, failure := range map[string]slackfake.Failure{
		"without the scope":   {Error: "missing_scope", Method: "files.getUploadURLExternal"},
		"when that breaks":    {Status: 500, Method: "files.completeUploadExternal"},
		"when the edit fails": {Drop: true, Method: "chat.update"},
	} {
		t.Run(name, func(t *testing.T) {
			n, fake := configured(t, "{}")
			m := notifiertest.Firing()
			m.Content.Charts = []templates.Image{{PNG: []byte("\x89PNG")}}
			fake.FailNext(1, failure)
			first := send(t, n, m)
			assert.NotContains(t, first, "pictures")
			assert.Len(t, fake.Messages("agent-alerts"), 1)
		})
	}
}

func TestAMessageThatTakesAnothersPlaceLeadsToIt(t *testing.T) {
	n, fake := configured(t, "{}")
	first := send(t, n, notifiertest.Firing())
	fake.FailNext(1, slackfake.Failure{Error: "edit_window_closed"})
	second := send(t, n, notifiertest.Joined(first))
	assert.NotEqual(t, first, second)
	messages := fake.Messages("agent-alerts")
	require.Len(t, messages, 2)
	text, err := json.Marshal(messages[1])
	require.NoError(t, err)
	assert.Contains(t, string(text), "/p"+first["ts"]+"|Continues an earlier message")

	fake.Delete("agent-alerts", second["ts"])
	send(t, n, notifiertest.Joined(second))
	messages = fake.Messages("agent-alerts")
	text, err = json.Marshal(messages[1])
	require.NoError(t, err)
	assert.NotContains(t, string(text), "Continues", "nothing leads to what is deleted")
}

var _ notifiers.Notifier = (*Notifier)(nil)
