package templates

import "reflect"

// Escaped is d with every text in it changed by escape: for a template whose own markup is meant, while none of its data's
// is. d itself stays as it is.
func (d Data) Escaped(escape func(string) string) Data {
	escaped, _ := changed(reflect.ValueOf(d), escape).Interface().(Data)
	return escaped
}

// changed is a copy of v in which every string is changed, names of labels included: they may hold anything. Fields that nobody can see stay as they are, times among them.
func changed(v reflect.Value, change func(string) string) reflect.Value {
	out := reflect.New(v.Type()).Elem()
	switch v.Kind() {
	case reflect.String:
		out.SetString(change(v.String()))
	case reflect.Pointer:
		if !v.IsNil() {
			out.Set(reflect.New(v.Type().Elem()))
			out.Elem().Set(changed(v.Elem(), change))
		}
	case reflect.Struct:
		out.Set(v)
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				out.Field(i).Set(changed(v.Field(i), change))
			}
		}
	case reflect.Slice:
		if v.IsNil() {
			return v
		}
		out.Set(reflect.MakeSlice(v.Type(), v.Len(), v.Len()))
		for i := range v.Len() {
			out.Index(i).Set(changed(v.Index(i), change))
		}
	case reflect.Map:
		if v.IsNil() {
			return v
		}
		out.Set(reflect.MakeMapWithSize(v.Type(), v.Len()))
		for _, key := range v.MapKeys() {
			out.SetMapIndex(changed(key, change), changed(v.MapIndex(key), change))
		}
	default:
		return v
	}
	return out
}
