package strict

import (
	"bytes"
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"github.com/alertvitals/notifier/config/problem"
)

// Options are what a document's reader may know.
type Options struct {
	// Dir is what relative paths under keys that end in _file are joined to; "" leaves them.
	Dir string
	// Unknown says why a struct has no such key, in words that follow "KEY: "; "" when there is nothing to say but that there is none.
	Unknown func(t reflect.Type, key string) string
	// Refuses is whether a key that a struct has counts as one that it does not have.
	Refuses func(field Field) bool
}

// Document is a YAML document that was read.
type Document struct {
	name  string
	lines []string
	found []Finding
	// places are where the values stand, by their paths.
	places map[string]place
	// unread are the paths of what could not be read, or might be meant by a key that is misspelt; incomplete are those of mappings
	// with a key that nobody knows.
	unread, incomplete map[string]bool
	hidden             []span
}

// place counts lines and columns from 1.
type place struct{ line, column int }

// Read fills into, a pointer to a struct, in from a document; name is its file's in messages. What cannot be read stays as it is,
// and is a finding of the document.
func Read(name string, source []byte, into any, options Options) (doc *Document) {
	source = bytes.TrimPrefix(source, []byte("\ufeff")) // some editors begin a file with it
	doc = &Document{
		name: name, lines: strings.Split(string(source), "\n"),
		places: map[string]place{}, unread: map[string]bool{}, incomplete: map[string]bool{},
	}
	defer func() {
		// The library panics on some things that no configuration has, such as a list that is only a tag.
		if p := recover(); p != nil {
			doc.broken(nil, "this cannot be read as YAML: take out tags (!), anchors (&) and aliases (*)")
		}
	}()
	root := doc.parse(source)
	if root == nil {
		return doc
	}
	e := &expander{anchors: map[string]ast.Node{}, sizes: map[ast.Node]int{}, wrongf: func(at *token.Token, format string, args ...any) {
		doc.findf("", at, format, args...)
	}}
	d := &decoder{Document: doc, options: options}
	d.decode("", e.expand(root), nil, reflect.ValueOf(into).Elem())
	return doc
}

// parse is nil when there is nothing to read.
func (d *Document) parse(source []byte) ast.Node {
	if bad := notUTF8(source); bad != nil {
		d.hidden = []span{{place{1, 1}, place{len(d.lines) + 1, 1}}} // in another encoding no secret looks like one
		d.broken(bad, "this is not UTF-8; save the file as UTF-8")
		return nil
	}
	if deep := tooDeep(source); deep != nil {
		d.broken(deep, fmt.Sprintf("this is nested more than %d deep; a configuration needs less", mostNested))
		return nil
	}
	file, err := parser.ParseBytes(source, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		d.syntax(err)
		return nil
	}
	docs := slices.DeleteFunc(file.Docs, func(one *ast.DocumentNode) bool { return one.Body == nil })
	if len(docs) == 0 {
		return nil
	}
	if len(docs) > 1 {
		at := docs[1].Start
		if at == nil {
			at = start(docs[1].Body)
		}
		d.findf("", at, "one document is enough; remove what follows")
	}
	if _, comment := docs[0].Body.(*ast.CommentGroupNode); comment {
		return nil
	}
	return docs[0].Body
}

// notUTF8 is where the first character is that is none, nil when all are. A NUL is none either: YAML has none, and UTF-16 is full of
// them.
func notUTF8(source []byte) *token.Position {
	if utf8.Valid(source) && bytes.IndexByte(source, 0) < 0 {
		return nil
	}
	at := token.Position{Line: 1, Column: 1}
	for len(source) > 0 {
		r, size := utf8.DecodeRune(source)
		if r == utf8.RuneError && size == 1 || r == 0 {
			break
		}
		at.Column++
		if r == '\n' {
			at.Line, at.Column = at.Line+1, 1
		}
		source = source[size:]
	}
	return &at
}

// broken is the one finding of a document that cannot be read at all.
func (d *Document) broken(at *token.Position, msg string) {
	d.unread[""] = true
	where := place{1, 1}
	if at != nil {
		where = place{at.Line, at.Column}
	}
	d.found = []Finding{d.finding(where, msg)}
}

// mostNested is how deep brackets, or lists on one line, may be nested. A configuration needs some four levels; the parser
// takes memory with the square of the depth.
const mostNested = 100

