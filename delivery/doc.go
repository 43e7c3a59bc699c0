// Package delivery tells people: one loop for each sink of each receiver takes what was accepted for it, looks at the agent,
// renders, notifies once and settles.
//
// In flow the records of the journal, from the loop's own position on. Out flow messages to the sink, and after each one that
// the far side took, a state that is on disk before anything else happens to the group. What cannot be delivered flows into the
// journal again: as a dead letter, which can be replayed, or as a message to the receiver's fallback.
//
// Beside the messages flows what became of them: an outcome for each, kept for those who ask where an alert went. Nothing is ever
// decided by one.
//
// For one group messages leave one at a time and in order; what waits for a group merges into one message. Groups do not wait
// for each other: critical ones go first, and those that fail leave room for the others. What is decided about a notification
// (what it says anew, whether it comes from an Alertmanager that is behind, when to try again) is decided by pure functions.
//
// What is certain after a crash at any moment: a record that was not settled is taken again, a message whose state was stored
// is not sent again, and a message that was sent just before the crash, without its state, is sent once more, never followed by
// anything older.
//
// The files, as a notification meets them: loops.go (which loops run), run.go and queue.go (whose turn it is), turn.go (a group's
// turn), entry.go and news.go (what there is to tell), policy.go (when to try again), state.go (what is remembered), letters.go and
// fallback.go (what could not be told), attempt.go, became.go, outcome.go and outcomes.go (what became of it), list.go, trace.go and
// replay.go (what an operator sees and asks for).
//
// The package never talks to the network or reads a configuration, never drops a record silently, and never decides what a
// message says.
package delivery
