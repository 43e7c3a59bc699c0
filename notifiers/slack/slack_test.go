package slack

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	commoncfg "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
	slackapi "github.com/slack-go/slack"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/alertvitals/notifier/alert"
	"github.com/alertvitals/notifier/notifiers"
	"github.com/alertvitals/notifier/notifiers/notifiertest"
	"github.com/alertvitals/notifier/notifiers/slack/slackfake"
	"github.com/alertvitals/notifier/templates"
)

const (
	token       = "xoxb-7777-planted-secret"
	webhookPath = "services/T0PLANTED/B0PLANTED/plantedsecret"
)

func serve(t *testing.T, handler http.Handler) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

func botOf(t *testing.T, address string) *Notifier {
	t.Helper()
	n, err := New(Config{AppToken: token, Channel: "#agent-alerts", APIBaseURL: address + "/api/"}, templates.Standard())
	require.NoError(t, err)
	return n
}

func webhookOf(t *testing.T, address string) *Notifier {
	t.Helper()
	n, err := New(Config{APIURL: commoncfg.Secret(address + "/" + webhookPath)}, templates.Standard())
	require.NoError(t, err)
	return n
}

func send(t *testing.T, n *Notifier, m notifiers.Message) notifiers.Receipt {
	t.Helper()
	receipt, err := n.Notify(t.Context(), m)
	require.NoError(t, err)
	return receipt
}

func reasonOf(t *testing.T, err error) notifiers.Error {
	t.Helper()
	var e *notifiers.Error
	require.ErrorAs(t, err, &e)
	return notifiers.Error{Reason: e.Reason, Permanent: e.Permanent, RetryAfter: e.RetryAfter}
}

func TestOneLivingMessage(t *testing.T) {
	fake := slackfake.New(token)
	bot := botOf(t, serve(t, fake))

	first := send(t, bot, notifiertest.Firing())
	second := send(t, bot, notifiertest.Joined(first))
	third := send(t, bot, notifiertest.Resolved(second))

	assert.Equal(t, first, second)
	assert.Equal(t, first, third)
	messages := fake.Messages("#agent-alerts")
	require.Len(t, messages, 1)
	m := messages[0]
	assert.Equal(t, first["ts"], m.TS)
	assert.Equal(t, 2, m.Edits)
	assert.Contains(t, m.Text, "🟢 RESOLVED · HighErrorRate · aster")
	assert.Equal(t, green, m.Attachments[0].Color)
	require.Len(t, m.Replies, 2)
	assert.Equal(t, "🔴 One more fires: aster-2:8080", m.Replies[0].Text)
	assert.Equal(t, "🟢 Resolved after 27 min", m.Replies[1].Text)
}

func TestAnEditWithoutNewsIsSilent(t *testing.T) {
	fake := slackfake.New(token)
	bot := botOf(t, serve(t, fake))
	m := notifiertest.Joined(send(t, bot, notifiertest.Firing()))
	m.Content.News = ""

	send(t, bot, m)

	messages := fake.Messages("agent-alerts")
	require.Len(t, messages, 1)
	assert.Equal(t, 1, messages[0].Edits)
	assert.Empty(t, messages[0].Replies)
}

func TestAnAmendmentOnlyEdits(t *testing.T) {
	fake := slackfake.New(token)
	bot := botOf(t, serve(t, fake))
	amendment := func(previous notifiers.Receipt) notifiers.Message {
		m := notifiertest.Firing()
		m.Amends, m.Previous = true, previous
		return m
	}
	first := send(t, bot, notifiertest.Firing())

	assert.Equal(t, first, send(t, bot, amendment(first)))
	messages := fake.Messages("agent-alerts")
	require.Len(t, messages, 1)
	assert.Equal(t, 1, messages[0].Edits)
	assert.Empty(t, messages[0].Replies)

	fake.Delete("agent-alerts", first["ts"])
	assert.Equal(t, first, send(t, bot, amendment(first)), "what was deleted is not posted again for that")
	assert.Nil(t, send(t, bot, amendment(nil)))
	assert.Empty(t, fake.Messages("agent-alerts"))
}

