package journal

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestStatsGrowWithTheRecords(t *testing.T) {
	j := open(t, Options{MaxBytes: 32 << 20, MinFree: 1 << 20})
	before, err := j.Stats(t.Context())
	require.NoError(t, err)
	assert.EqualValues(t, 32<<20, before.MaxBytes)
	assert.EqualValues(t, 1<<20, before.MinFree)
	assert.Greater(t, before.FreeBytes, before.MinFree)
	assert.Zero(t, before.Queue)

	_, err = j.Append(t.Context(), bytes.Repeat([]byte("x"), 100_000))
	require.NoError(t, err)
	after, err := j.Stats(t.Context())
	require.NoError(t, err)
	assert.Greater(t, after.Bytes, before.Bytes+100_000-1)

	j.Close()
	_, err = j.Stats(t.Context())
	assert.ErrorIs(t, err, errClosed)
}
