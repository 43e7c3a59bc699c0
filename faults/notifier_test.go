package faults

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alertvitals/notifier/internal/listening"
)

// patience bounds every wait for something that the notifier does by itself.
const patience = 90 * time.Second

// notifier is the program under test. It may be started and ended any number of times; its address changes each time.
type notifier struct {
	t      testing.TB
	args   []string
	log    *os.File
	client *http.Client

	mu      sync.Mutex
	address string // "" while it does not run
	cmd     *exec.Cmd
	done    chan struct{} // closed when the process is gone and all it wrote was read
	starts  int
}

// newNotifier writes the configuration, with its receivers at the stand-in, and starts nothing. flags are further ones.
func newNotifier(t testing.TB, slack, storage string, flags ...string) *notifier {
	t.Helper()
	dir := t.TempDir()
	config := filepath.Join(dir, "notifier.yml")
	require.NoError(t, os.WriteFile(config, []byte(configuration(slack)), 0o600))
	log, err := os.Create(filepath.Join(dir, "notifier.log"))
	require.NoError(t, err)
	n := &notifier{
		t: t, log: log,
		args: append([]string{
			"serve", "--config.file=" + config, "--storage.path=" + storage, "--web.listen-address=127.0.0.1:0",
		}, flags...),
		client: &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 32}},
	}
	t.Cleanup(func() {
		n.kill()
		n.client.CloseIdleConnections()
		log.Close()
		if t.Failed() {
			n.keepLog(log.Name())
		}
	})
	return n
}

// keepLog saves the log of a failed run from the end of the test's directory.
func (n *notifier) keepLog(name string) {
	content, err := os.ReadFile(name)
	if err != nil {
		n.t.Logf("the notifier's log is lost: %v", err)
		return
	}
	kept, err := os.CreateTemp("", "faults-*.log")
	if err != nil {
		n.t.Logf("the notifier's log is lost: %v", err)
		return
	}
	defer kept.Close()
	if _, err = kept.Write(content); err != nil {
		n.t.Logf("the notifier's log is lost: %v", err)
		return
	}
	n.t.Logf("the notifier's log is in %s", kept.Name())
}

// configuration has one receiver for each of hears. The timeout is short, because what hangs is to be tried again soon.
func configuration(slack string) string {
	receivers, severities := "", map[string][]string{}
	for _, r := range []receiver{"oncall", "team", "info"} {
		receivers += fmt.Sprintf(`
  - name: %[1]s
    slack_configs:
      - {app_token: %[2]s, channel: '#%[1]s', api_base_url: '%[3]s/api/', timeout: 2s, rate_limit: 0}`, r, token, slack)
		for _, s := range hears[r] {
			severities[string(s)] = append(severities[string(s)], string(r))
		}
	}
	routes := ""
	for _, s := range []string{"critical", "warning", "info"} {
		routes += fmt.Sprintf("\n    %s: [%s]", s, strings.Join(severities[s], ", "))
	}
	return "route:\n  receiver: team\n  by_severity:" + routes + "\nreceivers:" + receivers + "\n"
}

// launch starts the process; listens is closed when it takes requests.
func (n *notifier) launch() (listens chan struct{}) {
	n.t.Helper()
	n.mu.Lock()
	defer n.mu.Unlock()
	n.starts++
	fmt.Fprintf(n.log, "=== start %d\n", n.starts)
	n.cmd = exec.Command(binary, n.args...)
	n.cmd.Stdout = n.log
	stderr, err := n.cmd.StderrPipe()
	require.NoError(n.t, err)
	require.NoError(n.t, n.cmd.Start())
	n.done, listens = make(chan struct{}), make(chan struct{})
	go n.follow(n.cmd, stderr, listens, n.done)
	return listens
}

