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
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"
)

var now = time.Date(2026, 3, 1, 9, 14, 0, 0, time.UTC)

func TestFromStatusKnowsEveryStatus(t *testing.T) {
	type meaning struct {
		reason    Reason
		permanent bool
		wait      time.Duration
	}
	special := map[int]meaning{
		401: {Auth, true, 0}, 403: {Auth, true, 0}, 407: {Auth, true, 0},
		408: {Timeout, false, 0}, 425: {Server, false, 0},
		429: {RateLimited, false, 7 * time.Second},
	}
	classes := map[int]meaning{
		1: {Server, false, 7 * time.Second},
		3: {Rejected, true, 0},
		4: {Rejected, true, 0},
		5: {Server, false, 7 * time.Second},
	}
	answered := errors.New("answered")
	header := http.Header{"Retry-After": {"7"}}

	for code := 100; code <= 599; code++ {
		want, ok := special[code]
		if !ok {
			want = classes[code/100]
		}

		got := FromStatus(code, header, now, answered)

		if code/100 == 2 {
			assert.Nil(t, got, code)
			continue
		}
		assert.Equal(t, &Error{Reason: want.reason, Permanent: want.permanent, RetryAfter: want.wait, Err: answered}, got, code)
	}
}

func TestRetryAfter(t *testing.T) {
	for value, want := range map[string]time.Duration{
		"":                               0,
		"0":                              0,
		"30":                             30 * time.Second,
		" 30 ":                           30 * time.Second,
		"3600":                           time.Hour,
		"3601":                           time.Hour,
		"99999999999999999999999":        time.Hour,
		"-5":                             0,
		"1.5":                            0,
		"soon":                           0,
		"Sun, 01 Mar 2026 09:14:20 GMT":  20 * time.Second,
		"Sun, 01 Mar 2026 09:13:00 GMT":  0,
		"Mon, 01 Mar 2027 09:14:00 GMT":  time.Hour,
		"Sunday, 01-Mar-26 09:14:20 GMT": 20 * time.Second, // RFC 850, which a recipient must read too
	} {
		assert.Equal(t, want, RetryAfter(http.Header{"Retry-After": {value}}, now), value)
	}
	assert.Zero(t, RetryAfter(nil, now))
}

func TestP10WhatTheFarSideSaidIsInNoError(t *testing.T) {
	for name, tc := range map[string]struct {
		cause error
		want  Reason
		says  string
	}{
		"an echo":      {fmt.Errorf("net/http: transport connection broken: malformed HTTP response %q", "secret"), Unreachable, "the connection broke, or what answers does not speak HTTP"},
		"OAuth2":       {&oauth2.RetrieveError{Response: &http.Response{Status: "400"}, Body: []byte("secret")}, Auth, "the OAuth2 server gives no token"},
		"a lost file":  {&fs.PathError{Op: "open", Path: "/run/password", Err: fs.ErrNotExist}, Auth, "open /run/password: file does not exist"},
		"plain HTTP":   {http.ErrSchemeMismatch, Unreachable, "http: server gave HTTP response to HTTPS client"},
		"cut off":      {io.ErrUnexpectedEOF, Unreachable, "the connection broke before a whole answer came"},
		"too slow":     {context.DeadlineExceeded, Timeout, "no whole answer came in time"},
		"a slow drip":  {&net.OpError{Op: "read", Net: "tcp", Err: os.ErrDeadlineExceeded}, Timeout, "no whole answer came in time"},
		"given up":     {context.Canceled, Timeout, "it was ended before an answer came"},
		"no route":     {&net.OpError{Op: "dial", Net: "tcp", Err: os.ErrDeadlineExceeded}, Timeout, "dial tcp: i/o timeout"},
		"not verified": {&tls.CertificateVerificationError{Err: errors.New("expired")}, Unreachable, "tls: failed to verify certificate: expired"},
	} {
		t.Run(name, func(t *testing.T) {
			e := FromNetwork(&url.Error{Op: "Post", URL: "https://secret", Err: tc.cause})

			assert.Equal(t, tc.want, e.Reason)
			assert.False(t, e.Permanent)
			assert.EqualError(t, e, tc.says)
		})
	}
}

func TestStatusInWords(t *testing.T) {
	assert.Equal(t, "404 not found", StatusInWords(404))
	assert.Equal(t, "599", StatusInWords(599))
	assert.Equal(t, "307 temporary redirect, and redirects are not followed: give the address itself", StatusInWords(307))
}

func FuzzRetryAfter(f *testing.F) {
	f.Add("30")
	f.Add("Sun, 01 Mar 2026 09:14:20 GMT")
	f.Fuzz(func(t *testing.T, value string) {
		wait := RetryAfter(http.Header{"Retry-After": {value}}, now)
		if wait < 0 || wait > time.Hour {
			t.Fatalf("Retry-After %q gives %s", value, wait)
		}
	})
}

func TestFromNetworkHidesTheAddress(t *testing.T) {
	const secret = "https://hooks.slack.com/services/T0/B0/secret"
	refused := &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}

	for name, tc := range map[string]struct {
		cause error
		want  Reason
	}{
		"deadline":       {context.DeadlineExceeded, Timeout},
		"cancelled":      {context.Canceled, Timeout},
		"read deadline":  {&net.OpError{Op: "read", Err: os.ErrDeadlineExceeded}, Timeout},
		"refused":        {refused, Unreachable},
		"no such host":   {&net.DNSError{Err: "no such host", Name: "hooks.slack.com", IsNotFound: true}, Unreachable},
		"twice wrapped":  {&url.Error{Op: "Get", URL: secret, Err: refused}, Unreachable},
		"DNS timed out":  {&net.DNSError{Err: "timeout", IsTimeout: true}, Timeout},
		"dropped inside": {errors.New("EOF"), Unreachable},
	} {
		t.Run(name, func(t *testing.T) {
			e := FromNetwork(fmt.Errorf("posting: %w", &url.Error{Op: "Post", URL: secret, Err: tc.cause}))

			assert.Equal(t, tc.want, e.Reason)
			assert.False(t, e.Permanent)
			assert.NotContains(t, e.Error(), "secret")
			var outer *url.Error
			require.NotErrorAs(t, e, &outer)
		})
	}
}
