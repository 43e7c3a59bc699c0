package delivery

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestPackedRecordsAreSmallAndComeBackWhole(t *testing.T) {
	var p packer
	var whole, small int
	for i := range 100 {
		record := webhook(fmt.Sprint("group", i%10), firing("A"), firing("B"), firing(fmt.Sprint("C", i)))
		kept := p.pack(record)
		whole, small = whole+len(record), small+len(kept.data)

		got, err := kept.unpack()

		require.NoError(t, err)
		require.Equal(t, record, got)
	}
	assert.Less(t, small, whole/3)
}

func FuzzPack(f *testing.F) {
	f.Add([]byte(""), []byte(""))
	f.Add([]byte("short"), []byte("longer than that"))
	f.Add(bytes.Repeat([]byte("abc"), 50_000), bytes.Repeat([]byte("abc"), 60_000))
	f.Fuzz(func(t *testing.T, first, second []byte) {
		var p packer
		for _, record := range [][]byte{first, second, first} {
			got, err := p.pack(record).unpack()
			if err != nil || !bytes.Equal(got, record) {
				t.Fatalf("%q came back as %q: %v", record, got, err)
			}
		}
	})
}
