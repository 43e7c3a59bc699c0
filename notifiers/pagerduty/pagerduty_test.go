package pagerduty

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	commoncfg "github.com/prometheus/common/config"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/alertvitals/notifier/alert"
	"github.com/alertvitals/notifier/notifiers"
	"github.com/alertvitals/notifier/notifiers/notifiertest"
	"github.com/alertvitals/notifier/notifiers/pagerduty/pagerdutyfake"
	"github.com/alertvitals/notifier/templates"
)

const key = "7777plantedsecret7777plantedsecr"

func serve(t *testing.T, handler http.Handler) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

// sinkOf is a sink that tells the server at address.
func sinkOf(t *testing.T, address string, change func(*Config)) *Notifier {
	t.Helper()
	c := Config{RoutingKey: key, URL: address + "/v2/enqueue"}
	if change != nil {
		change(&c)
	}
	n, err := New(c, templates.Standard())
	require.NoError(t, err)
	return n
}

func perAlert(c *Config) { c.Dedup = PerAlert }

func v1(c *Config) {
	c.ServiceKey, c.RoutingKey = c.RoutingKey, ""
	c.URL = strings.Replace(c.URL, "/v2/enqueue", "/generic/2010-04-15/create_event.json", 1)
}

// start is a PagerDuty and a sink that tells it.
func start(t *testing.T, change func(*Config)) (*pagerdutyfake.Server, *Notifier) {
	t.Helper()
	fake := pagerdutyfake.New(key)
	return fake, sinkOf(t, serve(t, fake), change)
}

func send(t *testing.T, n *Notifier, m notifiers.Message) notifiers.Receipt {
	t.Helper()
	receipt, err := n.Notify(t.Context(), m)
	require.NoError(t, err)
	return receipt
}

func meaningOf(t *testing.T, err error) notifiers.Error {
	t.Helper()
	var e *notifiers.Error
	require.ErrorAs(t, err, &e)
	return notifiers.Error{Reason: e.Reason, Permanent: e.Permanent, RetryAfter: e.RetryAfter}
}

func TestAnIncidentForAGroup(t *testing.T) {
	for name, change := range map[string]func(*Config){"v2": nil, "v1": v1} {
		t.Run(name, func(t *testing.T) {
			fake, n := start(t, change)

			first := send(t, n, notifiertest.Firing())
			second := send(t, n, notifiertest.Joined(first))
			require.Len(t, fake.State().Open(), 1)
			assert.Equal(t, 1, fake.State().Incidents[0].Notified, "an alert that joins pages nobody")
			assert.Equal(t, "CRITICAL · HighErrorRate · aster · 3 firing", fake.State().Incidents[0].Summary)
			send(t, n, notifiertest.Resolved(second))

			state := fake.State()
			require.Len(t, state.Incidents, 1)
			assert.Empty(t, state.Open())
			assert.Equal(t, []string{"trigger", "trigger", "resolve"}, state.Incidents[0].Events)
			// sha256 of the groupKey, as Alertmanager's own dedup_key.
			assert.Equal(t, "cbc7a356b874c7d0332c73753d5082204bea3c18a5cb2a9a50e75f6687ffb86b", state.Incidents[0].DedupKey)
			assert.Zero(t, state.Dropped)
		})
	}
}

func TestAnAlertThatJoinsPagesWhenEachHasItsIncident(t *testing.T) {
	fake, n := start(t, perAlert)

	first := send(t, n, notifiertest.Firing())
	require.Len(t, fake.State().Open(), 2)
	second := send(t, n, notifiertest.Joined(first))

	state := fake.State()
	require.Len(t, state.Open(), 3)
	for _, incident := range state.Incidents {
		assert.Equal(t, 1, incident.Notified)
		assert.Equal(t, []string{"trigger"}, incident.Events, "nothing is sent of what did not change")
	}
	assert.Equal(t, "CRITICAL · HighErrorRate · aster-2:8080 · Error rate is 6.1 %", state.Incidents[2].Summary)
	send(t, n, notifiertest.Resolved(second))
	assert.Empty(t, fake.State().Open())
	assert.Zero(t, fake.State().Dropped)
}

