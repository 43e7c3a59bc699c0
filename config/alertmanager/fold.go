package alertmanager

import (
	"path"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/alertvitals/notifier/notifiers/slack"
)

// foldSlack leaves of an integration what Alertmanager heeds, and finds what it would refuse.
//
// Source: https://github.com/prometheus/alertmanager/blob/v0.34.2/config/config.go, UnmarshalYAML of Config.
func (f *file) foldSlack(at *yaml.Node, m *mapping) {
	withoutEmpty(m, "api_url", "api_url_file", "app_token", "app_token_file", "app_url", "channel")
	hasURL, hasToken := m.has("api_url") || m.has("api_url_file"), m.has("app_token") || m.has("app_token_file")
	if hasURL && hasToken {
		f.wrongf(at, "slack_configs: api_url and app_token are both set, want one of them")
		return
	}
	if edits, _ := m.get("update_message"); edits == plain("true") {
		if address, _ := m.get("api_url"); address != slack.PostMessage {
			f.wrongf(at, "slack_configs: update_message needs a bot's token, and api_url: %s", slack.PostMessage)
			return
		}
	}
	if !hasURL && !hasToken {
		hasURL = f.global("slack_api_url")+f.global("slack_api_url_file") != ""
		hasToken = !authorizes(*m) && f.global("slack_app_token")+f.global("slack_app_token_file") != ""
	}
	if !hasURL && !hasToken {
		f.wrongf(at, "slack_configs has no api_url and no app_token, and global has no slack_api_url")
		return
	}
	if address, ok := m.get("app_url"); ok {
		f.checkAppURL(at, "app_url", address)
	}
}

// authorizes is whether an integration's http_config has an authorization.
func authorizes(m mapping) bool {
	httpConfig, _ := m.get("http_config")
	keys, _ := httpConfig.(mapping)
	_, ok := keys.get("authorization")
	return ok
}

// checkAppURL tells of an address that is not that of a method.
func (f *file) checkAppURL(at *yaml.Node, key string, address any) {
	if text, _ := address.(string); !strings.HasSuffix(text, "/"+path.Base(slack.PostMessage)) {
		f.notef(at, "%s: the notifier calls several methods of Slack's, and takes this for the address below which they are", key)
	}
}

// foldPagerduty does so for PagerDuty. With a service_key Alertmanager takes no routing_key, and no address but PagerDuty's own.
func (f *file) foldPagerduty(at *yaml.Node, m *mapping) {
	withoutEmpty(m, "routing_key", "routing_key_file", "service_key", "service_key_file", "url")
	switch {
	case m.has("service_key"), m.has("service_key_file"):
		for _, key := range []string{"routing_key", "routing_key_file", "url"} {
			if m.has(key) {
				f.notef(at, "%s: with a service_key Alertmanager does not use it", key)
				m.remove(key)
			}
		}
	case m.has("routing_key"), m.has("routing_key_file"):
	default:
		f.wrongf(at, "pagerduty_configs has neither routing_key nor service_key")
	}
}

// foldEmail does so for mail.
func (f *file) foldEmail(at *yaml.Node, m *mapping) {
	withoutEmpty(m, "to", "from", "smarthost", "hello", "auth_username", "auth_password", "auth_password_file", "auth_secret",
		"auth_secret_file", "auth_identity")
	for _, key := range []string{"smarthost", "from"} {
		if !m.has(key) && f.global("smtp_"+key) == "" {
			f.wrongf(at, "email_configs has no %s, and global has no smtp_%s", key, key)
		}
	}
	if !m.has("to") {
		f.wrongf(at, "email_configs has no to")
	}
	if m.has("auth_username") || f.global("smtp_auth_username") != "" {
		return
	}
	for _, key := range []string{"auth_password", "auth_password_file", "auth_secret", "auth_secret_file", "auth_identity"} {
		if m.has(key) {
			f.notef(at, "%s: without an auth_username Alertmanager does not use it", key)
			m.remove(key)
		}
	}
}

// foldWebhook does so for webhooks.
func (f *file) foldWebhook(at *yaml.Node, m *mapping) {
	withoutEmpty(m, "url", "url_file")
	if !m.has("url") && !m.has("url_file") {
		f.wrongf(at, "webhook_configs has neither url nor url_file")
	}
}
