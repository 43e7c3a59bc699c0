package config

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	commoncfg "github.com/prometheus/common/config"

	"github.com/alertvitals/notifier/config/httpclient"
	"github.com/alertvitals/notifier/config/problem"
	"github.com/alertvitals/notifier/config/secretfile"
	"github.com/alertvitals/notifier/config/strict"
)

// UnreadableSecrets are the files of secrets that cannot be read now, each where it is named first. That makes no configuration
// wrong, since they are read at each use and may come later.
func (c Config) UnreadableSecrets() []problem.Problem {
	var problems []problem.Problem
	seen := map[string]bool{}
	unreadable(reflect.ValueOf(c), "", func(path, file string) {
		if seen[file] {
			return
		}
		seen[file] = true
		var err error
		if strings.HasSuffix(path, ".secret_file") { // a key that signs
			_, err = secretfile.Bytes(file)
		} else {
			_, err = secretfile.Read(file)
		}
		if err != nil {
			problems = append(problems, problem.Problem{Path: path, Msg: err.Error()})
		}
	})
	return problems
}

// unreadable calls found with each file that holds a secret in v.
func unreadable(v reflect.Value, path string, found func(path, file string)) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			unreadable(v.Elem(), path, found)
		}
	case reflect.Slice:
		for i := range v.Len() {
			unreadable(v.Index(i), fmt.Sprintf("%s[%d]", path, i), found)
		}
	case reflect.Map:
		headers, _ := v.Interface().(map[string]httpclient.Header)
		for _, name := range slices.Sorted(maps.Keys(headers)) {
			for i, file := range headers[name].Files {
				found(fmt.Sprintf("%s.%s.files[%d]", path, name, i), file)
			}
		}
	case reflect.Struct:
		secrets := map[string]bool{}
		fields := strict.Fields(v.Type())
		for _, field := range fields {
			secrets[field.Key+"_file"] = field.Field.Type == reflect.TypeFor[commoncfg.Secret]()
		}
		for _, field := range fields {
			value, at := v.FieldByIndex(field.Index), strings.TrimPrefix(path+"."+field.Key, ".")
			if secrets[field.Key] && value.Kind() == reflect.String && value.Len() > 0 {
				found(at, value.String())
				continue
			}
			unreadable(value, at, found)
		}
	}
}
