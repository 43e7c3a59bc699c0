package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/alertmanager/template"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/alertvitals/notifier/alert"
	"github.com/alertvitals/notifier/delivery"
	"github.com/alertvitals/notifier/diagnostics"
	"github.com/alertvitals/notifier/web"
)

var noon = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)

// hostile is what a label may hold: it would clear the screen, set the title, begin a line of its own and turn text around.
const hostile = "a\x1b[2J\x1b]0;pwned\ab\r\nDELIVERED\tc\u202ed\u009b31m"

func TestTableFitsAScreen(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, table(&out, []delivery.Delivery{
		{
			ID: "175921860444160-1a2b3c4d", Status: delivery.Retrying, Receiver: "team-with-a-long-name", Integration: "slack",
			Alertname: "AgentModelCallsFailTooOften", GroupLabels: template.KV{"alertname": "AgentModelCallsFailTooOften", "job": "aster"},
			Accepted: noon.Add(-61 * time.Minute), Attempts: 17, Next: noon.Add(42 * time.Second), Reason: "rate_limited", HandedOver: "ops",
		},
		{ID: "8192-00000000", Status: delivery.Dead, Receiver: "log", Integration: "log", Alertname: hostile, Accepted: noon.Add(-73 * time.Hour), Reason: "rejected"},
		{ID: "4097-00000000", Status: delivery.Suppressed, Receiver: "log", Alertname: "X", Reason: "duplicate", ShownBy: "4096-00000000", Accepted: noon},
		{ID: "4096-00000000", Status: delivery.Sent, Receiver: "oncall", Integration: "pagerduty", Alertname: "X", State: "resolved", Notifications: 3, Accepted: noon},
		{ID: "4095-00000000", Status: delivery.Pending, Receiver: "log", Accepted: noon, GroupLabels: template.KV{"job": "アスター"}},
		{ID: "4094-unreadable", Status: delivery.Dead, Accepted: noon, Reason: "unreadable"},
	}, noon))

	want, err := os.ReadFile("testdata/deliveries/table.golden")
	if *update {
		err = os.WriteFile("testdata/deliveries/table.golden", out.Bytes(), 0o600)
		want = out.Bytes()
	}
	require.NoError(t, err)
	assert.Equal(t, string(want), out.String())
	for line := range strings.Lines(out.String()) {
		assert.LessOrEqual(t, columns(strings.TrimSuffix(line, "\n")), 100, line)
	}
}

// ill is a snapshot of an agent in trouble.
func ill() *diagnostics.Snapshot {
	rate := 0.31
	return &diagnostics.Snapshot{
		Agent: "aster", Instance: "aster:8080", Profile: "aster-server", TakenAt: noon,
		Health:  &diagnostics.Check{Path: "/health", Verdict: diagnostics.Degraded, StatusCode: 503, Says: "degraded", Failing: []string{"store: failed"}},
		Metrics: diagnostics.Scrape{Path: "/metrics", OK: true, At: noon, Samples: 100},
		Vitals:  []diagnostics.Vital{{Name: "error rate", Value: &rate, Unit: diagnostics.PercentUnit, State: diagnostics.StateCritical}},
	}
}

