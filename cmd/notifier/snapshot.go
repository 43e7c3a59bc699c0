package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/common/model"
	"golang.org/x/term"

	"github.com/alertvitals/notifier/config"
	"github.com/alertvitals/notifier/diagnostics"
)

// widest is how wide a snapshot is where nobody says otherwise, in columns.
const widest = 100

// snapshotCommand is `notifier snapshot AGENT`.
type snapshotCommand struct {
	notifierFlags

	cmd             *kingpin.CmdClause
	agent, instance *string
	configFile      *string
	over            *time.Duration
	output          *string
	width           *int
}

func addSnapshot(app *kingpin.Application) *snapshotCommand {
	s := &snapshotCommand{cmd: app.Command("snapshot", "Look at an agent now.")}
	s.cmd.HelpLong(`It prints what a message would say of the agent. It ends with 1 when nothing of the agent answers; what is known is printed nonetheless.

  notifier snapshot aster
  notifier snapshot aster --over=10s
  notifier snapshot aster --url=http://localhost:9095
  notifier snapshot fleet --instance=agent-0:8080 -o json`)
	s.configFile = s.cmd.Flag("config.file", "The configuration, when no running notifier is asked.").Default("notifier.yml").String()
	s.agent = s.cmd.Arg("agent", "Its name in the configuration.").Required().HintAction(completeAgents(s.configFile)).String()
	s.output = s.cmd.Flag("output", "text for people, json for programs.").Short('o').Default("text").Enum("text", asJSON)
	s.notifierFlags = addNotifierFlags(s.cmd, "The address of a running notifier to ask: it knows what the agent was before.", "")
	s.instance = s.cmd.Flag("instance", "For an agent whose url is a template: its host:port, as in the label instance of an alert.").String()
	s.over = s.cmd.Flag("over", "Without --url: scrape twice, this long apart, to know the current rates, as in 10s. "+
		"With one scrape they are those since the agent's start.").Duration()
	s.width = s.cmd.Flag("width", fmt.Sprintf("How many columns the text may take. The default is the terminal's, %d at the most.", widest)).Int()
	return s
}

// validate says what of the flags makes no sense, when the command is this one.
func (s *snapshotCommand) validate(command string) error {
	if command != s.cmd.FullCommand() {
		return nil
	}
	switch u := *s.url; {
	case strings.Trim(*s.agent, ".") == "":
		return errors.New("the agent needs its name in the configuration")
	case *s.width != 0 && (*s.width < 40 || *s.width > 1000):
		return errors.New("--width must be from 40 to 1000")
	case *s.over != 0 && (*s.over < time.Second || *s.over > 2*time.Minute):
		return errors.New("--over must be from 1s to 2m")
	case u != nil && *s.over != 0:
		return errors.New("--over goes without --url: a running notifier knows the rates")
	}
	return s.notifierFlags.validate()
}

// run prints the snapshot. It fails when there is no such agent, and when nothing of the agent answered; then the snapshot, which
// says so, is printed nonetheless.
func (s *snapshotCommand) run(ctx context.Context, stdout io.Writer) error {
	var taken diagnostics.Snapshot
	var body []byte
	var err error
	if *s.url != nil {
		body, err = s.ask(ctx)
	} else {
		body, err = s.look(ctx)
	}
	if err != nil {
		return err
	}
	if err = json.Unmarshal(body, &taken); err != nil || taken.Agent == "" {
		return errors.New("the answer is not a notifier's; --url says where it is")
	}
	if *s.output == asJSON {
		err = printJSON(stdout, body)
	} else {
		_, err = io.WriteString(stdout, snapshotText(&taken, time.Now(), columnsFor(stdout, *s.width), isTerminal(stdout)))
	}
	if err != nil {
		return fmt.Errorf("printing the snapshot: %w", err)
	}
	if why := silent(taken); why != "" {
		return fmt.Errorf("%s cannot be looked at: %s", printable(taken.Agent), printable(why))
	}
	return nil
}

