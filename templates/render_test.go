package templates

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	amtemplate "github.com/prometheus/alertmanager/template"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/alertvitals/notifier/alert"
	"github.com/alertvitals/notifier/diagnostics"
)

var update = flag.Bool("update", false, "write the golden files anew")

var now = time.Date(2026, 3, 14, 9, 17, 4, 0, time.UTC)

func at(hour, minute int) time.Time { return time.Date(2026, 3, 14, hour, minute, 0, 0, time.UTC) }

func errorRate(instance, text, fingerprint string) amtemplate.Alert {
	return amtemplate.Alert{
		Status:       alert.StatusFiring,
		Labels:       amtemplate.KV{"alertname": "HighErrorRate", "job": "aster", "severity": "critical", "instance": instance},
		Annotations:  amtemplate.KV{"summary": "Error rate is " + text, "runbook_url": "https://runbooks.example.com/errors"},
		StartsAt:     at(9, 14),
		GeneratorURL: "http://prometheus:9090/graph?g0.expr=up",
		Fingerprint:  fingerprint,
	}
}

func resolvedAt(a amtemplate.Alert, end time.Time) amtemplate.Alert {
	a.Status, a.EndsAt = alert.StatusResolved, end
	return a
}

func group(alerts ...amtemplate.Alert) alert.Group {
	return alert.Group{
		Key: "k", Alerts: alerts, ExternalURL: "http://alertmanager:9093/",
		GroupLabels: amtemplate.KV{"alertname": "HighErrorRate", "job": "aster"},
	}
}

func number(v float64) *float64 { return &v }

// course is a trend; -1 is what is not known.
func course(values ...float64) []*float64 {
	trend := make([]*float64, len(values))
	for i, v := range values {
		if v >= 0 {
			trend[i] = &v
		}
	}
	return trend
}

func sick() *diagnostics.Snapshot {
	return &diagnostics.Snapshot{
		Agent: "aster", Instance: "aster:8080", Profile: "aster-server",
		TakenAt: now, TookSeconds: 0.034,
		Health:  &diagnostics.Check{Path: "/health", Verdict: diagnostics.Degraded, StatusCode: 200, Says: "degraded", Failing: []string{"store: unhealthy"}, Version: "v0.35.0"},
		Ready:   &diagnostics.Check{Path: "/ready", Verdict: diagnostics.NotOffered, StatusCode: 404},
		Metrics: diagnostics.Scrape{Path: "/metrics", OK: true, At: now, Samples: 893, Dropped: 2},
		Vitals: []diagnostics.Vital{
			{Name: "requests", Value: number(31), Unit: diagnostics.PerSecond, State: diagnostics.StateOK, Before: number(44), BeforeAt: now.Add(-time.Hour), Topics: []string{"traffic"}},
			{Name: "sessions", Unit: diagnostics.Short, State: diagnostics.StateUnknown, Note: "not reported by this agent"},
			{Name: "p95 latency", Value: number(10), Bound: ">", Unit: diagnostics.Seconds, State: diagnostics.StateCritical, Before: number(0.8), BeforeAt: now.Add(-time.Hour), Topics: []string{"latency"}},
			{Name: "error rate", Value: number(0.073), Unit: diagnostics.PercentUnit, State: diagnostics.StateWarning, Before: number(0.002), BeforeAt: now.Add(-time.Hour), Topics: []string{"errors"}, Trend: course(0.002, 0.001, 0.002, 0.012, 0.011, 0.002, 0.001, -1, -1, 0.021, 0.052, 0.073)},
			{Name: "memory", Value: number(412 << 20), Unit: diagnostics.Bytes, State: diagnostics.StateOK, Before: number(411 << 20), BeforeAt: now.Add(-20 * time.Minute), Topics: []string{"memory"}},
			{Name: "uptime", Value: number(352800), Unit: diagnostics.Seconds, State: diagnostics.StateOK, Note: "restarted"},
			{Name: "tokens in", Value: number(1840), Unit: diagnostics.Tokens, State: diagnostics.StateOK, Note: "since start", Topics: []string{"tokens"}},
		},
		Tables: []diagnostics.Table{
			{Name: "slowest paths", Unit: diagnostics.Seconds, Topics: []string{"latency"}, Rows: []diagnostics.Row{{Name: "/v1/agents/chat", Value: 9.5}}},
			{Name: "failing tools (1 h)", Unit: diagnostics.Short, Topics: []string{"errors"}, Rows: []diagnostics.Row{
				{Name: "bash_exec", Value: 41, Of: number(52)},
				{Name: "file_read", Value: 3, Of: number(610)},
				{Name: "c", Value: 2},
				{Name: "d", Value: 1},
				{Name: "e", Value: 1},
				{Name: "f", Value: 1},
			}},
		},
	}
}

