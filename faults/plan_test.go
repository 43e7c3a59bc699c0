package faults

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/alertmanager/template"
	"github.com/prometheus/common/model"

	"github.com/alertvitals/notifier/alert"
)

// receiver is one receiver of the notifier under test, which has a Slack channel of the same name.
type receiver string

// hears are the severities that route to each receiver; by_severity in the configuration says the same.
var hears = map[receiver][]alert.Severity{
	"oncall": {alert.Critical},
	"team":   {alert.Critical, alert.Warning},
	"info":   {alert.Info},
}

// plannedAlert is an alert as one update has it. Start and the update's version stand for times: both only grow.
type plannedAlert struct {
	ID       int
	Severity alert.Severity
	Start    int // the version at which it began to fire
	End      int // the version at which it was resolved; 0 while it fires
}

func (a plannedAlert) resolved() bool { return a.End > 0 }

// update is one notification of a group.
type update struct {
	Version int
	Alerts  []plannedAlert
	// Repeat is whether Alertmanager sends it only because repeat_interval has passed.
	Repeat bool
	// Twin is whether a second Alertmanager posts it too, at the same time; Again is whether the same one posts it twice, as
	// after an answer that was lost.
	Twin, Again bool
	// Behind is whether, after this update, a second Alertmanager posts the one before it.
	Behind bool
}

// group is the life of one alert group. A version is an index in Updates, counted from 1.
type group struct {
	ID      int
	Updates []update
	// Bulk is how many bytes more than usual each alert is.
	Bulk int
}

// newGroup makes a group up: one to three episodes, in each of which alerts fire, join and resolve. Most end resolved.
func newGroup(rnd *rand.Rand, id int) group {
	g := group{ID: id}
	alerts := make([]plannedAlert, 1+rnd.IntN(4))
	for i := range alerts {
		severity := []alert.Severity{alert.Critical, alert.Warning, alert.Info}[rnd.IntN(3)]
		alerts[i] = plannedAlert{ID: i + 1, Severity: severity}
	}
	fires := map[int]bool{} // indexes of alerts
	// tell appends an update after the alerts of begin have begun and those of end have ended.
	tell := func(begin, end []int, repeat bool) {
		u := update{Version: len(g.Updates) + 1, Repeat: repeat, Twin: rnd.IntN(8) == 0, Again: rnd.IntN(8) == 0}
		for _, i := range begin {
			alerts[i].Start, fires[i] = u.Version, true
		}
		for i, a := range alerts {
			if !fires[i] {
				continue
			}
			if slices.Contains(end, i) {
				a.End = u.Version
				delete(fires, i)
			}
			u.Alerts = append(u.Alerts, a)
		}
		g.Updates = append(g.Updates, u)
	}
	some := func(firing bool, least int) []int {
		var of []int
		for i := range alerts {
			if fires[i] == firing {
				of = append(of, i)
			}
		}
		rnd.Shuffle(len(of), func(i, j int) { of[i], of[j] = of[j], of[i] })
		return of[:min(len(of), least+rnd.IntN(max(len(of), 1)))]
	}
	for episode := 1 + rnd.IntN(3); episode > 0; episode-- {
		tell(some(false, 1), nil, false)
		for range rnd.IntN(4) {
			switch end := some(true, 1); {
			case rnd.IntN(6) == 0:
				tell(nil, nil, true)
			case rnd.IntN(2) == 0 && len(fires) < len(alerts):
				tell(some(false, 1), nil, false)
			case len(end) < len(fires):
				tell(some(false, 0), end, false)
			}
		}
		if episode > 1 || rnd.IntN(10) < 7 {
			all := make([]int, len(alerts))
			for i := range all {
				all[i] = i
			}
			tell(nil, all, false)
		}
	}
	return g
}

func newPlan(rnd *rand.Rand, groups int) []group {
	plan := make([]group, groups)
	for i := range plan {
		plan[i] = newGroup(rnd, i+1)
	}
	return plan
}

// posts is how many webhooks the plan is.
func posts(plan []group) int {
	n := 0
	for _, g := range plan {
		for _, u := range g.Updates {
			n++
			if u.Twin {
				n++
			}
			if u.Again {
				n++
			}
		}
	}
	return n
}

