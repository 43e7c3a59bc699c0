package journal

import "sync"

// tail is where the log ends: readers sleep there.
type tail struct {
	mu      sync.Mutex
	message uint64
	grown   chan struct{}
}

// end returns the newest message, and a channel that is closed when there is a newer one.
func (t *tail) end() (uint64, <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.grown == nil {
		t.grown = make(chan struct{})
	}
	return t.message, t.grown
}

func (t *tail) reach(message uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if message <= t.message {
		return
	}
	t.message = message
	if t.grown != nil {
		close(t.grown)
		t.grown = nil
	}
}
