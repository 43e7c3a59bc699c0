package delivery

import (
	"slices"
	"sync"
	"time"
)

// Attempt is one try to tell a message.
type Attempt struct {
	At time.Time `json:"at"`
	// Seconds is how long it took, the snapshot and the far side's answer included.
	Seconds float64 `json:"seconds"`
	// Reason and Error say why it failed; both are empty when the far side took the message.
	Reason string `json:"reason,omitempty"`
	Error  string `json:"error,omitempty"`
	// Answer is what the far side answered, as far as it is worth knowing: "status", or the name that it gave the message ("ts",
	// "dedup_key", "message_id").
	Answer map[string]string `json:"answer,omitempty"`
}

const (
	// firstTries and lastTries are how many tries of a delivery are kept: how it began and how it goes. The rest is counted.
	firstTries = 5
	lastTries  = 15
	// mostHeard and longestHeard bound what is kept of one answer: names, and bytes of a value.
	mostHeard    = 10
	longestHeard = 200
	// longestError bounds the text of an error that is kept, in bytes.
	longestError = 500
)

// withAttempt adds a try to those that are kept.
func withAttempt(tries []Attempt, a Attempt) []Attempt {
	tries = append(slices.Clone(tries), a)
	if len(tries) > firstTries+lastTries {
		tries = slices.Delete(tries, firstTries, firstTries+1)
	}
	return tries
}

// ear hears what a sink tells of the far side's answer. A sink that speaks after its try is not heard.
type ear struct {
	mu    sync.Mutex
	heard map[string]string
	deaf  bool
}

func (e *ear) hear(name, value string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	before, again := e.heard[name]
	switch {
	case e.deaf || !again && len(e.heard) == mostHeard:
		return
	case e.heard == nil:
		e.heard = map[string]string{}
	case again && before != value: // PagerDuty may get an event for each alert
		value = before + " " + value
	}
	e.heard[name] = clip(value, longestHeard)
}

// end is what was heard.
func (e *ear) end() map[string]string {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.deaf = true
	return e.heard
}

// clip is text of at most so many bytes, cut between characters.
func clip(text string, most int) string {
	if len(text) <= most {
		return text
	}
	cut := most
	for cut > 0 && text[cut]&0xc0 == 0x80 { // within a character of UTF-8
		cut--
	}
	return text[:cut] + "…"
}

// tried is the try of a message that began then and ended so.
func tried(began time.Time, answer map[string]string, err error) Attempt {
	a := Attempt{At: began.UTC(), Seconds: time.Since(began).Seconds(), Answer: answer}
	if err != nil {
		a.Reason, a.Error = reason(err), clip(err.Error(), longestError)
	}
	return a
}

// isPowerOfTwo is whether a failed try of this number is written down at once: the first, the second, the fourth, …. So a long
// outage costs a group a handful of writes.
func isPowerOfTwo(n int) bool { return n > 0 && n&(n-1) == 0 }
