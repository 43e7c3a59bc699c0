package templates

import (
	"fmt"
	"io"
	"strings"
)

// execution makes the texts of one message.
type execution struct {
	set    *Set
	view   view
	failed []string
}

// execute makes the text of that name in one line. When the user's template fails the standard one answers.
func (e *execution) execute(name string) string {
	name = "notifier." + name
	text, err := executed(func(w io.Writer) error { return e.set.text.ExecuteTemplate(w, name, e.view) })
	if err == nil {
		return oneLine(text)
	}
	if e.set != standard {
		e.failed = append(e.failed, name)
		return (&execution{set: standard, view: e.view}).execute(strings.TrimPrefix(name, "notifier."))
	}
	return fmt.Sprintf("%s: %s (%s)", strings.ToUpper(e.view.Severity), e.view.Name, e.view.Status)
}

// failures names the templates that failed, for the end of a line.
func (e *execution) failures() string {
	if len(e.failed) == 0 {
		return ""
	}
	return " · standard text in place of " + strings.Join(e.failed, ", ") + ", which failed"
}
