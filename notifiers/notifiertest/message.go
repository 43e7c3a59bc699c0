package notifiertest

import (
	"fmt"
	"strings"
	"time"

	"github.com/prometheus/alertmanager/template"

	"github.com/alertvitals/notifier/alert"
	"github.com/alertvitals/notifier/diagnostics"
	"github.com/alertvitals/notifier/notifiers"
	"github.com/alertvitals/notifier/templates"
)

var firedAt = time.Date(2026, 3, 1, 9, 14, 0, 0, time.UTC)

// Firing is the first message of a group: two instances of an agent with a high error rate.
func Firing() notifiers.Message {
	m := notifiers.Message{
		ID:       "01JNSAMPLE0FIRING",
		Receiver: "slack",
		GroupKey: `{}:{alertname="HighErrorRate"}`,
		Group: alert.Group{
			Key:         `{}:{alertname="HighErrorRate"}`,
			GroupLabels: template.KV{"alertname": "HighErrorRate"},
			ExternalURL: "http://alertmanager:9093",
			Alerts:      template.Alerts{firing("aster-0:8080", "7.3 %"), firing("aster-1:8080", "9.0 %")},
		},
		Content: templates.Content{
			Status:   alert.StatusFiring,
			Severity: alert.Critical,
			Emoji:    "🔴",
			Title:    "CRITICAL · HighErrorRate · aster · 2 firing",
			Headline: "Error rate is 7.3 % on aster-0:8080 (+1 more) · since 09:14 UTC (3 min)",
			State:    "aster is DEGRADED",
			Checks:   `/health 200 "degraded" (store: failed) · /ready 404 not offered · up 4 d 2 h`,
			Vitals: []templates.Vital{
				{Name: "error rate", Value: "7.3 %", Change: "▲ was 0.2 % an hour ago", Loud: true},
				{Name: "p95 latency", Value: "> 10 s", Change: "top bucket, ▲ was 0.8 s an hour ago", Loud: true},
				{Name: "requests", Value: "31 /s", Change: "▼ was 44 /s an hour ago"},
				{Name: "memory", Value: "412 MiB", Change: "▲ was 232 MiB an hour ago"},
				{Name: "goroutines", Value: "1,204", Change: "▲ was 96 an hour ago", Loud: true},
				{Name: "sessions", Value: "not reported by this agent"},
			},
			Trend: "▁▁▂▂▁▂▆█ error rate, last hour: 0.1 % to 7.3 %",
			Tables: []templates.Line{
				{Name: "failing tools (1 h)", Text: "bash_exec 41 of 52 · file_read 3 of 610"},
				{Name: "errors by type (1 h)", Text: "model_call 311 · timeout 12"},
			},
			Foot: "vitals taken 09:14:03 UTC in 0.4 s · scraped live · 2 lines of /metrics unreadable",
			Alerts: []templates.Line{
				{Name: "aster-0:8080", Text: "Error rate is 7.3 %"},
				{Name: "aster-1:8080", Text: "Error rate is 9.0 %"},
			},
			Counts: "2 firing",
			Links: []templates.Link{
				{Text: "Runbook", URL: "https://runbooks.example.com/high-error-rate"},
				{Text: "Source", URL: "http://prometheus:9090/graph?g0.expr=rate%28errors%5B5m%5D%29"},
				{Text: "Silence…", URL: "http://alertmanager:9093/#/silences/new?filter=%7Balertname%3D%22HighErrorRate%22%7D"},
				{Text: "Logs", URL: "https://grafana.example.com/explore?left=%7B%22queries%22%3A%5B%5D%7D&from=1772355540000&to=1772356740000"},
				{Text: "Traces", URL: "https://jaeger.example.com/search?service=aster&start=1772355540000000&end=1772356740000000"},
				{Text: "Dashboard", URL: "https://grafana.example.com/d/agents?var-instance=aster-0%3A8080&from=1772355540000&to=1772356740000"},
			},
		},
		Snapshot: snapshot(),
	}
	m.Routes = map[string]string{}
	for _, instance := range []string{"aster-0:8080", "aster-1:8080", "aster-2:8080"} {
		m.Routes[firing(instance, "7.3 %").Fingerprint] = `{}/{job="aster"} by_severity.critical`
	}
	return m
}

// Joined is the next message of the group: a third instance fires.
func Joined(previous notifiers.Receipt) notifiers.Message {
	m := Firing()
	m.ID = "01JNSAMPLE1JOINED"
	m.Previous = previous
	m.Group.Alerts = append(m.Group.Alerts, firing("aster-2:8080", "6.1 %"))
	m.Content.Title = "CRITICAL · HighErrorRate · aster · 3 firing"
	m.Content.Headline = "Error rate is 7.3 % on aster-0:8080 (+2 more) · since 09:14 UTC (8 min)"
	m.Content.Alerts = append(m.Content.Alerts, templates.Line{Name: "aster-2:8080", Text: "Error rate is 6.1 %"})
	m.Content.Counts = "3 firing"
	m.Content.News = "One more fires: aster-2:8080"
	return m
}

