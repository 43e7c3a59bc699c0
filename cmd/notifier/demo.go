package main

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/alecthomas/kingpin/v2"
	"github.com/alertvitals/notifier/alert"
	"github.com/alertvitals/notifier/demo/agent"
	"github.com/alertvitals/notifier/notifiers/email/mailview"
	"github.com/alertvitals/notifier/notifiers/email/smtpfake"
	"github.com/alertvitals/notifier/notifiers/pagerduty/pagerdutyfake"
	"github.com/alertvitals/notifier/notifiers/slack/slackfake"
	"github.com/alertvitals/notifier/notifiers/slack/slackview"
)

// How long the agent is well at first, which is longer than the window of its rates, and how long a message may take; the rule decides
// when there is one.
const (
	demoWell     = 7 * time.Second
	demoPatience = 40 * time.Second
)

// demoRules is what fires in the demonstration.
//
//go:embed demo.rules.yml
var demoRules []byte

const (
	demoChannel = "#agent-alerts"
	demoToken   = "xoxb-demo" //nolint:gosec // only the stand-in knows it
	demoKey     = "0123456789abcdef0123456789abcdef"

	demoPace = 25 * time.Millisecond // between two chats: a rule in seconds needs many of them
)

// demoCommand is `notifier demo`.
type demoCommand struct {
	cmd  *kingpin.CmdClause
	once *bool
}

func addDemo(app *kingpin.Application) *demoCommand {
	d := &demoCommand{cmd: app.Command("demo", "Show it all in one process: an agent falls ill and recovers, and what Slack would show.")}
	d.cmd.HelpLong(`It needs nothing and sends nothing: the agent, Slack and the mail server are stand-ins on this machine. After half a minute it prints their addresses, and stays up until it is stopped.

  notifier demo
  notifier demo --once`)
	d.once = d.cmd.Flag("once", "End after the agent has recovered, instead of staying up.").Bool()
	return d
}