func well() *diagnostics.Snapshot {
	s := sick()
	s.Health.Verdict, s.Health.Says, s.Health.Failing = diagnostics.Up, "healthy", nil
	s.Vitals[2].Value, s.Vitals[2].Bound, s.Vitals[2].State = number(0.7), "", diagnostics.StateOK
	s.Vitals[3].Value, s.Vitals[3].State = number(0.001), diagnostics.StateOK
	return s
}

func down() *diagnostics.Snapshot {
	return &diagnostics.Snapshot{
		Agent: "aster", Instance: "aster:8080", TakenAt: now, TookSeconds: 0.002,
		Health:  &diagnostics.Check{Path: "/health", Verdict: diagnostics.Down, Note: "connection refused at aster:8080"},
		Metrics: diagnostics.Scrape{Path: "/metrics", At: now.Add(-77 * time.Second), Note: "connection refused at aster:8080"},
		Vitals: []diagnostics.Vital{
			{Name: "memory", Value: number(412 << 20), Unit: diagnostics.Bytes, State: diagnostics.StateOK},
		},
	}
}

// asText is a Content as the golden files show it.
func asText(c Content) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s\n%s\n", c.Emoji, c.Title, c.Headline)
	optional := func(label, text string) {
		if text != "" {
			fmt.Fprintf(&b, "%-8s %s\n", label, text)
		}
	}
	optional("note", c.Note)
	optional("state", c.State)
	optional("checks", c.Checks)
	for _, v := range c.Vitals {
		loud := ""
		if v.Loud {
			loud = " !"
		}
		optional("vital", strings.TrimRight(fmt.Sprintf("%s: %s  %s", v.Name, v.Value, v.Change), " ")+loud)
	}
	optional("trend", c.Trend)
	optional("changes", strings.Join(c.Changes, " · "))
	for _, t := range c.Tables {
		optional("table", t.Name+": "+t.Text)
	}
	optional("foot", c.Foot)
	for _, a := range c.Alerts {
		optional("alert", a.Name+": "+a.Text)
	}
	optional("counts", c.Counts)
	for _, l := range c.Links {
		optional("link", l.Text+" "+l.URL)
	}
	optional("news", c.News)
	return b.String()
}

