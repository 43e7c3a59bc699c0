package email

import (
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	commoncfg "github.com/prometheus/common/config"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/alertvitals/notifier/notifiers"
	"github.com/alertvitals/notifier/notifiers/email/smtpfake"
	"github.com/alertvitals/notifier/notifiers/notifiertest"
)

func TestAReceiverOfAlertmanagersLoadsAsItIs(t *testing.T) {
	var c Config
	err := yaml.UnmarshalWithOptions([]byte(`
send_resolved: true
to: 'ada@example.com, Team <team@example.com>'
from: 'Alerts <alerts@example.com>'
smarthost: 'smtp.example.com:587'
hello: mail.example.com
auth_username: alerts
auth_password: planted
auth_secret: planted
auth_identity: alerts@example.com
require_tls: true
force_implicit_tls: false
tls_config: {insecure_skip_verify: true, server_name: smtp.example.com}
headers:
  subject: '[{{ .Status | toUpper }}] {{ .GroupLabels.alertname }}'
  X-Team: data
html: '{{ template "email.default.html" . }}'
text: '{{ range .Alerts }}{{ .Annotations.summary }}{{ end }}'
threading: {enabled: true, thread_by_date: daily}
`), &c, yaml.Strict())

	require.NoError(t, err)
	assert.Empty(t, c.Validate())
	assert.True(t, c.SendsResolved())
	assert.False(t, c.implicitTLS())
}

func TestValidate(t *testing.T) {
	good := Config{To: "a@example.com", From: "b@example.com", Smarthost: "smtp:587"}
	assert.Empty(t, good.Validate())
	assert.True(t, good.SendsResolved())
	assert.True(t, good.requiresTLS())
	assert.False(t, good.implicitTLS())
	other := good
	other.Smarthost = "smtp:465"
	assert.True(t, other.implicitTLS())

	for want, change := range map[string]func(*Config){
		"there is no to":                        func(c *Config) { c.To = "" },
		"to: want addresses":                    func(c *Config) { c.To = "nobody" },
		"to: there are more than 100":           func(c *Config) { c.To = strings.Repeat("a@example.com, ", 100) + "b@example.com" },
		"there is no from":                      func(c *Config) { c.From = "" },
		"from: want one address":                func(c *Config) { c.From = "a@example.com, b@example.com" },
		"there is no smarthost":                 func(c *Config) { c.Smarthost = "" },
		"smarthost: want host:port":             func(c *Config) { c.Smarthost = "smtp.example.com" },
		"smarthost: want host:port, ":           func(c *Config) { c.Smarthost = "smtp.example.com:0" },
		"hello: this is no host name":           func(c *Config) { c.Hello = "x\r\nRSET" },
		"auth_username: a name needs":           func(c *Config) { c.AuthUsername = "u" },
		"auth_username: is missing":             func(c *Config) { c.AuthPassword = "planted" },
		"auth_password_file: auth_password and": func(c *Config) { c.AuthUsername, c.AuthPassword, c.AuthPasswordFile = "u", "planted", "f" },
		"tls_config: ":                          func(c *Config) { c.TLSConfig = &commoncfg.TLSConfig{Cert: "x"} },
		"threading.thread_by_date: want daily":  func(c *Config) { c.Threading = &Threading{Enabled: true, ThreadByDate: "weekly"} },
		"headers.Bcc: this header cannot":       func(c *Config) { c.Headers = map[string]string{"Bcc": "x@example.com"} },
		"headers.X Y: this is no name":          func(c *Config) { c.Headers = map[string]string{"X Y": "x"} },
		"headers.x-a: this header is there":     func(c *Config) { c.Headers = map[string]string{"X-A": "x", "x-a": "y"} },
		"headers.X: a header is one line":       func(c *Config) { c.Headers = map[string]string{"X": "x\r\nBcc: y"} },
		"headers.references: this header makes": func(c *Config) { c.Headers = map[string]string{"references": "<x@y>"} },
		"headers.cc: want ASCII addresses":      func(c *Config) { c.Headers = map[string]string{"cc": "x y z"} },
	} {
		c := good
		change(&c)
		problems := c.Validate()
		require.Len(t, problems, 1, want)
		said := strings.TrimPrefix(problems[0].Path+": "+problems[0].Msg, ": ")
		assert.Contains(t, said, want)
		assert.NotContains(t, said, "planted")
		_, err := New(c, nil)
		require.ErrorContains(t, err, problems[0].Msg)
	}
}

