package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/alecthomas/kingpin/v2"
	commoncfg "github.com/prometheus/common/config"

	"github.com/alertvitals/notifier/config"
	"github.com/alertvitals/notifier/delivery"
	"github.com/alertvitals/notifier/notifiers/email"
	"github.com/alertvitals/notifier/notifiers/email/mailview"
	"github.com/alertvitals/notifier/notifiers/email/smtpfake"
	"github.com/alertvitals/notifier/notifiers/logsink"
	"github.com/alertvitals/notifier/notifiers/pagerduty/pagerdutyfake"
	"github.com/alertvitals/notifier/notifiers/slack/slackfake"
	"github.com/alertvitals/notifier/notifiers/slack/slackview"
	"github.com/alertvitals/notifier/web"
)

// renderCommand is `notifier render`.
type renderCommand struct {
	drillFlags

	cmd          *kingpin.CmdClause
	html, output *string
}

func addRender(app *kingpin.Application) *renderCommand {
	r := &renderCommand{cmd: app.Command("render", "Print what would be sent to a receiver, byte by byte, and send nothing.")}
	r.cmd.HelpLong(`The bodies go to standard output, and a line about each to standard error. No credential is in them.

  notifier render --receiver=oncall
  notifier render --receiver=oncall --payload=payload.json --snapshot=aster
  notifier render --receiver=oncall --html=message.html
  notifier render --receiver=oncall -o json | jq -r '.rendered[0].body'`)
	r.drillFlags = addDrillFlags(r.cmd)
	r.html = r.cmd.Flag("html", "Write a picture of the Slack message or of the mail to this file, too, for a browser.").PlaceHolder("FILE").String()
	r.output = r.cmd.Flag("output", "text for people, json for programs.").Short('o').Default("text").Enum("text", asJSON)
	return r
}

// run prints what would be sent.
func (r *renderCommand) run(ctx context.Context, stdin io.Reader, stdout, stderr io.Writer) error {
	d, err := r.make(ctx, stdin)
	if err != nil {
		return err
	}
	s, err := standIn()
	if err != nil {
		return err
	}
	defer s.close()
	all, err := s.render(ctx, d)
	if err != nil {
		return err
	}
	if *r.output == asJSON {
		if err := printAsJSON(stdout, map[string]any{"rendered": all}); err != nil {
			return err
		}
	} else {
		for i, one := range all {
			if i > 0 {
				fmt.Fprintln(stdout)
			}
			fmt.Fprintf(stderr, "# %s %s\n", one.Integration, one.To)
			fmt.Fprintf(stdout, "%s\n", bytes.TrimSuffix(one.Body, []byte("\n")))
		}
	}
	if *r.html == "" {
		return nil
	}
	return s.picture(*r.html)
}

// render is what the configuration in use would send. One is made at a time.
func (c *configuration) render(ctx context.Context, asked web.RenderRequest) ([]web.Rendered, error) {
	if !c.rendering.TryLock() {
		return nil, web.ErrRendering
	}
	defer c.rendering.Unlock()
	ctx, cancel := context.WithTimeout(ctx, sendTime)
	defer cancel()
	inUse := c.running.Load()
	d := drill{set: inUse.set, redact: inUse.Diagnostics.WithDefaults().RedactLabels}
	var err error
	if d.receiver, err = receiverNamed(inUse.Config, asked.Receiver); err != nil {
		return nil, &web.NotRendered{NoReceiver: true, Why: err.Error()}
	}
	body := []byte(asked.Payload)
	if len(body) == 0 {
		body = example(time.Now())
	}
	if d.group, err = groupOf(body); err != nil {
		return nil, &web.NotRendered{Why: err.Error()}
	}
	if asked.Agent != "" {
		if d.snapshot, err = c.collector.Look(ctx, asked.Agent, asked.Instance, true); err != nil {
			return nil, err
		}
	}
	d.links = delivery.LinksOf(d.group, d.group.Redact(d.redact), c.collector.Links)
	s, err := standIn()
	if err != nil {
		return nil, err
	}
	defer s.close()
	return s.render(ctx, d)
}

// render lets the receiver's own sinks tell the stand-ins, and is what those got. Credentials stay out of it.
func (s *standIns) render(ctx context.Context, d drill) (all []web.Rendered, err error) {
	receiver := s.instead(d.receiver)
	receiver.LogConfigs = nil
	sinks, err := integrations(receiver, d.set)
	if err != nil {
		return nil, err
	}
	message := d.message(d.group, "render", "", nil)
	for _, sink := range sinks {
		if _, err := sendOnce(ctx, sink.sink, message); err != nil {
			return nil, fmt.Errorf("rendering for %s: %w", sink.kind, err)
		}
		for _, got := range s.took() {
			all = append(all, web.Rendered{Integration: sink.kind, To: got.what, Body: got.body})
		}
	}
	for _, c := range d.receiver.LogConfigs {
		var lines bytes.Buffer
		sink, err := logsink.NewTo(&lines, c)
		if err != nil {
			return nil, err
		}
		if _, err := sendOnce(ctx, sink, message); err != nil {
			return nil, fmt.Errorf("rendering for log: %w", err)
		}
		all = append(all, web.Rendered{Integration: "log", To: cmp.Or(c.Output, logsink.Stdout), Body: lines.Bytes()})
	}
	return all, nil
}

