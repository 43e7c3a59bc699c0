// Package exposition reads the metrics body of an agent, whatever state the agent or its exporter is in.
//
// In flow the bytes of one answer, the content type it was sent with, and the time. Out flows an Exposition: the samples that
// could be read, how many could not, and in words what was odd. It reads the Prometheus text format 0.0.4, OpenMetrics 1.0 and
// delimited protobuf with native histograms
// (https://prometheus.io/docs/instrumenting/exposition_formats/, https://prometheus.io/docs/specs/native_histograms/).
//
// A valid body goes through Prometheus's own parser, which is fast and is what everybody else sees. Only when that refuses the
// body, as it does for one bad byte, is it read again piece by piece: text line by line, protobuf metric by metric. The content
// type is a hint, no more: text is sent as OpenMetrics, OpenMetrics as text, and either with none at all.
//
// The package never asks anybody anything, never panics, keeps no more than its limits, does work in proportion to the body,
// and never makes up a value: what cannot be read is counted and left out.
package exposition
