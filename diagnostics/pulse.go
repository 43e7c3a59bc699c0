package diagnostics

import (
	"context"
	"sync/atomic"
	"time"
)

const (
	// pulseStep is how often the pulse beats, latePulse how late a beat is when we were short of time.
	pulseStep = 20 * time.Millisecond
	latePulse = 200 * time.Millisecond
)

// notInTime are the words for what is not known because we were slow; it says nothing of the agent.
const notInTime = "not known in time: the notifier itself was short of time"

// pulse tells whether this program got the processor when it needed it. In a storm on a small machine an answer may be there and
// nobody to read it: then silence says nothing of the agent.
type pulse struct {
	began time.Time
	// late is when a beat was late last, in nanoseconds since began; 0 when none was.
	late atomic.Int64
}

// beat goes on until ctx ends. All who look at agents share what it finds.
func (p *pulse) beat(ctx context.Context) {
	timer := time.NewTimer(pulseStep)
	defer timer.Stop()
	for {
		began := time.Now()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return
		}
		if time.Since(began) >= pulseStep+latePulse {
			p.late.Store(int64(time.Since(p.began)))
		}
		timer.Reset(pulseStep)
	}
}

// wasLate is whether we were short of time within the last `within`, so that an answer may have been missed.
func (p *pulse) wasLate(within time.Duration) bool {
	late := p.late.Load()
	return late > 0 && time.Since(p.began)-time.Duration(late) < within
}