func TestGolden(t *testing.T) {
	first := errorRate("aster-0:8080", "7.3 %", "f0")
	second := errorRate("aster-1:8080", "9.0 %", "f1")
	truncated := group(resolvedAt(first, at(9, 16)))
	truncated.Truncated = 3
	repeated := group(first)
	repeated.Reason = "repeat interval elapsed"
	nameless := alert.Group{Key: "k", Alerts: amtemplate.Alerts{{Status: alert.StatusFiring, Labels: amtemplate.KV{"team": "x"}, Fingerprint: "f0"}}}
	hostile := errorRate("a:1\r\nBcc: x", "<!channel> \x1b[31m\u2028 *bold* {{ .Secret }}", "f0")
	hostile.Labels["severity"] = "critical\nX: y"
	hostile.Annotations["runbook_url"] = "javascript:alert(1)"
	hostile.GeneratorURL = "http://user:pw@prometheus/graph"
	mixed := group(first, errorRate("aster-0:8080", "x", "f2"))
	mixed.Alerts[1].Labels = amtemplate.KV{"alertname": "Slow", "job": "aster", "severity": "warning"}
	mixed.GroupLabels = amtemplate.KV{"job": "aster"}

	third, fourth := errorRate("aster-2:8080", "5.1 %", "f2"), errorRate("aster-3:8080", "6.2 %", "f3")
	merged := group(first, second, resolvedAt(third, at(9, 16)))
	merged.Gone = amtemplate.Alerts{fourth}
	over := group(resolvedAt(first, at(9, 16)), resolvedAt(third, at(9, 16)))
	over.Gone = amtemplate.Alerts{fourth}
	many := group(first)
	for i := range 17 {
		many.Alerts = append(many.Alerts, errorRate(fmt.Sprintf("bay-%d:8080", i), "8 %", fmt.Sprint("m", i)))
	}
	replayed := &Again{Reason: "expired", Accepted: at(3, 10)}
	late := &Again{Reason: "expired", Accepted: at(9, 10), Late: true}
	fallback := &Again{From: "oncall", Reason: "auth", Accepted: at(9, 15)}

	for name, in := range map[string]Input{
		"merged-first":  {Group: merged, Snapshot: sick()},
		"merged":        {Group: merged, Snapshot: sick(), AtFire: sick(), Known: []string{"f0", "f9"}},
		"merged-over":   {Group: over, Snapshot: well(), AtFire: sick(), Known: []string{"f0"}},
		"said-before":   {Group: merged, Known: []string{"f0", "f1"}, Ended: []string{"f2"}},
		"many":          {Group: many, Known: []string{"f0"}},
		"replayed":      {Group: group(first), Snapshot: sick(), Again: replayed},
		"asked-for":     {Group: group(first), Snapshot: sick(), Again: &Again{Accepted: at(3, 10), Late: true, Asked: true}},
		"late":          {Group: merged, Snapshot: sick(), AtFire: sick(), Known: []string{"f7"}, Again: late},
		"late-resolved": {Group: group(resolvedAt(first, at(9, 16))), Snapshot: well(), AtFire: sick(), Again: late},
		"late-hidden":   {Group: truncated, Again: late},
		"fallback":      {Group: group(first), Snapshot: sick(), Again: fallback},
		"fallback-late": {Group: group(first), Again: &Again{From: "oncall", Reason: "timeout", Accepted: at(9, 15), Late: true}},
		"firing":        {Group: group(first, second), Snapshot: sick()},
		"without-agent": {Group: group(first)},
		"agent-down":    {Group: group(first), Snapshot: down()},
		"joined":        {Group: group(first, second), Snapshot: sick(), AtFire: sick(), Known: []string{"f0"}},
		"left":          {Group: group(resolvedAt(first, at(9, 16)), second), Snapshot: sick(), AtFire: sick(), Known: []string{"f0", "f1"}},
		"repeated":      {Group: repeated, Known: []string{"f0"}},
		"resolved":      {Group: group(resolvedAt(first, at(9, 41)), resolvedAt(second, at(9, 40))), Snapshot: well(), AtFire: sick(), Known: []string{"f0", "f1"}, Now: at(9, 42)},
		"unheard-of":    {Group: group(resolvedAt(first, at(9, 41)))},
		"truncated":     {Group: truncated, Known: []string{"f0"}},
		"nameless":      {Group: nameless},
		"hostile":       {Group: group(hostile), Snapshot: sick()},
		"mixed":         {Group: mixed},
		"old":           {Group: group(first), Now: now.Add(50 * time.Hour)},
	} {
		t.Run(name, func(t *testing.T) {
			if in.Now.IsZero() {
				in.Now = now
			}
			got := asText(Render(in))

			for _, never := range []string{"NaN", "<nil>", "0001", "no value", "%!", "null", "N/A", "\x1b", "\r", "f0", "javascript", ":pw@"} {
				assert.NotContains(t, got, never)
			}
			golden := filepath.Join("testdata", name+".golden")
			if *update {
				require.NoError(t, os.MkdirAll("testdata", 0o750))
				require.NoError(t, os.WriteFile(golden, []byte(got), 0o600))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			assert.Equal(t, string(want), got)
		})
	}
}

func TestStateWord(t *testing.T) {
	check := func(v diagnostics.Verdict) *diagnostics.Check { return &diagnostics.Check{Verdict: v} }
	for name, tc := range map[string]struct {
		health, ready *diagnostics.Check
		scraped       bool
		want          string
	}{
		"all well":                        {check(diagnostics.Up), check(diagnostics.Up), true, "UP"},
		"no answer at all":                {check(diagnostics.Down), check(diagnostics.Down), false, "DOWN"},
		"unhealthy but alive":             {check(diagnostics.Down), nil, true, "DEGRADED"},
		"says degraded":                   {check(diagnostics.Degraded), check(diagnostics.Up), true, "DEGRADED"},
		"not ready":                       {check(diagnostics.Up), check(diagnostics.Down), true, "NOT READY"},
		"healthy, metrics gone":           {check(diagnostics.Up), nil, false, "UP"},
		"only metrics":                    {nil, nil, true, "ANSWERING (its health is not known)"},
		"an HTML page":                    {check(diagnostics.Unclear), nil, true, "ANSWERING (its health is not known)"},
		"an HTML page and nothing else":   {check(diagnostics.Unclear), nil, false, "UNCLEAR"},
		"only metrics, which are refused": {nil, nil, false, "UNCLEAR"},
	} {
		t.Run(name, func(t *testing.T) {
			s := &diagnostics.Snapshot{Health: tc.health, Ready: tc.ready, Metrics: diagnostics.Scrape{OK: tc.scraped}}
			assert.Equal(t, tc.want, stateWord(s))
		})
	}
	assert.Equal(t, "DOWN", stateWord(&diagnostics.Snapshot{Metrics: diagnostics.Scrape{Silent: true}}), "only metrics, and no answer")
}

func TestANumberIsSaidOnce(t *testing.T) {
	for want, check := range map[string]diagnostics.Check{
		"502":                       {StatusCode: 502, Note: "answered 502"},
		`503 "stopping"`:            {StatusCode: 503, Says: "stopping", Note: "answered 503"},
		"401 needs credentials":     {StatusCode: 401, Note: "needs credentials"},
		"no answer within 2 s":      {Note: "no answer within 2 s"},
		`200 "ok" (queue: is full)`: {StatusCode: 200, Says: "ok", Failing: []string{"queue: is full"}},
	} {
		assert.Equal(t, want, checkText(&check))
	}
}

// LiteLLM's version is in the answer of its readiness.
func TestTheVersionOfEitherCheckIsTold(t *testing.T) {
	s := &diagnostics.Snapshot{Health: &diagnostics.Check{Path: "/live"}, Ready: &diagnostics.Check{Path: "/ready", Version: "1.88"}}
	assert.Contains(t, checksOf(s), "version 1.88")
	s.Health.Version = "1.89"
	assert.Contains(t, checksOf(s), "version 1.89")
	assert.NotContains(t, checksOf(s), "1.88")
}

// An uptime that is known stands with the checks; one that is not is among the vitals, which say why.
func TestP9AnUnknownUptimeSaysWhy(t *testing.T) {
	s := &diagnostics.Snapshot{Metrics: diagnostics.Scrape{OK: true}, Vitals: []diagnostics.Vital{
		{Name: "uptime", Unit: diagnostics.Seconds, State: diagnostics.StateUnknown, Note: "the agent's clock differs from ours"},
	}}
	assert.Equal(t, []Vital{{Name: "uptime", Value: "the agent's clock differs from ours", Unknown: true}}, fewVitals(s, nil, now))
	assert.NotContains(t, checksOf(s), "up")
	s.Vitals[0] = diagnostics.Vital{Name: "uptime", Unit: diagnostics.Seconds, Value: number(60)}
	assert.Empty(t, fewVitals(s, nil, now))
	assert.Equal(t, "up 1 min", checksOf(s))
}

func TestVitalsThatAreNoPlainNumber(t *testing.T) {
	s := &diagnostics.Snapshot{Vitals: []diagnostics.Vital{
		{Name: "p95", Value: number(0.3), Unit: diagnostics.Seconds, Before: number(10), BeforeBound: ">", BeforeAt: now.Add(-time.Hour)},
		{Name: "version", Unit: diagnostics.Text, Text: "v2", BeforeText: "v1", BeforeAt: now.Add(-time.Minute)},
		{Name: "same", Unit: diagnostics.Text, Text: "v2", BeforeText: "v2", BeforeAt: now.Add(-time.Minute)},
		{Name: "gone", Unit: diagnostics.Short, State: diagnostics.StateUnknown, Note: "no longer reported", Before: number(7), BeforeAt: now.Add(-time.Minute)},
		{Name: "queue", Unit: diagnostics.Short, Value: number(3), Asked: true},
	}}
	got := fewVitals(s, nil, now)
	assert.Equal(t, []Vital{
		{Name: "queue", Value: "3"},
		{Name: "p95", Value: "0.3 s", Change: "▼ was > 10 s an hour ago"},
		{Name: "version", Value: "v2", Change: "was v1 1 min ago"},
		{Name: "same", Value: "v2"},
		{Name: "gone", Value: "no longer reported", Change: "was 7 1 min ago", Unknown: true},
	}, got)
}

func TestAMessageTellsWhatMattersOfManyVitals(t *testing.T) {
	s := &diagnostics.Snapshot{}
	for i := range 10 {
		for _, topic := range []string{"errors", "latency", "memory"} {
			name := fmt.Sprint(topic, i)
			s.Vitals = append(s.Vitals,
				diagnostics.Vital{Name: name, Unit: diagnostics.Short, State: diagnostics.StateOK, Value: number(1), Topics: []string{topic}},
				diagnostics.Vital{Name: "no " + name, State: diagnostics.StateUnknown, Topics: []string{topic}},
			)
		}
	}
	var names []string
	for _, v := range fewVitals(s, []string{"errors"}, now) {
		names = append(names, v.Name)
	}
	require.Len(t, names, 10+10+10+2)
	assert.Equal(t, "errors9", names[9], "all that the alert is about")
	assert.Equal(t, []string{"latency0", "memory0", "latency1"}, names[10:13], "one of each topic in turn")
	assert.Equal(t, "no errors0", names[20])
	assert.Equal(t, []string{"no latency0", "no memory0"}, names[30:])
}

func TestChangesSayThatTheAgentRestarted(t *testing.T) {
	before, after := sick(), well()
	before.StartedAt, after.StartedAt = now.Add(-100*time.Hour), now.Add(-2*time.Minute)
	before.Vitals = append(before.Vitals, diagnostics.Vital{Name: "version", Unit: diagnostics.Text, Text: "v1"})
	after.Vitals = append(after.Vitals, diagnostics.Vital{Name: "version", Unit: diagnostics.Text, Text: "v2"})
	got := changes(before, after, []string{"errors"})
	assert.Equal(t, []string{
		"DEGRADED → UP", "restarted at " + after.StartedAt.UTC().Format("15:04") + " UTC",
		"error rate 7.3 % → 0.1 %", "p95 latency > 10 s → 0.7 s", "version v1 → v2",
	}, got)
}

func TestAgo(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second:                    "0 s",
		12 * time.Second:                "12 s",
		time.Minute:                     "1 min",
		27*time.Minute + 59*time.Second: "27 min",
		time.Hour:                       "1 h",
		65 * time.Minute:                "1 h 5 min",
		24 * time.Hour:                  "1 d",
		98 * time.Hour:                  "4 d 2 h",
	} {
		assert.Equal(t, want, ago(d))
	}
}

