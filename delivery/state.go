package delivery

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/alertvitals/notifier/alert"
	"github.com/alertvitals/notifier/diagnostics"
	"github.com/alertvitals/notifier/notifiers"
)

// state is what a loop remembers of a group. Its JSON is in the journals of running systems: fields may be added, and
// never change their meaning.
type state struct {
	// Seq is the number up to which the group's records are settled.
	Seq uint64 `json:"seq"`
	// Settled is when the newest of them was put on disk. A journal whose end was lost gives its numbers again, never its
	// times.
	Settled time.Time `json:"settled,omitzero"`
	// Known is what people were told.
	Known knowledge `json:"known,omitzero"`
	// Held is what they are told when it is muted no more; nil is nothing.
	Held *held `json:"held,omitempty"`
	// Receipt is what the sink needs for the group's next message; there is none after a resolved one.
	Receipt notifiers.Receipt `json:"receipt,omitempty"`
	// AtFire is the agent as it was when the group began to fire.
	AtFire *diagnostics.Snapshot `json:"at_fire,omitempty"`
	// HandedOver is the newest record of the group that the fallback was told of, 0 when it was not since the group began
	// to fire.
	HandedOver uint64 `json:"handed_over,omitempty"`
	// HandedTo are the fallbacks that were told, the newest last: a reload may have given the receiver another one. Without any it is
	// the one that the receiver has.
	HandedTo []string `json:"handed_to,omitempty"`
	// Again are the newest deliveries that were told again, so that none is twice.
	Again []string `json:"again,omitempty"`
	// Told is the ID of the delivery that told what is known.
	Told string `json:"told,omitempty"`
	// Failures is how many tries failed for what waits, and Tries are some of them.
	Failures int       `json:"failures,omitempty"`
	Tries    []Attempt `json:"tries,omitempty"`
	// Outcomes are the newest ones of the group that were not known to be on disk elsewhere when this was stored.
	Outcomes []written `json:"outcomes,omitempty"`
}

// mostAgain bounds state.Again: a replay that is repeated by an impatient operator, or by a crash, comes soon.
const mostAgain = 16

// heard is what was said of the group, whether people were told or not.
func (s state) heard() knowledge {
	if s.Held != nil {
		return s.Held.Known
	}
	return s.Known
}

// handedOver is whether the fallback was told of what e is the newest of.
func (s state) handedOver(e entry) bool {
	if e.held > 0 && s.Held != nil {
		return s.Held.HandedOver
	}
	return e.seq <= s.HandedOver
}

// standIns are the fallbacks that were told that the group fires, the newest last.
func (s state) standIns(l *Loop) []string {
	if s.HandedOver > 0 && len(s.HandedTo) == 0 && l.Fallback.Receiver != "" {
		return []string{l.Fallback.Receiver}
	}
	return s.HandedTo
}

// standIn is the newest of them, "" when no fallback was told.
func (s state) standIn(l *Loop) string {
	if all := s.standIns(l); len(all) > 0 {
		return all[len(all)-1]
	}
	return ""
}

// takenBack is the state when no fallback stands in any more.
func (s state) takenBack() state {
	s.HandedOver, s.HandedTo = 0, nil
	return s
}

// mostOutcomes bounds state.Outcomes: they are on disk elsewhere a second later.
const mostOutcomes = 8

// with is the state with one more outcome, in place of an older one of the same delivery. unwritten are those that it has to keep.
func (s state) with(w written, unwritten []written) state {
	rest, _ := split(unwritten, func(o written) bool { return o.ID != w.ID })
	rest = append(rest, w)
	s.Outcomes = rest[max(0, len(rest)-mostOutcomes):]
	return s
}

// holds is whether e is settled already.
func (s state) holds(e entry) bool {
	if e.again != nil && slices.Contains(s.Again, e.again.Key()) {
		return true
	}
	return e.seq <= s.Seq && !e.at.After(s.Settled)
}

// settled is the state when the entries are done with and rest still waits.
func (s state) settled(done, rest []entry) state {
	if len(done) > 0 {
		s.Failures, s.Tries = 0, nil
	}
	for _, e := range done {
		if e.held > 0 {
			continue // the entries in it are settled
		}
		s.Seq = max(s.Seq, e.seq)
		s.Settled = later(s.Settled, e.at)
		if e.again != nil {
			s.Again = append(slices.Clone(s.Again), e.again.Key())
			s.Again = s.Again[max(0, len(s.Again)-mostAgain):]
		}
	}
	for _, e := range rest {
		s.Seq = min(s.Seq, e.seq-1)
	}
	return s
}

// told is the state after f was told.
func (s state) told(f folded, id string, receipt notifiers.Receipt, snapshot *diagnostics.Snapshot) state {
	s.Known, s.Held, s.Told = f.known, f.held, id
	if f.known.Status == alert.StatusResolved {
		// The next firing is a fresh message.
		s.Receipt, s.AtFire = nil, nil
		return s.takenBack()
	}
	s.Receipt = receipt
	if s.AtFire == nil {
		s.AtFire = snapshot
	}
	return s
}

// decodeState reads a state. One that cannot be read counts as none: showing something twice is better than not at all.
func decodeState(value []byte) (s state, err error) {
	if len(value) == 0 {
		return state{}, nil
	}
	if err := json.Unmarshal(value, &s); err != nil {
		return state{}, fmt.Errorf("reading the state of a group: %w", err)
	}
	return s, nil
}

// encode is the JSON of a state. The snapshot is left out when it has none (a NaN): what keeps a second message away matters
// more.
func (s state) encode() ([]byte, error) {
	value, err := json.Marshal(s)
	if err != nil {
		s.AtFire, s.Tries = nil, nil
		value, err = json.Marshal(s)
	}
	if err != nil {
		return nil, fmt.Errorf("encoding the state of a group: %w", err)
	}
	return value, nil
}

// store writes the state of a group once. The end of ctx does not cut it off.
func (r *run) store(ctx context.Context, group string, s state) error {
	value, err := s.encode()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
	defer cancel()
	if err := r.journal.SetState(ctx, r.cursor, group, value); err != nil {
		return fmt.Errorf("settling: %w", err)
	}
	return nil
}
