package email

import (
	"fmt"
	"net"
	"strings"

	"github.com/wneessen/go-mail/smtp"

	"github.com/alertvitals/notifier/notifiers"
)

// authenticate takes the best way that the server offers and there is a secret for. Over TLS that is PLAIN, which every server
// gets right; else CRAM-MD5, which shows no password.
func (n *Notifier) authenticate(s *session, host string) error {
	if n.config.AuthUsername == "" {
		return nil
	}
	password, err := n.config.password()
	if err != nil {
		return &notifiers.Error{Reason: notifiers.Auth, Err: err}
	}
	secret, err := n.config.cramSecret()
	if err != nil {
		return &notifiers.Error{Reason: notifiers.Auth, Err: err}
	}
	_, secured := s.client.TLSConnectionState()
	open := secured || n.config.AuthWithoutTLS || loopback(s.conn.RemoteAddr())
	_, offer := s.client.Extension("AUTH")
	offered := map[string]bool{}
	for mechanism := range strings.FieldsSeq(strings.ToUpper(offer)) {
		offered[mechanism] = true
	}
	user := n.config.AuthUsername
	plain, login := smtp.PlainAuth(n.config.AuthIdentity, user, password, host, true), smtp.LoginAuth(user, password, host, true)
	cram := smtp.CRAMMD5Auth(user, secret)
	var way smtp.Auth
	switch {
	case offered["CRAM-MD5"] && secret != "" && (!secured || password == ""):
		way = cram
	case offered["PLAIN"] && password != "" && open:
		way = plain
	case offered["LOGIN"] && password != "" && open:
		way = login
	case offered["CRAM-MD5"] && secret != "":
		way = cram
	case (offered["PLAIN"] || offered["LOGIN"]) && password != "":
		return &notifiers.Error{Reason: notifiers.Auth, Permanent: true, Err: fmt.Errorf(
			"%s wants the password over a connection without TLS; nothing was sent (see require_tls and auth_without_tls)", s.server)}
	default:
		// Not for good: a server whose password store is down offers nothing.
		return &notifiers.Error{Reason: notifiers.Auth, Err: fmt.Errorf(
			"%s offers no way to authenticate that there is a secret for (PLAIN, LOGIN, CRAM-MD5)", s.server)}
	}
	if err := s.client.Auth(way); err != nil {
		return s.failed("AUTH", err)
	}
	return nil
}

func loopback(address net.Addr) bool {
	tcp, ok := address.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}