// The far side takes some events of a message and then no more: the next try sends the rest, and nobody is paged twice.
func TestP4AMessageThatWasTakenInPartIsFinished(t *testing.T) {
	now := time.Date(2026, 3, 1, 9, 14, 0, 0, time.UTC)
	fake, n := start(t, perAlert)
	fake.Now = func() time.Time { return now }
	m := notifiertest.Huge() // a hundred alerts
	for i := range 100 {
		a := m.Group.Alerts[i]
		a.Fingerprint = fmt.Sprintf("b%015x", i)
		m.Group.Alerts = append(m.Group.Alerts, a)
	}

	partly, err := n.Notify(t.Context(), m)
	assert.Equal(t, notifiers.Error{Reason: notifiers.RateLimited}, meaningOf(t, err))
	require.Len(t, fake.State().Open(), 120)
	now = now.Add(time.Minute)
	m.Previous = partly
	whole := send(t, n, m)

	state := fake.State()
	assert.Len(t, state.Open(), 200)
	for _, incident := range state.Incidents {
		assert.Equal(t, []string{"trigger"}, incident.Events)
	}

	m.ID, m.Previous = "another", whole
	for i := range m.Group.Alerts {
		m.Group.Alerts[i].Status = alert.StatusResolved
	}
	now = now.Add(time.Minute)
	partly, err = n.Notify(t.Context(), m)
	assert.Equal(t, notifiers.Error{Reason: notifiers.RateLimited}, meaningOf(t, err))
	now = now.Add(time.Minute)
	m.Previous = partly
	send(t, n, m)
	assert.Empty(t, fake.State().Open())
	assert.Zero(t, fake.State().Dropped)
}

func TestP4ATryWhoseAnswerWasLostPagesNobodyTwice(t *testing.T) {
	for name, change := range map[string]func(*Config){"group": nil, "alert": perAlert} {
		t.Run(name, func(t *testing.T) {
			fake, n := start(t, change)
			fake.FailNext(1, pagerdutyfake.Failure{Drop: true, Taken: true})

			partly, err := n.Notify(t.Context(), notifiertest.Firing())
			assert.Equal(t, notifiers.Error{Reason: notifiers.Unreachable}, meaningOf(t, err))
			m := notifiertest.Firing()
			m.Previous = partly
			send(t, n, m)

			for _, incident := range fake.State().Incidents {
				assert.Equal(t, 1, incident.Notified)
			}
		})
	}
}

func TestARepeatOpensWhatWasClosedByHand(t *testing.T) {
	for name, change := range map[string]func(*Config){"group": nil, "alert": perAlert} {
		t.Run(name, func(t *testing.T) {
			fake, n := start(t, change)
			m := notifiertest.Joined(send(t, n, notifiertest.Firing()))
			require.NoError(t, fake.Resolve(fake.State().Incidents[0].DedupKey))
			m.Group.Alerts, m.Group.Reason = m.Group.Alerts[:2], "repeat interval elapsed"

			send(t, n, m)

			open := fake.State().Open()
			assert.Equal(t, len(fake.State().Incidents)-1, len(open))
		})
	}
}

func TestP8AGroupThatHidesAlertsIsNeverResolved(t *testing.T) {
	for name, change := range map[string]func(*Config){"group": nil, "alert": perAlert} {
		t.Run(name, func(t *testing.T) {
			fake, n := start(t, change)
			first := send(t, n, notifiertest.Firing())
			m := notifiertest.Resolved(first)
			m.Group.Truncated = 3

			second := send(t, n, m)
			require.Len(t, fake.State().Open(), 1, "somebody must know of those that are hidden")
			assert.Equal(t, keyOf(m.Group.Key), fake.State().Open()[0].DedupKey)

			send(t, n, notifiertest.Resolved(second))
			assert.Empty(t, fake.State().Open())
		})
	}
}

func TestP3LateNewsNeverTouchTheLivingIncident(t *testing.T) {
	for name, change := range map[string]func(*Config){"group": nil, "alert": perAlert} {
		for when, story := range map[string]func(n *Notifier) notifiers.Receipt{
			"while it is open": func(n *Notifier) notifiers.Receipt { return send(t, n, notifiertest.Firing()) },
			"after it was resolved": func(n *Notifier) notifiers.Receipt {
				send(t, n, notifiertest.Resolved(send(t, n, notifiertest.Firing())))
				return nil
			},
			"before there was a one": func(*Notifier) notifiers.Receipt { return nil },
		} {
			t.Run(name+" "+when, func(t *testing.T) {
				fake, n := start(t, change)
				previous := story(n)
				before := fake.State()

				send(t, n, notifiertest.Late(previous))

				after := fake.State()
				require.Len(t, after.Incidents, len(before.Incidents)+1)
				assert.ElementsMatch(t, before.Incidents, after.Incidents[:len(before.Incidents)])
				late := after.Incidents[len(before.Incidents)]
				assert.Equal(t, pagerdutyfake.Resolved, late.State)
				assert.Equal(t, "info", late.Severity)
				assert.True(t, strings.HasPrefix(late.Summary, "LATE · CRITICAL"), late.Summary)
			})
		}
	}
}

