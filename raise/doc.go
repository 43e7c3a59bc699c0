// Package raise sends the alerts that the notifier itself finds, as Alertmanager would send them.
//
// In flow alerts as whoever found them sees them now: firing, resolved, or held (it cannot be said whether one that fires still
// does). Out flow notifications of Alertmanager's form, grouped by alertname and agent, which whoever accepts webhooks puts on disk
// and routes as any other. Groups are told when they change, at most once in a group_interval, and again after a repeat_interval.
//
// A group's state is on disk before it is told and after. So a restart forgets no alert that fires, and what was cut off between
// the two is told once more with the same times, which delivery knows for a duplicate. An alert of which nothing is heard for as long as
// its lease counts as resolved, as at Alertmanager.
//
// The package never evaluates anything, never routes, and never loses an alert that it could not hand on: it tries again.
package raise
