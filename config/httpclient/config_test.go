package httpclient

import (
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func decode(t *testing.T, text string) *Config {
	t.Helper()
	var c Config
	require.NoError(t, yaml.UnmarshalWithOptions([]byte(text), &c, yaml.Strict()))
	return &c
}

func TestNothingConfiguredIsPrometheusDefault(t *testing.T) {
	var c *Config
	assert.Empty(t, c.Validate())
	cfg := c.Common()
	assert.True(t, cfg.FollowRedirects)
	assert.True(t, cfg.EnableHTTP2)
}

func TestEveryKeyReachesTheClient(t *testing.T) {
	c := decode(t, `
authorization: {credentials_file: /run/secrets/token}
tls_config: {insecure_skip_verify: true, server_name: agent}
proxy_url: http://proxy:3128
no_proxy: localhost
enable_http2: false
follow_redirects: false
`)
	assert.Empty(t, c.Validate())
	cfg := c.Common()
	require.NoError(t, cfg.Validate())
	assert.Equal(t, "Bearer", cfg.Authorization.Type)
	assert.Empty(t, c.Authorization.Type, "the configuration itself stays as it was written")
	assert.Equal(t, "agent", cfg.TLSConfig.ServerName)
	assert.Equal(t, "proxy:3128", cfg.ProxyURL.Host)
	assert.Equal(t, "localhost", cfg.NoProxy)
	assert.False(t, cfg.EnableHTTP2)
	assert.False(t, cfg.FollowRedirects)

	old := decode(t, "bearer_token_file: /run/secrets/token")
	assert.Empty(t, old.Validate())
	assert.Equal(t, "/run/secrets/token", old.Common().BearerTokenFile)

	assert.True(t, decode(t, "proxy_from_environment: true").Common().ProxyFromEnvironment)
}

func TestP10ProblemsHoldNoSecret(t *testing.T) {
	problems := decode(t, "{basic_auth: {username: u, password: hunter2}, bearer_token: hunter2}").Validate()
	require.Len(t, problems, 1)
	assert.NotContains(t, problems[0].Msg, "hunter2")
	assert.Contains(t, problems[0].Msg, "want one of them")
}
