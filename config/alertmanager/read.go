package alertmanager

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	goccy "github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/parser"
	"go.yaml.in/yaml/v3"

	"github.com/alertvitals/notifier/config"
)

// reader goes through one file and collects what is wrong with it, and what the notifier has no counterpart of.
type reader struct {
	name   string
	lines  []string
	wrongs []config.Finding
	notes  []note
}

// note is what people should know of some lines.
type note struct {
	lines []int
	text  string
}

// entry is a key and its value.
type entry struct {
	key   string
	at    *yaml.Node
	value *yaml.Node
}

var syntaxLine = regexp.MustCompile(`^yaml: (?:unmarshal errors:\s+)?line (\d+): (?s:(.*))$`)

// parse is the file's root, nil when it has none or is no YAML.
func (r *reader) parse(source []byte) *yaml.Node {
	var document yaml.Node
	err := yaml.Unmarshal(source, &document)
	if err == nil {
		var whole any // finds keys that are there twice, and anchors that hold themselves
		err = document.Decode(&whole)
	}
	if err != nil {
		line, column, msg := whereNot(source, err)
		r.find(line, column, false, "this is not the YAML of an alertmanager.yml: "+msg)
		return nil
	}
	if len(document.Content) == 0 {
		return nil
	}
	return document.Content[0]
}

// whereNot is where a text is no YAML, and why. The library that reads it is off by a line now and then, so the other one is asked first.
func whereNot(source []byte, err error) (line, column int, msg string) {
	defer func() {
		_ = recover() // the other library panics on some things that no configuration has
	}()
	line, column, msg = 1, 1, strings.TrimPrefix(err.Error(), "yaml: ")
	if found := syntaxLine.FindStringSubmatch(err.Error()); found != nil {
		line, _ = strconv.Atoi(found[1]) // digits
		msg = found[2]
	}
	msg = withoutValues(msg)
	var at goccy.Error
	if strings.Contains(msg, "max depth") { // the other library takes memory with the square of the depth
		return line, column, msg
	}
	if _, other := parser.ParseBytes(source, 0); errors.As(other, &at) && at.GetToken() != nil {
		line, column, msg = at.GetToken().Position.Line, at.GetToken().Position.Column, withoutValues(at.GetMessage())
	}
	return line, column, msg
}

// withoutValues is the first line of a message, up to what it may repeat of the text.
func withoutValues(msg string) string {
	msg, _, _ = strings.Cut(msg, "\n")
	msg, _, _ = strings.Cut(msg, "`")
	return strings.TrimSpace(msg)
}

func (r *reader) find(line, column int, show bool, msg string) {
	f := config.Finding{File: r.name, Line: min(max(line, 1), len(r.lines)), Column: max(column, 1), Msg: msg}
	if show {
		f.Source = strings.TrimRight(r.lines[f.Line-1], "\r")
	}
	r.wrongs = append(r.wrongs, f)
}

// wrongf is something that Alertmanager would refuse. The line itself is not shown: it may hold a secret.
func (r *reader) wrongf(at *yaml.Node, format string, args ...any) {
	r.find(at.Line, at.Column, false, fmt.Sprintf(format, args...))
}

// wrongRoutef is wrongf with the line, in a part of the file that holds no secrets.
func (r *reader) wrongRoutef(at *yaml.Node, format string, args ...any) {
	r.find(at.Line, at.Column, true, fmt.Sprintf(format, args...))
}

// notef says something of a line. The same of several lines is said once.
func (r *reader) notef(at *yaml.Node, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	for i := range r.notes {
		if r.notes[i].text == text {
			if !slices.Contains(r.notes[i].lines, at.Line) {
				r.notes[i].lines = append(r.notes[i].lines, at.Line)
			}
			return
		}
	}
	r.notes = append(r.notes, note{[]int{at.Line}, text})
}

// resolve is the node that an alias stands for.
func resolve(n *yaml.Node) *yaml.Node {
	for n != nil && n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

func isNull(n *yaml.Node) bool {
	n = resolve(n)
	return n == nil || n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null"
}

// entries are those of a mapping, and of the mappings that are merged into it. What is no mapping is wrong, null has none.
func (r *reader) entries(n *yaml.Node, what string) []entry {
	n = resolve(n)
	if isNull(n) {
		return nil
	}
	if n.Kind != yaml.MappingNode {
		r.wrongf(n, "%s: want a mapping (key: value) here", what)
		return nil
	}
	var all, merged []entry
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], resolve(n.Content[i+1])
		if key.ShortTag() != "!!merge" {
			all = append(all, entry{key.Value, key, value})
			continue
		}
		from := []*yaml.Node{value}
		if value.Kind == yaml.SequenceNode {
			from = value.Content
		}
		for _, one := range from {
			merged = append(merged, r.entries(one, what)...)
		}
	}
	for _, m := range merged {
		if !slices.ContainsFunc(all, func(e entry) bool { return e.key == m.key }) {
			all = append(all, m)
		}
	}
	return all
}

// items are those of a list; null has none.
func (r *reader) items(n *yaml.Node, what string) []*yaml.Node {
	n = resolve(n)
	if isNull(n) {
		return nil
	}
	if n.Kind != yaml.SequenceNode {
		r.wrongf(n, "%s: want a list here", what)
		return nil
	}
	all := make([]*yaml.Node, len(n.Content))
	for i, one := range n.Content {
		all[i] = resolve(one)
	}
	return all
}

// text is a scalar as it stands, "" for null.
func (r *reader) text(n *yaml.Node, what string) string {
	n = resolve(n)
	switch {
	case isNull(n):
		return ""
	case n.Kind != yaml.ScalarNode:
		r.wrongf(n, "%s: want text here", what)
		return ""
	default:
		return n.Value
	}
}

// truth is a boolean in any of the words that Alertmanager takes.
func (r *reader) truth(n *yaml.Node, what string) bool {
	switch strings.ToLower(r.text(n, what)) {
	case "true", "yes", "on", "y":
		return true
	case "false", "no", "off", "n", "":
		return false
	}
	r.wrongf(n, "%s: want true or false here", what)
	return false
}

// texts are the scalars of a list.
func (r *reader) texts(n *yaml.Node, what string) []string {
	var all []string
	for _, one := range r.items(n, what) {
		all = append(all, r.text(one, what))
	}
	return all
}
