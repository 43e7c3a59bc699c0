package main

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"strings"

	"github.com/goccy/go-yaml"
	exporterweb "github.com/prometheus/exporter-toolkit/web"

	"github.com/alertvitals/notifier/web/bearer"
)

// webFlags are what the command line says about our own port.
type webFlags struct {
	toolkit        *exporterweb.FlagConfig
	externalURL    **url.URL
	routePrefix    *string
	maxConnections *int
}

// defaultMaxConnections is Prometheus's.
const defaultMaxConnections = 512

// port is what is said about our own port. Its zero value has the defaults.
type port struct {
	prefix, origin string
	// externalURL is where people reach us, nil when nobody says.
	externalURL    *url.URL
	maxConnections int
	// webConfig is the path of a web configuration file, "" for none.
	webConfig string
}

func (f webFlags) port() port {
	return port{prefix: f.prefix(), origin: f.origin(), externalURL: *f.externalURL, maxConnections: *f.maxConnections, webConfig: *f.toolkit.WebConfigFile}
}

// plainPath is what may stand before every path.
var plainPath = regexp.MustCompile(`^(/[A-Za-z0-9._~-]+)*$`)

// validate says what of the flags makes no sense.
func (f webFlags) validate() error {
	if u := *f.externalURL; u != nil && (u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "") {
		return errors.New("--web.external-url must be an address like https://example.com/notifier/")
	}
	if !plainPath.MatchString(f.prefix()) {
		return fmt.Errorf("--web.route-prefix: %q is no path like /notifier, of letters, digits and ._~-", f.prefix())
	}
	if *f.maxConnections < 1 {
		return errors.New("--web.max-connections must be at least 1")
	}
	return nil
}

// prefix is before every path: that of the external URL unless the command line has another. "" is none.
func (f webFlags) prefix() string {
	prefix := *f.routePrefix
	if u := *f.externalURL; prefix == "" && u != nil {
		prefix = u.Path
	}
	if prefix = strings.Trim(prefix, "/"); prefix == "" {
		return ""
	}
	return "/" + prefix
}

// origin is where browsers find us, "" when nobody says.
func (f webFlags) origin() string {
	u := *f.externalURL
	if u == nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// check says what keeps senders from getting in who show these tokens. It is for the person who starts or reloads the notifier: the web
// configuration file and that of the tokens are read again for each request.
func (p port) check(tokens bearer.Config) error {
	if err := tokens.Check(); err != nil {
		return err
	}
	path := p.webConfig
	if path == "" {
		return nil
	}
	if err := exporterweb.Validate(path); err != nil {
		return fmt.Errorf("reading --web.config.file: %w", err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("reading --web.config.file: %w", err)
	}
	var has struct {
		Users map[string]any `yaml:"basic_auth_users"`
		Limit map[string]any `yaml:"rate_limit"`
	}
	if err := yaml.Unmarshal(text, &has); err != nil {
		return errors.New("reading --web.config.file: basic_auth_users and rate_limit must be mappings")
	}
	switch {
	case has.Limit["interval"] != nil:
		return errors.New("--web.config.file has a rate_limit: it would answer webhooks with 429, which Alertmanager does not send again, " +
			"so alerts would be lost; take it out")
	case len(has.Users) > 0 && tokens.Guards():
		return errors.New("--web.config.file has basic_auth_users and the configuration has web.bearer_tokens: both come in the header " +
			"Authorization, so nobody could send both; use one of them (client certificates go with either)")
	}
	return nil
}