func TestAMessageThatIsLostIsReplaced(t *testing.T) {
	for word := range lost {
		t.Run(word, func(t *testing.T) {
			fake := slackfake.New(token)
			bot := botOf(t, serve(t, fake))
			first := send(t, bot, notifiertest.Firing())
			fake.FailNext(1, slackfake.Failure{Error: word})

			second := send(t, bot, notifiertest.Joined(first))

			assert.NotEqual(t, first["ts"], second["ts"])
			messages := fake.Messages("agent-alerts")
			require.Len(t, messages, 2)
			assert.Equal(t, second["ts"], messages[1].TS)
			assert.Contains(t, messages[1].Text, "3 firing")
		})
	}
}

func TestAMessageThatSomebodyDeletedIsReplaced(t *testing.T) {
	fake := slackfake.New(token)
	bot := botOf(t, serve(t, fake))
	first := send(t, bot, notifiertest.Firing())
	fake.Delete("agent-alerts", first["ts"])

	second := send(t, bot, notifiertest.Resolved(first))

	assert.NotEqual(t, first["ts"], second["ts"])
	assert.Len(t, fake.Messages("agent-alerts"), 1)
}

func TestAGroupMovesWithItsReceiverToAnotherChannel(t *testing.T) {
	fake := slackfake.New(token)
	address := serve(t, fake)
	first := send(t, botOf(t, address), notifiertest.Firing())
	elsewhere, err := New(Config{AppToken: token, Channel: "#elsewhere", APIBaseURL: address + "/api/"}, templates.Standard())
	require.NoError(t, err)

	second := send(t, elsewhere, notifiertest.Joined(first))

	assert.NotEqual(t, first["channel"], second["channel"])
	assert.Len(t, fake.Messages("elsewhere"), 1)
	assert.Zero(t, fake.Messages("agent-alerts")[0].Edits)
	send(t, elsewhere, notifiertest.Resolved(second))
	assert.Len(t, fake.Messages("elsewhere"), 1, "and stays one message there")
}

func TestP4ATryAfterAFailedReplyShowsNothingTwice(t *testing.T) {
	fake := slackfake.New(token)
	refuseReplies, edits := true, 0
	bot := botOf(t, serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		if refuseReplies && strings.Contains(string(body), "thread_ts") {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		if strings.HasSuffix(r.URL.Path, "chat.update") {
			edits++
		}
		fake.ServeHTTP(w, r)
	})))
	first := send(t, bot, notifiertest.Firing())

	joined := notifiertest.Joined(first)
	joined.ID = "1-joined"
	receipt, err := bot.Notify(t.Context(), joined)
	assert.Equal(t, notifiers.Error{Reason: notifiers.Server}, reasonOf(t, err))
	assert.Equal(t, first["ts"], receipt["ts"], "the message is still the same one")
	assert.Equal(t, 1, edits)

	refuseReplies = false
	joined.Previous = receipt
	assert.Equal(t, first, send(t, bot, joined))
	assert.Equal(t, 1, edits, "it was edited already")
	resolved := notifiertest.Resolved(first)
	resolved.ID = "2-resolved"
	send(t, bot, resolved)
	assert.Equal(t, 2, edits)

	messages := fake.Messages("agent-alerts")
	require.Len(t, messages, 1)
	assert.Len(t, messages[0].Replies, 2)
}

// Between a try that edited and the next, which has only to reply, somebody may delete the message.
func TestAMessageThatIsLostBeforeItsReplyIsReplaced(t *testing.T) {
	fake := slackfake.New(token)
	bot := botOf(t, serve(t, fake))
	first := send(t, bot, notifiertest.Firing())
	resolved := notifiertest.Resolved(first)
	resolved.ID = "2-resolved"
	fake.FailNext(1, slackfake.Failure{Status: 503, Method: "chat.postMessage"})
	receipt, err := bot.Notify(t.Context(), resolved)
	require.Error(t, err)
	fake.Delete("agent-alerts", first["ts"])

	resolved.Previous = receipt
	second := send(t, bot, resolved)

	assert.NotEqual(t, first["ts"], second["ts"])
	assert.NotContains(t, second, "edited")
	assert.Len(t, fake.Messages("agent-alerts"), 1)
}