func TestLateNewsThatFailHalfWayLeaveTheReceiptAlone(t *testing.T) {
	fake := pagerdutyfake.New(key)
	var requests atomic.Int64
	n := sinkOf(t, serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if requests.Add(1) == 3 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		fake.ServeHTTP(w, r)
	})), nil)
	first := send(t, n, notifiertest.Firing())

	after, err := n.Notify(t.Context(), notifiertest.Late(first))

	require.Error(t, err)
	assert.Equal(t, first, after)
	assert.Len(t, fake.State().Open(), 2)
	assert.Equal(t, first, send(t, n, notifiertest.Late(first)))
	require.Len(t, fake.State().Open(), 1)
	assert.Len(t, fake.State().Incidents, 2)
}

func TestP2AGroupThatWasOverBeforeAnybodyWasToldIsInTheHistory(t *testing.T) {
	for name, change := range map[string]func(*Config){"group": nil, "alert": perAlert} {
		t.Run(name, func(t *testing.T) {
			fake, n := start(t, change)

			send(t, n, notifiertest.Resolved(nil))

			require.Len(t, fake.State().Incidents, 1)
			assert.Equal(t, []string{"trigger", "resolve"}, fake.State().Incidents[0].Events)
		})
		t.Run(name+", in two tries", func(t *testing.T) {
			fake := pagerdutyfake.New(key)
			var requests atomic.Int64
			n := sinkOf(t, serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if requests.Add(1) == 2 {
					w.WriteHeader(http.StatusServiceUnavailable)
					return
				}
				fake.ServeHTTP(w, r)
			})), change)
			m := notifiertest.Resolved(nil)
			partly, err := n.Notify(t.Context(), m)
			require.Error(t, err)
			m.Previous = partly

			send(t, n, m)

			require.Len(t, fake.State().Incidents, 1)
			assert.Equal(t, pagerdutyfake.Resolved, fake.State().Incidents[0].State)
			assert.Equal(t, 1, fake.State().Incidents[0].Notified)
		})
	}
}

func TestVitalsThatComeLaterPageNobody(t *testing.T) {
	for name, change := range map[string]func(*Config){"group": nil, "alert": perAlert} {
		t.Run(name, func(t *testing.T) {
			fake, n := start(t, change)
			m := notifiertest.Firing()
			m.Content.Vitals, m.Snapshot = nil, nil
			first := send(t, n, m)
			require.NotContains(t, string(fake.State().Incidents[0].Details), "error rate\"")

			second := send(t, n, notifiertest.Amended(first))

			assert.Equal(t, first, second)
			for _, incident := range fake.State().Incidents {
				assert.Equal(t, 1, incident.Notified)
				assert.Contains(t, string(incident.Details), `"error rate":"7.3 % (was 0.2 % an hour ago)"`)
			}
			sent := fake.State()
			over := notifiertest.Amended(second)
			for i := range over.Group.Alerts {
				over.Group.Alerts[i].Status = alert.StatusResolved
			}
			send(t, n, over)
			send(t, n, notifiertest.Amended(nil))
			assert.Equal(t, sent, fake.State(), "what is over, and what was never told, is left alone")
		})
	}
}

func TestAnotherDedupClosesWhatTheOneBeforeOpened(t *testing.T) {
	fake := pagerdutyfake.New(key)
	address := serve(t, fake)
	group, each := sinkOf(t, address, nil), sinkOf(t, address, perAlert)

	receipt := send(t, group, notifiertest.Firing())
	receipt = send(t, each, notifiertest.Joined(receipt))
	assert.Len(t, fake.State().Open(), 3)
	receipt = send(t, group, notifiertest.Joined(receipt))
	assert.Len(t, fake.State().Open(), 1)
	send(t, group, notifiertest.Resolved(receipt))
	assert.Empty(t, fake.State().Open())
}

