package reference

import (
	"encoding"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/alecthomas/units"
	"github.com/goccy/go-yaml"
	"github.com/prometheus/alertmanager/timeinterval"
	commoncfg "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"

	"github.com/alertvitals/notifier/config"
	"github.com/alertvitals/notifier/config/strict"
	"github.com/alertvitals/notifier/notifiers/slack"
)

const module = "github.com/alertvitals/notifier/"

// key is one key of the configuration.
type key struct {
	name string
	// in is the type whose key it is, of is its own without pointers.
	in, of reflect.Type
	// text says what it means, def is its default in YAML, "" without one.
	text, def string
}

// source reads the comments of fields. root is the module's directory.
type source struct {
	root string
	// comments are those of the fields of struct types, by package path, type and field.
	comments map[string]string
}

// section is one type with keys, and where it is held.
type section struct {
	of   reflect.Type
	keys []key
	// held are the paths of all keys that hold it, in the order of the file.
	held []string
}

// sections are all types with keys, in the order in which the file has them first.
func (s *source) sections() ([]*section, error) {
	var all []*section
	known := map[reflect.Type]*section{}
	var visit func(t reflect.Type, path string) error
	visit = func(t reflect.Type, path string) error {
		t = element(t)
		if len(fieldsOf(t)) == 0 {
			return nil
		}
		if one := known[t]; one != nil {
			one.held = append(one.held, path)
			return nil
		}
		keys, err := s.keys(t)
		if err != nil {
			return err
		}
		one := &section{of: t, keys: keys, held: []string{path}}
		known[t] = one
		all = append(all, one)
		for _, k := range keys {
			if err := visit(k.of, strings.TrimPrefix(path+"."+k.name, ".")); err != nil {
				return err
			}
		}
		return nil
	}
	err := visit(reflect.TypeFor[config.Config](), "")
	return all, err
}

// title is what the section is called: the key that holds it, after what holds that when others are called so too.
func (s *section) title(all []*section) string {
	steps := strings.Split(s.held[0], ".")
	for n := 1; n < len(steps); n++ {
		title := strings.Join(steps[len(steps)-n:], ".")
		if !slices.ContainsFunc(all, func(other *section) bool { return other != s && strings.HasSuffix("."+other.held[0], "."+title) }) {
			return title
		}
	}
	return s.held[0]
}

// fieldsOf are the keys of a type that has some, nil for any other.
func fieldsOf(t reflect.Type) []strict.Field {
	if t.Kind() != reflect.Struct || t == reflect.TypeFor[commoncfg.URL]() {
		return nil
	}
	var taken []strict.Field
	for _, field := range strict.Fields(t) {
		if !config.Refuses(field) {
			taken = append(taken, field)
		}
	}
	return taken
}

// element is what a list holds, or a pointer points to, or a map has keys of; that of another map is shown in words.
func element(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice && t != reflect.TypeFor[yaml.MapSlice]() {
		t = t.Elem()
	}
	if t.Kind() == reflect.Map && len(fieldsOf(t.Elem())) > 0 {
		return t.Elem()
	}
	return t
}

func (s *source) keys(t reflect.Type) ([]key, error) {
	defaults := withDefaults(reflect.New(t).Elem())
	var keys []key
	for _, field := range fieldsOf(t) {
		text, err := s.comment(field)
		if err != nil {
			return nil, err
		}
		keys = append(keys, key{
			name: field.Key, in: t, of: field.Field.Type, text: text, def: written(defaults.FieldByIndex(field.Index)),
		})
	}
	return keys, nil
}

func withDefaults(v reflect.Value) reflect.Value {
	if method := v.MethodByName("WithDefaults"); method.IsValid() {
		return method.Call(nil)[0]
	}
	return v
}

// written is a default as people write it, "" when there is none.
func written(v reflect.Value) string {
	if v.Kind() == reflect.Bool {
		return fmt.Sprint(v.Bool()) // leaving it out is false
	}
	if v.IsZero() {
		return ""
	}
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	if text, ok := v.Interface().(encoding.TextMarshaler); ok {
		if b, err := text.MarshalText(); err == nil {
			return string(b)
		}
	}
	if v.Kind() == reflect.Struct || v.Kind() == reflect.Map {
		return ""
	}
	text, err := yaml.MarshalWithOptions(v.Interface(), yaml.Flow(true), yaml.UseSingleQuote(true))
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(strings.TrimSpace(string(text)), ".0")
}

