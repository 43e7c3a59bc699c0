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

// addNotifierFlags adds them to a command; address is asked when nobody says another one, none when it is "".
func addNotifierFlags(cmd *kingpin.CmdClause, help, address string) notifierFlags {
	at := cmd.Flag("url", help).PlaceHolder("URL")
	if address != "" {
		at.Default(address).PlaceHolder(address)
	}
	return notifierFlags{
		url: at.URL(),
		httpConfig: cmd.Flag("http.config.file", "How to speak with it: Prometheus's http_config (authorization, basic_auth, tls_config) as a YAML file.").
			PlaceHolder("FILE").ExistingFile(),
	}
}

// validate says what of the flags makes no sense.
func (f notifierFlags) validate() error {
	switch u := *f.url; {
	case u == nil && *f.httpConfig != "":
		return errors.New("--http.config.file goes with --url")
	case u == nil:
		return nil
	case u.Scheme != "http" && u.Scheme != "https", u.Host == "":
		return errors.New("--url must be an address like http://localhost:9095")
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
