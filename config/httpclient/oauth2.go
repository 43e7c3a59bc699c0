package httpclient

import (
	"net/http"
	"sync"
	"sync/atomic"
)

// OneAtATime lets a client that fetches tokens make one request at a time, for as long as that may change the token's source: until
// one request is through, and always when the client's secret comes of a file. Prometheus's library writes the source while
// another request reads it (oauth2RoundTripper.RoundTrip in common v0.71.0). A client without oauth2 stays as it is.
func (c *Config) OneAtATime(client *http.Client) {
	if c == nil || c.OAuth2 == nil {
		return
	}
	fromFile := c.OAuth2.ClientSecretFile != "" || c.OAuth2.ClientCertificateKeyFile != ""
	client.Transport = &oneAtATime{next: client.Transport, always: fromFile}
}

type oneAtATime struct {
	next    http.RoundTripper
	always  bool
	mu      sync.Mutex
	through atomic.Bool
}

func (o *oneAtATime) RoundTrip(req *http.Request) (*http.Response, error) {
	if !o.through.Load() {
		o.mu.Lock()
		defer o.mu.Unlock()
	}
	resp, err := o.next.RoundTrip(req)
	if err == nil && !o.always {
		o.through.Store(true)
	}
	return resp, err //nolint:wrapcheck // it is the client's to wrap
}

// CloseIdleConnections is for http.Client's method of that name.
func (o *oneAtATime) CloseIdleConnections() {
	if next, ok := o.next.(interface{ CloseIdleConnections() }); ok {
		next.CloseIdleConnections()
	}
}
