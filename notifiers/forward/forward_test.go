package forward

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/prometheus/alertmanager/template"
	commoncfg "github.com/prometheus/common/config"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/alertvitals/notifier/alert"
	"github.com/alertvitals/notifier/diagnostics"
	"github.com/alertvitals/notifier/notifiers"
	"github.com/alertvitals/notifier/notifiers/forward/forwardfake"
	"github.com/alertvitals/notifier/notifiers/notifiertest"
)

const secretPath = "/hooks/plantedsecret"

func serve(t *testing.T, handler http.Handler) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

func sinkOf(t *testing.T, address string, change func(*Config)) *Notifier {
	t.Helper()
	c := Config{URL: commoncfg.Secret(address + secretPath)}
	if change != nil {
		change(&c)
	}
	n, err := New(c)
	require.NoError(t, err)
	return n
}

func start(t *testing.T, change func(*Config)) (*forwardfake.Server, *Notifier) {
	t.Helper()
	fake := forwardfake.New(nil)
	return fake, sinkOf(t, serve(t, fake), change)
}

func send(t *testing.T, n *Notifier, m notifiers.Message) {
	t.Helper()
	receipt, err := n.Notify(t.Context(), m)
	require.NoError(t, err)
	assert.NotNil(t, receipt)
}

// read is a body as a consumer of Alertmanager's reads it, by Alertmanager's own types.
func read(t *testing.T, body []byte) (n alert.Notification, ours map[string]any) {
	t.Helper()
	require.NoError(t, json.Unmarshal(body, &n))
	require.NoError(t, json.Unmarshal(body, &ours))
	return n, ours
}

// Whoever reads Alertmanager's webhooks gets from us what Alertmanager posted.
func TestThePayloadIsAlertmanagers(t *testing.T) {
	files, err := filepath.Glob("../../alert/testdata/alertmanager/0.*/*.json")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(file, func(t *testing.T) {
			sent, err := os.ReadFile(file)
			require.NoError(t, err)
			n, err := alert.Decode(sent)
			require.NoError(t, err)
			g, ok := n.Choose(nil)
			require.True(t, ok)
			fake, sink := start(t, nil)

			send(t, sink, notifiers.Message{ID: "1-abc", Receiver: n.Receiver, Group: g, GroupKey: g.ShownKey(nil)})

			var want, got map[string]any
			require.NoError(t, json.Unmarshal(sent, &want))
			require.NoError(t, json.Unmarshal(fake.Got()[0].Body, &got))
			if n.TruncatedAlerts > 0 {
				want["status"] = "firing"
			}
			for name, value := range map[string]any{"notification_reason": "", "routeLabels": map[string]any{}} {
				if _, given := want[name]; !given {
					want[name] = value // an Alertmanager of today gives it
				}
			}
			assert.Equal(t, want, got)
		})
	}
}

func TestTheSnapshotIsBesideIt(t *testing.T) {
	fake, n := start(t, nil)

	send(t, n, notifiertest.Firing())

	var got struct{ Snapshot diagnostics.Snapshot }
	require.NoError(t, json.Unmarshal(fake.Got()[0].Body, &got))
	assert.Equal(t, *notifiertest.Firing().Snapshot, got.Snapshot)
}

func TestASnapshotThatIsNoJSONCostsTheAlertsNothing(t *testing.T) {
	fake, n := start(t, nil)
	m := notifiertest.Firing()
	nan := math.NaN()
	m.Snapshot.Vitals[0].Value = &nan

	send(t, n, m)

	_, ours := read(t, fake.Got()[0].Body)
	assert.NotContains(t, ours, "snapshot")
}

func TestP4ARepeatHasTheSameID(t *testing.T) {
	fake, n := start(t, nil)

	send(t, n, notifiertest.Firing())
	send(t, n, notifiertest.Firing())

	require.Len(t, fake.Got(), 1)
	assert.Equal(t, notifiertest.Firing().ID, fake.Got()[0].ID)
}

