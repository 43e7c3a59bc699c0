package email

import (
	"cmp"
	"fmt"
	"net"
	"net/mail"
	"net/textproto"
	"regexp"
	"slices"
	"strconv"
	"strings"

	commoncfg "github.com/prometheus/common/config"

	"github.com/alertvitals/notifier/config/httpclient"
	"github.com/alertvitals/notifier/config/problem"
	"github.com/alertvitals/notifier/config/secretfile"
)

// mostRecipients bounds one mail; more than that is a mailing list, which has an address of its own.
const mostRecipients = 100

// Config is one entry of email_configs, with Alertmanager's names:
// https://prometheus.io/docs/alerting/latest/configuration/#email_config
//
// Smarthost, To and From must be given, here or in the configuration's global part.
type Config struct {
	// To is the recipients, separated by commas. A template.
	To string `yaml:"to,omitempty"`
	// From is the sender, and where a mail that cannot be delivered comes back to. A template.
	From string `yaml:"from,omitempty"`
	// Smarthost is the server that takes the mails, as host:port.
	Smarthost string `yaml:"smarthost,omitempty"`
	// Hello is the name by which the server is greeted; this machine's, unless given.
	Hello string `yaml:"hello,omitempty"`
	// AuthUsername is who logs in; without one nobody does.
	AuthUsername string `yaml:"auth_username,omitempty"`
	// AuthPassword is the password for PLAIN and LOGIN.
	AuthPassword commoncfg.Secret `yaml:"auth_password,omitempty"`
	// AuthPasswordFile is a file that holds the password, read at each use.
	AuthPasswordFile string `yaml:"auth_password_file,omitempty"`
	// AuthSecret is the secret for CRAM-MD5; the password, unless given.
	AuthSecret commoncfg.Secret `yaml:"auth_secret,omitempty"`
	// AuthSecretFile is a file that holds that secret, read at each use.
	AuthSecretFile string `yaml:"auth_secret_file,omitempty"`
	// AuthIdentity is whom to act as, for PLAIN; who logs in, unless given.
	AuthIdentity string `yaml:"auth_identity,omitempty"`
	// AuthWithoutTLS is whether the password may be sent over a connection that anybody on the way can read; to this machine itself it
	// always is. Alertmanager has no such key.
	AuthWithoutTLS bool `yaml:"auth_without_tls,omitempty"`
	// RequireTLS is whether a server without STARTTLS gets no mail. When it is false, STARTTLS is not used.
	RequireTLS *bool `yaml:"require_tls,omitempty"`
	// ForceImplicitTLS is whether the connection begins with TLS; on port 465 it does, unless given.
	ForceImplicitTLS *bool `yaml:"force_implicit_tls,omitempty"`
	// TLSConfig is how TLS is spoken with the server.
	TLSConfig *commoncfg.TLSConfig `yaml:"tls_config,omitempty"`
	// Headers are added to each mail, or take the place of its own. Templates.
	Headers map[string]string `yaml:"headers,omitempty"`
	// HTML is the body for those who see HTML. A template.
	HTML string `yaml:"html,omitempty"`
	// Text is the body for those who do not. A template.
	Text string `yaml:"text,omitempty"`
	// SendResolved is whether a group that is over is told too.
	SendResolved *bool `yaml:"send_resolved,omitempty"`
	// Threading is which mails belong together; those of one incident, unless given.
	Threading *Threading `yaml:"threading,omitempty"`
}

// WithDefaults is c with the defaults in place of what it leaves out.
func (c Config) WithDefaults() Config {
	if c.RequireTLS == nil {
		c.RequireTLS = new(true)
	}
	if c.SendResolved == nil {
		c.SendResolved = new(true)
	}
	return c
}

// Threading is Alertmanager's: with it, and Alertmanager's own root, a thread that Alertmanager has begun goes on.
type Threading struct {
	// Enabled is whether mails make threads as Alertmanager's do. With false there are none.
	Enabled bool `yaml:"enabled,omitempty"`
	// ThreadByDate is either daily, for a thread of each group and day, or none, for one thread of each group for ever.
	ThreadByDate string `yaml:"thread_by_date,omitempty"`
}

const (
	byDay   = "daily"
	forEver = "none"
)

// SendsResolved is whether a group that is over is told too.
func (c Config) SendsResolved() bool { return *c.WithDefaults().SendResolved }

func (c Config) requiresTLS() bool { return *c.WithDefaults().RequireTLS }

func (c Config) implicitTLS() bool {
	_, port, _ := net.SplitHostPort(c.Smarthost)
	return c.ForceImplicitTLS == nil && port == "465" || c.ForceImplicitTLS != nil && *c.ForceImplicitTLS
}

