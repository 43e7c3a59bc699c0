// Package journal is the durable log between the webhook and the receivers: one log, and for each receiver a position in
// it and a small state for each group.
//
// In flow opaque records (Append), positions (SetPosition) and states (SetState); each call returns only when its bytes
// are on disk. Out flow the records in the order in which they were accepted (Read), as often as a reader asks for them.
// The package stores bytes: it never knows an alert, never decides who reads what, and never forgets a record before
// Options.MaxAge.
//
// It runs NATS JetStream inside the process (https://docs.nats.io/nats-concepts/jetstream): no port is opened, every
// write is followed by an fsync, and a record that was half written when the process died is dropped at the next start,
// which is right because nobody was told that it is safe.
package journal