// demonstrate shows an agent that falls ill and recovers, and what Slack would show of it.
func demonstrate(ctx context.Context, stdout io.Writer, once bool) error {
	dir, err := os.MkdirTemp("", "notifier-demo")
	if err != nil {
		return fmt.Errorf("making a directory for the demonstration: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	d, err := startDemo(ctx, dir)
	if err != nil {
		return err
	}
	err = d.tell(ctx, stdout, once)
	return errors.Join(err, d.stop())
}

// tell plays the demonstration and prints it.
func (d *demonstration) tell(ctx context.Context, stdout io.Writer, once bool) error {
	colour := isTerminal(stdout)
	say := func(format string, args ...any) { fmt.Fprintf(stdout, format+"\n", args...) }

	say("A demo agent is up at %s, and the notifier at %s scrapes it four times a second.", d.agentURL, d.notifierURL)
	say("Slack is a stand-in on this machine: %s shows its channel as a page,", d.slackURL)
	say("%s the mail that the same receiver sends, and PagerDuty is one, too.", d.mailURL)
	if err := pause(ctx, demoWell); err != nil {
		return err
	}
	say("\nThe agent falls ill: a quarter of its model calls fail, it is slow, its tools fail.")
	if err := d.fallIll(ctx); err != nil {
		return err
	}
	say("The rule HighErrorRate fires (there is no Prometheus: the notifier evaluates it itself), and Slack shows:\n")
	if err := d.show(stdout, colour); err != nil {
		return err
	}
	say("The agent gets well.")
	if err := d.recover(ctx); err != nil {
		return err
	}
	say("The rule fires no more, and the same message in Slack turns green:\n")
	if err := d.show(stdout, colour); err != nil {
		return err
	}
	if once {
		return nil
	}
	say("All stays up until you stop it (Ctrl-C).")
	say("  Slack's channel   %s", d.slackURL)
	say("  the newest mail   %s", d.mailURL)
	say("  the incidents     %s/state", d.pagerURL)
	say("  the agent         curl -X POST '%s/demo/ill?with=errors,slow' (or /demo/well)", d.agentURL)
	say("  the notifier      curl -d @payload.json %s/api/v1/webhook", d.notifierURL)
	<-ctx.Done()
	return nil
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return errors.New("the demonstration was interrupted")
	case <-time.After(d):
		return nil
	}
}

// demonstration is an agent, stand-ins for Slack and a mail server, and the notifier itself, all on loopback.
type demonstration struct {
	agent                                    *agent.Agent
	slack                                    *slackfake.Server
	mail                                     *smtpfake.Server
	pager                                    *pagerdutyfake.Server
	agentURL, slackURL, mailURL, notifierURL string
	pagerURL                                 string

	cancel  context.CancelFunc
	servers []*http.Server
	served  chan error
}

// startDemo starts everything; the notifier keeps its files in dir.
func startDemo(ctx context.Context, dir string) (*demonstration, error) {
	ctx, cancel := context.WithCancel(ctx)
	d := &demonstration{agent: agent.New(), slack: slackfake.New(demoToken), pager: pagerdutyfake.New(demoKey), cancel: cancel, served: make(chan error, 1)}
	d.slack.KeepPace()
	var err error
	if d.agentURL, err = d.serve(ctx, d.agent); err != nil {
		return nil, errors.Join(err, d.stop())
	}
	if d.slackURL, err = d.serve(ctx, d.slack); err != nil {
		return nil, errors.Join(err, d.stop())
	}
	if d.pagerURL, err = d.serve(ctx, d.pager); err != nil {
		return nil, errors.Join(err, d.stop())
	}
	if d.mail, err = smtpfake.New(smtpfake.Options{}); err != nil {
		return nil, errors.Join(err, d.stop())
	}
	if d.mailURL, err = d.serve(ctx, http.HandlerFunc(d.showMail)); err != nil {
		return nil, errors.Join(err, d.stop())
	}
	go d.agent.Run(ctx, demoPace)
	ruleFile := filepath.Join(dir, "demo.rules.yml")
	if err = os.WriteFile(ruleFile, demoRules, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("writing the rule: %w", err), d.stop())
	}
	text := fmt.Appendf(nil, `
rules_files: ['%s']
rules: {evaluation_interval: 1s, group_interval: 1s}
agents:
  - name: demo-agent
    match: ['job="demo-agent"']
    url: '%s'
    scrape_interval: 250ms
    links:
      Logs: 'https://grafana.example.com/explore?schemaVersion=1&panes={"a":{"range":{"from":"{{ .From }}","to":"{{ .To }}"}}}'
      Traces: 'https://jaeger.example.com/search?service={{ .Labels.job }}&start={{ .From.UnixMicro }}&end={{ .To.UnixMicro }}'
      Dashboard: 'https://grafana.example.com/d/agents?var-instance={{ .Labels.instance }}&from={{ .From }}&to={{ .To }}'
route:
  receiver: log
  by_severity: {critical: [slack, log]}
receivers:
  - name: slack
    slack_configs: [{app_token: %s, channel: '%s', api_base_url: '%s/api/'}]
    email_configs: [{to: oncall@example.com, from: 'Notifier <notifier@example.com>', smarthost: '%s', require_tls: false}]
    pagerduty_configs: [{routing_key: %s, url: '%s/v2/enqueue'}]
  - name: log
    log_configs: [{output: '%s'}]
`, ruleFile, d.agentURL, demoToken, demoChannel, d.slackURL, d.mail.Address(), demoKey, d.pagerURL, filepath.Join(dir, "notifications.log"))
	listener, err := listen(ctx)
	if err != nil {
		return nil, errors.Join(err, d.stop())
	}
	d.notifierURL = "http://" + listener.Addr().String()
	logger := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	from := source{name: "demo", read: func() ([]byte, error) { return text, nil }}
	disk := storage{path: dir, retention: time.Hour, size: smallestSize, free: 1 << 20}
	go func() { d.served <- serveOn(ctx, from, disk, listener, logger, newRegistry()) }()
	return d, nil
}

