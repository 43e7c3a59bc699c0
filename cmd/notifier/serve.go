package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/alecthomas/kingpin/v2"
	"github.com/alecthomas/units"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/common/model"
	"github.com/prometheus/common/version"
	exporterweb "github.com/prometheus/exporter-toolkit/web"
	"github.com/prometheus/exporter-toolkit/web/kingpinflag"

	"github.com/alertvitals/notifier/alert"
	"github.com/alertvitals/notifier/delivery"
	"github.com/alertvitals/notifier/diagnostics"
	"github.com/alertvitals/notifier/journal"
	"github.com/alertvitals/notifier/tracing"
	"github.com/alertvitals/notifier/web"
	"github.com/alertvitals/notifier/web/bearer"
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

// serveCommand is `notifier serve`.
type serveCommand struct {
	webFlags

	cmd                     *kingpin.CmdClause
	configFile, storagePath *string
	retention               model.Duration
	size, free              *units.Base2Bytes
}

func addServe(app *kingpin.Application) *serveCommand {
	s := &serveCommand{cmd: app.Command("serve", "Receive webhooks and deliver them.").Default(), retention: model.Duration(120 * time.Hour)}
	s.cmd.HelpLong(`It reads its configuration again on SIGHUP and at POST /-/reload, and ends within 20 seconds of SIGTERM.

  notifier serve
  notifier serve --config.file=/etc/notifier/notifier.yml --storage.path=/var/lib/notifier
  notifier serve --web.listen-address=127.0.0.1:9095 --web.config.file=web.yml
  notifier serve --web.external-url=https://example.com/notifier --log.format=json`)
	s.configFile = s.cmd.Flag("config.file", "The configuration.").Default("notifier.yml").String()
	s.storagePath = s.cmd.Flag("storage.path", "Where accepted notifications and scraped samples are kept.").Default("data/").String()
	s.cmd.Flag("storage.retention.time", "How long accepted notifications are kept.").Default("120h").SetValue(&s.retention)
	s.size = s.cmd.Flag("storage.retention.size", "How much disk they may take. When they do, and have not been delivered, "+
		"nothing more is accepted. Units: B, KB, MB, GB, TB.").Default("1GB").Bytes()
	s.free = s.cmd.Flag("storage.min-free", "How much of the disk must stay free for anything to be accepted.").Default("64MB").Bytes()
	s.toolkit = kingpinflag.AddFlags(s.cmd, ":9095")
	s.externalURL = s.cmd.Flag("web.external-url", "The URL under which people reach the notifier, such as that of a reverse proxy. "+
		"Its path comes before every path, and pages of its host may change something.").PlaceHolder("URL").URL()
	s.routePrefix = s.cmd.Flag("web.route-prefix", "What comes before every path. The default is the path of --web.external-url.").PlaceHolder("PATH").String()
	s.maxConnections = s.cmd.Flag("web.max-connections", "How many connections there may be at once. A further one takes the place of the one "+
		"that has been idle longest.").Default(strconv.Itoa(defaultMaxConnections)).Int()
	return s
}

func (s *serveCommand) disk() storage {
	return storage{path: *s.storagePath, retention: time.Duration(s.retention), size: int64(*s.size), free: int64(*s.free)}
}

// validate says what of the flags makes no sense, when the command is this one.
func (s *serveCommand) validate(command string) error {
	if command != s.cmd.FullCommand() {
		return nil
	}
	return errors.Join(s.disk().validate(), s.webFlags.validate())
}

// run runs the notifier until ctx ends.
func (s *serveCommand) run(ctx context.Context, logger *slog.Logger, reg *prometheus.Registry) error {
	hangups := make(chan os.Signal, 1) // from the start: without anybody who listens, a SIGHUP ends the process
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	all, err := newService(ctx, file(*s.configFile), s.disk(), s.port(), logger, reg)
	if err != nil {
		return err
	}
	return all.run(ctx, hangups, func() error {
		return served(exporterweb.ListenAndServe(all.server, s.toolkit, logger))
	})
}

