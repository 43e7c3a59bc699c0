// Package problem holds the value with which a package says what is wrong with its part of the configuration.
//
// In flows nothing; out flow a Path and a message. The package knows no file, no line and no YAML: package config turns
// a path into a place in the file.
package problem

import (
	"fmt"
	"strings"
)

// Problem is one thing that is wrong with the configuration.
type Problem struct {
	// Path leads to the value from the root of what was checked, as in "routes[1].matchers[0]"; "" is the root itself. Something
	// that is missing has the path that it would have.
	Path string
	// Msg says what is wrong and what would be right, for the person who edits the file.
	Msg string
	// Other is the path of the value that this one cannot go together with, as of the same name; its line is added to Msg.
	Other string
	// Names is what Msg says that there is not, as in "receiver"; "" when it says no such thing.
	Names string
}

// Under puts prefix before the path of every problem, so that a part's problems become its owner's.
func Under(prefix string, problems []Problem) []Problem {
	under := make([]Problem, len(problems))
	for i, p := range problems {
		p.Path = join(prefix, p.Path)
		if p.Other != "" {
			p.Other = join(prefix, p.Other)
		}
		under[i] = p
	}
	return under
}

func join(prefix, path string) string {
	switch {
	case path == "":
		return prefix
	case strings.HasPrefix(path, "["):
		return prefix + path
	default:
		return prefix + "." + path
	}
}

// Missing says that there is no what ("receiver") of that name, and which of the known ones may be meant.
func Missing(path, what, name string, known []string) Problem {
	msg := fmt.Sprintf("there is no %s %q", what, name)
	if near := Nearest(name, known); near != "" {
		msg += fmt.Sprintf("; did you mean %q?", near)
	}
	return Problem{Path: path, Msg: msg, Names: what}
}

// Twice says of every name at path(i) that one before it is the same. What is named is a what ("receiver").
func Twice(what string, names []string, path func(i int) string) []Problem {
	var problems []Problem
	first := map[string]int{}
	for i, name := range names {
		before, there := first[name]
		switch {
		case name == "":
		case there:
			problems = append(problems, Problem{Path: path(i), Msg: fmt.Sprintf("there is another %s %q", what, name), Other: path(before)})
		default:
			first[name] = i
		}
	}
	return problems
}
