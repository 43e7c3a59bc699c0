package slack

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/prometheus/alertmanager/template"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/alertvitals/notifier/alert"
	"github.com/alertvitals/notifier/diagnostics"
	"github.com/alertvitals/notifier/notifiers"
	"github.com/alertvitals/notifier/notifiers/notifiertest"
	"github.com/alertvitals/notifier/notifiers/slack/slackfake"
	"github.com/alertvitals/notifier/notifiers/slack/slackview"
	"github.com/alertvitals/notifier/templates"
)

var night = time.Date(2026, 3, 1, 3, 12, 0, 0, time.UTC)

// TestWhatPeopleReadAtNight goes the whole way from a group to a screen for what is not told in the ordinary way: the golden
// file is read by people, and is to be understood by one who was asleep a minute ago.
func TestWhatPeopleReadAtNight(t *testing.T) {
	instance := func(name, rate string) template.Alert {
		a := notifiertest.Firing().Group.Alerts[0]
		a.Labels = template.KV{"alertname": "HighErrorRate", "severity": "critical", "job": "aster", "instance": name}
		a.Annotations = template.KV{"summary": "Error rate is " + rate}
		a.StartsAt, a.Fingerprint = night.Add(-12*time.Minute), name
		return a
	}
	over := func(a template.Alert) template.Alert {
		a.Status, a.EndsAt = alert.StatusResolved, night.Add(-4*time.Minute)
		return a
	}
	first, second, third, fourth := instance("aster-0", "7.3 %"), instance("aster-1", "9.0 %"), instance("aster-2", "6.1 %"), instance("aster-3", "5.5 %")
	of := func(alerts ...template.Alert) alert.Group {
		g := notifiertest.Firing().Group
		g.Alerts = alerts
		return g
	}
	merged := of(first, second, over(third))
	merged.Gone = template.Alerts{fourth}
	evening := instance("aster-0", "7.3 %")
	evening.StartsAt = night.Add(-6*time.Hour - 2*time.Minute)
	sick := notifiertest.Firing().Snapshot
	sick.TakenAt, sick.Metrics.At, sick.Vitals[0].BeforeAt = night, night, night.Add(-time.Hour)
	expired := &templates.Again{Reason: "expired", Accepted: night.Add(-6 * time.Hour)}
	past := *expired
	past.Late = true

	var out bytes.Buffer
	for _, scene := range []struct {
		title string
		build func(*testing.T, string) *Notifier
		told  []templates.Input
	}{
		{"waiting updates as one first message", botOf, []templates.Input{{Group: merged, Snapshot: sick}}},
		{"waiting updates as one change", botOf, []templates.Input{
			{Group: of(first), Snapshot: sick},
			{Group: merged, Snapshot: sick, AtFire: sick, Known: []string{"aster-0"}},
		}},
		{"the same by an incoming webhook", webhookOf, []templates.Input{{Group: merged, Known: []string{"aster-0"}}}},
		{"over before it could be told", botOf, []templates.Input{{Group: of(over(first))}}},
		{"instead of another receiver", botOf, []templates.Input{
			{Group: of(first), Snapshot: sick, Again: &templates.Again{From: "oncall", Reason: "auth", Accepted: night.Add(-2 * time.Minute)}},
		}},
		{"a replay", botOf, []templates.Input{{Group: of(evening), Again: expired}}},
		{"a replay after newer news", botOf, []templates.Input{
			{Group: of(first, second), Snapshot: sick},
			{Group: of(evening), Snapshot: sick, Again: &past},
		}},
	} {
		fake := slackfake.New(token)
		n := scene.build(t, serve(t, fake))
		var receipt notifiers.Receipt
		for _, in := range scene.told {
			in.Now = night
			m := notifiers.Message{Group: in.Group, Content: templates.Render(in), Snapshot: in.Snapshot, Previous: receipt}
			m.Late = in.Again != nil && in.Again.Late
			receipt = send(t, n, m)
		}
		out.WriteString("════ " + scene.title + "\n")
		for _, m := range append(fake.Messages("agent-alerts"), fake.Messages(slackfake.WebhookChannel)...) {
			out.WriteString("lock screen: " + m.Text + "\n")
			require.NoError(t, slackview.Text(&out, m, false))
		}
		out.WriteString("\n")
	}

	// The stand-in's clock is the real one.
	got := regexp.MustCompile(`notifier  \d\d:\d\d`).ReplaceAllString(out.String(), "notifier  03:12")
	file := filepath.Join("testdata", "night.txt")
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(got), 0o600))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, string(want), got)
	assert.NotContains(t, got, diagnostics.NotOffered, "words of the code are not for people")
}
