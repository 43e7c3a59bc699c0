package notifiers

import "time"

// Error says what to do after a try that failed. A sink returns any other error only for what may pass by itself.
type Error struct {
	// Reason is why, from a closed set: it is a metrics label.
	Reason Reason
	// Permanent is whether trying the same message again cannot help.
	Permanent bool
	// RetryAfter is how long the far side itself asked to be left alone; 0 when it did not.
	RetryAfter time.Duration
	// Partly is whether RateLimited concerns only some of what the sink does, such as edits: messages of other groups may be taken.
	Partly bool
	// Err is what happened, without any secret in it.
	Err error
}

func (e *Error) Error() string { return e.Err.Error() }

func (e *Error) Unwrap() error { return e.Err }

// Reason is the closed set of causes of a failed try.
type Reason string

const (
	// Rejected means that the far side does not want this message (a 4xx, invalid_blocks).
	Rejected Reason = "rejected"
	// Auth means that the far side does not accept our credentials, or they lack a right.
	Auth Reason = "auth"
	// RateLimited means that we send too fast.
	RateLimited Reason = "rate_limited"
	// Server means that the far side is broken (a 5xx).
	Server Reason = "server"
	// Unreachable means that there was no connection, or it broke.
	Unreachable Reason = "unreachable"
	// Timeout means that no answer came in time.
	Timeout Reason = "timeout"
)