// Resolved is the last message of the group.
func Resolved(previous notifiers.Receipt) notifiers.Message {
	m := Joined(previous)
	m.ID = "01JNSAMPLE2RESOLVED"
	for i := range m.Group.Alerts {
		m.Group.Alerts[i].Status = alert.StatusResolved
		m.Group.Alerts[i].EndsAt = firedAt.Add(27 * time.Minute)
	}
	c := &m.Content
	c.Status, c.Emoji = alert.StatusResolved, "🟢"
	c.Title = "RESOLVED · HighErrorRate · aster · fired 09:14, resolved 09:41 (27 min)"
	c.Headline = "Error rate was high on aster-0:8080 (+2 more)"
	c.State, c.Checks = "aster is UP", `/health 200 "ok" · /ready 404 not offered · up 3 min`
	c.Vitals = []templates.Vital{{Name: "error rate", Value: "0.1 %"}, {Name: "p95 latency", Value: "0.7 s"}, {Name: "goroutines", Value: "98"}}
	c.Changes = []string{"DEGRADED → UP", "error rate 7.3 % → 0.1 %", "p95 latency > 10 s → 0.7 s", "goroutines 1,204 → 98"}
	c.Tables, c.Trend = nil, ""
	c.Foot = "vitals taken 09:41:02 UTC in 0.2 s · scraped live"
	for i := range c.Alerts {
		c.Alerts[i].Text = "resolved · " + c.Alerts[i].Text
	}
	c.Counts = "3 resolved"
	c.News = "Resolved after 27 min"
	return m
}

// Amended is the first message once more, with vitals that were not ready for it in time.
func Amended(previous notifiers.Receipt) notifiers.Message {
	m := Firing()
	m.ID = "01JNSAMPLE0AMENDED"
	m.Previous, m.Amends = previous, true
	return m
}

// Huge is a message with ten megabytes of labels, and a note.
func Huge() notifiers.Message {
	m := Fallback()
	m.ID = "01JNSAMPLE0HUGE"
	long := strings.Repeat("<!channel> 警報 ", 100_000/18)
	m.Group.Alerts, m.Content.Alerts = nil, nil
	for i := range 100 {
		a := firing(fmt.Sprintf("aster-%d:8080", i), "7.3 %")
		a.Fingerprint = fmt.Sprintf("%016x", i)
		a.Labels["team"] = long
		m.Group.Alerts = append(m.Group.Alerts, a)
		m.Content.Alerts = append(m.Content.Alerts, templates.Line{Name: "team=" + long, Text: "Error rate is 7.3 %"})
	}
	return m
}

// Late is the first message of the group when it is told after newer news: it could not be delivered in its time.
func Late(previous notifiers.Receipt) notifiers.Message {
	m := Firing()
	m.ID = "01JNSAMPLE0LATE"
	m.Previous, m.Late, m.Snapshot = previous, true, nil
	c := &m.Content
	*c = templates.Content{Status: c.Status, Severity: c.Severity, Alerts: c.Alerts, Links: c.Links}
	c.Emoji = "⏪"
	c.Title = "LATE · CRITICAL · HighErrorRate · aster · 2 were firing"
	c.Headline = "was: Error rate is 7.3 % on aster-0:8080 (+1 more) · fired 09:14 UTC"
	c.Note = "Told late: accepted 09:14 UTC (6 h ago), it could not be delivered then · newer news of this group was told already"
	for i := range c.Alerts {
		c.Alerts[i].Text = "was firing · " + c.Alerts[i].Text
	}
	c.Counts = "then: 2 firing"
	return m
}

// Fallback is the first message of the group at a receiver that is told in another one's place. One alert of it is no longer
// reported.
func Fallback() notifiers.Message {
	m := Firing()
	m.ID = "01JNSAMPLE0FALLBACK"
	m.Group.Gone = template.Alerts{firing("aster-2:8080", "6.1 %")}
	m.Content.Note = "oncall could not be told: it does not accept our credentials (since 09:14 UTC, 2 min)"
	m.Content.Alerts = append(m.Content.Alerts, templates.Line{Name: "aster-2:8080", Text: "fired, then no longer reported · Error rate is 6.1 %"})
	m.Content.Counts = "2 firing, 1 no longer reported (silenced, inhibited or hidden by max_alerts)"
	return m
}

func firing(instance, rate string) template.Alert {
	return template.Alert{
		Status:       alert.StatusFiring,
		Labels:       template.KV{"alertname": "HighErrorRate", "severity": "critical", "job": "aster", "instance": instance},
		Annotations:  template.KV{"summary": "Error rate is " + rate},
		StartsAt:     firedAt,
		GeneratorURL: "http://prometheus:9090/graph?g0.expr=rate%28errors%5B5m%5D%29",
		Fingerprint:  fmt.Sprintf("%016x", len(rate)+int(instance[6])),
	}
}

