// Package logging keeps the notifier's own log readable under load.
//
// In flow log records of the whole program. Out flow all of them as long as few are alike; of many that are alike the first ones,
// and then, once for each interval, the newest of the others, which says how many were left out. What was left out is counted.
//
// The package never writes by itself, never changes a record but for adding that number, and never leaves out the first of its kind.
package logging
