// Package heartbeat notices when nothing comes any more, and lets others notice when we do not.
//
// In flow the alerts of every webhook: those that fire and fit an expected heartbeat, such as Prometheus's Watchdog, are a beat of
// it. Out flows, when none has come for its interval, an alert HeartbeatMissing, and its end with the next beat; and, while the
// notifier is ready, a request to an address that raises an alarm when these stop (a dead man's switch).
//
// After a start, and for a heartbeat that is new in the configuration, the interval begins anew: nobody can have heard it before. So it
// does when the process has stood still. A heartbeat that was missing before a restart stays so until it comes.
//
// The package never delivers anything, and neither waits for the address nor shows it: it is a secret.
package heartbeat
