// Package exposed holds bodies of /metrics as the agents, and the notifier itself, give them, for the tests of the rules and of the
// dashboards: an expression that names what nobody exposes is silent for ever.
//
// In flows the name of a system; out flow its series. The bodies are modelled on real programs: names, labels and buckets are theirs,
// values are invented. The package evaluates nothing and asks nobody.
package exposed
