package templates

import (
	"fmt"
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
	var text strings.Builder
	err := e.set.text.ExecuteTemplate(&text, name, e.view)
	if err == nil {
		return oneLine(text.String())
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
