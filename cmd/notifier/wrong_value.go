package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/alecthomas/kingpin/v2"
)

// namingFlag is err, which the library gives for these arguments, with the flag or the argument in front whose value is wrong: the library
// says only what is.
func namingFlag(app *kingpin.Application, args []string, err error) error {
	given, unparsed := app.ParseContext(args)
	if unparsed != nil {
		return err // it is about something else, and says what
	}
	for _, element := range given.Elements {
		if element.Value == nil {
			continue
		}
		var name string
		var value kingpin.Value
		switch clause := element.Clause.(type) {
		case *kingpin.FlagClause:
			name, value = "--"+clause.Model().Name, clause.Model().Value
		case *kingpin.ArgClause:
			name, value = clause.Model().Name, clause.Model().Value
		default:
			continue
		}
		if wrong := value.Set(*element.Value); wrong != nil && wrong.Error() == err.Error() {
			return fmt.Errorf("%s: %s", name, wrongValue(*element.Value, wrong))
		}
	}
	return err
}

// wrongValue is what is wrong with a value, in words for a person.
func wrongValue(given string, wrong error) string {
	if _, is := errors.AsType[*strconv.NumError](wrong); is {
		return fmt.Sprintf("%q is no number", given)
	}
	if of, is := strings.CutPrefix(wrong.Error(), "enum value must be one of "); is {
		of, _, _ = strings.Cut(of, ", got ")
		return fmt.Sprintf("%q is none of %s", given, strings.ReplaceAll(of, ",", ", "))
	}
	return wrong.Error()
}
