package tracing

import (
	"context"
	"log/slog"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// traceparent is the header, and the only one that is carried: https://www.w3.org/TR/trace-context/#traceparent-header
const traceparent = "traceparent"

// Propagator reads and writes the headers of W3C Trace Context.
var Propagator propagation.TextMapPropagator = propagation.TraceContext{}

// Begin begins a span within the one that ctx is in, and goes where that one goes: nowhere when there is none.
func Begin(ctx context.Context, name string, opts ...trace.SpanStartOption) (context.Context, trace.Span) {
	span := trace.SpanFromContext(ctx)
	if !span.SpanContext().IsValid() {
		return ctx, span // one that does nothing
	}
	return span.TracerProvider().Tracer(scope).Start(ctx, name, opts...) //nolint:spancheck // the caller ends it
}

// Carry is the span that ctx is in as a traceparent, "" when it is in none. Read gives it back.
func Carry(ctx context.Context) string {
	if !trace.SpanContextFromContext(ctx).IsValid() {
		return ""
	}
	carrier := propagation.MapCarrier{}
	Propagator.Inject(ctx, carrier)
	return carrier[traceparent]
}

// Read is the span that a traceparent names. What is none gives an invalid one, which is no trace at all.
func Read(parent string) trace.SpanContext {
	if parent == "" {
		return trace.SpanContext{}
	}
	ctx := Propagator.Extract(context.Background(), propagation.MapCarrier{traceparent: parent})
	return trace.SpanContextFromContext(ctx)
}

// Log is a logger whose lines name the trace that ctx is in, if it is in one.
func Log(ctx context.Context, logger *slog.Logger) *slog.Logger {
	if sc := trace.SpanContextFromContext(ctx); sc.IsValid() {
		return logger.With(slog.String("trace_id", sc.TraceID().String()))
	}
	return logger
}
