// Package forward passes a group on to another webhook, as Alertmanager itself would, with the agent's snapshot beside it.
//
// In flows a notifiers.Message. Out flows a POST of Alertmanager's payload, version 4, signed when there is a secret; every try of
// one message has the same webhook-id, so that the far side can drop a repeat. The package never shows a personal label, never says
// of a group that hides alerts that it is resolved, never follows a redirect, and never puts the address into an error. Package
// forwardfake stands in for the far side.
package forward