// serveOn is serve with a configuration from anywhere and a listener that is there already.
func serveOn(ctx context.Context, from source, disk storage, listener net.Listener, logger *slog.Logger, reg *prometheus.Registry) error {
	s, err := newService(ctx, from, disk, port{}, logger, reg)
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
	own           *ownAlerts
	guard         *bearer.Guard
	configuration *configuration
	server        *http.Server
	tracing       *tracing.Tracing
	logger        *slog.Logger
}

// newService opens what is on disk and puts the configuration in use. When it returns, every receiver has its place in the
// journal: what is accepted from then on reaches it.
func newService(
	ctx context.Context, from source, disk storage, own port, logger *slog.Logger, reg *prometheus.Registry,
) (_ *service, err error) {
	l, err := from.load() // before anything on disk is touched
	if err == nil {
		err = own.check(l.cfg.Web)
	}
	if err != nil {
		return nil, err
	}
	logger.Info("Starting notifier", "version", version.Info(), "config", from.name, "storage", disk.path)
	s := &service{logger: logger, tracing: tracing.Start(ctx, version.Version, logger, reg)}
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
	reg.MustRegister(journalMetrics{s.journal, logger})
	s.collector, err = diagnostics.New(nil, l.cfg.Diagnostics, filepath.Join(disk.path, "history"), logger, reg)
	if err != nil {
		return nil, err
	}
	s.loops = delivery.NewLoops(records{s.journal}, delivery.NewMetrics(reg), logger)
	reg.MustRegister(s.loops)
	// Nothing is accepted before the configuration is in use.
	nowhere := func(alert.Notification) map[string][]int { return nil }
	s.webhook = webhook.New(s.journal, nowhere, logger, reg)
	s.guard = bearer.NewGuard(logger, reg)
	if s.own, err = newOwnAlerts(ctx, s.journal, s.collector, s.webhook, s.ready, own.externalURL, logger, reg); err != nil {
		return nil, err
	}
	s.configuration = &configuration{
		port: own, guard: s.guard,
		source: from, retention: disk.retention, collector: s.collector, loops: s.loops, webhook: s.webhook, own: s.own,
		metrics: newConfigMetrics(reg), tracer: s.tracing.Tracer(), logger: logger,
	}
	if err = s.configuration.use(ctx, l); err != nil {
		return nil, err
	}
	s.configuration.metrics.loaded(l.hash)
	handler := web.Router(web.Parts{
		Guard:      s.guard.Require,
		Prefix:     own.prefix,
		Origin:     own.origin,
		Webhook:    s.webhook.Post,
		Ready:      s.ready,
		Reload:     s.configuration.reload,
		Config:     s.configuration.shown,
		Deliveries: s.loops,
		Receivers:  s.loops.Receivers,
		Render:     s.configuration.render,
		Agents:     s.collector,
		Routes:     s.configuration,
		Metrics:    reg,
		Traces:     s.tracing.Requests(),
		Logger:     logger,
	})
	s.server = web.Server(handler, cmp.Or(own.maxConnections, defaultMaxConnections), logger, reg)
	return s, nil
}

// close closes what newService has opened.
func (s *service) close() {
	if s.own != nil {
		s.own.rules.Close()
	}
	if s.collector != nil {
		if err := s.collector.Close(); err != nil {
			s.logger.Error("Closing the history of scraped samples failed", "err", err)
		}
	}
	if s.journal != nil {
		s.journal.Close()
	}
	_ = s.tracing.Stop(context.Background()) // nothing happened that anybody would look for
}

// ready is nil when a webhook would be accepted now.
func (s *service) ready(ctx context.Context) error {
	if s.webhook.Draining() {
		return errors.New("the notifier is stopping")
	}
	return s.journal.Check(ctx)
}
