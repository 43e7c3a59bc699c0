package tracing

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.37.0"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// scope names who makes the spans.
const scope = "github.com/alertvitals/notifier"

// flushLimit bounds how long the end of the notifier waits for its last spans to be taken.
const flushLimit = 3 * time.Second

// Tracing is where spans go.
type Tracing struct{ sdk *sdktrace.TracerProvider }

// Start begins to send spans as the environment says, by the variables that the specification of OpenTelemetry lists:
// https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/ and .../protocol/exporter/. They go nowhere
// unless OTEL_EXPORTER_OTLP_ENDPOINT or OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is set, or OTEL_TRACES_EXPORTER is otlp. Alerts matter
// more than traces, so variables that cannot be followed are logged and mean no traces; nothing fails. It counts in reg.
func Start(ctx context.Context, version string, logger *slog.Logger, reg prometheus.Registerer) *Tracing {
	counts := newCounts(reg)
	off := &Tracing{}
	on, err := wanted(os.Getenv)
	if err != nil {
		logger.Warn("Traces are not sent: the environment asks for what the notifier cannot do", "err", err)
	}
	if !on || err != nil {
		return off
	}
	logger = logger.With("component", "tracing")
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { logger.Warn("Tracing has trouble", "err", plain(err)) }))
	otel.SetLogger(logr.FromSlogHandler(errorsOnly{logger.Handler()}))
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		logger.Warn("Traces are not sent", "err", err)
		return off
	}
	about, err := resource.New(ctx,
		resource.WithTelemetrySDK(),
		resource.WithAttributes(semconv.ServiceName("notifier"), semconv.ServiceVersion(version)),
		resource.WithFromEnv(),
	)
	if err != nil { // it is whole but for what OTEL_RESOURCE_ATTRIBUTES has wrong
		logger.Warn("Traces do not say all that OTEL_RESOURCE_ATTRIBUTES says: it is a list like name=value,name=value with %20 for a space")
	}
	size := queueSize(os.Getenv)
	queue := &queue{counts: counts}
	queue.room.Store(int64(size))
	queue.SpanProcessor = sdktrace.NewBatchSpanProcessor(counted{exporter, queue}, sdktrace.WithMaxQueueSize(size))
	sdk := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(queue), sdktrace.WithResource(about))
	logger.Info("Sending traces")
	return &Tracing{sdk}
}

// Tracer makes the notifier's spans. It is never nil.
func (t *Tracing) Tracer() trace.Tracer {
	if t.sdk == nil {
		return noop.Tracer{}
	}
	return t.sdk.Tracer(scope)
}

// Requests is where the spans of HTTP requests go, nil when they go nowhere.
func (t *Tracing) Requests() trace.TracerProvider {
	if t.sdk == nil {
		return nil
	}
	return t.sdk
}

// Stop sends what waits, for a few seconds at most, and ends.
func (t *Tracing) Stop(ctx context.Context) error {
	if t.sdk == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, flushLimit)
	defer cancel()
	if err := t.sdk.Shutdown(ctx); err != nil {
		return fmt.Errorf("sending the last spans: %w", err)
	}
	return nil
}

// wanted is whether the environment asks for traces. An error says what it asks for that cannot be had.
func wanted(env func(string) string) (bool, error) {
	either := func(signal, general string) string {
		if v := env(signal); v != "" {
			return v
		}
		return env(general)
	}
	if env("OTEL_SDK_DISABLED") == "true" {
		return false, nil
	}
	switch exporter := env("OTEL_TRACES_EXPORTER"); exporter {
	case "otlp":
	case "none":
		return false, nil
	case "":
		if either("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT") == "" {
			return false, nil
		}
	default:
		return false, fmt.Errorf("OTEL_TRACES_EXPORTER is %q; it may be otlp or none", exporter)
	}
	if protocol := either("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"); protocol != "" && protocol != "http/protobuf" {
		return false, fmt.Errorf("OTEL_EXPORTER_OTLP_PROTOCOL is %q; it may be http/protobuf, which collectors take at port 4318", protocol)
	}
	return true, followed(env)
}

// mostWaiting bounds how many spans the environment may let wait: a few KiB each.
const mostWaiting = 100_000

