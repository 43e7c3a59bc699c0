package tracing

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
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
		"this protocol": {map[string]string{endpoint: "http://collector:4318", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			on, err := wanted(func(name string) string { return c.env[name] })
			assert.Equal(t, c.want, on)
			if c.says == "" {
				assert.NoError(t, err)
			} else {
				assert.ErrorContains(t, err, c.says)
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
			assert.Contains(t, log.String(), "cannot be followed", "it is said nonetheless")
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
