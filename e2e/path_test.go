//go:build acceptance

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/alertvitals/notifier/notifiers/email/mailview"
	"github.com/alertvitals/notifier/notifiers/email/smtpfake"
	"github.com/alertvitals/notifier/notifiers/pagerduty/pagerdutyfake"
	"github.com/alertvitals/notifier/notifiers/slack/slackfake"
	"github.com/alertvitals/notifier/notifiers/slack/slackview"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	token   = "xoxb-planted-secret"
	key     = "plantedkeyplantedkeyplantedkey00"
	channel = "#agent-alerts"
	person  = "oncall@example.com"
)

// path is everything that an alert goes through.
type path struct {
	agent, prometheus, notifier *process
	alertmanagers               []*process

	slack *slackfake.Server
	pager *pagerdutyfake.Server
	mail  *smtpfake.Server
}

// lay starts everything, the end of the path first. Each of the Alertmanagers is given the flags that flags makes of those before it.
func lay(t *testing.T, alertmanagers int, flags func(before []*process) []string) *path {
	t.Helper()
	p := &path{slack: slackfake.New(token), pager: pagerdutyfake.New(key)}
	slack, pager := httptest.NewServer(p.slack), httptest.NewServer(p.pager)
	t.Cleanup(slack.Close)
	t.Cleanup(pager.Close)
	var err error
	p.mail, err = smtpfake.New(smtpfake.Options{})
	require.NoError(t, err)
	t.Cleanup(p.mail.Close)

	programs := build(t)
	p.agent = start(t, "the agent", filepath.Join(programs, "demo-agent"), "--web.listen-address=127.0.0.1:0",
		"--chat.interval=500ms") // 20 in the rules' window, and too few for HighTokenUsage in its
	p.notifier = start(t, "the notifier", filepath.Join(programs, "notifier"), "serve", "--web.listen-address=127.0.0.1:0",
		"--storage.path="+t.TempDir(), "--config.file="+write(t, "notifier.yml", fmt.Sprintf(`
agents:
  - {name: demo, match: ['job="demo-agent"'], url: '%s', scrape_interval: 1s}
diagnostics: {deadline: 10s} # not a matter of how busy this machine is
route:
  receiver: log
  by_severity: {critical: [people], warning: [people]}
receivers:
  - name: people
    slack_configs: [{app_token: %s, channel: '%s', api_base_url: '%s/api/'}]
    pagerduty_configs: [{routing_key: %s, url: '%s/v2/enqueue'}]
    email_configs: [{to: %s, from: notifier@example.com, smarthost: '%s', require_tls: false}]
  - name: log
    log_configs: [{}]
`, p.agent.address, token, channel, slack.URL, key, pager.URL, person, p.mail.Address())))

	for range alertmanagers {
		args := append([]string{
			"--web.listen-address=127.0.0.1:0", "--storage.path=" + t.TempDir(), "--config.file=" + write(t, "alertmanager.yml", fmt.Sprintf(`
route:
  receiver: notifier
  group_by: [alertname, job]
  group_wait: 1s
  group_interval: 2s
receivers:
  - name: notifier
    webhook_configs: [{url: '%s/api/v1/webhook', max_alerts: 0}]
`, p.notifier.address)),
		}, flags(p.alertmanagers)...)
		name := fmt.Sprintf("Alertmanager %d", len(p.alertmanagers)+1)
		p.alertmanagers = append(p.alertmanagers, start(t, name, "prometheus-alertmanager", args...))
	}

	var told []string
	for _, a := range p.alertmanagers {
		told = append(told, host(a))
	}
	p.prometheus = start(t, "Prometheus", "prometheus", "--web.listen-address=127.0.0.1:0", "--storage.tsdb.path="+t.TempDir(),
		"--config.file="+write(t, "prometheus.yml", fmt.Sprintf(`
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: ['%s/*.yml']
alerting: {alertmanagers: [{static_configs: [{targets: ['%s']}]}]}
scrape_configs:
  - {job_name: demo-agent, static_configs: [{targets: ['%s']}]}
  - {job_name: notifier, static_configs: [{targets: ['%s']}]}
`, quickened(t), strings.Join(told, "', '"), host(p.agent), host(p.notifier))))
	return p
}

