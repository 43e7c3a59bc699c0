package routing

import (
	"slices"

	"github.com/prometheus/common/model"
)

// Explanation is how an alert came to its receivers.
type Explanation struct {
	// Labels are the alert's.
	Labels map[string]string `json:"labels"`
	// Receivers are those of Match.
	Receivers []string `json:"receivers"`
	// Heartbeat is whether it is a heartbeat that is expected: it is heard, and nobody is told unless a route below the root takes it.
	Heartbeat bool `json:"heartbeat,omitempty"`
	// Through says by which route each came. A receiver that several routes lead to is there several times.
	Through []Through `json:"through"`
	// Tried are the routes in the order in which they were tried, and those that were not. Below a route that was not entered none is named.
	Tried []Try `json:"tried"`
}

// Through is a route that leads to a receiver.
type Through struct {
	Receiver string `json:"receiver"`
	// Route is its path in the configuration: route.routes[2]. Line is where that, or the key of by_severity, stands there, counted from 1;
	// 0 when it is not known.
	Route string `json:"route"`
	Line  int    `json:"line,omitempty"`
	// Way is it as Alertmanager writes routes: {}/{team="data"}.
	Way string `json:"way"`
	// BySeverity is the key of by_severity that named the receiver; nil when the route's own receiver was meant.
	BySeverity *string `json:"by_severity,omitempty"`
	// MuteTimeIntervals and ActiveTimeIntervals are the names of those that the route has.
	MuteTimeIntervals   []string `json:"mute_time_intervals,omitempty"`
	ActiveTimeIntervals []string `json:"active_time_intervals,omitempty"`
}

// Place is what in the configuration named the receiver: route.routes[2], or route.by_severity.critical.
func (t Through) Place() string {
	switch {
	case t.BySeverity == nil:
		return t.Route
	case *t.BySeverity == "":
		return t.Route + `.by_severity.""`
	default:
		return t.Route + ".by_severity." + *t.BySeverity
	}
}

// Outcome is what a route did with an alert.
type Outcome string

const (
	// Took is a route that the alert fits, and none below it.
	Took Outcome = "took"
	// PassedOn is a route that the alert fits, and one below it, too.
	PassedOn Outcome = "passed_on"
	// Refused is a route with a matcher that the alert does not fit.
	Refused Outcome = "refused"
	// NotTried is a route after one that took the alert, or passed it on, and does not continue.
	NotTried Outcome = "not_tried"
)

// Try is what one route did with the alert.
type Try struct {
	// Route, Line and Way are as in Through.
	Route string `json:"route"`
	Line  int    `json:"line,omitempty"`
	Way   string `json:"way"`
	// Own is the last step of the way: the route's own matchers. Depth is how many routes are above it.
	Own     string  `json:"own"`
	Depth   int     `json:"depth"`
	Outcome Outcome `json:"outcome"`
	// Matchers are all that the route has, whether they fit or not; none when it was not tried.
	Matchers []Check `json:"matchers"`
	// Receivers are whom it named, when it took the alert. BySeverity is as in Through.
	Receivers  []string `json:"receivers,omitempty"`
	BySeverity *string  `json:"by_severity,omitempty"`
	// Unlisted is whether the route has a by_severity that does not list the alert's severity, so that its receiver was meant.
	Unlisted bool `json:"unlisted,omitempty"`
	// Continue is whether the siblings after it are tried nonetheless. After is the path of the one because of which this one was not.
	Continue bool   `json:"continue,omitempty"`
	After    string `json:"after,omitempty"`
}

// Check is one matcher and the value that it was held against.
type Check struct {
	Matcher string `json:"matcher"`
	Label   string `json:"label"`
	// Value is the alert's, "" when it has no such label: matchers do not tell the two apart.
	Value string `json:"value"`
	Fits  bool   `json:"fits"`
}

// Explain is Match with the reasons.
func (t *Tree) Explain(alertLabels map[string]string) Explanation {
	e := Explanation{Labels: alertLabels, Receivers: []string{}, Through: []Through{}}
	if e.Labels == nil {
		e.Labels = map[string]string{}
	}
	t.explain(setOf(alertLabels), 0, &e)
	for _, through := range e.Through {
		if !slices.Contains(e.Receivers, through.Receiver) {
			e.Receivers = append(e.Receivers, through.Receiver)
		}
	}
	return e
}

