// Package diagnostics looks at an agent: it asks its health and readiness endpoints, scrapes its metrics, and says how it
// is now and how it was before.
//
// In flow the agents of the configuration and, for each alert, its labels. Out flows a Snapshot: plain values in words and
// numbers with their units. In between, a Collector polls every agent, its metrics or where it has none its JSON endpoints,
// into a small Prometheus TSDB on local disk, and the vitals of a snapshot are PromQL over it; profiles/*.yml says which.
// The package never makes a caller wait longer than the deadline, never returns an error for an agent that is down or lies
// (that is evidence), never shows a number that it cannot know, follows no redirect to another host, and knows nothing of
// receivers or messages.
package diagnostics
