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

	cmd  *kingpin.CmdClause
	keep *bool
}

func addSend(app *kingpin.Application) *sendCommand {
	s := &sendCommand{cmd: app.Command("send", "A drill: tell a receiver for real that something fires, and then that it is over.")}
	s.cmd.HelpLong(`The messages say that they are a test. It ends with 1 when somebody could not be told.

  notifier send --receiver=oncall
  notifier send --receiver=oncall --keep-firing
  notifier send --receiver=oncall --payload=payload.json --snapshot=aster`)
	s.drillFlags = addDrillFlags(s.cmd)
	s.keep = s.cmd.Flag("keep-firing", "Leave out the end: the incident stays open.").Bool()
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
	failed := false
	for _, i := range sinks {
		told := "told"
		receipt, err := sendOnce(ctx, i.sink, d.message(d.group, id, note, nil))
		if err == nil && d.group.Status() == alert.StatusFiring && i.sendResolved && !*s.keep {
			told = "told that it fires, and that it is over"
			_, err = sendOnce(ctx, i.sink, d.message(over(d.group, time.Now()), id+"-end", note, receipt))
		}
		if err != nil {
			failed = true
			fmt.Fprintf(stdout, "%s: %s\n", i.kind, printable(err.Error()))
			continue
		}
		fmt.Fprintf(stdout, "%s: %s\n", i.kind, told)
	}
	if failed {
		return errors.New("not everybody could be told")
	}
	return nil
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
