package smtpfake

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"slices"
	"sync"

	gosmtp "github.com/emersion/go-smtp"
)

// Options are what the server offers. Its zero value takes every mail without TLS or credentials.
type Options struct {
	// STARTTLS is whether it is offered, ImplicitTLS whether a connection begins with TLS.
	STARTTLS, ImplicitTLS bool
	// User and Password are the credentials that a mail needs; without a user it needs none.
	User, Password string
	// Mechanisms are those of PLAIN, LOGIN and CRAM-MD5 that are offered, all when nil. AuthWithoutTLS offers them before TLS, too.
	Mechanisms     []string
	AuthWithoutTLS bool
	// Size is the greatest size of a mail, in bytes; 0 is no limit.
	Size int64
	// SMTPUTF8 is whether addresses may be other than ASCII.
	SMTPUTF8 bool
}

// Mail is a mail that was taken.
type Mail struct {
	// From and To are of its envelope.
	From string
	To   []string
	// Data is the mail, its lines ended by CR LF.
	Data []byte
	// TLS is whether it came encrypted, User who sent it, Mechanism how he proved that.
	TLS             bool
	User, Mechanism string
	// UTF8 is whether it was announced as one with addresses that are not ASCII, Size the announced size, 0 when there was none.
	UTF8 bool
	Size int64
}

// Server is a mail server on loopback. It is safe for concurrent use.
type Server struct {
	options  Options
	listener net.Listener
	smtp     *gosmtp.Server
	done     chan struct{}
	ca       []byte

	mu       sync.Mutex
	mails    []Mail
	refused  map[string]Reply
	failures []failure
	changed  chan struct{}
	released chan struct{}
	sessions int
}

// New starts a server on a port of 127.0.0.1 that is free. Close ends it.
func New(o Options) (*Server, error) {
	s := &Server{
		options: o, done: make(chan struct{}), refused: map[string]Reply{}, changed: make(chan struct{}), released: make(chan struct{}),
	}
	ca, key, err := Certificate()
	if err != nil {
		return nil, err
	}
	certificate, err := tls.X509KeyPair(ca, key)
	if err != nil {
		return nil, fmt.Errorf("smtpfake: using the certificate: %w", err)
	}
	s.ca = ca
	cfg := &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	if s.listener, err = (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0"); err != nil {
		return nil, fmt.Errorf("smtpfake: listening: %w", err)
	}
	s.smtp = gosmtp.NewServer(gosmtp.BackendFunc(func(c *gosmtp.Conn) (gosmtp.Session, error) { return &session{server: s, conn: c}, nil }))
	s.smtp.Domain = "smtpfake.test"
	s.smtp.ErrorLog = log.New(io.Discard, "", 0) // broken connections are the point
	s.smtp.AllowInsecureAuth = o.AuthWithoutTLS
	s.smtp.EnableSMTPUTF8 = o.SMTPUTF8
	s.smtp.MaxMessageBytes = o.Size
	s.smtp.MaxRecipients = mostRecipients
	s.smtp.MaxLineLength = longestLine
	listener := net.Listener(tapListener{s.listener, s})
	if o.STARTTLS {
		s.smtp.TLSConfig = cfg
	}
	if o.ImplicitTLS {
		listener = tls.NewListener(s.listener, cfg)
	}
	go func() {
		defer close(s.done)
		_ = s.smtp.Serve(listener) // it ends when Close is called
	}()
	return s, nil
}

// Close ends the server and every connection to it.
func (s *Server) Close() {
	s.Release()
	_ = s.listener.Close()
	_ = s.smtp.Close()
	<-s.done
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	_ = s.smtp.Shutdown(ended)
}

// Address is host:port.
func (s *Server) Address() string { return s.listener.Addr().String() }

// CA is the certificate, in PEM, that the server's own is to be trusted by.
func (s *Server) CA() []byte { return slices.Clone(s.ca) }

// Mails are those that were taken, the oldest first.
func (s *Server) Mails() []Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.mails)
}

// Sessions is how many connections there were.
func (s *Server) Sessions() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sessions
}

// Wait waits until the mails are what is wanted, or ctx ends.
func (s *Server) Wait(ctx context.Context, wanted func([]Mail) bool) error {
	for {
		s.mu.Lock()
		mails, changed := slices.Clone(s.mails), s.changed
		s.mu.Unlock()
		if wanted(mails) {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("waiting for a mail: %w", context.Cause(ctx))
		}
	}
}

// Refuse makes the server refuse a recipient; a Reply of zero takes him again.
func (s *Server) Refuse(address string, r Reply) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r == (Reply{}) {
		delete(s.refused, address)
		return
	}
	s.refused[address] = r
}

func (s *Server) refuses(address string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r, ok := s.refused[address]; ok {
		return r.error()
	}
	return nil
}

func (s *Server) take(m Mail) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mails = append(s.mails, m)
	close(s.changed)
	s.changed = make(chan struct{})
}

// session is one connection's transactions.
type session struct {
	server          *Server
	conn            *gosmtp.Conn
	user, mechanism string
	mail            Mail
	announced       bool // with BODY=8BITMIME
}

var (
	_ gosmtp.AuthSession = (*session)(nil)

	errNeedsAuth = &gosmtp.SMTPError{Code: 530, EnhancedCode: gosmtp.EnhancedCode{5, 7, 0}, Message: "Authentication required"}
)

func (s *session) Reset() { s.mail = Mail{} }

func (s *session) Logout() error { return nil }

func (s *session) Mail(from string, opts *gosmtp.MailOptions) error {
	if s.server.options.User != "" && s.user == "" {
		return errNeedsAuth
	}
	if err := checkAddress(from); err != nil {
		return err
	}
	_, secured := s.conn.TLSConnectionState()
	s.mail = Mail{From: from, TLS: secured, User: s.user, Mechanism: s.mechanism, UTF8: opts.UTF8, Size: opts.Size}
	s.announced = opts.Body == gosmtp.Body8BitMIME
	return checkUTF8(from, opts.UTF8)
}

func (s *session) Rcpt(to string, _ *gosmtp.RcptOptions) error {
	if err := errors.Join(checkAddress(to), checkUTF8(to, s.mail.UTF8)); err != nil {
		return checkAddressOr(err)
	}
	if err := s.server.refuses(to); err != nil {
		return err
	}
	s.mail.To = append(s.mail.To, to)
	return nil
}

func (s *session) Data(r io.Reader) error {
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if err := checkMail(data, s.announced, s.mail.UTF8); err != nil {
		return err
	}
	if f, ok := s.server.due(End); ok && f.Reply != (Reply{}) && !f.Taken {
		return f.Reply.error()
	}
	m := s.mail
	m.Data = data
	s.server.take(m)
	return nil
}
