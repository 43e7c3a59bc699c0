package tracing

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/trace"
)

func TestTheEnvironmentDecides(t *testing.T) {
	const endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT"
	for name, c := range map[string]struct {
		env  map[string]string
		want bool
		says string
	}{
		"nothing":              {nil, false, ""},
		"an endpoint":          {map[string]string{endpoint: "http://collector:4318"}, true, ""},
		"one for traces alone": {map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://collector:4318/v1/traces"}, true, ""},
		"one for metrics":      {map[string]string{"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://collector:4318/v1/metrics"}, false, ""},
		"the default endpoint": {map[string]string{"OTEL_TRACES_EXPORTER": "otlp"}, true, ""},
		"switched off":         {map[string]string{endpoint: "http://collector:4318", "OTEL_SDK_DISABLED": "true"}, false, ""},
		"none":                 {map[string]string{endpoint: "http://collector:4318", "OTEL_TRACES_EXPORTER": "none"}, false, ""},
		"another exporter":     {map[string]string{"OTEL_TRACES_EXPORTER": "zipkin"}, false, `"zipkin"; it may be otlp or none`},
		"another protocol": {
			map[string]string{endpoint: "http://collector:4317", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
			false, `"grpc"; it may be http/protobuf, which collectors take at port 4318`,
		},
		"no address":        {map[string]string{endpoint: "collector:4318"}, false, endpoint + " is not an address"},
		"a broken address":  {map[string]string{endpoint: "http://user:planted@collector/%zz"}, false, endpoint + " is not an address"},
		"a broken header":   {map[string]string{endpoint: "http://c", "OTEL_EXPORTER_OTLP_HEADERS": "planted"}, false, "OTEL_EXPORTER_OTLP_HEADERS is not a list"},
		"a header with %zz": {map[string]string{endpoint: "http://c", "OTEL_EXPORTER_OTLP_HEADERS": "a=b,x=%zzplanted"}, false, "OTEL_EXPORTER_OTLP_HEADERS is not a list"},
		"headers":           {map[string]string{endpoint: "http://c", "OTEL_EXPORTER_OTLP_HEADERS": "a=b, Authorization=Basic%20eA==,"}, true, ""},
		"no room":           {map[string]string{endpoint: "http://c", "OTEL_BSP_MAX_QUEUE_SIZE": "-3"}, false, "OTEL_BSP_MAX_QUEUE_SIZE must be a number from 1 to 100000"},
		"much room":         {map[string]string{endpoint: "http://c", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "999999999"}, false, "OTEL_BSP_MAX_EXPORT_BATCH_SIZE must be"},
		"this protocol":     {map[string]string{endpoint: "http://collector:4318", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			on, err := wanted(func(name string) string { return c.env[name] })
			assert.Equal(t, c.want, on && err == nil)
			if c.says == "" {
				assert.NoError(t, err)
			} else {
				require.ErrorContains(t, err, c.says)
				assert.NotContains(t, err.Error(), "planted")
			}
		})
	}
}

func TestOffIsNothing(t *testing.T) {
	for _, name := range []string{"OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_TRACES_EXPORTER"} {
		t.Setenv(name, "")
	}
	off := Start(t.Context(), "1.0", slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	assert.Nil(t, off.Requests())
	ctx, span := off.Tracer().Start(t.Context(), "deliver")
	defer span.End()
	assert.False(t, span.IsRecording())
	assert.Empty(t, Carry(ctx))
	assert.NoError(t, off.Stop(t.Context()))
}

// A header that is written wrong may be a key all the same, and an address may have a password.
func TestP10WhatTheEnvironmentHasWrongIsNotQuoted(t *testing.T) {
	for name, env := range map[string]map[string]string{
		"no equals sign": {"OTEL_EXPORTER_OTLP_HEADERS": "api-key pl4nted"},
		"no name":        {"OTEL_EXPORTER_OTLP_HEADERS": "pl4nted key=x"},
		"wrong escape":   {"OTEL_EXPORTER_OTLP_HEADERS": "api-key=pl4nted%zz"},
		"wrong address":  {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://u:pl4nted@127.0.0.1:port"},
		"wrong time":     {"OTEL_EXPORTER_OTLP_TIMEOUT": "pl4nted"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
			for key, value := range env {
				t.Setenv(key, value)
			}
			var log bytes.Buffer
			tracing := Start(t.Context(), "1.0", slog.New(slog.NewTextHandler(&log, nil)), prometheus.NewRegistry())
			_ = tracing.Stop(t.Context()) // nothing waits
			assert.Regexp(t, "level=(WARN|ERROR)", log.String(), "it is said nonetheless")
			assert.NotContains(t, log.String(), "pl4nted")
		})
	}
}

// A collector that refuses what it is sent costs spans, and the log says so; its credentials are in no line.
func TestSpansThatAreNotTakenAreCounted(t *testing.T) {
	collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "Bearer swordfish", r.Header.Get("Authorization"))
		http.Error(w, "no such tenant", http.StatusForbidden)
	}))
	defer collector.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.URL)
	t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "Authorization=Bearer%20swordfish")
	var log bytes.Buffer
	reg := prometheus.NewRegistry()
	on := Start(t.Context(), "1.0", slog.New(slog.NewTextHandler(&log, nil)), reg)
	require.NotNil(t, on.Requests())
	for range 3 {
		_, span := on.Tracer().Start(t.Context(), "deliver")
		span.End()
	}
	_ = on.Stop(context.WithoutCancel(t.Context())) // the spans are lost, and counted
	failed, err := testutil.GatherAndCount(reg, "notifier_spans_failed_total")
	require.NoError(t, err)
	require.Equal(t, 1, failed)
	families, err := reg.Gather()
	require.NoError(t, err)
	for _, f := range families {
		want := map[string]float64{"notifier_spans_failed_total": 3, "notifier_spans_exported_total": 0}[f.GetName()]
		assert.InDelta(t, want, f.GetMetric()[0].GetCounter().GetValue(), 0, f.GetName())
	}
	assert.Contains(t, log.String(), "Tracing has trouble")
	assert.NotContains(t, log.String(), "swordfish")
}

