package email

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	commoncfg "github.com/prometheus/common/config"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/alertvitals/notifier/notifiers"
	"github.com/alertvitals/notifier/notifiers/email/smtpfake"
	"github.com/alertvitals/notifier/notifiers/notifiertest"
	"github.com/alertvitals/notifier/templates"
)

const (
	login    = "notifier"
	password = "planted-secret"
)

var no = false

func serve(t *testing.T, o smtpfake.Options) *smtpfake.Server {
	t.Helper()
	server, err := smtpfake.New(o)
	require.NoError(t, err)
	t.Cleanup(server.Close)
	return server
}

// configOf is for a server that offers nothing but to take mails.
func configOf(server *smtpfake.Server, to ...string) Config {
	return Config{
		To: strings.Join(append(to, "ops@example.com"), ", "), From: "Notifier <notifier@example.com>", Smarthost: server.Address(),
		Hello: "notifier.example.com", RequireTLS: &no,
	}
}

func trusting(c Config, server *smtpfake.Server) Config {
	c.RequireTLS = nil
	c.TLSConfig = &commoncfg.TLSConfig{CA: string(server.CA())}
	return c
}

func sinkOf(t *testing.T, c Config) *Notifier {
	t.Helper()
	set, err := templates.Load(nil)
	require.NoError(t, err)
	n, err := New(c, set)
	require.NoError(t, err)
	return n
}

func send(t *testing.T, n *Notifier, m notifiers.Message) notifiers.Receipt {
	t.Helper()
	receipt, err := n.Notify(t.Context(), m)
	require.NoError(t, err)
	return receipt
}

func errorOf(t *testing.T, n *Notifier, m notifiers.Message) *notifiers.Error {
	t.Helper()
	_, err := n.Notify(t.Context(), m)
	var e *notifiers.Error
	require.ErrorAs(t, err, &e)
	assert.NotContains(t, fmt.Sprintf("%v %+v %#v", err, err, err), password)
	return e
}

func meaning(e *notifiers.Error) notifiers.Error {
	return notifiers.Error{Reason: e.Reason, Permanent: e.Permanent}
}

func TestTheMailsOfAnIncidentAreAThread(t *testing.T) {
	server := serve(t, smtpfake.Options{})
	n := sinkOf(t, configOf(server))

	first := send(t, n, notifiertest.Firing())
	second := send(t, n, notifiertest.Joined(first))
	send(t, n, notifiertest.Resolved(second))
	late := notifiertest.Late(second)
	assert.Equal(t, second, send(t, n, late), "a message of the past moves nothing on")

	mails := server.Mails()
	require.Len(t, mails, 4)
	ids := map[string]bool{}
	for i, status := range []string{"🔴 CRITICAL · HighErrorRate · aster · 2 firing", "🔴 CRITICAL · HighErrorRate · aster · 3 firing", "🟢 RESOLVED · ", "⏪ LATE · "} {
		m := read(t, mails[i].Data)
		assert.Equal(t, "[CRITICAL] HighErrorRate · aster", m.subject)
		assert.Equal(t, first["root"], m.header.Get("References"))
		assert.Equal(t, first["root"], m.header.Get("In-Reply-To"))
		ids[m.header.Get("Message-Id")] = true
		assert.True(t, strings.HasPrefix(m.text, status), "the first line says the status: %s", m.text)
		assert.True(t, strings.HasPrefix(m.visible(), status), m.visible())
		assert.Equal(t, "auto-generated", m.header.Get("Auto-Submitted"))
	}
	assert.Len(t, ids, 4, "each mail has an ID of its own")
	assert.NotContains(t, ids, first["root"])
	assert.Equal(t, "1", read(t, mails[0].Data).header.Get("X-Priority"))
	assert.Empty(t, read(t, mails[2].Data).header.Get("X-Priority"))
	assert.Empty(t, read(t, mails[3].Data).header.Get("X-Priority"))
}

