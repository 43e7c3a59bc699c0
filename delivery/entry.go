package delivery

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/prometheus/alertmanager/template"

	"github.com/alertvitals/notifier/alert"
	"github.com/alertvitals/notifier/envelope"
)

// entry is one record that concerns the loop.
type entry struct {
	seq uint64
	// at is when the record was put on disk, from which its age counts.
	at time.Time
	// accepted is when the notification was accepted first: earlier than at when it is told again.
	accepted time.Time
	// again is set on what could not be delivered before.
	again *envelope.Again
	// trace is the traceparent of the span that put it on disk, "" without one.
	trace string
	// merged are those of what is held with it, the oldest first.
	merged []string
	// record is the whole of it; none when it was left in the journal to save memory.
	record packed
	// group is what it says, when that was read for a turn; read reads it when it was left out because of its size.
	group *alert.Group
	read  func() (*alert.Group, error)
	// placed is whether it takes a place among those that may wait.
	placed bool
	// weight is what record takes of the room; 0 without one.
	weight int64
	// held is above 0 for what stands for held news: the number of their part.
	held int
}

// open reads whom a record is for, and leaves what it says for the group's turn. ok is false when it does not concern the loop.
func (l *Loop) open(rec Record) (e entry, key string, severity alert.Severity, ok bool, err error) {
	env, err := envelope.Open(rec.Data)
	if err != nil {
		return entry{}, "", "", false, fmt.Errorf("opening a record: %w", err)
	}
	if !env.For(l.Receiver, l.Cursor) {
		return entry{}, "", "", false, nil
	}
	if env.Key == "" {
		return entry{}, "", "", false, errors.New("opening a record: it names no group")
	}
	e = entry{seq: rec.Seq, at: rec.Time, accepted: rec.Time, again: env.Again, trace: env.Trace}
	if env.Again != nil {
		e.accepted = env.Again.Accepted
	}
	return e, env.Key, env.SeverityFor(l.Receiver), true, nil
}

// read is what a record says to the loop.
func (l *Loop) read(record []byte) (*alert.Group, error) {
	env, err := envelope.Open(record)
	if err != nil {
		return nil, fmt.Errorf("opening a record: %w", err)
	}
	g, err := env.Group(l.Receiver)
	if err != nil {
		return nil, fmt.Errorf("opening a record: %w", err)
	}
	return &g, nil
}

// askedFor is whether an operator asked that it be told, whatever is known.
func (e entry) askedFor() bool { return e.again != nil && !e.again.Asked.IsZero() }

// standsIn is whether it is told in the stead of a receiver that could not be.
func (e entry) standsIn() bool { return e.held == 0 && e.again != nil && e.again.From != "" }

// says is what the record says.
func (e entry) says() (*alert.Group, error) {
	if e.group != nil {
		return e.group, nil
	}
	return e.read()
}

// folded is what several entries of a group come to.
type folded struct {
	// group is what is to be told, nil when the entries say nothing new.
	group *alert.Group
	// again is that of the newest entry that has one.
	again *envelope.Again
	// known is what is known when group was told.
	known knowledge
	// duplicates is how many of the entries say nothing new, the doubtful one apart.
	duplicates int
	// fired is whether an alert fired that people were not told of, even if it is over by now.
	fired bool
	// began is when each alert that was not heard of fired, by the times when that was accepted.
	began map[string][]time.Time
	// held is what is left to tell once it is muted no more, and mute why; nil for nothing. What was suppressed is told never.
	held       *held
	mute       Mute
	suppressed template.Alerts
	// lifted is whether something that was held before is held no more.
	lifted bool
	// traces are those of the entries, the newest one's last.
	traces []string
	// quiet is whether something changes and nothing of it is told: group is nil then.
	quiet bool
	// doubtful is the newest entry that says of an alert that it fires which seems to be over; nil without one. It must not
	// be settled before inDoubt, and then it speaks for itself.
	doubtful *entry
	inDoubt  time.Time
	// err is why an entry could not be read; the rest means nothing then.
	err error
}

// fold merges entries into one message: the state of the newest, and every alert that any of them names. Each is taken in the
// light of what was known before it. It is a pure function of its arguments and of what the entries say.
func fold(known knowledge, entries []entry, now time.Time, window time.Duration) folded {
	entries = inOrder(entries)
	f := folded{known: known, began: map[string][]time.Time{}}
	saysNothing := make([]bool, len(entries))
	inDoubt := map[string]doubt{}
	for i, e := range entries {
		says, err := e.says()
		if err != nil {
			return folded{err: err}
		}
		group, doubts := f.known.correct(*says, now, window)
		duplicate := f.known.duplicate(group, e.accepted, window)
		dispel(inDoubt, group, duplicate)
		for fingerprint, until := range doubts {
			inDoubt[fingerprint] = doubt{until, i}
		}
		if saysNothing[i] = duplicate; duplicate {
			f.duplicates++
			continue
		}
		f.known.begin(f.began, group, e.accepted)
		f.fired = len(f.began) > 0
		f.known = f.known.after(group, e.accepted, window)
		if f.group != nil {
			group = group.After(*f.group)
		}
		f.group = &group
		if e.again != nil {
			f.again = e.again
		}
	}
	newest := -1
	for _, d := range inDoubt {
		f.inDoubt, newest = later(f.inDoubt, d.until), max(newest, d.entry)
	}
	if newest >= 0 {
		f.doubtful = &entries[newest]
		if saysNothing[newest] {
			f.duplicates-- // who knows
		}
	}
	return f
}

// begin adds to began the alerts of a group that fire and are not known, with the time when that was accepted.
func (k knowledge) begin(began map[string][]time.Time, g alert.Group, accepted time.Time) {
	for _, a := range g.Alerts.Firing() {
		if !k.knows(a) {
			began[a.Fingerprint] = append(began[a.Fingerprint], accepted)
		}
	}
}

// doubt is about an alert: when it passes, and the index of the newest entry that raised it.
type doubt struct {
	until time.Time
	entry int
}

// inOrder are the entries by their numbers, which do not depend on the clock. What is told again has its place among the others
// by the time when it was accepted first.
func inOrder(entries []entry) []entry {
	again, ordered := split(entries, func(e entry) bool { return e.again != nil })
	slices.SortStableFunc(again, func(a, b entry) int { return a.accepted.Compare(b.accepted) })
	for _, e := range again {
		i := slices.IndexFunc(ordered, func(o entry) bool { return o.accepted.After(e.accepted) })
		if i < 0 {
			i = len(ordered)
		}
		ordered = slices.Insert(ordered, i, e)
	}
	return ordered
}

// dispel takes away the doubts about alerts that a group speaks of, or leaves out although it says something new.
func dispel(inDoubt map[string]doubt, g alert.Group, duplicate bool) {
	for _, a := range g.Alerts {
		delete(inDoubt, a.Fingerprint)
	}
	if !duplicate && g.Truncated == 0 {
		clear(inDoubt)
	}
}