// ask is the snapshot that a running notifier takes, as JSON.
func (s *snapshotCommand) ask(ctx context.Context) ([]byte, error) {
	c, err := s.client()
	if err != nil {
		return nil, err
	}
	query := url.Values{"fresh": {"true"}}
	if *s.instance != "" {
		query.Set("instance", *s.instance)
	}
	return c.ask(ctx, http.MethodGet, query, "api", "v1", "agents", *s.agent, "snapshot")
}

// look is the snapshot that the configuration alone gives, as JSON.
func (s *snapshotCommand) look(ctx context.Context) ([]byte, error) {
	cfg, err := config.LoadFile(*s.configFile)
	if err != nil {
		return nil, err
	}
	a, labels, err := s.only(cfg.Agents)
	if err != nil {
		return nil, err
	}
	// A person waits as long as the agent may take, longer than a page would.
	limits := cfg.Diagnostics.WithDefaults()
	limits.Deadline = min(max(limits.Deadline, a.Timeout+model.Duration(500*time.Millisecond)), model.Duration(20*time.Second))
	dir, err := os.MkdirTemp("", "notifier-snapshot")
	if err != nil {
		return nil, fmt.Errorf("making a directory for what is scraped: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	logger := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
	collector, err := diagnostics.New([]diagnostics.AgentConfig{a}, limits, dir, logger, nil)
	if err != nil {
		return nil, err
	}
	defer func() { _ = collector.Close() }() // what it has goes away with the directory
	taken := collector.Snapshot(ctx, labels)
	if taken.Profile == "" && silent(*taken) == "" && collector.Recognise(ctx, labels) {
		taken = collector.Snapshot(ctx, labels)
	}
	if *s.over > 0 && taken.Metrics.OK {
		select {
		case <-ctx.Done():
			return nil, errors.New("interrupted")
		case <-time.After(*s.over):
		}
		taken = collector.Snapshot(ctx, labels)
	}
	body, err := json.Marshal(taken)
	if err != nil {
		return nil, fmt.Errorf("encoding the snapshot: %w", err)
	}
	return body, nil
}

// only is the agent that is asked for, with defaults, and labels that lead to it.
func (s *snapshotCommand) only(agents []diagnostics.AgentConfig) (diagnostics.AgentConfig, map[string]string, error) {
	i := slices.IndexFunc(agents, func(a diagnostics.AgentConfig) bool { return a.Name == *s.agent })
	if i < 0 {
		none := &diagnostics.NoAgentError{Name: *s.agent}
		for _, a := range agents {
			none.There = append(none.There, a.Name)
		}
		return diagnostics.AgentConfig{}, nil, fmt.Errorf("%w; --config.file says where", none)
	}
	a := agents[i].WithDefaults()
	switch {
	case a.FromLabels() && *s.instance == "":
		return a, nil, fmt.Errorf("the url of agent %q is a template: --instance=HOST:PORT says where it leads", a.Name)
	case !a.FromLabels() && *s.instance != "":
		return a, nil, fmt.Errorf("agent %q has an address of its own; leave --instance out", a.Name)
	}
	// Whatever is asked here is about this agent.
	a.Match = []string{`instance=~".*"`}
	if *s.over > 0 {
		a.ScrapeInterval = model.Duration(*s.over)
		a.Timeout = min(a.Timeout, a.ScrapeInterval)
	}
	return a, map[string]string{"instance": *s.instance}, nil
}

// silent is why nothing of the agent answered, "" when something did.
func silent(s diagnostics.Snapshot) string {
	why := s.Metrics.Note
	for _, c := range []*diagnostics.Check{s.Ready, s.Health} {
		if c == nil {
			continue
		}
		if c.StatusCode != 0 {
			return ""
		}
		why = cmp.Or(c.Note, why)
	}
	if s.Metrics.OK {
		return ""
	}
	return cmp.Or(why, "nothing is asked of it; give it a health_path or a metrics_path")
}

// columnsFor is how wide what is written to w may be.
func columnsFor(w io.Writer, asked int) int {
	if asked > 0 {
		return asked
	}
	if file, ok := w.(*os.File); ok {
		if columns, _, err := term.GetSize(int(file.Fd())); err == nil && columns > 0 {
			return min(columns, widest)
		}
	}
	return widest
}