func TestNames(t *testing.T) {
	of := func(n int) (all []string) {
		for i := range n {
			all = append(all, fmt.Sprint("a", i))
		}
		return all
	}
	assert.Empty(t, names(nil))
	assert.Equal(t, "a0", names(of(1)))
	assert.Equal(t, "a0, a1, a2, a3, a4", names(of(5)))
	assert.Equal(t, "a0, a1, a2, a3, a4 …and 12 more", names(of(17)))
	assert.Equal(t, strings.Repeat("警", 59)+"…, b", names([]string{strings.Repeat("警", 61), "b"}))
}

func TestNote(t *testing.T) {
	first := errorRate("aster-0:8080", "7.3 %", "f0")
	over := group(resolvedAt(first, at(9, 16)))
	for name, tc := range map[string]struct {
		in   Input
		want string
	}{
		"ordinary":                {Input{Group: group(first)}, ""},
		"never heard of":          {Input{Group: over}, "It fired and ended before it could be told here"},
		"heard of":                {Input{Group: over, Known: []string{"f0"}}, ""},
		"its end was told":        {Input{Group: over, Ended: []string{"f0"}}, ""},
		"told late is enough":     {Input{Group: over, Again: &Again{}}, "Told late: it could not be delivered then"},
		"fallback":                {Input{Group: group(first), Again: &Again{From: "oncall", Reason: "timeout", Accepted: at(9, 15)}}, "oncall could not be told: it does not answer in time (since 09:15 UTC, 2 min)"},
		"days later":              {Input{Group: group(first), Again: &Again{Accepted: now.Add(-50 * time.Hour)}}, "Told late: accepted 12 Mar 07:17 UTC (2 d 2 h ago), it could not be delivered then"},
		"a reason of the future":  {Input{Group: group(first), Again: &Again{From: "a\nb", Reason: "x"}}, "a b could not be told: the notifier's log says why"},
		"no reason and no time":   {Input{Group: group(first), Again: &Again{From: "oncall"}}, "oncall could not be told in time"},
		"only waited":             {Input{Group: group(first), Again: &Again{From: "oncall", Accepted: at(9, 15)}}, "oncall could not be told in time (since 09:15 UTC, 2 min)"},
		"the end, at last":        {Input{Group: over, Known: []string{"f0"}, Again: &Again{From: "oncall", Reason: "recovered", Accepted: at(9, 15)}}, "oncall can be told again, and was told this too"},
		"accepted in the future":  {Input{Group: group(first), Again: &Again{Accepted: at(9, 30)}}, "Told late: accepted 09:30 UTC (0 s ago), it could not be delivered then"},
		"late, by the fallback":   {Input{Group: group(first), Again: &Again{From: "oncall", Reason: "expired", Late: true}}, "oncall could not be told: it was tried until the message was too old · newer news of this group was told already"},
		"late, to whom it is for": {Input{Group: group(first), Again: &Again{Late: true}}, "Told late: it could not be delivered then · newer news of this group was told already"},
	} {
		t.Run(name, func(t *testing.T) {
			tc.in.Now = now

			assert.Equal(t, tc.want, Render(tc.in).Note)
		})
	}
}

