package journal

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestP2AStreamThatCannotBeReadAtTheStartIsNotLost(t *testing.T) {
	j := open(t, Options{})
	appendN(t, j, 10)
	want := readAll(t, j)
	j.Close()
	dir := j.opts.Dir
	// A directory in the place of a block makes NATS fail while it recovers the stream, and then delete the stream.
	messages := filepath.Join(rescue{dir}.streams(), recordStream, "msgs")
	stone := filepath.Join(messages, "2.blk")
	require.NoError(t, os.Mkdir(stone, 0o700))
	require.NoError(t, os.Remove(filepath.Join(messages, "index.db")))

	for range 2 {
		_, err := Open(t.Context(), Options{Dir: dir, Logger: quiet()})
		require.ErrorContains(t, err, "could not read the stream")
		require.NoFileExists(t, filepath.Join(messages, "1.blk"), "NATS does not delete any more: is the rescue still needed?")
	}

	require.NoError(t, os.RemoveAll(filepath.Join(rescue{dir}.kept(), recordStream, "msgs", "2.blk")))
	j = open(t, Options{Dir: dir})
	assert.Equal(t, want, readAll(t, j))
	assert.NoDirExists(t, rescue{dir}.kept())
}

func TestRescueBringsBackWhatAKilledStartLeft(t *testing.T) {
	r := rescue{t.TempDir()}
	stream := filepath.Join(r.streams(), "s")
	require.NoError(t, os.MkdirAll(stream, 0o700))
	file := filepath.Join(stream, "meta.inf")
	require.NoError(t, os.WriteFile(file, []byte("x"), 0o600))
	require.NoError(t, r.prepare())
	require.NoError(t, r.verify())
	require.NoError(t, os.RemoveAll(stream))
	require.ErrorContains(t, r.verify(), `could not read the stream "s"`)

	require.NoError(t, r.prepare())

	require.NoError(t, r.verify())
	require.FileExists(t, file)
	require.NoError(t, r.drop())
	require.FileExists(t, file)
	require.NoDirExists(t, r.kept())
}

func TestAnEndThatIsCutOffIsSaid(t *testing.T) {
	dir := t.TempDir()
	j := open(t, Options{Dir: dir})
	appendN(t, j, 10)
	killed := t.TempDir()
	require.NoError(t, os.CopyFS(killed, os.DirFS(dir))) // the files as kill -9 leaves them: without the index
	j.Close()
	file, _ := rescue{killed}.newest()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	text[len(text)/2] ^= 1
	require.NoError(t, os.WriteFile(file, text, 0o600))

	var log bytes.Buffer
	j = open(t, Options{Dir: killed, Logger: slog.New(slog.NewTextHandler(&log, nil))})

	last, err := j.Last(t.Context())
	require.NoError(t, err)
	require.Less(t, messageOf(last), uint64(10), "NATS keeps what is before the damage only")
	j.Close()
	assert.Contains(t, log.String(), "could not be read and was cut off")

	log.Reset()
	open(t, Options{Dir: killed, Logger: slog.New(slog.NewTextHandler(&log, nil))}).Close()
	assert.Empty(t, log.String(), "it is said once")
}

func TestP1FilesThatAreRemovedTakeNothing(t *testing.T) {
	dir := t.TempDir()
	j := open(t, Options{Dir: dir})
	appendN(t, j, 1)
	away := filepath.Join(t.TempDir(), "away")
	require.NoError(t, os.Rename(filepath.Join(dir, "jetstream"), away))

	_, err := j.Append(t.Context(), []byte("x"))
	require.ErrorContains(t, err, "files were removed")
	require.ErrorContains(t, j.Check(t.Context()), "files were removed")
	require.ErrorContains(t, j.SetPosition(t.Context(), "c", 1), "files were removed")

	require.NoError(t, os.Rename(away, filepath.Join(dir, "jetstream")))
	_, err = j.Append(t.Context(), []byte("x"))
	require.NoError(t, err)
	require.NoError(t, j.Check(t.Context()))
}