// A collector that does not answer: what has no room is dropped and counted, and nobody waits for it.
func TestSpansThatHaveNoRoomAreCounted(t *testing.T) {
	answer := make(chan struct{})
	collector := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-answer }))
	defer collector.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.URL)
	t.Setenv("OTEL_BSP_MAX_QUEUE_SIZE", "10")
	reg := prometheus.NewRegistry()
	on := Start(t.Context(), "1.0", slog.New(slog.DiscardHandler), reg)
	for range 100 {
		_, span := on.Tracer().Start(t.Context(), "deliver")
		span.End()
	}
	close(answer)
	require.NoError(t, on.Stop(context.WithoutCancel(t.Context())))

	assert.InDelta(t, 10, counter(t, reg, "notifier_spans_exported_total"), 0)
	assert.InDelta(t, 90, counter(t, reg, "notifier_spans_failed_total"), 0)
}

func counter(t *testing.T, reg *prometheus.Registry, name string) float64 {
	t.Helper()
	families, err := reg.Gather()
	require.NoError(t, err)
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetCounter().GetValue()
		}
	}
	t.Fatalf("there is no %s", name)
	return 0
}

func TestP10TroubleWithACollectorShowsNeitherItsAddressNorItsAnswer(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"refuses":         func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "planted", http.StatusForbidden) },
		"leads elsewhere": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/planted%zz", http.StatusFound) },
		"is no collector": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/x-protobuf")
			_, _ = w.Write([]byte("planted"))
		},
		"breaks": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"says a good deal": func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, strings.Repeat("planted", 1e5), http.StatusBadRequest)
		},
	} {
		t.Run(name, func(t *testing.T) {
			collector := httptest.NewServer(answer)
			defer collector.Close()
			t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", strings.Replace(collector.URL, "//", "//user:planted@", 1)+"/planted")
			var log bytes.Buffer
			on := Start(t.Context(), "1.0", slog.New(slog.NewTextHandler(&log, nil)), prometheus.NewRegistry())
			_, span := on.Tracer().Start(t.Context(), "deliver")
			span.End()
			_ = on.Stop(context.WithoutCancel(t.Context()))

			assert.Contains(t, log.String(), "Tracing has trouble")
			assert.NotContains(t, log.String(), "planted")
			assert.Less(t, log.Len(), 1000)
		})
	}
}

// What the SDK itself finds wrong with a variable it quotes.
func TestP10TheSDKSaysNothingOfTheEnvironment(t *testing.T) {
	var log bytes.Buffer
	logger := slog.New(errorsOnly{slog.NewTextHandler(&log, nil)})
	logger.Error("parse headers", "err", errors.New(`unescaping "planted"`), "input", "planted")
	assert.Contains(t, log.String(), "parse headers")
	assert.Contains(t, log.String(), "unescaping")
	assert.NotContains(t, log.String(), "planted")
}

func TestATraceIsCarried(t *testing.T) {
	const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	sc := Read(parent)
	require.True(t, sc.IsValid())
	assert.True(t, sc.IsSampled())
	assert.Equal(t, parent, Carry(trace.ContextWithRemoteSpanContext(t.Context(), sc)))
	var log bytes.Buffer
	Log(trace.ContextWithSpanContext(t.Context(), sc), slog.New(slog.NewTextHandler(&log, nil))).Info("Sent")
	assert.Contains(t, log.String(), "trace_id=0af7651916cd43dd8448eb211c80319c")

	for _, wrong := range []string{"", "00", "00-0-0-01", "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "\x00"} {
		assert.False(t, Read(wrong).IsValid(), "%q", wrong)
	}
	assert.Empty(t, Carry(t.Context()))
	log.Reset()
	Log(t.Context(), slog.New(slog.NewTextHandler(&log, nil))).Info("Sent")
	assert.NotContains(t, log.String(), "trace_id")
}
