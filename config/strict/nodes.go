package strict

import (
	"fmt"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// mostNodes bounds what aliases may make of a document: ten lines of them can stand for more than a machine holds.
const mostNodes = 100_000

// expander replaces aliases by what they stand for, merge keys by what they merge, and takes anchors off, so that what is left is
// mappings, lists and scalars. Nodes keep the place where their text stands.
type expander struct {
	anchors map[string]ast.Node
	// sizes are how many nodes an expanded node has.
	sizes  map[ast.Node]int
	wrongf func(at *token.Token, format string, args ...any)
}

func (e *expander) expand(n ast.Node) ast.Node {
	switch n := n.(type) {
	case nil:
		return nil
	case *ast.AnchorNode:
		value := e.expand(n.Value)
		if n.Name != nil {
			e.anchors[n.Name.GetToken().Value] = value
		}
		return value
	case *ast.AliasNode:
		return e.alias(n)
	case *ast.TagNode:
		return e.tag(n)
	case *ast.MappingValueNode:
		return e.mapping(n, n.Start, []*ast.MappingValueNode{n})
	case *ast.MappingNode:
		return e.mapping(n, n.Start, n.Values)
	case *ast.SequenceNode:
		list := *n
		list.Values = make([]ast.Node, len(n.Values))
		size := 1
		for i, value := range n.Values {
			list.Values[i] = e.expand(value)
			size += e.size(list.Values[i])
		}
		return e.sized(&list, n.Start, size)
	default:
		return n
	}
}

func (e *expander) alias(n *ast.AliasNode) ast.Node {
	name := ""
	if n.Value != nil {
		name = n.Value.GetToken().Value
	}
	value, there := e.anchors[name]
	if !there {
		e.wrongf(n.Start, "there is no anchor &%s before this", name)
		return unreadable(n.Start)
	}
	return value
}

func (e *expander) tag(n *ast.TagNode) ast.Node {
	value := e.expand(n.Value)
	if value == nil {
		value = unreadable(n.Start)
	}
	scalar, ok := value.(ast.ScalarNode)
	switch token.ReservedTagKeyword(n.Start.Value) {
	case token.StringTag:
		if ok {
			return &ast.StringNode{BaseNode: &ast.BaseNode{}, Token: scalar.GetToken(), Value: text(scalar)}
		}
	case token.IntegerTag, token.FloatTag, token.BooleanTag, token.NullTag, token.MappingTag, token.SequenceTag:
	default:
		e.wrongf(n.Start, "the tag %s means nothing here; leave it out", n.Start.Value)
		return unreadable(n.Start)
	}
	return value
}

// unreadable stands for what could not be read; it is told already.
func unreadable(at *token.Token) ast.Node {
	return &ast.CommentGroupNode{BaseNode: &ast.BaseNode{}, Comments: []*ast.CommentNode{{BaseNode: &ast.BaseNode{}, Token: at}}}
}

func isUnreadable(n ast.Node) bool { _, is := n.(*ast.CommentGroupNode); return is }

// mapping has the entries of its own first, and then what it merges: a key of its own wins, and of two that merge one the first.
func (e *expander) mapping(from ast.Node, start *token.Token, entries []*ast.MappingValueNode) ast.Node {
	m := &ast.MappingNode{BaseNode: &ast.BaseNode{}, Start: start}
	if whole, ok := from.(*ast.MappingNode); ok {
		m.IsFlowStyle, m.End = whole.IsFlowStyle, whole.End
	}
	size := 1
	var merged []*ast.MappingValueNode
	own := map[string]bool{}
	for _, entry := range entries {
		if entry.Key.IsMergeKey() {
			merged = append(merged, e.merged(entry)...)
			continue
		}
		one := *entry
		one.Key = e.key(entry.Key)
		one.Value = e.expand(entry.Value)
		size += 1 + e.size(one.Value)
		own[text(one.Key)] = true
		m.Values = append(m.Values, &one)
	}
	for _, entry := range merged {
		if key := text(entry.Key); !own[key] {
			own[key] = true
			size += 1 + e.size(entry.Value)
			m.Values = append(m.Values, entry)
		}
	}
	return e.sized(m, start, size)
}

func (e *expander) merged(entry *ast.MappingValueNode) []*ast.MappingValueNode {
	value := e.expand(entry.Value)
	all := []ast.Node{value}
	if list, ok := value.(*ast.SequenceNode); ok {
		all = list.Values
	}
	var entries []*ast.MappingValueNode
	for _, one := range all {
		m, ok := one.(*ast.MappingNode)
		switch {
		case ok:
			entries = append(entries, m.Values...)
		case !isUnreadable(one):
			e.wrongf(entry.Key.GetToken(), "<< merges a mapping, or a list of them, as in <<: *defaults")
			return nil
		}
	}
	return entries
}

// key is a key without what stands around it.
func (e *expander) key(n ast.MapKeyNode) ast.MapKeyNode {
	var at ast.Node = n
	for {
		switch outer := at.(type) {
		case *ast.MappingKeyNode:
			at = outer.Value
		case *ast.AnchorNode:
			if outer.Name != nil {
				e.anchors[outer.Name.GetToken().Value] = outer.Value
			}
			at = outer.Value
		case *ast.TagNode:
			at = outer.Value
		case *ast.AliasNode:
			at = e.alias(outer)
		default:
			if scalar, ok := at.(ast.ScalarNode); ok {
				if key, ok := scalar.(ast.MapKeyNode); ok {
					return key
				}
			}
			if !isUnreadable(at) {
				e.wrongf(n.GetToken(), "a key is a word; write key: value")
			}
			return n
		}
	}
}

func (e *expander) size(n ast.Node) int {
	if size, ok := e.sizes[n]; ok {
		return size
	}
	return 1
}

func (e *expander) sized(n ast.Node, at *token.Token, size int) ast.Node {
	if size > mostNodes {
		e.wrongf(at, "aliases make more than %d values of this", mostNodes)
		return unreadable(at)
	}
	e.sizes[n] = size
	return n
}

// text is what a scalar says.
func text(n ast.Node) string {
	switch n := n.(type) {
	case nil:
		return ""
	case *ast.StringNode:
		return n.Value
	case *ast.LiteralNode:
		return n.Value.Value
	default:
		if t := n.GetToken(); t != nil {
			return t.Value
		}
		return ""
	}
}

// start is the first token of n, or nil.
func start(n ast.Node) *token.Token {
	switch n := n.(type) {
	case nil:
		return nil
	case *ast.MappingNode:
		if len(n.Values) > 0 && !n.IsFlowStyle {
			return n.Values[0].Key.GetToken()
		}
		return n.Start
	case *ast.SequenceNode:
		if len(n.Values) > 0 && !n.IsFlowStyle {
			return start(n.Values[0])
		}
		return n.Start
	case *ast.CommentGroupNode:
		return n.Comments[0].Token
	default:
		return n.GetToken()
	}
}

// kind says what n is, for people.
func kind(n ast.Node) string {
	switch n := n.(type) {
	case *ast.MappingNode:
		return "a mapping"
	case *ast.SequenceNode:
		return "a list"
	case *ast.StringNode:
		return fmt.Sprintf("the text %q", clipped(n.Value))
	case *ast.LiteralNode:
		return "a text of several lines"
	case *ast.BoolNode:
		return n.GetToken().Value
	default:
		return "the number " + clipped(n.GetToken().Value)
	}
}

func clipped(s string) string {
	if runes := []rune(s); len(runes) > 40 {
		return string(runes[:39]) + "…"
	}
	return s
}