func TestWhoWantsNoEndsGetsNone(t *testing.T) {
	no := false
	fake, n := start(t, func(c *Config) { c.Dedup, c.SendResolved = PerAlert, &no })
	m := notifiertest.Joined(send(t, n, notifiertest.Firing()))
	m.Group.Alerts[0].Status = alert.StatusResolved

	send(t, n, m)

	assert.Len(t, fake.State().Open(), 3)
}

func TestOneAlertThatIsRefusedKeepsNoOtherFromPaging(t *testing.T) {
	fake, n := start(t, perAlert)
	fake.FailNext(1, pagerdutyfake.Failure{Status: 400})

	_, err := n.Notify(t.Context(), notifiertest.Firing())

	assert.Equal(t, notifiers.Error{Reason: notifiers.Rejected, Permanent: true}, meaningOf(t, err))
	assert.Len(t, fake.State().Open(), 1)
}

func TestErrorsSayWhatPagerDutyDoesNotWant(t *testing.T) {
	_, n := start(t, func(c *Config) { c.RoutingKey = "short" })
	_, err := n.Notify(t.Context(), notifiertest.Firing())
	assert.Equal(t, notifiers.Error{Reason: notifiers.Rejected, Permanent: true}, meaningOf(t, err))
	require.EqualError(t, err, "telling PagerDuty: the answer is 400 bad request (Length of 'routing_key' is incorrect (should be 32 characters))")

	_, n = start(t, func(c *Config) { c.RoutingKey = commoncfg.Secret(strings.Repeat("x", 32)) })
	_, err = n.Notify(t.Context(), notifiertest.Firing())
	require.EqualError(t, err, "telling PagerDuty: the answer is 400 bad request (Invalid routing key)")
}

func TestV1SaysTooManyWith403(t *testing.T) {
	fake, n := start(t, v1)
	fake.FailNext(1, pagerdutyfake.Failure{Status: 403, RetryAfter: "30"})

	_, err := n.Notify(t.Context(), notifiertest.Firing())

	assert.Equal(t, notifiers.Error{Reason: notifiers.RateLimited, RetryAfter: 30 * time.Second}, meaningOf(t, err))
}

func TestTheKeysFileIsReadAtEachSend(t *testing.T) {
	file := filepath.Join(t.TempDir(), "key")
	fake, n := start(t, func(c *Config) { c.RoutingKey, c.RoutingKeyFile = "", file })

	_, err := n.Notify(t.Context(), notifiertest.Firing())
	assert.Equal(t, notifiers.Error{Reason: notifiers.Auth}, meaningOf(t, err), "the file may come")
	require.NoError(t, os.WriteFile(file, []byte(key+"\n"), 0o600))
	send(t, n, notifiertest.Firing())
	assert.Len(t, fake.State().Open(), 1)
}

func TestWhatIsConfiguredIsSaid(t *testing.T) {
	for name, change := range map[string]func(*Config){"group": nil, "alert": perAlert} {
		t.Run(name, func(t *testing.T) {
			fake, n := start(t, func(c *Config) {
				c.Description, c.Severity, c.Source = `{{ template "pagerduty.default.description" . }}`, `{{ .CommonLabels.severity | toUpper }}`, "the lab"
				c.Component, c.Class, c.Client = "c", "{{ .CommonLabels.class }}", "Grafana"
				c.Details = map[string]any{
					"team": "data", "firing": "{{ .Alerts.Firing | toJson }}", "nested": map[string]any{"a": []any{1, "{{ .Status }}"}},
					"error rate": "ours", "all": "{{ range .Alerts }}{{ .Labels.instance }}\n{{ end }}", "agent now": "{{ .Snapshot.Agent }}",
					"broken": `{{ index .Alerts 99 }}`,
				}
				c.Links = []Link{{Href: "https://wiki.example.com/", Text: "Wiki"}, {Href: "{{ .ExternalURL }}/x"}, {Href: "javascript:{{ .Status }}"}}
				c.Images = []Image{{Src: "https://example.com/x.png", Alt: "x", Href: "https://example.com/"}, {Src: "http{{ .Status }}"}}
				if change != nil {
					change(c)
				}
			})

			send(t, n, notifiertest.Firing())

			incident := fake.State().Incidents[0]
			assert.Contains(t, incident.Summary, "[FIRING:")
			assert.Equal(t, "critical", incident.Severity)
			assert.Equal(t, "the lab", incident.Source)
			assert.Equal(t, "HighErrorRate", incident.Class, "a template that says nothing leaves it to us")
			var details map[string]any
			require.NoError(t, json.Unmarshal(incident.Details, &details))
			assert.Equal(t, "data", details["team"])
			assert.Equal(t, map[string]any{"a": []any{1.0, "firing"}}, details["nested"])
			assert.Equal(t, "ours", details["error rate"])
			assert.Contains(t, details["all"], "aster-0:8080")
			assert.Equal(t, "aster", details["agent now"])
			assert.Equal(t, "standard text in place of details.broken, which failed", details["templates"])
			assert.Len(t, details["firing"], map[string]int{"group": 2, "alert": 1}[name], "JSON is JSON")
			assert.Equal(t, []string{"https://wiki.example.com/", "http://alertmanager:9093/x"}, incident.Links[:2])
		})
	}
}

