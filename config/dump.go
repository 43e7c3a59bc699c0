package config

import (
	"encoding"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	commoncfg "github.com/prometheus/common/config"

	"github.com/alertvitals/notifier/config/strict"
)

// hidden stands for a secret.
const hidden = "<secret>"

// String is the configuration as it applies, in YAML: with the defaults of what the file leaves out, relative paths from where the
// notifier runs, and <secret> in the place of every secret. What has neither value nor default is left out.
func (c Config) String() string {
	shown, _ := show(reflect.ValueOf(c))
	text, err := yaml.MarshalWithOptions(shown, yaml.IndentSequence(true), yaml.UseSingleQuote(true))
	if err != nil {
		return "# this configuration cannot be written as YAML\n" // its values come of YAML
	}
	return string(text)
}

// GoString is String, so that no way to print a configuration shows a secret.
func (c Config) GoString() string { return c.String() }

// show is what of a value is written, and whether anything is.
func show(v reflect.Value) (any, bool) {
	switch value := v.Interface().(type) {
	case commoncfg.Secret:
		return hidden, value != ""
	case commoncfg.URL:
		return strings.Replace(value.Redacted(), ":xxxxx@", ":"+hidden+"@", 1), value.URL != nil
	case yaml.MapSlice:
		return value, len(value) > 0
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return nil, false
		}
		shown, ok := show(v.Elem())
		if !ok && v.Kind() == reflect.Pointer {
			return empty(v.Elem()), true // it is there, and says: none
		}
		return shown, ok
	case reflect.Struct:
		if len(strict.Fields(v.Type())) > 0 {
			return showStruct(withDefaults(v))
		}
	}
	switch value := v.Interface().(type) {
	case yaml.InterfaceMarshaler:
		shown, err := value.MarshalYAML()
		return shown, err == nil && shown != nil && !v.IsZero()
	case encoding.TextMarshaler:
		text, err := value.MarshalText()
		return string(text), err == nil && !v.IsZero()
	}
	switch v.Kind() {
	case reflect.String:
		return passwordIn.ReplaceAllString(v.String(), "${1}"+hidden+"@"), !v.IsZero()
	case reflect.Slice:
		list := []any{}
		for i := range v.Len() {
			shown, ok := show(v.Index(i))
			if !ok {
				shown = empty(v.Index(i))
			}
			list = append(list, shown)
		}
		return list, !v.IsNil()
	case reflect.Map:
		return showMap(v, false)
	default:
		return v.Interface(), !v.IsZero()
	}
}

// empty is how a value is written that says nothing.
func empty(v reflect.Value) any {
	switch v.Kind() {
	case reflect.Struct, reflect.Map:
		return map[string]any{}
	case reflect.Pointer, reflect.Interface:
		return nil
	default:
		if text, ok := v.Interface().(encoding.TextMarshaler); ok {
			if b, err := text.MarshalText(); err == nil {
				return string(b)
			}
		}
		return v.Interface()
	}
}

func showStruct(v reflect.Value) (any, bool) {
	var items yaml.MapSlice
	for _, field := range strict.Fields(v.Type()) {
		value := v.FieldByIndex(field.Index)
		if field.Key == "endpoint_params" { // of oauth2: the token's endpoint may want a password among them
			if shown, ok := showMap(value, true); ok {
				items = append(items, yaml.MapItem{Key: field.Key, Value: shown})
			}
			continue
		}
		if shown, ok := show(value); ok {
			items = append(items, yaml.MapItem{Key: field.Key, Value: shown})
		}
	}
	return items, len(items) > 0
}

// passwordIn is the password of an address that is written as text.
var passwordIn = regexp.MustCompile(`(://[^/?#:@\s]*:)[^/?#@\s]+@`)

// showMap shows no value of a key that is called as secrets are, and none at all when all are secrets.
func showMap(v reflect.Value, secrets bool) (any, bool) {
	values := map[string]any{}
	for _, key := range v.MapKeys() {
		shown, ok := show(v.MapIndex(key))
		if !ok {
			shown = empty(v.MapIndex(key))
		}
		if secrets || strict.IsSecretKey(fmt.Sprint(key)) {
			shown = hidden
		}
		values[fmt.Sprint(key)] = shown
	}
	var items yaml.MapSlice
	for _, key := range slices.Sorted(maps.Keys(values)) {
		items = append(items, yaml.MapItem{Key: key, Value: values[key]})
	}
	return items, v.Len() > 0
}

// withDefaults is v with the defaults of its type, which its method WithDefaults gives.
func withDefaults(v reflect.Value) reflect.Value {
	method := v.MethodByName("WithDefaults")
	if !method.IsValid() || method.Type().NumIn() != 0 || method.Type().NumOut() != 1 || method.Type().Out(0) != v.Type() {
		return v
	}
	return method.Call(nil)[0]
}