func TestALateMessageStandsInTheThreadOfTheLivingOne(t *testing.T) {
	fake := slackfake.New(token)
	bot := botOf(t, serve(t, fake))
	first := send(t, bot, notifiertest.Firing())
	before := fake.Messages("agent-alerts")[0]

	assert.Equal(t, first, send(t, bot, notifiertest.Late(first)))

	messages := fake.Messages("agent-alerts")
	require.Len(t, messages, 1, "it is not sent to the channel as well")
	assert.Zero(t, messages[0].Edits)
	assert.Equal(t, before.Text, messages[0].Text)
	require.Len(t, messages[0].Replies, 1)
	late := messages[0].Replies[0]
	assert.Contains(t, late.Text, "⏪ LATE · CRITICAL")
	assert.Equal(t, grey, late.Attachments[0].Color)

	send(t, bot, notifiertest.Resolved(first))
	assert.Equal(t, 1, fake.Messages("agent-alerts")[0].Edits, "the group's next message goes on from the living one")
}

func TestALateMessageWithoutAThreadIsAFreshOne(t *testing.T) {
	for name, story := range map[string]func(t *testing.T, fake *slackfake.Server, address string){
		"nothing came before": func(t *testing.T, _ *slackfake.Server, address string) {
			assert.Nil(t, send(t, botOf(t, address), notifiertest.Late(nil)))
		},
		"the thread is locked": func(t *testing.T, fake *slackfake.Server, address string) {
			first := send(t, botOf(t, address), notifiertest.Firing())
			fake.FailNext(1, slackfake.Failure{Error: "restricted_action_thread_locked"})
			assert.Equal(t, first, send(t, botOf(t, address), notifiertest.Late(first)))
		},
		"the channel is gone": func(t *testing.T, fake *slackfake.Server, address string) {
			first := send(t, botOf(t, address), notifiertest.Firing())
			fake.FailNext(1, slackfake.Failure{Error: "channel_not_found"})
			send(t, botOf(t, address), notifiertest.Late(first))
		},
		"the receiver moved": func(t *testing.T, _ *slackfake.Server, address string) {
			elsewhere, err := New(Config{AppToken: token, Channel: "#elsewhere", APIBaseURL: address + "/api/"}, templates.Standard())
			require.NoError(t, err)
			send(t, botOf(t, address), notifiertest.Late(send(t, elsewhere, notifiertest.Firing())))
		},
		"an incoming webhook": func(t *testing.T, _ *slackfake.Server, address string) {
			send(t, webhookOf(t, address), notifiertest.Late(notifiers.Receipt{}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			fake := slackfake.New(token)
			story(t, fake, serve(t, fake))

			messages := append(fake.Messages("agent-alerts"), fake.Messages(slackfake.WebhookChannel)...)
			require.NotEmpty(t, messages)
			last := messages[len(messages)-1]
			assert.Contains(t, last.Text, "⏪ LATE · CRITICAL")
			assert.Equal(t, grey, last.Attachments[0].Color)
			for _, m := range messages {
				assert.Zero(t, m.Edits)
				assert.Empty(t, m.Replies)
			}
		})
	}
}

func TestALateMessageThatFailsIsTriedAgain(t *testing.T) {
	fake := slackfake.New(token)
	bot := botOf(t, serve(t, fake))
	first := send(t, bot, notifiertest.Firing())
	fake.FailNext(1, slackfake.Failure{Error: "internal_error"})

	_, err := bot.Notify(t.Context(), notifiertest.Late(first))

	assert.Equal(t, notifiers.Error{Reason: notifiers.Server}, reasonOf(t, err))
	assert.EqualError(t, err, "posting a late message in the Slack thread: Slack says internal_error")
	assert.Empty(t, fake.Messages("agent-alerts")[0].Replies)
}

func TestWebhookPostsEachTime(t *testing.T) {
	fake := slackfake.New(token)
	webhook := webhookOf(t, serve(t, fake))

	first := send(t, webhook, notifiertest.Firing())
	second := send(t, webhook, notifiertest.Joined(first))

	assert.Empty(t, first)
	assert.NotNil(t, first)
	assert.Empty(t, second)
	messages := fake.Messages(slackfake.WebhookChannel)
	require.Len(t, messages, 2)
	assert.Contains(t, messages[1].Text, "One more fires: aster-2:8080 · Error rate")
}

// A file with the address of a method, and a token in http_config, is Alertmanager's way to post by a bot: its answers are JSON.
func TestP4AnAddressThatAnswersInJSONIsPostedToOnce(t *testing.T) {
	for answer, want := range map[string]string{
		`{"ok":true,"channel":"C1","ts":"1.2","warning":"missing_charset"}`: "",
		`{"ok":false,"error":"channel_not_found"}`:                          "posting to the Slack webhook: Slack says channel_not_found",
		// Those of services that take Slack's messages.
		`{"success":true}`:                         "",
		`{"result":"success","msg":""}`:            "",
		`{"success":true,"error":"invalid_token"}`: "posting to the Slack webhook: Slack says invalid_token",
		`{"success":false}`:                        "posting to the Slack webhook: the answer is not one of Slack's",
		`{"result":"error","msg":"no such bot"}`:   "posting to the Slack webhook: the answer is not one of Slack's",
	} {
		webhook := webhookOf(t, serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json; charset=utf-8")
			_, _ = io.WriteString(w, answer)
		})))
		_, err := webhook.Notify(t.Context(), notifiertest.Firing())
		if want == "" {
			require.NoError(t, err, answer)
			continue
		}
		require.EqualError(t, err, want, answer)
	}
}

