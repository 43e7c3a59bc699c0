package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/alertvitals/notifier/demo/agent"
	"github.com/alertvitals/notifier/internal/listening"
	"github.com/alertvitals/notifier/notifiers/email/mailview"
	"github.com/alertvitals/notifier/notifiers/email/smtpfake"
	"github.com/alertvitals/notifier/notifiers/forward/forwardfake"
	"github.com/alertvitals/notifier/notifiers/pagerduty/pagerdutyfake"
	"github.com/alertvitals/notifier/notifiers/slack/slackfake"
	"github.com/alertvitals/notifier/notifiers/slack/slackview"
	"github.com/alertvitals/notifier/tracing/otlpfake"
)

// patience bounds every wait for something that the system under test does by itself.
const patience = 60 * time.Second

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"notifier": func() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) },
	})
}

// TestScript runs the scripts in testdata/script against the real binary. The commands beyond testscript's own:
//
//	expand FILE                       replaces ${VAR} in FILE
//	start NAME PROGRAM ARG...         starts a server, waits until it listens, and sets $NAME to its http:// address and
//	                                  $NAME_ADDRESS to its host:port
//	end NAME [KILL|TERM]              ends it, by SIGTERM when nothing else is said; waits until it is gone. By SIGTERM it has to
//	                                  exit with 0
//	signal NAME HUP|TERM              sends it a signal and waits for nothing
//	ended NAME CODE                   waits until it is gone, and checks its exit code
//	log NAME [REGEXP]                 prints what the server has written to stderr, when REGEXP is given once it matches
//	slack                             starts a stand-in for Slack and sets $SLACK
//	slack fail N STATUS|WORD          makes its next N answers that status, or that error word of Slack's; "hang" gives none, and
//	                                  "drop" breaks the connection. What was asked for before is forgotten
//	slack wait CHANNEL REGEXP         waits until what the channel shows matches
//	slack show CHANNEL                prints what the channel shows
//	slack count CHANNEL N             checks that the channel has N messages, replies apart
//	mail                              starts a stand-in for a mail server, and sets $MAIL to its host:port; mail-ca.pem is its authority
//	mail refuse ADDRESS [CODE TEXT]   makes it refuse a recipient, or take him again
//	mail wait ADDRESS N REGEXP        waits until the recipient has N mails, of which the newest one's text matches
//	mail thread ADDRESS               prints the subject that all mails of the recipient have; they must be one thread
//	pagerduty                         starts a stand-in for PagerDuty and sets $PAGERDUTY and $PAGERDUTY_KEY
//	pagerduty fail N STATUS           makes its next N answers that status
//	pagerduty wait REGEXP             waits until its incidents, a line for each, match
//	webhook                           starts a consumer of signed webhooks and sets $WEBHOOK and $WEBHOOK_SECRET
//	webhook wait REGEXP               waits until the bodies that it took, a line for each, match
//	traces                            starts a stand-in for an OpenTelemetry collector and sets $OTLP
//	traces wait REGEXP                waits until the traces that it has, shown as trees, match
//	traces show                       prints them
//	agent                             starts a demo agent without traffic of its own and sets $AGENT and $AGENT_HOST
//	agent ill WHAT | well | chat N    makes it ill or well, or makes N chats with it
//	alert URL fire|end LABEL=VALUE... posts an alert to a real Alertmanager's API
//	post URL FILE [HEADER]...         posts the file and prints the status and the body of the answer
//	get URL                           prints the status and the body of the answer
//	exposes URL SYSTEM                has the metrics of internal/exposed/bodies/SYSTEM.txt
//	wait-for URL REGEXP [VAR]         waits until the answer matches; $VAR is what the first group then matches
//	payload FILE GROUP SIZE           writes a payload of that size, in KiB, for a group of that name
//	certificates NAME...              writes ca.pem, and for each name NAME.pem and NAME.key signed by it
//	bcrypt VAR PASSWORD               sets $VAR to the password's hash
//	exits CODE PROGRAM ARG...         runs a program and checks its exit code
//	half-post URL [header]            begins a webhook and sends no more of it, or not even its header
//	fill URL FILE                     posts the file again and again, until it is not accepted; prints that answer
func TestScript(t *testing.T) {
	alertmanager := buildAlertmanager(t)
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("ALERTMANAGER", alertmanager)
			payloads, err := filepath.Abs("../../alert/testdata/alertmanager")
			env.Setenv("PAYLOADS", payloads)
			env.Setenv("REPO", filepath.Join(payloads, "..", "..", ".."))
			env.Values[worldKey{}] = &world{servers: map[string]*server{}}
			return err
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"expand":   expand,
			"start":    start,
			"end":      end,
			"log":      showLog,
			"slack":    slackCommand,
			"mail":     mailCommand,
			"agent":    agentCommand,
			"alert":    alertCommand,
			"post":     post,
			"get":      get,
			"wait-for": waitFor,
			"signal":   sendSignal,
			"ended":    ended,
			"payload":  writePayload,
			"fill":     fill,

			"certificates": certificates,
			"bcrypt":       hashPassword,
			"exits":        exits,

			"half-post": halfPost,
			"pagerduty": pagerdutyCommand,
			"webhook":   webhookCommand,
			"traces":    tracesCommand,
		},
	})
}

