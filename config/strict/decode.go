package strict

import (
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"reflect"
	"strings"

	"github.com/alecthomas/units"
	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
	"github.com/prometheus/alertmanager/timeinterval"
	commoncfg "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"

	"github.com/alertvitals/notifier/config/problem"
)

// decoder fills values in from nodes that an expander made.
type decoder struct {
	*Document
	options Options
}

var (
	secretType   = reflect.TypeFor[commoncfg.Secret]()
	addressType  = reflect.TypeFor[commoncfg.URL]()
	orderedType  = reflect.TypeFor[yaml.MapSlice]()
	durationType = reflect.TypeFor[model.Duration]()
)

// decode fills v, which stands at path, in from n. key is what introduces it, nil in a list.
func (d *decoder) decode(path string, n ast.Node, key *token.Token, v reflect.Value) {
	d.see(path, n, key)
	t := v.Type()
	switch {
	case isUnreadable(n):
		d.unread[path] = true
	case n == nil || n.Type() == ast.NullType:
	case t.Kind() == reflect.Pointer:
		pointed := reflect.New(t.Elem())
		d.decode(path, n, key, pointed.Elem())
		if !d.unread[path] {
			v.Set(pointed)
		}
	case t == secretType:
		d.secret(path, n, v)
	case t == orderedType || t.Kind() == reflect.Interface || t.Kind() == reflect.Map && t.Elem().Kind() == reflect.Interface:
		d.free(path, n, v)
	case isStruct(t):
		d.structure(path, n, v)
	case decodesItself(t):
		d.leaf(path, n, v)
	case t.Kind() == reflect.Map:
		d.mapping(path, n, v)
	case t.Kind() == reflect.Slice:
		d.list(path, n, v)
	default:
		d.leaf(path, n, v)
	}
}

// isStruct is whether t has keys, and is not only a struct within.
func isStruct(t reflect.Type) bool {
	if t.Kind() != reflect.Struct {
		return false
	}
	for field := range t.Fields() {
		if field.Tag.Get("yaml") != "" {
			return true
		}
	}
	return false
}

func decodesItself(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return p.Implements(reflect.TypeFor[yaml.BytesUnmarshaler]()) || p.Implements(reflect.TypeFor[yaml.InterfaceUnmarshaler]())
}

// Field is one key of a struct.
type Field struct {
	// Key is its name in YAML.
	Key string
	// Struct is the type that has the field: that of a struct which is inlined, where it is one's of that.
	Struct reflect.Type
	// Field is the field of Struct.
	Field reflect.StructField
	// Index leads to it, as in reflect.Value.FieldByIndex.
	Index []int
}

// Fields are the keys of a struct, in the order in which it has them.
func Fields(t reflect.Type) []Field {
	var fields []Field
	for field := range t.Fields() {
		tag, more, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		switch {
		case more == "inline":
			for _, inner := range Fields(field.Type) {
				inner.Index = append([]int{field.Index[0]}, inner.Index...)
				fields = append(fields, inner)
			}
		case tag != "" && tag != "-":
			fields = append(fields, Field{Key: tag, Struct: t, Field: field, Index: field.Index})
		}
	}
	return fields
}

func (d *decoder) structure(path string, n ast.Node, v reflect.Value) {
	m, ok := n.(*ast.MappingNode)
	if !ok {
		d.wrongType(path, n, v.Type())
		return
	}
	fields := map[string]Field{}
	var known []string
	for _, field := range Fields(v.Type()) {
		if d.options.Refuses != nil && d.options.Refuses(field) {
			continue
		}
		fields[field.Key] = field
		known = append(known, field.Key)
	}
	d.each(path, m, func(at string, entry *ast.MappingValueNode) {
		key := text(entry.Key)
		field, ok := fields[key]
		if !ok {
			d.unknown(path, entry, v.Type(), known)
			return
		}
		value := v.FieldByIndex(field.Index)
		d.decode(at, entry.Value, entry.Key.GetToken(), value)
		if value.Kind() == reflect.String && strings.HasSuffix(key, "_file") && value.String() != "" {
			value.SetString(d.options.Path(value.String()))
		}
		if files, ok := value.Interface().([]string); ok && key == "files" {
			for i := range files {
				files[i] = d.options.Path(files[i])
			}
		}
	})
}

