// Package otlpfake is a collector of traces for tests: it takes what an OpenTelemetry collector takes by OTLP over HTTP
// (https://opentelemetry.io/docs/specs/otlp/#otlphttp-request) and shows it as text.
package otlpfake
