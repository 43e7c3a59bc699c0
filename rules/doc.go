// Package rules evaluates Prometheus's rule files over what the notifier itself has scraped, for where there is no Prometheus.
//
// In flow files (those of this directory, or anybody's), and the samples of all agents. Out flow, after each evaluation of a group
// of rules, the alerts of its rules as they are then, and into the samples what the recording rules say and the series ALERTS and
// ALERTS_FOR_STATE, from which a restart knows since when an alert is pending. The evaluation is Prometheus's own
// (https://prometheus.io/docs/prometheus/latest/configuration/alerting_rules/).
//
// The package never groups, repeats or sends anything, and never takes a file that Prometheus would refuse.
package rules
