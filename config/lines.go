package config

import "github.com/alertvitals/notifier/config/strict"

// Lines says in which line of a configuration, counted from 1, the value at a path begins, as in route.routes[2]; where there is no such
// value, the line of what should hold it. It is for a source that Load has read.
func Lines(source []byte) func(path string) int {
	return strict.Read("", source, &Config{}, strict.Options{}).Line
}