func TestP10PersonalLabelsAreNoFields(t *testing.T) {
	fake, n := start(t, nil)
	m := notifiertest.Firing()
	for _, a := range m.Group.Alerts {
		a.Labels["component"], a.Labels["instance"] = alert.Redacted, alert.Redacted
	}

	send(t, n, m)

	assert.Equal(t, "aster", fake.State().Incidents[0].Component)
	assert.Equal(t, "aster", fake.State().Incidents[0].Source)
}

func TestSeverities(t *testing.T) {
	for from, to := range map[string]string{
		"critical": "critical", "Critical": "critical", "warning": "warning", "info": "info", "error": "error", "": "error", "page": "error",
	} {
		assert.Equal(t, to, severityOf(from), from)
	}
}

func TestLine(t *testing.T) {
	for name, tc := range map[string]struct{ text, want string }{
		"short":            {"aster", "aster"},
		"as long as it is": {"0123456789", "0123456789"},
		"too long":         {"0123456789x", "012345678…"},
		"by characters":    {strings.Repeat("警", 11), strings.Repeat("警", 9) + "…"},
		"lines":            {" a\r\nb\tc\x00d ", "a b c d"},
		"another way":      {"a\u202eb", "ab"},
		"not UTF-8":        {"a\xff\xfeb", "a\uFFFDb"},
		"mostly nothing":   {strings.Repeat(" ", 1000) + "x", "…"},
		"very long":        {strings.Repeat("x", 1000), "xxxxxxxxx…"},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, tc.want, line(tc.text, 10)) })
	}
}

func FuzzLine(f *testing.F) {
	f.Add("aster\r\n警報", 5)
	f.Fuzz(func(t *testing.T, text string, most int) {
		most = 1 + max(most, -most)%1000
		got := line(text, max(most, 1))
		if !utf8.ValidString(got) || utf8.RuneCountInString(got) > max(most, 1) || strings.ContainsAny(got, "\r\n\x00") {
			t.Fatalf("line(%q, %d) = %q", text, most, got)
		}
	})
}

func TestDetailsKeepTheirOrderAndTheirNames(t *testing.T) {
	var d details
	d.add(stays, "b", "1")
	d.add(stays, "a", "<2>")
	d.add(useful, "b", "3")
	d.add(useful, "", "4")
	d.add(useful, "empty", "")

	text, err := json.Marshal(d)
	require.NoError(t, err)
	assert.JSONEq(t, `{"b":"1","a":"<2>","b (2)":"3","(2)":"4"}`, string(text))
	assert.True(t, strings.HasPrefix(string(text), `{"b":`))
	empty, err := json.Marshal(details(nil))
	require.NoError(t, err)
	assert.Equal(t, "{}", string(empty))
}

func TestP7FitDropsTheLeastUsefulFirst(t *testing.T) {
	n := sinkOf(t, "http://127.0.0.1:1", nil)
	e := n.groupEvent(notifiertest.Firing())
	for i := range 400 {
		e.details.add(leastUseful, fmt.Sprint("table ", i), strings.Repeat("警", 2000))
	}
	for i := range 60 {
		e.details.add(veryUseful, fmt.Sprint("vital ", i), strings.Repeat("警", 1000))
	}

	body, err := n.fit(e, key)

	require.NoError(t, err)
	assert.LessOrEqual(t, len(body), eventSize)
	assert.Greater(t, len(body), eventSize*9/10)
	assert.Contains(t, string(body), "vital 59")
	assert.Contains(t, string(body), "table 10")
	assert.NotContains(t, string(body), "table 399")
	assert.Contains(t, string(body), "Error rate is 7.3 % on aster-0:8080 (+1 more)")
}

