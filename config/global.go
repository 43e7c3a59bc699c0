package config

import (
	"cmp"
	"strings"

	commoncfg "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"

	"github.com/alertvitals/notifier/config/httpclient"
	"github.com/alertvitals/notifier/config/problem"
	"github.com/alertvitals/notifier/notifiers/email"
	"github.com/alertvitals/notifier/notifiers/forward"
	"github.com/alertvitals/notifier/notifiers/pagerduty"
	"github.com/alertvitals/notifier/notifiers/slack"
)

// Global is what receivers have in common, as Alertmanager has it, so that its receivers work as they are:
// https://prometheus.io/docs/alerting/latest/configuration/#file-layout-and-global-settings
type Global struct {
	// SlackAPIURL is the api_url of each Slack integration that says nothing of how to reach Slack. It is a secret.
	SlackAPIURL commoncfg.Secret `yaml:"slack_api_url"`
	// SlackAPIURLFile names a file that holds it; it is read at each use.
	SlackAPIURLFile string `yaml:"slack_api_url_file"`
	// SlackAppToken is the app_token of each Slack integration that says nothing of how to reach Slack.
	SlackAppToken commoncfg.Secret `yaml:"slack_app_token"`
	// SlackAppTokenFile names a file that holds it; it is read at each use.
	SlackAppTokenFile string `yaml:"slack_app_token_file"`
	// SlackAppURL is the app_url of each Slack integration that has none.
	SlackAppURL string `yaml:"slack_app_url"`
	// PagerdutyURL is the url of each PagerDuty integration that has a routing key, and no url.
	PagerdutyURL string `yaml:"pagerduty_url"`
	// SMTPSmarthost is the smarthost of each email integration that has none, as host:port.
	SMTPSmarthost string `yaml:"smtp_smarthost"`
	// SMTPFrom is the sender of each email integration that has none.
	SMTPFrom string `yaml:"smtp_from"`
	// SMTPHello is the hello of each email integration that has none.
	SMTPHello string `yaml:"smtp_hello"`
	// SMTPAuthUsername is the auth_username of each email integration that has none.
	SMTPAuthUsername string `yaml:"smtp_auth_username"`
	// SMTPAuthPassword is the password of each email integration that has a name to log in with, and no password.
	SMTPAuthPassword commoncfg.Secret `yaml:"smtp_auth_password"`
	// SMTPAuthPasswordFile names a file that holds it; it is read at each use.
	SMTPAuthPasswordFile string `yaml:"smtp_auth_password_file"`
	// SMTPAuthSecret is the secret for CRAM-MD5 of each email integration that has a name to log in with, and no such secret.
	SMTPAuthSecret commoncfg.Secret `yaml:"smtp_auth_secret"`
	// SMTPAuthSecretFile names a file that holds it; it is read at each use.
	SMTPAuthSecretFile string `yaml:"smtp_auth_secret_file"`
	// SMTPAuthIdentity is the auth_identity of each email integration that has none.
	SMTPAuthIdentity string `yaml:"smtp_auth_identity"`
	// SMTPRequireTLS is the require_tls of each email integration that has none.
	SMTPRequireTLS *bool `yaml:"smtp_require_tls"`
	// SMTPForceImplicitTLS is the force_implicit_tls of each email integration that has none.
	SMTPForceImplicitTLS *bool `yaml:"smtp_force_implicit_tls"`
	// SMTPTLSConfig is the tls_config of each email integration that has none.
	SMTPTLSConfig *commoncfg.TLSConfig `yaml:"smtp_tls_config"`
	// HTTPConfig is the http_config of each Slack, PagerDuty and webhook integration that has none.
	HTTPConfig *httpclient.Config `yaml:"http_config"`
	// ResolveTimeout is taken and means nothing: Alertmanager says what is resolved.
	ResolveTimeout model.Duration `yaml:"resolve_timeout"`
}

// Validate is what is wrong with it, whether or not an integration takes it.
func (g Global) Validate() []problem.Problem {
	var problems []problem.Problem
	exclusive := func(key string, value, file string) {
		if value != "" && file != "" {
			problems = append(problems, problem.Problem{Path: key + "_file", Msg: "give either this or " + key})
		}
	}
	exclusive("slack_api_url", string(g.SlackAPIURL), g.SlackAPIURLFile)
	exclusive("slack_app_token", string(g.SlackAppToken), g.SlackAppTokenFile)
	exclusive("smtp_auth_password", string(g.SMTPAuthPassword), g.SMTPAuthPasswordFile)
	exclusive("smtp_auth_secret", string(g.SMTPAuthSecret), g.SMTPAuthSecretFile)
	// Alertmanager, too, takes both when the address is the one that the token is used with.
	address := string(g.SlackAPIURL) + g.SlackAPIURLFile
	if address != "" && address != cmp.Or(g.SlackAppURL, slack.PostMessage) && string(g.SlackAppToken)+g.SlackAppTokenFile != "" {
		problems = append(problems, problem.Problem{
			Path: "slack_api_url", Msg: "give either this or a token: a token's messages are edited, those of an incoming webhook are not",
		})
	}
	// All else is what an integration would have against it that lacks nothing else.
	taker := []Receiver{{
		Name:             "taker",
		SlackConfigs:     []slack.Config{{Channel: "#channel"}},
		EmailConfigs:     []email.Config{{To: "taker@example.com", AuthPassword: "password"}},
		PagerdutyConfigs: []pagerduty.Config{{RoutingKey: "key"}},
		WebhookConfigs:   []forward.Config{{URL: "http://taker.example.com/"}},
	}}
	given := g.give(taker, func(string) bool { return false })
	for _, p := range given.placed(problem.Under("receivers[0]", taker[0].validate())) {
		if path, ours := strings.CutPrefix(p.Path, "global."); ours {
			p.Path = path
			problems = append(problems, p)
		}
	}
	return problems
}
