package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/alecthomas/kingpin/v2"

	"github.com/alertvitals/notifier/config"
	"github.com/alertvitals/notifier/config/cases"
	"github.com/alertvitals/notifier/routing"
)

// testRoutesCommand is `notifier test-routes`.
type testRoutesCommand struct {
	cmd    *kingpin.CmdClause
	files  *[]string
	output *string
}

func addTestRoutes(app *kingpin.Application) *testRoutesCommand {
	t := &testRoutesCommand{cmd: app.Command("test-routes", "Run unit tests of the routes: which receivers are expected for which labels.")}
	t.cmd.HelpLong(`A file of tests stands beside the configuration that it names; docs/routing.md says how it is written.

  notifier test-routes routes.test.yml
  notifier test-routes -o json routes.test.yml other.test.yml`)
	t.files = t.cmd.Arg("file", "Files of tests.").Required().Strings()
	t.output = t.cmd.Flag("output", "text for people, json for programs.").Short('o').Default("text").Enum("text", asJSON)
	return t
}

// tested is what became of one file.
type tested struct {
	File   string         `json:"file"`
	Config string         `json:"config_file"`
	Tests  []cases.Result `json:"tests"`
}

// run runs all files. It fails when a test does, or when a file cannot be used; the others are run nonetheless.
func (t *testRoutesCommand) run(stdout, stderr io.Writer) error {
	all := []tested{}
	failed, unusable := 0, 0
	for _, file := range *t.files {
		suite, err := cases.Load(file)
		if err != nil {
			var wrong *config.Error
			if !errors.As(err, &wrong) {
				err = fmt.Errorf("notifier: %w", err)
			}
			fmt.Fprintln(stderr, err)
			unusable++
			continue
		}
		one := tested{File: file, Config: suite.ConfigPath, Tests: suite.Run()}
		all = append(all, one)
		for _, r := range one.Tests {
			if !r.Passed {
				failed++
			}
		}
		if *t.output != asJSON {
			fmt.Fprint(stdout, testedText(one))
		}
	}
	if *t.output == asJSON {
		if err := printAsJSON(stdout, all); err != nil {
			return err
		}
	}
	switch {
	case unusable > 0:
		return fmt.Errorf("%d of %d files could not be run", unusable, len(*t.files))
	case failed > 0:
		return fmt.Errorf("tests failed: %d", failed)
	default:
		return nil
	}
}

// testedText has a paragraph for each test that failed, and one line for all.
func testedText(one tested) string {
	var text strings.Builder
	failed := 0
	for _, r := range one.Tests {
		if r.Passed {
			continue
		}
		failed++
		fmt.Fprintf(&text, "%s:%d: %s\n", printable(one.File), r.Line, printable(r.Name))
		fmt.Fprintf(&text, "  want  %s\n  got   %s\n", names(r.Want), names(r.Got))
		for _, name := range r.Want {
			if !slices.Contains(r.Got, name) {
				why := "no route led there"
				if slices.ContainsFunc(r.Through, func(t routing.Through) bool { return t.Receiver == name }) {
					why = "it is muted then"
				}
				fmt.Fprintf(&text, "  - %s: %s\n", printable(name), why)
			}
		}
		for _, through := range r.Through {
			mark := "+"
			if slices.Contains(r.Want, through.Receiver) {
				mark = " "
			}
			fmt.Fprintf(&text, "  %s %s: through %s%s\n", mark, printable(through.Receiver), printable(through.Place())+
				intervalsText(through.MuteTimeIntervals, through.ActiveTimeIntervals), atLine(one.Config, through.Line))
		}
	}
	if failed > 0 {
		fmt.Fprintf(&text, "%s: %d of %d failed\n", printable(one.File), failed, len(one.Tests))
	} else {
		fmt.Fprintf(&text, "%s: %d passed\n", printable(one.File), len(one.Tests))
	}
	return text.String()
}
