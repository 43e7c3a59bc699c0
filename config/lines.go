package config

import (
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// Lines says in which line of a configuration, counted from 1, the value at a path begins, as in route.routes[2]; where there is no such
// value, the line of what should hold it. It is for a source that Load has read.
func Lines(source []byte) func(path string) int {
	var root ast.Node
	if file, err := parser.ParseBytes(source, 0); err == nil && len(file.Docs) > 0 {
		root = file.Docs[0].Body
	}
	return func(path string) int {
		line, _ := locate(root, path)
		return line
	}
}