func TestAThreadNeedsNoMemory(t *testing.T) {
	server := serve(t, smtpfake.Options{})
	n := sinkOf(t, configOf(server))

	send(t, n, notifiertest.Firing())
	send(t, n, notifiertest.Joined(nil))

	mails := server.Mails()
	assert.Equal(t, read(t, mails[0].Data).header.Get("References"), read(t, mails[1].Data).header.Get("References"))
}

func TestTheSameTryAgainIsTheSameMail(t *testing.T) {
	server := serve(t, smtpfake.Options{})
	n := sinkOf(t, configOf(server))
	server.Fail(1, smtpfake.End, smtpfake.Failure{Drop: true, Taken: true})

	e := errorOf(t, n, notifiertest.Firing())
	send(t, n, notifiertest.Firing())

	assert.Equal(t, notifiers.Unreachable, e.Reason)
	mails := server.Mails()
	require.Len(t, mails, 2, "nobody can know that the first was taken")
	assert.Equal(t, read(t, mails[0].Data).header.Get("Message-Id"), read(t, mails[1].Data).header.Get("Message-Id"))
}

func TestAnAmendmentSendsNothing(t *testing.T) {
	server := serve(t, smtpfake.Options{})
	m := notifiertest.Firing()
	m.Amends, m.Previous = true, notifiers.Receipt{"root": "<x@y>"}

	receipt := send(t, sinkOf(t, configOf(server)), m)

	assert.Equal(t, m.Previous, receipt)
	assert.Zero(t, server.Sessions())
}

func TestTransports(t *testing.T) {
	for name, o := range map[string]smtpfake.Options{
		"STARTTLS":                 {STARTTLS: true, User: login, Password: password},
		"TLS from the start":       {ImplicitTLS: true, User: login, Password: password},
		"STARTTLS and AUTH LOGIN":  {STARTTLS: true, User: login, Password: password, Mechanisms: []string{"LOGIN"}},
		"STARTTLS and CRAM-MD5":    {STARTTLS: true, User: login, Password: password, Mechanisms: []string{"CRAM-MD5"}},
		"no TLS, CRAM-MD5 first":   {User: login, Password: password, AuthWithoutTLS: true},
		"no TLS, PLAIN on loop":    {User: login, Password: password, AuthWithoutTLS: true, Mechanisms: []string{"PLAIN"}},
		"no TLS, no credentials":   {},
		"a limit that is kept":     {Size: 200_000},
		"a server that knows UTF8": {SMTPUTF8: true},
	} {
		t.Run(name, func(t *testing.T) {
			server := serve(t, o)
			c := configOf(server)
			if o.STARTTLS || o.ImplicitTLS {
				c = trusting(c, server)
				c.ForceImplicitTLS = &o.ImplicitTLS
			}
			if o.User != "" {
				c.AuthUsername, c.AuthPassword = login, password
			}

			send(t, sinkOf(t, c), notifiertest.Firing())

			mails := server.Mails()
			require.Len(t, mails, 1)
			assert.Equal(t, o.STARTTLS || o.ImplicitTLS, mails[0].TLS)
			assert.Equal(t, o.User, mails[0].User)
			want := ""
			switch {
			case o.User == "":
			case o.Mechanisms != nil:
				want = o.Mechanisms[0]
			case o.STARTTLS || o.ImplicitTLS:
				want = "PLAIN"
			default:
				want = "CRAM-MD5"
			}
			assert.Equal(t, want, mails[0].Mechanism)
			assert.Equal(t, "notifier@example.com", mails[0].From)
			assert.Equal(t, []string{"ops@example.com"}, mails[0].To)
			assert.False(t, mails[0].UTF8)
			assert.GreaterOrEqual(t, mails[0].Size, int64(len(mails[0].Data)))
		})
	}
}

