package alertmanager

import (
	"flag"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/alertvitals/notifier/config"
	"github.com/alertvitals/notifier/routing"
	"github.com/alertvitals/notifier/routing/routingtest"
)

var update = flag.Bool("update", false, "write the expected files anew")

// Each testdata/NAME.yml becomes NAME.want, or NAME.txt is all that is said against it.
func TestImport(t *testing.T) {
	files, err := filepath.Glob("testdata/*.yml")
	require.NoError(t, err)
	require.NotEmpty(t, files)

	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			source, err := os.ReadFile(file)
			require.NoError(t, err)
			got, err := Import(file, source)
			expected := strings.TrimSuffix(file, ".yml") + ".want"
			if len(got) == 0 {
				require.Error(t, err)
				expected = strings.TrimSuffix(file, ".yml") + ".txt"
				got = []byte(strings.ReplaceAll(err.Error(), "testdata/", "") + "\n")
				assert.NotContains(t, string(got), "planted")
			} else {
				require.NoError(t, err)
				assert.NotContains(t, comments(got), "planted")
			}
			if *update {
				require.NoError(t, os.WriteFile(expected, got, 0o600))
			}
			want, err := os.ReadFile(expected)
			require.NoError(t, err)
			assert.Equal(t, string(want), string(got))
		})
	}
}

// Time intervals come along with their names, and with the routes that have them.
func TestIntervalsComeAlong(t *testing.T) {
	source, err := os.ReadFile("testdata/intervals/alertmanager.yml")
	require.NoError(t, err)

	got, err := Import("testdata/intervals/alertmanager.yml", source)

	require.NoError(t, err)
	if *update {
		require.NoError(t, os.WriteFile("testdata/intervals/alertmanager.want", got, 0o600))
	}
	want, err := os.ReadFile("testdata/intervals/alertmanager.want")
	require.NoError(t, err)
	assert.Equal(t, string(want), string(got))
}

// A secret is the same one afterwards, whatever is in it.
func TestSecretsComeAlongAsTheyAre(t *testing.T) {
	t.Setenv("NAME", "wrong")
	const secret = `a$b${NAME}$${NAME}$$$'"\`
	text, err := Import("alertmanager.yml", []byte(`
global: {smtp_from: a@example.com, smtp_smarthost: 'h:25', smtp_auth_username: u, smtp_auth_password: &s `+strconv.Quote(secret)+`, slack_app_token: *s}
route: {receiver: a}
receivers:
  - name: a
    email_configs: [{to: b@example.com}]
    slack_configs: [{channel: c}]
    pagerduty_configs: [{routing_key: *s, http_config: {authorization: {credentials: *s, credentials_ref: x}}}]
`))
	require.NoError(t, err)
	assert.Contains(t, comments(text), "# alertmanager.yml:8: credentials_ref of pagerduty_configs of receiver \"a\": there is no manager of secrets")
	cfg, err := config.Load("notifier.yml", text)
	require.NoError(t, err)
	r := cfg.Receivers[0]
	assert.Equal(t, secret, string(r.EmailConfigs[0].AuthPassword))
	assert.Equal(t, secret, string(r.SlackConfigs[0].AppToken))
	assert.Equal(t, secret, string(r.PagerdutyConfigs[0].RoutingKey))
	assert.Equal(t, secret, string(r.PagerdutyConfigs[0].HTTPConfig.Authorization.Credentials))
}

// Templates come along when they are there, and what the receivers say by them.
func TestTemplatesComeAlong(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "mine.tmpl"), []byte(`{{ define "mine" }}x{{ end }}`), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "bad.tmp"), []byte(`{{ define "mine" }}`), 0o600))
	source := `templates: ['` + dir + `/*.tmpl', '` + dir + `/*.tmp', '` + dir + `/none']
route: {receiver: a}
receivers: [{name: a, slack_configs: [{api_url: 'https://hooks.slack.com/services/x', title: '{{ template "mine" . }}', text: '{{ template "none" . }}'}]}]`

	got, err := Import(filepath.Join(dir, "alertmanager.yml"), []byte(source))

	require.NoError(t, err)
	assert.Contains(t, string(got), "templates: ['"+dir+"/*.tmpl']\n")
	assert.Contains(t, string(got), `title: '{{ template "mine" . }}'`)
	assert.NotContains(t, string(got), `text:`+" '")
	assert.Contains(t, comments(got), "# alertmanager.yml:1: templates: "+dir+"/*.tmp is left out: ")
	assert.Contains(t, comments(got), "# alertmanager.yml:1: templates: no file here is called "+dir+"/none; put it back when there is one")
	assert.Contains(t, comments(got), `# alertmanager.yml:3: slack_configs of receiver "a" is without its text: `)
}

func comments(text []byte) string {
	return strings.Join(regexp.MustCompile(`(?m)^#.*$`).FindAllString(string(text), -1), "\n")
}

// routesOf is the tree of what a file becomes.
func routesOf(t *testing.T, name, source string) *routing.Tree {
	t.Helper()
	text, err := Import(name, []byte(source))
	require.NoError(t, err, source)
	cfg, err := config.Load("notifier.yml", text)
	require.NoError(t, err)
	tree, err := routing.New(cfg.Route)
	require.NoError(t, err)
	return tree
}

