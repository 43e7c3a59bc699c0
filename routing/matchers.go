package routing

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"sort"
	"strings"

	"github.com/prometheus/alertmanager/matcher/compat"
	"github.com/prometheus/alertmanager/pkg/labels"
	"github.com/prometheus/common/model"
	"github.com/prometheus/common/promslog"

	"github.com/alertvitals/notifier/config/problem"
)

// parseMatchers reads matchers as Alertmanager does unless a feature flag tells it otherwise: in the UTF-8 syntax, else in the classic one,
// and in the classic one where the two disagree.
//
// Source: https://prometheus.io/docs/alerting/latest/configuration/#verification.
var parseMatchers = compat.FallbackMatchersParser(promslog.NewNopLogger())

// parseMatcher is the same for what must be one matcher.
var parseMatcher = compat.FallbackMatcherParser(promslog.NewNopLogger())

// ParseLabel reads LABEL=VALUE as people write it in a command, in the syntax of an equality matcher.
func ParseLabel(text string) (name, value string, err error) {
	m, err := parseMatcher(text, "label")
	if err != nil || m.Type != labels.MatchEqual {
		return "", "", fmt.Errorf("%q is not LABEL=VALUE, as in severity=critical", text)
	}
	return m.Name, m.Value, nil
}

// allMatchers are those of match, match_re and matchers, in the order in which Alertmanager sorts them.
func (r Route) allMatchers() (labels.Matchers, error) {
	var all labels.Matchers
	for name, value := range r.Match {
		m, err := labels.NewMatcher(labels.MatchEqual, name, value)
		if err != nil {
			return nil, fmt.Errorf("reading match of %q: %w", name, err)
		}
		all = append(all, m)
	}
	for name, pattern := range r.MatchRE {
		m, err := labels.NewMatcher(labels.MatchRegexp, name, pattern)
		if err != nil {
			return nil, fmt.Errorf("reading match_re of %q: %w", name, err)
		}
		all = append(all, m)
	}
	for _, text := range r.Matchers {
		matchers, err := parseMatchers(text, "route")
		if err != nil {
			return nil, fmt.Errorf("reading matcher %q: %w", text, err)
		}
		all = append(all, matchers...)
	}
	sort.Sort(all)
	return all, nil
}

func (r Route) validateMatchers() []problem.Problem {
	var problems []problem.Problem
	add := func(path, format string, args ...any) {
		problems = append(problems, problem.Problem{Path: path, Msg: fmt.Sprintf(format, args...)})
	}
	for _, name := range slices.Sorted(maps.Keys(r.Match)) {
		if !model.LegacyValidation.IsValidLabelName(name) {
			add("match."+name, "%s", noLabelName(name, "="))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.MatchRE)) {
		path, pattern := "match_re."+name, r.MatchRE[name]
		if !model.LegacyValidation.IsValidLabelName(name) {
			add(path, "%s", noLabelName(name, "=~"))
		}
		if pattern == "" {
			add(path, `has no regular expression; for alerts without the label write match: {%s: ""}`, name)
		} else if _, err := regexp.Compile("^(?:" + pattern + ")$"); err != nil {
			add(path, "%s", whyNoRegexp(pattern, err))
		}
	}
	for i, text := range r.Matchers {
		path := fmt.Sprintf("matchers[%d]", i)
		switch parsed, err := parseMatchers(text, "route"); {
		case err != nil:
			add(path, "%s", whyNoMatcher(text, err))
		case len(parsed) == 0:
			add(path, "is empty, and would take every alert")
		}
	}
	return problems
}

func noLabelName(name, operator string) string {
	return fmt.Sprintf("%q cannot be a label's name here; names with other characters than letters, digits and _ go into matchers: ['%q%s\"…\"']",
		name, name, operator)
}

func whyNoRegexp(pattern string, err error) string {
	return fmt.Sprintf("%q is no regular expression (https://github.com/google/re2/wiki/Syntax): %s", pattern, regexpError(err))
}

// whyNoMatcher words what the parser says of a matcher for a person.
func whyNoMatcher(text string, err error) string {
	switch operator := strings.IndexAny(text, "=!"); {
	case strings.Contains(err.Error(), "error parsing regexp"):
		return fmt.Sprintf("the regular expression is wrong (https://github.com/google/re2/wiki/Syntax): %s", regexpError(err))
	case operator < 0:
		return `is no matcher: it has none of =, !=, =~ and !~; want one like team="data"`
	case strings.Count(strings.ReplaceAll(text, `\"`, ""), `"`)%2 == 1:
		return `is no matcher: a quotation mark is not closed; want one like team="data"`
	default:
		return fmt.Sprintf(`not a matcher like team="data": %v`, err)
	}
}

// regexpError is what is wrong with a regular expression, without what Alertmanager puts around it.
func regexpError(err error) string {
	text := strings.TrimPrefix(err.Error(), "error parsing regexp: ")
	return strings.NewReplacer("`^(?:", "`", ")$`", "`").Replace(text)
}
