package cases

import (
	"fmt"
	"path/filepath"
	"time"

	"github.com/alertvitals/notifier/config/problem"
)

// File is a file of tests.
type File struct {
	// ConfigFile is the configuration whose routes are tested; a relative path begins at the file of tests.
	ConfigFile string `yaml:"config_file"`
	Tests      []Test `yaml:"tests"`
}

// Test is one thing that is expected of the routes. It has Labels or Payload.
type Test struct {
	// Name says what is expected, for the person who reads that it does not hold.
	Name string `yaml:"name"`
	// Labels are those of one alert.
	Labels map[string]string `yaml:"labels"`
	// Payload is a file with a payload of Alertmanager's webhook, each of whose alerts is routed; a relative path begins at the file of tests.
	Payload string `yaml:"payload"`
	// Time is when, as in 2026-03-14T09:26:53+01:00: what is muted then is not told. Without it, time intervals do not count.
	Time string `yaml:"time"`
	// Receivers are who is told, in the order of the tree; for a payload in that in which its alerts lead to them.
	Receivers []string `yaml:"receivers"`
}

// Validate says what is wrong with the file by itself.
func (f File) Validate() []problem.Problem {
	var problems []problem.Problem
	add := func(path, format string, args ...any) {
		problems = append(problems, problem.Problem{Path: path, Msg: fmt.Sprintf(format, args...)})
	}
	if f.ConfigFile == "" {
		add("config_file", "is missing: the configuration whose routes are tested")
	}
	if len(f.Tests) == 0 {
		add("tests", "there are none; want a list of tests, each with name, labels and receivers")
	}
	var names []string
	for i, t := range f.Tests {
		path := fmt.Sprintf("tests[%d]", i)
		if t.Name == "" {
			add(path, "needs a name that says what is expected")
		}
		names = append(names, t.Name)
		switch {
		case t.Labels == nil && t.Payload == "":
			add(path, "has no alert: want labels, {} for an alert without any, or the file of a payload")
		case t.Labels != nil && t.Payload != "":
			add(path+".payload", "labels and payload are both given, want one of them")
		}
		if _, err := time.Parse(time.RFC3339, t.Time); err != nil && t.Time != "" {
			add(path+".time", "want a time with its zone, such as 2026-03-14T09:26:53+01:00")
		}
		if t.Receivers == nil {
			add(path, "names no receivers; where nobody is told, for a heartbeat or what is muted at a time, write receivers: []")
		}
	}
	return append(problems, problem.Twice("test", names, func(i int) string { return fmt.Sprintf("tests[%d].name", i) })...)
}

// from is a path that is written in the file called name.
func from(name, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(name), path)
}