func TestWhatIsNotSafeIsNotSent(t *testing.T) {
	for name, tc := range map[string]struct {
		offers smtpfake.Options
		change func(c *Config)
		want   notifiers.Error
		says   string
	}{
		"no STARTTLS": {
			smtpfake.Options{},
			func(c *Config) { c.RequireTLS = nil },
			notifiers.Error{Reason: notifiers.Server},
			"offers no STARTTLS",
		},
		"an authority that is not ours": {
			smtpfake.Options{STARTTLS: true},
			func(c *Config) { c.RequireTLS, c.TLSConfig = nil, nil },
			notifiers.Error{Reason: notifiers.Unreachable},
			"authority that is not trusted",
		},
		"a certificate for another name": {
			smtpfake.Options{STARTTLS: true},
			func(c *Config) { c.RequireTLS, c.TLSConfig.ServerName = nil, "mail.example.com" },
			notifiers.Error{Reason: notifiers.Unreachable},
			"certificate is for another name",
		},
		"TLS where there is none": {
			smtpfake.Options{},
			func(c *Config) { yes := true; c.ForceImplicitTLS = &yes },
			notifiers.Error{Reason: notifiers.Unreachable},
			"does not speak TLS",
		},
		"no AUTH": {
			smtpfake.Options{},
			func(c *Config) { c.AuthUsername, c.AuthPassword = login, password },
			notifiers.Error{Reason: notifiers.Auth},
			"offers no way to authenticate",
		},
		"a password that is wrong": {
			smtpfake.Options{User: login, Password: "another", AuthWithoutTLS: true},
			func(c *Config) { c.AuthUsername, c.AuthPassword = login, password },
			notifiers.Error{Reason: notifiers.Auth, Permanent: true},
			"535 5.7.8 to AUTH (the credentials are wrong)",
		},
		"no password where one is needed": {
			smtpfake.Options{User: login, Password: password},
			func(*Config) {},
			notifiers.Error{Reason: notifiers.Auth, Permanent: true},
			"530 5.7.0 to MAIL FROM",
		},
	} {
		t.Run(name, func(t *testing.T) {
			server := serve(t, tc.offers)
			c := configOf(server)
			c.TLSConfig = &commoncfg.TLSConfig{CA: string(server.CA())}
			tc.change(&c)

			e := errorOf(t, sinkOf(t, c), notifiertest.Firing())

			assert.Equal(t, tc.want, meaning(e))
			assert.Contains(t, e.Error(), tc.says)
			assert.Empty(t, server.Mails())
		})
	}
}

// The stand-in listens on loopback, so only the address of the connection says that this one does not.
func TestAPasswordIsNotSentInTheOpen(t *testing.T) {
	server := serve(t, smtpfake.Options{User: login, Password: password, AuthWithoutTLS: true, Mechanisms: []string{"PLAIN", "LOGIN"}})
	c := configOf(server)
	c.AuthUsername, c.AuthPassword = login, password
	for _, allowed := range []bool{false, true} {
		c.AuthWithoutTLS = allowed
		n := sinkOf(t, c)
		s, err := sinkOf(t, configOf(server)).connect(t.Context())
		require.NoError(t, err)
		s.conn = elsewhere{s.conn}

		err = n.authenticate(s, "127.0.0.1")

		if allowed {
			require.NoError(t, err)
		} else {
			var e *notifiers.Error
			require.ErrorAs(t, err, &e)
			assert.Equal(t, notifiers.Auth, e.Reason)
			assert.True(t, e.Permanent)
			assert.Contains(t, e.Error(), "without TLS; nothing was sent")
		}
		s.close()
	}
}

type elsewhere struct{ net.Conn }

func (elsewhere) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 25} }