func TestP4ASuccessInUnknownWordsIsNotPostedAgain(t *testing.T) {
	for answer, permanent := range map[string]bool{
		"": true, "thanks": true, `["ok"]`: true, `{"status":"queued"}`: true,
		"<!doctype html><title>Sign in</title>": false, "rollup_error": false, `{"ok":false,"error":"internal_error"}`: false,
	} {
		webhook := webhookOf(t, serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, answer) })))
		_, err := webhook.Notify(t.Context(), notifiertest.Firing())
		assert.Equal(t, permanent, reasonOf(t, err).Permanent, answer)
		if permanent {
			assert.EqualError(t, err, "posting to the Slack webhook: it answers 200 and not ok, so that it may have taken the message or not; "+
				"look, and replay it if it is missing", answer)
		}
	}
}

func TestAWebhookPostsLateVitalsOfWhatIsCriticalAlone(t *testing.T) {
	fake := slackfake.New(token)
	webhook := webhookOf(t, serve(t, fake))
	m := notifiertest.Firing()
	m.Amends, m.Previous = true, notifiers.Receipt{}

	send(t, webhook, m)
	m.Content.Severity = alert.Warning
	send(t, webhook, m)

	messages := fake.Messages(slackfake.WebhookChannel)
	require.Len(t, messages, 1)
	assert.Contains(t, messages[0].Text, "Now the agent has answered")
	shown, err := json.Marshal(messages[0])
	require.NoError(t, err)
	assert.Contains(t, string(shown), m.Content.Vitals[0].Value)
	assert.NotContains(t, string(shown), "▸", "the alerts stand in the first post")
}

func TestErrorWords(t *testing.T) {
	auth := notifiers.Error{Reason: notifiers.Auth, Permanent: true}
	rejected := notifiers.Error{Reason: notifiers.Rejected, Permanent: true}
	inDoubt := map[string]bool{"a_word_of_the_future": true, "": true, "xoxb-7777-echoed-back": true}
	for word, want := range map[string]notifiers.Error{
		"invalid_auth": auth, "not_authed": auth, "account_inactive": auth, "token_revoked": auth, "token_expired": auth,
		"missing_scope": auth, "no_service": auth, "invalid_token": auth, "action_prohibited": auth,
		"channel_not_found": rejected, "is_archived": rejected, "channel_is_archived": rejected, "not_in_channel": rejected,
		"invalid_blocks": rejected, "msg_too_long": rejected, "msg_blocks_too_long": rejected, "invalid_payload": rejected,
		"ratelimited": {Reason: notifiers.RateLimited}, "rate_limited": {Reason: notifiers.RateLimited},
		"internal_error": {Reason: notifiers.Server}, "fatal_error": {Reason: notifiers.Server}, "service_unavailable": {Reason: notifiers.Server},
		"request_timeout":       {Reason: notifiers.Timeout},
		"a_word_of_the_future":  {Reason: notifiers.Server},
		"<html>Sign in</html>":  {Reason: notifiers.Server},
		"":                      {Reason: notifiers.Server},
		"xoxb-7777-echoed-back": {Reason: notifiers.Server},
	} {
		for mode, build := range map[string]func(*testing.T, string) *Notifier{"bot": botOf, "webhook": webhookOf} {
			t.Run(mode+" "+word, func(t *testing.T) {
				fake := slackfake.New(token)
				n := build(t, serve(t, fake))
				fake.FailNext(1, slackfake.Failure{Error: word})

				_, err := n.Notify(t.Context(), notifiertest.Firing())

				want := want
				if mode == "webhook" && inDoubt[word] {
					want = rejected
				}
				assert.Equal(t, want, reasonOf(t, err))
				assert.NotContains(t, err.Error(), "7777")
				assert.NotContains(t, err.Error(), "<")
			})
		}
	}
}

