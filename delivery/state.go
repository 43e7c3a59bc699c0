package delivery

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/alertvitals/notifier/alert"
	"github.com/alertvitals/notifier/diagnostics"
	"github.com/alertvitals/notifier/notifiers"
)

// state is what a loop remembers of a group. Its JSON is in the journals of running systems: fields may be added, and
// never change their meaning.
type state struct {
	// Seq is the newest record of the group that is settled; Status is what people were told with it.
	Seq uint64 `json:"seq"`
	// Accepted is that record's time. A journal whose end was lost gives its numbers again, never its times.
	Accepted time.Time `json:"accepted,omitzero"`
	Status   string    `json:"status,omitempty"`
	// Receipt is what the sink needs for the group's next message; there is none after a resolved one.
	Receipt notifiers.Receipt `json:"receipt,omitempty"`
	// Known are the fingerprints of the alerts that people were told fire, sorted.
	Known []string `json:"known,omitempty"`
	// AtFire is the agent as it was when the group began to fire.
	AtFire *diagnostics.Snapshot `json:"at_fire,omitempty"`
}

// holds is whether e is settled already.
func (s state) holds(e entry) bool {
	return e.seq <= s.Seq && (s.Accepted.IsZero() || !e.accepted.After(s.Accepted))
}

// next is the state after e was told.
func (s state) next(e entry, receipt notifiers.Receipt, snapshot *diagnostics.Snapshot) state {
	n := state{Seq: e.seq, Accepted: e.accepted, Status: e.group.Status()}
	if n.Status == alert.StatusResolved {
		return n // the next firing is a fresh message
	}
	n.Receipt = receipt
	n.AtFire = s.AtFire
	if n.AtFire == nil {
		n.AtFire = snapshot
	}
	known := map[string]bool{}
	if e.group.Truncated > 0 {
		for _, fingerprint := range s.Known {
			known[fingerprint] = true // what is hidden may fire as before
		}
	}
	for _, a := range e.group.Alerts {
		if a.Status == alert.StatusFiring {
			known[a.Fingerprint] = true
		} else {
			delete(known, a.Fingerprint)
		}
	}
	n.Known = slices.Sorted(maps.Keys(known))
	return n
}

// load reads the state of a group, and tries until it can. ok is false when ctx ended before.
func (r *run) load(ctx context.Context, group string) (s state, ok bool) {
	for attempt := 1; ; attempt++ {
		value, _, err := r.Journal.State(ctx, r.Cursor, group)
		if err == nil {
			return r.parse(value), true
		}
		if ctx.Err() != nil {
			return state{}, false
		}
		r.Logger.Error("The state of a group could not be read", slog.Int("attempt", attempt), slog.Any("err", err))
		if !pause(ctx, Next(attempt, err, rand.Float64())) {
			return state{}, false
		}
	}
}

// parse reads a state. One that cannot be read counts as none: showing something twice is better than not at all.
func (r *run) parse(value []byte) (s state) {
	if len(value) == 0 {
		return state{}
	}
	if err := json.Unmarshal(value, &s); err != nil {
		r.Logger.Error("The state of a group is unreadable, starting afresh", slog.Any("err", err))
		return state{}
	}
	return s
}

// store writes the state of a group, and tries until it is on disk: sending again is no way out. The end of ctx does not
// cut a write off; ok is false when ctx has ended and the write failed.
func (r *run) store(ctx context.Context, log *slog.Logger, group string, s state) (ok bool) {
	value, err := json.Marshal(s)
	if err != nil {
		// Only a snapshot can do this (a NaN). What keeps a second message away matters more.
		log.Error("The snapshot cannot be stored", slog.Any("err", err))
		s.AtFire = nil
		if value, err = json.Marshal(s); err != nil {
			log.Error("The state of a group cannot be stored", slog.Any("err", err))
			return true // words and numbers always have a JSON form; going on is the smaller harm
		}
	}
	for attempt := 1; ; attempt++ {
		if err = r.storeOnce(ctx, group, value); err == nil {
			return true
		}
		log.Error("The state of a group could not be stored", slog.Int("attempt", attempt), slog.Any("err", err))
		if !pause(ctx, Next(attempt, err, rand.Float64())) {
			return false
		}
	}
}

func (r *run) storeOnce(ctx context.Context, group string, value []byte) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
	defer cancel()
	if err := r.Journal.SetState(ctx, r.Cursor, group, value); err != nil {
		return fmt.Errorf("settling: %w", err)
	}
	return nil
}