func TestEveryStepMayFail(t *testing.T) {
	steps := []smtpfake.Step{
		smtpfake.Greeting, smtpfake.EHLO, smtpfake.Auth, smtpfake.MailFrom, smtpfake.Rcpt, smtpfake.Data, smtpfake.Body, smtpfake.End,
	}
	build := func(t *testing.T) (*Notifier, *smtpfake.Server) {
		server := serve(t, smtpfake.Options{User: login, Password: password, AuthWithoutTLS: true})
		c := configOf(server)
		c.AuthUsername, c.AuthPassword = login, password
		return sinkOf(t, c), server
	}
	for _, step := range steps {
		if step != smtpfake.Body {
			t.Run(string(step)+" answers", func(t *testing.T) {
				for reply, want := range map[smtpfake.Reply]notifiers.Error{
					{Code: 421, Text: "4.3.2 " + password}: {Reason: notifiers.Server},
					{Code: 451, Text: password}:            {Reason: notifiers.Server},
					{Code: 454, Text: "4.7.0 x"}:           {Reason: notifiers.Auth},
					{Code: 452, Text: "4.5.3 x"}:           {Reason: notifiers.RateLimited},
					{Code: 550, Text: "5.1.1 " + password}: {Reason: notifiers.Rejected, Permanent: true},
					{Code: 535, Text: "5.7.8 x"}:           {Reason: notifiers.Auth, Permanent: true},
					{Code: 554, Text: "no"}:                {Reason: notifiers.Rejected, Permanent: true},
				} {
					n, server := build(t)
					times := 1
					if step == smtpfake.EHLO {
						server.Fail(1, "HELO", smtpfake.Failure{Reply: reply}) // which is tried after it
					}
					server.Fail(times, step, smtpfake.Failure{Reply: reply})

					e := errorOf(t, n, notifiertest.Firing())

					assert.Equal(t, want, meaning(e), "%s %v", step, reply)
					assert.Contains(t, e.Error(), fmt.Sprint(reply.Code))
					assert.Empty(t, server.Mails())
					send(t, n, notifiertest.Firing())
				}
			})
		}
		t.Run(string(step)+" drops", func(t *testing.T) {
			n, server := build(t)
			server.Fail(1, step, smtpfake.Failure{Drop: true})

			e := errorOf(t, n, notifiertest.Firing())

			assert.Equal(t, notifiers.Error{Reason: notifiers.Unreachable}, meaning(e), e.Error())
			assert.Empty(t, server.Mails())
		})
		t.Run(string(step)+" hangs", func(t *testing.T) {
			n, server := build(t)
			hung := server.Fail(1, step, smtpfake.Failure{Hang: true})
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			go func() {
				<-hung
				cancel()
			}()

			_, err := n.Notify(ctx, notifiertest.Firing())

			var e *notifiers.Error
			require.ErrorAs(t, err, &e)
			require.ErrorIs(t, err, context.Canceled)
			assert.Equal(t, notifiers.Error{Reason: notifiers.Timeout}, meaning(e))
		})
	}
	for name, f := range map[string]smtpfake.Failure{
		"drops": {Drop: true}, "hangs": {Hang: true}, "answers": {Reply: smtpfake.Reply{Code: 454, Text: "4.7.0 " + password}},
	} {
		t.Run("STARTTLS "+name, func(t *testing.T) {
			server := serve(t, smtpfake.Options{STARTTLS: true})
			hung := server.Fail(1, smtpfake.STARTTLS, f)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if f.Hang {
				go func() {
					<-hung
					cancel()
				}()
			}

			_, err := sinkOf(t, trusting(configOf(server), server)).Notify(ctx, notifiertest.Firing())

			var e *notifiers.Error
			require.ErrorAs(t, err, &e)
			want := map[string]notifiers.Reason{"drops": notifiers.Unreachable, "hangs": notifiers.Timeout, "answers": notifiers.Server}
			assert.Equal(t, notifiers.Error{Reason: want[name]}, meaning(e))
			assert.NotContains(t, err.Error(), password)
			assert.Empty(t, server.Mails())
		})
	}
	t.Run("the TLS handshake hangs", func(t *testing.T) {
		listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
		require.NoError(t, err)
		defer listener.Close()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		done := make(chan struct{})
		go func() {
			defer close(done)
			conn, refused := listener.Accept()
			if refused == nil {
				_, _ = io.ReadAtLeast(conn, make([]byte, 1), 1)
				cancel()
				_, _ = io.Copy(io.Discard, conn)
				conn.Close()
			}
		}()
		yes := true
		n := sinkOf(t, Config{To: "a@b", From: "c@d", Smarthost: listener.Addr().String(), ForceImplicitTLS: &yes})

		_, err = n.Notify(ctx, notifiertest.Firing())

		require.ErrorIs(t, err, context.Canceled)
		<-done
	})
	for name, f := range map[string]smtpfake.Failure{
		"drops": {Drop: true}, "answers": {Reply: smtpfake.Reply{Code: 421, Text: "no"}},
	} {
		t.Run("QUIT "+name, func(t *testing.T) {
			n, server := build(t)
			server.Fail(1, smtpfake.Quit, f)

			send(t, n, notifiertest.Firing())

			assert.Len(t, server.Mails(), 1)
		})
	}
}

