package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kingpin/v2"

	"github.com/alertvitals/notifier/delivery"
	"github.com/alertvitals/notifier/web"
)

// asJSON is the value of --output that is for programs.
const asJSON = "json"

// deliveriesCommand is `notifier deliveries …`, which asks a running notifier.
type deliveriesCommand struct {
	notifierFlags

	list, show, replay *kingpin.CmdClause
	query              delivery.Query
	status, output     *string
	id                 *string
	ids                *[]string
	all                *bool
}

func addDeliveries(app *kingpin.Application) *deliveriesCommand {
	d := &deliveriesCommand{}
	group := app.Command("deliveries", "Where did my alert go? What a running notifier has told, has yet to tell, and could not.")
	group.HelpLong(`  notifier deliveries list --alertname=HighErrorRate
  notifier deliveries show 17-3fb2c0a1
  notifier deliveries replay --all --receiver=oncall`)
	d.notifierFlags = addNotifierFlags(group, "The address of the notifier.", "http://localhost:9095")
	d.output = group.Flag("output", "table for people, json for programs.").Short('o').Default("table").Enum("table", asJSON)

	d.list = group.Command("list", "List deliveries, the newest first.")
	d.list.HelpLong(`  notifier deliveries list
  notifier deliveries list --receiver=oncall --status=dead
  notifier deliveries list --alertname=HighErrorRate -o json
  notifier deliveries list --url=https://notifier:9095 --http.config.file=client.yml`)
	d.list.Flag("receiver", "Only what is for this receiver.").StringVar(&d.query.Receiver)
	var statuses []string
	for _, s := range delivery.Statuses {
		statuses = append(statuses, string(s))
	}
	d.status = d.list.Flag("status", "Only those of this status: "+strings.Join(statuses, ", ")+".").Enum(statuses...)
	d.list.Flag("alertname", "Only what tells of this alert.").StringVar(&d.query.Alertname)
	d.list.Flag("limit", fmt.Sprintf("How many at the most, up to %d.", web.MaxLimit)).Default("20").IntVar(&d.query.Limit)

	d.show = group.Command("show", "Show everything about one delivery, or where one webhook went.")
	d.show.HelpLong(`  notifier deliveries show 17-3fb2c0a1
  notifier deliveries show -o json 17-3fb2c0a1

What came of the webhook that was answered with "id":"17":

  notifier deliveries show 17`)
	d.id = d.show.Arg("id", "The delivery's ID, or the id with which the webhook was answered.").Required().String()

	d.replay = group.Command("replay", "Have dead letters told again, or once more what was sent or suppressed.")
	d.replay.HelpLong(`With --all it is what is dead when it begins: what dies again is not tried twice.

  notifier deliveries replay 17-3fb2c0a1 18-90ab12cd
  notifier deliveries replay --all
  notifier deliveries replay --all --receiver=oncall`)
	d.ids = d.replay.Arg("id", "Their IDs.").Strings()
	d.all = d.replay.Flag("all", "All dead letters.").Bool()
	d.replay.Flag("receiver", "With --all: only those for this receiver.").StringVar(&d.query.Receiver)
	return d
}

// validate says what of the flags makes no sense, when the command is one of these.
func (d *deliveriesCommand) validate(command string) error {
	if !slices.Contains([]string{d.list.FullCommand(), d.show.FullCommand(), d.replay.FullCommand()}, command) {
		return nil
	}
	if command == d.replay.FullCommand() {
		switch {
		case *d.all && len(*d.ids) > 0:
			return errors.New("give IDs or --all, not both")
		case !*d.all && len(*d.ids) == 0:
			return errors.New("which deliveries? Give their IDs, or --all for all dead letters")
		case !*d.all && d.query.Receiver != "":
			return errors.New("--receiver goes with --all")
		}
	}
	if command == d.list.FullCommand() && (d.query.Limit < 1 || d.query.Limit > web.MaxLimit) {
		return fmt.Errorf("--limit must be from 1 to %d", web.MaxLimit)
	}
	for _, id := range append(slices.Clone(*d.ids), *d.id) {
		given := command == d.replay.FullCommand() && id != "" || command == d.show.FullCommand()
		if given && (strings.Trim(id, ".") == "" || strings.Contains(id, "/")) {
			return fmt.Errorf("%q is not an ID; notifier deliveries list shows them", id)
		}
	}
	return d.notifierFlags.validate()
}

