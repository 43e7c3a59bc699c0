// Package notifiers is the contract of the sinks: what they are given, what they answer, and what their errors mean.
//
// In flows a Message: the group, what people should read about it, and what the group's last message left behind. Out
// flows a Receipt, or an Error that says what to do next. A sink tries once: it never sleeps, retries, logs, keeps state
// between calls or changes its configuration. The sinks themselves are the packages below this one; each holds its own
// configuration.
package notifiers
