package slack

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/alertvitals/notifier/config/problem"
	"github.com/alertvitals/notifier/templates"
)

func TestValidate(t *testing.T) {
	for name, tc := range map[string]struct {
		config string
		want   []problem.Problem
	}{
		"webhook":      {"api_url: https://hooks.slack.com/services/T/B/x", nil},
		"webhook file": {"api_url_file: /run/secrets/slack", nil},
		"token":        {"{app_token: xoxb-1, channel: '#alerts', send_resolved: false, timeout: 3s, api_base_url: 'http://127.0.0.1:1/api'}", nil},
		"token file":   {"{app_token_file: /run/secrets/slack, channel: C012}", nil},
		"nothing": {"{}", []problem.Problem{
			{Path: "", Msg: "nothing says how to reach Slack: set app_token_file (a bot token) or api_url_file (an incoming webhook)"},
		}},
		"both": {"{api_url: https://hooks.slack.com/x, app_token: xoxb-1, channel: '#a'}", []problem.Problem{
			{Path: "app_token", Msg: "api_url and app_token are both set, want one of them"},
		}},
		"secret and its file": {"{app_token: xoxb-1, app_token_file: f, channel: '#a'}", []problem.Problem{
			{Path: "app_token_file", Msg: "app_token and app_token_file are both set, want one of them"},
		}},
		"no channel": {"app_token: xoxb-1", []problem.Problem{
			{Path: "channel", Msg: "a bot token needs a channel: a name, in quotes because of its # ('#agent-alerts'), or an ID"},
		}},
		"not addresses": {"{api_url: 'hooks.slack.com/secret', api_base_url: 'slack.com'}", []problem.Problem{
			{Path: "api_url", Msg: "this is not an http or https address"},
			{Path: "api_base_url", Msg: "this is not an http or https address"},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			var c Config
			require.NoError(t, yaml.UnmarshalWithOptions([]byte(tc.config), &c, yaml.Strict()))

			assert.Equal(t, tc.want, c.Validate())
			_, err := New(c, templates.Standard())
			assert.Equal(t, tc.want == nil, err == nil)
			assert.NotContains(t, fmt.Sprint(err), "secret")
		})
	}
}

func TestDefaults(t *testing.T) {
	no := false

	assert.True(t, Config{}.SendsResolved())
	assert.False(t, Config{SendResolved: &no}.SendsResolved())
	assert.Equal(t, "https://slack.com/api/", Config{}.apiBase())
	assert.Equal(t, "http://gateway/api/", Config{APIBaseURL: "http://gateway/api"}.apiBase())
	assert.Equal(t, defaultTimeout, Config{}.requestTimeout())
}

func TestCredentialIsReadAtEachUse(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	c := Config{AppTokenFile: file}

	_, err := c.credential()
	require.ErrorIs(t, err, os.ErrNotExist)

	for _, token := range []string{"xoxb-1", "xoxb-2"} {
		require.NoError(t, os.WriteFile(file, []byte(token+"\n"), 0o600))
		var got string
		got, err = c.credential()
		require.NoError(t, err)
		assert.Equal(t, token, got)
	}

	require.NoError(t, os.WriteFile(file, []byte(" \n"), 0o600))
	_, err = c.credential()
	require.ErrorContains(t, err, "is empty")
}

func TestSecretsDoNotShow(t *testing.T) {
	shown, err := yaml.Marshal(Config{AppToken: "xoxb-secret"})

	require.NoError(t, err)
	assert.NotContains(t, string(shown), "xoxb-secret")
}
