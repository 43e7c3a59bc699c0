package diagnostics

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"time"

	commoncfg "github.com/prometheus/common/config"

	"github.com/alertvitals/notifier/diagnostics/address"
)

// errTooLarge is the answer that did not end within its limit.
var errTooLarge = errors.New("answer too large")

// errEncoding is the answer in a compression that was not asked for.
var errEncoding = errors.New("unknown content encoding")

// answer is what an endpoint said.
type answer struct {
	status      int
	contentType string
	body        []byte
}

// newClient is a client for one agent. It follows redirects within the agent's own host and port only, so that neither
// credentials nor curiosity lead elsewhere; any other redirect is the answer.
func newClient(a AgentConfig, options ...commoncfg.HTTPClientOption) (*http.Client, error) {
	cfg := a.HTTPConfig.Common()
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("http_config of agent %q: %w", a.Name, err)
	}
	client, err := commoncfg.NewClientFromConfig(cfg, "agent", options...)
	if err != nil {
		return nil, fmt.Errorf("making the HTTP client of agent %q: %w", a.Name, err)
	}
	a.HTTPConfig.OneAtATime(client)
	client.CheckRedirect = sameHost(cfg.FollowRedirects)
	return client, nil
}

// sameHost follows redirects, a few, within the host and port that was asked first, where any are to be followed.
func sameHost(follow bool) func(*http.Request, []*http.Request) error {
	return func(next *http.Request, via []*http.Request) error {
		first := via[0].URL
		if !follow || len(via) > 3 || next.URL.Host != first.Host || next.URL.Scheme != first.Scheme {
			return http.ErrUseLastResponse
		}
		return nil
	}
}

// unfinished is an answer whose body broke off.
type unfinished struct{ error }

func (u unfinished) Unwrap() error { return u.error }

// late says whether the body broke off because the time was up, and not by the agent's doing.
func (u unfinished) late() bool {
	var timeout net.Error
	return errors.Is(u.error, context.DeadlineExceeded) || errors.Is(u.error, context.Canceled) || errors.As(u.error, &timeout) && timeout.Timeout()
}

// fetch asks for an address. The body may have at most limit bytes after decompression; of a longer one the beginning is there,
// and the error is errTooLarge. Of one that breaks off there is what came, and the error is an unfinished.
func fetch(ctx context.Context, client *http.Client, address, accept string, limit int64) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return answer{}, fmt.Errorf("making the request: %w", err)
	}
	req.Header.Set("Accept", accept)
	// Prometheus's transport does not decompress by itself.
	req.Header.Set("Accept-Encoding", "gzip")
	req.Header.Set("User-Agent", "alertvitals-notifier")
	resp, err := client.Do(req)
	if err != nil {
		return answer{}, fmt.Errorf("asking: %w", err)
	}
	defer resp.Body.Close()
	got := answer{status: resp.StatusCode, contentType: resp.Header.Get("Content-Type")}
	var body io.Reader = resp.Body
	switch encoding := strings.ToLower(strings.TrimSpace(resp.Header.Get("Content-Encoding"))); encoding {
	case "", "identity":
	case "gzip", "x-gzip":
		unzip := unzippers.Get().(*gzip.Reader) //nolint:forcetypeassert // there is nothing else in it
		defer unzippers.Put(unzip)
		if err = unzip.Reset(resp.Body); err != nil {
			return got, fmt.Errorf("decompressing: %w", err)
		}
		body = unzip
	default:
		return got, errEncoding
	}
	var room bytes.Buffer
	// What the agent says of its length is believed up to a size that costs nothing.
	room.Grow(int(min(max(resp.ContentLength, 512), 1<<20)) + bytes.MinRead)
	_, err = room.ReadFrom(io.LimitReader(body, limit+1))
	got.body = room.Bytes()
	switch {
	case int64(len(got.body)) > limit:
		got.body = got.body[:limit]
		return got, errTooLarge
	case err != nil:
		return got, fmt.Errorf("reading the answer: %w", unfinished{err})
	}
	return got, nil
}

// unzippers are gzip readers to use again: each has a window of 32 KiB.
var unzippers = sync.Pool{New: func() any { return new(gzip.Reader) }}

// explain is why an endpoint could not be asked, in words for people: never an error chain, an address with its
// credentials, or a file's path. Host is the host:port that was asked, waited how long the answer could take.
func explain(err error, host string, waited time.Duration) string {
	var (
		dns       *net.DNSError
		file      *fs.PathError
		name      x509.HostnameError
		authority x509.UnknownAuthorityError
		invalid   x509.CertificateInvalidError
		record    tls.RecordHeaderError
		alert     tls.AlertError
		timeout   net.Error
		refused   address.Refused
		broken    unfinished
	)
	switch {
	case errors.As(err, &refused):
		return refused.Error()
	case errors.Is(err, errEncoding):
		return "the answer is compressed in a way that was not asked for"
	case errors.As(err, &broken) && broken.late():
		return "the answer had not ended within " + Format(waited.Seconds(), Seconds)
	case errors.Is(err, errTooLarge):
		return "the answer is too large"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return noAnswer(waited)
	case errors.As(err, &dns) && dns.IsNotFound:
		return "the host of " + host + " has no address (DNS)"
	case errors.As(err, &dns):
		return "the address of " + host + " could not be looked up (DNS)"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused at " + host
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "no way to " + host
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "connection closed by " + host
	case errors.As(err, &name):
		return "the TLS certificate is not for " + host
	case errors.As(err, &authority):
		return "the TLS certificate is not trusted"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "the TLS certificate has expired"
	case errors.As(err, &invalid):
		return "the TLS certificate is not valid"
	case errors.Is(err, http.ErrSchemeMismatch), errors.As(err, &record):
		return host + " does not speak TLS"
	case errors.As(err, &alert):
		return host + " refused the TLS connection"
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum):
		return "the answer's compression is broken"
	case errors.As(err, &file):
		return "a file of http_config could not be read"
	case errors.As(err, &timeout) && timeout.Timeout():
		return noAnswer(waited)
	}
	return host + " could not be asked"
}

func noAnswer(waited time.Duration) string {
	return "no answer within " + Format(waited.Seconds(), Seconds)
}

// hostPort is the host and port of a base address, with the scheme's port where it names none.
func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = "80"
		if u.Scheme == "https" {
			port = "443"
		}
	}
	return net.JoinHostPort(u.Hostname(), port)
}