// buildAlertmanager is the path of a real Alertmanager, built from the module that pins it.
func buildAlertmanager(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "alertmanager")
	build := exec.Command("go", "build", "-o", binary, "github.com/prometheus/alertmanager/cmd/alertmanager")
	build.Dir = filepath.Join("..", "..", "tools", "alertmanager")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building Alertmanager: %v\n%s", err, out)
	}
	return binary
}

type worldKey struct{}

// world is what the commands of one script share.
type world struct {
	servers map[string]*server
	slack   *slackfake.Server
	mail    *smtpfake.Server
	agent   *agent.Agent
	pager   *pagerdutyfake.Server
	webhook *forwardfake.Server
	traces  *otlpfake.Collector
}

func worldOf(ts *testscript.TestScript) *world { return ts.Value(worldKey{}).(*world) }

func want(ts *testscript.TestScript, neg bool, args []string, n int) {
	if neg || len(args) < n {
		ts.Fatalf("wrong use of a command; see the comment of TestScript")
	}
}

func expand(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 1)
	text := os.Expand(ts.ReadFile(args[0]), ts.Getenv)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o600))
}

// server is a started program.
type server struct {
	cmd  *exec.Cmd
	log  lockedBuffer
	done chan struct{}
}

type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) add(line string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.buf.WriteString(line + "\n")
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func start(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 2)
	name, program := args[0], args[1]
	w := worldOf(ts)
	if !filepath.IsAbs(program) {
		path, err := lookPath(ts, program)
		ts.Check(err)
		program = path
	}
	s := &server{cmd: exec.Command(program, args[2:]...), done: make(chan struct{})}
	s.cmd.Dir = ts.MkAbs(".")
	s.cmd.Env = append(os.Environ(), "HOME="+ts.MkAbs("."))
	for _, name := range []string{"OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_RESOURCE_ATTRIBUTES", "OTEL_BSP_SCHEDULE_DELAY"} {
		s.cmd.Env = append(s.cmd.Env, name+"="+ts.Getenv(name))
	}
	stderr, err := s.cmd.StderrPipe()
	ts.Check(err)
	s.cmd.Stdout = os.Stderr
	out, err := os.OpenFile(ts.MkAbs(name+".stdout"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	ts.Check(err)
	s.cmd.Stdout = out
	ts.Check(s.cmd.Start())
	out.Close()
	address := make(chan string, 1)
	go func() {
		defer close(s.done)
		listening.Follow(stderr, s.log.add, func(at string) { address <- at })
		_ = s.cmd.Wait()
	}()
	ts.Defer(func() {
		_ = s.cmd.Process.Kill()
		<-s.done
		ts.Logf("log of %s:\n%s", name, s.log.String())
	})
	w.servers[name] = s
	select {
	case a := <-address:
		ts.Setenv(name, "http://"+a)
		ts.Setenv(name+"_ADDRESS", a)
	case <-s.done:
		ts.Fatalf("%s ended before it listened:\n%s", name, s.log.String())
	case <-time.After(patience):
		ts.Fatalf("%s does not listen:\n%s", name, s.log.String())
	}
}

func lookPath(ts *testscript.TestScript, program string) (string, error) {
	for _, dir := range filepath.SplitList(ts.Getenv("PATH")) {
		path := filepath.Join(dir, program)
		if info, err := os.Stat(path); err == nil && info.Mode()&0o111 != 0 {
			return path, nil
		}
	}
	return "", fmt.Errorf("there is no program %s", program)
}

func end(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 1)
	if len(args) > 1 && args[1] == "KILL" {
		s := worldOf(ts).servers[args[0]]
		ts.Check(s.cmd.Process.Kill())
		s.await(ts, args[0])
		return
	}
	sendSignal(ts, neg, []string{args[0], "TERM"})
	ended(ts, neg, []string{args[0], "0"})
}

func (s *server) await(ts *testscript.TestScript, name string) {
	select {
	case <-s.done:
	case <-time.After(patience):
		ts.Fatalf("%s does not end", name)
	}
}

func sendSignal(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 2)
	signals := map[string]os.Signal{"HUP": syscall.SIGHUP, "TERM": syscall.SIGTERM}
	ts.Check(worldOf(ts).servers[args[0]].cmd.Process.Signal(signals[args[1]]))
}

