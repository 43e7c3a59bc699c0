package alert

import (
	"testing"
	"time"

	"github.com/prometheus/alertmanager/template"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func wholeGroup(t *testing.T, n Notification) Group {
	t.Helper()
	g, ok := n.Choose(nil)
	require.True(t, ok)
	return g
}

func firing(labels template.KV) template.Alert {
	return template.Alert{Status: StatusFiring, Labels: labels}
}

func resolved(labels template.KV) template.Alert {
	return template.Alert{Status: StatusResolved, Labels: labels}
}

func TestP8TruncatedGroupIsNeverResolved(t *testing.T) {
	shown := template.Alerts{resolved(template.KV{"alertname": "A"})}

	assert.Equal(t, StatusResolved, Group{Alerts: shown}.Status())
	assert.Equal(t, StatusFiring, Group{Alerts: shown, Truncated: 1}.Status())
}

func TestStatusIgnoresWhatThePayloadSays(t *testing.T) {
	n := Notification{}
	n.Status = StatusResolved
	n.Alerts = template.Alerts{resolved(template.KV{"a": "1"}), firing(template.KV{"a": "2"})}

	assert.Equal(t, StatusFiring, wholeGroup(t, n).Status())
}

func TestChooseSplitsANotification(t *testing.T) {
	n := Notification{GroupKey: "k", TruncatedAlerts: 2}
	n.ExternalURL = "http://alertmanager:9093"
	n.NotificationReason = "new alerts added"
	n.Alerts = template.Alerts{
		firing(template.KV{"severity": "critical", "job": "aster", "instance": "a"}),
		resolved(template.KV{"severity": "warning", "job": "aster", "instance": "b"}),
		firing(template.KV{"severity": "warning", "job": "aster", "instance": "c"}),
	}

	warnings, ok := n.Choose([]int{1, 2})
	require.True(t, ok)

	assert.Equal(t, n.Alerts[1:], warnings.Alerts)
	assert.Equal(t, "k", warnings.Key)
	assert.Equal(t, uint64(2), warnings.Truncated)
	assert.Equal(t, "new alerts added", warnings.Reason)
	assert.Equal(t, "http://alertmanager:9093", warnings.ExternalURL)
	assert.Equal(t, template.KV{"severity": "warning", "job": "aster"}, warnings.CommonLabels())
	assert.Equal(t, Warning, warnings.Severity())
}

func TestChooseTakesOnlyWhatIsThere(t *testing.T) {
	n := Notification{}
	n.Alerts = template.Alerts{firing(template.KV{"a": "0"}), firing(template.KV{"a": "1"})}
	for name, tc := range map[string]struct {
		indexes []int
		want    template.Alerts
	}{
		"all":           {nil, n.Alerts},
		"none":          {[]int{}, nil},
		"one":           {[]int{1}, n.Alerts[1:]},
		"out of bounds": {[]int{-1, 2, 1 << 40}, nil},
		"some of them":  {[]int{-1, 0, 2}, n.Alerts[:1]},
	} {
		t.Run(name, func(t *testing.T) {
			g, ok := n.Choose(tc.indexes)

			assert.Equal(t, tc.want != nil, ok)
			assert.Equal(t, tc.want, g.Alerts)
		})
	}
	_, ok := Notification{}.Choose(nil)
	assert.False(t, ok)
}

func TestSeverityIsTheHighestThatFires(t *testing.T) {
	for name, tc := range map[string]struct {
		alerts template.Alerts
		want   Severity
	}{
		"none":             {template.Alerts{firing(nil)}, ""},
		"highest":          {template.Alerts{firing(template.KV{"severity": "info"}), firing(template.KV{"severity": "critical"})}, Critical},
		"firing counts":    {template.Alerts{firing(template.KV{"severity": "info"}), resolved(template.KV{"severity": "critical"})}, Info},
		"all resolved":     {template.Alerts{resolved(template.KV{"severity": "info"}), resolved(template.KV{"severity": "critical"})}, Critical},
		"unknown kept":     {template.Alerts{firing(template.KV{"severity": "page"}), firing(template.KV{"severity": "info"})}, "page"},
		"unknown is no p1": {template.Alerts{firing(template.KV{"severity": "page"}), firing(template.KV{"severity": "critical"})}, Critical},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, tc.want, Group{Alerts: tc.alerts}.Severity())
		})
	}
}

func TestSinceAndUntil(t *testing.T) {
	at := func(minute int) time.Time { return time.Date(2026, 3, 1, 9, minute, 0, 0, time.UTC) }
	g := Group{Alerts: template.Alerts{
		{Status: StatusResolved, StartsAt: at(1), EndsAt: at(20)},
		{Status: StatusFiring, StartsAt: at(9)},
		{Status: StatusFiring, StartsAt: at(5)},
		{Status: StatusFiring},
	}}

	assert.Equal(t, at(5), g.Since(), "the oldest that fires")
	assert.Equal(t, at(20), g.Until())
	assert.Equal(t, at(1), Group{Alerts: g.Alerts[:1]}.Since(), "the oldest of all when none fires")
	assert.True(t, Group{Alerts: g.Alerts[1:]}.Until().IsZero())
	assert.True(t, Group{Alerts: g.Alerts[3:]}.Since().IsZero())
}

func TestName(t *testing.T) {
	two := template.Alerts{firing(template.KV{"alertname": "A"}), firing(template.KV{"alertname": "B"})}

	assert.Equal(t, "A", Group{Alerts: two[:1]}.Name())
	assert.Empty(t, Group{Alerts: two}.Name())
	assert.Equal(t, "G", Group{Alerts: two, GroupLabels: template.KV{"alertname": "G"}}.Name())
}
