package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
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
			Alertname: "AgentModelCallsFailTooOften", Accepted: noon.Add(-61 * time.Minute), Attempts: 17, Next: noon.Add(42 * time.Second), Reason: "rate_limited",
		},
		{ID: "8192-00000000", Status: delivery.Dead, Receiver: "log", Integration: "log", Alertname: hostile, Accepted: noon.Add(-73 * time.Hour), Reason: "rejected"},
		{ID: "4096-00000000", Status: delivery.Dead, Accepted: noon},
		{ID: "4095-00000000", Status: delivery.Pending, Receiver: "log", Accepted: noon, GroupLabels: template.KV{"job": "aster"}},
	}, noon))

	assert.Equal(t, `ID                        STATUS    RECEIVER         ALERT            AGE  TRIES  NEXT  WHY
175921860444160-1a2b3c4d  retrying  team-with-a-lo…  AgentModelCall…  1h   17     42s   rate_limited
8192-00000000             dead      log              a�[2J�]0;pwned…  3d   0      -     rejected
4096-00000000             dead      -                -                0s   0      -     -
4095-00000000             pending   log              job=aster        0s   0      -     -
`, out.String())
	for line := range strings.Lines(out.String()) {
		assert.LessOrEqual(t, len([]rune(strings.TrimSuffix(line, "\n"))), 100)
	}
}

func TestDescriptionShowsEverythingAndNothingRaw(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, describe(&out, delivery.Delivery{
		ID: "1-a", Status: delivery.Dead, Receiver: "oncall", Integration: "slack", Alertname: "X", State: "firing", Severity: "critical",
		GroupLabels: template.KV{"job": "j"}, Notifications: 2, Accepted: noon, Attempts: 3, Failed: noon.Add(time.Minute),
		Reason: "rejected", Error: "posting to Slack: Slack says channel_not_found",
		Group: &alert.Group{
			Alerts: template.Alerts{
				{Status: "firing", Labels: template.KV{"a": hostile, "b": "2"}, Annotations: template.KV{"summary": hostile}, StartsAt: noon},
				{Status: "resolved", Labels: template.KV{"c": "3"}, StartsAt: noon, EndsAt: noon.Add(time.Hour)},
			},
			Gone: template.Alerts{{Status: "firing", Labels: template.KV{"d": "4"}, StartsAt: noon}}, Truncated: 5,
		},
	}, noon.Add(2*time.Hour)))

	text := out.String()
	for _, want := range []string{
		"oncall/slack", "X · firing · critical", "job=j", "channel_not_found", "(1h ago)", "resolved", "gone", "d=4", "5 more alerts are hidden",
	} {
		assert.Contains(t, text, want)
	}
	for _, r := range text {
		assert.True(t, r >= ' ' && r != 0x7f && r != 0x9b && r != 0x202e || r == '\n', "%q", r)
	}
	assert.NotRegexp(t, `(?m)^DELIVERED`, text)
}

func TestPrintableJSONMeansTheSame(t *testing.T) {
	text := `{"a":"` + "\u202e\u009b\u200b\U000e0041é" + `\u001b"}`
	safe := printableJSON(text)
	assert.Equal(t, `{"a":"\u202e\u009b\u200b\udb40\udc41é\u001b"}`, safe)
	assert.JSONEq(t, text, safe)
}

// store has dead letters, as a notifier has them.
type store struct {
	dead   []delivery.Delivery
	stuck  map[string]error
	listed int
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
		Deliveries: s, Metrics: prometheus.NewRegistry(), Logger: slog.New(slog.DiscardHandler), Webhook: func(*gin.Context) {},
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
	assert.Equal(t, "Nothing waits and nothing is dead.\n", stdout)

	code, stdout, _ = s.command(t, "show", "3-x")
	assert.Equal(t, 0, code)
	assert.Contains(t, stdout, "3-x")
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
		{"list", "--status=sent"},
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
