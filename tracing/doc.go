// Package tracing sends spans to an OpenTelemetry collector, and carries a trace across the journal.
//
// In flow the standard variables of the environment, spans, and the traceparent of whoever posts a webhook. Out flow spans by OTLP
// over HTTP, from a queue that is bounded: when the collector is slow or away they are dropped and counted, and nobody waits. What is
// in the journal carries a traceparent, so that a delivery belongs to the trace of its webhook, over a restart too.
//
// Without an endpoint nothing runs, and spans cost next to nothing. The package never puts a label, an annotation, an address of
// a receiver or an error's text into a span: those who read traces are not those who may read alerts.
package tracing
