package delivery

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/alertvitals/notifier/envelope"
	"github.com/alertvitals/notifier/notifiers"
	"github.com/alertvitals/notifier/tracing"
)

// traced is a record that was put on disk within the nth trace of a test.
func traced(t *testing.T, n int, record []byte) []byte {
	t.Helper()
	e, err := envelope.Open(record)
	require.NoError(t, err)
	e.Trace = traceparent(n)
	record, err = e.Seal()
	require.NoError(t, err)
	return record
}

func traceparent(n int) string { return fmt.Sprintf("00-%032x-%016x-01", n, n) }

func traceID(n int) string { return fmt.Sprintf("%032x", n) }

// tracingLoop is a loop whose spans are kept.
func tracingLoop(s notifiers.Notifier) (Loop, *tracetest.InMemoryExporter) {
	spans := tracetest.NewInMemoryExporter()
	l := testLoop(s)
	l.Tracer = sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans)).Tracer("test")
	return l, spans
}

func spansNamed(spans tracetest.SpanStubs, name string) (found tracetest.SpanStubs) {
	for _, s := range spans {
		if s.Name == name {
			found = append(found, s)
		}
	}
	return found
}

func TestMergedNotificationsAreLinked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newMemory()
		s, up := downUntilUp()
		l, spans := tracingLoop(s)
		var log bytes.Buffer
		w := start(t, j, slog.New(slog.NewTextHandler(&log, nil)), l)
		j.add(traced(t, 1, webhook("g", firing("A"))))
		synctest.Wait()
		tries := spansNamed(spans.GetSpans(), "deliver")
		require.Len(t, tries, 1)
		assert.Equal(t, traceID(1), tries[0].SpanContext.TraceID().String())
		assert.Equal(t, codes.Error, tries[0].Status.Code)
		assert.Equal(t, reason(errDown), tries[0].Status.Description, "the reason alone")
		assert.Empty(t, tries[0].Events)

		j.add(traced(t, 2, webhook("g", firing("A"), firing("B"))))
		j.add(webhook("g", firing("A"), firing("C")))
		j.add(traced(t, 3, webhook("g", resolved("A"))))
		up.Store(true)
		pass(time.Hour)
		require.Len(t, s.told(), 1)
		require.NoError(t, w.end())

		tries = spansNamed(spans.GetSpans(), "deliver")
		last := tries[len(tries)-1]
		assert.Equal(t, traceID(3), last.SpanContext.TraceID().String(), "the newest one's trace goes on")
		assert.Equal(t, tracing.Read(traceparent(3)).SpanID(), last.Parent.SpanID())
		require.Len(t, last.Links, 2)
		assert.Equal(t, traceID(1), last.Links[0].SpanContext.TraceID().String())
		assert.Equal(t, traceID(2), last.Links[1].SpanContext.TraceID().String())
		merged := spansNamed(spans.GetSpans(), "merged")
		require.Len(t, merged, 2, "and the others' traces say by which message they were told")
		for i, m := range merged {
			assert.Equal(t, traceID(i+1), m.SpanContext.TraceID().String())
			assert.Equal(t, last.SpanContext.SpanID(), m.Links[0].SpanContext.SpanID())
		}
		send := spansNamed(spans.GetSpans(), "send")
		assert.Equal(t, last.SpanContext.SpanID(), send[len(send)-1].Parent.SpanID())
		for line := range strings.Lines(log.String()) {
			assert.Contains(t, line, "delivery=")
			assert.Contains(t, line, "trace_id=")
		}
		assert.Contains(t, log.String(), "trace_id="+traceID(3)+" delivery=4-")
	})
}

func TestAMuteKeepsItsTrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, s := newMemory(), &sink{}
		l, spans := tracingLoop(s)
		l.Mutes = mutedIn(time.Now(), map[string]span{"": {0, time.Hour}})
		w := start(t, j, quiet, l)
		j.add(traced(t, 1, webhook("g", begun("A"))))
		synctest.Wait()
		assert.Empty(t, spansNamed(spans.GetSpans(), "deliver"))
		require.NoError(t, w.end())

		w = start(t, j, quiet, l)
		pass(2 * time.Hour)
		require.Len(t, s.told(), 1)
		tries := spansNamed(spans.GetSpans(), "deliver")
		require.Len(t, tries, 1)
		assert.Equal(t, traceID(1), tries[0].SpanContext.TraceID().String())
		require.NoError(t, w.end())
	})
}

func TestAFallbackGoesOnWithTheTrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newMemory()
		down, _ := downUntilUp()
		l, _ := tracingLoop(down)
		l.Fallback = Fallback{Receiver: "ops", After: time.Minute}
		ops := &sink{}
		other, spans := tracingLoop(ops)
		other.Receiver, other.Cursor = "ops", Cursor("ops", "fake", 0)
		w := start(t, j, quiet, l, other)
		j.add(traced(t, 1, webhook("g", firing("A"))))
		pass(5 * time.Minute)
		require.Len(t, ops.told(), 1)
		tries := spansNamed(spans.GetSpans(), "deliver")
		require.Len(t, tries, 1)
		assert.Equal(t, traceID(1), tries[0].SpanContext.TraceID().String())
		require.NoError(t, w.end())
	})
}

func TestLongOutagesLinkSomeOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newMemory()
		s, up := downUntilUp()
		l, spans := tracingLoop(s)
		w := start(t, j, quiet, l)
		for n := range 3 * mostLinks {
			j.add(traced(t, n+1, webhook("g", firing("A"))))
		}
		synctest.Wait()
		up.Store(true)
		pass(time.Hour)
		tries := spansNamed(spans.GetSpans(), "deliver")
		assert.Len(t, tries[len(tries)-1].Links, mostLinks)
		require.NoError(t, w.end())
	})
}

// Alertmanager's trace is not ours to wait for: without a tracer, what the journal carries is left alone.
func TestWithoutATracerNothingIsTraced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, s := newMemory(), &sink{}
		w := start(t, j, quiet, testLoop(s))
		j.add(traced(t, 1, webhook("g", firing("A"))))
		synctest.Wait()
		assert.Len(t, s.told(), 1)
		require.NoError(t, w.end())
	})
}

func TestWhatWaitsHasAnAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newMemory()
		s, up := downUntilUp()
		w := start(t, j, quiet, testLoop(s))
		reg := prometheus.NewPedanticRegistry()
		reg.MustRegister(w)
		age := func(want string) {
			t.Helper()
			assert.NoError(t, testutil.GatherAndCompare(reg, strings.NewReader(
				"# HELP notifier_oldest_pending_age_seconds How long ago the oldest notification was accepted that is not yet settled for the "+
					"receiver; 0 when none waits. What is muted does not wait.\n# TYPE notifier_oldest_pending_age_seconds gauge\n"+
					`notifier_oldest_pending_age_seconds{integration="fake",receiver="people"} `+want+"\n")))
		}
		age("0")
		j.add(webhook("one", firing("A")))
		pass(90 * time.Second)
		j.add(webhook("two", firing("A")))
		pass(30 * time.Second)
		age("120")
		tries := testutil.ToFloat64(w.series().tries)
		assert.InDelta(t, tries-2, testutil.ToFloat64(w.series().retries), 0, "all but the first of each group")
		up.Store(true)
		pass(time.Hour)
		age("0")
		assert.InDelta(t, 2, testutil.ToFloat64(w.series().delivered), 0)
		require.NoError(t, w.end())
	})
}