// followed says which variable the SDK could not follow: it would send spans to where nobody wants them, or panic. The values, which may
// be secret, are not in the error.
func followed(env func(string) string) error {
	for _, name := range []string{"OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"} {
		u, err := url.Parse(env(name))
		if env(name) != "" && (err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "") {
			return fmt.Errorf("%s is not an address like http://collector:4318", name)
		}
	}
	for _, name := range []string{"OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS"} {
		for header := range strings.SplitSeq(env(name), ",") {
			key, value, ok := strings.Cut(header, "=")
			_, err := url.PathUnescape(value)
			if strings.TrimSpace(header) != "" && (!ok || strings.TrimSpace(key) == "" || err != nil) {
				return fmt.Errorf("%s is not a list like name=value,name=value with %%20 for a space", name)
			}
		}
	}
	for _, name := range []string{"OTEL_BSP_MAX_QUEUE_SIZE", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE"} {
		if n, err := strconv.Atoi(env(name)); env(name) != "" && (err != nil || n < 1 || n > mostWaiting) {
			return fmt.Errorf("%s must be a number from 1 to %d", name, mostWaiting)
		}
	}
	return nil
}

// errorsOnly is a handler that the SDK tells of itself. What it quotes of the environment stays out: the headers are a password.
type errorsOnly struct{ slog.Handler }

// Handle writes what went wrong, without the values.
func (h errorsOnly) Handle(ctx context.Context, r slog.Record) error {
	told := slog.NewRecord(r.Time, r.Level, r.Message, r.PC)
	r.Attrs(func(a slog.Attr) bool {
		if err, ok := a.Value.Any().(error); ok {
			told.AddAttrs(slog.String(a.Key, plain(err)))
		}
		return true
	})
	return h.Handler.Handle(ctx, told) //nolint:wrapcheck // it is between two handlers
}

// Enabled leaves out what is for those who debug the SDK.
func (h errorsOnly) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && h.Handler.Enabled(ctx, level)
}

// WithAttrs is a handler that leaves out the same.
func (h errorsOnly) WithAttrs(attrs []slog.Attr) slog.Handler {
	return errorsOnly{h.Handler.WithAttrs(attrs)}
}

// WithGroup is a handler that leaves out the same.
func (h errorsOnly) WithGroup(name string) slog.Handler { return errorsOnly{h.Handler.WithGroup(name)} }

// counts are the notifier's metrics of its traces.
type counts struct{ exported, failed prometheus.Counter }

func newCounts(reg prometheus.Registerer) counts {
	counter := func(name, help string) prometheus.Counter {
		return promauto.With(reg).NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	}
	return counts{
		exported: counter("notifier_spans_exported_total", "Spans of traces that the collector took."),
		failed:   counter("notifier_spans_failed_total", "Spans of traces that the collector did not take. They are lost."),
	}
}

// queueSize is how many spans may wait for the collector, as the environment says.
func queueSize(env func(string) string) int {
	if n, err := strconv.Atoi(env("OTEL_BSP_MAX_QUEUE_SIZE")); err == nil {
		return n
	}
	return sdktrace.DefaultMaxQueueSize
}

// queue takes spans while there is room. The SDK's own queue is as long, and tells nobody of what it drops.
type queue struct {
	sdktrace.SpanProcessor

	room   atomic.Int64
	counts counts
}

// OnEnd takes a span, or counts it as lost. It never waits.
func (q *queue) OnEnd(s sdktrace.ReadOnlySpan) {
	if !s.SpanContext().IsSampled() {
		return
	}
	if q.room.Add(-1) < 0 {
		q.room.Add(1)
		q.counts.failed.Inc()
		return
	}
	q.SpanProcessor.OnEnd(s)
}

// counted is an exporter whose spans are counted, and make room in the queue.
type counted struct {
	sdktrace.SpanExporter

	queue *queue
}

// ExportSpans sends spans once; the exporter behind it tries again by itself.
func (c counted) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	defer c.queue.room.Add(int64(len(spans)))
	err := c.SpanExporter.ExportSpans(ctx, spans)
	if err != nil {
		c.queue.counts.failed.Add(float64(len(spans)))
		return fmt.Errorf("sending %d spans: %s", len(spans), plain(err)) // and so nobody reads what was wrapped
	}
	c.queue.counts.exported.Add(float64(len(spans)))
	return nil
}

// The exporter's errors quote the address, which may hold a password, and what the collector answered.
var (
	quoted    = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)
	anAddress = regexp.MustCompile(`\b[a-zA-Z][a-zA-Z0-9+.-]*://\S*`)
	itsAnswer = regexp.MustCompile(`(?s)\W*\bbody: .*`)
)

// longestTrouble bounds what is said of an error, in bytes.
const longestTrouble = 300

// plain is an error of the exporter without the address and without the answer.
func plain(err error) string {
	text := itsAnswer.ReplaceAllString(err.Error(), "")
	text = anAddress.ReplaceAllString(quoted.ReplaceAllString(text, "…"), "the collector")
	if len(text) > longestTrouble {
		text = strings.ToValidUTF8(text[:longestTrouble], "") + "…"
	}
	return text
}
