package cases

import (
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/alertvitals/notifier/alert"
	"github.com/alertvitals/notifier/config"
	"github.com/alertvitals/notifier/config/problem"
	"github.com/alertvitals/notifier/config/strict"
	"github.com/alertvitals/notifier/heartbeat"
	"github.com/alertvitals/notifier/routing"
)

// Suite is a file of tests that can be run.
type Suite struct {
	// ConfigPath is where the configuration is.
	ConfigPath string

	tree   *routing.Tree
	muting *routing.Muting
	// expected is whether an alert is a heartbeat.
	expected func(labels map[string]string) bool
	tests    []Test
	alerts   [][]map[string]string // of each test
	lines    []int
}

// Result is what became of one test.
type Result struct {
	Name string `json:"name"`
	// Line is where the test begins in its file, counted from 1.
	Line   int  `json:"line"`
	Passed bool `json:"passed"`
	// Want are the receivers that are expected, Got those that the routes lead to.
	Want []string `json:"want"`
	Got  []string `json:"got"`
	// Through says by which routes those came.
	Through []routing.Through `json:"through"`
}

// Load reads a file of tests, the configuration that it names, and the payloads. The error is a *config.Error with all that is wrong with the
// file, or else with the configuration.
func Load(path string) (*Suite, error) {
	source, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the tests: %w", err)
	}
	return load(path, source)
}

func load(path string, source []byte) (*Suite, error) {
	var f File
	doc := strict.Read(path, source, &f, strict.Options{})
	s := &Suite{ConfigPath: from(path, f.ConfigFile), tests: f.Tests}
	problems := f.Validate()
	var payloadProblems []problem.Problem
	s.alerts, payloadProblems = f.alerts(path)
	problems = append(problems, payloadProblems...)
	if f.ConfigFile != "" {
		text, err := os.ReadFile(s.ConfigPath)
		if err != nil {
			return nil, doc.Err(append(problems, problem.Problem{Path: "config_file", Msg: fmt.Sprintf("cannot be read: %v", err)}))
		}
		cfg, err := config.Load(s.ConfigPath, text)
		if err != nil {
			if own := doc.Err(problems); own != nil {
				return nil, own
			}
			return nil, err
		}
		problems = append(problems, f.unknown(cfg)...)
		if s.tree, err = routing.NewLocated(cfg.Route, config.Lines(text)); err != nil {
			return nil, fmt.Errorf("preparing the routes: %w", err)
		}
		if s.expected, err = heartbeat.Expected(cfg.Heartbeats); err != nil {
			return nil, fmt.Errorf("preparing the heartbeats: %w", err)
		}
		if s.muting, err = routing.NewMuting(s.tree, cfg.Intervals()); err != nil {
			return nil, fmt.Errorf("preparing the routes: %w", err)
		}
	}
	if err := doc.Err(problems); err != nil {
		return nil, err
	}
	for i := range s.tests {
		s.lines = append(s.lines, doc.Line(fmt.Sprintf("tests[%d]", i)))
	}
	return s, nil
}

// alerts are the labels of each test's alerts.
func (f File) alerts(path string) (all [][]map[string]string, problems []problem.Problem) {
	for i, t := range f.Tests {
		alerts := []map[string]string{t.Labels}
		if t.Payload != "" {
			body, err := os.ReadFile(from(path, t.Payload))
			var n alert.Notification
			if err == nil {
				n, err = alert.Decode(body)
			}
			if err != nil {
				problems = append(problems, problem.Problem{
					Path: fmt.Sprintf("tests[%d].payload", i), Msg: fmt.Sprintf("is no payload of Alertmanager's that can be read: %v", err),
				})
			}
			alerts = n.AlertLabels()
		}
		all = append(all, alerts)
	}
	return all, problems
}

// unknown are the receivers that the configuration does not have.
func (f File) unknown(cfg config.Config) []problem.Problem {
	var problems []problem.Problem
	for i, t := range f.Tests {
		for j, name := range t.Receivers {
			if !slices.ContainsFunc(cfg.Receivers, func(r config.Receiver) bool { return r.Name == name }) {
				problems = append(problems, problem.Problem{
					Path: fmt.Sprintf("tests[%d].receivers[%d]", i, j), Msg: fmt.Sprintf("there is no receiver %q in %s", name, f.ConfigFile),
				})
			}
		}
	}
	return problems
}

// Run runs every test.
func (s *Suite) Run() []Result {
	results := make([]Result, len(s.tests))
	for i, t := range s.tests {
		answer := s.tree.Ask(s.alerts[i], nil, s.expected)
		r := Result{Name: t.Name, Line: s.lines[i], Want: t.Receivers, Got: s.told(t, answer)}
		r.Passed = slices.Equal(r.Want, r.Got)
		for _, e := range answer.Alerts {
			for _, through := range e.Through {
				same := func(other routing.Through) bool {
					return other.Receiver == through.Receiver && other.Place() == through.Place()
				}
				if !slices.ContainsFunc(r.Through, same) {
					r.Through = append(r.Through, through)
				}
			}
		}
		results[i] = r
	}
	return results
}

// told are the receivers that are not muted at the test's time.
func (s *Suite) told(t Test, answer routing.Answer) []string {
	at, err := time.Parse(time.RFC3339, t.Time)
	if err != nil {
		return answer.Receivers // the test has no time
	}
	told := []string{}
	for _, name := range answer.Receivers {
		if slices.ContainsFunc(answer.Alerts, func(e routing.Explanation) bool {
			_, muted := s.muting.Mutes(e.Labels, name, at)
			return slices.Contains(e.Receivers, name) && !muted
		}) {
			told = append(told, name)
		}
	}
	return told
}
