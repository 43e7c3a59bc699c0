package diagnostics

import (
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	commoncfg "github.com/prometheus/common/config"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/alertvitals/notifier/config/httpclient"
	"github.com/alertvitals/notifier/config/problem"
)

func decode(t *testing.T, text string) (AgentConfig, error) {
	t.Helper()
	var a AgentConfig
	err := yaml.NewDecoder(strings.NewReader(text), yaml.Strict()).Decode(&a)
	return a, err
}

func TestConfigDecodes(t *testing.T) {
	a, err := decode(t, `
name: aster
match: ['job="aster"', 'team=~"a|b"']
url: http://aster:8080
ready_path: ''
scrape_interval: 30s
timeout: 500ms
http_config:
  authorization: {credentials_file: /run/secrets/token}
  tls_config: {insecure_skip_verify: true}
  proxy_url: http://proxy:3128
`)
	require.NoError(t, err)
	assert.Empty(t, a.Validate())
	assert.Nil(t, a.HealthPath)
	assert.Empty(t, *a.ReadyPath)
	assert.Equal(t, "/run/secrets/token", a.HTTPConfig.Authorization.CredentialsFile)
	cfg := a.HTTPConfig.Common()
	assert.True(t, cfg.FollowRedirects, "Prometheus's default")
	assert.Equal(t, "proxy:3128", cfg.ProxyURL.Host)
	require.NoError(t, cfg.Validate())
	assert.Equal(t, "Bearer", cfg.Authorization.Type)

	a, err = decode(t, "http_config: {oauth2: {client_id: a, client_secret_file: b, token_url: http://x/, scopes: [s]}, follow_redirects: false}")
	require.NoError(t, err)
	cfg = a.HTTPConfig.Common()
	require.NoError(t, cfg.Validate())
	assert.False(t, cfg.FollowRedirects)
	assert.Equal(t, "http://x/", cfg.OAuth2.TokenURL)

	for _, text := range []string{"naam: x", "http_config: {basic_auht: {}}", "http_config: {http_headers: {X-A: {value: [b]}}}"} {
		_, err := decode(t, text)
		assert.ErrorContains(t, err, "[1:", text)
	}
}

func TestP10ProblemsKeepSecrets(t *testing.T) {
	a := AgentConfig{Name: "a", Match: []string{"a=b"}, URL: "http://u:hunter2@h"}
	a.HTTPConfig = &httpclient.Config{
		BasicAuth:     &commoncfg.BasicAuth{Username: "u", Password: "hunter2"},
		Authorization: &commoncfg.Authorization{Credentials: "hunter2"},
	}
	problems := a.Validate()
	require.Len(t, problems, 2)
	for _, p := range problems {
		assert.NotContains(t, p.Msg, "hunter2")
	}
}

func TestAgentConfigValidate(t *testing.T) {
	good := AgentConfig{Name: "aster", Match: []string{`job="aster"`}, URL: "https://aster/base/"}
	assert.Empty(t, good.Validate())
	path := "health"
	for _, c := range []struct {
		where  string
		change func(*AgentConfig)
	}{
		{"name", func(a *AgentConfig) { a.Name = " " }},
		{"match", func(a *AgentConfig) { a.Match = nil }},
		{"match[1]", func(a *AgentConfig) { a.Match = append(a.Match, "job=~(") }},
		{"match[1]", func(a *AgentConfig) { a.Match = append(a.Match, "{}") }},
		{"url", func(a *AgentConfig) { a.URL = "" }},
		{"url", func(a *AgentConfig) { a.URL = "aster:8080" }},
		{"url", func(a *AgentConfig) { a.URL = "http://{{ .Label.instance }}" }},
		{"url", func(a *AgentConfig) { a.URL = "http://" }},
		{"metrics_url", func(a *AgentConfig) {
			a.URL, a.MetricsURL = "http://{{ .Labels.instance }}", "http://collector/metrics"
		}},
		{"links.Logs", func(a *AgentConfig) { a.Links = yaml.MapSlice{{Key: "Logs", Value: "grafana"}} }},
		{"url", func(a *AgentConfig) { a.URL = "http://h/?x=1" }},
		{"metrics_url", func(a *AgentConfig) { a.MetricsURL = "ftp://h" }},
		{"health_path", func(a *AgentConfig) { a.HealthPath = &path }},
		{"queries[0].name", func(a *AgentConfig) { a.Queries = []QueryConfig{{Expr: "a"}} }},
		{"queries[1].name", func(a *AgentConfig) { a.Queries = []QueryConfig{{Name: "q", Expr: "a"}, {Name: "q", Expr: "a"}} }},
		{"queries[0].expr", func(a *AgentConfig) { a.Queries = []QueryConfig{{Name: "q"}} }},
		{"queries[0].expr", func(a *AgentConfig) { a.Queries = []QueryConfig{{Name: "q", Expr: "sum("}} }},
		{"queries[0].expr", func(a *AgentConfig) { a.Queries = []QueryConfig{{Name: "q", Expr: "a[5m]"}} }},
		{"queries[0].unit", func(a *AgentConfig) { a.Queries = []QueryConfig{{Name: "q", Expr: "a", Unit: "parsec"}} }},
		{"queries[0].unit", func(a *AgentConfig) { a.Queries = []QueryConfig{{Name: "q", Expr: "a", Unit: Text}} }},
		{"queries[0].warn", func(a *AgentConfig) { a.Queries = []QueryConfig{{Name: "q", Expr: "a", Warn: "100"}} }},
		{"queries[0].crit", func(a *AgentConfig) { a.Queries = []QueryConfig{{Name: "q", Expr: "a", Crit: "> many"}} }},
		{"queries", func(a *AgentConfig) { a.Queries = make([]QueryConfig, 21) }},
		{"scrape_interval", func(a *AgentConfig) { a.ScrapeInterval = 1; a.Timeout = 1 }},
		{"timeout", func(a *AgentConfig) { a.Timeout = 60e9 }},
	} {
		a := good
		c.change(&a)
		problems := a.Validate()
		require.NotEmpty(t, problems, c.where)
		assert.True(t, contains(problems, c.where), "%s in %v", c.where, problems)
	}
}

func contains(problems []problem.Problem, path string) bool {
	for _, p := range problems {
		if p.Path == path && p.Msg != "" {
			return true
		}
	}
	return false
}

func TestConfigValidate(t *testing.T) {
	assert.Empty(t, Config{}.Validate())
	assert.Empty(t, DefaultConfig().Validate())
	assert.Len(t, Config{Deadline: 1, History: 1}.Validate(), 2)
}

func TestProfilesAreValidated(t *testing.T) {
	agents := []AgentConfig{{Profile: "vllm"}, {}, {Profile: "auto"}, {Profile: "nope"}}
	problems := Config{}.ValidateProfiles(agents)
	require.Len(t, problems, 1)
	assert.Equal(t, "agents[3].profile", problems[0].Path)
	assert.Contains(t, problems[0].Msg, "aster-server")

	problems = Config{Profiles: []string{"/nowhere/*.yml", "/nowhere/x.yml"}}.ValidateProfiles(agents)
	require.Len(t, problems, 1)
	assert.Equal(t, problem.Problem{Path: "diagnostics.profiles[1]", Msg: "/nowhere/x.yml: there is no such file"}, problems[0])
}