func TestAServerThatIsNoneIsNoTrouble(t *testing.T) {
	for name, says := range map[string]string{
		"HTTP":      "HTTP/1.1 400 Bad Request " + password + "\r\n\r\n",
		"nothing":   "",
		"for ever":  "220-" + strings.Repeat(password, 200_000) + "\r\n",
		"many rows": strings.Repeat("220-x\r\n", 400_000),
		"garbage":   "\x00\xff\r\n" + password,
	} {
		t.Run(name, func(t *testing.T) {
			listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
			require.NoError(t, err)
			done := make(chan struct{})
			go func() {
				defer close(done)
				conn, err := listener.Accept()
				if err != nil {
					return
				}
				_, _ = conn.Write([]byte(says))
				conn.Close()
			}()
			c := Config{To: "a@b", From: "c@d", Smarthost: listener.Addr().String(), RequireTLS: &no}

			e := errorOf(t, sinkOf(t, c), notifiertest.Firing())

			assert.False(t, e.Permanent)
			listener.Close()
			<-done
		})
	}
	t.Run("refused", func(t *testing.T) {
		server := serve(t, smtpfake.Options{})
		server.Close()
		e := errorOf(t, sinkOf(t, configOf(server)), notifiertest.Firing())
		assert.Equal(t, notifiers.Unreachable, e.Reason)
	})
}

func TestOneBadRecipientDoesNotStopTheOthers(t *testing.T) {
	server := serve(t, smtpfake.Options{})
	n := sinkOf(t, configOf(server, "gone@example.com", "ada@example.com"))
	server.Refuse("gone@example.com", smtpfake.Reply{Code: 550, Text: "5.1.1 " + password})

	send(t, n, notifiertest.Firing())

	mails := server.Mails()
	require.Len(t, mails, 1)
	assert.Equal(t, []string{"ada@example.com", "ops@example.com"}, mails[0].To)
	m := read(t, mails[0].Data)
	notice := fmt.Sprintf("Not delivered to gone@example.com: %s answers 550 5.1.1 to RCPT TO (there is no such mailbox)", server.Address())
	assert.Contains(t, m.text, notice)
	assert.Contains(t, m.visible(), notice)
	assert.NotContains(t, string(mails[0].Data), password)
	assert.Contains(t, m.header.Get("To"), "gone@example.com", "who it was for stands there")
}

