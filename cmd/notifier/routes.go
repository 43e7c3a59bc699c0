package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/alecthomas/kingpin/v2"

	"github.com/alertvitals/notifier/alert"
	"github.com/alertvitals/notifier/config"
	"github.com/alertvitals/notifier/routing"
)

// routesCommand is `notifier routes show` and `notifier routes test`.
type routesCommand struct {
	show, test         *kingpin.CmdClause
	configFile, output *string
	payload, verify    *string
	labels             *[]string
	verifyGiven        bool
}

func addRoutes(app *kingpin.Application) *routesCommand {
	r := &routesCommand{}
	group := app.Command("routes", "Where alerts go by a configuration, and why.")
	r.configFile = group.Flag("config.file", "The configuration.").Default("notifier.yml").String()
	r.output = group.Flag("output", "text for people, json for programs.").Short('o').Default("text").Enum("text", asJSON)

	r.show = group.Command("show", "Draw the routing tree.")
	r.show.HelpLong(`Each route has its line of the file, its receivers, and its time intervals.

  notifier routes show
  notifier routes show --config.file=notifier.yml -o json`)

	r.test = group.Command("test", "Say which receivers an alert goes to, through which route, and what was tried.")
	r.test.HelpLong(`The first line names the receivers, for scripts. With --payload each alert goes its own way.

  notifier routes test severity=critical team=data
  notifier routes test --verify.receivers=oncall,slack severity=critical
  notifier routes test --payload=payload.json -o json`)
	r.payload = r.test.Flag("payload", "A file with a payload of Alertmanager's webhook, - for standard input: each of its alerts is routed.").
		PlaceHolder("FILE").String()
	r.verify = r.test.Flag("verify.receivers", "Fail unless these are the receivers, in this order.").PlaceHolder("NAME,NAME").
		IsSetByUser(&r.verifyGiven).String()
	r.labels = r.test.Arg("label", "The alert's labels, as LABEL=VALUE.").Strings()
	return r
}

// validate says what of the flags makes no sense, when the command is one of these.
func (r *routesCommand) validate(command string) error {
	if command != r.test.FullCommand() {
		return nil
	}
	if *r.payload != "" && len(*r.labels) > 0 {
		return errors.New("give labels or --payload, not both")
	}
	_, err := readLabels(*r.labels)
	return err
}

func readLabels(given []string) (map[string]string, error) {
	labels := map[string]string{}
	for _, text := range given {
		name, value, err := routing.ParseLabel(text)
		if err != nil {
			return nil, err
		}
		if other, twice := labels[name]; twice && other != value {
			return nil, fmt.Errorf("the label %s is given twice", name)
		}
		labels[name] = value
	}
	return labels, nil
}

func (r *routesCommand) run(command string, stdin io.Reader, stdout io.Writer) error {
	source, err := file(*r.configFile).read()
	if err != nil {
		return err
	}
	cfg, err := config.Load(*r.configFile, source)
	if err != nil {
		return err
	}
	routes, err := newRouted(cfg, source)
	if err != nil {
		return err
	}
	if command == r.show.FullCommand() {
		return r.print(stdout, routes.tree.Node(), func() string { return treeText(routes.tree.Node(), *r.configFile) })
	}
	alerts, err := r.alerts(stdin)
	if err != nil {
		return err
	}
	answer := routes.ask(alerts)
	if err := r.print(stdout, answer, func() string { return answerText(answer, *r.configFile) }); err != nil {
		return err
	}
	if want := splitNames(*r.verify); r.verifyGiven && !slices.Equal(want, answer.Receivers) {
		return fmt.Errorf("the receivers are %s; --verify.receivers wants %s", names(answer.Receivers), names(want))
	}
	return nil
}

// alerts are the labels of those to route.
func (r *routesCommand) alerts(stdin io.Reader) ([]map[string]string, error) {
	if *r.payload == "" {
		labels, err := readLabels(*r.labels)
		return []map[string]string{labels}, err
	}
	body, err := readInput(*r.payload, stdin)
	if err != nil {
		return nil, fmt.Errorf("reading the payload: %w", err)
	}
	n, err := alert.Decode(body)
	if err != nil {
		return nil, fmt.Errorf("reading the payload: %w", err)
	}
	return n.AlertLabels(), nil
}

// print writes what as JSON for programs, or the text.
func (r *routesCommand) print(stdout io.Writer, what any, text func() string) error {
	if *r.output != asJSON {
		_, err := io.WriteString(stdout, text())
		return err
	}
	return printAsJSON(stdout, what)
}

// splitNames are the names in a list with commas.
func splitNames(list string) []string {
	all := []string{}
	for name := range strings.SplitSeq(list, ",") {
		if name = strings.TrimSpace(name); name != "" {
			all = append(all, name)
		}
	}
	return all
}

// names is "a, b", or "none".
func names(of []string) string {
	if len(of) == 0 {
		return "none"
	}
	return printable(strings.Join(of, ", "))
}