// tooDeep is where something is nested too deep, nil when nothing is.
func tooDeep(source []byte) *token.Position {
	brackets, dashes, line := 0, 0, 0
	for _, t := range lexer.Tokenize(string(source)) {
		if t.Position.Line != line {
			dashes, line = 0, t.Position.Line
		}
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			brackets++
		case token.SequenceEndType, token.MappingEndType:
			brackets--
		case token.SequenceEntryType, token.MappingKeyType:
			dashes++
		default:
		}
		if brackets+dashes > mostNested {
			return t.Position
		}
	}
	return nil
}

// see remembers where the value at path stands. A mapping or a list is best shown by the key that introduces it.
func (d *Document) see(path string, n ast.Node, key *token.Token) {
	at := start(n)
	if _, scalar := n.(ast.ScalarNode); key != nil && (!scalar || n.Type() == ast.NullType) || at == nil {
		at = key
	}
	if at != nil {
		d.places[path] = d.placeOf(at)
	}
}

// placeOf is where a token stands. Behind a tag the library is out by a column or two, so that the text itself is looked for.
func (d *Document) placeOf(at *token.Token) place {
	if at == nil || at.Position == nil {
		return place{1, 1}
	}
	here := place{at.Position.Line, at.Position.Column}
	begins, _, _ := strings.Cut(strings.TrimSpace(at.Origin), "\n")
	if here.line < 1 || here.line > len(d.lines) || begins == "" {
		return here
	}
	line, want := []rune(d.lines[here.line-1]), []rune(strings.TrimSpace(begins))
	for _, by := range []int{0, 1, 2, -1, -2} {
		if from := here.column - 1 + by; from >= 0 && from+len(want) <= len(line) && slices.Equal(line[from:from+len(want)], want) {
			return place{here.line, from + 1}
		}
	}
	return here
}

func (d *Document) findf(path string, at *token.Token, format string, args ...any) {
	msg := fmt.Sprintf(format, args...)
	if path != "" {
		msg = path + ": " + msg
	}
	where := d.placeOf(at)
	d.found = append(d.found, d.finding(where, msg))
}

// locate is where the value at path stands, or, when it is missing, the innermost thing around it that is there.
func (d *Document) locate(path string) place {
	for {
		if at, ok := d.places[path]; ok {
			return at
		}
		if path == "" {
			return place{1, 1}
		}
		path = parent(path)
	}
}

// Line is where the value at path begins, counted from 1, or the innermost thing around it that is there.
func (d *Document) Line(path string) int { return d.bounded(d.locate(path)).line }

func parent(path string) string { return path[:max(strings.LastIndexAny(path, ".["), 0)] }

// lastStep is the last key of a path.
func lastStep(path string) string {
	key, _, _ := strings.Cut(path[strings.LastIndexByte(path, '.')+1:], "[")
	return key
}

// Unread is whether something at path, or above or below it, could not be read.
func (d *Document) Unread(path string) bool {
	for unread := range d.unread {
		if within(unread, path) || within(path, unread) {
			return true
		}
	}
	return false
}

// within is whether path leads to, or into, what outer leads to.
func within(path, outer string) bool {
	rest, ok := strings.CutPrefix(path, outer)
	return ok && (rest == "" || outer == "" || rest[0] == '.' || rest[0] == '[')
}

// follows is whether a problem only says what comes of something that could not be read, there or in what it cannot go together with.
func (d *Document) follows(p problem.Problem) bool {
	if p.Other != "" && d.Unread(p.Other) {
		return true
	}
	for unread := range d.unread {
		if within(p.Path, unread) || parent(unread) == p.Path {
			return true
		}
	}
	return d.incomplete[p.Path]
}

// Err is everything that is wrong: the document's own findings, and the problems of its values that do not follow from them. It is
// nil when nothing is.
func (d *Document) Err(problems []problem.Problem) error {
	found := slices.Clone(d.found)
	for _, p := range problems {
		if d.follows(p) {
			continue
		}
		msg := p.Msg
		if p.Path != "" {
			msg = p.Path + ": " + msg
		}
		if p.Other != "" {
			msg += fmt.Sprintf(", on line %d", d.bounded(d.locate(p.Other)).line)
		}
		found = append(found, d.finding(d.locate(p.Path), msg))
	}
	if len(found) == 0 {
		return nil
	}
	for i := range found { // what is hidden is known only now
		found[i].Source = d.excerpt(found[i].Line)
	}
	slices.SortFunc(found, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Msg, b.Msg))
	})
	return &Error{Findings: slices.Compact(found)}
}
