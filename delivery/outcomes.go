package delivery

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

const (
	// batchBytes is how many bytes of outcomes are written together, except when one alone is larger; so many are written before
	// their time.
	batchBytes = 64 << 10
	// mostUnwritten bounds the outcomes that wait in memory while the journal does not take them, in bytes; the oldest go.
	mostUnwritten = 8 << 20
)

// written is an outcome as it is in a group's state, until it is known to be where all outcomes are.
type written struct {
	ID     string `json:"id"`
	Sealed []byte `json:"sealed"`
}

// outcomes are those that are kept. What is added waits in memory and is written with others, at the latest before the position
// of a loop moves past its records: so after a crash its records are read again, and its group's state still has it.
type outcomes struct {
	journal Journal
	lost    prometheus.Counter
	logger  *slog.Logger
	// wanted has room for one wish to write.
	wanted  chan struct{}
	writing sync.Mutex // one batch at a time, in order

	mu      sync.Mutex
	waiting []unwritten // the oldest first
	bytes   int
	added   uint64
	failing bool

	recovering sync.Mutex
	// there are the IDs that were kept when a crash was first recovered from; nil until then.
	there map[string]struct{}
}

type unwritten struct {
	written

	number uint64
}

func newOutcomes(j Journal, m *Metrics, logger *slog.Logger) *outcomes {
	return &outcomes{journal: j, lost: m.lost, logger: logger, wanted: make(chan struct{}, 1)}
}

// add keeps an outcome. It never waits for the disk.
func (os *outcomes) add(w written) {
	os.mu.Lock()
	defer os.mu.Unlock()
	os.added++
	os.waiting = append(os.waiting, unwritten{w, os.added})
	os.bytes += len(w.Sealed)
	for os.bytes > mostUnwritten {
		os.drop(1)
		os.lost.Inc()
	}
	if os.bytes >= batchBytes && !os.failing {
		select {
		case os.wanted <- struct{}{}:
		default:
		}
	}
}

// drop takes the oldest n out of what waits. The caller holds mu.
func (os *outcomes) drop(n int) {
	for _, u := range os.waiting[:n] {
		os.bytes -= len(u.Sealed)
	}
	os.waiting = slices.Delete(os.waiting, 0, n)
}

// run writes whenever enough waits, until ctx ends.
func (os *outcomes) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-os.wanted:
			os.flush(ctx)
		}
	}
}

// flush writes all that waits. What the journal does not take waits on.
func (os *outcomes) flush(ctx context.Context) {
	os.writing.Lock()
	defer os.writing.Unlock()
	for {
		batch, last := os.next()
		if len(batch) == 0 {
			return
		}
		limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
		err := os.journal.AddOutcomes(limited, batch)
		cancel()
		os.mu.Lock()
		if err != nil && !os.failing {
			os.logger.Warn("Outcomes of deliveries cannot be stored; they wait in memory, the oldest go when there are too many",
				slog.Any("err", err))
		}
		if os.failing = err != nil; err == nil {
			n := slices.IndexFunc(os.waiting, func(u unwritten) bool { return u.number > last })
			if n < 0 {
				n = len(os.waiting)
			}
			os.drop(n)
		}
		os.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// next is what is to be written next, and the number of the last of it.
func (os *outcomes) next() (batch [][]byte, last uint64) {
	os.mu.Lock()
	defer os.mu.Unlock()
	size := 0
	for _, u := range os.waiting {
		if size += len(u.Sealed); len(batch) > 0 && size > batchBytes {
			break
		}
		batch, last = append(batch, u.Sealed), u.number
	}
	return batch, last
}

// unwrittenOf are those of a group's outcomes that wait to be written.
func (os *outcomes) unwrittenOf(group []written) (rest []written) {
	if len(group) == 0 {
		return nil
	}
	os.mu.Lock()
	defer os.mu.Unlock()
	for _, w := range group {
		if slices.ContainsFunc(os.waiting, func(u unwritten) bool { return u.ID == w.ID }) {
			rest = append(rest, w)
		}
	}
	return rest
}

// recover adds those of a group's outcomes that were not written before a crash.
func (os *outcomes) recover(ctx context.Context, group []written) {
	if len(group) == 0 {
		return
	}
	os.recovering.Lock()
	defer os.recovering.Unlock()
	there := os.there
	if there == nil {
		there = map[string]struct{}{}
		err := os.journal.Outcomes(ctx, func(_ time.Time, sealed []byte) error {
			if h, _, err := openHead(sealed); err == nil {
				there[h.ID] = struct{}{}
			}
			return nil
		})
		if err != nil { // then it is kept twice, and listed once
			os.logger.Warn("Outcomes cannot be read", slog.Any("err", err))
		}
		os.there = there
	}
	for _, w := range group {
		if _, kept := there[w.ID]; !kept {
			os.add(w)
		}
	}
}

// recovered frees what recover has read; it is read again when it is needed.
func (os *outcomes) recovered() {
	os.recovering.Lock()
	defer os.recovering.Unlock()
	os.there = nil
}

// each calls fn for the newest outcome of each delivery, the newest first. after is a time that no outcome after this one was
// accepted after, as long as the clock was not set back. What cannot be read is left out. It returns fn's error.
func (os *outcomes) each(ctx context.Context, fn func(h head, packed []byte, after time.Time) error) error {
	os.mu.Lock()
	waiting := slices.Clone(os.waiting)
	os.mu.Unlock()
	seen := map[string]struct{}{}
	unreadable := 0
	one := func(at time.Time, sealed []byte) error {
		h, packed, err := openHead(sealed)
		if err != nil {
			unreadable++
			return nil //nolint:nilerr // the others can be read
		}
		if _, again := seen[h.ID]; again {
			return nil
		}
		seen[h.ID] = struct{}{}
		return fn(h, packed, at)
	}
	for _, u := range slices.Backward(waiting) {
		if err := one(time.Now(), u.Sealed); err != nil {
			return err
		}
	}
	err := os.journal.Outcomes(ctx, one)
	if unreadable > 0 {
		os.logger.Warn("Outcomes that this program cannot read are left out", slog.Int("outcomes", unreadable))
	}
	return err
}
