// Package reference writes docs/configuration.md and notifier.example.yml from what the configuration is read by: the Go types of
// config.Config and of what it holds, their yaml tags, the comments of their fields, and their defaults.
//
// In flow the types and the source files that they stand in, and example.yml, the values that the example has. Out flow two texts.
// The package is part of no program: `go generate ./config` runs it, and its test holds the files against it. It says nothing of a
// key that the key's own comment does not say.
package reference
