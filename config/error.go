package config

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"

	"github.com/alertvitals/notifier/config/problem"
)

// Error is everything that is wrong with a file.
type Error struct {
	// Findings are in the order of the file.
	Findings []Finding
}

// Finding is one problem and its place.
type Finding struct {
	File string
	// Line and Column count from 1.
	Line, Column int
	// Source is that line of the file, "" when it is not known.
	Source string
	Msg    string
}

func newError(name string, source []byte, root ast.Node, problems []problem.Problem) *Error {
	e := &Error{}
	for _, p := range problems {
		line, column := locate(root, p.Path)
		msg := p.Msg
		if p.Path != "" {
			msg = p.Path + ": " + msg
		}
		f := finding(name, source, line, column, msg)
		if last, _, _ := strings.Cut(p.Path[strings.LastIndexByte(p.Path, '.')+1:], "["); secretKey.MatchString(last) && !strings.Contains(f.Source, last) {
			f.Source = stars(f.Source) // the value stands on a line of its own
		}
		e.Findings = append(e.Findings, f)
	}
	slices.SortStableFunc(e.Findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return e
}

func finding(name string, source []byte, line, column int, msg string) Finding {
	f := Finding{File: name, Line: max(line, 1), Column: max(column, 1), Msg: msg}
	if lines := strings.Split(string(source), "\n"); f.Line <= len(lines) {
		f.Source = hideSecrets(strings.TrimRight(lines[f.Line-1], "\r"))
	}
	return f
}

// password is what stands before the host in an address.
var password = regexp.MustCompile(`(//)([^@"']+)@`)

// path is what follows the host in the address of a key called url: that of a webhook is often its password.
var path = regexp.MustCompile(`(\burl["']?\s*:\s*["']?\w+://[^/\s"',}\]]+/)([^\s"',}\]]+)`)

// secretName is what the keys of secrets are called; secretKey is such a key, and secret one with its value.
const secretName = `[\w-]*(?:api_url|tokens?|password|credentials|secret|key)` //nolint:gosec // names of keys, not their values

var (
	secretKey = regexp.MustCompile(`^` + secretName + `$`)
	secret    = regexp.MustCompile(`(\b` + secretName + `["']?\s*:\s*)("[^"]*"?|'[^']*'?|\[[^\]]*|[^\s,}\]][^,}\]]*)`)
	// login is a key of http_config that holds secrets, with a text in the place of its mapping.
	login = regexp.MustCompile(`(\b(?:basic_auth|authorization|oauth2)["']?\s*:\s*)("[^"]*"?|'[^']*'?|[^\s,}\]{][^,}\]]*)`)
)

// known is what is a secret wherever it stands: Slack's tokens and webhooks.
var known = regexp.MustCompile(`xox[a-z]-[^\s"',}\]]+|xapp-[^\s"',}\]]+|hooks\.slack\.com/[^\s"',}\]]+`)

// hideSecrets puts stars in the place of secrets, as many as there are characters, so that the caret stays right.
func hideSecrets(line string) string {
	line = password.ReplaceAllStringFunc(line, func(found string) string {
		return "//" + stars(found[len("//"):len(found)-len("@")]) + "@"
	})
	line = path.ReplaceAllStringFunc(line, func(found string) string {
		parts := path.FindStringSubmatch(found)
		return parts[1] + stars(parts[2])
	})
	line = known.ReplaceAllStringFunc(line, stars)
	for _, hidden := range []*regexp.Regexp{secret, login} {
		line = hidden.ReplaceAllStringFunc(line, func(found string) string {
			parts := hidden.FindStringSubmatch(found)
			return parts[1] + stars(parts[2])
		})
	}
	return line
}

func stars(text string) string { return strings.Repeat("*", utf8.RuneCountInString(text)) }

// hideValue hides what stands behind the key at a column: nobody knows whether an unknown key holds a secret.
func hideValue(line string, column int) string {
	runes := []rune(line)
	if i := strings.IndexByte(string(runes[min(column-1, len(runes)):]), ':'); i >= 0 {
		at := len(string(runes[:min(column-1, len(runes))])) + i + 1
		for at < len(line) && line[at] == ' ' {
			at++
		}
		return line[:at] + stars(line[at:])
	}
	return line
}

// fromYAML is the finding of an error of the YAML library.
func fromYAML(name string, source []byte, err error) Finding {
	var at yaml.Error
	if !errors.As(err, &at) || at.GetToken() == nil {
		return finding(name, source, 1, 1, firstLine(err.Error()))
	}
	position := at.GetToken().Position
	f := finding(name, source, position.Line, position.Column, firstLine(at.GetMessage()))
	if strings.HasPrefix(f.Msg, "unknown field") {
		f.Source = hideValue(f.Source, f.Column)
	}
	return f
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

// Error shows each finding as file:line:column with the line and a caret under it.
func (e *Error) Error() string {
	var text strings.Builder
	for i, f := range e.Findings {
		if i > 0 {
			text.WriteByte('\n')
		}
		fmt.Fprintf(&text, "%s:%d:%d: %s", f.File, f.Line, f.Column, f.Msg)
		if f.Source != "" {
			fmt.Fprintf(&text, "\n%6d | %s\n       | %s^", f.Line, f.Source, indent(f.Source, f.Column-1))
		}
	}
	return text.String()
}

// indent is as wide as the first n runes of line: tabs stay tabs.
func indent(line string, n int) string {
	var text strings.Builder
	for i, r := range []rune(line) {
		switch {
		case i >= n:
			return text.String()
		case r == '\t':
			text.WriteByte('\t')
		default:
			text.WriteByte(' ')
		}
	}
	return text.String()
}
