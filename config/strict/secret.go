package strict

import (
	"fmt"
	"os"
	"reflect"
	"regexp"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// reference is ${NAME}, or what stands for a literal ${.
var reference = regexp.MustCompile(`\$?\$\{([^}]*)(\}?)`)

// variableName is a name of a variable, conventional one as everybody writes them.
var (
	variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	conventional = regexp.MustCompile(`^[A-Z_][A-Z0-9_]*$`)
)

// secret reads a secret: each ${NAME} in it is that variable of the environment, and $${ is ${. All other dollars are what they
// are, since passwords have them.
func (d *decoder) secret(path string, n ast.Node, v reflect.Value) {
	d.hide(n)
	if _, ok := n.(ast.ScalarNode); !ok {
		d.wrongType(path, n, v.Type())
		return
	}
	wrong := ""
	value := reference.ReplaceAllStringFunc(text(n), func(found string) string {
		if strings.HasPrefix(found, "$$") {
			return found[1:]
		}
		parts := reference.FindStringSubmatch(found)
		name, closed := parts[1], parts[2] == "}"
		if !closed || !variableName.MatchString(name) {
			wrong = "${ begins the name of an environment variable, as in ${SLACK_TOKEN}; write $${ for these two characters"
			return found
		}
		shown := name
		if !conventional.MatchString(name) { // it may be part of a password
			shown = "that this names (write $${ if these are just two characters)"
		}
		switch value, set := os.LookupEnv(name); {
		case !set:
			wrong = fmt.Sprintf("the environment variable %s is not set", shown)
		case value == "":
			wrong = fmt.Sprintf("the environment variable %s is empty", shown)
		default:
			return value
		}
		return found
	})
	v.SetString(value) // even when it is wrong: it is there, whatever it holds
	if wrong != "" {
		d.unread[path] = true
		d.findf(path, start(n), "%s", wrong)
	}
}
