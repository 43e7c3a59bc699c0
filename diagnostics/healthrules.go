package diagnostics

import (
	"fmt"
	"slices"

	"github.com/alertvitals/notifier/diagnostics/jsonbody"
)

// healthRules are what is special about the health and readiness answers of one kind of agent, beside what readHealth knows of
// all. Fields are paths of keys joined by dots.
type healthRules struct {
	// JSON says that the agent answers JSON, and that anything else is someone else: an app that answers every path with its page.
	JSON bool `yaml:"json"`
	// Version is the field that holds the build, where it is not "version".
	Version string       `yaml:"version"`
	Rules   []healthRule `yaml:"rules"`
}

// healthRule makes a verdict worse when a field of the answer is what it should not be. A field that is not there proves nothing.
type healthRule struct {
	Field string `yaml:"field"`
	// Is is the value as text ("false"); Above a limit of a number. One of the two is given.
	Is    string   `yaml:"is"`
	Above *float64 `yaml:"above"`
	// Verdict is degraded or down, Note says why in words for people.
	Verdict Verdict `yaml:"verdict"`
	Note    string  `yaml:"note"`
}

func (r healthRules) validate() error {
	for _, one := range r.Rules {
		switch {
		case one.Field == "":
			return fmt.Errorf("health: a rule without a field")
		case (one.Is == "") == (one.Above == nil):
			return fmt.Errorf("health: the rule of %q needs one of is and above", one.Field)
		case !slices.Contains([]Verdict{Degraded, Down}, one.Verdict):
			return fmt.Errorf("health: the rule of %q needs the verdict degraded or down", one.Field)
		case one.Note == "":
			return fmt.Errorf("health: the rule of %q needs a note", one.Field)
		}
	}
	return nil
}

// apply judges a JSON body by the rules.
func (c *Check) apply(body []byte, rules healthRules) {
	if len(rules.Rules) == 0 {
		return
	}
	value, err := jsonbody.Decode(body)
	if err != nil {
		return
	}
	for _, rule := range rules.Rules {
		at, found := jsonbody.At(value, rule.Field)
		if found && rule.broken(at) {
			c.worsen(rule.Verdict, rule.Note)
		}
	}
}

func (r healthRule) broken(value any) bool {
	if r.Above != nil {
		number, ok := jsonbody.Number(value)
		return ok && number > *r.Above
	}
	text, ok := jsonbody.Text(value)
	return ok && text == r.Is
}