func TestWebhookRefusalsSayTheWord(t *testing.T) {
	fake := slackfake.New(token)
	webhook := webhookOf(t, serve(t, fake))
	fake.FailNext(1, slackfake.Failure{Status: http.StatusNotFound, Error: "no_service"})

	_, err := webhook.Notify(t.Context(), notifiertest.Firing())

	assert.Equal(t, notifiers.Error{Reason: notifiers.Auth, Permanent: true}, reasonOf(t, err))
	assert.EqualError(t, err, "posting to the Slack webhook: Slack answers 404 not found (no_service)")
}

func TestErrorsSayWhatSlackNeeds(t *testing.T) {
	bot := botOf(t, serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Write([]byte(`{"ok":false,"error":"missing_scope","needed":"chat:write","provided":"x"}`))
	})))
	_, err := bot.Notify(t.Context(), notifiertest.Firing())
	require.EqualError(t, err, "posting to Slack: Slack says missing_scope (it needs chat:write)")

	bot = botOf(t, serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Write([]byte(`{"ok":false,"error":"invalid_blocks","response_metadata":{"messages":["[ERROR] too long [json-pointer:/blocks/0/text/text]"]}}`))
	})))
	_, err = bot.Notify(t.Context(), notifiertest.Firing())
	require.EqualError(t, err, "posting to Slack: Slack says invalid_blocks at /blocks/0/text/text")
}

func TestAnswersThatOnlyLookLikeSuccess(t *testing.T) {
	for name, body := range map[string]string{
		"an empty object": `{}`, "a refusal without a word": `{"ok":false}`, "a page": `<html>ok</html>`, "nothing": ``,
		"ok without a message": `{"ok":true}`, "another type": `{"ok":"yes"}`,
	} {
		t.Run(name, func(t *testing.T) {
			address := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(body)) }))
			previous := notifiers.Receipt{"channel": "C1", "ts": "1.2"}
			for _, m := range []notifiers.Message{notifiertest.Firing(), notifiertest.Joined(previous)} {
				_, err := botOf(t, address).Notify(t.Context(), m)
				assert.False(t, reasonOf(t, err).Permanent)
			}
		})
	}
}

func TestFilesAreReadAtEachSend(t *testing.T) {
	fake := slackfake.New(token)
	address := serve(t, fake)
	file := filepath.Join(t.TempDir(), "token")
	n, err := New(Config{AppTokenFile: file, Channel: "#a", APIBaseURL: address + "/api"}, templates.Standard())
	require.NoError(t, err)

	_, err = n.Notify(t.Context(), notifiertest.Firing())
	assert.Equal(t, notifiers.Error{Reason: notifiers.Auth}, reasonOf(t, err), "the file may come")

	require.NoError(t, os.WriteFile(file, []byte("xoxb-old"), 0o600))
	_, err = n.Notify(t.Context(), notifiertest.Firing())
	assert.Equal(t, notifiers.Error{Reason: notifiers.Auth, Permanent: true}, reasonOf(t, err))

	require.NoError(t, os.WriteFile(file, []byte(token), 0o600))
	send(t, n, notifiertest.Firing())

	hook, err := New(Config{APIURLFile: file}, templates.Standard())
	require.NoError(t, err)
	_, err = hook.Notify(t.Context(), notifiertest.Firing())
	assert.Equal(t, notifiers.Error{Reason: notifiers.Auth}, reasonOf(t, err))
	assert.NotContains(t, err.Error(), token)
}

