package delivery

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/alertvitals/notifier/journal"
	"github.com/alertvitals/notifier/notifiers"
)

const (
	childDir   = "DELIVERY_TEST_DIR"
	childStops = "DELIVERY_TEST_STOPS"
)

// onDisk is the real journal.
type onDisk struct{ *journal.Journal }

func (j onDisk) Read(ctx context.Context, after uint64, fn func(Record) error) error {
	return j.Journal.Read(ctx, after, func(r journal.Record) error { return fn(Record(r)) })
}

func openJournal(t *testing.T, dir string) onDisk {
	t.Helper()
	j, err := journal.Open(context.Background(), journal.Options{Dir: dir, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	return onDisk{j}
}

// deliverUntilKilled is what the child process does: it delivers, and stops for ever at the moment that stops names, after
// it has said so on its output.
func deliverUntilKilled(dir, stops string) {
	fail := func(err error) {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	j, err := journal.Open(context.Background(), journal.Options{Dir: dir, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		fail(err)
	}
	stop := func(here string) {
		if here == stops {
			fmt.Println(here)
			select {}
		}
	}
	s := &sink{notify: func(context.Context, int, notifiers.Message) (notifiers.Receipt, error) {
		stop("before the send")
		return notifiers.Receipt{"ts": "1"}, nil
	}}
	l := testLoop(hooked{
		Journal:     onDisk{j},
		setState:    func(string) error { stop("before the state"); return nil },
		setPosition: func(uint64) error { stop("before the position"); return nil },
	}, s)
	fail(l.Run(context.Background()))
}

// A process is killed at the three moments that matter; another one takes over its directory.
func TestP2P4Kill9LosesNothingAndRepeatsAtMostOneMessage(t *testing.T) {
	for stops, again := range map[string]int{
		"before the send":     1, // the first send: the child sent nothing
		"before the state":    1, // the one repetition
		"before the position": 0,
	} {
		t.Run(stops, func(t *testing.T) {
			dir := t.TempDir()
			j := openJournal(t, dir)
			require.NoError(t, testLoop(j, &sink{}).Prepare(t.Context()))
			_, err := j.Append(t.Context(), webhook("g", firing("A")))
			require.NoError(t, err)
			j.Close()

			killAt(t, dir, stops)

			j = openJournal(t, dir)
			defer j.Close()
			s := &sink{}
			told := deliverUpTo(t, j, s, 1)
			assert.Len(t, told, again)
			_, err = j.Append(t.Context(), webhook("g", firing("A"), firing("B")))
			require.NoError(t, err)
			told = deliverUpTo(t, j, s, 2)
			require.Len(t, told, again+1, "and the next one comes")
			if again == 0 {
				assert.Equal(t, notifiers.Receipt{"ts": "1"}, told[0].Previous, "the receipt that the killed process got")
			}
		})
	}
}

func killAt(t *testing.T, dir, stops string) {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), childDir+"="+dir, childStops+"="+stops)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, child.Start())
	lines := bufio.NewScanner(out)
	require.True(t, lines.Scan(), "the child ended by itself")
	require.Equal(t, stops, lines.Text())
	require.NoError(t, child.Process.Kill())
	_ = child.Wait()
}

// deliverUpTo runs the loop until its position is seq, and gives all that the sink was told.
func deliverUpTo(t *testing.T, j Journal, s *sink, seq uint64) []notifiers.Message {
	t.Helper()
	reached := make(chan struct{}, 100)
	l := testLoop(hooked{Journal: j, setPosition: func(at uint64) error {
		if at >= seq {
			reached <- struct{}{}
		}
		return nil
	}}, s)
	stop := start(t, l)
	<-reached
	require.NoError(t, stop())
	return s.sent
}

func TestRestartsOnTheRealJournalSendEachMessageOnce(t *testing.T) {
	dir := t.TempDir()
	s := &sink{}
	var want []string
	for round := range 3 {
		j := openJournal(t, dir)
		require.NoError(t, testLoop(j, s).Prepare(t.Context()))
		for i := range 20 {
			key := fmt.Sprint(round, "/", i)
			_, err := j.Append(t.Context(), webhook(key, firing("A")))
			require.NoError(t, err)
			want = append(want, key)
		}
		deliverUpTo(t, j, s, uint64(len(want)))
		j.Close()
	}
	assert.ElementsMatch(t, want, s.told())
}
