// Package problem holds the value with which a package says what is wrong with its part of the configuration.
//
// In flows nothing; out flow a Path and a message. The package knows no file, no line and no YAML: package config turns
// a path into a place in the file.
package problem

import "strings"

// Problem is one thing that is wrong with the configuration.
type Problem struct {
	// Path leads to the value from the root of what was checked, as in "routes[1].matchers[0]"; "" is the root itself.
	Path string
	// Msg says what is wrong and what would be right, for the person who edits the file.
	Msg string
}

// Under puts prefix before the path of every problem, so that a part's problems become its owner's.
func Under(prefix string, problems []Problem) []Problem {
	under := make([]Problem, len(problems))
	for i, p := range problems {
		switch {
		case p.Path == "":
			p.Path = prefix
		case strings.HasPrefix(p.Path, "["):
			p.Path = prefix + p.Path
		default:
			p.Path = prefix + "." + p.Path
		}
		under[i] = p
	}
	return under
}