func TestTimeoutEndsATry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, err := New(Config{AppToken: token, Channel: "#a", Timeout: model.Duration(3 * time.Second)}, templates.Standard())
		require.NoError(t, err)
		n.client.Transport = &transport{now: time.Now, next: roundTrip(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})}
		start := time.Now()

		_, err = n.Notify(t.Context(), notifiertest.Firing())

		assert.Equal(t, notifiers.Error{Reason: notifiers.Timeout}, reasonOf(t, err))
		assert.Equal(t, 3*time.Second, time.Since(start))
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestNotifyDoesNotChangeItsMessage(t *testing.T) {
	fake := slackfake.New(token)
	m := notifiertest.Hostile("<x>")
	before, err := json.Marshal(m)
	require.NoError(t, err)

	send(t, botOf(t, serve(t, fake)), m)

	after, err := json.Marshal(m)
	require.NoError(t, err)
	assert.JSONEq(t, string(before), string(after))
}

// recorder keeps the requests that reach next, without what differs from run to run.
type recorder struct {
	next http.Handler
	mu   sync.Mutex
	sent []map[string]any
}

func (rec *recorder) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	rec.mu.Lock()
	rec.sent = append(rec.sent, wire(r.URL.Path, body))
	rec.mu.Unlock()
	rec.next.ServeHTTP(w, r)
}

// wire is a request as JSON: the form's fields, with blocks and attachments decoded.
func wire(path string, body []byte) map[string]any {
	request := map[string]any{}
	if json.Unmarshal(body, &request) != nil {
		form, err := url.ParseQuery(string(body))
		if err != nil {
			panic(err)
		}
		for name := range form {
			var value any = form.Get(name)
			if name == "blocks" || name == "attachments" {
				if err := json.Unmarshal([]byte(form.Get(name)), &value); err != nil {
					panic(err)
				}
			}
			request[name] = value
		}
		delete(request, "token")
		for _, name := range []string{"ts", "thread_ts"} {
			if request[name] != nil {
				request[name] = "TS"
			}
		}
	}
	return map[string]any{"path": path, "body": request}
}

