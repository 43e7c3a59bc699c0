package jsonbody

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Sample is one number of a body. Name and Labels are the rule's own.
type Sample struct {
	Name   string
	Labels map[string]string
	Value  float64
}

// Read reads a body by rules that Validate finds nothing wrong with. Unknown are the rules for which the body has no number.
// It is an error when the body is no JSON. The caller bounds the body; what is read takes some twenty times its size.
func Read(body []byte, rules []Rule) (samples []Sample, unknown []Rule, err error) {
	value, err := Decode(body)
	if err != nil {
		return nil, nil, err
	}
	for _, rule := range rules {
		number, known, err := rule.read(value)
		switch {
		case err != nil:
			unknown = append(unknown, rule)
		case known:
			samples = append(samples, Sample{rule.Name, rule.Labels, number})
		}
	}
	return samples, unknown, nil
}

// Decode is a JSON body as a value that At finds its way in.
func Decode(body []byte) (any, error) {
	var value any
	if err := json.Unmarshal(body, &value); err != nil {
		// The error of the decoder repeats parts of the body.
		return nil, errors.New("not JSON")
	}
	return value, nil
}

// At is what stands in a decoded body at a path of keys joined by dots.
func At(value any, path string) (any, bool) {
	for _, key := range strings.Split(path, ".") {
		object, ok := value.(map[string]any)
		if !ok {
			return nil, false
		}
		if value, ok = object[key]; !ok {
			return nil, false
		}
	}
	return value, true
}

// Text is a string, number or boolean as rules write it; false when value is none of them.
func Text(value any) (string, bool) {
	switch v := value.(type) {
	case string:
		return v, true
	case bool:
		return strconv.FormatBool(v), true
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64), true
	}
	return "", false
}

// Number is a finite number or a boolean as 1 or 0; false when value is none. A text is no number, however it looks.
func Number(value any) (float64, bool) {
	switch v := value.(type) {
	case bool:
		if v {
			return 1, true
		}
		return 0, true
	case float64:
		return v, !math.IsInf(v, 0) && !math.IsNaN(v)
	}
	return 0, false
}

// errNoNumber is a body that has no number where a rule looks for one.
var errNoNumber = errors.New("no number")

// read is the rule's number. Known is false without an error when there is nothing to find the highest of.
func (r Rule) read(body any) (number float64, known bool, err error) {
	if r.Value != "" {
		at, _ := At(body, r.Value)
		number, known = Number(at)
		if !known {
			err = fmt.Errorf("%s: %w", r.Value, errNoNumber)
		}
		return number, known, err
	}
	path := r.Sum + r.Max + r.Count // of which one is given
	elements, rest, err := r.elements(body, path)
	if err != nil {
		return 0, false, err
	}
	for i, element := range elements {
		one := 1.0
		if r.Count == "" {
			at := element
			if rest != "" {
				at, _ = At(element, rest)
			}
			if one, known = Number(at); !known {
				return 0, false, fmt.Errorf("%s: %w", path, errNoNumber)
			}
		}
		switch {
		case r.Max == "":
			number += one
		case i == 0 || one > number:
			number = one
		}
	}
	if math.IsInf(number, 0) {
		return 0, false, fmt.Errorf("%s: %w", path, errNoNumber)
	}
	return number, r.Max == "" || len(elements) > 0, nil
}

// elements are those that the path's * stands for and Where keeps, and what follows the * in the path.
func (r Rule) elements(body any, path string) (elements []any, rest string, err error) {
	before, rest, _ := strings.Cut("."+path, ".*")
	rest = strings.TrimPrefix(rest, ".")
	if before = strings.TrimPrefix(before, "."); before != "" {
		var found bool
		if body, found = At(body, before); !found {
			return nil, "", fmt.Errorf("%s: %w", path, errNoNumber)
		}
	}
	switch all := body.(type) {
	case []any:
		elements = slices.Clone(all)
	case map[string]any:
		for _, element := range all {
			elements = append(elements, element)
		}
	default:
		return nil, "", fmt.Errorf("%s: %w", path, errNoNumber)
	}
	return slices.DeleteFunc(elements, func(element any) bool { return !r.keeps(element) }), rest, nil
}

func (r Rule) keeps(element any) bool {
	for path, want := range r.Where {
		at, _ := At(element, path)
		if text, ok := Text(at); !ok || text != want {
			return false
		}
	}
	return true
}
