package templates

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/alertvitals/notifier/diagnostics"
)

func TestP9TrendOf(t *testing.T) {
	hour := course(0.01, 0.01, 0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.07, 0.08, 0.09, 0.1, 0.08)
	for name, c := range map[string]struct {
		v    diagnostics.Vital
		want string
	}{
		"an hour":            {diagnostics.Vital{Trend: hour}, "▁▁▁▂▃▄▅▅▆▇██▇ error rate, last hour: 1 % to 10 %"},
		"a gap is no zero":   {diagnostics.Vital{Trend: course(0, 0.1, -1, -1, 0.1, 0)}, "▁█··█▁ error rate, last 25 min: 0 % to 10 % (· not known)"},
		"a younger history":  {diagnostics.Vital{Trend: course(-1, -1, -1, 0.1, 0.1, 0.05, 0.1)}, "██▅█ error rate, last 15 min: 5 % to 10 %"},
		"always the same":    {diagnostics.Vital{Trend: course(0.1, 0.1, 0.1, 0.1)}, "████ error rate, last 15 min: 10 %"},
		"a saturated bucket": {diagnostics.Vital{Trend: course(0.1, 0.2, 0.2, 0.2), Bound: ">", Value: number(0.2)}, "▅███ error rate, last 15 min: 10 % to > 20 %"},
		"always nothing":     {diagnostics.Vital{Trend: course(0, 0, 0, 0, 0)}, ""},
		"too short":          {diagnostics.Vital{Trend: course(-1, 0.1, 0.2, 0.3)}, ""},
		"too little known":   {diagnostics.Vital{Trend: course(0.1, -1, -1, -1, -1, 0.2, 0.3)}, ""},
		"none":               {diagnostics.Vital{}, ""},
	} {
		c.v.Name, c.v.Unit = "error rate", diagnostics.PercentUnit
		if c.v.Value == nil {
			c.v.Value = number(0.1)
		}
		assert.Equal(t, c.want, trendOf(c.v, time.Time{}), name)
	}
	unknown := diagnostics.Vital{Name: "error rate", Trend: hour, Note: "no traffic"}
	assert.Empty(t, trendOf(unknown, time.Time{}), "it would end with a value that is not known")
	below := diagnostics.Vital{Name: "balance", Value: number(1), Trend: []*float64{number(-1), number(1), number(2), number(1)}}
	assert.Empty(t, trendOf(below, time.Time{}), "no bar is below nothing")
}

func TestTrendIsThatOfTheAlert(t *testing.T) {
	up := course(1, 2, 3, 4)
	vital := func(name string, state diagnostics.State, topic string) diagnostics.Vital {
		return diagnostics.Vital{Name: name, Value: number(4), Unit: diagnostics.Short, State: state, Topics: []string{topic}, Trend: up}
	}
	s := &diagnostics.Snapshot{Vitals: []diagnostics.Vital{
		vital("requests", diagnostics.StateOK, "traffic"),
		vital("memory", diagnostics.StateWarning, "memory"),
		vital("p95 latency", diagnostics.StateCritical, "latency"),
		vital("error rate", diagnostics.StateOK, "errors"),
	}}
	assert.Contains(t, trend(s, []string{"errors"}), "error rate")
	assert.Contains(t, trend(s, []string{"cost"}), "p95 latency", "nothing is about the alert: the worst is told")
	s.TakenAt = now
	s.Metrics.At = now.Add(-40 * time.Minute)
	assert.Contains(t, trend(s, []string{"errors"}), "error rate, the 15 min to 08:37 UTC: ", "the agent has been silent since")
	s.Vitals[2].Trend = nil
	assert.Contains(t, trend(s, nil), "memory")
	s.Vitals[1].Trend = nil
	assert.Empty(t, trend(s, nil), "what is normal says nothing about an alert that is about something else")
}
