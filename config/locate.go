package config

import (
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// locate is where in the file the value at path stands, or, when it is missing, the innermost thing around it that is
// there; line 1, column 1 for an empty file.
func locate(root ast.Node, path string) (line, column int) {
	at := root
	best := start(root)
	for _, step := range steps(path) {
		key, next := child(at, step)
		if next == nil {
			break
		}
		at = next
		best = start(next)
		// A value that is itself a mapping or a list is best shown by the key that introduces it.
		if _, scalar := next.(ast.ScalarNode); key != nil && !scalar {
			best = key
		}
	}
	if best == nil || best.Position == nil {
		return 1, 1
	}
	return best.Position.Line, best.Position.Column
}

// steps cuts "receivers[1].slack_configs[0].channel" into receivers, 1, slack_configs, 0, channel.
func steps(path string) []string {
	path = strings.ReplaceAll(strings.ReplaceAll(path, "[", "."), "]", "")
	return strings.FieldsFunc(path, func(r rune) bool { return r == '.' })
}

// child is the part of n that step leads to, and the key before it when n is a mapping.
func child(n ast.Node, step string) (key *token.Token, value ast.Node) {
	switch n := resolve(n).(type) {
	case *ast.MappingNode:
		for _, entry := range n.Values {
			if key := entry.Key.GetToken(); key.Value == step {
				return key, entry.Value
			}
		}
	case *ast.MappingValueNode:
		if key := n.Key.GetToken(); key.Value == step {
			return key, n.Value
		}
	case *ast.SequenceNode:
		if i, err := strconv.Atoi(step); err == nil && i >= 0 && i < len(n.Values) {
			return nil, n.Values[i]
		}
	}
	return nil, nil
}

// resolve looks through anchors and tags; an alias keeps its own place.
func resolve(n ast.Node) ast.Node {
	for {
		switch outer := n.(type) {
		case *ast.AnchorNode:
			n = outer.Value
		case *ast.TagNode:
			n = outer.Value
		default:
			return n
		}
	}
}

// start is the first token of n.
func start(n ast.Node) *token.Token {
	switch n := resolve(n).(type) {
	case nil:
		return nil
	case *ast.MappingNode:
		if len(n.Values) > 0 {
			return n.Values[0].Key.GetToken()
		}
		return n.GetToken()
	case *ast.MappingValueNode:
		return n.Key.GetToken()
	case *ast.SequenceNode:
		if len(n.Values) > 0 {
			return start(n.Values[0])
		}
		return n.GetToken()
	default:
		return n.GetToken()
	}
}
