package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/common/version"
	exporterweb "github.com/prometheus/exporter-toolkit/web"
	"golang.org/x/sync/errgroup"

	"github.com/alertvitals/notifier/config"
	"github.com/alertvitals/notifier/delivery"
	"github.com/alertvitals/notifier/diagnostics"
	"github.com/alertvitals/notifier/journal"
	"github.com/alertvitals/notifier/notifiers"
	"github.com/alertvitals/notifier/notifiers/logsink"
	"github.com/alertvitals/notifier/notifiers/slack"
	"github.com/alertvitals/notifier/routing"
	"github.com/alertvitals/notifier/templates"
	"github.com/alertvitals/notifier/web"
	"github.com/alertvitals/notifier/webhook"
)

// shutdownGrace bounds how long requests that are under way may take at the end.
const shutdownGrace = 10 * time.Second

// serve reads the configuration and runs until ctx ends.
func serve(ctx context.Context, configFile, storagePath string, flags *exporterweb.FlagConfig, logger *slog.Logger, reg *prometheus.Registry) error {
	cfg, err := config.LoadFile(configFile)
	if err != nil {
		return err
	}
	if err := exporterweb.Validate(*flags.WebConfigFile); err != nil {
		return fmt.Errorf("reading --web.config.file: %w", err)
	}
	logger.Info("Starting notifier", "version", version.Info(), "config", configFile, "storage", storagePath)
	reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return serveConfig(ctx, cfg, storagePath, flags, logger, reg, nil)
}

// serveConfig runs the notifier until ctx ends or a part of it fails. listener is used in place of the addresses in
// flags when it is not nil.
func serveConfig(
	ctx context.Context, cfg config.Config, storagePath string, flags *exporterweb.FlagConfig,
	logger *slog.Logger, reg *prometheus.Registry, listener net.Listener,
) error {
	log, err := journal.Open(ctx, journal.Options{Dir: filepath.Join(storagePath, "journal"), Logger: logger})
	if err != nil {
		return err
	}
	defer log.Close()
	collector, err := diagnostics.New(cfg.Agents, cfg.Diagnostics, filepath.Join(storagePath, "history"), logger, reg)
	if err != nil {
		return err
	}
	defer func() {
		if closing := collector.Close(); closing != nil {
			logger.Error("Closing the history of scraped samples failed", "err", closing)
		}
	}()
	loops, err := makeLoops(ctx, cfg, log, collector, logger, reg)
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler: web.Router(web.Parts{
			Webhook: webhook.New(log, logger, reg).Post,
			Ready:   log.Check,
			Metrics: reg,
			Logger:  logger,
		}),
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
	}

	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return collector.Run(ctx) })
	for _, loop := range loops {
		group.Go(func() error { return loop.Run(ctx) })
	}
	group.Go(func() error { return listenAndServe(server, flags, logger, listener) })
	group.Go(func() error {
		<-ctx.Done()
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownGrace)
		defer cancel()
		if err := server.Shutdown(stop); err != nil {
			logger.Warn("Some requests were cut off", "err", err)
			return server.Close()
		}
		return nil
	})
	if err := group.Wait(); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	logger.Info("Stopped")
	return nil
}

func listenAndServe(server *http.Server, flags *exporterweb.FlagConfig, logger *slog.Logger, listener net.Listener) error {
	var err error
	if listener != nil {
		err = exporterweb.Serve(listener, server, flags, logger)
	} else {
		err = exporterweb.ListenAndServe(server, flags, logger)
	}
	if err != nil && !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving HTTP: %w", err)
	}
	return nil
}

// integration is one sink of one receiver.
type integration struct {
	kind         string
	sink         notifiers.Notifier
	sendResolved bool
}

// integrations are the sinks of a receiver, in the order in which their kinds are listed here.
func integrations(r config.Receiver) ([]integration, error) {
	var all []integration
	for _, c := range r.SlackConfigs {
		sink, err := slack.New(c)
		if err != nil {
			return nil, fmt.Errorf("making the Slack sink of receiver %q: %w", r.Name, err)
		}
		all = append(all, integration{"slack", sink, c.SendsResolved()})
	}
	for _, c := range r.LogConfigs {
		sink, err := logsink.New(c)
		if err != nil {
			return nil, fmt.Errorf("making the log sink of receiver %q: %w", r.Name, err)
		}
		all = append(all, integration{"log", sink, c.SendsResolved()})
	}
	return all, nil
}

// makeLoops is one delivery loop for each sink of each receiver, so that none waits for another. When it returns, every
// loop has its place in the journal: what is accepted from then on reaches it.
func makeLoops(
	ctx context.Context, cfg config.Config, log *journal.Journal, collector *diagnostics.Collector,
	logger *slog.Logger, reg prometheus.Registerer,
) ([]delivery.Loop, error) {
	tree, err := routing.New(cfg.Route)
	if err != nil {
		return nil, err
	}
	metrics := delivery.NewMetrics(reg)
	var loops []delivery.Loop
	for _, receiver := range cfg.Receivers {
		sinks, err := integrations(receiver)
		if err != nil {
			return nil, err
		}
		nth := map[string]int{}
		for _, sink := range sinks {
			loop := delivery.Loop{
				Cursor:       fmt.Sprintf("%s/%s/%d", receiver.Name, sink.kind, nth[sink.kind]),
				Receiver:     receiver.Name,
				Integration:  sink.kind,
				SendResolved: sink.sendResolved,
				Journal:      records{log},
				Routes:       tree.Match,
				Snapshots:    collector,
				Redact:       cfg.Diagnostics.WithDefaults().RedactLabels,
				Render:       templates.Render,
				Sink:         sink.sink,
				Metrics:      metrics,
				Logger:       logger,
			}
			nth[sink.kind]++
			if err := loop.Prepare(ctx); err != nil {
				return nil, err
			}
			loops = append(loops, loop)
		}
	}
	return loops, nil
}

// records hands the journal's records to delivery, which knows the journal only by what it asks of it.
type records struct{ *journal.Journal }

func (r records) Read(ctx context.Context, after uint64, fn func(delivery.Record) error) error {
	return r.Journal.Read(ctx, after, func(rec journal.Record) error { return fn(delivery.Record(rec)) })
}
