// Package bench measures what needs the whole of the notifier: how fast a webhook is accepted, how long it takes until
// somebody is told, how much memory the program takes, and how long it needs after a bad night.
//
// In flow nothing but a disk, two loopback addresses and time. Out flow metrics of benchmarks; those that have a goal are
// ratios of two things measured in the same run, so that they mean the same on another machine. docs/performance.md holds
// the goals and what one machine measured.
//
// The package never looks at one function alone: such benchmarks stand beside the function.
package bench
