// Package webhook takes what Alertmanager posts.
//
// In flows an HTTP request. Out flows its body, checked, unchanged and addressed to the receivers that the routes found for it,
// into the journal; the answer is 200 only once the journal has it on disk. The package never waits for a receiver or looks
// at an agent: Alertmanager holds a connection open and retries on its own clock, so the answer comes as fast as the
// disk allows.
package webhook
