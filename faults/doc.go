// Package faults holds the suite that breaks everything around the notifier while it works, and then asks whether its
// promises held.
//
// In flow webhooks, as pairs of Alertmanagers post them: groups of alerts of every severity that fire, change, resolve and
// fire anew. Meanwhile the notifier, the real binary, is killed, ended and reloaded, its disk fills, and the stand-in for
// Slack fails in every way that a far side can. Out flows a verdict on what people were shown, call by call: nothing
// accepted was lost (P1, P2), no message went back in time (P3), and nothing was shown twice without a kill or a lost
// answer that explains it (P4).
//
// Everything random comes from one seed, which every run prints: -faults.seed=N plays the same groups, failures and points
// of time again, as far as two processes allow that. -faults.long is the long form.
//
// The package never looks into the notifier: it knows its flags, its HTTP answers, its metrics and what it posts.
package faults
