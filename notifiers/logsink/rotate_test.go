package logsink

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alecthomas/units"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/alertvitals/notifier/notifiers/notifiertest"
)

func rotating(size units.Base2Bytes, files int, file string) Config {
	return Config{Output: file, MaxSize: &size, MaxFiles: &files}
}

// linesOf are all lines of a file and its past ones.
func linesOf(t *testing.T, dir string) (files int, all []string) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	require.NoError(t, err)
	for _, name := range names {
		all = append(all, lines(t, name)...)
	}
	return len(names), all
}

// Two sinks of one file, as during a reload, and many messages at once: each line is in one of the files, whole.
func TestP2RotationLosesNoLine(t *testing.T) {
	dir := t.TempDir()
	c := rotating(5000, 0, filepath.Join(dir, "alerts.log"))
	sinks := []*Notifier{newLog(t, c, nil), newLog(t, c, nil)} // at a fixed time: every name is taken but one
	var all sync.WaitGroup
	for i := range 60 {
		all.Go(func() {
			m := notifiertest.Firing()
			m.ID = strings.Repeat("x", i+1) + "."
			_, err := sinks[i%2].Notify(t.Context(), m)
			assert.NoError(t, err)
		})
	}
	all.Wait()

	files, got := linesOf(t, dir)
	assert.Greater(t, files, 5)
	assert.Len(t, got, 120)
	seen := map[string]bool{}
	for _, line := range got {
		assert.True(t, strings.HasPrefix(line, "{") && strings.HasSuffix(line, "}"), line)
		seen[line] = true
	}
	assert.Len(t, seen, 120)
}

func TestTheOldestFilesGo(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "alerts.log")
	other := filepath.Join(dir, "alerts-other.log")
	require.NoError(t, os.WriteFile(other, []byte("x\n"), 0o600))
	n := newLog(t, rotating(1, 2, file), nil)
	for minute := range 5 {
		n.now = func() time.Time { return time.Date(2026, 3, 1, 9, minute, 0, 0, time.UTC) }
		notify(t, n)
	}

	names, err := filepath.Glob(filepath.Join(dir, "*"))
	require.NoError(t, err)
	assert.Equal(t, []string{
		filepath.Join(dir, "alerts-2026-03-01T09-03-00.000.log"), filepath.Join(dir, "alerts-2026-03-01T09-04-00.000.log"), other, file,
	}, names)
	assert.Len(t, lines(t, file), 2)
}

func TestAFileThatCannotBeRenamedGoesOn(t *testing.T) {
	file := filepath.Join(t.TempDir(), strings.Repeat("x", 250)+".log") // with a stamp the name is too long
	n := newLog(t, rotating(1, 2, file), nil)
	notify(t, n)
	notify(t, n)

	assert.Len(t, lines(t, file), 4)
}

func TestWithoutABoundNothingIsRotated(t *testing.T) {
	dir := t.TempDir()
	n := newLog(t, rotating(0, 1, filepath.Join(dir, "alerts.log")), nil)
	notify(t, n)
	notify(t, n)

	files, got := linesOf(t, dir)
	assert.Equal(t, 1, files)
	assert.Len(t, got, 4)
}
