// Package rule reads the PromQL of an alerting rule: what it measures, and where its limit is.
//
// In flows an alert's generatorURL, and for one agent what the alert says of itself; out flow an expression that gives the
// measured value, its limit, and, where that means the same, an expression over the agent's own series. The package evaluates
// nothing and asks nobody. It never guesses: what might mean something else than the alert is refused.
package rule
