package templates

import (
	"errors"
	"fmt"
	"regexp"
	"time"

	amtemplate "github.com/prometheus/alertmanager/template"

	"github.com/alertvitals/notifier/alert"
	"github.com/alertvitals/notifier/diagnostics"
)

// Try makes a text by a template for groups of every kind: firing, resolved, truncated, empty, with and without an agent. The
// error says for which of them it fails, so that it fails when the configuration is read and not at night.
func (s *Set) Try(source string) error {
	return s.try(func(d Data) error { _, err := execute(s.text, source, d); return err })
}

// TryHTML is Try for HTML.
func (s *Set) TryHTML(source string) error {
	return s.try(func(d Data) error { _, err := execute(s.html, source, d); return err })
}

// TryStandard tries what the user's files define in place of the embedded templates. Each template that fails has one error.
func (s *Set) TryStandard() []error {
	var wrong []error
	told := map[string]bool{}
	for _, sample := range samples() {
		if len(sample.group.Alerts) == 0 {
			continue // there is no message of an empty group
		}
		e := &execution{set: s}
		s.render(Input{Receiver: "trial", Group: sample.group, Snapshot: sample.snapshot, Now: time.Now()}, e)
		for _, name := range e.failed {
			if !told[name] {
				told[name] = true
				wrong = append(wrong, fmt.Errorf("the template %s fails for %s", name, sample.name))
			}
		}
	}
	return wrong
}

// undefined is what text/template and html/template say of a template that nobody has defined.
var undefined = regexp.MustCompile(`template "[^"]*" not defined|no such template "`)

// IsUndefined is whether an error of Try is for a template that nobody has defined.
func IsUndefined(err error) bool { return undefined.MatchString(err.Error()) }

// outOfAlerts is how (index .Alerts 0) fails for an empty group. Every second receiver in alertmanager.yml files has it, and no message
// is made of an empty group; that a list of firing or resolved alerts is empty, the other samples show.
var outOfAlerts = regexp.MustCompile(`error calling index: .*slice index out of range`)

func (s *Set) try(text func(Data) error) error {
	for _, sample := range samples() {
		err := text(DataOf("trial", sample.group, sample.snapshot))
		if err == nil || len(sample.group.Alerts) == 0 && outOfAlerts.MatchString(err.Error()) {
			continue
		}
		hint := ""
		if sample.snapshot == nil && text(DataOf("trial", sample.group, samples()[0].snapshot)) == nil {
			hint = ": put what needs the agent between {{ with .Snapshot }} and {{ end }}"
		}
		return errors.New("the template fails for " + sample.name + ": " + err.Error() + hint)
	}
	return nil
}

type sample struct {
	name     string
	group    alert.Group
	snapshot *diagnostics.Snapshot
}

func samples() []sample {
	began := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	labels := amtemplate.KV{"alertname": "Trial", "severity": "critical", "job": "trial", "instance": "trial:80"}
	fires := amtemplate.Alert{
		Status: alert.StatusFiring, Labels: labels, Annotations: amtemplate.KV{"summary": "a trial"}, StartsAt: began, Fingerprint: "1",
	}
	ended := fires
	ended.Status, ended.EndsAt, ended.Fingerprint = alert.StatusResolved, began.Add(time.Minute), "2"
	group := func(truncated uint64, alerts ...amtemplate.Alert) alert.Group {
		return alert.Group{
			Key: "trial", Alerts: alerts, Truncated: truncated, GroupLabels: amtemplate.KV{"alertname": "Trial"},
			ExternalURL: "http://alertmanager:9093",
		}
	}
	value := 0.073
	snapshot := &diagnostics.Snapshot{
		Agent: "trial", Instance: "trial:80", TakenAt: began,
		Health: &diagnostics.Check{Path: "/health", Verdict: diagnostics.Up, StatusCode: 200},
		Vitals: []diagnostics.Vital{{Name: "error rate", Value: &value, Unit: diagnostics.PercentUnit, State: diagnostics.StateOK}},
	}
	return []sample{
		{"a group that fires", group(0, fires, ended), snapshot},
		{"a group that is resolved", group(0, ended), snapshot},
		{"a group that max_alerts cuts", group(3, ended), snapshot},
		{"a group without an agent", group(0, fires), nil},
		{"an empty group", group(0), nil},
	}
}
