package config

import (
	"fmt"
	"strings"

	"github.com/alertvitals/notifier/config/problem"
	"github.com/alertvitals/notifier/notifiers/email"
	"github.com/alertvitals/notifier/notifiers/pagerduty"
	"github.com/alertvitals/notifier/notifiers/slack"
)

// giver fills in what integrations leave out with what is global, as Alertmanager does, and remembers what came from there: what is wrong
// with it is told once, where it stands.
//
// Source: https://github.com/prometheus/alertmanager/blob/v0.34.2/config/config.go, UnmarshalYAML of Config.
type giver struct {
	Global

	unread func(path string) bool
	// path is that of the integration that is given something.
	path string
	// from are the paths of what was given, or would have been if it could be read, by the paths where it is missing.
	from map[string]string
}

// give fills in what the receivers leave out. unread is whether something at a path could not be read.
func (g Global) give(receivers []Receiver, unread func(path string) bool) giver {
	to := giver{Global: g, unread: unread, from: map[string]string{}}
	for i := range receivers {
		r := &receivers[i]
		for j := range r.SlackConfigs {
			to.at("receivers[%d].slack_configs[%d]", i, j).slack(&r.SlackConfigs[j])
		}
		for j := range r.EmailConfigs {
			to.at("receivers[%d].email_configs[%d]", i, j).email(&r.EmailConfigs[j])
		}
		for j := range r.PagerdutyConfigs {
			to.at("receivers[%d].pagerduty_configs[%d]", i, j).pagerduty(&r.PagerdutyConfigs[j])
		}
		for j := range r.WebhookConfigs {
			give(to.at("receivers[%d].webhook_configs[%d]", i, j), "http_config", &r.WebhookConfigs[j].HTTPConfig, "http_config", g.HTTPConfig)
		}
	}
	return to
}

// Give fills in what the integrations of a receiver leave out, in its lists.
func (g Global) Give(r Receiver) { g.give([]Receiver{r}, func(string) bool { return false }) }

func (g giver) at(format string, receiver, integration int) giver {
	g.path = fmt.Sprintf(format, receiver, integration)
	return g
}

// give sets the key of an integration to what global has, unless it is set.
func give[T comparable](g giver, key string, to *T, global string, value T) {
	var none T
	if *to != none {
		return
	}
	*to = value
	g.came(key, global, value != none)
}

// came remembers where the value of a key came from.
func (g giver) came(key, global string, given bool) {
	if given || g.unread("global."+global) {
		g.from[strings.TrimSuffix(g.path+"."+key, ".")] = "global." + global
	}
}

// giveSecret is give for one that may be in a file. Where global has both, that is told of global.
func giveSecret[T ~string](g giver, key string, to *T, file *string, global string, value T, valueFile string) {
	if string(*to)+*file != "" {
		return
	}
	give(g, key, to, global, value)
	if value == "" {
		give(g, key+"_file", file, global+"_file", valueFile)
	}
}

func (g giver) slack(c *slack.Config) {
	give(g, "app_url", &c.AppURL, "slack_app_url", g.SlackAppURL)
	ownAddress, ownToken := string(c.APIURL)+c.APIURLFile != "", string(c.AppToken)+c.AppTokenFile != ""
	authorized := c.HTTPConfig != nil && c.HTTPConfig.Authorization != nil
	give(g, "http_config", &c.HTTPConfig, "http_config", g.HTTPConfig)
	if !ownAddress && !ownToken {
		for _, key := range []string{"slack_app_token", "slack_app_token_file", "slack_api_url", "slack_api_url_file"} {
			if g.unread("global." + key) {
				g.came("", key, true) // it may be all that is missing
			}
		}
	}
	if !ownAddress && !authorized {
		giveSecret(g, "app_token", &c.AppToken, &c.AppTokenFile, "slack_app_token", g.SlackAppToken, g.SlackAppTokenFile)
	}
	if string(c.AppToken)+c.AppTokenFile == "" {
		giveSecret(g, "api_url", &c.APIURL, &c.APIURLFile, "slack_api_url", g.SlackAPIURL, g.SlackAPIURLFile)
	}
	*c = c.WithToken()
}

func (g giver) email(c *email.Config) {
	give(g, "smarthost", &c.Smarthost, "smtp_smarthost", g.SMTPSmarthost)
	give(g, "from", &c.From, "smtp_from", g.SMTPFrom)
	give(g, "hello", &c.Hello, "smtp_hello", g.SMTPHello)
	give(g, "auth_username", &c.AuthUsername, "smtp_auth_username", g.SMTPAuthUsername)
	give(g, "auth_identity", &c.AuthIdentity, "smtp_auth_identity", g.SMTPAuthIdentity)
	if c.AuthUsername != "" { // without one nobody logs in
		for _, key := range []string{"smtp_auth_password", "smtp_auth_password_file", "smtp_auth_secret", "smtp_auth_secret_file"} {
			if g.unread("global." + key) {
				g.came("auth_username", key, true) // it may be all that is missing
			}
		}
		giveSecret(g, "auth_password", &c.AuthPassword, &c.AuthPasswordFile,
			"smtp_auth_password", g.SMTPAuthPassword, g.SMTPAuthPasswordFile)
		giveSecret(g, "auth_secret", &c.AuthSecret, &c.AuthSecretFile, "smtp_auth_secret", g.SMTPAuthSecret, g.SMTPAuthSecretFile)
	}
	give(g, "require_tls", &c.RequireTLS, "smtp_require_tls", g.SMTPRequireTLS)
	give(g, "force_implicit_tls", &c.ForceImplicitTLS, "smtp_force_implicit_tls", g.SMTPForceImplicitTLS)
	give(g, "tls_config", &c.TLSConfig, "smtp_tls_config", g.SMTPTLSConfig)
}

// pagerduty gives an address to a routing key alone: Alertmanager's is that of the API which routing keys are for.
func (g giver) pagerduty(c *pagerduty.Config) {
	give(g, "http_config", &c.HTTPConfig, "http_config", g.HTTPConfig)
	if string(c.ServiceKey)+c.ServiceKeyFile == "" {
		give(g, "url", &c.URL, "pagerduty_url", g.PagerdutyURL)
	}
}

// placed are problems with what was given where it came from.
func (g giver) placed(problems []problem.Problem) []problem.Problem {
	for i, p := range problems {
		for path := p.Path; path != ""; path = path[:max(strings.LastIndexAny(path, ".["), 0)] {
			// A path of a whole integration stands for what it lacks.
			if from, given := g.from[path]; given && (path == p.Path || !strings.HasSuffix(path, "]")) {
				problems[i].Path = from + p.Path[len(path):]
				break
			}
		}
	}
	return problems
}
