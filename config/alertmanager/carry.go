package alertmanager

import (
	"cmp"
	"reflect"
	"slices"
	"strings"
	"time"

	commoncfg "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
)

// unlike are the keys of Alertmanager's that the notifier does not have.
var unlike = map[string]string{
	"proxy_connect_header": "the notifier sends no headers of yours to a proxy",
}

// carried are the entries as the struct typed has them in YAML.
func (f *file) carried(entries []entry, typed any, what string) mapping {
	return f.carriedAs(entries, reflect.TypeOf(typed), what)
}

func (f *file) carriedAs(entries []entry, t reflect.Type, what string) mapping {
	keys := keysOf(t)
	var m mapping
	for _, e := range entries {
		field, known := keys[e.key]
		if why := unlike[e.key]; why != "" || strings.HasSuffix(e.key, "_ref") {
			why = cmp.Or(why, "there is no manager of secrets; name a file by the key that ends in _file")
			f.notef(e.at, "%s of %s: %s", e.key, what, why)
			continue
		}
		if !known {
			f.wrongf(e.at, "%s: Alertmanager has no key %q", what, e.key)
			continue
		}
		if !isNull(e.value) {
			if value := f.value(e, field, what); value != nil {
				m.set(e.key, value)
			}
		}
	}
	return m
}

// keysOf are the keys of a struct in YAML.
func keysOf(t reflect.Type) map[string]reflect.Type {
	keys := map[string]reflect.Type{}
	for field := range t.Fields() {
		tag, options, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		switch {
		case strings.Contains(options, "inline"):
			for key, inner := range keysOf(field.Type) {
				keys[key] = inner
			}
		case tag != "" && tag != "-":
			keys[tag] = field.Type
		}
	}
	return keys
}

// value is an entry's, as the type has it.
func (f *file) value(e entry, t reflect.Type, what string) any {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t == reflect.TypeFor[model.Duration]():
		return f.duration(e, what)
	case t.Kind() == reflect.Struct && len(keysOf(t)) > 0:
		return f.carriedAs(f.entries(e.value, what+"."+e.key), t, what)
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Struct:
		var all list
		for _, one := range f.items(e.value, what+"."+e.key) {
			all = append(all, f.carriedAs(f.entries(one, what+"."+e.key), t.Elem(), what))
		}
		return all
	case t.Kind() == reflect.Slice:
		return f.texts(e.value, what+"."+e.key)
	case t.Kind() == reflect.Map && t.Elem().Kind() == reflect.String:
		var m mapping
		for _, one := range f.entries(e.value, what+"."+e.key) {
			m = append(m, pair{one.key, f.text(one.value, what+"."+e.key)})
		}
		return m
	case t.Kind() == reflect.Map, t.Kind() == reflect.Interface:
		return f.copied(e.value, false)
	case t.Kind() == reflect.Bool:
		if f.truth(e.value, what+"."+e.key) {
			return plain("true")
		}
		return plain("false")
	case slices.Contains([]reflect.Kind{reflect.Int, reflect.Int64, reflect.Uint64, reflect.Float64}, t.Kind()):
		text := f.text(e.value, what+"."+e.key)
		if strings.Trim(text, "0123456789.") != "" || text == "" {
			f.wrongf(e.value, "%s.%s: want a number", what, e.key)
			return nil
		}
		return plain(text)
	case t == reflect.TypeFor[commoncfg.Secret]():
		return literal(f.text(e.value, what+"."+e.key))
	default:
		return f.text(e.value, what+"."+e.key)
	}
}

// literal is a secret that means itself: in one of the notifier's, ${NAME} is a variable of the environment.
func literal(secret string) string { return strings.ReplaceAll(secret, "${", "$${") }

// duration is a Go duration, as Alertmanager has it here, in the words of Prometheus.
func (f *file) duration(e entry, what string) any {
	text := f.text(e.value, what+"."+e.key)
	if text == "0" || text == "" {
		return nil
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		f.wrongf(e.value, "%s.%s: want a duration, such as 10s", what, e.key)
		return nil
	}
	return model.Duration(d.Truncate(time.Millisecond)).String()
}

// withoutEmpty removes what is empty, as Alertmanager takes it for not there.
func withoutEmpty(m *mapping, keys ...string) {
	for _, key := range keys {
		if !m.has(key) {
			m.remove(key)
		}
	}
}
