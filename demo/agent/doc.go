// Package agent is a small AI agent for demonstrations and tests: a real HTTP server with the endpoints and the metrics
// of the agent SDK monitoring guide, and traffic of its own.
//
// In flow orders to fall ill or get well. Out flow /health, /ready and /metrics that show it, as a real agent's would:
// slowly, and through client_golang. The package never calls a model and never talks to anything.
package agent
