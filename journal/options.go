package journal

import (
	"errors"
	"log/slog"
	"time"
)

// Options say where and how much a Journal stores. Only Dir is required; a value of 0 means the default.
type Options struct {
	// Dir is the directory that holds everything; it is made when it is missing. One process at a time may use it, and
	// its file system must be local: the lock on it and the fsync behind it mean little on a network file system.
	Dir string
	// Logger gets what the journal and the NATS server in it have to say. Default: slog.Default().
	Logger *slog.Logger
	// MaxAge is how long a record is kept. Default: 120 h, as Alertmanager's --data.retention.
	MaxAge time.Duration
	// MaxBytes is how much the records may take on disk. Beyond 3/4 of it, records that every cursor has settled are
	// dropped before their age; when that does not help, Append fails at MaxBytes. Default: 1 GiB.
	MaxBytes int64
	// StateAge is how long a group's state is kept after it was last stored. Default: 30 days.
	StateAge time.Duration
	// LetterAge is how long a letter is kept after it was last stored. Default: 30 days.
	LetterAge time.Duration
	// OutcomeAge is how long an outcome is kept. Default: MaxAge.
	OutcomeAge time.Duration
	// OutcomeBytes is how much the outcomes may take on disk; beyond it the oldest go. Default: a sixteenth of MaxBytes, at least
	// 4 MiB.
	OutcomeBytes int64
	// OutcomeMessages is how often outcomes may have been added; beyond it the oldest go. Default: 50,000.
	OutcomeMessages int64
	// MinFree is how many bytes of the file system must stay free; below it Append fails, and below half of it all other
	// writing. It has to be above 0, because meeting a full disk costs a restart of the store. Default: 64 MiB.
	MinFree uint64
	// Timeout bounds every operation whose context has no deadline. A write that NATS leaves unanswered for so long makes
	// the journal restart its store. Default: 5 s.
	Timeout time.Duration
}

const month = 30 * 24 * time.Hour

func (o Options) withDefaults() (Options, error) {
	if o.Dir == "" {
		return o, errors.New("opening the journal: no directory is given")
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.MaxAge == 0 {
		o.MaxAge = 120 * time.Hour
	}
	if o.MaxBytes == 0 {
		o.MaxBytes = 1 << 30
	}
	if o.StateAge == 0 {
		o.StateAge = month
	}
	if o.LetterAge == 0 {
		o.LetterAge = month
	}
	if o.OutcomeAge == 0 {
		o.OutcomeAge = o.MaxAge
	}
	if o.OutcomeBytes == 0 {
		o.OutcomeBytes = max(o.MaxBytes/16, 4<<20)
	}
	if o.OutcomeMessages == 0 {
		o.OutcomeMessages = 50_000
	}
	if o.MinFree == 0 {
		o.MinFree = 64 << 20
	}
	if o.Timeout == 0 {
		o.Timeout = 5 * time.Second
	}
	return o, nil
}
