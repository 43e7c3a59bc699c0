package slack

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	commoncfg "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"

	"github.com/alertvitals/notifier/config/httpclient"
	"github.com/alertvitals/notifier/config/problem"
	"github.com/alertvitals/notifier/config/secretfile"
)

const (
	defaultAPIBaseURL = "https://slack.com/api/"
	defaultTimeout    = 10 * time.Second
	// longestTimeout leaves room within the time that one try may take.
	longestTimeout = 20 * time.Second
)

// Config is one entry of slack_configs, with Alertmanager's names:
// https://prometheus.io/docs/alerting/latest/configuration/#slack_config
//
// Exactly one of APIURL, APIURLFile, AppToken and AppTokenFile is set. Texts are Go templates over Alertmanager's data and .Snapshot;
// one that is left out, or says nothing, leaves the notifier's own.
type Config struct {
	// APIURL is the address of an incoming webhook. Its messages can be neither edited nor answered in a thread.
	APIURL commoncfg.Secret `yaml:"api_url,omitempty"`
	// APIURLFile is a file that holds it, read at each use.
	APIURLFile string `yaml:"api_url_file,omitempty"`
	// AppToken is a bot token (xoxb-…) with the scope chat:write, and chat:write.public for channels that the bot is not in. With it a
	// group is one living message with a thread.
	AppToken commoncfg.Secret `yaml:"app_token,omitempty"`
	// AppTokenFile is a file that holds it, read at each use.
	AppTokenFile string `yaml:"app_token_file,omitempty"`
	// Channel is a channel's name ("#agent-alerts") or its ID. A bot token needs it; an incoming webhook has its own
	// channel and, unless it is a legacy one, ignores it.
	Channel string `yaml:"channel,omitempty"`
	// APIBaseURL is where Slack's API is, when a gateway stands in for Slack.
	APIBaseURL string `yaml:"api_base_url,omitempty"`
	// HTTPConfig is how to speak HTTP with Slack.
	HTTPConfig *httpclient.Config `yaml:"http_config,omitempty"`
	// Mentions is whom a fresh message that fires, and the news in its thread, ping: a list of IDs of user groups (S…) and users (U…,
	// W…), or here, channel or everyone; or such a list for each of critical, warning and info. An edit pings nobody, and neither does
	// news of what ended.
	Mentions Mentions `yaml:"mentions,omitempty"`
	// ReplyBroadcast is whether the news in the thread are shown in the channel too.
	ReplyBroadcast bool `yaml:"reply_broadcast,omitempty"`
	// RateLimit is how many messages may be sent to the channel in a second, after a burst of ten. Slack allows one
	// (https://docs.slack.dev/apis/web-api/rate-limits); 0 is no limit.
	RateLimit *float64 `yaml:"rate_limit,omitempty"`

	Words `yaml:",inline"`

	// UpdateMessage is taken from Alertmanager's receivers and means nothing: a bot's message is always edited.
	UpdateMessage bool `yaml:"update_message,omitempty"`
	// LinkNames is taken from Alertmanager's receivers and means nothing: only mentions ping.
	LinkNames bool `yaml:"link_names,omitempty"`
	// MrkdwnIn is taken from Alertmanager's receivers and means nothing.
	MrkdwnIn []string `yaml:"mrkdwn_in,omitempty"`
	// CallbackID is taken from Alertmanager's receivers and means nothing.
	CallbackID string `yaml:"callback_id,omitempty"`
	// AppURL is Alertmanager's form of api_base_url: the address of Slack's method chat.postMessage.
	AppURL string `yaml:"app_url,omitempty"`

	// SendResolved is whether a group that is over is told too.
	SendResolved *bool `yaml:"send_resolved,omitempty"`
	// Timeout bounds one request, at most 20s.
	Timeout model.Duration `yaml:"timeout,omitempty"`
}

// WithDefaults is c with the defaults in place of what it leaves out.
func (c Config) WithDefaults() Config {
	if c.APIBaseURL == "" {
		c.APIBaseURL = defaultAPIBaseURL
	}
	if c.RateLimit == nil {
		c.RateLimit = new(1.0)
	}
	if c.SendResolved == nil {
		c.SendResolved = new(true)
	}
	if c.Timeout == 0 {
		c.Timeout = model.Duration(defaultTimeout)
	}
	return c
}

