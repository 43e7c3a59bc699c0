// Package dashboards is Grafana's dashboards, a JSON file for each system, as the command in generate/ writes them.
//
// Nothing flows through it: Grafana reads the files. The tests here hold each expression against what its system exposes.
package dashboards

//go:generate go run ./generate
