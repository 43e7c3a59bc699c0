package config

import (
	"errors"
	"reflect"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
)

// decodeError is the finding of an error that decoding root into a Config has met.
func decodeError(name string, source []byte, root ast.Node, err error) Finding {
	var wrongType *yaml.TypeError
	if errors.As(err, &wrongType) && wrongType.Token != nil {
		at := wrongType.Token.Position
		return finding(name, source, at.Line, at.Column, "want "+words(wrongType.DstType)+" here")
	}
	// An error of a type that decodes itself (a duration, a URL) has no place: find the node that it refuses.
	if node, msg := refused(root, reflect.TypeFor[Config]()); node != nil {
		at := start(node).Position
		return finding(name, source, at.Line, at.Column, msg)
	}
	return fromYAML(name, source, err)
}

// words is what a type looks like in YAML.
func words(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Struct, reflect.Map:
		return "a mapping (key: value)"
	case reflect.Slice:
		return "a list"
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int64, reflect.Uint64, reflect.Float64:
		return "a number"
	case reflect.Pointer:
		return words(t.Elem())
	default:
		return "text"
	}
}

// refused is the innermost node below n that a type which decodes itself does not take, and why.
func refused(n ast.Node, t reflect.Type) (ast.Node, string) {
	n = resolve(n)
	if n == nil {
		return nil, ""
	}
	if t.Kind() == reflect.Pointer {
		return refused(n, t.Elem())
	}
	if decodesItself(t) {
		if err := yaml.NodeToValue(n, reflect.New(t).Interface()); err != nil {
			msg := firstLine(err.Error())
			if strings.HasPrefix(msg, "parse ") { // net/url repeats the address, with its password
				msg = "this is not an http or https address"
			}
			return n, msg
		}
		return nil, ""
	}
	for key, child := range children(n) {
		inner := elementType(t, key)
		if inner == nil {
			continue
		}
		if node, msg := refused(child, inner); node != nil {
			return node, msg
		}
	}
	return nil, ""
}

func decodesItself(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return p.Implements(reflect.TypeFor[yaml.BytesUnmarshaler]()) || p.Implements(reflect.TypeFor[yaml.InterfaceUnmarshaler]())
}

// elementType is the type of what stands under key in a value of type t, nil when there is none.
func elementType(t reflect.Type, key string) reflect.Type {
	switch t.Kind() {
	case reflect.Slice, reflect.Map:
		return t.Elem()
	case reflect.Struct:
		for i := range t.NumField() {
			if tag, _, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ","); tag == key {
				return t.Field(i).Type
			}
		}
	}
	return nil
}

// children are the parts of n with their keys; those of a list have none.
func children(n ast.Node) func(yield func(string, ast.Node) bool) {
	return func(yield func(string, ast.Node) bool) {
		switch n := n.(type) {
		case *ast.MappingNode:
			for _, entry := range n.Values {
				if !yield(entry.Key.GetToken().Value, entry.Value) {
					return
				}
			}
		case *ast.MappingValueNode:
			yield(n.Key.GetToken().Value, n.Value)
		case *ast.SequenceNode:
			for _, value := range n.Values {
				if !yield("", value) {
					return
				}
			}
		}
	}
}
