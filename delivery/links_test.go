package delivery

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/alertmanager/template"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/alertvitals/notifier/alert"
	"github.com/alertvitals/notifier/diagnostics"
	"github.com/alertvitals/notifier/templates"
)

// led is an agent whose address comes from the label "instance".
type led struct {
	shown        []map[string]string
	starts, ends []time.Time
}

func (l *led) Snapshot(_ context.Context, labels map[string]string) *diagnostics.Snapshot {
	return &diagnostics.Snapshot{Agent: "aster", Instance: labels["instance"]}
}

func (l *led) SnapshotLater(context.Context, map[string]string) *diagnostics.Snapshot { return nil }

func (*led) Charts(context.Context, []diagnostics.ChartedAlert) []diagnostics.Chart { return nil }

func (l *led) Links(_, shown map[string]string, starts, ends time.Time) []diagnostics.Link {
	l.shown, l.starts, l.ends = append(l.shown, shown), append(l.starts, starts), append(l.ends, ends)
	return []diagnostics.Link{{Name: "Logs", URL: "https://grafana/" + shown["instance"]}}
}

func personal(a template.Alert, instance string) template.Alert {
	labels := template.KV{"instance": instance, "user_email": "ada@example.com", "note": "of ada@example.com"}
	for name, value := range a.Labels {
		labels[name] = value
	}
	a.Labels = labels
	if a.StartsAt = time.Now().Add(-time.Hour); a.Status == alert.StatusResolved {
		a.EndsAt = time.Now()
	}
	return a
}

// P10: a link holds nothing personal, not even in a label that repeats it. The agent is that of one alert where the alerts have no
// instance in common.
func TestP10LinksHoldNothingPersonal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, s, agents := newMemory(), &sink{}, &led{}
		l := testLoop(s)
		l.Snapshots, l.Redact = agents, []string{"user_email"}
		var links []diagnostics.Link
		l.Render = func(in templates.Input) templates.Content {
			links = in.Links
			return templates.Content{}
		}
		w := start(t, j, quiet, l)

		j.add(webhook("g", personal(firing("A"), "a:1"), personal(firing("B"), "b:1")))
		synctest.Wait()

		require.Len(t, s.messages(), 1)
		assert.Equal(t, "a:1", s.messages()[0].Snapshot.Instance)
		assert.Equal(t, []diagnostics.Link{{Name: "Logs", URL: "https://grafana/a:1"}}, links)
		assert.Equal(t, "a:1", agents.shown[0]["instance"])
		assert.NotContains(t, agents.shown[0], "user_email")
		assert.NotContains(t, agents.shown[0], "note")
		assert.False(t, agents.starts[0].IsZero())
		assert.True(t, agents.ends[0].IsZero(), "it fires")

		j.add(webhook("g", personal(resolved("A"), "a:1"), personal(resolved("B"), "b:1")))
		synctest.Wait()
		require.Len(t, s.messages(), 2)
		assert.Equal(t, alert.StatusResolved, s.messages()[1].Group.Status())
		assert.False(t, agents.ends[len(agents.ends)-1].IsZero())
		require.NoError(t, w.end())
	})
}
