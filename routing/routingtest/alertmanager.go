package routingtest

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
)

// Question is an alertmanager.yml and the alerts that it is asked about.
type Question struct {
	Config string              `json:"config"`
	Labels []map[string]string `json:"labels"`
}

// Answer is Alertmanager's.
type Answer struct {
	// Receivers are, for each alert, whom its routes lead to, each named once, in their order.
	Receivers [][]string `json:"receivers"`
	// Error is why the file was refused, "" when it was not.
	Error string `json:"error"`
}

// Ask asks Alertmanager's library, by a program of the module that pins its version.
func Ask(t *testing.T, questions []Question) []Answer {
	t.Helper()
	input, err := json.Marshal(questions)
	if err != nil {
		t.Fatal(err)
	}
	ask := exec.CommandContext(t.Context(), Build(t, "./dispatch")) //nolint:gosec // a program of our own
	ask.Stdin = bytes.NewReader(input)
	output, err := ask.Output()
	if err != nil {
		t.Fatalf("asking Alertmanager's library: %v", err)
	}
	var answers []Answer
	if err := json.Unmarshal(output, &answers); err != nil {
		t.Fatal(err)
	}
	for _, a := range answers {
		for i := range a.Receivers {
			a.Receivers[i] = Once(a.Receivers[i])
		}
	}
	return answers
}

// Build is the path of a program that was built from the module in tools/amtool.
func Build(t *testing.T, program string) string {
	t.Helper()
	_, here, _, _ := runtime.Caller(0)
	binary := filepath.Join(t.TempDir(), "program")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", binary, program) //nolint:gosec // programs of our own
	build.Dir = filepath.Join(filepath.Dir(here), "..", "..", "tools", "amtool")
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building %s: %v\n%s", program, err, output)
	}
	return binary
}

// Once is the names without those that came before: the notifier tells a receiver once, whatever the number of routes that lead to it.
func Once(receivers []string) []string {
	var once []string
	seen := map[string]bool{}
	for _, name := range receivers {
		if !seen[name] {
			once = append(once, name)
		}
		seen[name] = true
	}
	return once
}
