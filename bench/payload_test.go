package bench

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/alertmanager/template"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/alertvitals/notifier/alert"
)

// payload is a webhook as Alertmanager sends it, of about 2 KiB: a group of two alerts, of which the first fires and the
// second comes and goes with every version. Version numbers the notifications of the group; the summaries show it.
func payload(tb testing.TB, group, version int) []byte {
	tb.Helper()
	name := fmt.Sprintf("HighErrorRate%d", group)
	shared := template.KV{"alertname": name, "cluster": "production", "job": "agent", "namespace": "assistants", "severity": "critical"}
	n := alert.Notification{Version: "4", GroupKey: fmt.Sprintf(`{}/{severity="critical"}:{alertname="%s"}`, name)}
	n.Receiver, n.Status, n.ExternalURL = "notifier", alert.StatusFiring, "http://alertmanager.monitoring.svc:9093"
	n.NotificationReason = "alerts changed"
	n.GroupLabels, n.CommonLabels, n.RouteLabels = template.KV{"alertname": name}, shared, template.KV{}
	n.CommonAnnotations = template.KV{"runbook_url": "https://runbooks.example.com/agents/high-error-rate"}
	start := time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
	for i := range 2 {
		labels := template.KV{"instance": fmt.Sprintf("agent-%d.agents.svc.cluster.local:8080", i), "pod": fmt.Sprintf("agent-%d", i)}
		set := model.LabelSet{}
		for label, value := range shared {
			labels[label] = value
		}
		for label, value := range labels {
			set[model.LabelName(label)] = model.LabelValue(value)
		}
		a := template.Alert{
			Status: alert.StatusFiring, Labels: labels, StartsAt: start, Fingerprint: set.Fingerprint().String(),
			Annotations: template.KV{
				"summary":     fmt.Sprintf("%s g%d-u%d", "Error rate is above 5 %", group, version),
				"description": "More than 5 % of the requests to this agent failed over the last five minutes.",
				"runbook_url": "https://runbooks.example.com/agents/high-error-rate",
			},
			GeneratorURL: "http://prometheus.monitoring.svc:9090/graph?g0.expr=" +
				"sum%28rate%28agent_request_errors_total%5B5m%5D%29%29+%2F+sum%28rate%28agent_requests_total%5B5m%5D%29%29+%3E+0.05&g0.tab=1",
		}
		if i == 1 {
			a.StartsAt = start.Add(time.Duration(version) * time.Second)
			if version%2 == 0 {
				a.Status, a.StartsAt, a.EndsAt = alert.StatusResolved, a.StartsAt.Add(-time.Second), a.StartsAt
			}
		}
		n.Alerts = append(n.Alerts, a)
	}
	body, err := json.Marshal(n)
	require.NoError(tb, err)
	return body
}

func TestPayloadIsWhatAlertmanagerSends(t *testing.T) {
	for version := range 4 {
		body := payload(t, 7, version)

		n, err := alert.Decode(body)

		require.NoError(t, err)
		assert.Len(t, n.Alerts, 2)
		assert.InDelta(t, 2048, len(body), 512)
		assert.True(t, strings.Contains(string(body), fmt.Sprintf("g7-u%d", version)))
	}
}