// The test vector of https://github.com/standard-webhooks/standard-webhooks, as its libraries have it.
func TestSignaturesAreThoseOfStandardWebhooks(t *testing.T) {
	key, err := keyOf("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	require.NoError(t, err)
	body := []byte(`{"test": 2432232314}`)

	signature := Sign(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), body)

	assert.Equal(t, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", signature)
}

func TestSignedWebhooksAreVerified(t *testing.T) {
	for name, secret := range map[string]string{"as it is": "hunter2hunter2hunter2", "base64": "whsec_" + base64.StdEncoding.EncodeToString([]byte("hunter2hunter2hunter2"))} {
		t.Run(name, func(t *testing.T) {
			fake := forwardfake.New([]byte("hunter2hunter2hunter2"))
			address := serve(t, fake)
			file := filepath.Join(t.TempDir(), "secret")
			require.NoError(t, os.WriteFile(file, []byte(secret+"\n"), 0o600))

			send(t, sinkOf(t, address, func(c *Config) { c.Secret = commoncfg.Secret(secret) }), notifiertest.Firing())
			send(t, sinkOf(t, address, func(c *Config) { c.SecretFile = file }), notifiertest.Joined(nil))
			assert.Len(t, fake.Got(), 2)

			for _, change := range []func(*Config){nil, func(c *Config) { c.Secret = "another" }} {
				_, err := sinkOf(t, address, change).Notify(t.Context(), notifiertest.Resolved(nil))
				var e *notifiers.Error
				require.ErrorAs(t, err, &e)
				assert.Equal(t, notifiers.Auth, e.Reason)
			}
			old := sinkOf(t, address, func(c *Config) { c.Secret = commoncfg.Secret(secret) })
			old.now = func() time.Time { return time.Now().Add(-10 * time.Minute) }
			_, err := old.Notify(t.Context(), notifiertest.Resolved(nil))
			require.Error(t, err, "somebody recorded it")
			assert.Len(t, fake.Got(), 2)
		})
	}
}

func TestFilesAreReadAtEachSend(t *testing.T) {
	fake := forwardfake.New(nil)
	file := filepath.Join(t.TempDir(), "url")
	n, err := New(Config{URLFile: file, SecretFile: file + ".secret"})
	require.NoError(t, err)
	failing := func() notifiers.Error {
		_, err := n.Notify(t.Context(), notifiertest.Firing())
		var e *notifiers.Error
		require.ErrorAs(t, err, &e)
		assert.NotContains(t, err.Error(), "plantedsecret")
		return notifiers.Error{Reason: e.Reason, Permanent: e.Permanent}
	}

	assert.Equal(t, notifiers.Error{Reason: notifiers.Auth}, failing(), "the files may come")
	require.NoError(t, os.WriteFile(file, []byte(serve(t, fake)+secretPath+"\n"), 0o600))
	assert.Equal(t, notifiers.Error{Reason: notifiers.Auth}, failing())
	require.NoError(t, os.WriteFile(file+".secret", []byte("whsec_!"), 0o600))
	assert.Equal(t, notifiers.Error{Reason: notifiers.Auth}, failing())
	require.NoError(t, os.WriteFile(file+".secret", []byte("x"), 0o600))
	send(t, n, notifiertest.Firing())
	require.NoError(t, os.WriteFile(file, []byte("\x7f://plantedsecret"), 0o600))
	assert.Equal(t, notifiers.Error{Reason: notifiers.Auth}, failing())
}

func TestMaxAlertsCutsWhatIsResolvedFirst(t *testing.T) {
	for most, want := range map[uint64][]string{
		0: {"-a", "b", "-c", "d"}, 4: {"-a", "b", "-c", "d"}, 3: {"-a", "b", "d"}, 2: {"b", "d"}, 1: {"b"},
	} {
		fake, n := start(t, func(c *Config) { c.MaxAlerts = most })
		m := notifiertest.Firing()
		m.Group.Truncated = 10
		a := m.Group.Alerts[0]
		m.Group.Alerts = nil
		for _, name := range []string{"-a", "b", "-c", "d"} {
			a.Fingerprint, a.Status = name, alert.StatusFiring
			if strings.HasPrefix(name, "-") {
				a.Status = alert.StatusResolved
			}
			m.Group.Alerts = append(m.Group.Alerts, a)
		}

		send(t, n, m)

		got, _ := read(t, fake.Got()[0].Body)
		var names []string
		for _, a := range got.Alerts {
			names = append(names, a.Fingerprint)
		}
		assert.Equal(t, want, names)
		assert.Equal(t, uint64(14-len(want)), got.TruncatedAlerts)
		assert.Equal(t, alert.StatusFiring, got.Status)
	}
}

func TestP8AGroupThatHidesAlertsIsForwardedAsFiring(t *testing.T) {
	fake, n := start(t, nil)
	m := notifiertest.Resolved(nil)
	m.Group.Truncated = 3

	send(t, n, m)

	got, _ := read(t, fake.Got()[0].Body)
	assert.Equal(t, alert.StatusFiring, got.Status)
}

func TestWhoWantsNoEndsGetsNone(t *testing.T) {
	no := false
	fake, n := start(t, func(c *Config) { c.SendResolved = &no })
	m := notifiertest.Firing()
	m.Group.Alerts[0].Status = alert.StatusResolved

	send(t, n, m)
	send(t, n, notifiertest.Resolved(nil)) // it could not be told in its time

	got, _ := read(t, fake.Got()[0].Body)
	require.Len(t, got.Alerts, 1)
	assert.Equal(t, alert.StatusFiring, got.Alerts[0].Status)
	got, _ = read(t, fake.Got()[1].Body)
	assert.Len(t, got.Alerts, 3)
}

func TestP3WhatIsLateIsNotTakenForThePresent(t *testing.T) {
	fake, n := start(t, nil)
	send(t, n, notifiertest.Resolved(nil))

	send(t, n, notifiertest.Late(nil))

	present, _ := read(t, fake.Got()[0].Body)
	past, ours := read(t, fake.Got()[1].Body)
	assert.NotEqual(t, present.GroupKey, past.GroupKey)
	assert.Empty(t, past.Alerts)
	assert.NotNil(t, past.Alerts)
	assert.Equal(t, alert.StatusResolved, past.Status)
	assert.Equal(t, notifiertest.Late(nil).Content.Note, ours["note"])
	late := ours["late"].(map[string]any)
	assert.Equal(t, present.GroupKey, late["groupKey"])
	assert.Len(t, late["alerts"], 2)
	assert.NotContains(t, ours, "snapshot")
}

func TestP10TheGroupsKeyIsShownWithoutPersons(t *testing.T) {
	fake, n := start(t, nil)
	m := notifiertest.Firing()
	m.Group.Key = `{}:{user_email="jane@example.com"}`
	for i, shown := range []string{m.Group.ShownKey([]string{"user_email"}), ""} {
		m.GroupKey, m.ID = shown, shown

		send(t, n, m)

		assert.NotContains(t, string(fake.Got()[i].Body), "jane")
		got, _ := read(t, fake.Got()[i].Body)
		assert.NotEmpty(t, got.GroupKey)
	}
}

func TestConformance(t *testing.T) {
	successes := make([]int, 100)
	for i := range successes {
		successes[i] = 200 + i
	}
	signed := func(c *Config) { c.Secret = "plantedsigner" }
	notifiertest.Run(t, notifiertest.Harness{
		New:        func(t *testing.T, address string) notifiers.Notifier { return sinkOf(t, address, signed) },
		Secret:     strings.TrimPrefix(secretPath, "/hooks/"),
		Taken:      func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "taken") },
		Successes:  successes,
		StatusOnly: true,
		Shown: func(t *testing.T, body []byte) string {
			var ours struct{ Note string }
			require.NoError(t, json.Unmarshal(body, &ours))
			return ours.Note
		},
		Inspect: func(t *testing.T, text string, bodies [][]byte) {
			require.Len(t, bodies, 1)
			assert.True(t, utf8.Valid(bodies[0]))
			assert.False(t, bytes.ContainsAny(bodies[0], "\r\n\t\x00\x1b"))
			var got struct{ Alerts template.Alerts }
			require.NoError(t, json.Unmarshal(bodies[0], &got))
			require.Len(t, got.Alerts, 2)
			want, err := json.Marshal(text) // what is not UTF-8 becomes replacement characters
			require.NoError(t, err)
			var clean string
			require.NoError(t, json.Unmarshal(want, &clean))
			assert.True(t, clean == got.Alerts[0].Labels["team"], "nothing is lost")
		},
	})
}