func ended(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 2)
	s := worldOf(ts).servers[args[0]]
	s.await(ts, args[0])
	if got := strconv.Itoa(s.cmd.ProcessState.ExitCode()); got != args[1] {
		ts.Fatalf("%s ended with %s, want %s:\n%s", args[0], got, args[1], s.log.String())
	}
}

func showLog(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 1)
	log := &worldOf(ts).servers[args[0]].log
	deadline := time.After(patience)
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for len(args) > 1 && !regexp.MustCompile(args[1]).MatchString(log.String()) {
		select {
		case <-deadline:
			ts.Fatalf("the log of %s does not say %s", args[0], args[1])
		case <-again.C:
		}
	}
	_, err := io.WriteString(ts.Stdout(), log.String())
	ts.Check(err)
}

const slackToken = "xoxb-planted-secret"

func slackCommand(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 0)
	w := worldOf(ts)
	if len(args) == 0 {
		w.slack = slackfake.New(slackToken)
		httpServer := httptest.NewServer(w.slack)
		ts.Defer(httpServer.Close)
		ts.Setenv("SLACK", httpServer.URL)
		ts.Setenv("SLACK_TOKEN", slackToken)
		return
	}
	switch args[0] {
	case "fail":
		want(ts, neg, args, 3)
		n, err := strconv.Atoi(args[1])
		ts.Check(err)
		failure := slackfake.Failure{Hang: args[2] == "hang", Drop: args[2] == "drop"}
		if failure.Status, err = strconv.Atoi(args[2]); err != nil {
			failure.Error = args[2]
		}
		w.slack.Release()
		w.slack.FailNext(n, failure)
	case "wait":
		want(ts, neg, args, 3)
		pattern := regexp.MustCompile("(?s)" + args[2])
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		err := w.slack.Wait(ctx, func(s slackfake.State) bool { return pattern.MatchString(shown(s, args[1])) })
		if err != nil {
			ts.Fatalf("%s does not show %s: %v\n%s", args[1], args[2], err, shown(w.slack.State(), args[1]))
		}
	case "show":
		want(ts, neg, args, 2)
		_, err := io.WriteString(ts.Stdout(), shown(w.slack.State(), args[1]))
		ts.Check(err)
	case "count":
		want(ts, neg, args, 3)
		if got := strconv.Itoa(len(w.slack.Messages(args[1]))); got != args[2] {
			ts.Fatalf("%s has %s messages, want %s\n%s", args[1], got, args[2], shown(w.slack.State(), args[1]))
		}
	default:
		ts.Fatalf("slack %s: unknown", args[0])
	}
}