func host(p *process) string { return strings.TrimPrefix(p.address, "http://") }

func alone([]*process) []string { return []string{"--cluster.listen-address="} }

// joined makes a pair of Alertmanagers, which tell each other whom they have told.
func joined(before []*process) []string {
	flags := []string{"--cluster.listen-address=127.0.0.1:0", "--cluster.peer-timeout=2s"}
	for _, a := range before {
		body, err := a.ask("GET", "/api/v2/status")
		if err != nil {
			a.t.Fatal(err)
		}
		var status struct {
			Cluster struct {
				Peers []struct {
					Address string `json:"address"`
				} `json:"peers"`
			} `json:"cluster"`
		}
		if err := json.Unmarshal([]byte(body), &status); err != nil || len(status.Cluster.Peers) == 0 {
			a.t.Fatalf("an Alertmanager without a cluster: %v %s", err, body)
		}
		flags = append(flags, "--cluster.peer="+status.Cluster.Peers[0].Address)
	}
	return flags
}

// An agent falls ill, and Slack, PagerDuty and a mail server are told with its vitals; it recovers, and all of them show that.
func TestAnAgentFallsIllAndRecovers(t *testing.T) {
	p := lay(t, 1, alone)
	p.tell(t)
	p.end(t)
}

// With a pair of Alertmanagers everything is told once.
func TestP4APairOfAlertmanagersIsToldOnce(t *testing.T) {
	p := lay(t, 2, joined)
	for _, a := range p.alertmanagers {
		a.await("the pair", "/metrics", func(body string) bool { return strings.Contains(body, "\nalertmanager_cluster_members 2\n") })
	}
	p.tell(t)
	p.end(t)
}

// A pair that cannot hear each other posts everything twice, and everything is told once.
func TestP4AlertmanagersThatAreCutOffAreToldOnce(t *testing.T) {
	p := lay(t, 2, alone)
	p.tell(t)

	p.notifier.await("that both Alertmanagers posted that it fires and that it is over", "/metrics", func(body string) bool {
		return regexp.MustCompile(`notifier_webhook_requests_total\{code="200"\} ([4-9]|[1-9][0-9])`).MatchString(body)
	})
	p.once(t)
	p.end(t)
}

// tell lets the agent fall ill and recover, and checks what each of those who are told has in the end.
func (p *path) tell(t *testing.T) {
	t.Helper()
	p.prometheus.await("a healthy agent, scraped for longer than the rules' window", "/api/v1/query?query="+
		`count_over_time(up{job="demo-agent"}[15s])`, func(body string) bool { return regexp.MustCompile(`"1[0-9]"\]`).MatchString(body) })
	p.quiet(t)

	_, err := p.agent.ask("POST", "/demo/ill?with=errors,not-ready")
	require.NoError(t, err)
	p.shows(t, func(m slackview.Message) bool { return strings.Contains(text(m), "HighErrorRate") })
	p.pages(t, pagerdutyfake.Triggered)
	p.mails(t, 1)
	assert.Regexp(t, `(?s)WARNING · HighErrorRate · demo · 1 firing.*demo is NOT READY.*/ready 503 "Not Ready".*error rate.*Runbook`, p.message(t))
	incident := p.pager.State().Incidents[0]
	assert.Contains(t, incident.Summary, "HighErrorRate")
	assert.Equal(t, "warning", incident.Severity)
	assert.Contains(t, string(incident.Details), "error rate")
	assert.Contains(t, string(incident.Details), "NOT READY")
	assert.Regexp(t, `(?s)HighErrorRate.*NOT READY.*error rate`, p.mails(t, 1)[0].Text)

	_, err = p.agent.ask("POST", "/demo/well")
	require.NoError(t, err)
	// The message is edited first, and its thread is told then.
	p.shows(t, func(m slackview.Message) bool {
		return strings.Contains(text(m), "RESOLVED") && strings.Contains(text(m), "Resolved after")
	})
	p.pages(t, pagerdutyfake.Resolved)
	mails := p.mails(t, 2)
	assert.Regexp(t, `(?s)RESOLVED · HighErrorRate · demo.*Resolved after`, p.message(t))
	assert.Contains(t, mails[1].Text, "RESOLVED · HighErrorRate")
	assert.Equal(t, mails[0].Subject, mails[1].Subject, "one thread")

	// All of it is over, and each was told once.
	p.quiet(t)
	p.once(t)
}

