package templates

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	amtemplate "github.com/prometheus/alertmanager/template"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/alertvitals/notifier/alert"
)

// written is the glob of files with these texts.
func written(t *testing.T, texts ...string) []string {
	t.Helper()
	dir := t.TempDir()
	for i, text := range texts {
		require.NoError(t, os.WriteFile(filepath.Join(dir, string(rune('a'+i))+".tmpl"), []byte(text), 0o600))
	}
	return []string{filepath.Join(dir, "*.tmpl")}
}

func load(t *testing.T, texts ...string) *Set {
	t.Helper()
	s, err := Load(written(t, texts...))
	require.NoError(t, err)
	return s
}

func TestAlertmanagersTemplatesAreThere(t *testing.T) {
	sample := samples()[0]
	text, err := standard.Text(`{{ template "slack.default.title" . }}`, DataOf("team", sample.group, sample.snapshot))
	require.NoError(t, err)
	assert.Equal(t, "[FIRING:1] Trial (trial:80 trial critical)", text)

	text, err = standard.Text(`{{ (index .Alerts 0).Labels.instance | toUpper }} {{ .Snapshot.Agent }} {{ .Receiver }}`,
		DataOf("team", sample.group, sample.snapshot))
	require.NoError(t, err)
	assert.Equal(t, "TRIAL:80 trial team", text)

	html, err := standard.HTML(`<p>{{ .CommonLabels.alertname }}</p>`,
		DataOf("team", alert.Group{Alerts: amtemplate.Alerts{{Labels: amtemplate.KV{"alertname": "<script>"}}}}, nil))
	require.NoError(t, err)
	assert.Equal(t, "<p>&lt;script&gt;</p>", html)
}

func TestAFileTakesThePlaceOfAnEmbeddedTemplate(t *testing.T) {
	s := load(t, `{{ define "notifier.headline" }}{{ .CommonLabels.job }}: {{ .Summary }}{{ end }}`,
		`{{ define "slack.default.title" }}mine{{ end }}`)
	require.Empty(t, s.TryStandard())
	in := Input{Group: samples()[0].group, Now: time.Now()}
	assert.Equal(t, "trial: a trial", s.Render(in).Headline)
	assert.Equal(t, Render(in).Title, s.Render(in).Title)
	assert.NotEqual(t, "trial: a trial", Render(in).Headline, "other sets stay as they are")
	text, err := s.Text(`{{ template "slack.default.title" . }}`, DataOf("r", in.Group, nil))
	require.NoError(t, err)
	assert.Equal(t, "mine", text)
}

func TestATemplateThatFailsLeavesItsTextToTheStandardOne(t *testing.T) {
	s := load(t, `{{ define "notifier.title" }}{{ .Snapshot.Agent }}{{ end }}`)
	in := Input{Group: samples()[0].group, Now: time.Now()}
	c := s.Render(in)
	assert.Equal(t, Render(in).Title, c.Title)
	assert.Equal(t, "standard text in place of notifier.title, which failed", c.Foot)
	in.Snapshot = samples()[0].snapshot
	assert.Equal(t, "trial", s.Render(in).Title)
	assert.NotContains(t, s.Render(in).Foot, "failed")
	require.Equal(t, []error{errors.New("the template notifier.title fails for a group without an agent")}, s.TryStandard())
}

func TestTrialsSayWhatFails(t *testing.T) {
	for source, want := range map[string]string{
		`{{ .Title }}`:                                       "the template fails for a group that fires: ",
		`{{ (index .Alerts.Firing 0).Status }}`:              "the template fails for a group that is resolved: ",
		`{{ (index .Alerts 1).Status }}`:                     "the template fails for a group that is resolved: ",
		`{{ slice .CommonLabels.alertname 0 3 }}`:            "the template fails for an empty group: ",
		`{{ .Snapshot.Agent }}`:                              "put what needs the agent between {{ with .Snapshot }} and {{ end }}",
		`{{ template "none" . }}`:                            `template "none" not defined`,
		`{{ if }}`:                                           "missing value for if",
		`{{ range .Alerts }}{{ .Labels.x | nope }}{{ end }}`: `function "nope" not defined`,
	} {
		require.ErrorContains(t, standard.Try(source), want, source)
		require.ErrorContains(t, standard.TryHTML(source), "the template fails for ", source)
	}
	for _, source := range []string{"", "plain", `{{ template "email.default.html" . }}`, `{{ with .Snapshot }}{{ .Agent }}{{ end }}`, `{{ (index .Alerts 0).Status }}`} {
		require.NoError(t, standard.Try(source))
		require.NoError(t, standard.TryHTML(source))
	}
}

func TestFilesThatCannotBeUsed(t *testing.T) {
	_, err := Load([]string{filepath.Join(t.TempDir(), "*.tmpl")})
	require.ErrorContains(t, err, "no file is called ")
	_, err = Load([]string{"[a"})
	require.ErrorContains(t, err, `"[a" is not a pattern of files`)
	globs := written(t, `{{ define "x" }}`)
	_, err = Load(globs)
	require.ErrorContains(t, err, "a.tmpl: ")
	require.ErrorContains(t, err, "unexpected EOF")
}

func TestP10APlaceHoldsNothingOfTheData(t *testing.T) {
	group := alert.Group{Alerts: amtemplate.Alerts{{Labels: amtemplate.KV{"user": "someone@example.com"}}}}
	_, err := standard.Text(`{{ .CommonLabels.user }}
{{ index .Alerts .CommonLabels.user }}`, DataOf("r", group, nil))
	require.EqualError(t, err, "it fails at 2:3")
	assert.Equal(t, "it fails", Place(errors.New("someone@example.com")))
}

func TestWhatIsNoFileOfTemplatesIsNotRead(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	for _, path := range []string{pipe, "/dev/zero", filepath.Dir(pipe)} {
		_, err := Load([]string{path})
		assert.ErrorContains(t, err, path+" is no file of templates")
	}
}
