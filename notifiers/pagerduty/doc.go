// Package pagerduty tells PagerDuty, by its Events API v2 (or v1, for a service_key): an incident for each alert group or, when
// so configured, for each alert, which closes when the group or the alert is over.
//
// In flows a notifiers.Message. Out flow trigger and resolve events, and a Receipt of what is open. The package fits every event
// into PagerDuty's limits. It never resolves a group that hides alerts, never opens an incident again with news of the past, never
// sends an alert twice when a part of a message was taken, and never puts a key into an error. Package pagerdutyfake stands in for
// PagerDuty.
//
// Of the PagerDuty client only the types of events are used: the client adds a path to the configured address, hides Retry-After
// and puts the far side's answer into its errors.
package pagerduty