func listen(ctx context.Context) (net.Listener, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listening on loopback: %w", err)
	}
	return listener, nil
}

func (d *demonstration) serve(ctx context.Context, handler http.Handler) (string, error) {
	listener, err := listen(ctx)
	if err != nil {
		return "", err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	d.servers = append(d.servers, server)
	go func() { _ = server.Serve(listener) }()
	return "http://" + listener.Addr().String(), nil
}

// stop ends everything that startDemo started and is what the notifier ended with.
func (d *demonstration) stop() error {
	d.cancel()
	var err error
	if d.notifierURL != "" {
		err = <-d.served
	}
	for _, server := range d.servers {
		_ = server.Close()
	}
	if d.mail != nil {
		d.mail.Close()
	}
	return err
}

// showMail shows the newest mail as a client does.
func (d *demonstration) showMail(w http.ResponseWriter, _ *http.Request) {
	mails := d.mail.Mails()
	if len(mails) == 0 {
		fmt.Fprintln(w, "There is no mail yet.")
		return
	}
	shown, err := mailview.Read(mails[len(mails)-1].Data)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprint(w, shown.HTML)
}

// fallIll makes the agent ill, and returns when the rule has fired and everybody shows it.
func (d *demonstration) fallIll(ctx context.Context) error {
	if err := d.agent.BecomeIll(agent.Errors, agent.Slow, agent.FailingTools); err != nil {
		return err
	}
	return d.told(ctx, alert.StatusFiring)
}

// recover makes the agent well, and returns when the rule fires no more and everybody shows it.
func (d *demonstration) recover(ctx context.Context) error {
	d.agent.GetWell()
	return d.told(ctx, alert.StatusResolved)
}

// told waits until Slack, the mail and PagerDuty show a status.
func (d *demonstration) told(ctx context.Context, status string) error {
	ctx, cancel := context.WithTimeout(ctx, demoPatience)
	defer cancel()
	if err := d.slack.Wait(ctx, shows(status)); err != nil {
		return fmt.Errorf("the message did not arrive in Slack: %w", err)
	}
	if err := d.mail.Wait(ctx, says(status)); err != nil {
		return fmt.Errorf("the mail did not arrive: %w", err)
	}
	if err := d.pager.Wait(ctx, pages(status)); err != nil {
		return fmt.Errorf("the event did not arrive at PagerDuty: %w", err)
	}
	return nil
}

// shows is whether the channel shows the state: a message without a reply fires, one with a reply is resolved.
func shows(status string) func(slackfake.State) bool {
	return func(s slackfake.State) bool {
		messages := s.Messages(demoChannel)
		return len(messages) > 0 && (status == alert.StatusFiring || len(messages[0].Replies) > 0)
	}
}

// says is whether the newest mail says the state.
func says(status string) func([]smtpfake.Mail) bool {
	return func(mails []smtpfake.Mail) bool {
		return len(mails) > 0 && bytes.Contains(mails[len(mails)-1].Data, []byte("\r\nX-Alert-Status: "+status+"\r\n"))
	}
}

// pages is whether PagerDuty has the incident in that state.
func pages(status string) func(pagerdutyfake.State) bool {
	return func(s pagerdutyfake.State) bool {
		return len(s.Incidents) > 0 && (len(s.Open()) > 0) == (status == alert.StatusFiring)
	}
}

// show prints what the channel shows, and PagerDuty.
func (d *demonstration) show(w io.Writer, colour bool) error {
	for _, m := range d.slack.Messages(demoChannel) {
		if err := slackview.Text(w, m, colour); err != nil {
			return fmt.Errorf("showing the message: %w", err)
		}
	}
	for _, i := range d.pager.State().Incidents {
		fmt.Fprintf(w, "  PagerDuty   %s, %s: %s\n", i.State, i.Severity, i.Summary)
	}
	_, err := fmt.Fprintln(w)
	return err
}
