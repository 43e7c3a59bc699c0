// Package httpclient is Prometheus's http_config, wherever the configuration has one: how to speak HTTP with an agent or a
// service.
//
// In flows the YAML; out flows a configuration of Prometheus's HTTP client, and what is wrong with it. It makes no request, and of
// files it reads only those of tls_config.
package httpclient

import (
	commoncfg "github.com/prometheus/common/config"
)

// Config is Prometheus's http_config, without http_headers and proxy_connect_header:
// https://prometheus.io/docs/prometheus/latest/configuration/configuration/#http_config
//
// It is not Prometheus's own type, because goccy/go-yaml panics on that one's http_headers.
type Config struct {
	BasicAuth     *commoncfg.BasicAuth     `yaml:"basic_auth"`
	Authorization *commoncfg.Authorization `yaml:"authorization"`
	// BearerToken and BearerTokenFile are the older form of Authorization.
	BearerToken          commoncfg.Secret    `yaml:"bearer_token"`
	BearerTokenFile      string              `yaml:"bearer_token_file"`
	OAuth2               *commoncfg.OAuth2   `yaml:"oauth2"`
	TLSConfig            commoncfg.TLSConfig `yaml:"tls_config"`
	ProxyURL             commoncfg.URL       `yaml:"proxy_url"`
	NoProxy              string              `yaml:"no_proxy"`
	ProxyFromEnvironment bool                `yaml:"proxy_from_environment"`
	// EnableHTTP2 is whether HTTP/2 may be spoken; nil means yes.
	EnableHTTP2 *bool `yaml:"enable_http2"`
	// FollowRedirects is whether redirects may be followed; nil means yes. Who uses the client says which ones.
	FollowRedirects *bool `yaml:"follow_redirects"`
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
	if c.EnableHTTP2 != nil {
		cfg.EnableHTTP2 = *c.EnableHTTP2
	}
	if c.FollowRedirects != nil {
		cfg.FollowRedirects = *c.FollowRedirects
	}
	return cfg
}