// Whatever became of an alert and whatever people know of it: if there is news, the news name it, and its line always does.
func TestNewsSayThatItGotWorse(t *testing.T) {
	warning := errorRate("aster-0", "7 %", "f0")
	warning.Labels["severity"] = "warning"
	other := errorRate("aster-1", "7 %", "f1")
	other.Labels["severity"] = "warning"
	critical, page := errorRate("aster-0", "9 %", "f2"), errorRate("aster-0", "9 %", "f3")
	page.Labels["severity"] = "page"
	ended := resolvedAt(warning, at(9, 16))
	for _, tc := range []struct {
		group  alert.Group
		known  string
		news   string
		relief bool
	}{
		{group(critical, ended), "f0", "Now critical; one more fires: severity=critical; one is resolved: severity=warning", false},
		{group(critical, warning), "f0", "Now critical; one more fires: severity=critical", false},
		{group(critical, warning), "f2", "One more fires: severity=warning", false},
		{group(page, warning), "f0", "One more fires: severity=page", false}, // it ranks with warning
		{group(critical), "of one that nobody reports any more", "One more fires: aster-0", false},
		{group(other, ended), "f0", "One more fires: aster-1; one is resolved: aster-0", false},
		{group(other, ended), "f1", "Fired and resolved meanwhile: aster-0; 1 still firing", true},
		{group(ended), "f0", "Resolved after 2 min", false},
		{group(warning), "f0", "", false},
	} {
		c := Render(Input{Group: tc.group, Known: []string{tc.known}, Now: now})
		assert.Equal(t, tc.relief, c.Relief, tc.news)
		assert.Equal(t, tc.news, c.News)
	}
}

