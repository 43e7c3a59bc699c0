package delivery

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/alertvitals/notifier/journal"
	"github.com/alertvitals/notifier/notifiers"
)

const (
	childDir   = "DELIVERY_TEST_DIR"
	childStops = "DELIVERY_TEST_STOPS"
	childMutes = "DELIVERY_TEST_MUTES"
)

// onDisk is the real journal.
type onDisk struct{ *journal.Journal }

func (j onDisk) Read(ctx context.Context, after uint64, fn func(Record) error) error {
	return j.Journal.Read(ctx, after, func(r journal.Record) error { return fn(Record(r)) })
}

func (j onDisk) Get(ctx context.Context, seq uint64) (Record, bool, error) {
	r, err := j.Journal.Get(ctx, seq)
	if errors.Is(err, journal.ErrGone) {
		return Record{}, false, nil
	}
	return Record(r), err == nil, err
}

func openJournal(t *testing.T, dir string) onDisk {
	t.Helper()
	j, err := journal.Open(context.Background(), journal.Options{Dir: dir, Logger: quiet})
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
	j, err := journal.Open(context.Background(), journal.Options{Dir: dir, Logger: quiet})
	if err != nil {
		fail(err)
	}
	stop := func(here string) {
		if here == stops {
			fmt.Println(here)
			select {}
		}
	}
	s := &sink{notify: func(_ context.Context, _ int, m notifiers.Message) (notifiers.Receipt, error) {
		stop("before the send")
		m.Hear("ts", "1")
		return notifiers.Receipt{"ts": "1"}, nil
	}}
	loops := NewLoops(hooked{
		Journal:     onDisk{j},
		setState:    func(string) error { stop("before the state"); return nil },
		addOutcomes: func(int) error { stop("before the outcome"); return nil },
		setPosition: func(uint64) error { stop("before the position"); return nil },
	}, NewMetrics(nil), quiet)
	l := testLoop(s)
	if os.Getenv(childMutes) != "" {
		l.Mutes = mutedIn(time.Now(), map[string]span{"": {0, time.Hour}})
	}
	if err := loops.Apply(context.Background(), []Loop{l}); err != nil {
		fail(err)
	}
	fail(loops.Run(context.Background()))
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
			require.NoError(t, start(t, j, quiet, testLoop(&sink{})).end())
			_, err := j.Append(t.Context(), webhook("g", firing("A")))
			require.NoError(t, err)
			j.Close()

			killAt(t, dir, stops)

			j = openJournal(t, dir)
			defer j.Close()
			s := &sink{}
			told := deliverAll(t, j, s)
			assert.Len(t, told, again)
			_, err = j.Append(t.Context(), webhook("g", firing("A"), firing("B")))
			require.NoError(t, err)
			told = deliverAll(t, j, s)
			require.Len(t, told, again+1, "and the next one comes")
			if again == 0 {
				assert.Equal(t, notifiers.Receipt{"ts": "1"}, told[0].Previous, "the receipt that the killed process got")
			}
		})
	}
}

// A process is killed within a mute; the one that takes over its directory finds that it is over.
func TestP2P3Kill9WithinAMuteLosesAndRepeatsNothing(t *testing.T) {
	for _, stops := range []string{"before the state", "before the position"} {
		t.Run(stops, func(t *testing.T) {
			t.Setenv(childMutes, "yes")
			dir := t.TempDir()
			j := openJournal(t, dir)
			require.NoError(t, start(t, j, quiet, testLoop(&sink{})).end())
			_, err := j.Append(t.Context(), webhook("g", firing("A")))
			require.NoError(t, err)
			j.Close()

			killAt(t, dir, stops)

			j = openJournal(t, dir)
			defer j.Close()
			_, err = j.Append(t.Context(), webhook("other", firing("B")))
			require.NoError(t, err)
			s := &sink{}
			w := start(t, j, quiet, testLoop(s))
			require.Eventually(t, func() bool { return len(s.told()) == 2 && !w.runs()[0].holds() }, time.Minute, 5*time.Millisecond)
			require.NoError(t, w.end())
			deliverAll(t, j, s)
			assert.ElementsMatch(t, []string{"g", "other"}, s.told())
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

// deliverAll runs the loop until its position is at the end of the journal, and gives all that the sink was told.
func deliverAll(t *testing.T, j Journal, s *sink) []notifiers.Message {
	t.Helper()
	last, err := j.Last(t.Context())
	require.NoError(t, err)
	w := start(t, j, quiet, testLoop(s))
	require.Eventually(t, func() bool {
		positions, err := j.Positions(t.Context())
		return err == nil && positions["people/fake/0"] >= last
	}, time.Minute, 5*time.Millisecond)
	require.NoError(t, w.end())
	return s.messages()
}

func TestRestartsOnTheRealJournalSendEachMessageOnce(t *testing.T) {
	dir := t.TempDir()
	s := &sink{}
	j := openJournal(t, dir)
	require.NoError(t, start(t, j, quiet, testLoop(s)).end())
	j.Close()
	var want []string
	for round := range 3 {
		j := openJournal(t, dir)
		for i := range 20 {
			key := fmt.Sprint(round, "/", i)
			_, err := j.Append(t.Context(), webhook(key, firing("A")))
			require.NoError(t, err)
			want = append(want, key)
		}
		deliverAll(t, j, s)
		j.Close()
	}
	assert.ElementsMatch(t, want, s.told())
}

func TestP2DeadLettersOutliveARestartOfTheRealJournal(t *testing.T) {
	dir := t.TempDir()
	j := openJournal(t, dir)
	require.NoError(t, start(t, j, quiet, testLoop(&sink{})).end())
	_, err := j.Append(t.Context(), webhook("g", firing("A")))
	require.NoError(t, err)
	refuses, _ := refusing()
	deliverAll(t, j, refuses)
	j.Close()

	j = openJournal(t, dir)
	defer j.Close()
	s := &sink{}
	w := start(t, j, quiet, testLoop(s))
	list := dead(t, w)
	require.Len(t, list, 1)
	require.NoError(t, w.Replay(t.Context(), list[0].ID))
	require.NoError(t, w.end())
	assert.Len(t, deliverAll(t, j, s), 1)
}
