package journal

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// untilStored appends until the journal takes the record, and returns its number.
func untilStored(t *testing.T, j *Journal, text string) uint64 {
	t.Helper()
	var seq uint64
	require.Eventually(t, func() (ok bool) {
		var err error
		seq, err = j.Append(context.Background(), []byte(text))
		return err == nil
	}, 30*time.Second, time.Millisecond)
	return seq
}

func TestP1ABrokenStoreIsStartedAgain(t *testing.T) {
	j := open(t, Options{})
	ctx, cancel := context.WithCancel(t.Context())
	require.NoError(t, j.SetPosition(ctx, "a", 4))
	require.NoError(t, j.SetState(ctx, "a", "g", []byte("state")))
	require.NoError(t, j.SetLetter(ctx, "l", []byte("letter")))
	seen, done := make(chan Record), make(chan error)
	go func() {
		done <- j.Read(ctx, 0, func(r Record) error { seen <- r; return nil })
	}()
	message := appendBatch(t, j, "a", "b")
	require.Equal(t, "a", string((<-seen).Data))

	for round := range 3 {
		broken := running(t, j)
		broken.fail(errors.New("the disk is on fire"))

		_, err := j.Append(ctx, nil)
		require.ErrorIs(t, err, errMending)
		require.ErrorContains(t, err, "the disk is on fire")
		require.ErrorIs(t, j.Check(ctx), errMending)
		require.ErrorIs(t, j.SetState(ctx, "a", "g", nil), errMending)
		_, err = j.Positions(ctx)
		require.ErrorIs(t, err, errMending)
		seq := untilStored(t, j, strconv.Itoa(round))
		require.NoError(t, j.Check(ctx))
		if round == 0 {
			r := <-seen
			require.Equal(t, number(message, 1, 2), r.Seq, "the reader goes on inside the message where it was")
		}
		r := <-seen
		require.Equal(t, seq, r.Seq)
		require.Zero(t, r.Missed)
		require.NotSame(t, broken, running(t, j))
	}

	positions, err := j.Positions(ctx)
	require.NoError(t, err)
	assert.Equal(t, map[string]uint64{"a": 4}, positions)
	value, _, err := j.State(ctx, "a", "g")
	require.NoError(t, err)
	assert.Equal(t, "state", string(value))
	assert.Equal(t, [][2]string{{"l", "letter"}}, lettersOf(t, j))
	cancel()
	require.NoError(t, <-done)
}

func TestAServerThatStoppedIsStartedAgain(t *testing.T) {
	for name, stop := range map[string]func(*engine){
		"the server":    func(e *engine) { e.server.Shutdown() },
		"its JetStream": func(e *engine) { _ = e.server.ShutdownJetStream() }, // as it does itself after an EACCES
	} {
		t.Run(name, func(t *testing.T) {
			j := open(t, Options{})
			appendN(t, j, 1)
			stop(running(t, j))

			seq := untilStored(t, j, "x")

			assert.Greater(t, seq, alone(1))
			assert.Len(t, readAll(t, j), 2)
		})
	}
}

func TestAStoreThatComesBackWithoutWhatItAcknowledgedIsNotUsed(t *testing.T) {
	acked := acks{last: map[string]uint64{}}
	dir := t.TempDir()
	j := open(t, Options{Dir: dir})
	appendN(t, j, 3)
	j.Close()
	acked.add(recordStream, 4)
	opts, err := Options{Dir: dir, Logger: quiet()}.withDefaults()
	require.NoError(t, err)

	_, err = startEngine(t.Context(), t.Context(), opts, &acked, false)

	require.ErrorContains(t, err, `"webhooks" came back with 3 messages, 4 were acknowledged`)
}

func TestCloseWhileTheStoreIsStartedAgain(t *testing.T) {
	j := open(t, Options{})
	running(t, j).fail(errors.New("broken"))
	done := make(chan error)
	go func() { done <- j.Read(context.Background(), 0, func(Record) error { return nil }) }()

	j.Close()

	require.ErrorIs(t, <-done, errClosed)
}