// PostMessage is the address of the method that Alertmanager calls with a bot's token.
const PostMessage = defaultAPIBaseURL + method

const method = "chat.postMessage"

// WithToken is c with the forms that Alertmanager has in that of its own: a token that stands in http_config and is for the address of
// chat.postMessage is an app_token, and app_url gives the api_base_url.
func (c Config) WithToken() Config {
	if c.HTTPConfig != nil && strings.HasSuffix(string(c.APIURL), "/"+method) {
		token, file, rest := c.HTTPConfig.WithoutToken()
		if token != "" || file != "" {
			c.AppToken, c.AppTokenFile, c.AppURL, c.APIURL, c.HTTPConfig = token, file, string(c.APIURL), "", &rest
		}
	}
	if c.usesToken() && c.APIBaseURL == "" && parseAddress(c.AppURL) != nil {
		c.APIBaseURL = strings.TrimSuffix(c.AppURL, method)
	}
	return c
}

// SendsResolved is whether a group that is over is told too.
func (c Config) SendsResolved() bool { return *c.WithDefaults().SendResolved }

// Pace is how many messages may be sent in a second, 0 without a limit.
func (c Config) Pace() float64 { return *c.WithDefaults().RateLimit }

// Validate is what is wrong with the configuration. It reads no secret from a file: the one that checks a configuration need not be
// the one that holds the secrets.
func (c Config) Validate() []problem.Problem {
	var problems []problem.Problem
	add := func(path, msg string) { problems = append(problems, problem.Problem{Path: path, Msg: msg}) }

	var set []string
	for _, credential := range []struct {
		name  string
		given bool
	}{
		{"api_url", c.APIURL != ""},
		{"api_url_file", c.APIURLFile != ""},
		{"app_token", c.AppToken != ""},
		{"app_token_file", c.AppTokenFile != ""},
	} {
		if credential.given {
			set = append(set, credential.name)
		}
	}
	switch len(set) {
	case 0:
		add("", "nothing says how to reach Slack: set app_token_file (a bot token) or api_url_file (an incoming webhook)")
	case 1:
	default:
		add(set[1], fmt.Sprintf("%s are both set, want one of them", strings.Join(set[:2], " and ")))
	}
	if c.usesToken() && c.Channel == "" {
		add("channel", "a bot token needs a channel: a name, in quotes because of its # ('#agent-alerts'), or an ID")
	}
	if c.APIURL != "" && parseAddress(string(c.APIURL)) == nil {
		add("api_url", "this is not an http or https address")
	}
	for _, address := range []struct{ key, is string }{{"api_base_url", c.APIBaseURL}, {"app_url", c.AppURL}} {
		if address.is != "" && parseAddress(address.is) == nil {
			add(address.key, "this is not an http or https address")
		}
	}
	if t := time.Duration(c.Timeout); t < 0 || t > longestTimeout {
		add("timeout", "must be between 0 (10 s) and 20s")
	}
	if c.RateLimit != nil && *c.RateLimit < 0 {
		add("rate_limit", "must be how many messages a second there may be, or 0 for no limit")
	}
	problems = append(problems, problem.Under("http_config", c.HTTPConfig.Validate())...)
	problems = append(problems, problem.Under("mentions", c.Mentions.validate())...)
	return problems
}

func (c Config) usesToken() bool { return c.AppToken != "" || c.AppTokenFile != "" }

func (c Config) apiBase() string {
	return strings.TrimSuffix(c.WithDefaults().APIBaseURL, "/") + "/"
}

func (c Config) requestTimeout() time.Duration { return time.Duration(c.WithDefaults().Timeout) }

// credential is the bot token or the webhook's address, freshly read where it is in a file.
func (c Config) credential() (string, error) {
	given, file := c.APIURL, c.APIURLFile
	if c.usesToken() {
		given, file = c.AppToken, c.AppTokenFile
	}
	if given != "" {
		return string(given), nil
	}
	secret, err := secretfile.Read(file)
	if err != nil {
		return "", fmt.Errorf("reading Slack's credentials: %w", err)
	}
	return secret, nil
}

// parseAddress is nil for what is not an absolute http address. It has no error, because one would hold the address.
func parseAddress(address string) *url.URL {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil
	}
	return u
}
