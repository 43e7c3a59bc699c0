package forward

import (
	"encoding/base64"
	"strings"
	"time"

	commoncfg "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"

	"github.com/alertvitals/notifier/config/httpclient"
	"github.com/alertvitals/notifier/config/problem"
	"github.com/alertvitals/notifier/notifiers/post"
)

const defaultTimeout = 10 * time.Second

// Config is one entry of webhook_configs, with Alertmanager's names:
// https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
type Config struct {
	// URL is where to post; it is a secret, because many such addresses are their own password.
	URL commoncfg.Secret `yaml:"url,omitempty"`
	// URLFile names a file that holds it; it is read at each use.
	URLFile string `yaml:"url_file,omitempty"`
	// Secret signs what is posted; without one nothing is signed. One that begins with "whsec_" is base64.
	Secret commoncfg.Secret `yaml:"secret,omitempty"`
	// SecretFile names a file that holds it; it is read at each use.
	SecretFile string `yaml:"secret_file,omitempty"`
	// MaxAlerts is how many alerts a payload holds at most; 0 is all of them.
	MaxAlerts uint64 `yaml:"max_alerts,omitempty"`
	// SendResolved is whether what is over is told too; nil means yes.
	SendResolved *bool              `yaml:"send_resolved,omitempty"`
	HTTPConfig   *httpclient.Config `yaml:"http_config,omitempty"`
	// Timeout bounds one request; 10 s unless given.
	Timeout model.Duration `yaml:"timeout,omitempty"`
	// Payload is Alertmanager's way to post something else, which the notifier does not have.
	Payload any `yaml:"payload,omitempty"`
}

// SendsResolved is whether what is over is told too.
func (c Config) SendsResolved() bool { return c.SendResolved == nil || *c.SendResolved }

// Validate is what is wrong with the configuration. It reads no secret from a file.
func (c Config) Validate() []problem.Problem {
	var problems []problem.Problem
	add := func(path, msg string) { problems = append(problems, problem.Problem{Path: path, Msg: msg}) }
	address := string(c.URL)
	switch {
	case address == "" && c.URLFile == "":
		add("", "nothing says where to post: set url or url_file")
	case address != "" && c.URLFile != "":
		add("url_file", "url and url_file are both set, want one of them")
	case strings.Contains(address, "{{"):
		add("url", "an address cannot be a template; make a receiver for each address, and routes that lead to them")
	case address != "" && post.Address(address) == nil:
		add("url", "this is not an http or https address")
	}
	switch secret := string(c.Secret); {
	case secret != "" && c.SecretFile != "":
		add("secret_file", "secret and secret_file are both set, want one of them")
	case secret != "":
		if _, err := keyOf(secret); err != nil {
			add("secret", err.Error())
		}
	}
	if c.Timeout < 0 {
		add("timeout", "must not be negative")
	}
	if c.Payload != nil {
		add("payload", "what is posted is always Alertmanager's payload with the snapshot; leave this out")
	}
	return append(problems, problem.Under("http_config", c.HTTPConfig.Validate())...)
}

// keyOf are the bytes that sign. The error holds nothing of the secret.
func keyOf(secret string) ([]byte, error) {
	text, encoded := strings.CutPrefix(secret, "whsec_")
	if !encoded {
		return []byte(secret), nil
	}
	key, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(key) == 0 {
		return nil, errNotBase64
	}
	return key, nil
}
