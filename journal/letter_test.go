package journal

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func lettersOf(t *testing.T, j *Journal) (found [][2]string) {
	t.Helper()
	require.NoError(t, j.Letters(t.Context(), func(id string, value []byte) error {
		found = append(found, [2]string{id, string(value)})
		return nil
	}))
	return found
}

func TestP2LettersAreKept(t *testing.T) {
	ctx := t.Context()
	j := open(t, Options{})
	assert.Empty(t, lettersOf(t, j))
	odd := "slack/0 *.> \x00é\n"
	for _, l := range [][2]string{{"a", "1"}, {odd, "2"}, {"", ""}, {"d", "4"}, {"a", "5"}} {
		require.NoError(t, j.SetLetter(ctx, l[0], []byte(l[1])))
	}
	require.NoError(t, j.DropLetter(ctx, "d"))
	require.NoError(t, j.DropLetter(ctx, "d"), "it is gone already")
	require.NoError(t, j.DropLetter(ctx, "never"))
	j.Close()

	j = open(t, Options{Dir: j.opts.Dir})
	assert.Equal(t, [][2]string{{odd, "2"}, {"", ""}, {"a", "5"}}, lettersOf(t, j))

	value, ok, err := j.Letter(ctx, "a")
	require.NoError(t, err)
	assert.True(t, ok)
	assert.Equal(t, "5", string(value))
	_, ok, err = j.Letter(ctx, "d")
	require.NoError(t, err)
	assert.False(t, ok)
}

func TestLettersStopsWithTheErrorOfItsFunction(t *testing.T) {
	j := open(t, Options{})
	require.NoError(t, j.SetLetter(t.Context(), "a", nil))
	require.NoError(t, j.SetLetter(t.Context(), "b", nil))
	calls := 0

	err := j.Letters(t.Context(), func(string, []byte) error { calls++; return errEnough })

	assert.Equal(t, errEnough, err)
	assert.Equal(t, 1, calls)
}
