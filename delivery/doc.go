// Package delivery is the loop of one sink of one receiver: take a record, route it, look at the agent, render, notify
// once, settle.
//
// In flow the records of the journal, from the loop's own position on. Out flow messages to the sink, and after each one
// that the far side took, a state that is on disk before anything else happens. For one group messages leave one at a time
// and in order; groups do not wait for each other; a failed try is repeated until it succeeds.
//
// What is certain after a crash at any moment: a record that was not settled is taken again, a message whose state was
// stored is not sent again, and a message that was sent just before the crash, without its state, is sent once more.
//
// The package never talks to the network or reads a configuration, never drops a record that it could read, and never
// decides what a message says.
package delivery
