package main

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/alecthomas/kingpin/v2"

	"github.com/alertvitals/notifier/config"
)

// checkCommand is `notifier check-config`.
type checkCommand struct {
	cmd          *kingpin.CmdClause
	file, output *string
}

func addCheckConfig(app *kingpin.Application) *checkCommand {
	c := &checkCommand{cmd: app.Command("check-config", "Say whether a configuration is right, and if not, what is wrong and where.")}
	c.cmd.HelpLong(`Everything that is wrong is said at once, with file, line and column. It ends with 0 when the file is right and with 1 when it is wrong.

  notifier check-config
  notifier check-config /etc/notifier/notifier.yml
  notifier check-config - < notifier.yml
  notifier check-config -o json notifier.yml | jq '.problems[].message'`)
	c.file = c.cmd.Arg("file", "The configuration, - for standard input.").Default("notifier.yml").String()
	c.output = c.cmd.Flag("output", "text for people, json for programs.").Short('o').Default("text").Enum("text", asJSON)
	return c
}

// checked is the answer for programs.
type checked struct {
	File     string         `json:"file"`
	OK       bool           `json:"ok"`
	Problems []checkProblem `json:"problems"`
}

type checkProblem struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Message string `json:"message"`
	// Source is the line of the file, without secrets.
	Source string `json:"source,omitempty"`
}

func (c *checkCommand) run(stdin io.Reader, stdout io.Writer) error {
	source, err := readInput(*c.file, stdin)
	if err != nil {
		return fmt.Errorf("reading the configuration: %w", err)
	}
	_, err = config.Load(*c.file, source)
	var wrong *config.Error
	switch {
	case *c.output != asJSON && err == nil:
		fmt.Fprintf(stdout, "%s: OK\n", *c.file)
		return nil
	case *c.output != asJSON:
		return err
	}
	errors.As(err, &wrong)
	answer := checked{File: *c.file, OK: err == nil, Problems: []checkProblem{}}
	if wrong != nil {
		for _, f := range wrong.Findings {
			answer.Problems = append(answer.Problems, checkProblem{f.File, f.Line, f.Column, f.Msg, f.Source})
		}
	}
	if err := printAsJSON(stdout, answer); err != nil {
		return err
	}
	if !answer.OK {
		return errTold
	}
	return nil
}

// errTold says that the answer is no, and that it was told.
var errTold = errors.New("")

// The lines of a config.Error: a place and what is wrong there, and a caret under the source.
var (
	placeLine = regexp.MustCompile(`^(\S.*?:\d+:\d+:)( .*)$`)
	caretLine = regexp.MustCompile(`^( +\| \s*)(\^+)$`)
)

// findings is what a config.Error says, for a terminal that may show colours.
func findings(wrong *config.Error, colour bool) string {
	if !colour {
		return wrong.Error()
	}
	lines := strings.Split(wrong.Error(), "\n")
	for i, line := range lines {
		if at := placeLine.FindStringSubmatch(line); at != nil {
			lines[i] = styleBold + at[1] + styleReset + at[2]
		} else if at := caretLine.FindStringSubmatch(line); at != nil {
			lines[i] = at[1] + styleRed + at[2] + styleReset
		}
	}
	return strings.Join(lines, "\n")
}
