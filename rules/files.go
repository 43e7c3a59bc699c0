package rules

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/alertvitals/notifier/config/problem"
)

// Files are rule files that were read and are right, in the order of their names.
type Files struct {
	names  []string
	groups map[string]*rulefmt.RuleGroups
}

// Len is how many files there are.
func (f Files) Len() int { return len(f.names) }

var ruleParser = parser.NewParser(parser.Options{})

// Read reads the files that the patterns name. It says all that is wrong, each with the index of its pattern and with file, line and
// column; Files are complete when nothing is.
func Read(patterns []string) (Files, []problem.Problem) {
	files := Files{groups: map[string]*rulefmt.RuleGroups{}}
	var problems []problem.Problem
	for i, pattern := range patterns {
		wrong := func(msg string) { problems = append(problems, problem.Problem{Path: fmt.Sprintf("[%d]", i), Msg: msg}) }
		names, err := filepath.Glob(pattern)
		switch {
		case err != nil || pattern == "":
			wrong("this is not a pattern of files like rules/*.yml")
			continue
		case len(names) == 0:
			wrong("there is no such file: " + pattern)
			continue
		}
		for _, name := range names {
			if slices.Contains(files.names, name) {
				continue
			}
			text, err := os.ReadFile(name)
			if err != nil {
				wrong(err.Error())
				continue
			}
			groups, places := parse(text)
			for _, p := range places {
				wrong(fmt.Sprintf("%s:%d:%d: %s", name, p.line, p.column, p.msg))
			}
			files.names = append(files.names, name)
			files.groups[name] = groups
		}
	}
	slices.Sort(files.names)
	return files, problems
}

// placed is what is wrong at a place, which counts from 1.
type placed struct {
	line, column int
	msg          string
}

// parse is one file.
func parse(text []byte) (groups *rulefmt.RuleGroups, problems []placed) {
	defer func() {
		if recover() != nil { // a bug of the library must not be the end of a reload
			problems = []placed{{1, 1, "this cannot be read as a rule file"}}
		}
	}()
	groups, errs := rulefmt.Parse(text, false, model.UTF8Validation, ruleParser, slog.New(slog.DiscardHandler))
	seen := map[string]bool{}
	for _, err := range errs {
		for line := range strings.SplitSeq(err.Error(), "\n") {
			p, ok := problemOf(line)
			if said := fmt.Sprint(p); !ok || seen[said] {
				continue // both of its passes find some of them
			} else {
				seen[said] = true
			}
			if p.line == 0 {
				p.line, p.column = locate(text, pathOf(groups, err))
			}
			problems = append(problems, p)
		}
	}
	slices.SortStableFunc(problems, func(a, b placed) int {
		return cmp.Or(cmp.Compare(a.line, b.line), cmp.Compare(a.column, b.column))
	})
	return groups, problems
}

// locate is where in a file the value at a path stands; the begin of the file when it is not found.
func locate(text []byte, path string) (line, column int) {
	at, err := yaml.PathString("$." + path)
	if err != nil || path == "" {
		return 1, 1
	}
	node, err := at.ReadNode(bytes.NewReader(text))
	if err != nil || node.GetToken() == nil {
		return 1, 1
	}
	first := node.GetToken()
	if m, ok := node.(*ast.MappingNode); ok && len(m.Values) > 0 {
		first = m.Values[0].Key.GetToken()
	} else if m, ok := node.(*ast.MappingValueNode); ok {
		first = m.Key.GetToken()
	}
	return first.Position.Line, first.Position.Column
}

// The places that the library writes before what is wrong: 12:9: (12:9: when two keys are concerned), and line 12:.
var (
	inPlace = regexp.MustCompile(`^(\d+):(\d+): (?:\d+:\d+: )?`)
	inLine  = regexp.MustCompile(`^(?:yaml: )?line (\d+): `)
	goTypes = regexp.MustCompile(` in type rulefmt\.\w+$`)
	aList   = regexp.MustCompile(` into \[\]rulefmt\.\w+$`)
	aKey    = regexp.MustCompile(` into rulefmt\.\w+$`)
)

// problemOf is one line of an error; ok is false for what only introduces others.
func problemOf(line string) (p placed, ok bool) {
	line = strings.TrimSpace(line)
	if line == "" || line == "yaml: unmarshal errors:" {
		return placed{}, false
	}
	if found := inPlace.FindStringSubmatch(line); found != nil {
		p.line, _ = strconv.Atoi(found[1])
		p.column, _ = strconv.Atoi(found[2])
		line = line[len(found[0]):]
	} else if found := inLine.FindStringSubmatch(line); found != nil {
		p.line, _ = strconv.Atoi(found[1])
		p.column = 1
		line = line[len(found[0]):]
	}
	p.msg = goTypes.ReplaceAllString(line, "")
	p.msg = aList.ReplaceAllString(p.msg, ", want a list")
	p.msg = aKey.ReplaceAllString(p.msg, ", want keys and values")
	return p, true
}

// pathOf is where the rule stands that an error is about, or the group whose name is missing or taken; "" when it is about neither.
func pathOf(groups *rulefmt.RuleGroups, err error) string {
	if groups == nil {
		return ""
	}
	var of *rulefmt.Error
	rule := errors.As(err, &of)
	names := map[string]bool{"": true}
	for i, g := range groups.Groups {
		switch {
		case rule && g.Name == of.Group:
			return fmt.Sprintf("groups[%d].rules[%d]", i, of.Rule-1)
		case !rule && names[g.Name]:
			return fmt.Sprintf("groups[%d]", i)
		}
		names[g.Name] = true
	}
	return ""
}
