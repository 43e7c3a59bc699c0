package config_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/alertvitals/notifier/config"
)

func TestUnreadableSecretsAreNamedOnceEach(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "there"), []byte("hunter2"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "any"), []byte("hunter2\nhunter3\x00"), 0o600)) // a key that signs
	require.NoError(t, os.WriteFile(filepath.Join(dir, "empty"), nil, 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "lines"), []byte("hunter2\nhunter3"), 0o600))
	cfg, err := config.Load(filepath.Join(dir, "notifier.yml"), []byte(`
agents:
  - {name: a, match: [job=a], url: 'http://a', http_config: {authorization: {credentials_file: agent}, http_headers: {X: {files: [there, lost]}}}}
route: {receiver: slack}
receivers:
  - name: slack
    slack_configs:
      - {app_token_file: there, channel: '#a'}
      - {app_token_file: missing, channel: '#a'}
      - {app_token_file: missing, channel: '#b'}
  - name: data
    webhook_configs: [{url_file: lines}]
  - name: signed
    webhook_configs: [{url: 'http://data', secret_file: any}]
  - {name: oncall, pagerduty_configs: [{routing_key_file: empty}]}
ping: {url: 'https://hc-ping.com/1'}
`))
	require.NoError(t, err)

	var paths []string
	for _, p := range cfg.UnreadableSecrets() {
		paths = append(paths, p.Path)
		assert.NotContains(t, p.Msg, "hunter2")
	}

	assert.Equal(t, []string{
		"agents[0].http_config.authorization.credentials_file",
		"agents[0].http_config.http_headers.X.files[1]",
		"receivers[0].slack_configs[1].app_token_file",
		"receivers[1].webhook_configs[0].url_file",
		"receivers[3].pagerduty_configs[0].routing_key_file",
	}, paths)
}