// explain adds what the node and those below it did, and is whether the alert fits it.
func (t *Tree) explain(set model.LabelSet, depth int, e *Explanation) bool {
	try := Try{Route: t.path, Line: t.line, Way: t.way, Own: t.matchers.String(), Depth: depth, Outcome: Took, Matchers: []Check{}, Continue: t.goOn}
	for _, m := range t.matchers {
		value := string(set[model.LabelName(m.Name)])
		check := Check{Matcher: m.String(), Label: m.Name, Value: value, Fits: m.Matches(value)}
		if !check.Fits {
			try.Outcome = Refused
		}
		try.Matchers = append(try.Matchers, check)
	}
	at := len(e.Tried)
	e.Tried = append(e.Tried, try)
	if try.Outcome == Refused {
		return false
	}
	after := ""
	for _, child := range t.children {
		if after != "" {
			e.Tried = append(e.Tried, Try{
				Route: child.path, Line: child.line, Way: child.way, Own: child.matchers.String(), Depth: depth + 1,
				Outcome: NotTried, Matchers: []Check{}, After: after,
			})
			continue
		}
		if child.explain(set, depth+1, e) {
			e.Tried[at].Outcome = PassedOn
			if !child.goOn {
				after = child.path
			}
		}
	}
	if e.Tried[at].Outcome == Took {
		t.take(set, &e.Tried[at], e)
	}
	return true
}

// take adds whom the node itself names.
func (t *Tree) take(set model.LabelSet, try *Try, e *Explanation) {
	severity := string(set["severity"])
	named, listed := t.bySeverity[severity]
	try.Receivers = named
	switch {
	case listed:
		try.BySeverity = &severity
	default:
		try.Receivers, try.Unlisted = t.receivers, len(t.bySeverity) > 0
	}
	line := t.line
	if try.BySeverity != nil {
		line = t.severityLines[*try.BySeverity]
	}
	for _, name := range try.Receivers {
		e.Through = append(e.Through, Through{
			Receiver: name, Route: t.path, Line: line, Way: t.way, BySeverity: try.BySeverity,
			MuteTimeIntervals: t.muted, ActiveTimeIntervals: t.active,
		})
	}
}

// Show is the explanation with other values of labels in the place of the alert's: those that may be shown.
func (e Explanation) Show(labels map[string]string) Explanation {
	e.Labels = labels
	e.Tried = slices.Clone(e.Tried)
	for i := range e.Tried {
		e.Tried[i].Matchers = slices.Clone(e.Tried[i].Matchers)
		for j := range e.Tried[i].Matchers {
			check := &e.Tried[i].Matchers[j]
			check.Value = labels[check.Label]
		}
	}
	return e
}

// Node is a route as it counts: with what it has of the one above it.
type Node struct {
	// Route, Line and Way are as in Through.
	Route string `json:"route"`
	Line  int    `json:"line,omitempty"`
	Way   string `json:"way"`
	// Matchers are those of match, match_re and matchers, sorted.
	Matchers            []string            `json:"matchers"`
	Receiver            string              `json:"receiver"`
	BySeverity          map[string][]string `json:"by_severity,omitempty"`
	MuteTimeIntervals   []string            `json:"mute_time_intervals,omitempty"`
	ActiveTimeIntervals []string            `json:"active_time_intervals,omitempty"`
	Continue            bool                `json:"continue"`
	Routes              []Node              `json:"routes"`
}

// Node is the root and all below it.
func (t *Tree) Node() Node {
	n := Node{
		Route: t.path, Line: t.line, Way: t.way, Matchers: []string{}, Receiver: t.receivers[0],
		BySeverity: t.bySeverity, MuteTimeIntervals: t.muted, ActiveTimeIntervals: t.active, Continue: t.goOn, Routes: []Node{},
	}
	for _, m := range t.matchers {
		n.Matchers = append(n.Matchers, m.String())
	}
	for _, child := range t.children {
		n.Routes = append(n.Routes, child.Node())
	}
	return n
}

// Answer is where some alerts go.
type Answer struct {
	// Receivers are those of all of them, in the order in which they first come up.
	Receivers []string `json:"receivers"`
	// Alerts explains each.
	Alerts []Explanation `json:"alerts"`
}

// Ask is where alerts with these labels go, and why. show gives them as they may be shown; expected is whether such an alert is a
// heartbeat. Each may be nil.
func (t *Tree) Ask(alerts []map[string]string, show func(map[string]string) map[string]string, expected func(map[string]string) bool) Answer {
	a := Answer{Receivers: []string{}, Alerts: []Explanation{}}
	for _, labels := range alerts {
		e := t.Explain(labels)
		if expected != nil && expected(labels) && !t.Named(labels) {
			e.Heartbeat, e.Receivers, e.Through = true, []string{}, []Through{}
		}
		for _, name := range e.Receivers {
			if !slices.Contains(a.Receivers, name) {
				a.Receivers = append(a.Receivers, name)
			}
		}
		if show != nil {
			e = e.Show(show(labels))
		}
		a.Alerts = append(a.Alerts, e)
	}
	return a
}