func (n *notifier) follow(cmd *exec.Cmd, stderr io.Reader, listens, done chan struct{}) {
	defer close(done)
	listening.Follow(stderr, func(line string) { fmt.Fprintln(n.log, line) }, func(address string) {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.address = "http://" + address
		close(listens)
	})
	_ = cmd.Wait() // an end by a signal is an error here
	n.mu.Lock()
	n.address = ""
	n.mu.Unlock()
}

// start starts the notifier and waits until it takes requests.
func (n *notifier) start() {
	n.t.Helper()
	listens := n.launch()
	select {
	case <-listens:
	case <-n.done:
		require.Fail(n.t, "the notifier ended before it listened", n.logTail())
	case <-time.After(patience):
		require.Fail(n.t, "the notifier does not listen", n.logTail())
	}
}

// kill ends the process by SIGKILL, if it runs.
func (n *notifier) kill() {
	n.mu.Lock()
	cmd, done := n.cmd, n.done
	n.mu.Unlock()
	if cmd == nil {
		return
	}
	_ = cmd.Process.Kill() // it may be gone already
	<-done
}

// terminate ends the process by SIGTERM, which must end well.
func (n *notifier) terminate() {
	n.t.Helper()
	require.NoError(n.t, n.cmd.Process.Signal(syscall.SIGTERM))
	select {
	case <-n.done:
	case <-time.After(patience):
		require.Fail(n.t, "the notifier does not end after SIGTERM", n.logTail())
	}
	require.Zero(n.t, n.cmd.ProcessState.ExitCode(), "exit code after SIGTERM\n%s", n.logTail())
}

// reload asks for a reload in both ways. It is false when this notifier cannot do it.
func (n *notifier) reload() bool {
	n.t.Helper()
	status, body := n.request(http.MethodPost, "/-/reload", nil)
	if status == http.StatusNotFound {
		return false // and then SIGHUP would end it
	}
	require.Equal(n.t, http.StatusOK, status, "POST /-/reload: %s", body)
	require.NoError(n.t, n.cmd.Process.Signal(syscall.SIGHUP))
	return true
}

func (n *notifier) logTail() string {
	content, err := os.ReadFile(n.log.Name())
	if err != nil {
		return err.Error()
	}
	return string(content[max(0, len(content)-4000):])
}

// at is the address; "" while the notifier is down.
func (n *notifier) at() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.address
}

// request is the answer of the running notifier; status is 0 when there is none.
func (n *notifier) request(method, path string, body io.Reader) (status int, answer string) {
	address := n.at()
	if address == "" {
		return 0, "the notifier does not run"
	}
	req, err := http.NewRequest(method, address+path, body)
	if err != nil {
		return 0, err.Error()
	}
	resp, err := n.client.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	content, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err.Error()
	}
	return resp.StatusCode, string(content)
}

// sum adds up all series of a metric; ok is false when the notifier has no such metric or does not answer.
func (n *notifier) sum(metric string) (total float64, ok bool) {
	_, text := n.request(http.MethodGet, "/metrics", nil)
	return sum(text, metric)
}

func sum(exposition, metric string) (total float64, ok bool) {
	for line := range strings.Lines(exposition) {
		rest, found := strings.CutPrefix(line, metric)
		if !found || !strings.HasPrefix(rest, "{") && !strings.HasPrefix(rest, " ") {
			continue
		}
		value, err := strconv.ParseFloat(strings.TrimSpace(rest[strings.LastIndex(rest, " ")+1:]), 64)
		if err != nil {
			return 0, false
		}
		total, ok = total+value, true
	}
	return total, ok
}

// has is whether the notifier has a flag.
func has(t testing.TB, flag string) bool {
	t.Helper()
	help, err := exec.Command(binary, "serve", "--help").CombinedOutput()
	require.NoError(t, err, "%s", help)
	return strings.Contains(string(help), flag)
}

// eventually asks again and again until the answer is yes, because a server says nothing when its metrics change.
func eventually(ctx context.Context, yes func() bool) error {
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for !yes() {
		select {
		case <-ctx.Done():
			return errors.New("it did not happen in time")
		case <-again.C:
		}
	}
	return nil
}