func TestP4WhoHasTheMailDoesNotGetItAgain(t *testing.T) {
	server := serve(t, smtpfake.Options{})
	n := sinkOf(t, configOf(server, "gone@example.com", "full@example.com"))
	server.Refuse("gone@example.com", smtpfake.Reply{Code: 550, Text: "5.1.1 x"})
	server.Refuse("full@example.com", smtpfake.Reply{Code: 452, Text: "4.2.2 x"})
	m := notifiertest.Firing()

	half, err := n.Notify(t.Context(), m)
	var e *notifiers.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, notifiers.Server, e.Reason)
	assert.False(t, e.Permanent)
	assert.Contains(t, e.Error(), "1 of 3 recipients have the mail: full@example.com: ")
	m.Previous = half
	again, err := n.Notify(t.Context(), m)
	require.Error(t, err)
	assert.Equal(t, half, again)
	require.Len(t, server.Mails(), 1)

	server.Refuse("full@example.com", smtpfake.Reply{})
	receipt := send(t, n, m)

	mails := server.Mails()
	require.Len(t, mails, 2)
	assert.Equal(t, []string{"ops@example.com"}, mails[0].To)
	assert.Equal(t, []string{"full@example.com"}, mails[1].To)
	assert.Equal(t, read(t, mails[0].Data).header.Get("Message-Id"), read(t, mails[1].Data).header.Get("Message-Id"))
	assert.NotContains(t, receipt, toldKey)

	// The next message is for all.
	joined := notifiertest.Joined(half)
	send(t, n, joined)
	assert.Equal(t, []string{"full@example.com", "ops@example.com"}, server.Mails()[2].To)
}

func TestAMailThatNobodyGetsIsAnError(t *testing.T) {
	server := serve(t, smtpfake.Options{})
	n := sinkOf(t, configOf(server, "gone@example.com"))
	server.Refuse("gone@example.com", smtpfake.Reply{Code: 550, Text: "5.1.1 x"})

	server.Refuse("ops@example.com", smtpfake.Reply{Code: 550, Text: "5.1.1 x"})
	e := errorOf(t, n, notifiertest.Firing())
	assert.True(t, e.Permanent)

	server.Refuse("ops@example.com", smtpfake.Reply{Code: 450, Text: "4.2.0 greylisted"})
	e = errorOf(t, n, notifiertest.Firing())
	assert.False(t, e.Permanent)

	server.Refuse("ops@example.com", smtpfake.Reply{Code: 552, Text: "too many recipients, as older servers say"})
	e = errorOf(t, n, notifiertest.Firing())
	assert.False(t, e.Permanent)
	assert.Empty(t, server.Mails())
}

func TestAddressesThatAreNotASCII(t *testing.T) {
	for knows, to := range map[bool][]string{true: {"zoë@exämple.com", "ops@example.com"}, false: {"ops@example.com"}} {
		server := serve(t, smtpfake.Options{SMTPUTF8: knows})

		send(t, sinkOf(t, configOf(server, "zoë@exämple.com")), notifiertest.Firing())

		mails := server.Mails()
		require.Len(t, mails, 1)
		assert.Equal(t, to, mails[0].To)
		assert.Equal(t, knows, mails[0].UTF8)
		assert.Equal(t, knows, !strings.Contains(read(t, mails[0].Data).text, "takes no addresses that are not ASCII"))
	}
}

func TestASmallServerGetsTheMailWithoutItsCharts(t *testing.T) {
	m := withCharts(notifiertest.Firing())
	server := serve(t, smtpfake.Options{Size: 30_000})
	send(t, sinkOf(t, configOf(server)), m)
	got := read(t, server.Mails()[0].Data)
	assert.Empty(t, got.images)
	assert.NotContains(t, got.html, "<img")

	server = serve(t, smtpfake.Options{Size: 1000})
	e := errorOf(t, sinkOf(t, configOf(server)), m)
	assert.Equal(t, notifiers.Rejected, e.Reason)
	assert.True(t, e.Permanent)
	assert.Contains(t, e.Error(), "takes mails of 1000 bytes at most")
}

func TestFilesAreReadAtEachSend(t *testing.T) {
	file := filepath.Join(t.TempDir(), "password")
	server := serve(t, smtpfake.Options{User: login, Password: password, STARTTLS: true})
	c := trusting(configOf(server), server)
	c.AuthUsername, c.AuthPasswordFile = login, file
	n := sinkOf(t, c)

	assert.Equal(t, notifiers.Auth, errorOf(t, n, notifiertest.Firing()).Reason)
	require.NoError(t, os.WriteFile(file, []byte(" \n"), 0o600))
	assert.Contains(t, errorOf(t, n, notifiertest.Firing()).Error(), "is empty")
	require.NoError(t, os.WriteFile(file, []byte(password+"\n"), 0o600))
	send(t, n, notifiertest.Firing())
	require.NoError(t, os.WriteFile(file, []byte("changed"), 0o600))
	assert.True(t, errorOf(t, n, notifiertest.Firing()).Permanent)
}

