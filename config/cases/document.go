package cases

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/parser"

	"github.com/alertvitals/notifier/config"
	"github.com/alertvitals/notifier/config/problem"
)

// document is a file of tests that was read.
type document struct {
	name   string
	lines  []string
	lineOf func(path string) int
	// unread is why the file could not be read, nil when it could.
	unread *config.Finding
}

// read fills into, a pointer to a struct, in from a file.
func read(name string, source []byte, into any) (d *document) {
	d = &document{name: name, lines: strings.Split(string(source), "\n"), lineOf: func(string) int { return 1 }}
	defer func() {
		if p := recover(); p != nil { // the library panics on some things that no file of tests has
			d.unread = d.finding(1, 1, "this cannot be read as YAML: take out tags (!), anchors (&) and aliases (*)")
		}
	}()
	if strings.Count(string(source), "[")+strings.Count(string(source), "{") > mostBrackets {
		d.unread = d.finding(1, 1, "there are too many brackets; write what is in them on lines of its own")
		return d
	}
	file, err := parser.ParseBytes(source, 0)
	if err == nil && len(file.Docs) > 0 && file.Docs[0].Body != nil {
		err = yaml.NodeToValue(file.Docs[0].Body, into, yaml.Strict())
	}
	var at yaml.Error
	switch {
	case errors.As(err, &at) && at.GetToken() != nil:
		d.unread = d.finding(at.GetToken().Position.Line, at.GetToken().Position.Column, at.GetMessage())
	case err != nil:
		d.unread = d.finding(1, 1, err.Error())
	}
	d.lineOf = config.Lines(source)
	return d
}

// mostBrackets bounds how deep they may be nested: the parser takes memory with the square of the depth.
const mostBrackets = 20_000

// Err is everything that is wrong with the file: that it could not be read, or the problems of what was read.
func (d *document) Err(problems []problem.Problem) error {
	if d.unread != nil {
		return &config.Error{Findings: []config.Finding{*d.unread}}
	}
	var found []config.Finding
	for _, p := range problems {
		line := d.lineOf(p.Path)
		text := d.finding(line, 1, p.Path+": "+p.Msg)
		text.Column = len(text.Source) - len(strings.TrimLeft(text.Source, " -")) + 1
		found = append(found, *text)
	}
	if len(found) == 0 {
		return nil
	}
	slices.SortStableFunc(found, func(a, b config.Finding) int { return cmp.Compare(a.Line, b.Line) })
	return &config.Error{Findings: found}
}

// finding is in the file, wherever the library thinks that it is.
func (d *document) finding(line, column int, msg string) *config.Finding {
	line = min(max(line, 1), len(d.lines))
	source := strings.TrimRight(d.lines[line-1], "\r")
	msg, _, _ = strings.Cut(msg, "\n")
	return &config.Finding{File: d.name, Line: line, Column: min(max(column, 1), len([]rune(source))+1), Source: source, Msg: msg}
}
