package alertmanager

import (
	"cmp"
	"reflect"
	"strings"

	commoncfg "github.com/prometheus/common/config"
	"go.yaml.in/yaml/v3"

	"github.com/alertvitals/notifier/config/httpclient"
)

var (
	httpConfig = reflect.TypeFor[httpclient.Config]()
	tlsConfig  = reflect.TypeFor[commoncfg.TLSConfig]()
)

// postMessage is the method of Slack's that Alertmanager calls with a bot's token.
const postMessage = "chat.postMessage"

func (f *file) slackAppURL() string {
	return cmp.Or(f.global("slack_app_url"), "https://slack.com/api/"+postMessage)
}

// foldSlack fills an integration in as Alertmanager does, and says app_token where Alertmanager may have the token in http_config.
//
// Source: https://github.com/prometheus/alertmanager/blob/v0.34.2/config/config.go, UnmarshalYAML of Config.
func (f *file) foldSlack(at *yaml.Node, m *mapping) {
	withoutEmpty(m, "api_url", "api_url_file", "app_token", "app_token_file", "app_url", "channel")
	ownURL, ownToken := m.has("api_url") || m.has("api_url_file"), m.has("app_token") || m.has("app_token_file")
	if ownURL && ownToken {
		f.wrongf(at, "slack_configs: api_url and app_token are both set, want one of them")
		return
	}
	if edits, _ := m.get("update_message"); edits == plain("true") {
		if address, _ := m.get("api_url"); address != "https://slack.com/api/"+postMessage {
			f.wrongf(at, "slack_configs: update_message needs a bot's token, and api_url: https://slack.com/api/%s", postMessage)
			return
		}
	}
	if !ownToken && !ownURL && len(authorizationOf(*m)) == 0 {
		f.secretFromGlobal(m, "app_token", "slack_app_token")
		f.fromGlobal(m, "app_token_file", "slack_app_token_file")
	}
	if !ownURL && !m.has("app_token") && !m.has("app_token_file") {
		f.secretFromGlobal(m, "api_url", "slack_api_url")
		f.fromGlobal(m, "api_url_file", "slack_api_url_file")
	}
	f.copiedConfig(m, "http_config", "http_config", httpConfig)
	if !m.has("app_token") && !m.has("app_token_file") && !m.has("api_url") && !m.has("api_url_file") {
		f.wrongf(at, "slack_configs has no api_url and no app_token, and global has no slack_api_url")
		return
	}
	address, _ := m.get("api_url")
	authorization := authorizationOf(*m)
	if text, _ := address.(string); strings.HasSuffix(text, "/"+postMessage) && len(authorization) > 0 {
		f.tokenOf(m, authorization)
		m.set("app_url", text)
	}
	if m.has("app_token") || m.has("app_token_file") {
		f.botAddress(at, m)
	}
}

// authorizationOf is what http_config has of it.
func authorizationOf(m mapping) mapping {
	httpConfig, _ := m.get("http_config")
	keys, _ := httpConfig.(mapping)
	authorization, _ := keys.get("authorization")
	found, _ := authorization.(mapping)
	return found
}

// tokenOf makes an app_token of the credentials in http_config.
func (f *file) tokenOf(m *mapping, authorization mapping) {
	m.remove("api_url")
	for _, suffix := range []string{"", "_file"} {
		if value, ok := authorization.get("credentials" + suffix); ok {
			m.set("app_token"+suffix, value)
		}
	}
	whole, _ := m.get("http_config")
	keys, _ := whole.(mapping)
	rest := append(mapping{}, keys...)
	rest.remove("authorization")
	m.set("http_config", rest)
	if len(rest) == 0 {
		m.remove("http_config")
	}
}

// botAddress says api_base_url where Alertmanager has the address of one method.
func (f *file) botAddress(at *yaml.Node, m *mapping) {
	address := f.slackAppURL()
	if own, ok := m.get("app_url"); ok {
		address, _ = own.(string)
	}
	m.remove("app_url")
	base, isMethod := strings.CutSuffix(address, postMessage)
	switch {
	case !isMethod:
		f.notef(at, "app_url: the notifier calls several methods of Slack's; api_base_url is the address below which they are, here the same one")
		m.set("api_base_url", address)
	case base != "https://slack.com/api/":
		m.set("api_base_url", base)
	}
}

// foldPagerduty fills an integration in. With a service_key Alertmanager takes no routing_key, and no address but PagerDuty's own.
func (f *file) foldPagerduty(at *yaml.Node, m *mapping) {
	withoutEmpty(m, "routing_key", "routing_key_file", "service_key", "service_key_file", "url")
	f.copiedConfig(m, "http_config", "http_config", httpConfig)
	switch {
	case m.has("service_key"), m.has("service_key_file"):
		for _, key := range []string{"routing_key", "routing_key_file", "url"} {
			if m.has(key) {
				f.notef(at, "%s: with a service_key Alertmanager does not use it", key)
				m.remove(key)
			}
		}
	case m.has("routing_key"), m.has("routing_key_file"):
		f.fromGlobal(m, "url", "pagerduty_url")
	default:
		f.wrongf(at, "pagerduty_configs has neither routing_key nor service_key")
	}
}

// foldEmail fills an integration in from smtp_*.
func (f *file) foldEmail(at *yaml.Node, m *mapping) {
	withoutEmpty(m, "to", "from", "smarthost", "hello", "auth_username", "auth_password", "auth_password_file", "auth_secret",
		"auth_secret_file", "auth_identity")
	for _, key := range []string{"smarthost", "from"} {
		f.fromGlobal(m, key, "smtp_"+key)
		if !m.has(key) {
			f.wrongf(at, "email_configs has no %s, and global has no smtp_%s", key, key)
		}
	}
	if !m.has("to") {
		f.wrongf(at, "email_configs has no to")
	}
	f.fromGlobal(m, "hello", "smtp_hello")
	f.fromGlobal(m, "auth_username", "smtp_auth_username")
	if !m.has("auth_password") && !m.has("auth_password_file") {
		f.secretFromGlobal(m, "auth_password", "smtp_auth_password")
		f.fromGlobal(m, "auth_password_file", "smtp_auth_password_file")
	}
	if !m.has("auth_secret") && !m.has("auth_secret_file") {
		f.secretFromGlobal(m, "auth_secret", "smtp_auth_secret")
		f.fromGlobal(m, "auth_secret_file", "smtp_auth_secret_file")
	}
	f.fromGlobal(m, "auth_identity", "smtp_auth_identity")
	f.truthFromGlobal(m, "require_tls", "smtp_require_tls")
	f.truthFromGlobal(m, "force_implicit_tls", "smtp_force_implicit_tls")
	f.copiedConfig(m, "tls_config", "smtp_tls_config", tlsConfig)
	if !m.has("auth_username") && (m.has("auth_password") || m.has("auth_password_file") || m.has("auth_secret") || m.has("auth_secret_file")) {
		f.notef(at, "auth_password: without an auth_username Alertmanager does not use it")
		for _, key := range []string{"auth_password", "auth_password_file", "auth_secret", "auth_secret_file", "auth_identity"} {
			m.remove(key)
		}
	}
}

// foldWebhook fills an integration in.
func (f *file) foldWebhook(at *yaml.Node, m *mapping) {
	withoutEmpty(m, "url", "url_file")
	if !m.has("url") && !m.has("url_file") {
		f.wrongf(at, "webhook_configs has neither url nor url_file")
	}
	f.copiedConfig(m, "http_config", "http_config", httpConfig)
}