func snapshot() *diagnostics.Snapshot {
	rate, was, p95 := 0.073, 0.002, 10.0
	return &diagnostics.Snapshot{
		Agent: "aster", Instance: "aster-0:8080", Profile: "aster-server",
		TakenAt: firedAt.Add(3 * time.Second), TookSeconds: 0.4,
		Health:  &diagnostics.Check{Path: "/health", Verdict: diagnostics.Degraded, StatusCode: 200, Says: "degraded", Failing: []string{"store: failed"}},
		Ready:   &diagnostics.Check{Path: "/ready", Verdict: diagnostics.NotOffered, StatusCode: 404},
		Metrics: diagnostics.Scrape{Path: "/metrics", OK: true, At: firedAt.Add(3 * time.Second), Samples: 311, Dropped: 2},
		Vitals: []diagnostics.Vital{
			{Name: "error rate", Value: &rate, Unit: diagnostics.PercentUnit, State: diagnostics.StateCritical, Before: &was, BeforeAt: firedAt.Add(-time.Hour)},
			{Name: "p95 latency", Value: &p95, Unit: diagnostics.Seconds, State: diagnostics.StateCritical, Bound: ">", Note: "top bucket"},
			{Name: "sessions", Unit: diagnostics.Short, State: diagnostics.StateUnknown, Note: "not reported by this agent"},
		},
	}
}

// HostileTexts are what labels, annotations and agents' bodies may hold, by what they attack.
func HostileTexts() map[string]string {
	return map[string]string{
		"a megabyte":         strings.Repeat("megabyte ", 1<<17),
		"a megabyte of <":    strings.Repeat("<", 1<<20),
		"not UTF-8":          "caf\xe9 \xff\xfe \xed\xa0\x80 end",
		"emoji at any cut":   strings.Repeat("👩‍🚒", 3000),
		"CJK at any cut":     "x" + strings.Repeat("警報", 3000),
		"a ping":             "<!channel> <!here> <!everyone> <!subteam^S1> <@U1> <#C1>",
		"a link":             "<http://evil.example|click here> https://evil.example [click](http://evil.example) <a href='http://evil.example'>x</a>",
		"a header":           "x\r\nBcc: everyone@example.com\r\n\r\nbody",
		"lines":              "one\ntwo\r\nthree\u2028four\vfive\x00six\x1b[31mred",
		"format characters":  "*bold* _it_ ~no~ `code` ```block``` > quote\n> quote",
		"entities":           "&lt;!channel&gt; &amp;lt;!channel&amp;gt; &",
		"another direction":  "\u202eevitcerid\u202c \u2066isolate\u2069",
		"a format directive": "%s %d %!x {{ .Labels }} ${HOME} $(id) ';DROP TABLE x;--",
		"nothing":            "",
		"only white space":   " \t\r\n ",
		"JSON":               `","text":"<!channel>","x":"`,
	}
}

// Hostile is a message in which every text that is not ours is the given one.
func Hostile(text string) notifiers.Message {
	m := Firing()
	labels := template.KV{"alertname": text, "severity": text, "job": text, "instance": text, "team": text}
	m.Group.GroupLabels = template.KV{"alertname": text}
	m.Group.Gone = template.Alerts{firing("aster-2:8080", "6.1 %")}
	for _, a := range []*template.Alert{&m.Group.Alerts[0], &m.Group.Alerts[1], &m.Group.Gone[0]} {
		a.Labels, a.Annotations, a.GeneratorURL = labels, template.KV{"summary": text, "description": text}, text
	}
	s := m.Snapshot
	s.Agent, s.Instance, s.Health.Says, s.Health.Failing, s.Health.Note = text, text, text, []string{text}, text
	for i := range s.Vitals {
		s.Vitals[i].Name, s.Vitals[i].Note = text, text
	}
	line := templates.Line{Name: text, Text: text}
	vital := templates.Vital{Name: text, Value: text, Change: text, Loud: true}
	quiet := vital
	quiet.Loud = false
	m.Content = templates.Content{
		Status: alert.StatusFiring, Severity: alert.Severity(text), Emoji: "🟠",
		Title: text, Headline: text, Note: text, State: text, Checks: text, Foot: text, Counts: text, News: text, Trend: text,
		Vitals: []templates.Vital{vital, quiet, vital, quiet, vital, quiet, vital, quiet, vital, quiet, vital, quiet},
		Tables: []templates.Line{line, line}, Changes: []string{text, text},
		Alerts: []templates.Line{line, line, line, line, line, line, line, line},
		Links: []templates.Link{
			{Text: text, URL: "https://example.com/"},
			{Text: "Runbook", URL: text},
			{Text: "Source", URL: "javascript:alert(1)"},
			{Text: "Long", URL: "https://example.com/?" + strings.Repeat("x", 4000)},
		},
	}
	return m
}
