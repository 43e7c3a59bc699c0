package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/alecthomas/kingpin/v2"

	"github.com/alertvitals/notifier/config"
	"github.com/alertvitals/notifier/config/alertmanager"
)

// importCommand is `notifier import`.
type importCommand struct {
	cmd  *kingpin.CmdClause
	file *string
}

func addImport(app *kingpin.Application) *importCommand {
	i := &importCommand{cmd: app.Command("import", "Print an alertmanager.yml as a notifier.yml that routes the same way.")}
	i.cmd.HelpLong(`Secrets come along as they are. What has no counterpart stands at the top, with its line.

  notifier import alertmanager.yml > notifier.yml
  notifier import - < alertmanager.yml > notifier.yml`)
	i.file = i.cmd.Arg("file", "The alertmanager.yml, - for standard input.").Required().String()
	return i
}

func (i *importCommand) run(stdin io.Reader, stdout io.Writer) error {
	source, err := readInput(*i.file, stdin)
	if err != nil {
		return fmt.Errorf("reading the file: %w", err)
	}
	text, err := alertmanager.Import(*i.file, source)
	if len(text) > 0 {
		if _, writeErr := stdout.Write(text); writeErr != nil {
			return fmt.Errorf("printing the configuration: %w", writeErr)
		}
	}
	var wrong *config.Error
	if len(text) > 0 && errors.As(err, &wrong) {
		return fmt.Errorf("this much has to be set right in what was printed:\n%v", wrong) //nolint:errorlint // it is told as a text
	}
	return err
}