// unknown tells of a key that is none of the known.
func (d *decoder) unknown(path string, entry *ast.MappingValueNode, t reflect.Type, known []string) {
	key := text(entry.Key)
	d.hide(entry.Value)
	d.incomplete[path] = true
	msg := ""
	if d.options.Unknown != nil {
		msg = d.options.Unknown(t, key)
	}
	near := problem.Nearest(key, known)
	switch {
	case msg != "":
		msg = fmt.Sprintf("%s: %s", clipped(key), msg)
	case near != "":
		msg = fmt.Sprintf("there is no key %q here; did you mean %s?", clipped(key), near)
		d.unread[join(path, near)] = true
	case len(known) <= 12:
		msg = fmt.Sprintf("there is no key %q here; there are %s", clipped(key), strings.Join(known, ", "))
	default:
		msg = fmt.Sprintf("there is no key %q here", clipped(key))
	}
	d.findf(path, entry.Key.GetToken(), "%s", msg)
}

// each tells of keys that are there twice, and calls do for all others.
func (d *decoder) each(path string, m *ast.MappingNode, do func(at string, entry *ast.MappingValueNode)) {
	first := map[string]*token.Token{}
	for _, entry := range m.Values {
		key, at := text(entry.Key), entry.Key.GetToken()
		if _, scalar := entry.Key.(ast.ScalarNode); !scalar {
			d.hide(entry.Value)
			d.incomplete[path] = true
			continue // it is told
		}
		if before := first[key]; before != nil {
			d.hide(entry.Value)
			d.findf(path, at, "the key %q is here for the second time; the first is on line %d", clipped(key), max(before.Position.Line, 1))
			continue
		}
		first[key] = at
		do(join(path, key), entry)
	}
}

func (d *decoder) mapping(path string, n ast.Node, v reflect.Value) {
	m, ok := n.(*ast.MappingNode)
	if !ok {
		d.wrongType(path, n, v.Type())
		return
	}
	v.Set(reflect.MakeMap(v.Type()))
	d.each(path, m, func(at string, entry *ast.MappingValueNode) {
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		key.SetString(text(entry.Key))
		d.decode(at, entry.Value, entry.Key.GetToken(), value)
		v.SetMapIndex(key, value)
	})
}

func (d *decoder) list(path string, n ast.Node, v reflect.Value) {
	list, ok := n.(*ast.SequenceNode)
	if !ok {
		d.wrongType(path, n, v.Type())
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(list.Values), len(list.Values)))
	for i, value := range list.Values {
		d.decode(fmt.Sprintf("%s[%d]", path, i), value, nil, v.Index(i))
	}
}

// free is a value whose keys are its own: the library reads it.
func (d *decoder) free(path string, n ast.Node, v reflect.Value) {
	if _, ok := n.(*ast.MappingNode); !ok && v.Kind() != reflect.Interface {
		d.wrongType(path, n, v.Type())
		return
	}
	if !d.freely(path, n) {
		d.unread[path] = true
		return
	}
	if err := yaml.NodeToValue(n, v.Addr().Interface()); err != nil {
		d.refused(path, n, "this cannot be read")
	}
}

// freely remembers the places of what stands in n, and is whether all of it can be read.
func (d *decoder) freely(path string, n ast.Node) bool {
	ok := !isUnreadable(n)
	visit := func(at string, value ast.Node, key *token.Token) {
		d.see(at, value, key)
		ok = d.freely(at, value) && ok
	}
	switch n := n.(type) {
	case *ast.MappingNode:
		count := 0
		d.each(path, n, func(at string, entry *ast.MappingValueNode) {
			count++
			if secretKey.MatchString(text(entry.Key)) {
				d.hide(entry.Value)
			}
			visit(at, entry.Value, entry.Key.GetToken())
		})
		ok = ok && count == len(n.Values)
	case *ast.SequenceNode:
		for i, value := range n.Values {
			visit(fmt.Sprintf("%s[%d]", path, i), value, nil)
		}
	}
	return ok
}

