package strict

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// span is a part of the source: from one place up to another one.
type span struct{ from, to place }

// hide has no excerpt show what n says.
func (d *Document) hide(n ast.Node) {
	switch n := n.(type) {
	case nil:
	case *ast.MappingNode:
		for _, entry := range n.Values {
			d.hide(entry.Value)
		}
	case *ast.SequenceNode:
		for _, value := range n.Values {
			d.hide(value)
		}
	case *ast.LiteralNode:
		d.hideTokens(n.Start, n.Value.Token)
	case *ast.CommentGroupNode:
	default:
		d.hideTokens(n.GetToken(), n.GetToken())
	}
}

// hideTokens hides what is between the beginning of the first token and that of what follows the last.
func (d *Document) hideTokens(first, last *token.Token) {
	if first == nil || first.Position == nil {
		return
	}
	s := span{d.placeOf(first), place{len(d.lines) + 1, 1}}
	if last != nil && last.Next != nil && last.Next.Position != nil {
		s.to = d.placeOf(last.Next)
	}
	d.hidden = append(d.hidden, s)
}

// excerpt is a line of the source without what has to be hidden: what the document knows to be secret, and what looks like it. It
// has as many characters as the line, so that a caret stays right.
func (d *Document) excerpt(line int) string {
	source := []rune(strings.TrimRight(d.lines[line-1], "\r"))
	for _, s := range d.hidden {
		if line < s.from.line || line > s.to.line {
			continue
		}
		from, to := 0, len(source)
		if line == s.from.line {
			from = min(max(s.from.column-1, 0), len(source))
		}
		if line == s.to.line {
			to = min(max(s.to.column-1, 0), len(source))
		}
		end := to
		for end > from && (source[end-1] == ' ' || source[end-1] == '\t') {
			end--
		}
		for i := from; i < end; i++ {
			source[i] = '*'
		}
	}
	return hideSecrets(string(source))
}

// password is what stands before the host in an address.
var password = regexp.MustCompile(`(//)([^@"']+)@`)

// addressPath is what follows the host in the address of a key called url: that of a webhook is often its password.
var addressPath = regexp.MustCompile(`(\burl["']?\s*:\s*["']?\w+://[^/\s"',}\]]+/)([^\s"',}\]]+)`)

// secretName is what the keys of secrets are called; secretKey is such a key, and secret one with its value.
const secretName = `[\w-]*(?:api_url|tokens?|password|credentials|secret|key)` //nolint:gosec // names of keys, not their values

var (
	secretKey = regexp.MustCompile(`^` + secretName + `$`)
	secret    = regexp.MustCompile(`(\b` + secretName + `["']?\s*:\s*)("[^"]*"?|'[^']*'?|\[[^\]]*|[^\s,}\]][^,}\]]*)`)
	// alone is a line that ends with such a key, or begins a text of several lines below it.
	alone = regexp.MustCompile(`\b` + secretName + `["']?\s*:\s*(?:[|>&!"'][^:]*)?$`)
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
	line = addressPath.ReplaceAllStringFunc(line, func(found string) string {
		parts := addressPath.FindStringSubmatch(found)
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

// IsSecretKey is whether a key is called as those of secrets are: password, routing_key, app_token.
func IsSecretKey(key string) bool { return secretKey.MatchString(key) }
