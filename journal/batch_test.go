package journal

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestNumbersGrowWithinAndOverMessages(t *testing.T) {
	var before uint64
	for message := uint64(1); message < 4; message++ {
		for _, n := range []int{1, 2, 100, maxBatch} {
			at := before
			for i := range n {
				seq := number(message, i, n)
				require.Greater(t, seq, at)
				require.Equal(t, message, messageOf(seq))
				require.Equal(t, uint64(n-1-i), unreadAfter(seq))
				at = seq
			}
		}
		before = number(message, 0, 1)
	}
	assert.Zero(t, unreadAfter(0))
}

func TestAMessageThatCannotBeTakenApartIsOneRecord(t *testing.T) {
	many := []byte{formatV1}
	for range maxBatch + 1 {
		many = append(many, 0)
	}
	for name, raw := range map[string][]byte{
		"empty":                 {},
		"another version":       {2, 1, 'x'},
		"a bare webhook":        []byte(`{"version":"4"}`),
		"no record":             {formatV1},
		"cut off":               {formatV1, 1, 'a', 5, 'b'},
		"length without an end": {formatV1, 0x80},
		"length that overflows": append([]byte{formatV1}, bytes.Repeat([]byte{0xff}, 11)...),
		"too many records":      many,
	} {
		t.Run(name, func(t *testing.T) {
			_, err := splitMessage(raw)
			require.ErrorIs(t, err, errFormat)

			j := open(t, Options{})
			appendN(t, j, 1)
			message, err := running(t, j).publish(recordSubject, raw)
			require.NoError(t, err)
			appendN(t, j, 1)
			got := readN(t, j, 0, 3)
			assert.Equal(t, alone(message), got[1].Seq)
			assert.True(t, bytes.Equal(raw, got[1].Data))
			assert.Equal(t, "0", string(got[2].Data))
		})
	}
}

func FuzzSplitMessage(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{formatV1, 1, 'a', 0, 2, 'b', 'c'})
	f.Add([]byte{formatV1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Fuzz(func(t *testing.T, raw []byte) {
		records, err := splitMessage(raw)
		if err != nil {
			require.Empty(t, records)
			return
		}
		require.NotEmpty(t, records)
		require.LessOrEqual(t, len(records), maxBatch)
		var again []byte
		for _, r := range records {
			again = appendRecord(again, r)
		}
		back, err := splitMessage(again)
		require.NoError(t, err)
		require.Equal(t, records, back)
	})
}

func FuzzOpenLetter(f *testing.F) {
	f.Add([]byte{})
	f.Add(sealLetter("id", []byte("value")))
	f.Fuzz(func(t *testing.T, raw []byte) {
		id, value, err := openLetter(raw)
		if err != nil {
			return
		}
		id2, value2, err := openLetter(sealLetter(id, value))
		require.NoError(t, err)
		require.Equal(t, id, id2)
		require.Equal(t, value, value2)
	})
}
