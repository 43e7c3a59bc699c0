// Package alert holds the values that flow through the notifier: what Alertmanager posted, and what one receiver is
// told of it.
//
// In flows the body of an Alertmanager webhook (payload version 4). Out flow a Notification (the whole webhook) and a
// Group (the alerts of it that go to one receiver), with their status, severity and times recomputed from the alerts
// themselves. The package never reads a clock, a file or the network, and never trusts the payload's own summary of its
// alerts: a group that Alertmanager truncated may say "resolved" while alerts in it still fire.
package alert