// standIns stand in for every service, on loopback.
type standIns struct {
	listener net.Listener
	server   *http.Server
	slack    *slackfake.Server
	mail     *smtpfake.Server
	done     chan struct{}

	mu    sync.Mutex
	taken []taken
	mails int
}

// taken is what a stand-in got.
type taken struct {
	what string
	body []byte
}

// What stands for credentials.
const (
	noToken = "xoxb-render" //nolint:gosec // it opens nothing
	noKey   = "00000000000000000000000000000000"
)

func standIn() (*standIns, error) {
	s := &standIns{slack: slackfake.New(noToken), done: make(chan struct{})}
	var err error
	if s.mail, err = smtpfake.New(smtpfake.Options{}); err != nil {
		return nil, fmt.Errorf("beginning a stand-in for a mail server: %w", err)
	}
	if s.listener, err = (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0"); err != nil {
		s.mail.Close()
		return nil, fmt.Errorf("beginning stand-ins: %w", err)
	}
	incidents := pagerdutyfake.New(noKey)
	s.server = &http.Server{ReadHeaderTimeout: sendTime, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		s.mu.Lock()
		s.taken = append(s.taken, taken{fmt.Sprintf("%s %s (%s)", r.Method, r.URL.Path, r.Header.Get("Content-Type")), body})
		s.mu.Unlock()
		r.Body = io.NopCloser(bytes.NewReader(body))
		switch {
		case strings.HasPrefix(r.URL.Path, "/api/"), strings.HasPrefix(r.URL.Path, "/services/"), strings.HasPrefix(r.URL.Path, "/upload/"):
			s.slack.ServeHTTP(w, r)
		case strings.HasPrefix(r.URL.Path, "/forward"):
		default:
			incidents.ServeHTTP(w, r)
		}
	})}
	go func() {
		defer close(s.done)
		_ = s.server.Serve(s.listener) // it ends with close
	}()
	return s, nil
}

func (s *standIns) close() {
	_ = s.server.Close()
	<-s.done
	s.mail.Close()
}

// instead is the receiver with the stand-ins in the place of its services.
func (s *standIns) instead(r config.Receiver) config.Receiver {
	address := "http://" + s.listener.Addr().String()
	// The configuration may be in use.
	r.SlackConfigs, r.PagerdutyConfigs = slices.Clone(r.SlackConfigs), slices.Clone(r.PagerdutyConfigs)
	r.WebhookConfigs, r.EmailConfigs = slices.Clone(r.WebhookConfigs), slices.Clone(r.EmailConfigs)
	for i := range r.SlackConfigs {
		c := &r.SlackConfigs[i]
		if c.AppToken != "" || c.AppTokenFile != "" {
			c.AppToken, c.AppTokenFile, c.APIBaseURL = noToken, "", address+"/api/"
		} else {
			c.APIURL, c.APIURLFile = commoncfg.Secret(address+"/services/render"), ""
		}
		c.HTTPConfig = nil
	}
	for i := range r.PagerdutyConfigs {
		c := &r.PagerdutyConfigs[i]
		if c.ServiceKey != "" || c.ServiceKeyFile != "" {
			c.ServiceKey, c.ServiceKeyFile, c.URL = noKey, "", address+"/generic/2010-04-15/create_event.json"
		} else {
			c.RoutingKey, c.RoutingKeyFile, c.URL = noKey, "", address+"/v2/enqueue"
		}
		c.HTTPConfig = nil
	}
	for i := range r.WebhookConfigs {
		c := &r.WebhookConfigs[i]
		c.URL, c.URLFile, c.HTTPConfig = commoncfg.Secret(address+"/forward"), "", nil
		c.Secret, c.SecretFile = "", ""
	}
	for i := range r.EmailConfigs {
		c := &r.EmailConfigs[i]
		r.EmailConfigs[i] = email.Config{
			To: c.To, From: c.From, Headers: c.Headers, HTML: c.HTML, Text: c.Text, Threading: c.Threading,
			Smarthost: s.mail.Address(), RequireTLS: new(bool), ForceImplicitTLS: new(bool),
		}
	}
	return r
}

// took is what was got since it was asked last.
func (s *standIns) took() []taken {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.taken
	s.taken = nil
	mails := s.mail.Mails()
	for _, m := range mails[s.mails:] {
		all = append(all, taken{"to " + strings.Join(m.To, ", "), m.Data})
	}
	s.mails = len(mails)
	return all
}

// picture writes the page of the Slack message, or else of the mail.
func (s *standIns) picture(path string) error {
	var page bytes.Buffer
	mails := s.mail.Mails()
	switch channels := s.slack.State().Channels; {
	case len(channels) > 0:
		if err := slackview.Page(&page, channels); err != nil {
			return fmt.Errorf("drawing the Slack message: %w", err)
		}
	case len(mails) > 0:
		m, err := mailview.Read(mails[0].Data)
		if err != nil {
			return err
		}
		page.WriteString(m.HTML)
	default:
		return errors.New("--html shows Slack messages and mails, and the receiver has neither")
	}
	if err := os.WriteFile(path, page.Bytes(), 0o600); err != nil {
		return fmt.Errorf("writing the picture: %w", err)
	}
	return nil
}
