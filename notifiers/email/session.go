package email

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	netmail "net/mail"
	"net/textproto"
	"strconv"
	"strings"
	"time"

	commoncfg "github.com/prometheus/common/config"
	"github.com/wneessen/go-mail/smtp"

	"github.com/alertvitals/notifier/notifiers"
)

// answersSize bounds what is read of a server in one session; a greeting and a reply to each command are a few kilobytes.
const answersSize = 1 << 20

// farewell bounds the QUIT after a mail was taken or given up.
const farewell = time.Second

const startTLS = "STARTTLS"

// session is one conversation with a server, ready to take mails.
type session struct {
	ctx    context.Context //nolint:containedctx // a session lives as long as one try
	conn   net.Conn
	client *smtp.Client
	server string
	stop   func() bool
}

// connect greets the server and, as configured, goes over to TLS and authenticates.
func (n *Notifier) connect(ctx context.Context) (*session, error) {
	host, _, err := net.SplitHostPort(n.config.Smarthost)
	if err != nil {
		return nil, fmt.Errorf("email: smarthost: %w", err)
	}
	s := &session{ctx: ctx, server: n.config.Smarthost}
	raw, err := (&net.Dialer{}).DialContext(ctx, "tcp", n.config.Smarthost)
	if err != nil {
		return nil, s.failed("connecting", err)
	}
	s.conn = &bounded{Conn: raw, left: answersSize}
	// The end of ctx ends whatever the session waits for.
	s.stop = context.AfterFunc(ctx, func() { _ = raw.SetDeadline(time.Unix(1, 0)) })
	if err := n.begin(s, host); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (n *Notifier) begin(s *session, host string) (err error) {
	if n.config.implicitTLS() {
		cfg, wrong := n.tlsConfig(host)
		if wrong != nil {
			return wrong
		}
		secured := tls.Client(s.conn, cfg)
		if err = secured.HandshakeContext(s.ctx); err != nil {
			return s.failed("the TLS handshake", err)
		}
		s.conn = secured
	}
	if s.client, err = smtp.NewClient(s.conn, host); err != nil {
		return s.failed("the greeting", err)
	}
	if err := s.client.Hello(n.hello); err != nil {
		return s.failed("EHLO", err)
	}
	if n.config.requiresTLS() && !n.config.implicitTLS() {
		if offered, _ := s.client.Extension(startTLS); !offered {
			// Not for good: somebody on the way may have taken the offer out, and must not be able to kill a message.
			return &notifiers.Error{Reason: notifiers.Server, Err: fmt.Errorf(
				"%s offers no STARTTLS, and require_tls is true; nothing was sent", s.server)}
		}
		cfg, err := n.tlsConfig(host)
		if err != nil {
			return err
		}
		if err := s.client.StartTLS(cfg); err != nil {
			return s.failed(startTLS, err)
		}
	}
	return n.authenticate(s, host)
}

func (n *Notifier) tlsConfig(host string) (*tls.Config, error) {
	given := commoncfg.TLSConfig{}
	if n.config.TLSConfig != nil {
		given = *n.config.TLSConfig
	}
	cfg, err := commoncfg.NewTLSConfig(&given)
	if err != nil {
		return nil, fmt.Errorf("email: tls_config: %w", err)
	}
	if cfg.ServerName == "" {
		cfg.ServerName = host
	}
	return cfg, nil
}

// close says goodbye, which may fail: what counts was said before.
func (s *session) close() {
	s.stop()
	if s.client != nil && s.ctx.Err() == nil {
		_ = s.conn.SetDeadline(time.Now().Add(farewell))
		_ = s.client.Quit()
	}
	_ = s.conn.Close()
}

// outcome is what became of each recipient.
type outcome struct {
	taken         []string
	later, forbid []refusal
}

type refusal struct {
	address string
	err     *notifiers.Error
}

// worst is the error when nobody was taken: one that passes, if there is one.
func (o outcome) worst() error {
	for _, refusals := range [][]refusal{o.later, o.forbid} {
		if len(refusals) > 0 {
			return refusals[0].err
		}
	}
	return errors.New("email: there is nobody to tell")
}

// refused are the recipients that were refused for good, for those who get the mail.
func (o outcome) refused() []string {
	var all []string
	for i, r := range o.forbid {
		if i == mostRefused {
			return append(all, fmt.Sprintf("%d more", len(o.forbid)-i))
		}
		all = append(all, clip(r.err.Error(), lineSize))
	}
	return all
}

// send sends the mail to as many of the recipients as the server takes. Its error is about all of them.
func (s *session) send(mail letter, to []string) (outcome, error) {
	var o outcome
	utf8, _ := s.client.Extension("SMTPUTF8")
	if !utf8 && !ascii(mail.fields.from.Address) {
		return o, s.noUTF8(mail.fields.from.Address)
	}
	mail.ascii = !utf8
	_, limit := s.client.Extension("SIZE")
	most, _ := strconv.ParseInt(limit, 10, 64) // 0, as no number, is no limit: RFC 1870, section 4
	whole, err := mail.bytes(nil, most)
	if err != nil {
		return o, err
	}
	if most > 0 && int64(len(whole)) > most {
		return o, &notifiers.Error{Reason: notifiers.Rejected, Permanent: true, Err: fmt.Errorf(
			"%s takes mails of %d bytes at most, and this one has %d without its charts", s.server, most, len(whole))}
	}
	if err = s.from(mail.fields.from, len(whole), utf8 && mail.needsUTF8()); err != nil {
		return o, err
	}
	if err = s.recipients(&o, to, utf8); err != nil || len(o.taken) == 0 {
		return o, err
	}
	if len(o.forbid) > 0 {
		if whole, err = mail.bytes(o.refused(), most); err != nil {
			return o, err
		}
	}
	body, err := s.client.Data()
	if err != nil {
		return o, s.failed("DATA", err)
	}
	if _, err := io.Copy(body, bytes.NewReader(whole)); err != nil {
		return o, s.failed("the mail", err)
	}
	if err := body.Close(); err != nil {
		return o, s.failed("the mail", err)
	}
	return o, nil
}

func (s *session) from(address *netmail.Address, size int, utf8 bool) error {
	// SIZE is an estimate, for a server that knows already that it has no room: RFC 1870, section 6.
	parameters := ""
	if offered, _ := s.client.Extension("SIZE"); offered {
		parameters = fmt.Sprintf(" SIZE=%d", size)
	}
	if utf8 {
		parameters += " SMTPUTF8"
	}
	s.client.SkipSMTPUTF8(true) // the library would ask for it whenever it is offered
	if err := s.client.Mail(path(address.Address) + parameters); err != nil {
		return s.failed("MAIL FROM", err)
	}
	return nil
}

func (s *session) recipients(o *outcome, to []string, utf8 bool) error {
	for _, address := range to {
		if !utf8 && !ascii(address) {
			o.forbid = append(o.forbid, refusal{address, s.noUTF8(address)})
			continue
		}
		err := s.client.Rcpt(path(address))
		if err == nil {
			o.taken = append(o.taken, address)
			continue
		}
		var reply *textproto.Error
		if !errors.As(err, &reply) || reply.Code == 421 {
			return s.failed("RCPT TO", err) // the conversation is over, and so is the try
		}
		if reply.Code == 552 && notifiers.EnhancedCode(reply.Msg) == "" {
			reply.Code = 452 // older servers say so when there are too many recipients: RFC 5321, section 4.5.3.1.10
		}
		e := fromReply(reply, address+": "+s.server, "RCPT TO")
		if e.Permanent {
			o.forbid = append(o.forbid, refusal{address, e})
		} else {
			o.later = append(o.later, refusal{address, e})
		}
	}
	return nil
}

// path is an address as SMTP takes it, its local part quoted where it has to be.
func path(address string) string { return (&netmail.Address{Address: address}).String() }

func (s *session) noUTF8(address string) *notifiers.Error {
	return &notifiers.Error{
		Reason: notifiers.Rejected, Permanent: true,
		Err: fmt.Errorf("%s: %s takes no addresses that are not ASCII (SMTPUTF8)", address, s.server),
	}
}

func ascii(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r >= 0x80 })
}

var errTooMuch = errors.New("the server says too much")

// bounded is a connection of which only so much can be read.
type bounded struct {
	net.Conn

	left int
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errTooMuch
	}
	n, err := b.Conn.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}
