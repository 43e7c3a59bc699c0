package httpclient

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/goccy/go-yaml"
	commoncfg "github.com/prometheus/common/config"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/alertvitals/notifier/config/problem"
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

func TestHeadersAreSent(t *testing.T) {
	file := filepath.Join(t.TempDir(), "key")
	require.NoError(t, os.WriteFile(file, []byte("of-a-file\n"), 0o600))
	c := decode(t, "http_headers: {X-Scope-OrgID: {values: [team]}, X-Key: {secrets: [hunter2], files: ["+file+"]}}")
	require.Empty(t, c.Validate())
	var got http.Header
	far := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.Header }))
	defer far.Close()
	cfg := c.Common()
	require.NoError(t, cfg.Validate())
	client, err := commoncfg.NewClientFromConfig(cfg, "test")
	require.NoError(t, err)
	defer client.CloseIdleConnections()
	resp, err := client.Get(far.URL)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	assert.Equal(t, []string{"team"}, got.Values("X-Scope-Orgid"))
	assert.Equal(t, []string{"hunter2", "of-a-file"}, got.Values("X-Key"))
}

func TestHeadersThatCannotBeSent(t *testing.T) {
	for text, want := range map[string]problem.Problem{
		"authorization: {values: [hunter2]}": {
			Path: "http_headers.authorization", Msg: "is set by the notifier itself; for a token or a password use authorization or basic_auth",
		},
		"'X Key': {values: [hunter2]}": {Path: "http_headers.X Key", Msg: "is no name of a header; want letters, digits and hyphens"},
		`X-Key: {values: [a, "hunter2\r\nX: y"]}`: {
			Path: "http_headers.X-Key.values[1]", Msg: "cannot be sent in a header: it has a line break or another control character",
		},
		`X-Key: {secrets: ["hunter2\n"]}`: {
			Path: "http_headers.X-Key.secrets[0]", Msg: "cannot be sent in a header: it has a line break or another control character",
		},
		"X-Key: {}": {Path: "http_headers.X-Key", Msg: "says nothing; give it values, secrets or files"},
	} {
		assert.Equal(t, []problem.Problem{want}, decode(t, "http_headers: {"+text+"}").Validate(), text)
	}
}