func TestDescriptionsReadWell(t *testing.T) {
	group := &alert.Group{Alerts: template.Alerts{
		{
			Status: "firing", Labels: template.KV{"alertname": "HighErrorRate", "severity": "critical", "job": "aster", "instance": "aster:8080"},
			Annotations: template.KV{"summary": "31 % of the calls to the model fail"}, StartsAt: noon.Add(-3 * time.Minute),
		},
		{Status: "resolved", Labels: template.KV{"alertname": "HighErrorRate", "instance": "b"}, StartsAt: noon.Add(-time.Hour), EndsAt: noon.Add(-time.Minute)},
	}}
	sent := delivery.Delivery{
		ID: "8392703-58fa6a51", Status: delivery.Sent, Receiver: "oncall", Integration: "slack", Alertname: "HighErrorRate", State: "firing",
		Severity: "critical", GroupLabels: template.KV{"alertname": "HighErrorRate", "job": "aster"}, Notifications: 2, Accepted: noon,
		Settled: noon.Add(12 * time.Second), Routes: []string{`{}/{team="data"} by_severity.critical`}, Attempts: 1,
		Webhooks: []string{"8388607", "8392703"}, Group: group, Snapshot: ill(),
		Tries: []delivery.Attempt{
			{At: noon, Seconds: 10.02, Reason: "timeout", Error: "posting to Slack: context deadline exceeded"},
			{At: noon.Add(12 * time.Second), Seconds: 0.21, Answer: map[string]string{"channel": "C0123456", "ts": "1700000000.000100"}},
		},
	}
	dead := sent
	dead.Status, dead.Receiver, dead.Integration, dead.ID = delivery.Dead, "ops", "email", "8392703-aaaaaaaa"
	dead.Tries = []delivery.Attempt{{At: noon, Seconds: 0.01, Reason: "rejected", Error: "550 no such user"}}
	dead.Reason, dead.Error, dead.Attempts, dead.HandedOver = "rejected", "550 no such user", 1, "log"
	stands := sent
	stands.Receiver, stands.Integration, stands.ID, stands.Tries, stands.Notifications = "log", "log", "8396799-bbbbbbbb", nil, 1
	stands.InsteadOf = &delivery.InsteadOf{Receiver: "ops", Delivery: "8392703-aaaaaaaa", Reason: "rejected"}
	stands.Webhooks, stands.Attempts = []string{"8396799"}, 0
	suppressed := delivery.Delivery{
		ID: "8400895-58fa6a51", Status: delivery.Suppressed, Receiver: "oncall", Integration: "slack", Alertname: "HighErrorRate", State: "firing",
		Notifications: 1, Accepted: noon.Add(time.Minute), Reason: "duplicate", ShownBy: "8392703-58fa6a51", Webhooks: []string{"8400895"},
	}
	muted := suppressed
	muted.Muted = &delivery.Mute{Reason: "mute_time_interval", By: []string{"nights"}, Until: noon.Add(19 * time.Hour)}
	muted.Status, muted.Reason, muted.ShownBy = delivery.Pending, "", ""
	outage := sent
	outage.Status, outage.Attempts, outage.Next, outage.Settled = delivery.Retrying, 40, noon.Add(3*time.Hour), time.Time{}
	for range 18 {
		outage.Tries = append(outage.Tries, sent.Tries[0])
	}
	full := delivery.Delivery{
		ID: "1-a", Status: delivery.Dead, Receiver: hostile, Alertname: hostile, GroupLabels: template.KV{hostile: hostile}, Notifications: 2,
		Accepted: noon, Reason: "rejected", Error: hostile, Note: hostile, Routes: []string{hostile},
		Tries: []delivery.Attempt{{At: noon, Reason: "x", Error: hostile, Answer: map[string]string{hostile: hostile}}},
		Group: &alert.Group{Truncated: 5, Gone: template.Alerts{{Labels: template.KV{"d": "4"}}}, Alerts: template.Alerts{
			{Status: "firing", Labels: template.KV{"a": hostile}, Annotations: template.KV{"summary": strings.Repeat(hostile, 99)}, StartsAt: noon},
		}},
		LeftOut: 4,
	}
	now := noon.Add(2*time.Hour + 59*time.Minute)
	show := func(describe func(w io.Writer) error) string {
		var out bytes.Buffer
		require.NoError(t, describe(&out))
		return out.String()
	}
	one := func(d delivery.Delivery) string { return show(func(w io.Writer) error { return describe(w, d, now) }) }
	for name, text := range map[string]string{
		"sent": one(sent), "dead": one(dead), "suppressed": one(suppressed), "muted": one(muted), "retrying": one(outage), "hostile": one(full),
		"webhook": show(func(w io.Writer) error {
			return describeTrace(w, delivery.Trace{
				ID: "8392703", Accepted: noon, Alertname: "HighErrorRate", State: "firing", Severity: "critical", Alerts: 2,
				GroupLabels: sent.GroupLabels, Receivers: []string{"oncall", "ops"}, Deliveries: []delivery.Delivery{sent, dead, stands}, Unknown: []string{"old/email"},
			}, now)
		}),
		"webhook-of-nobody": show(func(w io.Writer) error { return describeTrace(w, delivery.Trace{ID: "7", Accepted: noon}, now) }),
		"webhook-of-old": show(func(w io.Writer) error {
			return describeTrace(w, delivery.Trace{ID: "7", Deliveries: []delivery.Delivery{sent}}, now)
		}),
	} {
		t.Run(name, func(t *testing.T) {
			golden := "testdata/deliveries/" + name + ".golden"
			if *update {
				require.NoError(t, os.WriteFile(golden, []byte(text), 0o600))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			assert.Equal(t, string(want), text)
			assert.LessOrEqual(t, strings.Count(text, "\n"), 40, "one screen")
			for line := range strings.Lines(text) {
				assert.LessOrEqual(t, columns(strings.TrimSuffix(line, "\n")), 100, line)
			}
			for _, r := range text {
				assert.True(t, r >= ' ' && r != 0x7f && r != 0x9b && r != 0x202e || r == '\n', "%q", r)
			}
			assert.NotRegexp(t, `(?m)^DELIVERED`, text)
		})
	}
}

func TestPrintableJSONMeansTheSame(t *testing.T) {
	text := `{"a":"` + "\u202e\u009b\u200b\U000e0041é" + `\u001b"}`
	safe := printableJSON(text)
	assert.Equal(t, `{"a":"\u202e\u009b\u200b\udb40\udc41é\u001b"}`, safe)
	assert.JSONEq(t, text, safe)
}

// store has dead letters, as a notifier has them.
type store struct {
	dead  []delivery.Delivery
	stuck map[string]error
	// receivers are those of the configuration.
	receivers []delivery.Receiver
	listed    int
	// again is whether what is replayed dies at once, under a new ID.
	again bool
}

func (s *store) List(_ context.Context, q delivery.Query) ([]delivery.Delivery, error) {
	s.listed++
	var found []delivery.Delivery
	after := q.AfterID == ""
	for _, d := range s.dead {
		if after && (q.Receiver == "" || q.Receiver == d.Receiver) && len(found) < q.Limit {
			found = append(found, d)
		}
		after = after || d.ID == q.AfterID
	}
	return found, nil
}

func (s *store) Show(_ context.Context, id string) (delivery.Delivery, error) {
	for _, d := range s.dead {
		if d.ID == id {
			return d, nil
		}
	}
	return delivery.Delivery{}, delivery.ErrNotFound
}

func (s *store) Trace(_ context.Context, id string) (delivery.Trace, error) {
	var found []delivery.Delivery
	for _, d := range s.dead {
		if strings.HasPrefix(d.ID, id+"-") {
			found = append(found, d)
		}
	}
	if found == nil {
		return delivery.Trace{}, delivery.ErrNotFound
	}
	return delivery.Trace{ID: id, Accepted: noon, Receivers: []string{"a"}, Deliveries: found}, nil
}

func (s *store) Replay(ctx context.Context, id string) error {
	if err := s.stuck[id]; err != nil {
		return err
	}
	if _, err := s.Show(ctx, id); err != nil {
		return err
	}
	s.dead = slices.DeleteFunc(s.dead, func(d delivery.Delivery) bool { return d.ID == id })
	if s.again {
		s.dead = append(s.dead, delivery.Delivery{ID: id + "0", Status: delivery.Dead, Accepted: noon})
	}
	return nil
}

// command runs `notifier deliveries …` against s.
func (s *store) command(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	server := httptest.NewServer(web.Router(web.Parts{
		Deliveries: s, Receivers: func() []delivery.Receiver { return s.receivers }, Metrics: prometheus.NewRegistry(), Logger: slog.New(slog.DiscardHandler), Webhook: func(*gin.Context) {},
	}))
	defer server.Close()
	var out, errs bytes.Buffer
	code = run(append([]string{"deliveries", "--url=" + server.URL}, args...), &out, &errs)
	return code, out.String(), errs.String()
}

func letters(n int) *store {
	s := &store{stuck: map[string]error{}}
	for i := range n {
		s.dead = append(s.dead, delivery.Delivery{ID: fmt.Sprintf("%d-x", i), Status: delivery.Dead, Receiver: []string{"a", "b"}[i%2], Accepted: noon})
	}
	return s
}

func TestDeliveriesAreListedAndShownByTheCommand(t *testing.T) {
	s := letters(30)
	code, stdout, _ := s.command(t, "list")
	assert.Equal(t, 0, code)
	assert.Equal(t, 22, strings.Count(stdout, "\n"), "a screen: %s", stdout)
	assert.Contains(t, stdout, "These are the newest 20")

	code, stdout, _ = s.command(t, "list", "--receiver=b", "--limit=1000", "-o", "json")
	assert.Equal(t, 0, code)
	assert.Equal(t, 15, strings.Count(stdout, `"receiver": "b"`))
	assert.NotContains(t, stdout, `"receiver": "a"`)

	code, stdout, _ = letters(0).command(t, "list")
	assert.Equal(t, 0, code)
	assert.Equal(t, "There is no delivery: nothing has been accepted, or it was too long ago.\n", stdout)

	code, stdout, _ = s.command(t, "show", "3-x")
	assert.Equal(t, 0, code)
	assert.Contains(t, stdout, "3-x")
	code, stdout, _ = s.command(t, "show", "3")
	assert.Equal(t, 0, code)
	assert.Contains(t, stdout, "Webhook     3\n")
	assert.Contains(t, stdout, "3-x")
	code, stdout, _ = s.command(t, "list", "--receiver=c")
	assert.Equal(t, 0, code)
	assert.Equal(t, "There is no such delivery.\n", stdout)
	s.receivers = []delivery.Receiver{{Name: "a"}, {Name: "b"}}
	_, stdout, _ = s.command(t, "list", "--receiver=c")
	assert.Equal(t, "There is no such delivery. There is no receiver \"c\"; there are a, b.\n", stdout)
	s.dead = nil
	_, stdout, _ = s.command(t, "list", "--receiver=b")
	assert.Equal(t, "There is no such delivery.\n", stdout)
	code, _, stderr := s.command(t, "show", "gone")
	assert.Equal(t, 1, code)
	assert.Equal(t, "notifier: "+delivery.ErrNotFound.Error()+"\n", stderr)
}

func TestDeadLettersAreReplayedByTheCommand(t *testing.T) {
	s := letters(5)
	code, stdout, stderr := s.command(t, "replay", "1-x", "nope", "2-x")
	assert.Equal(t, 1, code)
	assert.Equal(t, "1-x: will be told again\n2-x: will be told again\n", stdout, "one that fails does not keep the others back")
	assert.Contains(t, stderr, "nope: there is no such delivery")

	s = letters(5)
	code, stdout, _ = s.command(t, "replay", "--all", "--receiver=b")
	assert.Equal(t, 0, code)
	assert.Equal(t, "2 will be told again\n", stdout)
	assert.Len(t, s.dead, 3)
}

func TestAllDeadLettersAreReplayedHoweverManyThereAre(t *testing.T) {
	s := letters(2500)
	s.stuck["0-x"] = delivery.ErrGoneIntegration

	code, stdout, stderr := s.command(t, "replay", "--all")

	assert.Equal(t, 1, code)
	assert.Equal(t, "2499 will be told again\n", stdout)
	assert.Equal(t, "notifier: 0-x: "+delivery.ErrGoneIntegration.Error()+"\n", stderr)
	assert.Less(t, s.listed, 10, "what cannot be told does not keep it going for ever")
}

func TestWhatDiesAgainIsReplayedOnce(t *testing.T) {
	s := letters(2500)
	s.again = true

	code, stdout, _ := s.command(t, "replay", "--all")

	assert.Equal(t, 0, code)
	assert.Equal(t, "2500 will be told again\n", stdout)
}

func TestLettersThatCannotBeReplayedHideNoOthers(t *testing.T) {
	s := letters(1500)
	for i := range 1200 {
		s.stuck[fmt.Sprintf("%d-x", i)] = delivery.ErrGoneIntegration
	}

	_, stdout, _ := s.command(t, "replay", "--all")

	assert.Equal(t, "300 will be told again\n", stdout)
}

func TestReplayIsToldAsJSON(t *testing.T) {
	code, stdout, stderr := letters(2).command(t, "replay", "0-x", "nope", "-o", "json")
	assert.Equal(t, 1, code)
	assert.JSONEq(t, fmt.Sprintf(`{"replayed":["0-x"],"failed":{"nope":%q}}`, delivery.ErrNotFound), stdout)
	assert.Contains(t, stderr, "nope: ")

	code, stdout, _ = letters(0).command(t, "replay", "--all", "-o", "json")
	assert.Equal(t, 0, code)
	assert.JSONEq(t, `{"replayed":[],"failed":{}}`, stdout)
}

func TestReplayEndsWhenNobodyAnswers(t *testing.T) {
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		panic(http.ErrAbortHandler)
	}))
	defer server.Close()
	var out, errs bytes.Buffer

	code := run([]string{"deliveries", "replay", "--url=" + server.URL, "1-a", "2-a", "3-a"}, &out, &errs)

	assert.Equal(t, exitNo, code)
	assert.Contains(t, errs.String(), "1-a: the notifier at")
	assert.Contains(t, errs.String(), "2 more were not tried")
	assert.NotContains(t, errs.String(), "2-a")
}