// TestP1AFullDiskIsOverWhenThereIsRoomAgain is the same with a real full disk, where mounting one is allowed.
func TestP1AFullDiskIsOverWhenThereIsRoomAgain(t *testing.T) {
	disk := t.TempDir()
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=24m"); err != nil {
		t.Skipf("no small disk: %v", err)
	}
	t.Cleanup(func() { assert.NoError(t, syscall.Unmount(disk, 0)) })
	j := open(t, Options{Dir: filepath.Join(disk, "journal"), MinFree: 1})
	acked := map[uint64]bool{}
	filler := filepath.Join(disk, "filler")
	for _, size := range []int64{18 << 20, 12 << 20, 6 << 20} {
		require.NoError(t, os.WriteFile(filler, make([]byte, size), 0o600))
		var err error
		for err == nil || !strings.Contains(err.Error(), "no space left") {
			var seq uint64
			if seq, err = j.Append(t.Context(), kib(100)); err == nil {
				acked[seq] = true
			}
			require.NotErrorIs(t, err, context.DeadlineExceeded)
			if err != nil && strings.Contains(err.Error(), "are free on the disk") { // it is full to the last byte: leave a page
				size -= 4 << 10
				require.NoError(t, os.Truncate(filler, size))
			}
		}
		require.NoError(t, os.Remove(filler))
		acked[untilStored(t, j, "x")] = true
	}
	stored := readAll(t, j)
	for seq := range acked {
		assert.Contains(t, stored, seq)
	}
}

const limitedDir = "JOURNAL_TEST_LIMITED_DIR"

// TestP1AWriteErrorIsOverWhenTheDiskTakesDataAgain runs a child process whose files must not grow beyond a limit, which is
// a disk that takes no more. It answers EFBIG where a full disk answers ENOSPC; NATS makes no difference.
func TestP1AWriteErrorIsOverWhenTheDiskTakesDataAgain(t *testing.T) {
	dir := t.TempDir()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), limitedDir+"="+dir)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, child.Start())
	records, states := map[uint64]string{}, map[string]int{}
	var refused, rounds int
	scanner := bufio.NewScanner(out)
	for scanner.Scan() {
		kind, rest, _ := strings.Cut(scanner.Text(), " ")
		key, value, _ := strings.Cut(rest, " ")
		n, err := strconv.Atoi(key)
		require.NoError(t, err, scanner.Text())
		switch kind {
		case "record":
			records[uint64(n)] = value
		case "state":
			states[value] = n
		case "refused":
			refused += n
		case "round":
			rounds++
		}
	}
	require.NoError(t, child.Wait())
	require.Positive(t, refused)
	t.Logf("%d records acknowledged and %d refused in %d rounds of write errors", len(records), refused, rounds)

	j := open(t, Options{Dir: dir})
	stored := readAll(t, j)
	for seq, text := range records {
		require.Equal(t, text, stored[seq], "record %d was acknowledged", seq)
	}
	for group, n := range states {
		value, ok, err := j.State(t.Context(), "cursor", group)
		require.NoError(t, err)
		require.True(t, ok)
		got, err := strconv.Atoi(string(value))
		require.NoError(t, err)
		require.GreaterOrEqual(t, got, n, "the state was acknowledged")
	}
}