func TestHeadlineNamesAnInstanceOnce(t *testing.T) {
	headline := func(alerts ...amtemplate.Alert) string {
		said, _, _ := strings.Cut(Render(Input{Group: group(alerts...), Now: now}).Headline, " · ")
		return said
	}
	first, second := errorRate("aster-0:80", "7 % on aster-0:80", "f0"), errorRate("aster-1:80", "9 %", "f1")
	assert.Equal(t, "Error rate is 7 % on aster-0:80", headline(first))
	assert.Equal(t, "Error rate is 7 % on aster-0:80 (+1 more)", headline(first, second))
	assert.Equal(t, "Error rate is 9 % on aster-1:80 (+1 more)", headline(second, first))
}

func TestP3EveryAlertThatFiredOrResolvedIsNamed(t *testing.T) {
	fates := []string{"firing", "resolved", "gone", "firing known", "resolved known", "gone known", "resolved told"}
	for number := range len(fates) * len(fates) * len(fates) {
		g, in := alert.Group{}, Input{Now: now, Known: []string{"other"}}
		fateOf := map[string]string{} // by the name of the alert
		for i := range 3 {
			a := errorRate(fmt.Sprintf("aster-%d", i), "7 %", fmt.Sprint("f", i))
			fate := fates[number%len(fates)]
			number /= len(fates)
			fateOf[a.Labels["instance"]] = fate
			state, knowledge, _ := strings.Cut(fate, " ")
			switch state {
			case "gone":
				g.Gone = append(g.Gone, a)
			case "resolved":
				g.Alerts = append(g.Alerts, resolvedAt(a, at(9, 16)))
			default:
				g.Alerts = append(g.Alerts, a)
			}
			switch knowledge {
			case "known":
				in.Known = append(in.Known, a.Fingerprint)
			case "told":
				in.Ended = append(in.Ended, a.Fingerprint)
			}
		}
		if len(g.Alerts) == 0 {
			continue // Alertmanager names one at least
		}
		in.Group = g

		c := Render(in)

		over := g.Status() == alert.StatusResolved
		require.Equal(t, over, strings.HasPrefix(c.News, "Resolved"), c.News)
		lines := asText(Content{Alerts: c.Alerts})
		for name, fate := range fateOf {
			require.Contains(t, lines, name)
			switch {
			case fate == "firing known", fate == "resolved told":
				require.NotContains(t, c.News, name, "%v", fateOf)
			case fate == "resolved known" && over: // "Resolved" says it of all
			default:
				require.Contains(t, c.News, name, "%v", fateOf)
			}
		}
	}
}

