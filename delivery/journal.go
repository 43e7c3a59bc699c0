package delivery

import (
	"context"
	"time"
)

// Record is one record of the journal: a sealed envelope.
type Record struct {
	// Seq is its number; numbers only grow.
	Seq uint64
	// Time is when it was put on disk.
	Time time.Time
	// Data is the envelope.
	Data []byte
	// Missed is how many records right before this one the journal has dropped for their age.
	Missed uint64
}

// Journal is what delivery needs of the durable log. What it stores is on disk when the call returns nil.
type Journal interface {
	// Append adds a record.
	Append(ctx context.Context, data []byte) (seq uint64, err error)
	// Read calls fn for each record after the number after, in order, and follows new ones until ctx ends.
	Read(ctx context.Context, after uint64, fn func(Record) error) error
	// Get is one record; ok is false when the journal has dropped it.
	Get(ctx context.Context, seq uint64) (rec Record, ok bool, err error)
	// Last is the number of the newest record, Oldest that of the oldest one that is kept.
	Last(ctx context.Context) (uint64, error)
	Oldest(ctx context.Context) (uint64, error)

	// Positions are those of all cursors that have one, by their names.
	Positions(ctx context.Context) (map[string]uint64, error)
	SetPosition(ctx context.Context, cursor string, seq uint64) error
	// State is what is remembered of a group at a cursor.
	State(ctx context.Context, cursor, group string) (value []byte, ok bool, err error)
	SetState(ctx context.Context, cursor, group string, value []byte) error
	// States calls fn for the state of each group at a cursor.
	States(ctx context.Context, cursor string, fn func(value []byte) error) error
	// Forget drops a cursor's position and states.
	Forget(ctx context.Context, cursor string) error

	// Letters calls fn for each dead letter, in the order in which they were stored.
	Letters(ctx context.Context, fn func(id string, value []byte) error) error
	Letter(ctx context.Context, id string) (value []byte, ok bool, err error)
	SetLetter(ctx context.Context, id string, value []byte) error
	DropLetter(ctx context.Context, id string) error

	// AddOutcomes stores outcomes, the newest last; Outcomes calls fn for each that is kept, the newest first.
	AddOutcomes(ctx context.Context, outcomes [][]byte) error
	Outcomes(ctx context.Context, fn func(stored time.Time, outcome []byte) error) error
}