func (d *deliveriesCommand) run(ctx context.Context, command string, stdout io.Writer) error {
	c, err := d.client()
	if err != nil {
		return err
	}
	switch command {
	case d.list.FullCommand():
		d.query.Status = delivery.Status(*d.status)
		return listDeliveries(ctx, c, d.query, *d.output, stdout)
	case d.show.FullCommand():
		return showDelivery(ctx, c, *d.id, *d.output, stdout)
	default:
		return d.tellAgain(ctx, c, stdout)
	}
}

// listDeliveries prints a table, or the answer itself as JSON.
func listDeliveries(ctx context.Context, c *client, q delivery.Query, output string, stdout io.Writer) error {
	found, body, err := c.list(ctx, q, "")
	if err != nil {
		return err
	}
	if output == asJSON {
		return printJSON(stdout, body)
	}
	if len(found.Deliveries) == 0 {
		if q == (delivery.Query{Limit: q.Limit}) {
			fmt.Fprintln(stdout, "There is no delivery: nothing has been accepted, or it was too long ago.")
		} else {
			fmt.Fprintln(stdout, "There is no such delivery."+c.noReceiver(ctx, q.Receiver))
		}
		return nil
	}
	if err := table(stdout, found.Deliveries, time.Now()); err != nil {
		return err
	}
	if found.Next != "" {
		fmt.Fprintf(stdout, "These are the newest %d; there may be more (--limit, --alertname, --receiver, --status).\n", q.Limit)
	}
	return nil
}

// showDelivery prints everything about one delivery.
func showDelivery(ctx context.Context, c *client, id, output string, stdout io.Writer) error {
	body, err := c.ask(ctx, http.MethodGet, nil, append(slices.Clone(deliveryPath), id)...)
	if err != nil {
		return err
	}
	if output == asJSON {
		return printJSON(stdout, body)
	}
	if strings.Trim(id, "0123456789") == "" {
		var t delivery.Trace
		if err := json.Unmarshal(body, &t); err != nil {
			return errors.New("the answer is not a notifier's; --url says where it is")
		}
		return describeTrace(stdout, t, time.Now())
	}
	var d delivery.Delivery
	if err := json.Unmarshal(body, &d); err != nil {
		return errors.New("the answer is not a notifier's; --url says where it is")
	}
	return describe(stdout, d, time.Now())
}

// replayed is what became of dead letters that were to be told again.
type replayed struct {
	Replayed []string          `json:"replayed"`
	Failed   map[string]string `json:"failed"`
}

// replayDeliveries has these dead letters told again. It tries all of them, whatever the notifier says of one, unless it does not
// answer any more. tell is called with each that is told again.
func replayDeliveries(ctx context.Context, c *client, ids []string, tell func(id string)) (became replayed, errs error) {
	became = replayed{Replayed: []string{}, Failed: map[string]string{}}
	for i, id := range ids {
		err := c.replay(ctx, id)
		if err == nil {
			became.Replayed = append(became.Replayed, id)
			tell(id)
			continue
		}
		became.Failed[id] = err.Error()
		errs = errors.Join(errs, fmt.Errorf("%s: %w", printable(id), err))
		var refused refusal
		if rest := len(ids) - i - 1; !errors.As(err, &refused) && rest > 0 {
			return became, errors.Join(errs, fmt.Errorf("%d more were not tried", rest))
		}
	}
	return became, errs
}

// deadLetters are the IDs of all dead letters, or of those of one receiver.
func deadLetters(ctx context.Context, c *client, receiver string) (ids []string, err error) {
	q := delivery.Query{Receiver: receiver, Status: delivery.Dead, Limit: web.MaxLimit}
	for from := ""; ; {
		found, _, err := c.list(ctx, q, from)
		if err != nil {
			return nil, err
		}
		for _, d := range found.Deliveries {
			ids = append(ids, d.ID)
		}
		if found.Next == "" || found.Next == from {
			return ids, nil
		}
		from = found.Next
	}
}

// tellAgain has dead letters told again, and prints which, or with --all how many they were.
func (d *deliveriesCommand) tellAgain(ctx context.Context, c *client, stdout io.Writer) error {
	ids := *d.ids
	if *d.all {
		// All are listed before one is told: what dies again meanwhile is for the next call, else this one might never end.
		var err error
		if ids, err = deadLetters(ctx, c, d.query.Receiver); err != nil {
			return err
		}
	}
	became, errs := replayDeliveries(ctx, c, ids, func(id string) {
		if !*d.all && *d.output != asJSON {
			fmt.Fprintf(stdout, "%s: will be told again\n", printable(id))
		}
	})
	if *d.output == asJSON {
		return errors.Join(errs, printAsJSON(stdout, became))
	}
	if *d.all {
		fmt.Fprintf(stdout, "%d will be told again\n", len(became.Replayed))
	}
	return errs
}