// What tells of the past says nothing in the present tense: neither of the alerts nor of the agent.
func TestLateMessageIsNotThePresent(t *testing.T) {
	first := errorRate("aster-0:8080", "7.3 %", "f0")
	for name, g := range map[string]alert.Group{"firing": group(first), "resolved": group(resolvedAt(first, at(9, 16)))} {
		t.Run(name, func(t *testing.T) {
			in := Input{Group: g, Snapshot: sick(), AtFire: sick(), Known: []string{"f9"}, Now: now}
			present := Render(in)
			in.Again = &Again{Accepted: at(9, 10), Late: true}

			c := Render(in)

			assert.Equal(t, present.Status, c.Status)
			assert.True(t, strings.HasPrefix(c.Title, "LATE · "), c.Title)
			assert.True(t, strings.HasPrefix(c.Headline, "was: "), c.Headline)
			assert.True(t, strings.HasPrefix(c.Counts, "then: "), c.Counts)
			assert.NotEqual(t, present.Emoji, c.Emoji)
			assert.Empty(t, c.News)
			assert.Empty(t, c.State+c.Checks+c.Foot)
			assert.Empty(t, c.Vitals)
			assert.Empty(t, c.Changes)
			assert.Empty(t, c.Tables)
			assert.NotContains(t, c.Title+c.Headline, " 1 firing")
			assert.NotContains(t, c.Headline, "since")
		})
	}
}

func FuzzRenderKeepsEveryTextOnOneLine(f *testing.F) {
	f.Add("HighErrorRate", "critical", "Error rate\nis high", "aster:8080", "auth", int64(0), false)
	f.Add("", "\xff", "\u2028<!here>", "\x00", "x\ny", int64(-1), true)
	f.Fuzz(func(t *testing.T, alertname, severity, text, instance, reason string, accepted int64, late bool) {
		g := group(amtemplate.Alert{
			Status: alert.StatusFiring, Fingerprint: "f",
			Labels:      amtemplate.KV{"alertname": alertname, "severity": severity, "instance": instance, text: text},
			Annotations: amtemplate.KV{"summary": text, "runbook_url": text},
		}, errorRate(instance, text, "g"), resolvedAt(errorRate(text, instance, "h"), at(9, 16)))
		g.Gone = amtemplate.Alerts{errorRate(alertname, text, "i")}
		in := Input{Group: g, Snapshot: sick(), Known: []string{"g"}, Now: now}
		check := func(c Content) {
			for _, line := range strings.Split(strings.TrimSuffix(asText(c), "\n"), "\n") {
				require.NotContains(t, line, "\r")
			}
			require.NotEmpty(t, c.Title)
			require.NotEmpty(t, c.Counts)
			require.NotContains(t, c.Title+c.Headline+c.Note+c.News+c.Counts, "\n")
			for _, l := range c.Links {
				require.True(t, strings.HasPrefix(l.URL, "http"), l.URL)
			}
		}
		c := Render(in)
		check(c)
		require.Empty(t, c.Note)
		require.LessOrEqual(t, len([]rune(c.News)), 4*mostNames*(longestName+2)+250, "every list is cut")
		in.Again = &Again{From: text, Reason: reason, Accepted: time.Unix(accepted%(1<<36), 0), Late: late}
		c = Render(in)
		check(c)
		require.NotEmpty(t, c.Note)
		require.Equal(t, late, strings.HasPrefix(c.Title, "LATE · ") && c.State == "")
	})
}

// BenchmarkRender grows with the number of alerts and no faster: Alertmanager posts groups of thousands in a storm.
func BenchmarkRender(b *testing.B) {
	for _, alerts := range []int{1, 100, 5000} {
		b.Run(fmt.Sprint(alerts), func(b *testing.B) {
			var all []amtemplate.Alert
			for i := range alerts {
				all = append(all, errorRate(fmt.Sprintf("aster-%d:8080", i), "7.3 %", fmt.Sprintf("%016x", i)))
			}
			in := Input{Group: group(all...), Snapshot: sick(), Known: []string{"a"}, Now: now}
			for b.Loop() {
				Render(in)
			}
		})
	}
}