// A file that Alertmanager takes routes the same way when it is imported, whatever its routes are.
func TestImportedTreesRouteAsAlertmanagers(t *testing.T) {
	var questions []routingtest.Question
	for _, c := range routingtest.Generate(4, 200, 15) {
		questions = append(questions, routingtest.Question{Config: routingtest.Alertmanager(c.Route), Labels: c.Labels})
	}
	for i, answer := range routingtest.Ask(t, questions) {
		require.Empty(t, answer.Error)
		tree := routesOf(t, "alertmanager.yml", questions[i].Config)
		for j, labels := range questions[i].Labels {
			require.Equal(t, answer.Receivers[j], tree.Match(labels), "%v\n%s", labels, questions[i].Config)
		}
	}
}

// Every file that comes with Alertmanager is taken when Alertmanager takes it, and routes the same way; what it refuses is refused with a line.
func TestAlertmanagersOwnFiles(t *testing.T) {
	dir, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/prometheus/alertmanager").Output()
	require.NoError(t, err)
	root := strings.TrimSpace(string(dir))
	var files []string
	for _, pattern := range []string{"doc/examples/*.yml", "examples/*/*.yml", "config/testdata/*.yml"} {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		require.NoError(t, err)
		require.NotEmpty(t, found, pattern)
		files = append(files, found...)
	}
	files = append(files, "testdata/severities.yml", "testdata/everything.yml", "testdata/intervals/alertmanager.yml")
	alerts := alertsOf(rand.New(rand.NewPCG(1, 1)))
	var questions []routingtest.Question
	for _, file := range files {
		source, err := os.ReadFile(file)
		require.NoError(t, err)
		questions = append(questions, routingtest.Question{Config: string(source), Labels: alerts})
	}

	good := 0
	for i, answer := range routingtest.Ask(t, questions) {
		t.Run(filepath.Base(files[i]), func(t *testing.T) {
			if answer.Error != "" {
				_, err := Import(files[i], []byte(questions[i].Config))
				var wrong *config.Error
				require.ErrorAs(t, err, &wrong, "Alertmanager refuses it: %s", answer.Error)
				assert.Greater(t, wrong.Findings[0].Line, 1)
				return
			}
			good++
			tree := routesOf(t, files[i], questions[i].Config)
			for j, labels := range alerts {
				require.Equal(t, answer.Receivers[j], tree.Match(labels), labels)
			}
		})
	}
	assert.Greater(t, good, 20)
}

// alertsOf have labels that the files' routes ask for.
func alertsOf(r *rand.Rand) []map[string]string {
	names := []string{"service", "severity", "owner", "owner2", "team", "env", "zone", "code", "job", "link_a_device", "link_z_device"}
	values := []string{"foo1", "foo2", "baz", "files", "database", "critical", "warning", "info", "none", "team-X", "team-Y", "data", "eu", "0x10", "a", "b"}
	alerts := []map[string]string{{}, {"team": "data", "zone": "eu", "code": "0x10", "job": "b"}, {"service": "foo1", "severity": "critical"}}
	for range 1000 {
		set := map[string]string{}
		for range 1 + r.IntN(4) {
			set[names[r.IntN(len(names))]] = values[r.IntN(len(values))]
		}
		alerts = append(alerts, set)
	}
	return alerts
}

// Whatever the file: what comes out is taken, or what is wrong has a place and tells no secret.
func FuzzImport(f *testing.F) {
	files, err := filepath.Glob("testdata/*.yml")
	require.NoError(f, err)
	for _, file := range files {
		source, err := os.ReadFile(file)
		require.NoError(f, err)
		f.Add(string(source))
	}
	f.Add("a: &a [*a]")
	f.Add("route: &r {receiver: x, routes: [*r]}")
	f.Add("? {a: b}\n: c\nroute: {<<: [{receiver: x}, 5]}\nreceivers: [{name: x}]")
	f.Add("route: {receiver: \"\\u2028\\x7f\"}\nreceivers: [{name: \"\\u2028\\x7f\"}]")
	f.Fuzz(func(t *testing.T, source string) {
		text, err := Import("alertmanager.yml", []byte(source))
		if len(text) == 0 {
			var wrong *config.Error
			require.ErrorAs(t, err, &wrong)
			for _, finding := range wrong.Findings {
				require.Positive(t, finding.Line)
				require.Positive(t, finding.Column)
				require.NotEmpty(t, finding.Msg)
			}
			return
		}
		require.NoError(t, err, "%s", text)
	})
}

// Whatever the text, YAML reads it back.
func FuzzScalar(f *testing.F) {
	for _, text := range []string{"", "a", "null", "~", "yes", "1e3", "0x1", "- a", "a: b", "#", "'", `"`, "two\nlines", "\ttab ", "\u2028", "\ufeff", "\x7f", "ü", "\U0001f600", "a,b", "{{ x }}", "\\n", "2026-01-01", "12:30", "=", "<<", "\u00a0"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !isText(text) {
			return
		}
		var written strings.Builder
		write(&written, mapping{{"a", text}, {"b", []string{text, "x"}}, {"c", list{mapping{{"d", text}}}}}, "")
		var got struct {
			A string
			B []string
			C []struct{ D string }
		}
		require.NoError(t, yaml.Unmarshal([]byte(written.String()), &got), written.String())
		require.Equal(t, text, got.A, written.String())
		require.Equal(t, []string{text, "x"}, got.B, written.String())
		require.Equal(t, text, got.C[0].D, written.String())
	})
}

// isText is whether YAML could hold it: it has no bytes that are not UTF-8.
func isText(text string) bool { return strings.ToValidUTF8(text, "") == text }
