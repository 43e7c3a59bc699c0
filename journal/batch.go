package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// A record's number is the number of its message in NATS's stream, and in the low bits its place in that message. Places
// end at lastPlace whatever the message holds, so the number alone says whether a message was read to its end, and the
// newest number follows from the newest message without reading it.
const (
	placeBits = 12
	maxBatch  = 1 << placeBits
	lastPlace = maxBatch - 1
)

// number is the number of record i of n in message.
func number(message uint64, i, n int) uint64 {
	return message<<placeBits | uint64(maxBatch-n+i)
}

// messageOf is the message that holds record seq.
func messageOf(seq uint64) uint64 { return seq >> placeBits }

// unreadAfter is how many records of its own message come after record seq. 0 for 0, which is before all messages.
func unreadAfter(seq uint64) uint64 {
	if seq == 0 {
		return 0
	}
	return lastPlace - seq&lastPlace
}

// A message is formatV1 and then its records, each as its length (a varint) and its bytes.
const formatV1 = 1

// errFormat is why a message cannot be taken apart.
var errFormat = errors.New("not a message of the journal's format")

func appendRecord(message, record []byte) []byte {
	if len(message) == 0 {
		message = append(message, formatV1)
	}
	message = binary.AppendUvarint(message, uint64(len(record)))
	return append(message, record...)
}

// splitMessage returns the records of a message. They share its memory.
func splitMessage(message []byte) ([][]byte, error) {
	if len(message) == 0 || message[0] != formatV1 {
		return nil, fmt.Errorf("%w: it does not begin with its version", errFormat)
	}
	var records [][]byte
	for rest := message[1:]; len(rest) > 0; {
		size, n := binary.Uvarint(rest)
		if n <= 0 || size > uint64(len(rest)-n) {
			return nil, fmt.Errorf("%w: record %d is cut off", errFormat, len(records))
		}
		if len(records) == maxBatch {
			return nil, fmt.Errorf("%w: it has more than %d records", errFormat, maxBatch)
		}
		end := n + int(size)
		records = append(records, rest[n:end:end])
		rest = rest[end:]
	}
	if len(records) == 0 {
		return nil, fmt.Errorf("%w: it has no record", errFormat)
	}
	return records, nil
}
