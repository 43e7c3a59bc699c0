package routing

import (
	"fmt"
	"maps"
	"slices"

	"github.com/prometheus/alertmanager/pkg/labels"
	"github.com/prometheus/common/model"

	"github.com/alertvitals/notifier/config/problem"
)

// Route is one node of the tree, as people write it.
type Route struct {
	// Receiver gets the alerts that no child takes. A child without one has its parent's.
	Receiver string `yaml:"receiver"`
	// Match holds the values that labels must have for an alert to enter the node. It is Alertmanager's older form of Matchers; where
	// there are several forms, all must fit. The root has none.
	Match map[string]string `yaml:"match"`
	// MatchRE holds regular expressions, each of which must fit the whole of its label's value. It is an older form, too.
	MatchRE map[string]string `yaml:"match_re"`
	// Matchers must all fit, each in Alertmanager's syntax: team="data". An item may hold several: team="data", severity!="info".
	Matchers []string `yaml:"matchers"`
	// BySeverity names the receivers by the value of the alert's severity label, in place of the route's receiver, which gets what is
	// not listed.
	BySeverity map[string][]string `yaml:"by_severity"`
	// Continue lets the alert go on to the siblings that follow.
	Continue bool `yaml:"continue"`
	// MuteTimeIntervals are the names of time intervals in which nobody is told of what the node takes. The children do not inherit
	// them, and the root has none (docs/time-intervals.md).
	MuteTimeIntervals []string `yaml:"mute_time_intervals"`
	// ActiveTimeIntervals are the names of time intervals outside of which nobody is told of it.
	ActiveTimeIntervals []string `yaml:"active_time_intervals"`
	// Routes are the children. They are tried first, in their order.
	Routes []Route `yaml:"routes"`
}

// Validate says what is wrong with the tree whose root r is. receivers are the names that the configuration defines.
func (r Route) Validate(receivers []string) []problem.Problem {
	var problems []problem.Problem
	if r.Receiver == "" {
		problems = append(problems, problem.Problem{Path: "receiver", Msg: "the root route needs a receiver, for every alert that nothing else takes"})
	}
	for _, form := range []struct {
		key   string
		given int
	}{{"match", len(r.Match)}, {"match_re", len(r.MatchRE)}, {"matchers", len(r.Matchers)}} {
		if form.given > 0 {
			problems = append(problems, problem.Problem{Path: form.key, Msg: "the root route takes every alert, so it must not have matchers"})
		}
	}
	if r.Continue {
		problems = append(problems, problem.Problem{Path: "continue", Msg: "the root route has no siblings to continue to"})
	}
	problems = append(problems, r.validateNode(receivers)...)
	return append(problems, r.Unreachable()...)
}

func (r Route) validateNode(receivers []string) []problem.Problem {
	var problems []problem.Problem
	known := func(path, name string) {
		if !slices.Contains(receivers, name) {
			problems = append(problems, problem.Missing(path, "receiver", name, receivers))
		}
	}
	if r.Receiver != "" {
		known("receiver", r.Receiver)
	}
	for _, severity := range slices.Sorted(maps.Keys(r.BySeverity)) {
		path := "by_severity." + severity
		if len(r.BySeverity[severity]) == 0 {
			problems = append(problems, problem.Problem{Path: path, Msg: "names no receiver; leave the severity out to use the route's receiver"})
		}
		for i, name := range r.BySeverity[severity] {
			known(fmt.Sprintf("%s[%d]", path, i), name)
		}
	}
	problems = append(problems, r.validateMatchers()...)
	for i, child := range r.Routes {
		problems = append(problems, problem.Under(fmt.Sprintf("routes[%d]", i), child.validateNode(receivers))...)
	}
	return problems
}

// Tree answers which receivers an alert goes to. It never changes.
type Tree struct {
	receivers  []string // the one that the route names
	bySeverity map[string][]string
	matchers   labels.Matchers
	goOn       bool
	children   []*Tree
	// muted and active are the names of its intervals.
	muted, active []string
	// way leads to the node: its matchers and those above it. path leads to it in the configuration, where it is in that line, 0 when
	// nobody said.
	way, path string
	line      int
	// severityLines are where the keys of bySeverity are, which may be those of a node above.
	severityLines map[string]int
}

