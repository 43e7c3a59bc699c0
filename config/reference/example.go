package reference

import (
	_ "embed"
	"fmt"
	"reflect"
	"strings"

	"github.com/alecthomas/units"
	"github.com/goccy/go-yaml"
	commoncfg "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"

	"github.com/alertvitals/notifier/config"
)

// values are what the example says; all other keys of the configuration stand in it as comments.
//
//go:embed example.yml
var values []byte

const exampleHead = `## An example of notifier.yml with every key that there is: keys that many want are live, all others stand behind a # with their
## default. docs/configuration.md tells of the same keys. Check a file of your own with: notifier check-config notifier.yml
`

// Example is notifier.example.yml. root is the directory of this module.
func Example(root string) (string, error) {
	all, err := (&source{root: root}).sections()
	if err != nil {
		return "", err
	}
	var live yaml.MapSlice
	if err := yaml.UnmarshalWithOptions(values, &live, yaml.UseOrderedMap()); err != nil {
		return "", fmt.Errorf("reading example.yml: %w", err)
	}
	w := exampleWriter{
		sections: map[reflect.Type]*section{}, begun: map[reflect.Type]bool{}, told: map[string]bool{}, live: map[string]bool{},
	}
	for _, one := range all {
		w.sections[one.of] = one
	}
	root0 := reflect.TypeFor[config.Config]()
	w.collect(root0, live)
	return exampleHead + strings.Join(w.keys(root0, live, ""), "\n") + "\n", nil
}

type exampleWriter struct {
	sections map[reflect.Type]*section
	// begun are the types whose keys are there already, told those that are explained, live those that the example has anywhere.
	begun      map[reflect.Type]bool
	told, live map[string]bool
}

func nameOf(k key) string { return k.in.String() + "." + k.name }

// collect finds out which keys the example has.
func (w *exampleWriter) collect(t reflect.Type, values yaml.MapSlice) {
	for _, k := range w.sections[element(t)].keys {
		value, ok := valueOf(values, k.name)
		if !ok {
			continue
		}
		w.live[nameOf(k)] = true
		for _, one := range structs(value) {
			if w.sections[element(k.of)] != nil && k.of.Kind() != reflect.Map {
				w.collect(k.of, one)
			}
		}
	}
}

func valueOf(values yaml.MapSlice, name string) (any, bool) {
	for _, item := range values {
		if item.Key == name {
			return item.Value, true
		}
	}
	return nil, false
}

// structs are the mappings of a value that is one, or a list of some.
func structs(value any) []yaml.MapSlice {
	switch value := value.(type) {
	case yaml.MapSlice:
		return []yaml.MapSlice{value}
	case []any:
		var all []yaml.MapSlice
		for _, one := range value {
			all = append(all, structs(one)...)
		}
		return all
	default:
		return nil
	}
}

// keys are the lines of a mapping of type t: first what the example has, and then as comments, once for each type, all other keys
// that the example has nowhere.
func (w *exampleWriter) keys(t reflect.Type, values yaml.MapSlice, indent string) []string {
	t = element(t)
	first := !w.begun[t]
	w.begun[t] = true
	var has, lacks []key
	for _, k := range w.sections[t].keys {
		if _, ok := valueOf(values, k.name); ok {
			has = append(has, k)
		} else if first && !w.live[nameOf(k)] {
			lacks = append(lacks, k)
		}
	}
	if t == reflect.TypeFor[config.Config]() {
		has, lacks = w.sections[t].keys, nil // in the order in which one reads of them
	}
	var lines []string
	for _, k := range append(has, lacks...) {
		value, ok := valueOf(values, k.name)
		if !w.told[nameOf(k)] {
			w.told[nameOf(k)] = true
			if indent == "" {
				lines = append(lines, "")
			}
			for _, line := range wrapped(k.text, 118-len(indent)) {
				lines = append(lines, indent+"## "+line)
			}
		}
		if ok {
			lines = append(lines, w.value(k, value, indent)...)
			continue
		}
		for _, line := range w.absent(k, indent) {
			lines = append(lines, indent+"#"+strings.TrimPrefix(line, indent))
		}
	}
	return lines
}

// value is a key that the example has.
func (w *exampleWriter) value(k key, value any, indent string) []string {
	if w.sections[element(k.of)] == nil || len(structs(value)) == 0 || k.of.Kind() == reflect.Map {
		return []string{indent + k.name + ": " + flow(value)}
	}
	lines := []string{indent + k.name + ":"}
	if one, ok := value.(yaml.MapSlice); ok {
		return append(lines, w.keys(k.of, one, indent+"  ")...)
	}
	for _, one := range structs(value) {
		lines = append(lines, entry(w.keys(k.of, one, indent+"    "), indent)...)
	}
	return lines
}

// entry makes an entry of a list of the lines of a mapping.
func entry(lines []string, indent string) []string {
	for i, line := range lines {
		if text := strings.TrimSpace(line); text != "" && text[0] != '#' {
			lines[i] = indent + "  - " + text
			return lines
		}
	}
	return lines
}

// absent is a key that the example does not have, with its default.
func (w *exampleWriter) absent(k key, indent string) []string {
	t := element(k.of)
	list := k.of.Kind() == reflect.Slice
	switch {
	case w.sections[t] == nil:
		return []string{indent + k.name + ": " + placeholder(k)}
	case w.begun[t] && list:
		return []string{indent + k.name + ": []"}
	case w.begun[t]:
		return []string{indent + k.name + ": {} ## as above"}
	}
	w.begun[t] = true
	lines := []string{indent + k.name + ":"}
	inner := indent + "  "
	if k.of.Kind() == reflect.Map {
		lines = append(lines, inner+"name:")
	}
	if list || k.of.Kind() == reflect.Map {
		inner += "  "
	}
	dash := list
	for _, sub := range w.sections[t].keys {
		if w.live[nameOf(sub)] {
			continue
		}
		w.told[nameOf(sub)] = true
		for _, line := range wrapped(sub.text, 116-len(inner)) {
			lines = append(lines, inner+"## "+line)
		}
		below := w.absent(sub, inner)
		if dash {
			below[0] = indent + "  - " + strings.TrimSpace(below[0])
			dash = false
		}
		lines = append(lines, below...)
	}
	return lines
}

// placeholder is the default, or else what the value looks like.
func placeholder(k key) string {
	if k.def != "" {
		return k.def
	}
	t := k.of
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t == reflect.TypeFor[commoncfg.Secret]():
		return "<secret>"
	case t == reflect.TypeFor[model.Duration](), t == reflect.TypeFor[units.Base2Bytes]():
		return "0s"
	case t == reflect.TypeFor[commoncfg.TLSVersion]():
		return "TLS12"
	case t.Kind() == reflect.Slice && t != reflect.TypeFor[yaml.MapSlice]():
		return "[]"
	case t.Kind() == reflect.Map, t.Kind() == reflect.Slice, t.Kind() == reflect.Interface:
		return "{}"
	case t.Kind() == reflect.Bool:
		return "false"
	case t.Kind() == reflect.String, t == reflect.TypeFor[commoncfg.URL]():
		return "''"
	default:
		return "0"
	}
}

// flow is a value on one line.
func flow(value any) string {
	text, err := yaml.MarshalWithOptions(value, yaml.Flow(true), yaml.UseSingleQuote(true))
	if err != nil {
		return "''"
	}
	return strings.TrimSpace(string(text))
}
