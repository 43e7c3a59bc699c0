//go:build acceptance

package e2e

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alertvitals/notifier/internal/listening"
)

// patience bounds every wait for something that the programs do by themselves. A whole way takes seconds.
const patience = 2 * time.Minute

// process is a started program.
type process struct {
	t       *testing.T
	name    string
	address string // http://…
	cmd     *exec.Cmd
	done    chan struct{} // closed when it is gone and all that it wrote was read

	mu  sync.Mutex
	log strings.Builder
}

// start starts a program and waits until it says where it listens. It is ended with the test, and what it wrote is shown when the test
// has failed. A program that is not installed fails the test.
func start(t *testing.T, name, program string, args ...string) *process {
	t.Helper()
	p := &process{t: t, name: name, cmd: exec.Command(program, args...), done: make(chan struct{})}
	p.cmd.Dir = t.TempDir()
	reader, writer, err := os.Pipe()
	require.NoError(t, err)
	p.cmd.Stdout, p.cmd.Stderr = writer, writer
	require.NoError(t, p.cmd.Start(), "%s: Debian has it: apt-get install prometheus prometheus-alertmanager", program)
	require.NoError(t, writer.Close())
	address := make(chan string, 1)
	go func() {
		defer close(p.done)
		listening.Follow(reader, p.add, func(at string) { address <- at })
		reader.Close()
		_ = p.cmd.Wait() // how it ended is in ProcessState
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill() // it may be gone already
		<-p.done
		if t.Failed() {
			t.Logf("what %s wrote:\n%s", name, p.written())
		}
	})
	select {
	case at := <-address:
		p.address = "http://" + at
	case <-p.done:
		require.Fail(t, name+" ended before it listened")
	case <-time.After(patience):
		require.Fail(t, name+" does not listen")
	}
	return p
}

func (p *process) add(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.log.WriteString(line + "\n")
}

func (p *process) written() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

// terminate ends the program by SIGTERM, which must end well.
func (p *process) terminate() {
	p.t.Helper()
	require.NoError(p.t, p.cmd.Process.Signal(syscall.SIGTERM))
	select {
	case <-p.done:
	case <-time.After(patience):
		require.Fail(p.t, p.name+" does not end after SIGTERM")
	}
	require.Zero(p.t, p.cmd.ProcessState.ExitCode(), "%s", p.name)
}

// ask is the body of the answer to a request, which must be a good one.
func (p *process) ask(method, path string) (string, error) {
	req, err := http.NewRequest(method, p.address+path, http.NoBody)
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", fmt.Errorf("asking %s: %w", p.name, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", fmt.Errorf("asking %s: %w", p.name, err)
	}
	if resp.StatusCode/100 != 2 {
		return "", fmt.Errorf("%s answered %d to %s: %s", p.name, resp.StatusCode, path, body)
	}
	return string(body), nil
}

// await asks again and again until the answer is the right one, because a server says nothing when something in it changes.
func (p *process) await(what, path string, right func(body string) bool) {
	p.t.Helper()
	deadline := time.After(patience)
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	for {
		body, err := p.ask(http.MethodGet, path)
		if err == nil && right(body) {
			return
		}
		select {
		case <-deadline:
			require.Fail(p.t, what+" did not happen", "%s%s: %v\n%s", p.address, path, err, body)
		case <-p.done:
			require.Fail(p.t, p.name+" ended by itself")
		case <-again.C:
		}
	}
}

// build is where the programs of this repository are, newly built.
func build(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	out, err := exec.Command("go", "build", "-o", dir+string(filepath.Separator), "../cmd/...").CombinedOutput()
	require.NoError(t, err, "%s", out)
	return dir
}

// write writes a file of the test and is its path.
func write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}
