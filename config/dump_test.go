package config

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAConfigurationIsShownAsItApplies(t *testing.T) {
	t.Setenv("PAGER", "planted")
	cfg, err := Load("/etc/notifier/notifier.yml", []byte(`
agents:
  - name: aster
    match: ['job="aster"']
    url: http://aster:8080
    ready_path: ''
    links: {Logs: 'https://grafana/'}
    http_config: {proxy_url: 'http://u:planted@proxy:3128', oauth2: {client_id: i, client_secret: planted, token_url: 'http://t/', endpoint_params: {pin: planted}}}
diagnostics: {redact_labels: []}
route: {receiver: a, by_severity: {info: [a]}}
receivers:
  - name: a
    fallback: {receiver: b}
    pagerduty_configs: [{routing_key: '${PAGER}', details: {token: planted, n: 1}}]
    slack_configs: [{app_token_file: slack, channel: '#a', rate_limit: 0, mentions: [here]}]
    log_configs: [{max_files: 0, output: /dev/null}]
  - {name: b, log_configs: [{}]}
`))
	require.NoError(t, err)

	assert.Equal(t, `agents:
  - name: aster
    match:
      - job="aster"
    url: http://aster:8080
    profile: auto
    ready_path: ''
    scrape_interval: 15s
    timeout: 2s
    http_config:
      oauth2:
        client_id: i
        client_secret: <secret>
        token_url: http://t/
        endpoint_params:
          pin: <secret>
      proxy_url: http://u:<secret>@proxy:3128
      enable_http2: true
      follow_redirects: true
    links:
      Logs: https://grafana/
diagnostics:
  deadline: 1s
  history: 2h
  redact_labels: []
delivery:
  dedupe_window: 5m
  max_age: 1d
route:
  receiver: a
  by_severity:
    info:
      - a
receivers:
  - name: a
    fallback:
      receiver: b
      after: 2m
    slack_configs:
      - app_token_file: /etc/notifier/slack
        channel: '#a'
        api_base_url: https://slack.com/api/
        mentions:
          - here
        rate_limit: 0.0
        send_resolved: true
        timeout: 10s
    pagerduty_configs:
      - routing_key: <secret>
        details:
          'n': 1
          token: <secret>
        dedup: group
        send_resolved: true
        timeout: 10s
    log_configs:
      - format: json
        output: /dev/null
        max_size: 100MiB
        max_files: 0
        send_resolved: true
  - name: b
    log_configs:
      - format: json
        output: stdout
        max_size: 100MiB
        max_files: 10
        send_resolved: true
rules:
  evaluation_interval: 15s
  group_interval: 5m
  repeat_interval: 4h
ping:
  interval: 1m
`, cfg.String())
	for _, printed := range []string{fmt.Sprint(cfg), fmt.Sprintf("%+v", cfg), fmt.Sprintf("%#v", cfg), fmt.Sprintf("%v", &cfg)} {
		assert.NotContains(t, printed, "planted")
	}
	shown := strings.Replace(cfg.String(), "u:<secret>@", "", 1) // which is no address
	again, err := Load("notifier.yml", []byte(shown))
	require.NoError(t, err, "what is shown is a configuration")
	assert.Equal(t, shown, again.String())
}

// The password of an address is shown nowhere, be the address no secret itself.
func TestAddressesAreShownWithoutPasswords(t *testing.T) {
	cfg, err := Load("notifier.yml", []byte(`
global: {pagerduty_url: 'https://u:planted@pd/'}
route: {receiver: a}
receivers:
  - name: a
    slack_configs: [{channel: b, api_url: 'https://u:planted@gateway/api/chat.postMessage', http_config: {bearer_token: x}}]
`))
	require.NoError(t, err)
	assert.NotContains(t, cfg.String(), "planted")
	assert.Contains(t, cfg.String(), "https://u:<secret>@gateway/api/")
}