func TestConfig(t *testing.T) {
	for config, path := range map[string]string{
		"{url: 'http://logger:8080/alerts'}":                                                           "-",
		"{url_file: /run/url, secret_file: /run/secret, send_resolved: false, max_alerts: 5}":          "-",
		"{url: 'https://x/', timeout: 1m, http_config: {basic_auth: {username: u, password_file: f}}}": "-",
		"{}":                                "",
		"{url: 'http://x/', url_file: f}":   "url_file",
		"{url: x}":                          "url",
		"{url: 'http://x/{{ .Receiver }}'}": "url",
		"{url: 'http://x/', secret: a, secret_file: b}":                                 "secret_file",
		"{url: 'http://x/', secret: 'whsec_!'}":                                         "secret",
		"{url: 'http://x/', timeout: -1s}":                                              "",
		"{url: 'http://x/', payload: {text: x}}":                                        "payload",
		"{url: 'http://x/', http_config: {bearer_token: a, basic_auth: {username: b}}}": "http_config.bearer_token",
	} {
		t.Run(config, func(t *testing.T) {
			var c Config
			if err := yaml.UnmarshalWithOptions([]byte(config), &c, yaml.Strict()); err != nil {
				assert.Contains(t, config, "-1s")
				return
			}

			problems := c.Validate()
			_, err := New(c)

			if path == "-" {
				assert.Empty(t, problems)
				assert.NoError(t, err)
				return
			}
			require.Len(t, problems, 1)
			assert.Equal(t, path, problems[0].Path)
			assert.Error(t, err)
		})
	}
	no := false
	assert.True(t, Config{}.SendsResolved())
	assert.False(t, Config{SendResolved: &no}.SendsResolved())
}

func TestGoldenPayloads(t *testing.T) {
	hostile := `<!channel> <@U1> <http://x|y> *b* & "q"` + "\r\nBcc: x\u202e \xff 警報 🔴"
	for name, m := range map[string]notifiers.Message{
		"firing": notifiertest.Firing(), "resolved": notifiertest.Resolved(nil), "fallback": notifiertest.Fallback(),
		"late": notifiertest.Late(nil), "amended": notifiertest.Amended(nil), "hostile": notifiertest.Hostile(hostile),
	} {
		t.Run(name, func(t *testing.T) {
			fake, n := start(t, nil)
			send(t, n, m)
			var got bytes.Buffer
			require.NoError(t, json.Indent(&got, fake.Got()[0].Body, "", "  "))
			got.WriteByte('\n')

			file := filepath.Join("testdata", name+".json")
			if *update {
				require.NoError(t, os.WriteFile(file, got.Bytes(), 0o600))
			}
			want, err := os.ReadFile(file)
			require.NoError(t, err)
			assert.Equal(t, string(want), got.String())
		})
	}
}
