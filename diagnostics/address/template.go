package address

import (
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"strings"
	"text/template"
	"text/template/parse"

	amtemplate "github.com/prometheus/alertmanager/template"
)

// IsTemplate is whether a configured address takes a part of it from labels.
func IsTemplate(text string) bool { return strings.Contains(text, "{{") }

const (
	// markFunc is what every value is piped through last. Its name cannot be written in a template by accident.
	markFunc = "address_value"
	// mark stands around a value, in hexadecimal, in what a template gives. YAML has no such character.
	mark = "\x00"
	// maxRendered bounds what a template gives, in bytes, with two for each byte of a value.
	maxRendered = 64 << 10
)

// errTooLong is a template that gives more than an address can be.
var errTooLong = errors.New("gives more than an address can be")

// parseTemplate reads a template in Alertmanager's language: its functions are those that an operator knows, and they reach
// nothing outside. Its errors are for the person who wrote it.
func parseTemplate(text string) (*template.Template, error) {
	if strings.Contains(text, mark) {
		return nil, errors.New("holds a character that no address has")
	}
	funcs := maps.Clone(template.FuncMap(amtemplate.DefaultFuncs))
	funcs[markFunc] = func(v any) string { return mark + hex.EncodeToString(fmt.Append(nil, v)) + mark }
	t, err := template.New("").Option("missingkey=zero").Funcs(funcs).Parse(text)
	if err != nil {
		return nil, fmt.Errorf("is not a template: %s", parseReason(err))
	}
	for _, one := range t.Templates() {
		if one.Tree != nil {
			markValues(one.Root)
		}
	}
	return t, nil
}

// place is how text/template says where an error is: "template: :1:".
var place = regexp.MustCompile(`^template: :\d+(:\d+)?: (executing "" at )?`)

// noField is how it says that there is no such name.
var noField = regexp.MustCompile(`^.*can't evaluate field (\w+) in type address\.\w+$`)

// parseReason is why a template is wrong; has are the names that there are.
func parseReason(err error, has ...string) string {
	reason := place.ReplaceAllString(err.Error(), "")
	return noField.ReplaceAllString(reason, "there is no .$1; there is "+strings.Join(has, ", "))
}

// markValues has every value that is written pass through the mark, as html/template does with its escapers, so that what
// came from a label can be told from what stands in the configuration.
func markValues(node parse.Node) {
	switch n := node.(type) {
	case *parse.ListNode:
		if n == nil {
			return
		}
		for _, child := range n.Nodes {
			markValues(child)
		}
	case *parse.ActionNode:
		if len(n.Pipe.Decl) > 0 {
			return // it sets a variable and writes nothing
		}
		n.Pipe.Cmds = append(n.Pipe.Cmds, &parse.CommandNode{
			NodeType: parse.NodeCommand, Pos: n.Pos, Args: []parse.Node{parse.NewIdentifier(markFunc).SetPos(n.Pos)},
		})
	case *parse.IfNode:
		markValues(n.List)
		markValues(n.ElseList)
	case *parse.RangeNode:
		markValues(n.List)
		markValues(n.ElseList)
	case *parse.WithNode:
		markValues(n.List)
		markValues(n.ElseList)
	}
}

// literals are the texts of a template, in the order in which they stand.
func literals(node parse.Node) []string {
	switch n := node.(type) {
	case *parse.ListNode:
		var all []string
		if n != nil {
			for _, child := range n.Nodes {
				all = append(all, literals(child)...)
			}
		}
		return all
	case *parse.TextNode:
		return []string{string(n.Text)}
	case *parse.IfNode:
		return append(literals(n.List), literals(n.ElseList)...)
	case *parse.RangeNode:
		return append(literals(n.List), literals(n.ElseList)...)
	case *parse.WithNode:
		return append(literals(n.List), literals(n.ElseList)...)
	}
	return nil
}

// opening is the text with which everything that the template gives begins: what stands before the first value or condition.
func opening(t *template.Template) string {
	for _, node := range t.Root.Nodes {
		switch n := node.(type) {
		case *parse.TextNode:
			return string(n.Text)
		case *parse.ActionNode:
			if len(n.Pipe.Decl) > 0 {
				continue
			}
		case *parse.CommentNode:
			continue
		}
		break
	}
	return ""
}

// scheme is that of an address which begins with text, "" when it is neither http nor https.
func schemeOf(text string) string {
	for _, scheme := range []string{"http", "https"} {
		if strings.HasPrefix(text, scheme+"://") {
			return scheme
		}
	}
	return ""
}

// piece is a part of what a template gives: what stands in the configuration, or a value.
type piece struct {
	text  string
	value bool
}

// execute is what the template gives for data.
func execute(t *template.Template, data any) ([]piece, error) {
	var out bounded
	if err := t.Execute(&out, data); err != nil {
		return nil, err
	}
	var pieces []piece
	for i, text := range strings.Split(out.String(), mark) {
		p := piece{text: text, value: i%2 == 1}
		if p.value {
			value, err := hex.DecodeString(text)
			if err != nil {
				return nil, errors.New("reads a value back from its own text")
			}
			p.text = string(value)
		}
		pieces = append(pieces, p)
	}
	return pieces, nil
}

// bounded is what a template writes, up to maxRendered bytes.
type bounded struct{ strings.Builder }

func (b *bounded) Write(p []byte) (int, error) {
	if b.Len()+len(p) > maxRendered {
		return 0, errTooLong
	}
	return b.Builder.Write(p)
}

// unreserved is what an address can hold anywhere without a meaning of its own.
// https://www.rfc-editor.org/rfc/rfc3986#section-2.3
func unreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~", c) >= 0
}

// escape is a value of which nothing has a meaning in a path, a query or a fragment.
func escape(value string) string {
	return percent(value, func(c byte) bool { return !unreserved(c) })
}

// encode is text of the configuration as an address can hold it: what has a meaning keeps it, and what an address cannot hold,
// such as the quotes and braces of Grafana's JSON, is escaped.
func encode(text string) string {
	return percent(text, func(c byte) bool { return c <= ' ' || c >= 0x7f || strings.IndexByte("\"<>\\^`{|}", c) >= 0 })
}

func percent(text string, escaped func(byte) bool) string {
	var out strings.Builder
	for i := range len(text) {
		if c := text[i]; escaped(c) {
			fmt.Fprintf(&out, "%%%02X", c)
		} else {
			out.WriteByte(c)
		}
	}
	return out.String()
}