func TestLinksOfTheAgentFollowThoseOfTheAlert(t *testing.T) {
	a := errorRate("aster-0:8080", "7.3 %", "f0")
	ofAgent := []diagnostics.Link{
		{Name: "Logs", URL: "https://grafana/explore"},
		{Name: "Dashboard", URL: "https://grafana/d/general"},
		{Name: "Traces\n", URL: "https://jaeger/search"},
		{Name: "Runbook", URL: "https://runbooks.example.com/general"},
		{Name: "Evil", URL: "javascript:alert(1)"},
	}
	texts := func(links []Link) []string {
		var all []string
		for _, l := range links {
			all = append(all, l.Text)
		}
		return all
	}

	c := Render(Input{Group: group(a), Links: ofAgent, Now: now})
	assert.Equal(t, []string{"Runbook", "Source", "Silence…", "Logs", "Dashboard", "Traces", "Alertmanager"}, texts(c.Links))
	assert.Equal(t, "https://runbooks.example.com/errors", c.Links[0].URL, "the alert's own is the more precise one")
	assert.Equal(t, "https://grafana/d/general", c.Links[4].URL)

	a.Annotations["dashboard_url"] = "https://grafana/d/errors"
	delete(a.Annotations, "runbook_url")
	c = Render(Input{Group: group(a), Links: ofAgent, Now: now})
	assert.Equal(t, []string{"Source", "Silence…", "Logs", "Dashboard", "Traces", "Runbook", "Alertmanager"}, texts(c.Links))
	assert.Equal(t, "https://grafana/d/errors", c.Links[3].URL)

	c = Render(Input{Group: group(a), Now: now})
	assert.Equal(t, []string{"Source", "Silence…", "Dashboard", "Alertmanager"}, texts(c.Links))
}

// Of a group whose known alerts are all resolved, nothing is said to be as it was: what may fire is hidden.
func TestP8WhatIsResolvedIsNotSaidToGoOnBesideWhatIsHidden(t *testing.T) {
	g := group(resolvedAt(errorRate("aster-0:8080", "7.3 %", "f0"), at(9, 16)))
	g.Truncated, g.Reason = 3, "repeat interval elapsed"

	c := Render(Input{Group: g, Known: []string{"f9"}, Ended: []string{"f0"}, Now: now})

	assert.Equal(t, "3 hidden by max_alerts may still fire · resolved: Error rate is 7.3 % on aster-0:8080 · fired 09:14 UTC", c.Headline)
	assert.Equal(t, "3 hidden by max_alerts may still fire", c.News)
}

// However long the labels are, a line of 150 characters has the state and how many fire, and one of 600 since when.
func TestLongLabelsLeaveRoomForTheState(t *testing.T) {
	long := strings.Repeat("日", 5000)
	a := errorRate(long, long, "f0")
	a.Labels = amtemplate.KV{"alertname": long, "job": long, "severity": long, "instance": long}
	b := errorRate(long+"b", long, "f1")
	b.Labels = amtemplate.KV{"alertname": long + "b", "job": long, "severity": long, "instance": long + "b"}
	over := group(resolvedAt(a, at(9, 41)))

	for state, in := range map[string]Input{
		"1 firing":       {Group: group(a), Snapshot: sick(), Now: now},
		"2 firing":       {Group: group(a, b), Now: now},
		"resolved 09:41": {Group: over, Now: now},
		"LATE · ":        {Group: group(a), Again: &Again{Late: true}, Now: now},
	} {
		c := Render(in)
		assert.Contains(t, c.Title, state)
		assert.LessOrEqual(t, len([]rune(c.Title)), 147, c.Title)
		assert.LessOrEqual(t, len([]rune(c.Headline)), 600)
		assert.Contains(t, c.Headline, " on 日")
	}
	assert.Contains(t, Render(Input{Group: group(a), Now: now}).Headline, "since 09:14 UTC (3 min)")
}

func TestASentenceBeginsWithAnyLetter(t *testing.T) {
	assert.Equal(t, "Élan; two", sentence("; élan; two"))
	assert.Equal(t, "日本", sentence("日本"))
	assert.Empty(t, sentence("; "))
}
