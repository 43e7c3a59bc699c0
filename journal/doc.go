// Package journal is the durable log between the webhook and the receivers: one log, for each receiver a position in it and
// a small state for each group, the letters that could not be delivered, and the outcomes of those that were.
//
// In flow opaque records (Append), positions (SetPosition), states (SetState), letters (SetLetter) and outcomes (AddOutcomes); each
// call returns only when its bytes are on disk. Out flow the records in the order in which they were accepted (Read, Get), as often
// as a reader asks for them, and the outcomes with the newest first. The package stores bytes: it never knows an alert, never decides who reads what, and never forgets a
// record before Options.MaxAge unless every cursor has settled it and its room is needed.
//
// It runs NATS JetStream inside the process (https://docs.nats.io/nats-concepts/jetstream): no port is opened, and every
// write is followed by an fsync. While one message is written, what arrives waits and goes as the next one (append.go,
// batch.go). A message that was half written when the process died is dropped at the next start, which is right because
// nobody was told that it is safe.
//
// NATS gives up on a stream that met a write error. The journal then starts NATS again in the process (mend.go), and keeps
// the files safe while it does (rescue.go).
package journal
