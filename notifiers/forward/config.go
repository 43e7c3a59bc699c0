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
	// URL is where to post. It is a secret, because many such addresses are their own password.
	URL commoncfg.Secret `yaml:"url,omitempty"`
	// URLFile is a file that holds it, read at each use.
	URLFile string `yaml:"url_file,omitempty"`
	// Secret is what signs each post, as docs/webhooks.md tells; one that begins with whsec_ goes on in base64. Without one nothing is
	// signed.
	Secret commoncfg.Secret `yaml:"secret,omitempty"`
	// SecretFile is a file that holds it, read at each use.
	SecretFile string `yaml:"secret_file,omitempty"`
	// MaxAlerts is how many alerts a post holds at most; 0 is all of them.
	MaxAlerts uint64 `yaml:"max_alerts,omitempty"`
	// SendResolved is whether what is over is told too.
	SendResolved *bool `yaml:"send_resolved,omitempty"`
	// HTTPConfig is how to speak HTTP with the far side.
	HTTPConfig *httpclient.Config `yaml:"http_config,omitempty"`
	// Timeout bounds one request.
	Timeout model.Duration `yaml:"timeout,omitempty"`
	// Payload is Alertmanager's way to post something else. The notifier has none: it always posts Alertmanager's payload with the
	// snapshot, and refuses this key.
	Payload any `yaml:"payload,omitempty"`
}

// WithDefaults is c with the defaults in place of what it leaves out.
func (c Config) WithDefaults() Config {
	if c.SendResolved == nil {
		c.SendResolved = new(true)
	}
	if c.Timeout == 0 {
		c.Timeout = model.Duration(defaultTimeout)
	}
	return c
}

// SendsResolved is whether what is over is told too.
func (c Config) SendsResolved() bool { return *c.WithDefaults().SendResolved }

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