// shown is what a channel shows, as text.
func shown(s slackfake.State, channel string) string {
	var text strings.Builder
	for _, m := range s.Messages(channel) {
		_ = slackview.Text(&text, m, false) // a strings.Builder takes everything
	}
	return text.String()
}

func mailCommand(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 0)
	w := worldOf(ts)
	if len(args) == 0 {
		var err error
		w.mail, err = smtpfake.New(smtpfake.Options{STARTTLS: true, User: "notifier", Password: "planted-secret"})
		ts.Check(err)
		ts.Defer(w.mail.Close)
		ts.Setenv("MAIL", w.mail.Address())
		ts.Check(os.WriteFile(ts.MkAbs("mail-ca.pem"), w.mail.CA(), 0o600))
		return
	}
	want(ts, neg, args, 2)
	switch address := args[1]; args[0] {
	case "refuse":
		var reply smtpfake.Reply
		if len(args) > 3 {
			code, err := strconv.Atoi(args[2])
			ts.Check(err)
			reply = smtpfake.Reply{Code: code, Text: args[3]}
		}
		w.mail.Refuse(address, reply)
	case "wait":
		want(ts, neg, args, 4)
		n, err := strconv.Atoi(args[2])
		ts.Check(err)
		pattern := regexp.MustCompile("(?s)" + args[3])
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		err = w.mail.Wait(ctx, func(all []smtpfake.Mail) bool {
			mails := mailsOf(ts, all, address)
			return len(mails) == n && pattern.MatchString(mails[n-1].Text)
		})
		if err != nil {
			ts.Fatalf("%s does not have %d mails, the newest with %s: %v\n%v", address, n, args[3], err, mailsOf(ts, w.mail.Mails(), address))
		}
	case "thread":
		mails := mailsOf(ts, w.mail.Mails(), address)
		for _, m := range mails {
			if root := m.Header.Get("References"); root == "" || root != mails[0].Header.Get("References") || m.Subject != mails[0].Subject {
				ts.Fatalf("%q (%s) is of another thread than %q", m.Subject, root, mails[0].Subject)
			}
		}
		fmt.Fprintln(ts.Stdout(), mails[0].Subject)
	default:
		ts.Fatalf("mail %s: unknown", args[0])
	}
}

// mailsOf are the mails that a recipient has.
func mailsOf(ts *testscript.TestScript, all []smtpfake.Mail, address string) []mailview.Mail {
	var mails []mailview.Mail
	for _, m := range all {
		if slices.Contains(m.To, address) {
			shown, err := mailview.Read(m.Data)
			ts.Check(err)
			mails = append(mails, shown)
		}
	}
	return mails
}

func agentCommand(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 0)
	w := worldOf(ts)
	if len(args) == 0 {
		w.agent = agent.New()
		httpServer := httptest.NewServer(w.agent)
		ts.Defer(httpServer.Close)
		ts.Setenv("AGENT", httpServer.URL)
		ts.Setenv("AGENT_HOST", httpServer.Listener.Addr().String())
		return
	}
	switch args[0] {
	case "ill":
		want(ts, neg, args, 2)
		ts.Check(w.agent.BecomeIll(strings.Split(args[1], ",")...))
	case "well":
		w.agent.GetWell()
	case "chat":
		want(ts, neg, args, 2)
		n, err := strconv.Atoi(args[1])
		ts.Check(err)
		for range n {
			w.agent.Chat()
		}
	default:
		ts.Fatalf("agent %s: unknown", args[0])
	}
}

