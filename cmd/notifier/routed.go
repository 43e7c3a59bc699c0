package main

import (
	"fmt"

	"github.com/prometheus/alertmanager/template"

	"github.com/alertvitals/notifier/alert"
	"github.com/alertvitals/notifier/config"
	"github.com/alertvitals/notifier/heartbeat"
	"github.com/alertvitals/notifier/routing"
)

// routed is the routing tree of a configuration with its places in the file, and the labels that nobody is shown.
type routed struct {
	tree     *routing.Tree
	expected func(labels map[string]string) bool // whether it is a heartbeat
	redact   []string
}

// newRouted is the tree of cfg, which source is the text of.
func newRouted(cfg config.Config, source []byte) (*routed, error) {
	tree, err := routing.NewLocated(cfg.Route, config.Lines(source))
	if err != nil {
		return nil, fmt.Errorf("preparing the routes: %w", err)
	}
	expected, err := heartbeat.Expected(cfg.Heartbeats)
	if err != nil {
		return nil, fmt.Errorf("preparing the heartbeats: %w", err)
	}
	return &routed{tree: tree, expected: expected, redact: cfg.Diagnostics.WithDefaults().RedactLabels}, nil
}

// ask is where alerts with these labels go, and why, without what is personal.
func (r *routed) ask(alerts []map[string]string) routing.Answer {
	show := func(labels map[string]string) map[string]string {
		one := alert.Group{Alerts: template.Alerts{{Labels: labels}}}
		return one.Redact(r.redact).Alerts[0].Labels
	}
	return r.tree.Ask(alerts, show, r.expected)
}