func TestWrongUseOfDeliveriesIsRefused(t *testing.T) {
	for _, args := range [][]string{
		{"list", "--status=gone"},
		{"list", "--limit=0"},
		{"list", "--limit=1001"},
		{"list", "-o", "xml"},
		{"show"},
		{"show", ""},
		{"show", "."},
		{"show", ".."},
		{"show", "1-x/replay"},
		{"replay", "1-x", "../x"},
		{"replay"},
		{"replay", "--all", "1-x"},
		{"replay", "1-x", "--receiver=a"},
		{"list", "--url=localhost"},
		{"list", "--url=ftp://localhost"},
	} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			code, stdout, stderr := letters(1).command(t, args...)
			assert.Equal(t, exitUsage, code)
			assert.Empty(t, stdout)
			assert.Contains(t, stderr, "; try notifier help deliveries\n")
		})
	}
}

func TestNotifierThatCannotBeAskedIsNamed(t *testing.T) {
	other := httptest.NewServer(http.NotFoundHandler())
	strange := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") }))
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	secure.StartTLS()
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	defer other.Close()
	defer strange.Close()
	defer secure.Close()
	for name, tc := range map[string]struct{ url, says string }{
		"nobody":       {"http://me:planted@" + strings.TrimPrefix(closed.URL, "http://"), "nothing listens there; --url says where it is"},
		"another":      {other.URL, "answered 404, and not as a notifier does"},
		"success":      {strange.URL, "the answer is not a notifier's"},
		"a wrong path": {other.URL + "/prefix", "answered 404"},
		"TLS unknown":  {secure.URL, "certificate"},
		"not TLS":      {"https" + strings.TrimPrefix(other.URL, "http"), "it speaks HTTP, not HTTPS"},
	} {
		t.Run(name, func(t *testing.T) {
			var out, errs bytes.Buffer
			code := run([]string{"deliveries", "list", "--url=" + tc.url}, &out, &errs)
			assert.Equal(t, exitNo, code)
			assert.Contains(t, errs.String(), tc.says)
			assert.NotContains(t, errs.String(), "planted")
		})
	}
}

// Whatever an answer holds, it reaches a terminal without a character that the terminal obeys, and means the same.
func FuzzPrintableJSON(f *testing.F) {
	f.Add(hostile)
	f.Add("\u009b\U000e0041\u200b\\u001b\"")
	f.Fuzz(func(t *testing.T, text string) {
		encoded, err := json.Marshal(text)
		require.NoError(t, err)
		safe := printableJSON(string(encoded))
		for _, r := range safe + printable(text) + short(printable(text), 5) {
			require.True(t, unicode.IsPrint(r), "%q", r)
		}
		require.JSONEq(t, string(encoded), safe)
	})
}
