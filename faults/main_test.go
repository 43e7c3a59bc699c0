package faults

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"
)

var (
	seedFlag = flag.Uint64("faults.seed", 0, "play this seed again; 0 takes a new one")
	longForm = flag.Bool("faults.long", false, "the long form: thousands of groups, dozens of kills, a full disk")
	raceFlag = flag.Bool("faults.race", false, "build the notifier with the race detector")
)

// binary is the notifier under test.
var binary string

func TestMain(m *testing.M) {
	flag.Parse()
	dir, err := os.MkdirTemp("", "faults-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	binary = filepath.Join(dir, "notifier")
	args := []string{"build", "-o", binary}
	if *raceFlag {
		args = append(args, "-race")
	}
	if out, err := exec.Command("go", append(args, "../cmd/notifier")...).CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building the notifier: %v\n%s", err, out)
		os.RemoveAll(dir)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		os.RemoveAll(dir)
		os.Exit(code)
	}))
}

// newRandom is the source of all that is random in a test.
func newRandom(t *testing.T) *rand.Rand {
	t.Helper()
	seed := *seedFlag
	for seed == 0 {
		seed = rand.Uint64N(1 << 32)
	}
	t.Logf("seed %d: play it again with go test ./faults -run='^%s$' -faults.seed=%d", seed, t.Name(), seed)
	return rand.New(rand.NewPCG(seed, 0))
}
