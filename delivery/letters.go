package delivery

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/alertvitals/notifier/alert"
)

// The reasons of a dead letter, and of a failed try, that no sink gave.
const (
	reasonPanic      = "panic"
	reasonOther      = "other"
	reasonExpired    = "expired"
	reasonUnreadable = "unreadable"
	reasonRemoved    = "removed"
	// reasonMuted is that of late news which came within a mute.
	reasonMuted = "muted"
	// reasonRecovered is that of a message to a fallback which says how a group ended.
	reasonRecovered = "recovered"
	// unreadableID stands in the ID of a record that could not be read, in place of its group and integration.
	unreadableID = "unreadable"
)

// letter is a dead letter as it is stored: fields may be added, and never change their meaning.
type letter struct {
	Delivery

	Cursor string `json:"cursor,omitempty"`
	// Told is what was to be told, with personal labels: whom it concerns is found by them when it is replayed.
	Told *alert.Group `json:"told,omitempty"`
	// Trace is the traceparent of the newest notification in it, with whose trace a replay goes on.
	Trace string `json:"trace,omitempty"`
	// Record is what could not be read.
	Record []byte `json:"record,omitempty"`
	// Records are the numbers of the records that it settled, as head.Records has them.
	Records []byte `json:"records,omitempty"`
}

// mostRecord is how much of a group a record or a letter may hold: the journal takes no more than 8 MiB, a webhook has at most 4,
// and what waited for long may come to more.
const mostRecord = 6 << 20

// sizeOf is how many bytes a group takes in a letter.
func sizeOf(g *alert.Group) int {
	value, err := json.Marshal(g)
	if err != nil {
		return 0 // it came from JSON: this cannot be
	}
	return len(value)
}

// letters are the dead letters in the journal.
type letters struct {
	journal Journal
	metrics *Metrics
	// putting is held while one is put: two loops meet the same unreadable record, and it is one letter.
	putting sync.Mutex
}

// put keeps a letter; the end of ctx does not cut that off. One that is there already stays as it is: it was put before a
// crash, or by another loop. One of the same ID that was accepted at another time is another letter: a journal whose end was
// lost gives its numbers again.
func (ls *letters) put(ctx context.Context, l letter) (added bool, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
	defer cancel()
	ls.putting.Lock()
	defer ls.putting.Unlock()
	for {
		value, there, unasked := ls.journal.Letter(ctx, l.ID)
		if unasked != nil {
			return false, unasked
		}
		if !there {
			break
		}
		if old, unreadable := decodeLetter(l.ID, value); unreadable == nil && old.Accepted.Equal(l.Accepted) {
			return false, nil
		}
		l.ID += fmt.Sprintf("-%d", l.Accepted.UnixNano())
	}
	value, err := json.Marshal(l)
	if err != nil { // a snapshot may have no JSON form
		l.Snapshot = nil
		value, err = json.Marshal(l)
	}
	if err != nil {
		return false, fmt.Errorf("encoding a dead letter: %w", err)
	}
	if err := ls.journal.SetLetter(ctx, l.ID, value); err != nil {
		return false, err
	}
	ls.metrics.letters.WithLabelValues(l.Receiver, l.Integration).Inc()
	return true, nil
}

func (ls *letters) get(ctx context.Context, id string) (letter, error) {
	value, there, err := ls.journal.Letter(ctx, id)
	if err != nil {
		return letter{}, err
	}
	if !there {
		return letter{}, ErrNotFound
	}
	return decodeLetter(id, value)
}

func decodeLetter(id string, value []byte) (l letter, err error) {
	if err := json.Unmarshal(value, &l); err != nil {
		return letter{}, fmt.Errorf("reading the dead letter %s: %w", id, err)
	}
	l.Status = Dead
	return l, nil
}

func (ls *letters) drop(ctx context.Context, l letter) error {
	if err := ls.journal.DropLetter(ctx, l.ID); err != nil {
		return err
	}
	ls.metrics.letters.WithLabelValues(l.Receiver, l.Integration).Dec()
	return nil
}

// each calls fn for every letter, the oldest first. One that cannot be read is left out and logged.
func (ls *letters) each(ctx context.Context, logger *slog.Logger, fn func(letter)) error {
	return ls.journal.Letters(ctx, func(id string, value []byte) error {
		l, unreadable := decodeLetter(id, value)
		if unreadable != nil {
			logger.Error("A dead letter is unreadable", slog.Any("err", unreadable))
			return nil
		}
		fn(l)
		return nil
	})
}

