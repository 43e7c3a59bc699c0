package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/alecthomas/kingpin/v2"
)

// healthTimeout bounds the question: who asks for a container's health asks again in a moment.
const healthTimeout = 5 * time.Second

// healthCommand is `notifier health`, the health check of a container whose image holds no other program.
type healthCommand struct {
	notifierFlags

	cmd *kingpin.CmdClause
}

func addHealth(app *kingpin.Application) *healthCommand {
	h := &healthCommand{cmd: app.Command("health", "Ask a running notifier whether it is ready.")}
	h.cmd.HelpLong(`It ends with 0 when a webhook would be accepted, and with 1 when not, or when there is no answer within 5s. A container's health
check is this command, because its image holds no other program.

  notifier health
  notifier health --url=https://notifier.example.com --http.config.file=client.yml`)
	h.notifierFlags = addNotifierFlags(h.cmd, "The address of the notifier.", "http://localhost:9095")
	return h
}

func (h *healthCommand) validate(command string) error {
	if command != h.cmd.FullCommand() {
		return nil
	}
	return h.notifierFlags.validate()
}

// run fails when what runs there is not ready.
func (h *healthCommand) run(ctx context.Context, stdout io.Writer) error {
	c, err := h.client()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	if _, err := c.ask(ctx, http.MethodGet, nil, "ready"); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "%s is ready\n", (*h.url).Redacted())
	return nil
}