func alertCommand(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 3)
	labels, annotations := map[string]string{}, map[string]string{}
	for _, pair := range args[2:] {
		name, value, _ := strings.Cut(pair, "=")
		if annotation, ok := strings.CutPrefix(name, "@"); ok {
			annotations[annotation] = value
			continue
		}
		labels[name] = value
	}
	now := time.Now().UTC()
	a := map[string]any{
		"labels": labels, "annotations": annotations, "startsAt": now.Add(-time.Minute),
		"generatorURL": "http://prometheus.example:9090/graph?g0.expr=up&g0.tab=1",
	}
	if args[1] == "end" {
		a["endsAt"] = now
	}
	body, err := json.Marshal([]any{a})
	ts.Check(err)
	resp, err := http.Post(args[0]+"/api/v2/alerts", "application/json", bytes.NewReader(body))
	ts.Check(err)
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		answer, _ := io.ReadAll(resp.Body)
		ts.Fatalf("Alertmanager answered %d: %s", resp.StatusCode, answer)
	}
}

func post(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 2)
	req, err := http.NewRequest(http.MethodPost, args[0], strings.NewReader(ts.ReadFile(args[1])))
	ts.Check(err)
	req.Close = true // a connection that is kept may be closed for another just now, and a POST is then not tried again
	req.Header.Set("Content-Type", "application/json")
	for _, header := range args[2:] {
		name, value, _ := strings.Cut(header, ": ")
		req.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(req)
	ts.Check(err)
	printAnswer(ts, resp)
}

func get(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 1)
	resp, err := http.Get(args[0])
	ts.Check(err)
	printAnswer(ts, resp)
}

func printAnswer(ts *testscript.TestScript, resp *http.Response) {
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	ts.Check(err)
	fmt.Fprintf(ts.Stdout(), "%d %s\n", resp.StatusCode, body)
}

// waitFor asks again and again, because a server says nothing when its metrics change.
func waitFor(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 2)
	pattern := regexp.MustCompile(args[1])
	var last string
	deadline := time.After(patience)
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for {
		if resp, err := http.Get(args[0]); err == nil {
			body, _ := io.ReadAll(resp.Body)
			resp.Body.Close()
			last = string(body)
			if found := pattern.FindSubmatch(body); found != nil {
				if len(args) > 2 {
					ts.Setenv(args[2], string(found[1]))
				}
				return
			}
		}
		select {
		case <-deadline:
			ts.Fatalf("%s does not answer %s:\n%s", args[0], args[1], last)
		case <-again.C:
		}
	}
}

// writePayload writes what Alertmanager may post, with a description that makes it large.
func writePayload(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 3)
	kib, err := strconv.Atoi(args[2])
	ts.Check(err)
	body, err := json.Marshal(map[string]any{
		"version": "4", "groupKey": args[1], "status": "firing", "receiver": "notifier",
		"groupLabels": map[string]string{"alertname": args[1]}, "externalURL": "http://alertmanager:9093",
		"alerts": []any{map[string]any{
			"status": "firing", "labels": map[string]string{"alertname": args[1], "severity": "critical"}, "startsAt": time.Now().Add(-time.Minute),
			"annotations": map[string]string{"description": strings.Repeat("x", kib<<10)}, "fingerprint": "00000000000000aa",
		}},
	})
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), body, 0o600))
}

func fill(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 2)
	body := ts.ReadFile(args[1])
	for range 1000 {
		resp, err := http.Post(args[0], "application/json", strings.NewReader(body))
		ts.Check(err)
		if resp.StatusCode != http.StatusOK {
			printAnswer(ts, resp)
			return
		}
		resp.Body.Close()
	}
	ts.Fatalf("%s accepts whatever is posted", args[0])
}

func halfPost(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 1)
	conn, err := net.Dial("tcp", strings.TrimPrefix(args[0], "http://"))
	ts.Check(err)
	ts.Defer(func() { conn.Close() })
	begun := "POST /api/v1/webhook HTTP/1.1\r\nHost: notifier\r\nContent-Length: 1000"
	if len(args) == 1 {
		begun += "\r\n\r\n{"
	}
	_, err = io.WriteString(conn, begun)
	ts.Check(err)
}
