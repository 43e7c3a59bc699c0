package main

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"go.opentelemetry.io/otel/trace"

	"github.com/alertvitals/notifier/config"
	"github.com/alertvitals/notifier/delivery"
	"github.com/alertvitals/notifier/diagnostics"
	"github.com/alertvitals/notifier/routing"
	"github.com/alertvitals/notifier/templates"
	"github.com/alertvitals/notifier/web/bearer"
	"github.com/alertvitals/notifier/webhook"
)

// reloadTimeout bounds how long a reload waits for the journal.
const reloadTimeout = 30 * time.Second

// source is where the configuration comes from.
type source struct {
	// name stands for it in errors.
	name string
	read func() ([]byte, error)
}

// file is a source that is read anew for each reload.
func file(path string) source {
	return source{name: path, read: func() ([]byte, error) {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("reading the configuration: %w", err)
		}
		return text, nil
	}}
}

// loaded is a configuration, its text, and a number that changes with it.
type loaded struct {
	cfg  config.Config
	text []byte
	hash uint64
}

func (s source) load() (l loaded, err error) {
	if l.text, err = s.read(); err != nil {
		return loaded{}, err
	}
	sum := fnv.New64a()
	_, _ = sum.Write(l.text)   // never fails
	l.hash = sum.Sum64() >> 16 // a float64, which a metric is, holds 53 bits
	l.cfg, err = config.Load(s.name, l.text)
	return l, err
}

// configuration replaces the one that is in use by another one: as a whole or not at all.
type configuration struct {
	source    source
	retention time.Duration
	port      port
	guard     *bearer.Guard
	collector *diagnostics.Collector
	loops     *delivery.Loops
	webhook   *webhook.Handler
	own       *ownAlerts
	metrics   configMetrics
	tracer    trace.Tracer
	logger    *slog.Logger

	mu    sync.Mutex
	inUse []delivery.Loop

	// running is what is in use, for render; rendering is held while that is under way.
	running   atomic.Pointer[running]
	rendering sync.Mutex
}

// running is a configuration in use, with its templates as they were read.
type running struct {
	config.Config

	set    *templates.Set
	routes *routed
}

// configMetrics have the names that Prometheus and Alertmanager give them.
type configMetrics struct {
	successful, since, hash prometheus.Gauge
}

func newConfigMetrics(reg prometheus.Registerer) configMetrics {
	gauge := func(name, help string) prometheus.Gauge {
		return promauto.With(reg).NewGauge(prometheus.GaugeOpts{Name: name, Help: help})
	}
	return configMetrics{
		successful: gauge("notifier_config_last_reload_successful", "Whether the last attempt to load the configuration succeeded."),
		since:      gauge("notifier_config_last_reload_success_timestamp_seconds", "When the configuration was last loaded successfully."),
		hash:       gauge("notifier_config_hash", "A hash of the configuration in use. It is not cryptographically strong."),
	}
}

func (m configMetrics) loaded(hash uint64) {
	m.successful.Set(1)
	m.since.SetToCurrentTime()
	m.hash.Set(float64(hash))
}

// reload reads the configuration anew and puts it in use. Reloads happen one after the other. An error means that nothing has
// changed, or says what has; it is worded for whoever changed the file.
func (c *configuration) reload(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.webhook.Draining() {
		return errors.New("the notifier is stopping")
	}
	began := time.Now()
	l, err := c.source.load()
	if err == nil {
		limited, cancel := context.WithTimeout(ctx, reloadTimeout)
		defer cancel()
		err = c.use(limited, l)
	}
	if err != nil {
		c.metrics.successful.Set(0)
		c.logger.Error("Loading the configuration failed, the one in use stays", "config", c.source.name, "err", err)
		return err
	}
	c.metrics.loaded(l.hash)
	c.logger.Info("Loaded the configuration", "config", c.source.name, "receivers", len(l.cfg.Receivers), "took", time.Since(began))
	return nil
}

// shown is the configuration in use, as YAML without its secrets; "" before there is one.
func (c *configuration) shown() string {
	if inUse := c.running.Load(); inUse != nil {
		return inUse.String()
	}
	return ""
}

// use puts a configuration in use. Whoever a record can name has a place in the journal before it and until after it: new
// receivers get theirs before the routes lead to them, and those that are no more are let go when no route does.
func (c *configuration) use(ctx context.Context, l loaded) error {
	cfg := l.cfg
	routes, err := newRouted(cfg, l.text)
	if err != nil {
		return err
	}
	wanted, err := makeLoops(cfg, c.retention, c.collector)
	if err != nil {
		return err
	}
	for i := range wanted {
		wanted[i].Tracer = c.tracer
	}
	set, err := templates.Load(cfg.Templates)
	if err != nil {
		return fmt.Errorf("reading the templates: %w", err)
	}
	if err = c.port.check(cfg.Web); err != nil {
		return err
	}
	raiseFrom, err := c.own.prepare(cfg)
	if err != nil {
		return err
	}
	lookAt, err := c.collector.Prepare(cfg.Agents, cfg.Diagnostics)
	if err != nil {
		return err
	}
	all, gone := withLeaving(wanted, c.inUse)
	if err := c.loops.Apply(ctx, all); err != nil {
		return fmt.Errorf("starting the delivery to the receivers: %w", err)
	}
	c.inUse = all
	lookAt()
	c.guard.Use(cfg.Web)
	c.running.Store(&running{cfg, set, routes})
	c.webhook.Reroute(c.own.route(routes.tree))
	for _, p := range cfg.UnreadableSecrets() {
		c.logger.Warn("A secret cannot be read; it is tried again at each use", "key", p.Path, "err", p.Msg)
	}
	if err := raiseFrom(); err != nil {
		return fmt.Errorf("all but rules_files, rules and heartbeats is in use now; reload again for these: %w", err)
	}
	if gone == 0 {
		return nil
	}
	if err := c.loops.Apply(ctx, wanted); err != nil {
		// They have nothing more to do and harm nobody.
		c.logger.Error("Receivers that are configured no more could not be let go; the next reload tries again", "err", err)
		return nil
	}
	c.inUse = wanted
	return nil
}

// withLeaving is wanted and those of inUse that it does not have, and how many these are.
func withLeaving(wanted, inUse []delivery.Loop) (all []delivery.Loop, leaving int) {
	all = slices.Clone(wanted)
	for _, l := range inUse {
		if !slices.ContainsFunc(wanted, func(w delivery.Loop) bool { return w.Cursor == l.Cursor }) {
			all = append(all, l)
		}
	}
	return all, len(all) - len(wanted)
}

// reloadOn reloads for each signal until ctx ends. The log says how it went.
func (c *configuration) reloadOn(ctx context.Context, signals <-chan os.Signal) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-signals:
			_ = c.reload(ctx) // it has told the log
		}
	}
}

// Routes is the routing tree in use.
func (c *configuration) Routes() routing.Node { return c.running.Load().routes.tree.Node() }

// Ask is where alerts with these labels would go now, and why.
func (c *configuration) Ask(alerts []map[string]string) routing.Answer {
	return c.running.Load().routes.ask(alerts)
}