// Validate is what is wrong with the configuration. It reads no secret from a file: the one that checks a configuration need not be
// the one that holds the secrets.
func (c Config) Validate() []problem.Problem {
	var problems []problem.Problem
	add := func(path, msg string) { problems = append(problems, problem.Problem{Path: path, Msg: msg}) }

	if msg := wrongRecipients(c.To); msg != "" {
		add("to", msg)
	}
	if msg := wrongSender(c.From); msg != "" {
		add("from", msg)
	}
	if msg := wrongSmarthost(c.Smarthost); msg != "" {
		add("smarthost", msg)
	}
	if c.Hello != "" && !helloName.MatchString(c.Hello) {
		add("hello", "this is no host name")
	}
	for _, pair := range []struct {
		name   string
		secret commoncfg.Secret
		file   string
	}{{"auth_password", c.AuthPassword, c.AuthPasswordFile}, {"auth_secret", c.AuthSecret, c.AuthSecretFile}} {
		if pair.secret != "" && pair.file != "" {
			add(pair.name+"_file", fmt.Sprintf("%s and %s_file are both set, want one of them", pair.name, pair.name))
		}
	}
	hasSecret := c.AuthPassword != "" || c.AuthPasswordFile != "" || c.AuthSecret != "" || c.AuthSecretFile != ""
	switch {
	case c.AuthUsername != "" && !hasSecret:
		add("auth_username", "a name needs a password: set auth_password_file")
	case c.AuthUsername == "" && hasSecret:
		add("auth_username", "is missing: there is a password, but not whose")
	}
	problems = append(problems, problem.Under("tls_config", httpclient.ValidateTLS(c.TLSConfig))...)
	if t := c.Threading; t != nil && t.Enabled && t.ThreadByDate != byDay && t.ThreadByDate != forEver {
		add("threading.thread_by_date", "want daily or none, or leave out threading: then each incident is a thread")
	}
	return append(problems, c.wrongHeaders()...)
}

func wrongRecipients(to string) string {
	switch list, err := mail.ParseAddressList(to); {
	case to == "":
		return "there is no to, so nobody gets the mail"
	case isTemplate(to):
		return ""
	case err != nil:
		return "want addresses separated by commas, such as ops@example.com, Ada <ada@example.com>"
	case len(list) > mostRecipients:
		return fmt.Sprintf("there are more than %d recipients; make a mailing list of them", mostRecipients)
	default:
		return ""
	}
}

func wrongSender(from string) string {
	switch list, err := mail.ParseAddressList(from); {
	case from == "":
		return "there is no from, the address that the mail comes from"
	case isTemplate(from):
		return ""
	case err != nil, len(list) != 1:
		return "want one address, such as Alerts <notifier@example.com>"
	default:
		return ""
	}
}

func wrongSmarthost(smarthost string) string {
	host, port, err := net.SplitHostPort(smarthost)
	number, notNumber := strconv.ParseUint(port, 10, 16)
	switch {
	case smarthost == "":
		return "there is no smarthost, the server that takes the mail: host:port"
	case err != nil, host == "", notNumber != nil, number == 0, strings.ContainsAny(host, " \t\r\n"):
		return "want host:port, such as smtp.example.com:587"
	default:
		return ""
	}
}

var (
	helloName  = regexp.MustCompile(`^[A-Za-z0-9.:_\[\]-]{1,255}$`)
	headerName = regexp.MustCompile(`^[!-9;-~]{1,70}$`) // RFC 5322, section 3.6.8
)

// ours are the headers that hold the mail together.
var ours = []string{"Bcc", "Mime-Version", "Message-Id", "Date", "Content-Type", "Content-Transfer-Encoding"}

func (c Config) wrongHeaders() []problem.Problem {
	var problems []problem.Problem
	seen := map[string]bool{}
	for _, name := range sortedKeys(c.Headers) {
		add := func(msg string) { problems = append(problems, problem.Problem{Path: "headers." + name, Msg: msg}) }
		key, value := textproto.CanonicalMIMEHeaderKey(name), c.Headers[name]
		addresses := key == "To" || key == "Cc" || key == "Reply-To" || key == "From"
		switch _, err := mail.ParseAddressList(value); {
		case !headerName.MatchString(name):
			add("this is no name of a header")
		case seen[key]:
			add("this header is there twice")
		case slices.Contains(ours, key):
			add("this header cannot be set")
		case (key == "References" || key == "In-Reply-To") && (c.Threading == nil || c.Threading.Enabled):
			add("this header makes the thread; set threading: {enabled: false} to make threads yourself")
		case strings.ContainsAny(value, "\r\n\x00") && !isTemplate(value):
			add("a header is one line")
		case addresses && !isTemplate(value) && (err != nil || !ascii(value)):
			add("want ASCII addresses separated by commas")
		}
		seen[key] = true
	}
	return problems
}

func sortedKeys(of map[string]string) []string {
	var keys []string
	for key := range of {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// isTemplate is whether a value is a template.
func isTemplate(value string) bool { return strings.Contains(value, "{{") }

// password is the secret for PLAIN and LOGIN, cramSecret the one for CRAM-MD5, freshly read where they are in files; "" when
// there is none.
func (c Config) password() (string, error) { return secretOf(c.AuthPassword, c.AuthPasswordFile) }

func (c Config) cramSecret() (string, error) {
	return secretOf(cmp.Or(c.AuthSecret, c.AuthPassword), cmp.Or(c.AuthSecretFile, c.AuthPasswordFile))
}

func secretOf(given commoncfg.Secret, file string) (string, error) {
	if given != "" || file == "" {
		return string(given), nil
	}
	secret, err := secretfile.Read(file)
	if err != nil {
		return "", fmt.Errorf("reading the mail server's credentials: %w", err)
	}
	return secret, nil
}