// count sets the metric of the letters that are kept: they age away by themselves.
func (ls *letters) count(ctx context.Context, logger *slog.Logger) error {
	kept := map[[2]string]int{}
	if err := ls.each(ctx, logger, func(l letter) { kept[[2]string{l.Receiver, l.Integration}]++ }); err != nil {
		return err
	}
	ls.metrics.letters.Reset()
	for labels, n := range kept {
		ls.metrics.letters.WithLabelValues(labels[0], labels[1]).Set(float64(n))
	}
	return nil
}

// bury makes a dead letter of what entries come to.
func (r *run) bury(ctx context.Context, l *Loop, g *group, f folded, entries []entry, why string, cause error) {
	log := r.log(g.key, entries)
	f = r.undoubted(l, g, f, entries)
	if f.err != nil {
		r.unread(ctx, f.err)
		return
	}
	switch {
	case f.quiet:
		r.mute(ctx, l, log, g, f, entries)
		return
	case f.group == nil:
		r.duplicate(ctx, l, log, g, f, entries)
		return
	}
	if half := len(entries) / 2; half > 0 && sizeOf(f.group) > mostRecord {
		r.bury(ctx, l, g, r.fold(l, g, entries[:half]), entries[:half], why, cause)
		r.bury(ctx, l, g, r.fold(l, g, entries[half:]), entries[half:], why, cause)
		return
	}
	newest := newestOf(entries)
	r.mu.Lock()
	attempts, tries := g.failures, g.tries
	r.mu.Unlock()
	dead := letter{
		Delivery: Delivery{
			ID: r.id(g.key, entries), Status: Dead, Receiver: l.Receiver, Integration: l.Integration,
			Notifications: countSaid(entries), Accepted: newest.accepted, Attempts: attempts, Reason: why, Error: cause.Error(),
			Failed: time.Now().UTC(), Tries: tries, Routes: l.routesOf(*f.group),
		},
		Cursor: l.Cursor, Told: f.group, Trace: f.newestTrace(), Records: packRecords(entries),
	}
	if why != reasonExpired {
		dead.Snapshot = g.snapshot
	}
	dead.relate(g.state.standIn(l), entries)
	if l.Fallback.Receiver != "" && why != reasonMuted {
		dead.HandedOver = l.Fallback.Receiver // at once, if it was not yet
	}
	dead.describe(f.group.Redact(l.Redact))
	if f.lifted {
		dead.Notifications, dead.Records = including(dead.Notifications, dead.Records, g.state.Held)
	}
	added := false
	kept := r.insist(ctx, "Keeping a dead letter", func() (err error) {
		added, err = r.letters.put(ctx, dead)
		return err
	})
	if !kept {
		return
	}
	if why != reasonMuted && !g.state.handedOver(newest) {
		to := []string{l.Fallback.Receiver}
		if f.group.Status() == alert.StatusResolved {
			to = append(to, g.state.standIns(l)...)
		}
		if !r.handOver(ctx, l, g, f, entries, why, to...) {
			return
		}
	}
	after := g.state
	after.Held = f.held
	if f.group.Status() == alert.StatusResolved {
		after = after.takenBack()
	}
	if !r.settle(ctx, g, after, entries, outcome{}) {
		return
	}
	if added {
		r.series.dead[why].Inc()
	}
	r.countMuted(log, f, entries)
	log.Error("It is a dead letter now: it was not delivered, and can be replayed",
		slog.String("reason", why), slog.Any("err", cause), slog.Int("notifications", len(entries)))
	r.mu.Lock()
	defer r.mu.Unlock()
	g.begin()
}

// putAside keeps a record that cannot be read as a dead letter, so that it stops nobody. It says false when the run has ended
// before that was certain.
func (r *run) putAside(ctx context.Context, rec Record, cause error) bool {
	dead := letter{
		Delivery: Delivery{
			ID: fmt.Sprintf("%d-%s", rec.Seq, unreadableID), Status: Dead, Notifications: 1, Accepted: rec.Time,
			Reason: reasonUnreadable, Error: cause.Error(), Failed: time.Now().UTC(),
		},
		Record: rec.Data,
	}
	return r.insist(ctx, "Putting an unreadable record aside", func() error {
		added, err := r.letters.put(ctx, dead)
		if err == nil && added {
			r.letters.metrics.dead.WithLabelValues("", "", reasonUnreadable).Inc()
			r.logger.Error("A record of the journal is unreadable; it is kept as a dead letter",
				slog.Uint64("seq", rec.Seq), slog.Any("err", cause))
		}
		return err
	})
}

var errRemoved = errors.New("the receiver was removed from the configuration before it could be told")
