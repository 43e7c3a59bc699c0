package templates

import (
	"embed"
	"errors"
	"fmt"
	htmltemplate "html/template"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	texttemplate "text/template"

	amtemplate "github.com/prometheus/alertmanager/template"
)

//go:embed *.tmpl
var files embed.FS

// standard are the templates without any file of the user's. A broken embedded template is a broken build, and the tests run
// every one.
var standard = mustLoad()

func mustLoad() *Set {
	s, err := Load(nil)
	if err != nil {
		panic(err)
	}
	return s
}

// Set are the templates that texts are made by: Alertmanager's own (https://prometheus.io/docs/alerting/latest/notifications/),
// the embedded ones, and those of the user's files, which take the place of others of their name. It is safe for concurrent
// use.
type Set struct {
	templates *amtemplate.Template
	// text and html are the same, to be executed as they are, or into what is bounded: Alertmanager copies all of them for each
	// text, and takes texts of any size.
	text *texttemplate.Template
	html *htmltemplate.Template
}

// Load reads the user's files, which globs name. The error says which one cannot be used, and where in it.
func Load(globs []string) (*Set, error) {
	s, wrong, err := loadAll(globs)
	if err != nil {
		return nil, err
	}
	if len(wrong) > 0 {
		return nil, wrong[0].Err
	}
	return s, nil
}

// FileError is why a file of templates, or a pattern of files, cannot be used.
type FileError struct {
	// Glob is which of the globs names it, counted from 0.
	Glob int
	Err  error
}

// LoadAll is Load for whoever wants to know of every file that cannot be used. The set has all others.
func LoadAll(globs []string) (*Set, []FileError) {
	s, wrong, err := loadAll(globs)
	if err != nil {
		return standard, []FileError{{Err: err}}
	}
	return s, wrong
}

func loadAll(globs []string) (*Set, []FileError, error) {
	s, err := with(nil)
	if err != nil {
		return nil, nil, err
	}
	var wrong []FileError
	var sources []string // those that can be used
	for i, glob := range globs {
		paths, err := matching(glob)
		if err != nil {
			wrong = append(wrong, FileError{i, err})
		}
		for _, path := range paths {
			source, err := read(path)
			if err != nil {
				wrong = append(wrong, FileError{i, err})
				continue
			}
			if err := s.templates.Parse(strings.NewReader(source)); err != nil {
				wrong = append(wrong, FileError{i, fmt.Errorf("%s: %w", path, err)})
				// A file that is half read leaves the set unusable.
				if s, err = with(sources); err != nil {
					return nil, nil, err
				}
				continue
			}
			sources = append(sources, source)
		}
	}
	return s, wrong, nil
}

func matching(glob string) ([]string, error) {
	paths, err := filepath.Glob(glob)
	if err != nil {
		return nil, fmt.Errorf("%q is not a pattern of files: %w", glob, err)
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("no file is called %s", glob)
	}
	return paths, nil
}

// read is what a file of templates says. A pipe or a device may never end, and a directory is no file.
func read(path string) (string, error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return "", fmt.Errorf("%s is no file of templates", path)
	}
	source, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("a file of templates cannot be read: %w", err)
	}
	return string(source), nil
}

// with are Alertmanager's templates, the embedded ones, and then those of sources.
func with(sources []string) (*Set, error) {
	s := &Set{}
	functions := map[string]any{"ago": ago, "clock": clock, "names": names, "why": why}
	var err error
	s.templates, err = amtemplate.FromGlobs(nil, func(text *texttemplate.Template, html *htmltemplate.Template) {
		text.Funcs(functions)
		html.Funcs(functions)
		s.text, s.html = text, html
	})
	if err != nil {
		return nil, fmt.Errorf("reading Alertmanager's templates: %w", err)
	}
	embedded, err := files.ReadFile("content.tmpl")
	if err != nil {
		return nil, fmt.Errorf("reading the embedded templates: %w", err)
	}
	for _, source := range append([]string{string(embedded)}, sources...) {
		if err := s.templates.Parse(strings.NewReader(source)); err != nil {
			return nil, fmt.Errorf("reading the embedded templates: %w", err)
		}
	}
	return s, nil
}

// Text makes a text by a template of the user's. The result has no more than a megabyte.
func (s *Set) Text(source string, d Data) (string, error) {
	return checked(execute(s.text, source, d))
}

// HTML is Text for HTML: what the data hold is escaped by where it stands.
func (s *Set) HTML(source string, d Data) (string, error) {
	return checked(execute(s.html, source, d))
}

func checked(text string, err error) (string, error) {
	if err != nil {
		return "", errors.New(Place(err))
	}
	return text, nil
}

// place is where in a template something went wrong: name:line:column, or name:line.
var place = regexp.MustCompile(`template: ([^:\s]*(?::\d+)+)`)

// Place says where a template failed, and not on what: the words of the error may hold what labels hold.
func Place(err error) string {
	if found := place.FindStringSubmatch(err.Error()); found != nil {
		return "it fails at " + strings.TrimPrefix(found[1], ":")
	}
	return "it fails"
}

// Standard are the templates without any file of the user's.
func Standard() *Set { return standard }
