package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"regexp"

	"github.com/alecthomas/kingpin/v2"
	commoncfg "github.com/prometheus/common/config"
)

// notifierFlags say which running notifier is asked, and how.
type notifierFlags struct {
	url        **url.URL
	httpConfig *string
}

// addNotifierFlags adds them to a command; usual is asked when nobody says another one, none when it is "".
func addNotifierFlags(cmd *kingpin.CmdClause, help, usual string) notifierFlags {
	at := cmd.Flag("url", help).PlaceHolder("URL")
	if usual != "" {
		at.Default(usual).PlaceHolder(usual)
	}
	f := notifierFlags{
		url: new(*url.URL),
		httpConfig: cmd.Flag("http.config.file", "How to speak with it: Prometheus's http_config (authorization, basic_auth, tls_config) as a YAML file.").
			PlaceHolder("FILE").ExistingFile(),
	}
	at.SetValue(address{f.url})
	return f
}

// address is the value of --url: kingpin's own shows people the errors of net/url.
type address struct{ to **url.URL }

func (a address) Set(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return errors.New("want an address like http://localhost:9095")
	}
	*a.to = u
	return nil
}

func (a address) String() string {
	if *a.to == nil {
		return ""
	}
	return (*a.to).Redacted()
}

// validate says what of the flags makes no sense.
func (f notifierFlags) validate() error {
	if *f.url == nil && *f.httpConfig != "" {
		return errors.New("--http.config.file goes with --url")
	}
	return nil
}

// client asks the notifier.
func (f notifierFlags) client() (*client, error) {
	c := &client{base: *f.url, http: &http.Client{Timeout: clientTimeout}}
	if *f.httpConfig == "" {
		return c, nil
	}
	cfg, _, err := commoncfg.LoadHTTPConfigFile(*f.httpConfig)
	if err != nil {
		return nil, unreadable(*f.httpConfig, err)
	}
	if c.http, err = commoncfg.NewClientFromConfig(*cfg, "notifier", commoncfg.WithHTTP2Disabled()); err != nil {
		return nil, fmt.Errorf("--http.config.file %s: %w", *f.httpConfig, err)
	}
	c.http.Timeout = clientTimeout
	return c, nil
}

// place is where in a file of YAML something is wrong.
var place = regexp.MustCompile(`line \d+`)

// unreadable is what is wrong with a file of credentials. What the YAML library says of it may quote them.
func unreadable(path string, err error) error {
	var open *fs.PathError
	if errors.As(err, &open) {
		return fmt.Errorf("--http.config.file: %w", open)
	}
	at := ""
	if line := place.FindString(err.Error()); line != "" {
		at = ", " + line
	}
	return fmt.Errorf("--http.config.file: %s%s: this is no http_config as Prometheus has it: "+
		"https://prometheus.io/docs/prometheus/latest/configuration/configuration/#http_config", path, at)
}
