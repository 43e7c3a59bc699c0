package agent

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// The illnesses that an agent can have, any number of them at once.
const (
	// Errors makes one model call in four fail.
	Errors = "errors"
	// Slow makes every chat take seconds instead of fractions of one.
	Slow = "slow"
	// FailingTools makes most calls of bash_exec and some of file_read fail.
	FailingTools = "tools"
	// FullPool fills the pool to its capacity.
	FullPool = "pool"
	// NotReady makes /ready answer 503.
	NotReady = "not-ready"
	// Down breaks every connection without an answer.
	Down = "down"
)

// Illnesses are all that there are.
func Illnesses() []string { return []string{Errors, Slow, FailingTools, FullPool, NotReady, Down} }

// Pace is the time between two chats of an agent that few people use: what it does while it is well is within every limit of
// rules/agent-sdk.yml, its million tokens an hour too.
const Pace = 5 * time.Second

const poolCapacity = 50

// Agent is an http.Handler that behaves like an AI agent. The zero value is not usable; call New.
type Agent struct {
	metrics *metrics
	exposed http.Handler

	mu    sync.Mutex
	ills  map[string]bool
	chats int
}

// New returns a healthy agent without traffic.
func New() *Agent {
	a := &Agent{metrics: newMetrics(), ills: map[string]bool{}}
	a.exposed = promhttp.HandlerFor(a.metrics.registry, promhttp.HandlerOpts{EnableOpenMetrics: true})
	a.metrics.created.Add(4)
	a.metrics.poolMaxSize.Set(poolCapacity)
	a.metrics.poolSize.Set(21)
	a.metrics.active.Set(4)
	return a
}

// Run simulates traffic until ctx ends: a chat each time that pace has passed.
func (a *Agent) Run(ctx context.Context, pace time.Duration) {
	ticker := time.NewTicker(pace)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			a.Chat()
		}
	}
}

// Chat simulates one chat with its tool calls: it changes the metrics as a chat of an agent in this state would.
func (a *Agent) Chat() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.chats++
	n := a.chats
	latency := time.Duration(300+n%7*90) * time.Millisecond
	if a.ills[Slow] {
		latency = time.Duration(4+n%9*2) * time.Second
	}
	a.metrics.chat(latency, (a.ills[Errors] && n%4 == 0) || n%500 == 0)
	a.metrics.tool("bash_exec", a.ills[FailingTools] && n%5 != 0)
	a.metrics.tool("file_read", a.ills[FailingTools] && n%20 == 0)
	a.metrics.tool("web_fetch", n%200 == 0)
}

// BecomeIll adds illnesses. An unknown one is an error, and none is added.
func (a *Agent) BecomeIll(with ...string) error {
	for _, ill := range with {
		if !slices.Contains(Illnesses(), ill) {
			return fmt.Errorf("unknown illness %q, want one of %s", ill, strings.Join(Illnesses(), ", "))
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, ill := range with {
		a.ills[ill] = true
	}
	if a.ills[FullPool] {
		a.metrics.poolSize.Set(poolCapacity)
	}
	return nil
}

// GetWell ends every illness.
func (a *Agent) GetWell() {
	a.mu.Lock()
	defer a.mu.Unlock()
	clear(a.ills)
	a.metrics.poolSize.Set(21)
}

func (a *Agent) has(ill string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.ills[ill]
}

// ServeHTTP answers /health, /ready and /metrics as the SDK guide has them, and POST /demo/ill?with=slow,tools and
// POST /demo/well, which work even while the agent is down.
func (a *Agent) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch route := r.Method + " " + r.URL.Path; {
	case route == "POST /demo/ill":
		if err := a.BecomeIll(strings.Split(r.URL.Query().Get("with"), ",")...); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
		}
	case route == "POST /demo/well":
		a.GetWell()
	case a.has(Down):
		panic(http.ErrAbortHandler)
	case route == "GET /health":
		_, _ = w.Write([]byte("OK"))
	case route == "GET /ready" && a.has(NotReady):
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = w.Write([]byte("Not Ready"))
	case route == "GET /ready":
		_, _ = w.Write([]byte("Ready"))
	case route == "GET /metrics":
		a.exposed.ServeHTTP(w, r)
	default:
		http.NotFound(w, r)
	}
}
