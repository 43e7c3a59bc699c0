package templates

import (
	"errors"
	"fmt"
	"io"
	"strings"
)

// mostText is more than any service takes. A template that goes through all alerts for each alert makes a thousand times as much of a
// storm, which must not fill the memory.
const mostText = 1 << 20

// errFull ends a template that has made mostText.
var errFull = errors.New("this is all that is taken")

// bounded takes the first mostText of what is written.
type bounded struct{ text strings.Builder }

func (b *bounded) Write(p []byte) (int, error) {
	room := mostText - b.text.Len()
	if len(p) > room {
		b.text.Write(p[:room])
		return room, errFull
	}
	return b.text.Write(p)
}

// executed is what execute writes, up to mostText.
func executed(execute func(w io.Writer) error) (string, error) {
	var b bounded
	err := execute(&b)
	switch {
	case errors.Is(err, errFull):
		return strings.ToValidUTF8(b.text.String(), ""), nil
	case err != nil:
		return "", err
	}
	return b.text.String(), nil
}

// template is what a text/template and an html/template have in common.
type template[T any] interface {
	Clone() (T, error)
	New(name string) T
	Option(options ...string) T
	Parse(source string) (T, error)
	Execute(w io.Writer, data any) error
}

// execute is what Alertmanager makes of a template beside all others, up to mostText.
func execute[T template[T]](others T, source string, d Data) (string, error) {
	all, err := others.Clone()
	if err != nil {
		return "", fmt.Errorf("copying the templates: %w", err)
	}
	t, err := all.New("").Option("missingkey=zero").Parse(source)
	if err != nil {
		return "", err //nolint:wrapcheck // it is told in the template's own words
	}
	return executed(func(w io.Writer) error { return t.Execute(w, d) })
}
