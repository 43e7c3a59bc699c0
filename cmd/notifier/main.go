// Command notifier receives Alertmanager's webhooks and tells people, with the state of the agent that an alert is about.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
	_ "time/tzdata" // time intervals name zones, and the image has no other files

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/client_golang/prometheus"
	versioncollector "github.com/prometheus/client_golang/prometheus/collectors/version"
	"github.com/prometheus/common/model"
	"github.com/prometheus/common/promslog"
	promslogflag "github.com/prometheus/common/promslog/flag"
	"github.com/prometheus/common/version"
	"github.com/prometheus/exporter-toolkit/web/kingpinflag"

	"github.com/alertvitals/notifier/config"
)

// Exit codes: the answer is no (a wrong configuration, a failed delivery), and wrong usage.
const (
	exitNo    = 1
	exitUsage = 2
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

func run(args []string, stdout, stderr io.Writer) int {
	app := kingpin.New("notifier", "Receives Alertmanager's webhooks and tells people, with the state of the agent that an alert is about.")
	app.UsageWriter(stderr).ErrorWriter(stderr)
	app.Version(version.Print("notifier"))
	app.HelpFlag.Short('h')
	logging := &promslog.Config{Writer: stderr}
	promslogflag.AddFlags(app, logging)

	serveCmd := app.Command("serve", "Receive webhooks and deliver them.").Default()
	configFile := serveCmd.Flag("config.file", "The configuration.").Default("notifier.yml").String()
	storagePath := serveCmd.Flag("storage.path", "Where accepted notifications and scraped samples are kept.").Default("data/").String()
	retention := model.Duration(120 * time.Hour)
	serveCmd.Flag("storage.retention.time", "How long accepted notifications are kept.").Default("120h").SetValue(&retention)
	size := serveCmd.Flag("storage.retention.size", "How much disk they may take. When they do, and have not been delivered, "+
		"nothing more is accepted. Units: B, KB, MB, GB, TB.").Default("1GB").Bytes()
	free := serveCmd.Flag("storage.min-free", "How much of the disk must stay free for anything to be accepted.").Default("64MB").Bytes()
	webFlags := kingpinflag.AddFlags(serveCmd, ":9095")

	checkCmd := app.Command("check-config", "Say whether a configuration is right, and if not, what is wrong and where.")
	checkFile := checkCmd.Arg("file", "The configuration.").Default("notifier.yml").String()

	demoCmd := app.Command("demo", "Show it all in one process: an agent falls ill and recovers, and what Slack would show.")
	once := demoCmd.Flag("once", "End after the agent has recovered, instead of staying up.").Bool()

	ask := addDeliveries(app)
	snapshot := addSnapshot(app)
	render, send := addRender(app), addSend(app)

	command, err := app.Parse(args)
	disk := storage{path: *storagePath, retention: time.Duration(retention), size: int64(*size), free: int64(*free)}
	if err == nil && command == serveCmd.FullCommand() {
		err = disk.validate()
	}
	if err == nil {
		err = errors.Join(ask.validate(command), snapshot.validate(command))
	}
	if err != nil {
		fmt.Fprintf(stderr, "notifier: %v; try notifier --help\n", err)
		return exitUsage
	}
	ctx, stop := untilSignal()
	defer stop()

	switch command {
	case serveCmd.FullCommand():
		err = serve(ctx, *configFile, disk, webFlags, promslog.New(logging), newRegistry())
	case checkCmd.FullCommand():
		err = checkConfig(*checkFile, stdout)
	case demoCmd.FullCommand():
		err = demonstrate(ctx, stdout, *once)
	case snapshot.cmd.FullCommand():
		err = snapshot.run(ctx, stdout)
	case render.cmd.FullCommand():
		err = render.run(ctx, os.Stdin, stdout, stderr)
	case send.cmd.FullCommand():
		err = send.run(ctx, os.Stdin, stdout)
	default:
		err = ask.run(ctx, command, stdout)
	}
	var wrong *config.Error
	switch {
	case errors.As(err, &wrong):
		fmt.Fprintf(stderr, "%v\n", wrong)
		return exitNo
	case err != nil:
		fmt.Fprintf(stderr, "notifier: %v\n", err)
		return exitNo
	default:
		return 0
	}
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

func checkConfig(file string, stdout io.Writer) error {
	if _, err := config.LoadFile(file); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "%s: OK\n", file)
	return nil
}

func newRegistry() *prometheus.Registry {
	reg := prometheus.NewRegistry()
	reg.MustRegister(versioncollector.NewCollector("notifier"))
	return reg
}