func TestTemplatesTakeThePlaceOfOurWords(t *testing.T) {
	server := serve(t, smtpfake.Options{})
	c := configOf(server)
	c.From = "{{ .Receiver }}@example.com"
	c.To = "{{ .CommonLabels.job }}@example.com, ops@example.com, ops@example.com"
	c.Text = "{{ len .Alerts }} alerts of {{ .GroupLabels.alertname }}\n"
	c.HTML = `<p title="{{ .CommonLabels.job }}">{{ with .Snapshot }}{{ .Agent }}{{ end }}</p>`
	c.Headers = map[string]string{"subject": "{{ .Status }}: {{ .CommonLabels.alertname }}", "X-Nothing": "{{ .CommonLabels.none }}"}
	m := notifiertest.Firing()
	m.Snapshot.Agent = `<script>"`
	for i := range m.Group.Alerts {
		m.Group.Alerts[i].Labels["job"] = "aster, everyone@example.com\r\nBcc: x"
		m.Group.Alerts[i].Labels["alertname"] = "A\r\nBcc: x@example.com\r\n\r\nbody"
	}
	// A label makes one address at most, and here a wrong one: the part is no local part with an @ in it.
	e := errorOf(t, sinkOf(t, c), m)
	assert.Equal(t, notifiers.Error{Reason: notifiers.Rejected, Permanent: true}, meaning(e))
	assert.Empty(t, server.Mails())

	for i := range m.Group.Alerts {
		m.Group.Alerts[i].Labels["job"] = "as ter,<\"\r\n>"
	}
	send(t, sinkOf(t, c), m)

	mails := server.Mails()
	require.Len(t, mails, 1)
	assert.Equal(t, "slack@example.com", mails[0].From)
	assert.Equal(t, []string{"aster@example.com", "ops@example.com"}, mails[0].To)
	got := read(t, mails[0].Data)
	assert.Equal(t, "firing: A Bcc: x@example.com body", got.subject)
	assert.NotContains(t, got.header, "Bcc")
	assert.NotContains(t, got.header, "X-Nothing")
	assert.Equal(t, "2 alerts of HighErrorRate", strings.TrimSpace(got.text))
	assert.Contains(t, got.html, `&lt;script&gt;`)
	assert.NotContains(t, got.html, "<script>")
}

func TestATemplateThatFailsLeavesOurWords(t *testing.T) {
	server := serve(t, smtpfake.Options{})
	c := configOf(server)
	c.HTML = `{{ template "none.such" . }}`
	c.Headers = map[string]string{"Subject": `{{ index .Alerts 99 }}`}

	send(t, sinkOf(t, c), notifiertest.Firing())

	got := read(t, server.Mails()[0].Data)
	assert.Equal(t, "[CRITICAL] HighErrorRate · aster", got.subject)
	assert.Contains(t, got.visible(), "standard text in place of Subject, html, which failed")
	assert.Contains(t, got.text, "standard text in place of Subject, html, which failed")

	c.To = `{{ index .Alerts 99 }}`
	assert.True(t, errorOf(t, sinkOf(t, c), notifiertest.Firing()).Permanent)
}

// Alertmanager's own mail is what a receiver of its that says so gets.
func TestAlertmanagersOwnMail(t *testing.T) {
	server := serve(t, smtpfake.Options{})
	c := configOf(server)
	c.HTML, c.Text = `{{ template "email.default.html" . }}`, "{{ .Status }}"
	c.Headers = map[string]string{"Subject": `{{ template "email.default.subject" . }}`}
	c.To = "gone@example.com, ops@example.com"
	server.Refuse("gone@example.com", smtpfake.Reply{Code: 550, Text: "5.1.1 x"})
	m := notifiertest.Firing()
	m.Content.Note = "Told late: <b>"

	send(t, sinkOf(t, c), m)

	got := read(t, server.Mails()[0].Data)
	for _, body := range []string{got.text, got.visible()} { // no template can know how the mail fared
		assert.Contains(t, body, "Told late: <b>")
		assert.Contains(t, body, "Not delivered to gone@example.com: ")
	}
	assert.Contains(t, got.html, "&lt;b&gt;")
	assert.Contains(t, got.visible(), "2 alerts for alertname=HighErrorRate")
	assert.Contains(t, got.subject, "[FIRING:2]")
}
