package agent

import (
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// metrics has the names, types, labels and buckets of the SDK guide's MetricsCollector. The last two are those that the
// guide's own alerting rules use but its collector does not register.
type metrics struct {
	registry     *prometheus.Registry
	created      prometheus.Counter
	toolCalls    *prometheus.CounterVec
	errors       *prometheus.CounterVec
	active       prometheus.Gauge
	poolSize     prometheus.Gauge
	chatLatency  *prometheus.HistogramVec
	tokenUsage   *prometheus.HistogramVec
	poolMaxSize  prometheus.Gauge
	memoryInUse  prometheus.GaugeFunc
	agentID      string
	templateName string
}

func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		created:  prometheus.NewCounter(prometheus.CounterOpts{Name: "agent_created_total", Help: "Total number of agents created"}),
		toolCalls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "agent_tool_calls_total", Help: "Total number of tool calls",
		}, []string{"tool_name", "status"}),
		errors: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "agent_errors_total", Help: "Total number of errors",
		}, []string{"error_type", "agent_id"}),
		active:   prometheus.NewGauge(prometheus.GaugeOpts{Name: "agent_active_count", Help: "Number of active agents"}),
		poolSize: prometheus.NewGauge(prometheus.GaugeOpts{Name: "agent_pool_size", Help: "Current size of agent pool"}),
		chatLatency: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "agent_chat_latency_seconds", Help: "Chat request latency", Buckets: []float64{0.1, 0.5, 1, 2, 5, 10, 30},
		}, []string{"agent_id", "template_id"}),
		tokenUsage: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "agent_token_usage", Help: "Token usage per request", Buckets: []float64{100, 500, 1000, 5000, 10000, 50000},
		}, []string{"type"}),
		poolMaxSize: prometheus.NewGauge(prometheus.GaugeOpts{Name: "agent_pool_max_size", Help: "Capacity of agent pool"}),
		memoryInUse: prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "agent_memory_usage_bytes", Help: "Memory in use",
		}, memoryInUse),
		agentID:      "agt-1",
		templateName: "chat",
	}
	m.registry.MustRegister(
		m.created, m.toolCalls, m.errors, m.active, m.poolSize, m.chatLatency, m.tokenUsage, m.poolMaxSize, m.memoryInUse,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return m
}

func memoryInUse() float64 {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return float64(stats.Alloc)
}

// chat records one request to the model, as the guide's middleware does: its latency always, its tokens only when it
// succeeded, its error otherwise.
func (m *metrics) chat(latency time.Duration, failed bool) {
	m.chatLatency.WithLabelValues(m.agentID, m.templateName).Observe(latency.Seconds())
	if failed {
		m.errors.WithLabelValues("model_call", m.agentID).Inc()
		return
	}
	m.tokenUsage.WithLabelValues("input").Observe(920)
	m.tokenUsage.WithLabelValues("output").Observe(130)
}

func (m *metrics) tool(name string, failed bool) {
	status := "success"
	if failed {
		status = "failed"
	}
	m.toolCalls.WithLabelValues(name, status).Inc()
}
