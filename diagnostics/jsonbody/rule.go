package jsonbody

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
)

// Rule says how one sample comes of a body. Exactly one of Value, Sum, Max and Count is given; each is a path of keys joined
// by dots, in which one * stands for every element of a list or every member of an object: "data.total_agents",
// "*.tokens.input".
type Rule struct {
	// Name and Labels are those of the sample.
	Name   string            `yaml:"name"`
	Labels map[string]string `yaml:"labels"`
	// Value is one number of the body, true being 1 and false 0.
	Value string `yaml:"value"`
	// Sum adds up the numbers of all elements, Max is the highest of them; a list without elements has the sum 0 and no highest.
	Sum string `yaml:"sum"`
	Max string `yaml:"max"`
	// Count is how many elements there are; its path ends with *.
	Count string `yaml:"count"`
	// Where leaves out the elements whose fields (paths from the element on) are others than these.
	Where map[string]string `yaml:"where"`
}

// Validate says what is wrong with r, nil when nothing is.
func (r Rule) Validate() error {
	if !model.LegacyValidation.IsValidMetricName(r.Name) {
		return fmt.Errorf("%q is no name of a metric", r.Name)
	}
	for name := range r.Labels {
		if !model.LegacyValidation.IsValidLabelName(name) || strings.HasPrefix(name, "__") {
			return fmt.Errorf("%s: %q is no name of a label", r.Name, name)
		}
	}
	given := slices.DeleteFunc([]string{r.Value, r.Sum, r.Max, r.Count}, func(path string) bool { return path == "" })
	if len(given) != 1 {
		return fmt.Errorf("%s: needs one of value, sum, max and count", r.Name)
	}
	steps := strings.Split(given[0], ".")
	if slices.Contains(steps, "") {
		return fmt.Errorf("%s: the path %q has an empty key", r.Name, given[0])
	}
	stars := 0
	for _, step := range steps {
		if step == "*" {
			stars++
		}
	}
	switch {
	case r.Value != "" && (stars > 0 || len(r.Where) > 0):
		return fmt.Errorf("%s: value is of one number: it takes no * and no where", r.Name)
	case r.Value == "" && stars != 1:
		return fmt.Errorf("%s: the path needs one *", r.Name)
	case r.Count != "" && steps[len(steps)-1] != "*":
		return errors.New(r.Name + ": the path of count ends with *")
	}
	return nil
}
