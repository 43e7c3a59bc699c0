// Package templates turns a group and its agent's snapshot into what people read.
//
// In flow an alert.Group, a diagnostics.Snapshot and what the group's last message said. Out flows a Content: plain text,
// in the order of importance, without markup. The package never escapes for a service (the sinks do), never sends, and
// never shows NaN, an empty time or a Go error to a person.
package templates
