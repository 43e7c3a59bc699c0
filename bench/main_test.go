package bench

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// built is the directory that holds the notifier once a benchmark has asked for it.
var built string

func TestMain(m *testing.M) {
	code := m.Run()
	if built != "" {
		os.RemoveAll(built)
	}
	os.Exit(code)
}

// notifierBinary is the path of the notifier, built as `make build` does.
var notifierBinary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "bench-")
	if err != nil {
		return "", fmt.Errorf("building the notifier: %w", err)
	}
	built = dir
	binary := filepath.Join(dir, "notifier")
	build := exec.Command("go", "build", "-trimpath", "-o", binary, "../cmd/notifier")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the notifier: %w\n%s", err, out)
	}
	return binary, nil
})
