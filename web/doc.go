// Package web is the notifier's own HTTP interface: who may be asked what, and in which words it answers.
//
// In flow requests; out flow the answers of the parts that are mounted here: the webhook, health and readiness, the reload,
// the deliveries, the agents, the metrics. The package holds no state and decides nothing about alerts.
package web
