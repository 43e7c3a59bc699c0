package httpclient

import (
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"

	commoncfg "github.com/prometheus/common/config"
	"golang.org/x/net/http/httpguts"

	"github.com/alertvitals/notifier/config/problem"
)

// Validate says what is wrong with c, which may be nil: nothing is configured. No secret is in what it says. It reads the files of
// tls_config, which the client reads when it is made; those that hold other secrets are read at each use, and need not be there.
func (c *Config) Validate() []problem.Problem {
	if c == nil {
		return nil
	}
	var problems []problem.Problem
	given := func(set map[string]bool, keys ...string) (names []string) {
		for _, key := range keys {
			if set[key] {
				names = append(names, key)
			}
		}
		return names
	}
	one := func(path string, set map[string]bool, keys ...string) {
		if names := given(set, keys...); len(names) > 1 {
			problems = append(problems, problem.Problem{
				Path: path + names[1], Msg: strings.Join(names, " and ") + " are set, want one of them",
			})
		}
	}
	one("", map[string]bool{
		"basic_auth": c.BasicAuth != nil, "authorization": c.Authorization != nil, "oauth2": c.OAuth2 != nil,
		"bearer_token": c.BearerToken != "", "bearer_token_file": c.BearerTokenFile != "",
	}, "basic_auth", "authorization", "oauth2", "bearer_token", "bearer_token_file")
	if b := c.BasicAuth; b != nil {
		one("basic_auth.", map[string]bool{"username": b.Username != "", "username_file": b.UsernameFile != ""}, "username", "username_file")
		one("basic_auth.", map[string]bool{"password": b.Password != "", "password_file": b.PasswordFile != ""}, "password", "password_file")
	}
	if a := c.Authorization; a != nil {
		one("authorization.", map[string]bool{"credentials": a.Credentials != "", "credentials_file": a.CredentialsFile != ""},
			"credentials", "credentials_file")
		if strings.EqualFold(strings.TrimSpace(a.Type), "basic") {
			problems = append(problems, problem.Problem{Path: "authorization.type", Msg: `must not be "basic"; use basic_auth`})
		}
	}
	if o := c.OAuth2; o != nil {
		one("oauth2.", map[string]bool{"client_secret": o.ClientSecret != "", "client_secret_file": o.ClientSecretFile != ""},
			"client_secret", "client_secret_file")
		if o.ClientID == "" {
			problems = append(problems, problem.Problem{Path: "oauth2.client_id", Msg: "is missing"})
		}
		if o.TokenURL == "" {
			problems = append(problems, problem.Problem{Path: "oauth2.token_url", Msg: "is missing"})
		}
		if o.ClientSecret == "" && o.ClientSecretFile == "" && o.ClientCertificateKey == "" && o.ClientCertificateKeyFile == "" {
			problems = append(problems, problem.Problem{Path: "oauth2.client_secret", Msg: "is missing; set client_secret_file"})
		}
		problems = append(problems, problem.Under("oauth2.tls_config", ValidateTLS(&o.TLSConfig))...)
	}
	problems = append(problems, problem.Under("tls_config", ValidateTLS(&c.TLSConfig))...)
	problems = append(problems, problem.Under("http_headers", c.validateHeaders())...)
	if len(problems) == 0 {
		cfg := c.Common()
		if err := cfg.Validate(); err != nil {
			problems = append(problems, problem.Problem{Msg: err.Error()})
		}
	}
	return problems
}

// validateHeaders says which headers cannot be sent. A value is not repeated: it may be a secret that stands in the wrong place.
func (c *Config) validateHeaders() []problem.Problem {
	var problems []problem.Problem
	for _, name := range slices.Sorted(maps.Keys(c.HTTPHeaders)) {
		header := c.HTTPHeaders[name]
		if _, reserved := commoncfg.ReservedHeaders[http.CanonicalHeaderKey(name)]; reserved {
			problems = append(problems, problem.Problem{Path: name, Msg: "is set by the notifier itself; for a token or a password use authorization or basic_auth"})
			continue
		}
		if !httpguts.ValidHeaderFieldName(name) {
			problems = append(problems, problem.Problem{Path: name, Msg: "is no name of a header; want letters, digits and hyphens"})
			continue
		}
		wrong := func(list string, i int) {
			problems = append(problems, problem.Problem{
				Path: fmt.Sprintf("%s.%s[%d]", name, list, i), Msg: "cannot be sent in a header: it has a line break or another control character",
			})
		}
		for i, value := range header.Values {
			if !httpguts.ValidHeaderFieldValue(value) {
				wrong("values", i)
			}
		}
		for i, secret := range header.Secrets {
			if !httpguts.ValidHeaderFieldValue(string(secret)) {
				wrong("secrets", i)
			}
		}
		if len(header.Values)+len(header.Secrets)+len(header.Files) == 0 {
			problems = append(problems, problem.Problem{Path: name, Msg: "says nothing; give it values, secrets or files"})
		}
	}
	return problems
}

// ValidateTLS says what is wrong with c, which may be nil, and with the files that it names: each must be there when the
// configuration is loaded.
func ValidateTLS(c *commoncfg.TLSConfig) []problem.Problem {
	if c == nil {
		return nil
	}
	var problems []problem.Problem
	for _, f := range []struct{ key, path string }{{"ca_file", c.CAFile}, {"cert_file", c.CertFile}, {"key_file", c.KeyFile}} {
		if why := unreadable(f.path); why != "" {
			problems = append(problems, problem.Problem{Path: f.key, Msg: shown(f.path) + " " + why})
		}
	}
	tls := *c
	if err := tls.Validate(); err != nil {
		return append(problems, problem.Problem{Msg: err.Error()})
	}
	if len(problems) > 0 {
		return problems
	}
	if _, err := commoncfg.NewTLSConfig(&tls); err != nil {
		problems = append(problems, problem.Problem{Msg: err.Error()})
	}
	return problems
}

// shown is a path, unless what is there is no path but a key by mistake.
func shown(path string) string {
	if strings.ContainsAny(path, "\n") || len(path) > 250 {
		return "the file"
	}
	return path
}

// unreadable is why a file cannot be read, "" when it can or none is named. What is no file that ends is never opened.
func unreadable(path string) string {
	if path == "" {
		return ""
	}
	info, err := os.Stat(path)
	switch {
	case os.IsNotExist(err):
		return "does not exist"
	case err != nil:
		return "cannot be read"
	case !info.Mode().IsRegular():
		return "is no file"
	}
	file, err := os.Open(path)
	if err != nil {
		return "cannot be read"
	}
	_ = file.Close() // nothing was written
	return ""
}
