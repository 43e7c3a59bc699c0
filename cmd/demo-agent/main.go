// Command demo-agent is an AI agent that falls ill on demand, to try the notifier against.
//
//	demo-agent --web.listen-address=:8080
//	curl -X POST 'http://localhost:8080/demo/ill?with=errors,slow'
//	curl -X POST  http://localhost:8080/demo/well
package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kingpin/v2"

	"github.com/alertvitals/notifier/demo/agent"
)

func main() {
	slog.SetDefault(slog.New(slog.NewTextHandler(os.Stderr, nil))) // as the notifier and Prometheus write
	app := kingpin.New("demo-agent", "An AI agent that falls ill on demand: POST /demo/ill?with="+strings.Join(agent.Illnesses(), ",")+" and POST /demo/well.")
	listen := app.Flag("web.listen-address", "Address to listen on.").Default(":8080").String()
	pace := app.Flag("chat.interval", "Time between two chats. Many more of them than by default are many tokens, of which a rule warns.").
		Default(agent.Pace.String()).Duration()
	kingpin.MustParse(app.Parse(os.Args[1:]))
	if *pace <= 0 {
		app.Fatalf("--chat.interval: want more than 0, got %s", *pace)
	}

	if err := serve(*listen, *pace); err != nil {
		slog.Error("The agent ended", "err", err)
		os.Exit(1)
	}
}

func serve(address string, pace time.Duration) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	slog.Info("Listening on", "address", listener.Addr().String())
	a := agent.New()
	server := &http.Server{Handler: a, ReadHeaderTimeout: 10 * time.Second}
	go a.Run(ctx, pace)
	context.AfterFunc(ctx, func() { _ = server.Close() })
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