func TestGoldenRequests(t *testing.T) {
	hostile := `<!channel> <@U1> <http://x|y> *b* & "q"` + "\r\nBcc: x\u202e \xff 警報 🔴"
	for name, story := range map[string]func(t *testing.T, address string){
		"bot": func(t *testing.T, address string) {
			n := botOf(t, address)
			receipt := send(t, n, notifiertest.Firing())
			send(t, n, notifiertest.Joined(receipt))
			send(t, n, notifiertest.Resolved(receipt))
		},
		"webhook": func(t *testing.T, address string) {
			n := webhookOf(t, address)
			send(t, n, notifiertest.Firing())
			send(t, n, notifiertest.Resolved(nil))
		},
		"notes": func(t *testing.T, address string) {
			n := botOf(t, address)
			send(t, n, notifiertest.Late(send(t, n, notifiertest.Fallback())))
		},
		"hostile": func(t *testing.T, address string) { send(t, botOf(t, address), notifiertest.Hostile(hostile)) },
	} {
		t.Run(name, func(t *testing.T) {
			rec := &recorder{next: slackfake.New(token)}
			story(t, serve(t, rec))

			var got bytes.Buffer
			encoder := json.NewEncoder(&got)
			encoder.SetEscapeHTML(false)
			encoder.SetIndent("", "  ")
			require.NoError(t, encoder.Encode(rec.sent))

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

func TestConformance(t *testing.T) {
	inspect := func(t *testing.T, _ string, bodies [][]byte) {
		require.Len(t, bodies, 1)
		assertHarmless(t, wire("", bodies[0])["body"])
	}
	t.Run("bot", func(t *testing.T) {
		notifiertest.Run(t, notifiertest.Harness{
			New:       func(t *testing.T, address string) notifiers.Notifier { return botOf(t, address) },
			Secret:    token,
			Taken:     slackfake.New(token).ServeHTTP,
			Successes: []int{http.StatusOK},
			Shown:     shown,
			Inspect:   inspect,
		})
	})
	t.Run("webhook", func(t *testing.T) {
		notifiertest.Run(t, notifiertest.Harness{
			New:       func(t *testing.T, address string) notifiers.Notifier { return webhookOf(t, address) },
			Secret:    webhookPath,
			Taken:     slackfake.New(token).ServeHTTP,
			Successes: []int{http.StatusOK},
			Shown:     shown,
			Inspect:   inspect,
		})
	})
}

// shown are the texts of a request's blocks, as a person reads them.
func shown(t *testing.T, body []byte) string {
	t.Helper()
	var blocks strings.Builder
	encoder := json.NewEncoder(&blocks)
	encoder.SetEscapeHTML(false)
	request := wire("", body)["body"].(map[string]any)
	require.NoError(t, encoder.Encode([]any{request["blocks"], request["attachments"]}))
	return strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&").Replace(blocks.String())
}

// assertHarmless looks at every text that Slack interprets: "<" opens all that pings or links, and only ours is verbatim.
func assertHarmless(t *testing.T, value any) {
	t.Helper()
	switch value := value.(type) {
	case map[string]any:
		for _, interpreted := range []string{"text", "fallback", "pretext"} {
			if text, ok := value[interpreted].(string); ok && value["type"] != slackapi.PlainTextType {
				assert.NotContains(t, text, "<")
				assert.NotContains(t, text, ">")
			}
		}
		if value["type"] == slackapi.MarkdownType {
			assert.Equal(t, true, value["verbatim"])
		}
		if value["type"] == slackapi.PlainTextType {
			assert.Equal(t, false, value["emoji"])
		}
		if address, ok := value["url"].(string); ok {
			assert.Regexp(t, "^https?://", address)
		}
		for _, inner := range value {
			assertHarmless(t, inner)
		}
	case []any:
		for _, inner := range value {
			assertHarmless(t, inner)
		}
	case string:
		assert.NotContains(t, value, "\r")
		assert.NotContains(t, value, "\u202e")
		assert.NotContains(t, value, "\x1b")
	}
}

func TestCancelledContextSendsNothing(t *testing.T) {
	fake := slackfake.New(token)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()

	_, err := botOf(t, serve(t, fake)).Notify(ctx, notifiertest.Firing())

	require.ErrorIs(t, err, context.Canceled)
	assert.Empty(t, fake.Messages("agent-alerts"))
}

// Slack limits each method on its own: what begins to fire is told while edits have to wait, and who was asked to wait does not ask.
func TestALimitOfEditsDelaysNoPost(t *testing.T) {
	n, fake := configured(t, "{}")
	first := send(t, n, notifiertest.Firing())
	fake.FailNext(1, slackfake.Failure{Status: http.StatusTooManyRequests, RetryAfter: "30", Method: "chat.update"})
	for range 2 { // the second is not asked: the failure was for one request
		_, err := n.Notify(t.Context(), notifiertest.Joined(first))
		limited, ok := errors.AsType[*notifiers.Error](err)
		require.True(t, ok)
		assert.Equal(t, notifiers.RateLimited, limited.Reason)
		assert.True(t, limited.Partly)
		assert.InDelta(t, 30*time.Second, limited.RetryAfter, float64(time.Second))
	}
	send(t, n, notifiertest.Firing())
	assert.Len(t, fake.Messages("agent-alerts"), 2)
}

// Slack has said so with 200, too, and how long to wait is in the header then.
func TestALimitThatComesWith200IsKept(t *testing.T) {
	asked := 0
	n := botOf(t, serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked++
		w.Header().Set("Retry-After", "30")
		_, _ = io.WriteString(w, `{"ok":false,"error":"ratelimited"}`)
	})))
	for range 2 {
		_, err := n.Notify(t.Context(), notifiertest.Firing())
		require.Equal(t, notifiers.RateLimited, reasonOf(t, err).Reason)
	}
	assert.Equal(t, 1, asked)
}

// A stand-in that limits as Slack does takes all that the sink sends at its pace.
func TestAWorkspaceThatKeepsItsLimits(t *testing.T) {
	n, fake := configured(t, "{}")
	fake.KeepPace()
	for range 10 {
		send(t, n, notifiertest.Firing())
	}
	_, err := n.Notify(t.Context(), notifiertest.Firing())
	limited, ok := errors.AsType[*notifiers.Error](err)
	require.True(t, ok)
	assert.Equal(t, notifiers.RateLimited, limited.Reason)
	assert.Equal(t, time.Second, limited.RetryAfter.Round(time.Second))
	assert.False(t, limited.Partly)
	assert.Len(t, fake.Messages("agent-alerts"), 10)
}

func TestAMessageThatIsTooOldToEditIsReplaced(t *testing.T) {
	n, fake := configured(t, "{}")
	first := send(t, n, notifiertest.Firing())
	fake.CloseEdits(time.Nanosecond)
	second := send(t, n, notifiertest.Joined(first))
	assert.NotEqual(t, first["ts"], second["ts"])
	assert.Len(t, fake.Messages("agent-alerts"), 2)
}
