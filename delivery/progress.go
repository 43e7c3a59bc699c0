package delivery

import "sync"

// progress knows which records are settled, and so up to which one all are. Records begin in the order of their numbers
// and are settled in any.
type progress struct {
	mu   sync.Mutex
	last uint64 // the newest record that was read
	// open are the records that are not settled, with settled ones between them, in order.
	open    []uint64
	settled map[uint64]bool // those of open that are settled
}

// begin says that a record was read and waits.
func (p *progress) begin(seq uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last = seq
	p.open = append(p.open, seq)
}

// skip says that a record was read and has nothing to wait for.
func (p *progress) skip(seq uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last = seq
}

// settle says that a record that has begun needs no more work.
func (p *progress) settle(seq uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.settled == nil {
		p.settled = map[uint64]bool{}
	}
	p.settled[seq] = true
	for len(p.open) > 0 && p.settled[p.open[0]] {
		delete(p.settled, p.open[0])
		p.open = p.open[1:]
	}
}

// position is the newest record up to which all are settled.
func (p *progress) position() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.open) > 0 {
		return p.open[0] - 1
	}
	return p.last
}

// waiting is how many records are not settled.
func (p *progress) waiting() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.open) - len(p.settled)
}

// hasRead is whether a record was read.
func (p *progress) hasRead(seq uint64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return seq <= p.last
}
