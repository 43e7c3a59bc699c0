package journal

import (
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
