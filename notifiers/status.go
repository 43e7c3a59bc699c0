package notifiers

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/oauth2"
)

// longestRetryAfter bounds what a far side may ask for: a clock that is wrong by a year must not stop a receiver for a
// year.
const longestRetryAfter = time.Hour

// FromStatus is what an HTTP status means for a message, the same for every sink that speaks HTTP; nil for 2xx. err says
// what was answered, without any secret in it; now is the time that a date in Retry-After is compared with.
//
// A 1xx never arrives as an answer and a status of 600 or more does not exist: both count as a broken far side. Redirects
// are refused: a POST that follows one would become a GET or lead our secrets elsewhere.
//
// Source: https://www.rfc-editor.org/rfc/rfc9110#section-15 and, for 429, https://www.rfc-editor.org/rfc/rfc6585#section-4.
func FromStatus(code int, header http.Header, now time.Time, err error) *Error {
	e := &Error{Err: err}
	switch {
	case code >= 200 && code <= 299:
		return nil
	case code == http.StatusUnauthorized, code == http.StatusForbidden, code == http.StatusProxyAuthRequired:
		e.Reason, e.Permanent = Auth, true
	case code == http.StatusRequestTimeout:
		e.Reason = Timeout
	case code == http.StatusTooEarly:
		e.Reason = Server
	case code == http.StatusTooManyRequests:
		e.Reason, e.RetryAfter = RateLimited, RetryAfter(header, now)
	case code >= 300 && code <= 499:
		e.Reason, e.Permanent = Rejected, true
	default:
		e.Reason, e.RetryAfter = Server, RetryAfter(header, now)
	}
	return e
}

// RetryAfter is how long the header of that name asks to wait, as seconds or as a date, within 0 and an hour; 0 when it is
// absent or cannot be read.
//
// Source: https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3.
func RetryAfter(header http.Header, now time.Time) time.Duration {
	value := strings.TrimSpace(header.Get("Retry-After"))
	if seconds, err := strconv.ParseUint(value, 10, 64); err == nil || errors.Is(err, strconv.ErrRange) {
		return time.Duration(min(seconds, uint64(longestRetryAfter/time.Second))) * time.Second
	}
	if date, err := http.ParseTime(value); err == nil {
		return min(max(date.Sub(now), 0), longestRetryAfter)
	}
	return 0
}

// FromNetwork is what it means that a request got no answer. The error's text never holds the address that was asked,
// because a webhook's address is a secret, nor what the far side said; its host may show.
func FromNetwork(err error) *Error {
	var inner *url.Error
	for errors.As(err, &inner) {
		err = inner.Err
	}
	var (
		timeout net.Error
		refused *oauth2.RetrieveError
		file    *fs.PathError
	)
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled), errors.Is(err, os.ErrDeadlineExceeded),
		errors.As(err, &timeout) && timeout.Timeout():
		return &Error{Reason: Timeout, Err: inWords(err)}
	case errors.As(err, &refused):
		return &Error{Reason: Auth, Err: errors.New("the OAuth2 server gives no token")}
	case errors.As(err, &file):
		return &Error{Reason: Auth, Err: err} // a file of http_config; it may come
	case !isOurs(err):
		return &Error{Reason: Unreachable, Err: errors.New("the connection broke, or what answers does not speak HTTP")}
	default:
		return &Error{Reason: Unreachable, Err: inWords(err)}
	}
}

// worded is an error in words for people, and what errors.Is knows it by.
type worded struct {
	words string
	err   error
}

func (w *worded) Error() string { return w.words }

func (w *worded) Unwrap() error { return w.err }

// inWords says what net/http and the context say in words of programs. Which address took no connection, and why, the net package says
// well.
func inWords(err error) error {
	var (
		connection *net.OpError
		name       *net.DNSError
		timeout    net.Error
	)
	switch {
	case errors.As(err, &name), errors.As(err, &connection) && connection.Op == "dial":
		return err
	case errors.Is(err, context.Canceled):
		return &worded{"it was ended before an answer came", err}
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return &worded{"no whole answer came in time", err}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return &worded{"the connection broke before a whole answer came", err}
	default:
		return err
	}
}

// StatusInWords is an HTTP status as an error says it: "404 not found".
func StatusInWords(code int) string {
	text := strings.TrimSpace(fmt.Sprintf("%d %s", code, strings.ToLower(http.StatusText(code))))
	if code >= 300 && code <= 399 && code != http.StatusNotModified {
		text += ", and redirects are not followed: give the address itself"
	}
	return text
}

// isOurs is whether an error was worded on this side of the connection. net/http quotes what it cannot read, and that may be an
// echo of our own request.
func isOurs(err error) bool {
	var (
		network     net.Error
		number      syscall.Errno
		certificate *tls.CertificateVerificationError
		noTLS       tls.RecordHeaderError
	)
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &network) || errors.As(err, &number) ||
		errors.As(err, &certificate) || errors.As(err, &noTLS) || errors.Is(err, http.ErrSchemeMismatch)
}