// heard is what one receiver is to be told of an update: the alerts of it that route there.
type heard struct {
	Version int
	Alerts  []plannedAlert
	// Run counts up whenever something is news. It is none that an alert is left out after its end was told.
	Run int
	// Episode counts up when the group fires again after it was resolved at this receiver.
	Episode int
}

func (h heard) resolved() bool {
	return !slices.ContainsFunc(h.Alerts, func(a plannedAlert) bool { return !a.resolved() })
}

// at is what the receiver is to be told of the group.
func (g group) at(r receiver) []heard {
	var all []heard
	known := map[int]plannedAlert{}
	for _, u := range g.Updates {
		h := heard{Version: u.Version, Episode: 1}
		for _, a := range u.Alerts {
			if slices.Contains(hears[r], a.Severity) {
				h.Alerts = append(h.Alerts, a)
			}
		}
		if len(h.Alerts) == 0 {
			continue
		}
		if n := len(all); n > 0 {
			before := all[n-1]
			h.Run, h.Episode = before.Run, before.Episode
			if before.resolved() && !h.resolved() {
				h.Episode++
			}
		}
		if slices.ContainsFunc(h.Alerts, func(a plannedAlert) bool { return known[a.ID] != a }) {
			h.Run++
		}
		for _, a := range h.Alerts {
			known[a.ID] = a
		}
		all = append(all, h)
	}
	return all
}

// began is the time that version 0 stands for. A version is seven seconds, so that all lies in the past.
var began = time.Now().Add(-time.Hour).UTC().Truncate(time.Second)

func timeOf(version int) time.Time { return began.Add(time.Duration(version) * 7 * time.Second) }

// mark names an alert, its start and the update within a message: g12-a3-s4-u5.
func mark(g group, a plannedAlert, version int) string {
	return fmt.Sprintf("g%d-a%d-s%d-u%d", g.ID, a.ID, a.Start, version)
}

// payload is the webhook of an update. A twin's differs in all that may differ between two Alertmanagers of a pair.
func (g group) payload(u update, twin bool) ([]byte, error) {
	name := fmt.Sprintf("Group%d", g.ID)
	shared := template.KV{"alertname": name, "job": "faults"}
	n := alert.Notification{Version: "4", GroupKey: fmt.Sprintf(`{}:{alertname="%s"}`, name)}
	n.Receiver, n.Status = "notifier", alert.StatusResolved
	n.GroupLabels, n.CommonLabels, n.CommonAnnotations, n.RouteLabels = template.KV{"alertname": name}, shared, template.KV{}, template.KV{}
	n.ExternalURL = "http://alertmanager-0:9093"
	n.NotificationReason = "new alerts added"
	if u.Repeat {
		n.NotificationReason = "repeat interval elapsed"
	}
	for _, a := range u.Alerts {
		labels := template.KV{"severity": string(a.Severity), "instance": fmt.Sprintf("g%d-a%d:8080", g.ID, a.ID)}
		for name, value := range shared {
			labels[name] = value
		}
		set := model.LabelSet{}
		for name, value := range labels {
			set[model.LabelName(name)] = model.LabelValue(value)
		}
		planned := template.Alert{
			Status: alert.StatusFiring, Labels: labels, StartsAt: timeOf(a.Start), Fingerprint: set.Fingerprint().String(),
			Annotations:  template.KV{"summary": fmt.Sprintf("g%d-u%d", g.ID, u.Version), "description": mark(g, a, u.Version)},
			GeneratorURL: "http://prometheus:9090/graph?g0.expr=up",
		}
		if g.Bulk > 0 {
			planned.Annotations["notes"] = strings.Repeat("x", g.Bulk)
		}
		if a.resolved() {
			planned.Status, planned.EndsAt = alert.StatusResolved, timeOf(a.End)
		} else {
			n.Status = alert.StatusFiring
		}
		n.Alerts = append(n.Alerts, planned)
	}
	if twin {
		n.ExternalURL = "http://alertmanager-1:9093"
		slices.Reverse(n.Alerts)
	}
	body, err := json.Marshal(n)
	if err != nil {
		return nil, fmt.Errorf("encoding the payload of g%d-u%d: %w", g.ID, u.Version, err)
	}
	return body, nil
}
