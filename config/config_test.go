package config

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/prometheus/alertmanager/timeinterval"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/alertvitals/notifier/routing"
)

var update = flag.Bool("update", false, "write the expected messages anew")

const minimal = `
route: {receiver: log}
receivers:
  - name: log
    log_configs: [{}]
`

func TestLoadReadsEverything(t *testing.T) {
	cfg, err := Load("notifier.yml", []byte(`
agents:
  - name: aster
    match: ['job="aster"']
    url: https://aster:8080
    profile: aster-server
    health_path: ""
    scrape_interval: 30s
    timeout: 5s
    http_config:
      basic_auth: {username: u, password_file: /run/secrets/aster}
diagnostics: {deadline: 2s, history: 1h}
delivery: {dedupe_window: 90s, max_age: 36h}
route:
  receiver: log
  by_severity: {critical: [slack, log]}
  routes:
    - {matchers: ['team="data"'], receiver: slack, continue: true, mute_time_intervals: [nights], active_time_intervals: [office]}
time_intervals:
  - {name: office, time_intervals: [{weekdays: ['monday:friday'], days_of_month: ['-3:-1', 1], months: [1, 'may:august'], years: [2026], location: Europe/Berlin}]}
mute_time_intervals:
  - name: nights
    time_intervals: [{times: [{start_time: 22:00, end_time: 24:00}, {start_time: 00:00, end_time: 06:00}]}]
receivers:
  - name: slack
    fallback: {receiver: log, after: 10m}
    slack_configs:
      - {app_token_file: /run/secrets/slack, channel: '#agent-alerts', send_resolved: false}
      - {api_url: 'https://hooks.slack.com/services/a/b/c'}
    email_configs:
      - {to: 'a@example.com', from: 'b@example.com', smarthost: 'smtp:587', headers: {subject: '{{ .Status }}'}, tls_config: {server_name: x}}
  - name: log
    log_configs: [{format: logfmt, output: /var/log/notifier.log}]
`))

	require.NoError(t, err)
	require.Len(t, cfg.Agents, 1)
	assert.Equal(t, "aster-server", cfg.Agents[0].Profile)
	require.Equal(t, []string{"nights", "office"}, routing.NamesOf(cfg.Intervals()))
	assert.Equal(t, []timeinterval.TimeRange{{StartMinute: 22 * 60, EndMinute: 24 * 60}, {EndMinute: 6 * 60}}, cfg.MuteTimeIntervals[0].TimeIntervals[0].Times)
	office := cfg.TimeIntervals[0].TimeIntervals[0]
	assert.Equal(t, "Europe/Berlin", office.Location.String())
	assert.Equal(t, timeinterval.InclusiveRange{Begin: 5, End: 8}, office.Months[1].InclusiveRange)
	assert.Equal(t, []string{"nights"}, cfg.Route.Routes[0].MuteTimeIntervals)
	assert.Equal(t, []string{"office"}, cfg.Route.Routes[0].ActiveTimeIntervals)
	assert.Equal(t, model.Duration(30*time.Second), cfg.Agents[0].ScrapeInterval)
	require.NotNil(t, cfg.Agents[0].HealthPath)
	assert.Empty(t, *cfg.Agents[0].HealthPath)
	assert.Nil(t, cfg.Agents[0].ReadyPath)
	assert.Equal(t, "u", cfg.Agents[0].HTTPConfig.BasicAuth.Username)
	assert.Equal(t, model.Duration(2*time.Second), cfg.Diagnostics.Deadline)
	assert.Equal(t, []string{"slack", "log"}, cfg.Route.BySeverity["critical"])
	assert.True(t, cfg.Route.Routes[0].Continue)
	require.Len(t, cfg.Receivers, 2)
	assert.Len(t, cfg.Receivers[0].SlackConfigs, 2)
	assert.False(t, cfg.Receivers[0].SlackConfigs[0].SendsResolved())
	assert.True(t, cfg.Receivers[0].SlackConfigs[1].SendsResolved())
	require.Len(t, cfg.Receivers[0].EmailConfigs, 1)
	assert.Equal(t, "x", cfg.Receivers[0].EmailConfigs[0].TLSConfig.ServerName)
	assert.Equal(t, "/var/log/notifier.log", cfg.Receivers[1].LogConfigs[0].Output)
	assert.Equal(t, "log", cfg.Receivers[0].Fallback.Receiver)
	assert.Equal(t, 10*time.Minute, cfg.Receivers[0].Fallback.Wait())
	assert.Nil(t, cfg.Receivers[1].Fallback)
	window, age, err := cfg.Delivery.For(48 * time.Hour)
	require.NoError(t, err)
	assert.Equal(t, 90*time.Second, window)
	assert.Equal(t, 36*time.Hour, age)
}

// Receivers as they stand in people's alertmanager.yml, and in its documentation.
func TestReceiversOfAlertmanagerLoadAsTheyAre(t *testing.T) {
	_, err := Load("alertmanager.yml", []byte(`
route: {receiver: pagerduty}
receivers:
  - name: pagerduty
    pagerduty_configs:
      - service_key: "YOUR_PAGERDUTY_KEY"
      - routing_key: <secret>
        description: '{{ template "pagerduty.default.description" . }}'
        severity: '{{ if .CommonLabels.severity }}{{ .CommonLabels.severity | toLower }}{{ else }}critical{{ end }}'
        details: {firing: '{{ .Alerts.Firing | toJson }}', num_firing: '{{ .Alerts.Firing | len }}', link: https://example.com}
        links: [{href: '{{ range .Alerts }}{{ .GeneratorURL }}{{ end }}', text: Source}]
        images: [{src: '{{ .CommonAnnotations.image }}', alt: graph}]
        send_resolved: true
        http_config: {follow_redirects: true, proxy_url: 'http://proxy:3128', tls_config: {insecure_skip_verify: true}}
  - name: log
    webhook_configs:
      - url: "http://logger:8080/alerts"
      - {url_file: /etc/alertmanager/url, max_alerts: 10, timeout: 1m, send_resolved: false, http_config: {authorization: {credentials: x}}}
`))
	require.NoError(t, err)
}

