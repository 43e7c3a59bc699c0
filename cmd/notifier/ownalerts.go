package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/alertvitals/notifier/alert"
	"github.com/alertvitals/notifier/config"
	"github.com/alertvitals/notifier/diagnostics"
	"github.com/alertvitals/notifier/envelope"
	"github.com/alertvitals/notifier/heartbeat"
	"github.com/alertvitals/notifier/journal"
	"github.com/alertvitals/notifier/raise"
	"github.com/alertvitals/notifier/routing"
	"github.com/alertvitals/notifier/rules"
	"github.com/alertvitals/notifier/webhook"
)

// ownAlerts is what makes alerts of the notifier's own, and what says that it works.
type ownAlerts struct {
	raiser     *raise.Raiser
	rules      *rules.Evaluator
	heartbeats *heartbeat.Monitor
	pings      *heartbeat.Pinger
	logger     *slog.Logger
}

func newOwnAlerts(
	ctx context.Context, kept *journal.Journal, from *diagnostics.Collector, to *webhook.Handler, ready func(context.Context) error,
	own *url.URL, logger *slog.Logger, reg prometheus.Registerer,
) (*ownAlerts, error) {
	raiser, err := raise.Open(ctx, kept, to.Accept, logger, reg)
	if err != nil {
		return nil, err
	}
	return &ownAlerts{
		raiser:     raiser,
		rules:      rules.New(from.Engine(), from.Samples(), raiser.Hear, own, logger, reg),
		heartbeats: heartbeat.NewMonitor(raiser.Hear, reg),
		pings:      heartbeat.NewPinger(ready, logger, reg),
		logger:     logger,
	}, nil
}

// prepare reads what a configuration needs; use puts it in use.
func (o *ownAlerts) prepare(cfg config.Config) (use func() error, err error) {
	files, problems := rules.Read(cfg.RulesFiles)
	if len(problems) > 0 { // they have changed since they were checked
		return nil, fmt.Errorf("rules_files%s: %s", problems[0].Path, problems[0].Msg)
	}
	ping, err := o.pings.Prepare(cfg.Ping)
	if err != nil {
		return nil, err
	}
	times := cfg.Rules.WithDefaults()
	history := time.Duration(cfg.Diagnostics.WithDefaults().History)
	return func() error {
		if beyond := files.Beyond(history); len(beyond) > 0 {
			o.logger.Warn("These rules look further back than diagnostics.history: they see only a part of what they ask for",
				"rules", beyond, "history", history)
		}
		o.raiser.Use(raise.Intervals{Group: time.Duration(times.GroupInterval), Repeat: time.Duration(times.RepeatInterval)})
		ping()
		return errors.Join(o.heartbeats.Use(cfg.Heartbeats), o.rules.Use(files, cfg.Rules))
	}, nil
}

// route is whom alerts go to. A heartbeat is heard on its way, and told to those only that a route of its own names.
func (o *ownAlerts) route(tree *routing.Tree) webhook.Route {
	match := func(labels map[string]string) []string {
		if o.heartbeats.Expects(labels) && !tree.Named(labels) {
			return nil
		}
		return tree.Match(labels)
	}
	return func(n alert.Notification) map[string][]int {
		o.heartbeats.Listen(n.Alerts)
		return envelope.Address(n, match)
	}
}

// run raises what is found until ctx ends, and says that the notifier works.
func (o *ownAlerts) run(ctx context.Context) error {
	heartbeats := begin(func() error { return o.heartbeats.Run(ctx) })
	pings := begin(func() error { return o.pings.Run(ctx) })
	return errors.Join(o.raiser.Run(ctx), heartbeats.wait(), pings.wait())
}
