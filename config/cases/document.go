package cases

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/parser"

	"github.com/alertvitals/notifier/config"
	"github.com/alertvitals/notifier/config/problem"
)

type document struct {
	name  string
	lines []string
	at    func(string) int
	first *config.Finding
}

func read(name string, source []byte, into any) *document {
	d := &document{name: name, lines: strings.Split(string(source), "\n"), at: config.Lines(source)}
	file, err := parser.ParseBytes(source, 0)
	if err == nil && len(file.Docs) > 0 && file.Docs[0].Body != nil {
		err = yaml.NodeToValue(file.Docs[0].Body, into, yaml.Strict())
	}
	var at yaml.Error
	if errors.As(err, &at) {
		d.first = &config.Finding{File: name, Line: at.GetToken().Position.Line, Column: at.GetToken().Position.Column, Msg: at.GetMessage()}
	}
	return d
}

func (d *document) Err(problems []problem.Problem) error {
	e := &config.Error{}
	if d.first != nil {
		e.Findings = append(e.Findings, *d.first)
		return e
	}
	for _, p := range problems {
		line := max(d.at(p.Path), 1)
		e.Findings = append(e.Findings, config.Finding{File: d.name, Line: line, Column: 1, Source: d.lines[line-1], Msg: fmt.Sprintf("%s: %s", p.Path, p.Msg)})
	}
	if len(e.Findings) == 0 {
		return nil
	}
	slices.SortStableFunc(e.Findings, func(a, b config.Finding) int { return cmp.Compare(a.Line, b.Line) })
	return e
}
