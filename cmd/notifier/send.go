package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/alecthomas/kingpin/v2"

	"github.com/alertvitals/notifier/alert"
	"github.com/alertvitals/notifier/notifiers"
)

// sendTime bounds one try of a drill.
const sendTime = 30 * time.Second

// sendCommand is `notifier send`.
type sendCommand struct {
	drillFlags

	cmd    *kingpin.CmdClause
	keep   *bool
	output *string
}

// drilled is the answer for programs.
type drilled struct {
	Receiver string `json:"receiver"`
	// OK is whether everybody could be told.
	OK           bool              `json:"ok"`
	Integrations []drilledReceiver `json:"integrations"`
}

type drilledReceiver struct {
	Integration string `json:"integration"`
	// Told are the states that it was told.
	Told  []string `json:"told"`
	Error string   `json:"error,omitempty"`
}

func addSend(app *kingpin.Application) *sendCommand {
	s := &sendCommand{cmd: app.Command("send", "A drill: tell a receiver for real that something fires, and then that it is over.")}
	s.cmd.HelpLong(`The messages say that they are a test. It ends with 1 when somebody could not be told.

  notifier send --receiver=oncall
  notifier send --receiver=oncall --keep-firing
  notifier send --receiver=oncall -o json | jq '.integrations[].error'
  notifier send --receiver=oncall --payload=payload.json --snapshot=aster`)
	s.drillFlags = addDrillFlags(s.cmd)
	s.keep = s.cmd.Flag("keep-firing", "Leave out the end: the incident stays open.").Bool()
	s.output = s.cmd.Flag("output", "text for people, json for programs.").Short('o').Default("text").Enum("text", asJSON)
	return s
}

// run tells each integration of the receiver once, and says what became of it.
func (s *sendCommand) run(ctx context.Context, stdin io.Reader, stdout io.Writer) error {
	d, err := s.make(ctx, stdin)
	if err != nil {
		return err
	}
	sinks, err := integrations(d.receiver, d.set)
	if err != nil {
		return err
	}
	const note = "This is a test: somebody ran notifier send. Nothing is wrong."
	id := fmt.Sprintf("drill-%d", time.Now().UnixNano())
	answer := drilled{Receiver: d.receiver.Name, OK: true, Integrations: []drilledReceiver{}}
	for _, i := range sinks {
		one := drilledReceiver{Integration: i.kind, Told: []string{}}
		receipt, err := sendOnce(ctx, i.sink, d.message(d.group, id, note, nil))
		if err == nil {
			one.Told = append(one.Told, d.group.Status())
			if d.group.Status() == alert.StatusFiring && i.sendResolved && !*s.keep {
				if _, err = sendOnce(ctx, i.sink, d.message(over(d.group, time.Now()), id+"-end", note, receipt)); err == nil {
					one.Told = append(one.Told, alert.StatusResolved)
				}
			}
		}
		if err != nil {
			answer.OK, one.Error = false, err.Error()
		}
		answer.Integrations = append(answer.Integrations, one)
		if *s.output != asJSON {
			fmt.Fprintf(stdout, "%s: %s\n", i.kind, one)
		}
	}
	if *s.output == asJSON {
		if err := printAsJSON(stdout, answer); err != nil {
			return err
		}
	}
	if !answer.OK {
		return errors.New("not everybody could be told")
	}
	return nil
}

// String says it to people.
func (r drilledReceiver) String() string {
	switch {
	case r.Error != "":
		return printable(r.Error)
	case len(r.Told) > 1:
		return "told that it fires, and that it is over"
	default:
		return "told"
	}
}

func sendOnce(ctx context.Context, sink notifiers.Notifier, m notifiers.Message) (notifiers.Receipt, error) {
	ctx, cancel := context.WithTimeout(ctx, sendTime)
	defer cancel()
	return sink.Notify(ctx, m)
}

// over is the group when all of it has ended.
func over(g alert.Group, at time.Time) alert.Group {
	alerts := g.Alerts
	g.Alerts, g.Truncated = nil, 0
	for _, a := range alerts {
		if a.Status == alert.StatusFiring {
			a.Status, a.EndsAt = alert.StatusResolved, at.UTC()
		}
		g.Alerts = append(g.Alerts, a)
	}
	return g
}
