package delivery

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
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
	// Said is a digest of what people were told, Told the time of the record that said it: what says the same again soon
	// after is a duplicate.
	Said string    `json:"said,omitempty"`
	Told time.Time `json:"told,omitzero"`
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

// duplicateWindow is how long after a message the same one is a duplicate: Alertmanager's retry after an answer that was
// lost, or the second Alertmanager of a pair. Later it is a repeat, which people asked for with repeat_interval.
const duplicateWindow = 5 * time.Minute

// repeats is whether e says nothing but what people were told just before. Alertmanager 0.32 and later says of a repeat that
// it is one; that is told.
func (s state) repeats(e entry) bool {
	return s.Said != "" && s.Said == digest(e.group) && e.accepted.Sub(s.Told) < duplicateWindow && !e.group.Repeated()
}

// past is the state after a duplicate was left out.
func (s state) past(e entry) state {
	s.Seq, s.Accepted = e.seq, e.accepted
	return s
}

// digest is what a group says: which alerts fire since when and which are resolved, and how many are hidden. Two
// Alertmanagers may differ in everything else: bytes, order, the values in annotations, the end of an alert.
func digest(g alert.Group) string {
	lines := make([]string, 0, len(g.Alerts))
	for _, a := range g.Alerts {
		lines = append(lines, fmt.Sprintf("%s %s %d", a.Fingerprint, a.Status, a.StartsAt.UnixNano()))
	}
	slices.Sort(lines)
	sum := sha256.Sum256(fmt.Appendf(nil, "%d hidden %q", g.Truncated, lines))
	return hex.EncodeToString(sum[:16])
}

// next is the state after e was told.
func (s state) next(e entry, receipt notifiers.Receipt, snapshot *diagnostics.Snapshot) state {
	n := state{Seq: e.seq, Accepted: e.accepted, Status: e.group.Status(), Said: digest(e.group), Told: e.accepted}
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