// appendThroughWriteErrors is what the child process does. It prints what was acknowledged: "record seq text" and
// "state n group"; and "refused n" and "round n".
func appendThroughWriteErrors(dir string) {
	signal.Ignore(syscall.SIGXFSZ)
	if err := throughWriteErrors(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func throughWriteErrors(dir string) error {
	// A store that did not say that it is broken would leave the child waiting for Timeout.
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var fell fallCounter
	opts := Options{Dir: dir, Timeout: 20 * time.Second, Logger: slog.New(&fell)}
	j, openErr := Open(ctx, opts)
	if openErr != nil {
		return openErr
	}
	defer j.Close()

	var mu sync.Mutex // for the output
	acked := map[uint64]string{}
	var good, refused atomic.Int64
	var wg sync.WaitGroup
	stop := make(chan struct{})
	work := func(do func(n int) error) {
		wg.Go(func() {
			for n := 1; ; {
				select {
				case <-stop:
					return
				default:
				}
				if do(n) == nil {
					n++
					good.Add(1)
					continue
				}
				refused.Add(1)
				time.Sleep(time.Millisecond)
			}
		})
	}
	for w := range 8 {
		work(func(n int) error {
			text := fmt.Sprintf("%d-%d-%s", w, n, strings.Repeat("x", w*100))
			seq, err := j.Append(ctx, []byte(text))
			if err == nil {
				mu.Lock()
				defer mu.Unlock()
				acked[seq] = text
				fmt.Println("record", seq, text)
			}
			return err
		})
		work(func(n int) error {
			group := "g" + strconv.Itoa(w)
			err := j.SetState(ctx, "cursor", group, []byte(strconv.Itoa(n)))
			if err == nil {
				mu.Lock()
				defer mu.Unlock()
				fmt.Println("state", n, group)
			}
			return err
		})
	}
	// One reader is there all the time.
	read := map[uint64]string{}
	reading, stopReading := context.WithCancel(ctx)
	defer stopReading()
	done := make(chan error, 1)
	var newest atomic.Uint64
	go func() {
		done <- j.Read(reading, 0, func(r Record) error {
			if r.Missed != 0 {
				return fmt.Errorf("%d missed before %d", r.Missed, r.Seq)
			}
			read[r.Seq] = string(r.Data)
			newest.Store(r.Seq)
			return nil
		})
	}()

	atLeast := func(counter *atomic.Int64, more int64) error {
		for want := counter.Load() + more; counter.Load() < want; time.Sleep(time.Millisecond) {
			if ctx.Err() != nil {
				return fmt.Errorf("waiting for %d: %w", want, ctx.Err())
			}
		}
		return nil
	}
	for round := range 8 {
		if err := atLeast(&good, 200); err != nil {
			return err
		}
		limit := uint64(0) // nothing can be written at all, the start of the store included
		if round%4 != 3 {
			limit = largest(dir) + rand.Uint64N(20_000)
		}
		if err := limitFiles(limit); err != nil {
			return err
		}
		if err := atLeast(&refused, 300); err != nil {
			return err
		}
		if err := atLeast(&fell.n, int64(round%4)); err != nil { // starts under the limit, which may fail
			return err
		}
		if err := limitFiles(1 << 62); err != nil {
			return err
		}
		fmt.Println("round", round)
	}
	if err := atLeast(&good, 200); err != nil {
		return err
	}
	close(stop)
	wg.Wait()
	fmt.Println("refused", refused.Load())

	last, err := j.Append(ctx, []byte("the last one"))
	if err != nil {
		return err
	}
	for newest.Load() < last && ctx.Err() == nil {
		time.Sleep(time.Millisecond)
	}
	stopReading()
	if err := <-done; err != nil {
		return err
	}
	for seq, text := range acked {
		if read[seq] != text {
			return fmt.Errorf("record %d was acknowledged as %q and read as %q", seq, text, read[seq])
		}
	}
	return nil
}

// fallCounter is a log handler that counts how often the store broke or did not start.
type fallCounter struct {
	slog.Handler

	n atomic.Int64
}

func (c *fallCounter) Enabled(context.Context, slog.Level) bool { return true }
func (c *fallCounter) WithAttrs([]slog.Attr) slog.Handler       { return c }
func (c *fallCounter) Handle(_ context.Context, r slog.Record) error {
	if strings.HasPrefix(r.Message, "The journal's store broke") || strings.HasPrefix(r.Message, "The journal's store did not") {
		c.n.Add(1)
	}
	if os.Getenv("JOURNAL_TEST_LOG") != "" {
		return slog.NewTextHandler(os.Stderr, nil).Handle(context.Background(), r)
	}
	return nil
}

func limitFiles(size uint64) error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	limit.Cur = min(size, limit.Max)
	return syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit)
}

// largest is the size of the journal's largest file.
func largest(dir string) (size uint64) {
	_ = filepath.WalkDir(dir, func(name string, _ os.DirEntry, _ error) error {
		if info, err := os.Stat(name); err == nil && info.Mode().IsRegular() { // files come and go meanwhile
			size = max(size, uint64(info.Size()))
		}
		return nil
	})
	return size
}
