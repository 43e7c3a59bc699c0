// Command demo-slack is a stand-in for Slack, to try the notifier without an account: its API for whoever has the token, and the
// channels as a page.
//
//	demo-slack --web.listen-address=:8090
//	notifier.yml: slack_configs: [{app_token: xoxb-demo, channel: '#agent-alerts', api_base_url: 'http://localhost:8090/api/'}]
package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kingpin/v2"

	"github.com/alertvitals/notifier/notifiers/slack/slackfake"
)

func main() {
	slog.SetDefault(slog.New(slog.NewTextHandler(os.Stderr, nil))) // as the notifier and Prometheus write
	app := kingpin.New("demo-slack", "A stand-in for Slack that shows what is posted to it as a page. It keeps nothing when it ends.")
	listen := app.Flag("web.listen-address", "Address to listen on.").Default(":8090").String()
	token := app.Flag("token", "The bot token that it knows.").Default("xoxb-demo").String()
	kingpin.MustParse(app.Parse(os.Args[1:]))

	if err := serve(*listen, *token); err != nil {
		slog.Error("The stand-in for Slack ended", "err", err)
		os.Exit(1)
	}
}

func serve(address, token string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	slog.Info("Listening on", "address", listener.Addr().String())
	workspace := slackfake.New(token)
	workspace.KeepPace()
	mux := http.NewServeMux()
	mux.Handle("/", workspace)
	mux.HandleFunc("GET /ready", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("Ready")) })
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