// once checks that each was told once, when nothing waits any more.
func (p *path) once(t *testing.T) {
	t.Helper()
	p.notifier.await("the end of all deliveries", "/metrics", func(body string) bool {
		return strings.Contains(body, "\nnotifier_pending{") && !regexp.MustCompile(`\nnotifier_pending\{[^}]*\} [1-9]`).MatchString(body)
	})
	assert.Len(t, p.slack.Messages(channel), 1)
	assert.Len(t, p.pager.State().Incidents, 1)
	assert.Equal(t, 1, p.pager.State().Incidents[0].Notified)
	assert.Len(t, p.mail.Mails(), 2)
}

// end ends the notifier and reads what it wrote.
func (p *path) end(t *testing.T) {
	t.Helper()
	p.notifier.terminate()
	assert.NotRegexp(t, `level=ERROR`, p.notifier.written())
	assert.NotContains(t, p.notifier.written(), "planted")
}

// quiet waits until every rule was evaluated without an error and no alert fires.
func (p *path) quiet(t *testing.T) {
	t.Helper()
	p.prometheus.await("that all rules are quiet", "/api/v1/rules?type=alert", func(body string) bool {
		var answer struct {
			Data struct {
				Groups []struct {
					Rules []struct{ Name, Health, State string }
				}
			}
		}
		if json.Unmarshal([]byte(body), &answer) != nil {
			return false
		}
		rules := 0
		for _, g := range answer.Data.Groups {
			for _, r := range g.Rules {
				if r.Health != "ok" || r.State == "firing" {
					return false
				}
				rules++
			}
		}
		return rules > 20
	})
}

// message is what Slack shows of the one message that there is.
func (p *path) message(t *testing.T) string {
	t.Helper()
	messages := p.slack.Messages(channel)
	require.Len(t, messages, 1)
	return text(messages[0])
}

func text(m slackview.Message) string {
	var b strings.Builder
	_ = slackview.Text(&b, m, false) // a strings.Builder takes everything
	return b.String()
}

func (p *path) shows(t *testing.T, right func(slackview.Message) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	err := p.slack.Wait(ctx, func(s slackfake.State) bool {
		messages := s.Messages(channel)
		return len(messages) > 0 && right(messages[0])
	})
	require.NoError(t, err, "Slack shows %v", p.slack.Messages(channel))
}

func (p *path) pages(t *testing.T, state string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	err := p.pager.Wait(ctx, func(s pagerdutyfake.State) bool { return len(s.Incidents) > 0 && s.Incidents[0].State == state })
	require.NoError(t, err, "PagerDuty has %v", p.pager.State().Incidents)
}

// mails are the mails when there are n of them.
func (p *path) mails(t *testing.T, n int) []mailview.Mail {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var got []smtpfake.Mail
	err := p.mail.Wait(ctx, func(all []smtpfake.Mail) bool { got = all; return len(all) >= n })
	require.NoError(t, err)
	require.Len(t, got, n)
	var mails []mailview.Mail
	for _, m := range got {
		shown, err := mailview.Read(m.Data)
		require.NoError(t, err)
		mails = append(mails, shown)
	}
	return mails
}
