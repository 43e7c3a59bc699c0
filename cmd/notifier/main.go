// Command notifier receives Alertmanager's webhooks and tells people, with the state of the agent that an alert is about.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	_ "time/tzdata" // time intervals name zones, and the image has no other files

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/client_golang/prometheus"
	versioncollector "github.com/prometheus/client_golang/prometheus/collectors/version"
	"github.com/prometheus/common/promslog"
	promslogflag "github.com/prometheus/common/promslog/flag"
	"github.com/prometheus/common/version"

	"github.com/alertvitals/notifier/config"
)

// Exit codes: the answer is no (a wrong configuration, a failed delivery), and wrong usage.
const (
	exitNo    = 1
	exitUsage = 2
)

func main() {
	if built, ok := debug.ReadBuildInfo(); ok && version.Version == "" {
		version.Version = built.Main.Version // of the tag or the commit; "(devel)" where there is no repository, as in a container's build
	}
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// commandLine is every command with its flags.
type commandLine struct {
	app     *kingpin.Application
	logging *promslog.Config

	serve      *serveCommand
	check      *checkCommand
	demo       *demoCommand
	deliveries *deliveriesCommand
	snapshot   *snapshotCommand
	render     *renderCommand
	send       *sendCommand
	health     *healthCommand
	routes     *routesCommand
	testRoutes *testRoutesCommand
	imports    *importCommand

	// usage is what the library has to say to whoever asked for help; ended is whether it did, wrong whether that was a mistake.
	usage        bytes.Buffer
	ended, wrong bool
}

func newCommandLine(stderr io.Writer) *commandLine {
	c := &commandLine{app: kingpin.New("notifier", about), logging: &promslog.Config{Writer: stderr}}
	c.app.UsageWriter(&c.usage).ErrorWriter(io.Discard) // run says what is wrong
	c.app.UsageTemplate(usageTemplate)
	c.app.Terminate(func(status int) { c.ended, c.wrong = true, c.wrong || status != 0 })
	c.app.Version(version.Print("notifier"))
	c.app.HelpFlag.Short('h').Help("Show help; notifier help COMMAND shows that of a command.")
	promslogflag.AddFlags(c.app, c.logging)
	c.addGenerated()

	c.serve = addServe(c.app)
	c.check = addCheckConfig(c.app)
	c.demo = addDemo(c.app)
	c.deliveries = addDeliveries(c.app)
	c.snapshot = addSnapshot(c.app)
	c.render, c.send = addRender(c.app), addSend(c.app)
	c.health = addHealth(c.app)
	c.routes, c.testRoutes = addRoutes(c.app), addTestRoutes(c.app)
	c.imports = addImport(c.app)
	return c
}

// parse is the command that is asked for, "" when the library has answered itself, as it does to --help.
func (c *commandLine) parse(args []string) (command string, err error) {
	if len(args) == 2 && args[0] == "--completion-bash" && !strings.HasPrefix(args[1], "-") {
		args = args[:1] // else the library takes the beginning of a command for an argument of the default one
	}
	// The library takes a "-" that stands alone for nothing, and nothing would be the example.
	args = slices.Clone(args)
	for i, arg := range args {
		if arg == "-" {
			args[i] = standardInput
		}
	}
	command, err = c.app.Parse(args)
	if c.ended {
		if c.wrong {
			return "", errors.New("there is no such command")
		}
		return "", nil
	}
	if err != nil {
		return "", namingFlag(c.app, args, err)
	}
	return command, errors.Join(c.serve.validate(command), c.deliveries.validate(command), c.snapshot.validate(command),
		c.health.validate(command), c.routes.validate(command))
}

func run(args []string, stdout, stderr io.Writer) int {
	c := newCommandLine(stderr)
	command, err := c.parse(args)
	if err != nil {
		hint := "notifier help"
		if len(args) > 0 && args[0] != "help" && c.app.GetCommand(args[0]) != nil {
			hint += " " + args[0]
		}
		fmt.Fprintf(stderr, "notifier: %v; try %s\n", err, hint)
		return exitUsage
	}
	if command == "" {
		fmt.Fprint(stdout, c.usage.String())
		return 0
	}
	ctx, stop := untilSignal()
	defer stop()

	switch command {
	case c.serve.cmd.FullCommand():
		reg := newRegistry()
		logger, flush := newLogger(c.logging, reg)
		err = c.serve.run(ctx, logger, reg)
		flush()
	case c.check.cmd.FullCommand():
		err = c.check.run(os.Stdin, stdout)
	case c.demo.cmd.FullCommand():
		err = demonstrate(ctx, stdout, *c.demo.once)
	case c.snapshot.cmd.FullCommand():
		err = c.snapshot.run(ctx, stdout)
	case c.render.cmd.FullCommand():
		err = c.render.run(ctx, os.Stdin, stdout, stderr)
	case c.send.cmd.FullCommand():
		err = c.send.run(ctx, os.Stdin, stdout)
	case c.health.cmd.FullCommand():
		err = c.health.run(ctx, stdout)
	case c.routes.show.FullCommand(), c.routes.test.FullCommand():
		err = c.routes.run(command, os.Stdin, stdout)
	case c.testRoutes.cmd.FullCommand():
		err = c.testRoutes.run(stdout, stderr)
	case c.imports.cmd.FullCommand():
		err = c.imports.run(os.Stdin, stdout)
	default:
		err = c.deliveries.run(ctx, command, stdout)
	}
	var wrong *config.Error
	switch {
	case err == nil:
		return 0
	case errors.As(err, &wrong):
		fmt.Fprintln(stderr, findings(wrong, isTerminal(stderr)))
	case !errors.Is(err, errTold):
		fmt.Fprintf(stderr, "notifier: %v\n", err)
	}
	return exitNo
}

// untilSignal is a context that ends with SIGINT or SIGTERM. A second signal ends the process at once: by the time the context
// has ended, the signals have their default meaning again.
func untilSignal() (context.Context, context.CancelFunc) {
	ctx, end := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		select {
		case <-signals:
		case <-ctx.Done():
		}
		signal.Stop(signals)
		end()
	}()
	return ctx, end
}

func newRegistry() *prometheus.Registry {
	reg := prometheus.NewRegistry()
	reg.MustRegister(versioncollector.NewCollector("notifier"))
	return reg
}
