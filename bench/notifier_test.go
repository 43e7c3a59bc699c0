package bench

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alertvitals/notifier/internal/listening"
)

// patience bounds every wait.
const patience = 2 * time.Minute

// notifier is a running notifier, the real program.
type notifier struct {
	address string // host:port
	launch  time.Time
	cmd     *exec.Cmd
	gone    chan struct{}
}

// start starts the notifier with a configuration, and ends it with the benchmark.
func start(b *testing.B, storage, config string) *notifier {
	b.Helper()
	binary, err := notifierBinary()
	require.NoError(b, err)
	file := filepath.Join(b.TempDir(), "notifier.yml")
	require.NoError(b, os.WriteFile(file, []byte(config), 0o600))
	n := &notifier{gone: make(chan struct{})}
	n.cmd = exec.Command(binary, "serve", "--config.file="+file, "--storage.path="+storage, "--web.listen-address=127.0.0.1:0")
	stderr, err := n.cmd.StderrPipe()
	require.NoError(b, err)
	n.launch = time.Now()
	require.NoError(b, n.cmd.Start())
	listens := make(chan string, 1)
	var log strings.Builder
	go func() {
		defer close(n.gone)
		listening.Follow(stderr, func(line string) {
			if log.Len() < 1<<20 {
				log.WriteString(line + "\n")
			}
		}, func(address string) { listens <- address })
		_ = n.cmd.Wait() // it is killed
	}()
	b.Cleanup(n.kill)
	select {
	case n.address = <-listens:
	case <-n.gone:
		require.Fail(b, "the notifier ended before it listened", log.String())
	case <-time.After(patience):
		n.kill()
		require.Fail(b, "the notifier does not listen", log.String())
	}
	return n
}

// kill ends it at once and waits until it is gone.
func (n *notifier) kill() {
	_ = n.cmd.Process.Kill() // it may be gone already
	<-n.gone
}

// pending is how many notifications are not settled yet; -1 when that cannot be known.
func (n *notifier) pending() float64 {
	resp, err := http.Get("http://" + n.address + "/metrics")
	if err != nil {
		return -1
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return -1
	}
	total := -1.0
	for line := range strings.Lines(string(body)) {
		if !strings.HasPrefix(line, "notifier_pending{") {
			continue
		}
		value, err := strconv.ParseFloat(strings.TrimSpace(line[strings.LastIndex(line, " ")+1:]), 64)
		if err != nil {
			return -1
		}
		total = max(total, 0) + value
	}
	return total
}

// status is a line of /proc/PID/status in MiB, such as VmRSS.
func (n *notifier) status(b *testing.B, field string) float64 {
	b.Helper()
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", n.cmd.Process.Pid))
	require.NoError(b, err, "memory is measured on Linux only")
	for line := range strings.Lines(string(content)) {
		if value, ok := strings.CutPrefix(line, field+":"); ok {
			kib, err := strconv.ParseFloat(strings.Fields(value)[0], 64)
			require.NoError(b, err)
			return kib / 1024
		}
	}
	require.Fail(b, "/proc has no "+field)
	return 0
}

// until asks again and again until the answer is yes. It fails after patience.
func until(b *testing.B, what string, yes func() bool) {
	b.Helper()
	deadline := time.After(patience)
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for !yes() {
		select {
		case <-deadline:
			require.Fail(b, "it took too long", what)
		case <-again.C:
		}
	}
}

// slackSink takes every message at once and notes when the first message of each version of a group came. While it is down it
// answers 503.
type slackSink struct {
	url string

	mu    sync.Mutex
	down  bool
	n     int
	shown map[string]time.Time // by "g1-u2"
}

var shownMark = regexp.MustCompile(`g\d+-u\d+`)

func newSlackSink(b *testing.B) *slackSink {
	b.Helper()
	s := &slackSink{shown: map[string]time.Time{}}
	s.url = serveHandler(b, s)
	return s
}

func (s *slackSink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	arrived := time.Now()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	s.mu.Lock()
	down := s.down
	if !down {
		s.n++
		for _, mark := range shownMark.FindAllString(string(body), -1) {
			if _, before := s.shown[mark]; !before {
				s.shown[mark] = arrived
			}
		}
	}
	ts := fmt.Sprintf("1795246809.%06d", s.n)
	s.mu.Unlock()
	if down {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"ok":true,"channel":"C012345","ts":"%s"}`, ts)
}

func (s *slackSink) setDown(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
}

// when is when a version of a group was shown first; ok is false while it was not.
func (s *slackSink) when(group, version int) (at time.Time, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, ok = s.shown[fmt.Sprintf("g%d-u%d", group, version)]
	return at, ok
}

// configuration has one Slack receiver and, when agent is not empty, the agent that every payload is about.
func (s *slackSink) configuration(agent string) string {
	config := fmt.Sprintf(`
route:
  receiver: slack
receivers:
  - name: slack
    slack_configs:
      - {app_token: xoxb-none, channel: '#oncall', api_base_url: '%s/api/', rate_limit: 0}
`, s.url)
	if agent != "" {
		config += fmt.Sprintf("agents:\n  - {name: agent, match: ['job=\"agent\"'], url: '%s', profile: auto}\n", agent)
	}
	return config
}
