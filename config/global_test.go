package config

import (
	"strings"
	"testing"

	commoncfg "github.com/prometheus/common/config"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What an alertmanager.yml says once for all receivers holds for those that say nothing else.
func TestReceiversTakeWhatIsGlobal(t *testing.T) {
	cfg, err := Load("alertmanager.yml", []byte(`
global:
  resolve_timeout: 5m
  slack_api_url: https://hooks.slack.com/services/YOUR/WEBHOOK/URL
  smtp_smarthost: mail.example.com:587
  smtp_from: alerts@example.com
  smtp_auth_username: alerts
  smtp_auth_password_file: /run/secrets/smtp
  smtp_require_tls: false
  pagerduty_url: https://events.eu.pagerduty.com/v2/enqueue
  http_config: {proxy_url: 'http://proxy:3128'}
route: {receiver: default}
receivers:
- name: "default"
  slack_configs:
  - channel: "#alerts"
    title: "Agent Alert"
    text: '{{ range .Alerts }}{{ .Annotations.summary }}\n{{ .Annotations.description }}\n{{ end }}'
  - {channel: '#own', app_token: xoxb-own, http_config: {}}
  email_configs:
  - to: ops@example.com
  - {to: own@example.com, from: own@example.com, smarthost: 'own:25', auth_username: us, auth_password: pw, require_tls: true}
- name: "pagerduty"
  pagerduty_configs:
  - routing_key: "YOUR_PAGERDUTY_KEY"
  - {routing_key: r, url: https://own.example.com}
`))
	require.NoError(t, err)
	slack, email, pager := cfg.Receivers[0].SlackConfigs, cfg.Receivers[0].EmailConfigs, cfg.Receivers[1].PagerdutyConfigs
	assert.Equal(t, commoncfg.Secret("https://hooks.slack.com/services/YOUR/WEBHOOK/URL"), slack[0].APIURL)
	assert.Equal(t, "http://proxy:3128", slack[0].HTTPConfig.ProxyURL.String())
	assert.Empty(t, slack[1].APIURL, "a receiver that has a token is not given an address")
	assert.Nil(t, slack[1].HTTPConfig.ProxyURL.URL, "a receiver's own http_config holds")
	assert.Equal(t, "mail.example.com:587 alerts@example.com alerts /run/secrets/smtp", email[0].Smarthost+" "+email[0].From+" "+email[0].AuthUsername+" "+email[0].AuthPasswordFile)
	assert.False(t, *email[0].RequireTLS)
	assert.Equal(t, "own:25 own@example.com us pw", email[1].Smarthost+" "+email[1].From+" "+email[1].AuthUsername+" "+string(email[1].AuthPassword))
	assert.Empty(t, email[1].AuthPasswordFile)
	assert.True(t, *email[1].RequireTLS)
	assert.Equal(t, "https://events.eu.pagerduty.com/v2/enqueue", pager[0].URL)
	assert.Equal(t, "https://own.example.com", pager[1].URL)
}

// What Alertmanager takes from global, and what it does not, is the same here.
func TestReceiversTakeOnlyWhatAlertmanagerGives(t *testing.T) {
	cfg, err := Load("alertmanager.yml", []byte(`
global:
  slack_api_url: https://slack.example.com/api/chat.postMessage
  slack_app_url: https://slack.example.com/api/chat.postMessage
  slack_app_token: xoxb-global
  smtp_smarthost: mail.example.com:587
  smtp_from: alerts@example.com
  smtp_auth_password: pw
  pagerduty_url: https://events.eu.pagerduty.com/v2/enqueue
route: {receiver: a}
receivers:
- name: a
  slack_configs:
  - {channel: '#token'}
  - {channel: '#authorization', http_config: {authorization: {credentials_file: /run/secrets/slack}, proxy_url: 'http://proxy:3128'}}
  - {channel: '#own', api_url: 'https://slack.com/api/chat.postMessage', http_config: {bearer_token: xoxb-own}}
  - {api_url: 'https://hooks.slack.com/services/T/B/X'}
  email_configs:
  - {to: nobody-logs-in@example.com}
  - {to: ops@example.com, auth_username: us}
  pagerduty_configs:
  - {service_key: s}
`))
	require.NoError(t, err)
	slack, email, pager := cfg.Receivers[0].SlackConfigs, cfg.Receivers[0].EmailConfigs, cfg.Receivers[0].PagerdutyConfigs
	var reached []string
	for _, c := range slack {
		reached = append(reached, strings.TrimSpace(string(c.APIURL)+" "+string(c.AppToken)+c.AppTokenFile+" "+c.APIBaseURL))
	}
	assert.Equal(t, []string{
		"xoxb-global https://slack.example.com/api/",
		"/run/secrets/slack https://slack.example.com/api/",
		"xoxb-own https://slack.com/api/",
		"https://hooks.slack.com/services/T/B/X",
	}, reached)
	assert.Nil(t, slack[1].HTTPConfig.Authorization)
	assert.Equal(t, "http://proxy:3128", slack[1].HTTPConfig.ProxyURL.String())
	assert.Empty(t, email[0].AuthPassword)
	assert.Equal(t, commoncfg.Secret("pw"), email[1].AuthPassword)
	assert.Empty(t, pager[0].URL, "a service key has another address")
}