// New compiles a route that Validate found nothing wrong with.
func New(root Route) (*Tree, error) { return NewLocated(root, nil) }

// NewLocated is New for explanations that name lines: lineOf is in which line of the file a path of the configuration is, as in
// route.routes[2].
func NewLocated(root Route, lineOf func(path string) int) (*Tree, error) {
	if lineOf == nil {
		lineOf = func(string) int { return 0 }
	}
	return compile(root, Route{}, "", rootPath, rootPath, lineOf)
}

// rootPath is where the root stands in the configuration.
const rootPath = "route"

// compile makes a node of the route at path. keys is the path of the node whose by_severity is the parent's.
func compile(r, parent Route, above, path, keys string, lineOf func(path string) int) (*Tree, error) {
	if r.Receiver == "" && r.BySeverity == nil {
		r.BySeverity = parent.BySeverity
	} else {
		keys = path
	}
	if r.Receiver == "" {
		r.Receiver = parent.Receiver
	}
	matchers, err := r.allMatchers()
	if err != nil {
		return nil, err
	}
	tree := &Tree{
		receivers: []string{r.Receiver}, bySeverity: r.BySeverity, goOn: r.Continue, muted: r.MuteTimeIntervals, active: r.ActiveTimeIntervals,
		matchers: matchers, way: above + matchers.String(), path: path, line: lineOf(path),
		severityLines: map[string]int{},
	}
	for severity := range r.BySeverity {
		tree.severityLines[severity] = lineOf(keys + ".by_severity." + severity)
	}
	for i, child := range r.Routes {
		node, err := compile(child, r, tree.way+"/", childPath(path, i), keys, lineOf)
		if err != nil {
			return nil, err
		}
		tree.children = append(tree.children, node)
	}
	return tree, nil
}

func childPath(path string, i int) string { return fmt.Sprintf("%s.routes[%d]", path, i) }

// Match is the receivers of an alert with these labels, each named once, in the order of the tree. There is always at
// least one.
func (t *Tree) Match(alertLabels map[string]string) []string {
	var receivers []string
	for _, end := range t.match(setOf(alertLabels)) {
		for _, name := range end.receivers {
			if !slices.Contains(receivers, name) {
				receivers = append(receivers, name)
			}
		}
	}
	return receivers
}

// Way is by which route an alert with these labels comes to a receiver, as Alertmanager writes routes: {}/{team="data"}. What
// by_severity decided follows it: {} by_severity.critical. It is "" when no route leads there, as to a fallback.
func (t *Tree) Way(alertLabels map[string]string, receiver string) string {
	for _, end := range t.match(setOf(alertLabels)) {
		switch {
		case !slices.Contains(end.receivers, receiver):
		case end.severity != "":
			return end.at.way + " by_severity." + end.severity
		default:
			return end.at.way
		}
	}
	return ""
}

// Named is whether a route below the root takes an alert with these labels: somebody wrote where it goes, and it does not go where
// everything goes.
func (t *Tree) Named(alertLabels map[string]string) bool {
	return !slices.ContainsFunc(t.match(setOf(alertLabels)), func(e end) bool { return e.at == t })
}

func setOf(alertLabels map[string]string) model.LabelSet {
	set := make(model.LabelSet, len(alertLabels))
	for name, value := range alertLabels {
		set[model.LabelName(name)] = model.LabelValue(value)
	}
	return set
}

// end is a node that takes an alert, and whom it names for it.
type end struct {
	at        *Tree
	receivers []string
	severity  string // "" when by_severity does not list it
}

// match is empty when the node does not take the alert.
func (t *Tree) match(set model.LabelSet) []end {
	if !t.matchers.Matches(set) {
		return nil
	}
	var ends []end
	for _, child := range t.children {
		taken := child.match(set)
		ends = append(ends, taken...)
		if len(taken) > 0 && !child.goOn {
			break
		}
	}
	if len(ends) > 0 {
		return ends
	}
	severity := string(set["severity"])
	if named, ok := t.bySeverity[severity]; ok {
		return []end{{t, named, severity}}
	}
	return []end{{t, t.receivers, ""}}
}
