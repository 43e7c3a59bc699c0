package delivery

import (
	"cmp"
	"container/heap"
	"time"

	"github.com/alertvitals/notifier/diagnostics"
)

// group is a group that has something waiting. It is in at most one place at a time: in a queue, with a timer, or with a
// worker.
type group struct {
	key string
	// waiting are its entries in the order of their numbers. Only take adds to them, only the group's worker removes.
	waiting []entry
	// rank is the severity of the newest entry, by which groups overtake each other.
	rank int

	place place
	index int // in its queue
	timer *time.Timer
	next  time.Time // when the timer ends

	// attempts is how many tries failed since one succeeded, or the start; reason, err and failed are the last one's.
	attempts int
	reason   string
	err      string
	failed   time.Time
	// failures is like attempts, and knows of those before a restart. tries are the newest of them, and some of the first.
	failures int
	tries    []Attempt

	// state is what the journal remembers of the group, once loaded is true. Only the worker uses it.
	state  state
	loaded bool
	// snapshot is what the last try showed; a try of the same message soon after shows it again.
	snapshot  *diagnostics.Snapshot
	lookedFor string
	lookedAt  time.Time
	// handedOver is the newest entry that the fallback was told of, or that it need not hear of; standIn is the fallback that was told
	// that the group fires, "" when none was.
	handedOver uint64
	standIn    string
	// doubt is when the doubt passes that the group waits for; zero when it waits for the receiver. heard is the newest entry
	// that the doubt, or the rest, is about.
	doubt time.Time
	heard uint64
	// held is what the state holds, in short; nil is nothing. rests is whether the group waits for nothing but the end of a mute.
	held  *heldShort
	rests bool
	// asked is whether the turn asked the sink. Only the worker uses it.
	asked bool
	// amends completes the last message that was told; nil when it needs nothing, or cannot be completed.
	amends *amendment
}

// place is where a group is.
type place int

const (
	queued place = iota
	delayed
	working
	// looking is where a group is for which nothing waits but a look at its agent.
	looking
)

func (g *group) newest() entry { return g.waiting[len(g.waiting)-1] }
func (g *group) oldest() entry { return g.waiting[0] }

// since is the number of the entry that waits longest, or of that which is held or to be completed.
func (g *group) since() uint64 {
	switch {
	case len(g.waiting) > 0:
		return g.oldest().seq
	case g.held != nil:
		return g.held.entry.seq
	default:
		return g.amends.seq
	}
}

// queue orders groups: critical before warning before info, and among equals the one that waits longest first.
type queue []*group

func (q *queue) Len() int { return len(*q) }

func (q *queue) Less(i, j int) bool {
	return compareGroups((*q)[i], (*q)[j]) < 0
}

func compareGroups(a, b *group) int {
	return cmp.Or(cmp.Compare(b.rank, a.rank), cmp.Compare(a.since(), b.since()))
}

func (q *queue) Swap(i, j int) {
	all := *q
	all[i], all[j] = all[j], all[i]
	all[i].index, all[j].index = i, j
}

// Push is for container/heap alone.
func (q *queue) Push(x any) {
	g, _ := x.(*group)
	g.index = len(*q)
	*q = append(*q, g)
}

// Pop is for container/heap alone.
func (q *queue) Pop() any {
	last := len(*q) - 1
	g := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	return g
}

// ready are the groups that a worker may take. Those whose last try failed are apart, because they may not take every
// worker from the others.
type ready struct{ fresh, failed queue }

func (r *ready) of(g *group) *queue {
	if g.attempts > 0 {
		return &r.failed
	}
	return &r.fresh
}

func (r *ready) add(g *group) {
	g.place = queued
	heap.Push(r.of(g), g)
}

// fix puts a queued group where it belongs after its rank has changed.
func (r *ready) fix(g *group) { heap.Fix(r.of(g), g.index) }

// take gives the group whose turn it is, one that failed before only when retries allows it; nil when there is none.
func (r *ready) take(retries bool) *group {
	from := &r.fresh
	if retries && len(r.failed) > 0 && (len(r.fresh) == 0 || r.failed[0].rank > r.fresh[0].rank) {
		from = &r.failed
	}
	if len(*from) == 0 {
		return nil
	}
	g, _ := heap.Pop(from).(*group)
	g.place = working
	return g
}
