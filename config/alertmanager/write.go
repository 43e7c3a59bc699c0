package alertmanager

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// mapping is YAML that is to be written, in its order. A value is a string, a plain, a []string, a list or another mapping.
type mapping []pair

type pair struct {
	key   string
	value any
}

// list is a list of mappings, lists or scalars; plain is a scalar that is written as it is: a number, true, null.
type (
	list  []any
	plain string
)

func (m *mapping) get(key string) (any, bool) {
	i := slices.IndexFunc(*m, func(p pair) bool { return p.key == key })
	if i < 0 {
		return nil, false
	}
	return (*m)[i].value, true
}

// has is whether a key has a value that is not empty.
func (m *mapping) has(key string) bool {
	value, ok := m.get(key)
	return ok && value != ""
}

func (m *mapping) set(key string, value any) {
	m.remove(key)
	*m = append(*m, pair{key, value})
}

func (m *mapping) remove(key string) {
	*m = slices.DeleteFunc(*m, func(p pair) bool { return p.key == key })
}

// longestFlow is how long a list on one line may be, in bytes.
const longestFlow = 100

// written is a mapping as YAML.
func written(m mapping) string {
	var text strings.Builder
	write(&text, m, "")
	return text.String()
}

// write writes a mapping with each line indented.
func write(to *strings.Builder, m mapping, indent string) {
	for _, p := range m {
		to.WriteString(indent + scalar(p.key) + ":")
		writeValue(to, p.value, indent)
	}
}

func writeValue(to *strings.Builder, value any, indent string) {
	switch value := value.(type) {
	case mapping:
		if len(value) == 0 {
			to.WriteString(" {}\n")
			return
		}
		to.WriteString("\n")
		write(to, value, indent+"  ")
	case list:
		writeList(to, value, indent)
	case []string:
		items := list{}
		for _, text := range value {
			items = append(items, text)
		}
		writeList(to, items, indent)
	default:
		to.WriteString(" " + scalarOf(value) + "\n")
	}
}

func writeList(to *strings.Builder, items list, indent string) {
	var flow []string
	for _, item := range items {
		switch item := item.(type) {
		case list:
		case mapping:
			if len(item) == 0 {
				flow = append(flow, "{}")
			}
		default:
			flow = append(flow, scalarOf(item))
		}
	}
	if line := "[" + strings.Join(flow, ", ") + "]"; len(flow) == len(items) && len(line) <= longestFlow {
		to.WriteString(" " + line + "\n")
		return
	}
	to.WriteString("\n")
	for _, item := range items {
		m, isMapping := item.(mapping)
		if !isMapping || len(m) == 0 {
			to.WriteString(indent + "  -")
			writeValue(to, item, indent+"  ")
			continue
		}
		var inner strings.Builder
		write(&inner, m, indent+"    ")
		to.WriteString(indent + "  - " + strings.TrimPrefix(inner.String(), indent+"    "))
	}
}

func scalarOf(value any) string {
	switch value := value.(type) {
	case plain:
		return string(value)
	case string:
		return scalar(value)
	default:
		return "null"
	}
}

// bare is text that means itself without quotation marks in every YAML, within brackets too.
var bare = regexp.MustCompile(`^[A-Za-z_/][A-Za-z0-9_./-]*$`)

// words are those that mean something else in some YAML.
var words = []string{"true", "false", "yes", "no", "on", "off", "y", "n", "null", "nan", "inf"}

// scalar is text as YAML has it.
func scalar(text string) string {
	invisible := strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) || r == '\ufeff' || r == unicode.ReplacementChar })
	switch {
	case bare.MatchString(text) && !slices.Contains(words, strings.ToLower(text)):
		return text
	case !invisible:
		return "'" + strings.ReplaceAll(text, "'", "''") + "'"
	default:
	}
	return strconv.Quote(text) // each of Go's escapes is one of YAML's
}