func TestDeliveryHasDefaults(t *testing.T) {
	window, age, err := Delivery{}.For(120 * time.Hour)
	require.NoError(t, err)
	assert.Equal(t, 5*time.Minute, window)
	assert.Equal(t, 24*time.Hour, age)
	assert.Equal(t, 2*time.Minute, Fallback{Receiver: "log"}.Wait())
}

func TestMaxAgeIsNotBeyondWhatTheJournalKeeps(t *testing.T) {
	_, age, err := Delivery{}.For(12 * time.Hour)
	require.NoError(t, err)
	assert.Equal(t, 12*time.Hour, age, "the default gives way")

	asked := model.Duration(13 * time.Hour)
	_, _, err = Delivery{MaxAge: &asked}.For(12 * time.Hour)
	require.ErrorContains(t, err, "delivery.max_age is 13h, but the journal keeps what it accepted for 12h only")
}

// Each testdata/NAME.yml is wrong, and NAME.txt is all that is said about it.
func TestP11EveryProblemHasItsPlace(t *testing.T) {
	files, err := filepath.Glob("testdata/*.yml")
	require.NoError(t, err)
	require.NotEmpty(t, files)

	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			_, err := LoadFile(file)

			var wrong *Error
			require.ErrorAs(t, err, &wrong)
			got := strings.ReplaceAll(wrong.Error(), "testdata/", "") + "\n"
			assert.NotContains(t, got, "planted")
			expected := strings.TrimSuffix(file, ".yml") + ".txt"
			if *update {
				require.NoError(t, os.WriteFile(expected, []byte(got), 0o600))
			}
			want, err := os.ReadFile(expected)
			require.NoError(t, err)
			assert.Equal(t, string(want), got)
		})
	}
}

func TestLoadFileSaysThatThereIsNone(t *testing.T) {
	_, err := LoadFile("testdata/none.yml.missing")

	require.ErrorIs(t, err, os.ErrNotExist)
}

// Whatever stands around a secret, it is not repeated, and each finding has its place in the file.
func FuzzLoad(f *testing.F) {
	const secrets = `
receivers:
  - name: x
    slack_configs:
      - channel: y
        app_token: pl4nted
        api_url:
          pl4nted
`
	files, err := filepath.Glob("testdata/*.yml")
	require.NoError(f, err)
	for _, file := range files {
		source, err := os.ReadFile(file)
		require.NoError(f, err)
		f.Add(source, []byte{})
		f.Add([]byte{}, source)
	}
	f.Add([]byte(minimal), []byte("      - chanel: *x\n"))
	f.Fuzz(func(t *testing.T, before, after []byte) {
		if bytes.ContainsAny(before, `"'`) || bytes.ContainsAny(after, `"'`) {
			return // between quotes the secrets would be part of another value
		}
		source := slices.Concat(before, []byte(secrets), after)
		_, err := Load("f.yml", source)
		if err == nil {
			return
		}
		var wrong *Error
		require.ErrorAs(t, err, &wrong)
		require.NotEmpty(t, wrong.Findings)
		lines := strings.Split(strings.TrimPrefix(string(source), "\ufeff"), "\n")
		for _, f := range wrong.Findings {
			require.Positive(t, f.Line)
			require.LessOrEqual(t, f.Line, len(lines))
			require.Positive(t, f.Column)
			require.LessOrEqual(t, f.Column, utf8.RuneCountInString(lines[f.Line-1])+1)
			require.NotEmpty(t, f.Msg)
		}
		require.NotContains(t, err.Error(), "pl4nted")
	})
}

// The parser's memory grows with the square of the depth: 100,000 brackets took all of a machine.
func TestNestingIsBounded(t *testing.T) {
	for _, source := range []string{
		strings.Repeat("[", 200_000),
		"receivers: " + strings.Repeat("{a: ", 100_000),
		strings.Repeat("- ", 100_000),
		strings.Repeat("? ", 100_000),
	} {
		_, err := Load("notifier.yml", []byte(source))
		require.ErrorContains(t, err, "nested more than 100 deep")
	}
	_, err := Load("notifier.yml", []byte("x: "+strings.Repeat("[", 99)+strings.Repeat("]", 99)))
	require.NotContains(t, err.Error(), "nested")
}

func TestP10AnExcerptHidesALoginThatIsNoMapping(t *testing.T) {
	for _, text := range []string{
		"{basic_auth: planted}", "{authorization: Bearer planted}", `{oauth2: "planted"}`, "{bearer_token: [x, planted]}",
		"{basic_auth: {username: u, password: two planted}, basic_auth: 1}", "\n  authorization: planted",
	} {
		_, err := Load("notifier.yml", []byte("agents:\n- http_config: "+strings.ReplaceAll(text, "\n", "\n    ")+"\nroute: {receiver: log}\nreceivers: [{name: log, log_configs: [{}]}]\n"))
		require.Error(t, err, text)
		assert.NotContains(t, err.Error(), "planted", text)
	}
}
