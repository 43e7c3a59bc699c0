package delivery

import (
	"cmp"
	"context"
	"log/slog"
	"slices"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/alertvitals/notifier/alert"
	"github.com/alertvitals/notifier/diagnostics"
	"github.com/alertvitals/notifier/templates"
	"github.com/alertvitals/notifier/tracing"
)

// mostLinks is how many other notifications a span names at the most: a long outage merges thousands.
const mostLinks = 64

// tracesOf are the traces of entries, oldest first, without those that have none.
func tracesOf(entries []entry) (traces []string) {
	entries, _ = split(entries, func(e entry) bool { return e.trace != "" })
	slices.SortStableFunc(entries, func(a, b entry) int { return cmp.Compare(a.seq, b.seq) })
	for _, e := range entries {
		traces = append(append(traces, e.merged...), e.trace)
	}
	return traces
}

// withTraces are traces and newer ones, each once.
func withTraces(traces, newer []string) []string {
	traces, _ = split(traces, func(one string) bool { return !slices.Contains(newer, one) })
	return append(traces, newer...)
}

// traces are those of what is held.
func (h *held) traces() []string { return tracesOf([]entry{h.entry()}) }

// newestTrace is the trace that a message belongs to, "" when it belongs to none.
func (f folded) newestTrace() string {
	if len(f.traces) == 0 {
		return ""
	}
	return f.traces[len(f.traces)-1]
}

// log is a logger for the delivery of what entries come to.
func (r *run) log(key string, entries []entry) *slog.Logger {
	return r.logOf(r.id(key, entries), folded{traces: tracesOf(entries)}.newestTrace())
}

func (r *run) logOf(id, traceparent string) *slog.Logger {
	ctx := trace.ContextWithSpanContext(context.Background(), tracing.Read(traceparent))
	return tracing.Log(ctx, r.logger).With(slog.String("delivery", id))
}

// attempt is the span of one try. It goes on with the trace of the newest notification that the message tells of, and names the others.
type attempt struct {
	trace.Span

	tracer trace.Tracer
	others []trace.SpanContext
}

// begin begins the span of a try. What it says of the message is the configuration's or ours: nothing of an alert but its status.
func (l *Loop) begin(ctx context.Context, g *group, d draft) (context.Context, attempt) {
	a := attempt{tracer: l.Tracer}
	if n := len(d.traces); n > 0 {
		ctx = trace.ContextWithRemoteSpanContext(ctx, tracing.Read(d.traces[n-1]))
		for _, parent := range d.traces[max(0, n-1-mostLinks) : n-1] {
			if sc := tracing.Read(parent); sc.IsValid() {
				a.others = append(a.others, sc)
			}
		}
	}
	var links []trace.Link
	for _, sc := range a.others {
		links = append(links, trace.Link{SpanContext: sc})
	}
	ctx, a.Span = l.Tracer.Start(ctx, "deliver", trace.WithSpanKind(trace.SpanKindConsumer), trace.WithLinks(links...)) //nolint:spancheck // end ends it
	if a.IsRecording() {
		a.SetAttributes(
			attribute.String("notifier.delivery", d.id), attribute.String("notifier.receiver", l.Receiver),
			attribute.String("notifier.integration", l.Integration), attribute.Int("notifier.attempt", g.failures+1),
			attribute.String("notifier.status", d.group.Status()), attribute.Int("notifier.alerts", len(d.group.Alerts)),
			attribute.Bool("notifier.late", d.late), attribute.Bool("notifier.amends", d.amends),
		)
	}
	return ctx, a
}

// end ends the span of a try. When people were told, the traces of the notifications that were merged say by which message.
func (a attempt) end(err error) {
	fail(a.Span, err)
	a.End()
	if err != nil || !a.SpanContext().IsValid() {
		return
	}
	for _, sc := range a.others {
		_, merged := a.tracer.Start(trace.ContextWithRemoteSpanContext(context.Background(), sc), "merged",
			trace.WithLinks(trace.Link{SpanContext: a.SpanContext()}))
		merged.End()
	}
}

// fail marks a span as failed, by the reason alone: what a sink answered is for those who may read alerts.
func fail(span trace.Span, err error) {
	if err != nil && span.IsRecording() {
		span.SetStatus(codes.Error, reason(err))
		span.SetAttributes(attribute.String("error.type", reason(err)))
	}
}

// lookTraced is look within a span.
func (l *Loop) lookTraced(ctx context.Context, g alert.Group) *diagnostics.Snapshot {
	if l.Snapshots == nil {
		return nil
	}
	ctx, span := tracing.Begin(ctx, "snapshot")
	defer span.End()
	s := l.look(ctx, g)
	if s != nil && span.IsRecording() {
		span.SetAttributes(attribute.String("notifier.agent", s.Agent), attribute.Bool("notifier.unfinished", s.Unfinished))
	}
	return s
}

// renderTraced is Render within a span.
func (l *Loop) renderTraced(ctx context.Context, in templates.Input) templates.Content {
	_, span := tracing.Begin(ctx, "render")
	defer span.End()
	return l.Render(in)
}
