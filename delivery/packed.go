package delivery

import (
	"bytes"
	"fmt"

	"github.com/klauspost/compress/s2"
)

// packer keeps records small while they wait. Alertmanager's payloads are much alike, so the first record is the dictionary for
// those after it: what a group says again and again takes a tenth of its size. One goroutine packs; any may unpack.
type packer struct{ dict *s2.Dict }

// packed is a record that waits in memory; its zero value is none.
type packed struct {
	data []byte
	dict *s2.Dict // nil when data is the record itself
}

func (p *packer) pack(record []byte) packed {
	if p.dict == nil {
		// It is nil again for a record that is too short to be one, and then the next record is asked.
		p.dict = s2.MakeDict(record, nil)
		return packed{data: bytes.Clone(record)}
	}
	return packed{data: bytes.Clone(p.dict.Encode(nil, record)), dict: p.dict}
}

func (p packed) unpack() ([]byte, error) {
	if p.dict == nil {
		return p.data, nil
	}
	record, err := p.dict.Decode(nil, p.data)
	if err != nil {
		return nil, fmt.Errorf("unpacking a record: %w", err)
	}
	return record, nil
}

func (p packed) none() bool { return p.data == nil }
