package journal

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const childDir = "JOURNAL_TEST_APPEND_TO"

// appendUntilKilled is what the child process does: it appends, and prints "seq text" for each acknowledged record and
// "position n" for each acknowledged position.
func appendUntilKilled(dir string) {
	j, err := Open(context.Background(), Options{Dir: dir, Logger: quiet()})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	var wg sync.WaitGroup
	for w := range 16 {
		wg.Go(func() {
			for i := 0; ; i++ {
				text := fmt.Sprintf("%d-%d-%d", os.Getpid(), w, i)
				seq, err := j.Append(context.Background(), []byte(text))
				if err != nil {
					fmt.Fprintln(os.Stderr, err)
					os.Exit(1)
				}
				fmt.Printf("%d %s\n", seq, text)
			}
		})
	}
	for n := uint64(1); ; n++ {
		if err := j.SetPosition(context.Background(), "cursor", n); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Printf("position %d\n", n)
	}
}

func TestP2EveryAcknowledgedRecordSurvivesKill9(t *testing.T) {
	dir := t.TempDir()
	acked := map[uint64]string{}
	rounds := 6
	if testing.Short() {
		rounds = 2
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	for range rounds {
		position := runAndKill(t, dir, 1+rnd.IntN(5000), acked)

		j := open(t, Options{Dir: dir})
		stored := readAll(t, j)
		for seq, text := range acked {
			require.Equal(t, text, stored[seq], "record %d was acknowledged", seq)
		}
		positions, err := j.Positions(context.Background())
		require.NoError(t, err)
		require.GreaterOrEqual(t, positions["cursor"], position, "the position was acknowledged")
		require.LessOrEqual(t, positions["cursor"], position+1)
		j.Close()
	}
	t.Logf("%d acknowledged records are there after %d kills", len(acked), rounds)
}

// runAndKill runs the child until it has printed that many lines, kills it, and reads what else it had printed by then.
func runAndKill(t *testing.T, dir string, lines int, acked map[uint64]string) (position uint64) {
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), childDir+"="+dir)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, child.Start())
	scanner := bufio.NewScanner(out)
	var seen int
	for scanner.Scan() {
		if seen++; seen == lines {
			require.NoError(t, child.Process.Kill())
		}
		first, second, ok := strings.Cut(scanner.Text(), " ") // never cut off: a pipe takes a short line whole or not
		require.True(t, ok)
		if first == "position" {
			position, err = strconv.ParseUint(second, 10, 64)
			require.NoError(t, err)
			continue
		}
		seq, err := strconv.ParseUint(first, 10, 64)
		require.NoError(t, err)
		acked[seq] = second
	}
	_ = child.Wait()
	require.GreaterOrEqual(t, seen, lines, "the child ended by itself")
	return position
}

// readAll reads every record that there is now.
func readAll(t *testing.T, j *Journal) map[uint64]string {
	t.Helper()
	last, err := j.Last(context.Background())
	require.NoError(t, err)
	stored := map[uint64]string{}
	if last == 0 {
		return stored
	}
	var before uint64
	err = j.Read(context.Background(), 0, func(r Record) error {
		require.Greater(t, r.Seq, before, "numbers grow")
		require.Zero(t, r.Missed)
		before = r.Seq
		if stored[r.Seq] = string(r.Data); r.Seq == last {
			return errEnough
		}
		return nil
	})
	require.ErrorIs(t, err, errEnough)
	return stored
}

func TestP2AHalfWrittenMessageIsDroppedWhole(t *testing.T) {
	dir := t.TempDir()
	j := open(t, Options{Dir: dir})
	whole := appendBatch(t, j, "a", "b")
	half := appendBatch(t, j, "c", "d", "e")
	// A copy of the files of a running journal is what a crash leaves.
	crashed := filepath.Join(t.TempDir(), "crashed")
	require.NoError(t, os.CopyFS(crashed, os.DirFS(dir)))
	block := filepath.Join(rescue{crashed}.streams(), recordStream, "msgs", "1.blk")
	info, err := os.Stat(block)
	require.NoError(t, err)
	require.NoError(t, os.Truncate(block, info.Size()-3))

	after := open(t, Options{Dir: crashed})

	assert.Equal(t, map[uint64]string{number(whole, 0, 2): "a", number(whole, 1, 2): "b"}, readAll(t, after))
	_, err = after.Get(t.Context(), number(half, 0, 3))
	require.ErrorIs(t, err, ErrGone)
	appendN(t, after, 1)
	assert.Len(t, readAll(t, after), 3, "the journal goes on after it")
	assert.Len(t, readAll(t, j), 5)
}
