package email

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"strconv"

	"github.com/alertvitals/notifier/notifiers"
)

func fromReply(reply *textproto.Error, who, step string) *notifiers.Error {
	code, says := strconv.Itoa(reply.Code), ""
	enhanced := notifiers.EnhancedCode(reply.Msg)
	if enhanced != "" {
		code += " " + enhanced
	}
	if words := notifiers.ReplyWords(reply.Code, enhanced); words != "" {
		says = " (" + words + ")"
	}
	answered := fmt.Errorf("%s answers %s to %s%s", who, code, step, says)
	if e := notifiers.FromReply(reply.Code, enhanced, answered); e != nil {
		if reply.Code == 454 && step == startTLS {
			e.Reason = notifiers.Server // "TLS not available due to temporary reason": RFC 3207, section 4
		}
		return e
	}
	return &notifiers.Error{Reason: notifiers.Server, Err: answered} // a success where none can be
}

// failed is what an error of the conversation means. Nothing that a server said in its own words is passed on: it may repeat
// what it was told.
func (s *session) failed(step string, err error) error {
	var (
		reply   *textproto.Error
		noSMTP  textproto.ProtocolError
		wire    net.Error
		records tls.RecordHeaderError
		alert   tls.AlertError
		host    x509.HostnameError
		unknown x509.UnknownAuthorityError
		invalid x509.CertificateInvalidError
	)
	doing := step + " at " + s.server
	e := &notifiers.Error{Reason: notifiers.Unreachable}
	switch {
	case s.ctx.Err() != nil:
		e = notifiers.FromNetwork(s.ctx.Err())
		e.Err = fmt.Errorf("%s: %w", doing, e.Err)
	case errors.As(err, &reply):
		return fromReply(reply, s.server, step)
	case errors.As(err, &noSMTP), errors.Is(err, errTooMuch):
		e.Reason, e.Err = notifiers.Server, fmt.Errorf("%s: the answer is no SMTP", doing)
	case errors.As(err, &host):
		e.Err = fmt.Errorf("%s: the certificate is for another name", doing)
	case errors.As(err, &unknown):
		e.Err = fmt.Errorf("%s: the certificate is of an authority that is not trusted (see tls_config)", doing)
	case errors.As(err, &invalid):
		e.Err = fmt.Errorf("%s: the certificate has expired or is not valid for a server", doing)
	case errors.As(err, &records), errors.As(err, &alert):
		e.Err = fmt.Errorf("%s: it does not speak TLS as we do", doing)
	case errors.As(err, &wire), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		e = notifiers.FromNetwork(err)
		e.Err = fmt.Errorf("%s: %w", doing, e.Err)
	default:
		e.Err = fmt.Errorf("%s: the conversation broke", doing)
	}
	return e
}
