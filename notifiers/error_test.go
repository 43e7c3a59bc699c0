package notifiers

import (
	"testing"

	"github.com/prometheus/alertmanager/template"
	"github.com/stretchr/testify/assert"

	"github.com/alertvitals/notifier/alert"
	"github.com/alertvitals/notifier/templates"
)

// The words for reasons are in package templates, which does not know ours.
func TestEveryReasonHasWords(t *testing.T) {
	g := alert.Group{Alerts: template.Alerts{{Status: alert.StatusFiring}}}
	note := func(reason string) string {
		return templates.Render(templates.Input{Group: g, Again: &templates.Again{From: "oncall", Reason: reason}}).Note
	}
	other := note("other")
	said := map[string]Reason{}
	for _, reason := range []Reason{Rejected, Auth, RateLimited, Server, Unreachable, Timeout, "panic", "expired", "removed", "recovered", ""} {
		words := note(string(reason))
		assert.NotEqual(t, other, words, reason)
		assert.Empty(t, said[words], "%s and another reason say the same", reason)
		said[words] = reason
	}
}
