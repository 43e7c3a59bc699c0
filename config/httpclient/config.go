// Package httpclient is Prometheus's http_config, wherever the configuration has one: how to speak HTTP with an agent or a
// service.
//
// In flows the YAML; out flows a configuration of Prometheus's HTTP client, and what is wrong with it. It makes no request, and of
// files it reads only those of tls_config.
package httpclient

import (
	"strings"

	commoncfg "github.com/prometheus/common/config"
)

// Config is Prometheus's http_config, without proxy_connect_header:
// https://prometheus.io/docs/prometheus/latest/configuration/configuration/#http_config
//
// It is not Prometheus's own type, because goccy/go-yaml panics on that one's http_headers.
type Config struct { //nolint:recvcheck // what a nil one says is said by methods of the pointer
	// BasicAuth is a user and a password.
	BasicAuth *commoncfg.BasicAuth `yaml:"basic_auth"`
	// Authorization is another kind of credentials, such as a bearer token.
	Authorization *commoncfg.Authorization `yaml:"authorization"`
	// BearerToken is the older form of authorization.
	BearerToken commoncfg.Secret `yaml:"bearer_token"`
	// BearerTokenFile is a file that holds it, read at each use.
	BearerTokenFile string `yaml:"bearer_token_file"`
	// OAuth2 is where and how a token is fetched.
	OAuth2 *commoncfg.OAuth2 `yaml:"oauth2"`
	// TLSConfig is how TLS is spoken.
	TLSConfig commoncfg.TLSConfig `yaml:"tls_config"`
	// ProxyURL is the proxy to go through.
	ProxyURL commoncfg.URL `yaml:"proxy_url"`
	// NoProxy is a list of hosts, domains and CIDRs, separated by commas, that are reached without the proxy.
	NoProxy string `yaml:"no_proxy"`
	// ProxyFromEnvironment is whether HTTP_PROXY, HTTPS_PROXY and NO_PROXY of the environment say which proxy to go through.
	ProxyFromEnvironment bool `yaml:"proxy_from_environment"`
	// EnableHTTP2 is whether HTTP/2 may be spoken.
	EnableHTTP2 *bool `yaml:"enable_http2"`
	// FollowRedirects is whether redirects are followed. Who tells people never follows one.
	FollowRedirects *bool `yaml:"follow_redirects"`
	// HTTPHeaders are headers that each request has besides, by their names. Those that have a key of their own, such as
	// Authorization, are refused.
	HTTPHeaders map[string]Header `yaml:"http_headers"`
}

// Header is what a header says; it is sent once for each value, secret and file.
type Header struct {
	// Values are sent as they are, and shown to whoever may read the configuration.
	Values []string `yaml:"values"`
	// Secrets are values that are shown to nobody.
	Secrets []commoncfg.Secret `yaml:"secrets"`
	// Files are files that hold a secret value each, read at each use.
	Files []string `yaml:"files"`
}

// WithDefaults is c with the defaults in place of what it leaves out.
func (c Config) WithDefaults() Config {
	if c.EnableHTTP2 == nil {
		c.EnableHTTP2 = new(true)
	}
	if c.FollowRedirects == nil {
		c.FollowRedirects = new(true)
	}
	return c
}

// Common is c as Prometheus's HTTP client takes it, which is to validate it once more: that fills in what c leaves out. c may be
// nil.
func (c *Config) Common() commoncfg.HTTPClientConfig {
	cfg := commoncfg.DefaultHTTPClientConfig
	if c == nil {
		return cfg
	}
	cfg.BasicAuth, cfg.OAuth2, cfg.TLSConfig = c.BasicAuth, c.OAuth2, c.TLSConfig
	cfg.BearerToken, cfg.BearerTokenFile = c.BearerToken, c.BearerTokenFile
	cfg.ProxyConfig = commoncfg.ProxyConfig{ProxyURL: c.ProxyURL, NoProxy: c.NoProxy, ProxyFromEnvironment: c.ProxyFromEnvironment}
	if c.Authorization != nil {
		authorization := *c.Authorization // Validate writes into it
		cfg.Authorization = &authorization
	}
	if len(c.HTTPHeaders) > 0 {
		cfg.HTTPHeaders = &commoncfg.Headers{Headers: map[string]commoncfg.Header{}}
		for name, h := range c.HTTPHeaders {
			cfg.HTTPHeaders.Headers[name] = commoncfg.Header(h)
		}
	}
	if c.EnableHTTP2 != nil {
		cfg.EnableHTTP2 = *c.EnableHTTP2
	}
	if c.FollowRedirects != nil {
		cfg.FollowRedirects = *c.FollowRedirects
	}
	return cfg
}

// WithoutToken is c without its bearer token, and that, or the file that holds it; both are "" when there is none.
func (c Config) WithoutToken() (token commoncfg.Secret, file string, rest Config) {
	token, file, rest = c.BearerToken, c.BearerTokenFile, c
	rest.BearerToken, rest.BearerTokenFile = "", ""
	if a := c.Authorization; a != nil && (a.Type == "" || strings.EqualFold(a.Type, "Bearer")) {
		token, file, rest.Authorization = a.Credentials, a.CredentialsFile, nil
	}
	return token, file, rest
}
