package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/common/version"
	exporterweb "github.com/prometheus/exporter-toolkit/web"

	"github.com/alertvitals/notifier/alert"
	"github.com/alertvitals/notifier/delivery"
	"github.com/alertvitals/notifier/diagnostics"
	"github.com/alertvitals/notifier/journal"
	"github.com/alertvitals/notifier/web"
	"github.com/alertvitals/notifier/webhook"
)

// storage is what the flags of serve say about the disk.
type storage struct {
	path string
	// retention and size bound what is kept of what was accepted; free must stay free, in bytes.
	retention  time.Duration
	size, free int64
}

// smallestSize is the least that --storage.retention.size may be: twice the largest webhook and its neighbours.
const smallestSize = 16 << 20

func (s storage) validate() error {
	switch {
	case s.retention < time.Hour:
		return errors.New("--storage.retention.time must be at least 1h: what is not delivered by then is lost")
	case s.size < smallestSize:
		return fmt.Errorf("--storage.retention.size must be at least %dMB: one webhook may have 4MB", smallestSize>>20)
	case s.free < 1<<20:
		return errors.New("--storage.min-free must be at least 1MB: a full disk loses what is being written")
	}
	return nil
}

// gcPercent is GOGC where nobody has set it. Most of the heap is the history of scraped samples, which stays: with Go's 100, garbage
// would take as much again. It costs half a per cent of a core: docs/performance.md. Prometheus has a value of its own, too:
// https://prometheus.io/docs/prometheus/latest/configuration/configuration/, runtime.gogc.
const gcPercent = 50

// serve runs the notifier with the configuration in a file until ctx ends.
func serve(
	ctx context.Context, configFile string, disk storage, flags *exporterweb.FlagConfig, logger *slog.Logger, reg *prometheus.Registry,
) error {
	hangups := make(chan os.Signal, 1) // from the start: without anybody who listens, a SIGHUP ends the process
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	if err := exporterweb.Validate(*flags.WebConfigFile); err != nil {
		return fmt.Errorf("reading --web.config.file: %w", err)
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	s, err := newService(ctx, file(configFile), disk, logger, reg)
	if err != nil {
		return err
	}
	return s.run(ctx, hangups, func() error {
		return served(exporterweb.ListenAndServe(s.server, flags, logger))
	})
}

// serveOn is serve with a configuration from anywhere and a listener that is there already.
func serveOn(ctx context.Context, from source, disk storage, listener net.Listener, logger *slog.Logger, reg *prometheus.Registry) error {
	s, err := newService(ctx, from, disk, logger, reg)
	if err != nil {
		return err
	}
	return s.run(ctx, nil, func() error { return served(s.server.Serve(listener)) })
}

func served(err error) error {
	if err != nil && !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving HTTP: %w", err)
	}
	return nil
}

// service is all that runs.
type service struct {
	journal       *journal.Journal
	collector     *diagnostics.Collector
	loops         *delivery.Loops
	webhook       *webhook.Handler
	configuration *configuration
	server        *http.Server
	logger        *slog.Logger
}

// newService opens what is on disk and puts the configuration in use. When it returns, every receiver has its place in the
// journal: what is accepted from then on reaches it.
func newService(ctx context.Context, from source, disk storage, logger *slog.Logger, reg *prometheus.Registry) (_ *service, err error) {
	cfg, hash, err := from.load() // before anything on disk is touched
	if err != nil {
		return nil, err
	}
	logger.Info("Starting notifier", "version", version.Info(), "config", from.name, "storage", disk.path)
	s := &service{logger: logger}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	s.journal, err = journal.Open(ctx, journal.Options{
		Dir: filepath.Join(disk.path, "journal"), MaxAge: disk.retention, MaxBytes: disk.size, MinFree: uint64(disk.free), Logger: logger,
	})
	if err != nil {
		return nil, err
	}
	s.collector, err = diagnostics.New(nil, cfg.Diagnostics, filepath.Join(disk.path, "history"), logger, reg)
	if err != nil {
		return nil, err
	}
	s.loops = delivery.NewLoops(records{s.journal}, delivery.NewMetrics(reg), logger)
	// Nothing is accepted before the configuration is in use.
	nowhere := func(alert.Notification) map[string][]int { return nil }
	s.webhook = webhook.New(s.journal, nowhere, logger, reg)
	s.configuration = &configuration{
		source: from, retention: disk.retention, collector: s.collector, loops: s.loops, webhook: s.webhook,
		metrics: newConfigMetrics(reg), logger: logger,
	}
	if err = s.configuration.use(ctx, cfg); err != nil {
		return nil, err
	}
	s.configuration.metrics.loaded(hash)
	s.server = &http.Server{
		Handler: web.Router(web.Parts{
			Webhook:    s.webhook.Post,
			Ready:      s.ready,
			Reload:     s.configuration.reload,
			Deliveries: s.loops,
			Agents:     s.collector,
			Metrics:    reg,
			Logger:     logger,
		}),
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
	}
	return s, nil
}

// close closes what newService has opened.
func (s *service) close() {
	if s.collector != nil {
		if err := s.collector.Close(); err != nil {
			s.logger.Error("Closing the history of scraped samples failed", "err", err)
		}
	}
	if s.journal != nil {
		s.journal.Close()
	}
}

// ready is nil when a webhook would be accepted now.
func (s *service) ready(ctx context.Context) error {
	if s.webhook.Draining() {
		return errors.New("the notifier is stopping")
	}
	return s.journal.Check(ctx)
}
