package main

import (
	"fmt"
	"time"

	"github.com/alertvitals/notifier/config"
	"github.com/alertvitals/notifier/delivery"
	"github.com/alertvitals/notifier/notifiers"
	"github.com/alertvitals/notifier/notifiers/logsink"
	"github.com/alertvitals/notifier/notifiers/slack"
	"github.com/alertvitals/notifier/templates"
)

// integration is one sink of one receiver.
type integration struct {
	kind         string
	sink         notifiers.Notifier
	sendResolved bool
}

// integrations are the sinks of a receiver, in the order in which their kinds are listed here.
func integrations(r config.Receiver, set *templates.Set) ([]integration, error) {
	var all []integration
	for _, c := range r.SlackConfigs {
		sink, err := slack.New(c, set)
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

// makeLoops is one delivery loop for each sink of each receiver, so that none waits for another. retention is how long the
// journal keeps what it accepted.
func makeLoops(cfg config.Config, retention time.Duration, snapshots delivery.Snapshotter) ([]delivery.Loop, error) {
	var limits delivery.Limits
	var err error
	if limits.DedupeWindow, limits.MaxAge, err = cfg.Delivery.For(retention); err != nil {
		return nil, err
	}
	set, err := templates.Load(cfg.Templates)
	if err != nil {
		return nil, fmt.Errorf("reading the templates: %w", err)
	}
	var loops []delivery.Loop
	for _, receiver := range cfg.Receivers {
		sinks, err := integrations(receiver, set)
		if err != nil {
			return nil, err
		}
		var fallback delivery.Fallback
		if receiver.Fallback != nil {
			fallback = delivery.Fallback{Receiver: receiver.Fallback.Receiver, After: receiver.Fallback.Wait()}
		}
		nth := map[string]int{}
		for _, sink := range sinks {
			loops = append(loops, delivery.Loop{
				Cursor:       delivery.Cursor(receiver.Name, sink.kind, nth[sink.kind]),
				Receiver:     receiver.Name,
				Integration:  sink.kind,
				SendResolved: sink.sendResolved,
				Snapshots:    snapshots,
				Redact:       cfg.Diagnostics.WithDefaults().RedactLabels,
				Render:       set.Render,
				Sink:         sink.sink,
				Fallback:     fallback,
				Limits:       limits,
			})
			nth[sink.kind]++
		}
	}
	return loops, nil
}