// comment is what the comment of a field says, for people who know no Go: without the name that it begins with, and with keys in
// the place of the names of fields.
func (s *source) comment(field strict.Field) (string, error) {
	if strings.HasPrefix(field.Struct.PkgPath(), module) {
		return s.own(field)
	}
	name := field.Struct.Name() + "." + field.Key
	if text := foreign[name]; text != "" {
		return text, nil
	}
	return "", fmt.Errorf("%s has no description; write one in config/reference/foreign.go", name)
}

func (s *source) own(field strict.Field) (string, error) {
	pkg := field.Struct.PkgPath()
	if s.comments == nil {
		s.comments = map[string]string{}
	}
	if _, read := s.comments[pkg]; !read {
		if err := s.read(pkg); err != nil {
			return "", err
		}
		s.comments[pkg] = "read"
	}
	name := field.Field.Name
	text := s.comments[pkg+"."+field.Struct.Name()+"."+name]
	rest, ok := strings.CutPrefix(text, name+" ")
	if !ok {
		return "", fmt.Errorf("the comment of %s.%s.%s has to begin with %s: it is what docs/configuration.md says of %s",
			pkg, field.Struct.Name(), name, name, field.Key)
	}
	for _, verb := range []string{"is ", "are "} {
		rest = strings.TrimPrefix(rest, verb)
	}
	for _, other := range strict.Fields(field.Struct) {
		if camelCase.MatchString(other.Field.Name) { // and no word of English
			rest = regexp.MustCompile(`\b`+other.Field.Name+`\b`).ReplaceAllString(rest, other.Key)
		}
	}
	return strings.ToUpper(rest[:1]) + rest[1:], nil
}

var camelCase = regexp.MustCompile(`[a-z][A-Z]|[A-Z]{2}[a-z]`)

// read reads the comments of all fields of a package of this module.
func (s *source) read(pkg string) error {
	files, err := filepath.Glob(filepath.Join(s.root, strings.TrimPrefix(pkg, module), "*.go"))
	if err != nil {
		return fmt.Errorf("finding the source of %s: %w", pkg, err)
	}
	set := token.NewFileSet()
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		tree, err := parser.ParseFile(set, file, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return fmt.Errorf("reading the source of %s: %w", pkg, err)
		}
		ast.Inspect(tree, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if !ok {
				return true
			}
			if of, ok := spec.Type.(*ast.StructType); ok {
				for _, field := range of.Fields.List {
					for _, name := range field.Names {
						s.comments[pkg+"."+spec.Name.Name+"."+name.Name] = strings.Join(strings.Fields(field.Doc.Text()), " ")
					}
				}
			}
			return true
		})
	}
	return nil
}

// spans are what Alertmanager's types of times are called.
var spans = map[string]string{
	"TimeRange": "<span>", "Location": "<time zone>",
	"WeekdayRange": "<days>", "DayOfMonthRange": "<days>", "MonthRange": "<months>", "YearRange": "<years>",
}

// words is what a type is called; titles are those of types with keys.
func words(t reflect.Type, titles map[reflect.Type]string) string {
	switch t {
	case reflect.TypeFor[commoncfg.Secret]():
		return "<secret>"
	case reflect.TypeFor[model.Duration]():
		return "<duration>"
	case reflect.TypeFor[units.Base2Bytes]():
		return "<size>"
	case reflect.TypeFor[commoncfg.URL]():
		return "<address>"
	case reflect.TypeFor[commoncfg.TLSVersion]():
		return "<TLS version>"
	case reflect.TypeFor[yaml.MapSlice]():
		return "{<name>: <template>, ...}"
	case reflect.TypeFor[slack.Mentions]():
		return "[<ID>, ...] | {<severity>: [<ID>, ...], ...}"
	}
	if t.PkgPath() == reflect.TypeFor[timeinterval.TimeInterval]().PkgPath() && len(fieldsOf(t)) == 0 {
		return spans[t.Name()]
	}
	switch t.Kind() {
	case reflect.Pointer:
		return words(t.Elem(), titles)
	case reflect.Slice:
		return "[" + words(t.Elem(), titles) + ", ...]"
	case reflect.Map:
		return "{<name>: " + words(t.Elem(), titles) + ", ...}"
	case reflect.Bool:
		return "<true or false>"
	case reflect.Interface:
		return "<anything>"
	case reflect.Struct:
		return "<" + titles[t] + ">"
	case reflect.String:
		return "<text>"
	default:
		return "<number>"
	}
}
