package alert

import (
	"encoding/json"
	"testing"

	"github.com/prometheus/alertmanager/template"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestP10RedactHidesPersonsAndNothingElse(t *testing.T) {
	for name, tc := range map[string]struct{ id, text, want string }{
		"a number within a number": {"100", "100 of 1004 requests", "[redacted] of 1004 requests"},
		"an address with a tail":   {"ada@example.com", "session ada@example.com/1", "session [redacted]/1"},
		"too short":                {"7", "7 errors", "7 errors"},
		"a pattern":                {"a.c+", "abc a.c+", "abc [redacted]"},
	} {
		t.Run(name, func(t *testing.T) {
			g := Group{GroupLabels: template.KV{"session": tc.text}, Alerts: template.Alerts{{
				Labels: template.KV{"user_id": tc.id}, Annotations: template.KV{"summary": tc.text},
			}}}

			got := g.Redact([]string{"user_id"})

			assert.Equal(t, tc.want, got.Alerts[0].Annotations["summary"])
			assert.Equal(t, tc.want, got.GroupLabels["session"])
		})
	}
}

func TestP10RedactHidesPersonalLabelsWhereverTheyStand(t *testing.T) {
	g := Group{
		Key:         "k",
		GroupLabels: template.KV{"user_email": "ada@example.com", "alertname": "HighCost"},
		Alerts: template.Alerts{
			{
				Status:       StatusFiring,
				Labels:       template.KV{"alertname": "HighCost", "user_email": "ada@example.com", "user_id": "7", "team": "ada@example.com"},
				Annotations:  template.KV{"summary": "ada@example.com spent 7 USD"},
				GeneratorURL: "http://prometheus/graph?g0.expr=cost%7Buser_email%3D%22ada%40example.com%22%7D",
			},
			{Status: StatusFiring, Labels: template.KV{"alertname": "HighCost"}, Annotations: template.KV{"summary": "plain"}},
		},
	}
	before, err := json.Marshal(g)
	require.NoError(t, err)

	got := g.Redact([]string{"user_email", "user_id"})

	shown, err := json.Marshal(got)
	require.NoError(t, err)
	assert.NotContains(t, string(shown), "ada@example.com")
	assert.NotContains(t, string(shown), "ada%40example.com")
	assert.Equal(t, "[redacted]", got.Alerts[0].Labels["user_id"])
	assert.Equal(t, "[redacted] spent 7 USD", got.Alerts[0].Annotations["summary"], "a value too short to be told from other text stays")
	assert.Equal(t, "plain", got.Alerts[1].Annotations["summary"])
	assert.NotContains(t, got.Alerts[1].Labels, "user_email", "a label that was absent stays absent")

	after, err := json.Marshal(g)
	require.NoError(t, err)
	assert.JSONEq(t, string(before), string(after), "the group itself is not changed")
}

func TestP10RedactHidesPersonsInWhatIsNoLongerReported(t *testing.T) {
	personal := template.Alert{
		Status:      StatusFiring,
		Labels:      template.KV{"alertname": "HighCost", "user_email": "ada@example.com"},
		Annotations: template.KV{"summary": "ada@example.com spent 7 USD"},
	}
	plain := template.Alert{Status: StatusFiring, Labels: template.KV{"alertname": "HighCost"}}
	g := Group{GroupLabels: template.KV{"owner": "ada@example.com"}, Alerts: template.Alerts{plain}, Gone: template.Alerts{personal}}
	before, err := json.Marshal(g)
	require.NoError(t, err)

	got := g.Redact([]string{"user_email"})

	shown, err := json.Marshal(got)
	require.NoError(t, err)
	assert.NotContains(t, string(shown), "ada@example.com")
	require.Len(t, got.Gone, 1)
	assert.Equal(t, Redacted, got.Gone[0].Labels["user_email"])
	assert.Equal(t, plain.Labels, got.Alerts[0].Labels, "what is not personal stays")

	after, err := json.Marshal(g)
	require.NoError(t, err)
	assert.JSONEq(t, string(before), string(after), "the group itself is not changed")
}
