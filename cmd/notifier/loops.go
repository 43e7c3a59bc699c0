package main

import (
	"fmt"
	"time"

	"golang.org/x/time/rate"

	"github.com/alertvitals/notifier/config"
	"github.com/alertvitals/notifier/delivery"
	"github.com/alertvitals/notifier/notifiers"
	"github.com/alertvitals/notifier/notifiers/email"
	"github.com/alertvitals/notifier/notifiers/forward"
	"github.com/alertvitals/notifier/notifiers/logsink"
	"github.com/alertvitals/notifier/notifiers/pagerduty"
	"github.com/alertvitals/notifier/notifiers/slack"
	"github.com/alertvitals/notifier/routing"
	"github.com/alertvitals/notifier/templates"
)

// integration is one sink of one receiver.
type integration struct {
	kind         string
	sink         notifiers.Notifier
	sendResolved bool
	// place is what integrations that share a pace have in common, pace how many messages a second it takes; 0 is any number.
	place string
	pace  float64
}

// integrations are the sinks of a receiver, in the order in which their kinds are listed here.
func integrations(r config.Receiver, set *templates.Set) ([]integration, error) {
	var all []integration
	for _, c := range r.SlackConfigs {
		sink, err := slack.New(c, set)
		if err != nil {
			return nil, fmt.Errorf("making the Slack sink of receiver %q: %w", r.Name, err)
		}
		all = append(all, integration{"slack", sink, c.SendsResolved(), "slack " + c.Channel + string(c.APIURL) + c.APIURLFile, c.Pace()})
	}
	for _, c := range r.EmailConfigs {
		sink, err := email.New(c, set)
		if err != nil {
			return nil, fmt.Errorf("making the email sink of receiver %q: %w", r.Name, err)
		}
		all = append(all, integration{kind: "email", sink: sink, sendResolved: c.SendsResolved()})
	}
	for _, c := range r.PagerdutyConfigs {
		sink, err := pagerduty.New(c, set)
		if err != nil {
			return nil, fmt.Errorf("making the PagerDuty sink of receiver %q: %w", r.Name, err)
		}
		all = append(all, integration{"pagerduty", sink, c.SendsResolved(), c.Place(), c.Pace()})
	}
	for _, c := range r.WebhookConfigs {
		sink, err := forward.New(c)
		if err != nil {
			return nil, fmt.Errorf("making the webhook sink of receiver %q: %w", r.Name, err)
		}
		all = append(all, integration{kind: "webhook", sink: sink, sendResolved: c.SendsResolved()})
	}
	for _, c := range r.LogConfigs {
		sink, err := logsink.New(c)
		if err != nil {
			return nil, fmt.Errorf("making the log sink of receiver %q: %w", r.Name, err)
		}
		all = append(all, integration{kind: "log", sink: sink, sendResolved: c.SendsResolved()})
	}
	return all, nil
}

// burst is how many messages may go out at once before the pace holds.
const burst = 10

// limiter is what all integrations of one place share; nil is no limit. The slowest of them sets the pace.
func (i integration) limiter(paces map[string]*rate.Limiter) *rate.Limiter {
	if i.pace == 0 {
		return nil
	}
	if shared := paces[i.place]; shared != nil {
		shared.SetLimit(min(shared.Limit(), rate.Limit(i.pace)))
		return shared
	}
	paces[i.place] = rate.NewLimiter(rate.Limit(i.pace), burst)
	return paces[i.place]
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
	paces := map[string]*rate.Limiter{}
	tree, err := routing.New(cfg.Route)
	if err != nil {
		return nil, fmt.Errorf("preparing the routes: %w", err)
	}
	muting, err := routing.NewMuting(tree, cfg.Intervals())
	if err != nil {
		return nil, fmt.Errorf("preparing the time intervals: %w", err)
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
				Way:          tree.Way,
				Mutes:        mutes(muting),
				Snapshots:    snapshots,
				Redact:       cfg.Diagnostics.WithDefaults().RedactLabels,
				Render:       set.Render,
				Sink:         sink.sink,
				Pace:         sink.limiter(paces),
				Fallback:     fallback,
				Limits:       limits,
			})
			nth[sink.kind]++
		}
	}
	return loops, nil
}

// mutes is delivery's view of when routes are muted; nil when none ever is.
func mutes(m *routing.Muting) func(labels map[string]string, receiver string, at time.Time) (delivery.Mute, bool) {
	if m.Never() {
		return nil
	}
	return func(labels map[string]string, receiver string, at time.Time) (delivery.Mute, bool) {
		mute, is := m.Mutes(labels, receiver, at)
		return delivery.Mute(mute), is
	}
}