func TestConcurrentSends(t *testing.T) {
	server := serve(t, smtpfake.Options{User: login, Password: password, STARTTLS: true})
	c := trusting(configOf(server, "ada@example.com"), server)
	c.AuthUsername, c.AuthPassword = login, password
	n := sinkOf(t, c)
	m := withCharts(notifiertest.Firing())
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() {
			_, err := n.Notify(t.Context(), m)
			assert.NoError(t, err)
		})
	}
	all.Wait()
	assert.Len(t, server.Mails(), 100)
}

func TestCancelledContextSendsNothing(t *testing.T) {
	server := serve(t, smtpfake.Options{})
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("stop"))

	_, err := sinkOf(t, configOf(server)).Notify(ctx, notifiertest.Firing())

	var e *notifiers.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, notifiers.Timeout, e.Reason)
	assert.Empty(t, server.Mails())
}

func TestConformance(t *testing.T) {
	build := func(t *testing.T) (notifiers.Notifier, func() [][]byte) {
		server := serve(t, smtpfake.Options{})
		return sinkOf(t, configOf(server)), func() [][]byte {
			var all [][]byte
			for _, m := range server.Mails() {
				all = append(all, m.Data)
			}
			return all
		}
	}
	t.Run("hostile texts", func(t *testing.T) { notifiertest.RunContent(t, build, harmless) })
	t.Run("amendments", func(t *testing.T) { notifiertest.RunAmendments(t, build) })
	t.Run("ten megabytes", func(t *testing.T) {
		notifiertest.RunHuge(t, build, func(t *testing.T, data []byte) string { return read(t, data).text })
	})
	t.Run("notes", func(t *testing.T) {
		notifiertest.RunNotes(t, build, func(t *testing.T, data []byte) string { return read(t, data).text })
		notifiertest.RunNotes(t, build, func(t *testing.T, data []byte) string { return read(t, data).visible() })
	})
}

// harmless looks for what a text could do to a mail: headers, recipients, parts, markup, links, sizes.
func harmless(t *testing.T, _ string, mails [][]byte) {
	require.Len(t, mails, 1)
	assert.Less(t, len(mails[0]), 400_000)
	m := read(t, mails[0])
	for name := range m.header {
		assert.Contains(t, []string{
			"Auto-Submitted", "Content-Type", "Date", "From", "Importance", "In-Reply-To", "Message-Id", "Mime-Version", "References",
			"Subject", "To", "X-Alert-Severity", "X-Alert-Status", "X-Auto-Response-Suppress", "X-Mailer", "X-Priority",
		}, name)
	}
	assert.Equal(t, "<ops@example.com>", m.header.Get("To"))
	assert.Equal(t, 1, bytes.Count(mails[0], []byte("text/html")))
	assert.LessOrEqual(t, len(m.html), bodySize)
	assert.NotContains(t, m.html, "ZgotmplZ")
	assert.NotContains(t, m.html, "javascript:")
	for _, found := range link.FindAllStringSubmatch(m.html, -1) {
		assert.True(t, strings.HasPrefix(found[1], "https://example.com/"), found[1])
	}
	assert.Equal(t, 1, strings.Count(m.html, "<style"))
	assert.NotContains(t, m.html, "href='http")
	assert.NotContains(t, m.html, "<!channel")
	for _, text := range []string{m.subject, m.text, m.html} {
		assert.NotContains(t, text, "\u202e")
		assert.NotContains(t, text, "\x1b")
		assert.NotContains(t, text, "\x00")
	}
	assert.NotContains(t, m.subject, "\n")
	for line := range strings.SplitSeq(m.text, "\n") {
		assert.NotEqual(t, "Bcc: everyone@example.com", line)
	}
}