// leaf is a value that the library reads.
func (d *decoder) leaf(path string, n ast.Node, v reflect.Value) {
	_, scalar := n.(ast.ScalarNode)
	if !scalar && !decodesItself(v.Type()) {
		d.wrongType(path, n, v.Type())
		return
	}
	if !d.freely(path, n) {
		d.unread[path] = true
		return
	}
	value := reflect.New(v.Type())
	if err := yaml.NodeToValue(n, value.Interface()); err != nil {
		d.refuse(path, n, v.Type(), err)
		return
	}
	if f := value.Elem(); f.CanFloat() && (math.IsNaN(f.Float()) || math.IsInf(f.Float(), 0)) {
		d.wrongType(path, n, v.Type())
		return
	}
	v.Set(value.Elem())
}

// refuse tells why a value is not taken.
func (d *decoder) refuse(path string, n ast.Node, t reflect.Type, err error) {
	var wrongType *yaml.TypeError
	switch {
	case t == durationType:
		d.refused(path, n, "want a duration like 30s, 5m or 2h")
	case t == addressType:
		d.refused(path, n, "this is not an http or https address") // net/url repeats the address, with its password
	case t == reflect.TypeFor[units.Base2Bytes]():
		d.refused(path, n, "want a size like 100MB")
	case t == reflect.TypeFor[commoncfg.TLSVersion]():
		d.refused(path, n, "want TLS10, TLS11, TLS12 or TLS13")
	case t == reflect.TypeFor[timeinterval.TimeRange]():
		d.refused(path, n, "want {start_time: '09:00', end_time: '17:00'}, the start before the end; a night is two of them, "+
			"'22:00' to '24:00' and '00:00' to '06:00'")
	case errors.As(err, &wrongType) || !decodesItself(t):
		d.wrongType(path, n, t)
	default:
		var library yaml.Error
		msg := err.Error()
		if errors.As(err, &library) {
			msg = library.GetMessage()
		}
		msg, _, _ = strings.Cut(msg, "\n")
		d.refused(path, n, msg)
	}
}

func (d *decoder) refused(path string, n ast.Node, msg string) {
	d.unread[path] = true
	if secretive(path) {
		d.hide(n)
	}
	d.findf(path, start(n), "%s", msg)
}

// wrongType hides the value when its like could hold a secret.
func (d *decoder) wrongType(path string, n ast.Node, t reflect.Type) {
	d.unread[path] = true
	found := kind(n)
	if holdsSecret(t, map[reflect.Type]bool{}) || secretive(path) {
		d.hide(n)
		if _, scalar := n.(ast.ScalarNode); scalar {
			found = "a text"
		}
	}
	d.findf(path, start(n), "want %s, and this is %s", words(t), found)
}

func secretive(path string) bool { return secretKey.MatchString(lastStep(path)) }

// holdsSecret is whether a value of type t can hold one.
func holdsSecret(t reflect.Type, seen map[reflect.Type]bool) bool {
	if seen[t] {
		return false
	}
	seen[t] = true
	switch {
	case t == secretType || t == addressType:
		return true
	case isStruct(t):
		for _, field := range Fields(t) {
			if holdsSecret(field.Field.Type, seen) {
				return true
			}
		}
	case t.Kind() == reflect.Pointer, t.Kind() == reflect.Slice, t.Kind() == reflect.Map:
		return holdsSecret(t.Elem(), seen)
	}
	return false
}

// words is what a type looks like in YAML.
func words(t reflect.Type) string {
	switch {
	case t == orderedType:
		return "a mapping (key: value)"
	case t == durationType:
		return "a duration like 30s, 5m or 2h"
	case t == reflect.TypeFor[units.Base2Bytes]():
		return "a size like 100MB"
	case t.Kind() == reflect.Pointer:
		return words(t.Elem())
	case isStruct(t), t.Kind() == reflect.Map:
		return "a mapping (key: value)"
	case t.Kind() == reflect.Slice:
		return "a list ([a, b], or lines that begin with -)"
	case t.Kind() == reflect.Bool:
		return "true or false"
	case reflect.Uint <= t.Kind() && t.Kind() <= reflect.Uint64:
		return "a whole number that is not negative"
	case reflect.Int <= t.Kind() && t.Kind() <= reflect.Int64:
		return "a whole number"
	case t.Kind() == reflect.Float64:
		return "a number"
	default:
		return "text"
	}
}

// join is the path of what stands under key at path.
func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// Path is where a relative path leads: from the directory of the file.
func (o Options) Path(path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(o.Dir, path)
}
