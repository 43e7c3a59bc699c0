package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kingpin/v2"

	"github.com/alertvitals/notifier/alert"
	"github.com/alertvitals/notifier/config"
	"github.com/alertvitals/notifier/delivery"
	"github.com/alertvitals/notifier/diagnostics"
	"github.com/alertvitals/notifier/notifiers"
	"github.com/alertvitals/notifier/templates"
)

// drillFlags say of what and for whom `notifier send` and `notifier render` make a message.
type drillFlags struct {
	receiver, payload, agent, configFile *string
}

func addDrillFlags(cmd *kingpin.CmdClause) drillFlags {
	f := drillFlags{configFile: cmd.Flag("config.file", "The configuration.").Default("notifier.yml").String()}
	f.receiver = cmd.Flag("receiver", "The receiver's name in the configuration.").Required().
		PlaceHolder("NAME").HintAction(completeReceivers(f.configFile)).String()
	f.payload = cmd.Flag("payload", "A file with a payload of Alertmanager's webhook, - for standard input. Without it an example is told.").
		PlaceHolder("FILE").String()
	f.agent = cmd.Flag("snapshot", "The agent whose vitals the message has, as they are now.").
		PlaceHolder("AGENT").HintAction(completeAgents(f.configFile)).String()
	return f
}

// drill is a message and whom it is for.
type drill struct {
	receiver config.Receiver
	set      *templates.Set
	group    alert.Group
	snapshot *diagnostics.Snapshot
	links    []diagnostics.Link
	redact   []string
}

func (f drillFlags) make(ctx context.Context, stdin io.Reader) (d drill, err error) {
	cfg, err := config.LoadFile(*f.configFile)
	if err != nil {
		return d, err
	}
	if d.receiver, err = receiverNamed(cfg, *f.receiver); err != nil {
		return d, err
	}
	if d.receiver.TellsNobody() {
		return d, fmt.Errorf("receiver %q has no integration: what goes there is told to nobody", *f.receiver)
	}
	d.redact = cfg.Diagnostics.WithDefaults().RedactLabels
	if d.set, err = templates.Load(cfg.Templates); err != nil {
		return d, fmt.Errorf("reading the templates: %w", err)
	}
	if d.group, err = f.group(stdin); err != nil {
		return d, err
	}
	if d.links, err = linksOf(cfg, d.group); err != nil {
		return d, err
	}
	if *f.agent != "" {
		d.snapshot, err = f.look(ctx)
	}
	return d, err
}

// linksOf are the links of the agent that the group is about, as the configuration has them.
func linksOf(cfg config.Config, g alert.Group) ([]diagnostics.Link, error) {
	if !slices.ContainsFunc(cfg.Agents, func(a diagnostics.AgentConfig) bool { return len(a.Links) > 0 }) {
		return nil, nil
	}
	dir, err := os.MkdirTemp("", "notifier-links")
	if err != nil {
		return nil, fmt.Errorf("making a directory for what is scraped: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	// Nothing is asked of an agent: the collector only knows which is meant.
	collector, err := diagnostics.New(cfg.Agents, cfg.Diagnostics, dir, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		return nil, fmt.Errorf("preparing the agents: %w", err)
	}
	defer func() { _ = collector.Close() }()
	return delivery.LinksOf(g, g.Redact(cfg.Diagnostics.WithDefaults().RedactLabels), collector.Links), nil
}

// receiverNamed is the receiver of that name; its error says which there are.
func receiverNamed(cfg config.Config, name string) (config.Receiver, error) {
	var names []string
	for _, r := range cfg.Receivers {
		if r.Name == name {
			return r, nil
		}
		names = append(names, r.Name)
	}
	return config.Receiver{}, fmt.Errorf("there is no receiver %q; there are %s", name, strings.Join(names, ", "))
}

// group is what the payload says.
func (f drillFlags) group(stdin io.Reader) (alert.Group, error) {
	if *f.payload == "" {
		return groupOf(example(time.Now()))
	}
	body, err := readInput(*f.payload, stdin)
	if err != nil {
		return alert.Group{}, fmt.Errorf("reading the payload: %w", err)
	}
	return groupOf(body)
}

// groupOf is what a payload says.
func groupOf(body []byte) (alert.Group, error) {
	n, err := alert.Decode(body)
	if err != nil {
		return alert.Group{}, fmt.Errorf("reading the payload: %w", err)
	}
	g, ok := n.Choose(nil)
	if !ok {
		return alert.Group{}, errors.New("the payload has no alerts, so there is nothing to tell")
	}
	return g, nil
}

// look is the agent as it is now.
func (f drillFlags) look(ctx context.Context) (*diagnostics.Snapshot, error) {
	none, soon := "", time.Duration(0)
	body, err := (&snapshotCommand{agent: f.agent, instance: &none, configFile: f.configFile, over: &soon}).look(ctx)
	if err != nil {
		return nil, err
	}
	var s diagnostics.Snapshot
	if err := json.Unmarshal(body, &s); err != nil {
		return nil, fmt.Errorf("reading the snapshot: %w", err)
	}
	return &s, nil
}

// message is what the group's next message would be, with a note about itself. Known is the message before it.
func (d drill) message(g alert.Group, id, note string, known notifiers.Receipt) notifiers.Message {
	shown := g.Redact(d.redact)
	content := d.set.Render(templates.Input{Receiver: d.receiver.Name, Group: shown, Snapshot: d.snapshot, Links: d.links, Now: time.Now()})
	content.Note = note
	return notifiers.Message{
		ID: id, Receiver: d.receiver.Name, Group: shown, GroupKey: g.ShownKey(d.redact), Content: content, Snapshot: d.snapshot, Previous: known,
	}
}

// example is a payload as Alertmanager sends it.
func example(now time.Time) []byte {
	labels := func(instance string) map[string]string {
		return map[string]string{"alertname": "Drill", "severity": "critical", "job": "drill", "instance": instance}
	}
	firing := func(instance string) map[string]any {
		return map[string]any{
			"status": alert.StatusFiring, "labels": labels(instance), "startsAt": now.Add(-3 * time.Minute).UTC(), "endsAt": time.Time{},
			"annotations": map[string]string{"summary": "An example, made by the notifier"}, "fingerprint": "drill-" + instance,
			"generatorURL": "http://prometheus.example:9090/graph?g0.expr=vector%281%29",
		}
	}
	body, err := json.Marshal(map[string]any{
		"version": "4", "groupKey": `{}:{alertname="Drill"}`, "status": alert.StatusFiring, "receiver": "drill",
		"groupLabels": map[string]string{"alertname": "Drill"}, "externalURL": "http://alertmanager.example:9093",
		"alerts": []any{firing("drill-0:8080"), firing("drill-1:8080")},
	})
	if err != nil {
		return nil // these are strings and times
	}
	return body
}
