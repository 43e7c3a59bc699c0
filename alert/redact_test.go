package alert

import (
	"encoding/json"
	"strings"
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

func TestP10TheShownKeyHidesPersonsAndTellsGroupsApart(t *testing.T) {
	names := []string{"user_email", "user_id", "user.id"}
	for name, tc := range map[string]struct{ key, want string }{
		"nothing personal":    {`{}:{alertname="A", job="user_id"}`, `{}:{alertname="A", job="user_id"}`},
		"a group label":       {`{}:{alertname="A", user_email="ada@example.com"}`, `{}:{alertname="A", user_email="[redacted]"}#`},
		"a route's matcher":   {`{}/{user_id!~"4|7\"x"}:{alertname="A"}`, `{}/{user_id!~"[redacted]"}:{alertname="A"}#`},
		"a quoted name":       {`{}:{"user.id"="42"}`, `{}:{"user.id"="[redacted]"}#`},
		"the end of a name":   {`{}:{other_user_id="42"}`, `{}:{other_user_id="42"}`},
		"elsewhere":           {`{}:{session="ada@example.com/1"}`, `{}:{session="[redacted]/1"}#`},
		"not as Alertmanager": {`ada@example.com`, `[redacted]#`},
	} {
		t.Run(name, func(t *testing.T) {
			g := Group{Key: tc.key, Alerts: template.Alerts{{Labels: template.KV{"user_email": "ada@example.com"}}}}

			got := g.ShownKey(names)

			shown, digest, altered := strings.Cut(got, "#")
			assert.Equal(t, strings.TrimSuffix(tc.want, "#"), shown)
			assert.Equal(t, strings.HasSuffix(tc.want, "#"), altered)
			assert.Equal(t, altered, len(digest) == 16)
			assert.Equal(t, tc.key, Group{Key: tc.key}.ShownKey(nil))
		})
	}
	one := Group{Key: `{}:{user_id="1"}`}.ShownKey(names)
	assert.NotEqual(t, one, Group{Key: `{}:{user_id="2"}`}.ShownKey(names))
}
