// Command generate writes the Grafana dashboards, dashboards/*.json.
//
// In flow the boards of this package: for each panel what it shows, its unit and its PromQL. Out flow files that Grafana imports or
// provisions as they are. It decides ids, places and variables, so that no panel can lie on another or miss the variables; it asks no
// Grafana and no Prometheus.
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	dir := "."
	if len(os.Args) > 1 {
		dir = os.Args[1]
	}
	for _, b := range boards() {
		content, err := b.json()
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, b.name+".json"), content, 0o644) //nolint:gosec // dashboards are for everybody
		}
		if err != nil {
			fmt.Fprintf(os.Stderr, "writing the dashboard %s: %v\n", b.name, err)
			os.Exit(1)
		}
	}
}

// boards are all dashboards.
func boards() []board {
	return []board{
		agentSDK(), asterServer(), claudeCode(), claudeRunner(), genAI(), liteLLM(), notifier(), openCodeArticle(), openCodeOTel(), vLLM(),
	}
}
