package templates

import (
	"strings"
	"testing"

	amtemplate "github.com/prometheus/alertmanager/template"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/alertvitals/notifier/alert"
	"github.com/alertvitals/notifier/diagnostics"
)

func TestP7OnlyATemplatesOwnMarkupIsMeant(t *testing.T) {
	hostile := amtemplate.KV{"host": "<!channel>", "<!here>": "x"}
	group := alert.Group{
		Alerts:      amtemplate.Alerts{{Status: alert.StatusFiring, Labels: hostile, Annotations: hostile, GeneratorURL: "http://p/?a<b"}},
		GroupLabels: hostile,
	}
	snapshot := &diagnostics.Snapshot{
		Agent:  "a<b",
		Tables: []diagnostics.Table{{Name: "t", Rows: []diagnostics.Row{{Name: "<@U1>"}}}},
	}
	d := DataOf("r", group, snapshot)
	escaped := d.Escaped(func(text string) string { return strings.ReplaceAll(text, "<", "&lt;") })
	text, err := standard.Text(`<b>{{ range .Alerts.Firing }}{{ .Labels.host }} {{ .Annotations.host }} {{ .GeneratorURL }}{{ end }} `+
		`{{ .GroupLabels.host }} {{ .CommonLabels.host }} {{ .Snapshot.Agent }} {{ (index (index .Snapshot.Tables 0).Rows 0).Name }} `+
		`{{ (index .CommonLabels.SortedPairs 0).Name }}</b>`, escaped)
	require.NoError(t, err)
	assert.Equal(t, "<b>&lt;!channel> &lt;!channel> http://p/?a&lt;b &lt;!channel> &lt;!channel> a&lt;b &lt;@U1> &lt;!here></b>", text)
	assert.Equal(t, "<!channel>", d.Alerts[0].Labels["host"], "what it was made of stays")
	assert.Equal(t, d.Alerts[0].StartsAt, escaped.Alerts[0].StartsAt)
	assert.Nil(t, DataOf("r", group, nil).Escaped(strings.ToUpper).Snapshot)
}