func TestConformance(t *testing.T) {
	for name, change := range map[string]func(*Config){"group": nil, "alert": perAlert, "v1": v1} {
		t.Run(name, func(t *testing.T) {
			success := http.StatusAccepted
			var tooMany []int
			if name == "v1" {
				success, tooMany = http.StatusOK, []int{http.StatusForbidden}
			}
			notifiertest.Run(t, notifiertest.Harness{
				New:       func(t *testing.T, address string) notifiers.Notifier { return sinkOf(t, address, change) },
				Secret:    key,
				Taken:     roomy().ServeHTTP,
				Successes: []int{success},
				TooMany:   tooMany,
				// v1 answers 200, so what a proxy says with a 200 passes for its answer.
				StatusOnly: name == "v1",
				Shown:      func(_ *testing.T, body []byte) string { return string(body) },
				Inspect: func(t *testing.T, _ string, bodies [][]byte) {
					fake := roomy()
					for _, body := range bodies {
						assert.True(t, utf8.Valid(body))
						w := httptest.NewRecorder()
						r := httptest.NewRequest(http.MethodPost, strings.TrimPrefix(sinkOf(t, "http://x", change).config.URL, "http://x"), bytes.NewReader(body))
						fake.ServeHTTP(w, r)
						assert.Equal(t, success, w.Code, w.Body.String())
						for _, harm := range []string{`\r`, `\n`, "\u202e", "javascript:", `\u001b`} {
							assert.False(t, bytes.Contains(body, []byte(harm)), harm)
						}
					}
				},
			})
		})
	}
}

// roomy is a PagerDuty that never finds the events too many.
func roomy() *pagerdutyfake.Server {
	fake := pagerdutyfake.New(key)
	var mu sync.Mutex
	now := time.Now()
	fake.Now = func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		now = now.Add(time.Second)
		return now
	}
	return fake
}

func TestCancelledContextSendsNothing(t *testing.T) {
	fake, n := start(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()

	_, err := n.Notify(ctx, notifiertest.Firing())

	require.ErrorIs(t, err, context.Canceled)
	assert.Empty(t, fake.State().Incidents)
}

func TestNotifyDoesNotChangeItsMessage(t *testing.T) {
	_, n := start(t, perAlert)
	m := notifiertest.Hostile("<x>")
	before, err := json.Marshal(m)
	require.NoError(t, err)

	send(t, n, m)

	after, err := json.Marshal(m)
	require.NoError(t, err)
	assert.JSONEq(t, string(before), string(after))
}

func TestGoldenEvents(t *testing.T) {
	hostile := `<!channel> <@U1> <http://x|y> *b* & "q"` + "\r\nBcc: x\u202e \xff 警報 🔴"
	for name, tc := range map[string]struct {
		change func(*Config)
		story  func(n *Notifier)
	}{
		"group": {nil, func(n *Notifier) {
			send(t, n, notifiertest.Resolved(send(t, n, notifiertest.Joined(send(t, n, notifiertest.Firing())))))
		}},
		"alert":   {perAlert, func(n *Notifier) { send(t, n, notifiertest.Joined(send(t, n, notifiertest.Firing()))) }},
		"v1":      {v1, func(n *Notifier) { send(t, n, notifiertest.Resolved(send(t, n, notifiertest.Firing()))) }},
		"notes":   {nil, func(n *Notifier) { send(t, n, notifiertest.Late(send(t, n, notifiertest.Fallback()))) }},
		"hostile": {nil, func(n *Notifier) { send(t, n, notifiertest.Hostile(hostile)) }},
	} {
		t.Run(name, func(t *testing.T) {
			var got bytes.Buffer
			fake := roomy()
			n := sinkOf(t, serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				assert.NoError(t, json.Indent(&got, body, "", "  "))
				got.WriteByte('\n')
				r.Body = io.NopCloser(bytes.NewReader(body))
				fake.ServeHTTP(w, r)
			})), tc.change)

			tc.story(n)

			text := strings.ReplaceAll(got.String(), key, "KEY")
			file := filepath.Join("testdata", name+".json")
			if *update {
				require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
			}
			want, err := os.ReadFile(file)
			require.NoError(t, err)
			assert.Equal(t, string(want), text)
		})
	}
}
