package pagerduty

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/prometheus/alertmanager/template"

	"github.com/alertvitals/notifier/alert"
	"github.com/alertvitals/notifier/notifiers"
)

// The keys of a Receipt: the dedup_keys of the incidents that are open, and the events of the message of that ID, each as its
// action and dedup_key.
const (
	openKey    = "open"
	messageKey = "message"
	toldKey    = "told"
)

// step is one event and what the Receipt is once it was taken.
type step struct {
	event event
	after notifiers.Receipt
}

// plan are the events that a message comes to, in their order. It is pure.
func (n *Notifier) plan(m notifiers.Message) []step {
	switch {
	case m.Late:
		return n.past(m)
	case m.Amends:
		return n.amendment(m)
	case n.config.Dedup == PerAlert:
		return n.eachAlert(m)
	default:
		return n.wholeGroup(m)
	}
}

// past opens an incident and closes it at once, so that it stands in the history. It has a key of its own: a trigger with the
// group's would open what was resolved since, and nobody would close it. It stays open at no time, so it is told as info. The
// Receipt stays that of the living incident.
func (n *Notifier) past(m notifiers.Message) []step {
	e := n.groupEvent(m)
	e.severity, e.dedupKey = "info", keyOf(m.Group.Key, "late", m.ID)
	opens, closes := e, e
	opens.action, closes.action = trigger, resolve
	return []step{{opens, m.Previous}, {closes, m.Previous}}
}

// wholeGroup is one event for the group. An alert's own incident, from when the configuration wanted those, is closed.
func (n *Notifier) wholeGroup(m notifiers.Message) []step {
	p := progressOf(m)
	whole, key := n.groupEvent(m), groupKey(m)
	if m.Group.Status() == alert.StatusFiring {
		p.send(trigger, key, whole)
	} else {
		p.unheard(m, key, whole)
		p.send(resolve, key, whole)
	}
	p.closeAllBut(map[string]bool{key: true}, whole)
	return p.steps
}

// eachAlert is an event for every alert that changed: those that fire first, the worst of them first. When Alertmanager repeats
// itself all are told again, which opens what a person closed by hand too early. Alerts that max_alerts hides have the group's
// incident, for want of their names.
func (n *Notifier) eachAlert(m notifiers.Message) []step {
	p := progressOf(m)
	whole, key := n.groupEvent(m), groupKey(m)
	if m.Group.Status() == alert.StatusResolved {
		p.unheard(m, key, whole)
	}
	wanted := maps.Clone(p.open)
	firing := m.Group.Alerts.Firing()
	slices.SortStableFunc(firing, func(a, b template.Alert) int { return cmp.Compare(rank(b), rank(a)) })
	for _, a := range firing {
		wanted[alertKey(a)] = true
		if !p.open[alertKey(a)] || m.Group.Repeated() {
			p.send(trigger, alertKey(a), n.alertEvent(m, a))
		}
	}
	wanted[key] = m.Group.Truncated > 0
	if wanted[key] && (!p.open[key] || m.Group.Repeated()) {
		p.send(trigger, key, whole)
	}
	if n.config.SendsResolved() {
		for _, a := range m.Group.Alerts.Resolved() {
			p.send(resolve, alertKey(a), n.alertEvent(m, a))
		}
	}
	if m.Group.Status() == alert.StatusResolved {
		wanted = nil // what was open and is not reported any more would stay open for ever
	}
	p.closeAllBut(wanted, whole)
	return p.steps
}

// mostAmended bounds the events that bring no news: they must not take the room of those that do.
const mostAmended = 20

// amendment tells once more what the last message told, now with the vitals. PagerDuty notifies nobody of a trigger whose incident
// is open, and what is over needs no vitals.
func (n *Notifier) amendment(m notifiers.Message) []step {
	var steps []step
	open, told := setOf(m.Previous[openKey]), setOf(m.Previous[toldKey])
	again := func(key string, e func() event) {
		if open[key] && told[entry(trigger, key)] && len(steps) < mostAmended && m.Group.Status() == alert.StatusFiring {
			one := e()
			one.action, one.dedupKey = trigger, key
			steps = append(steps, step{one, m.Previous})
		}
	}
	again(groupKey(m), func() event { return n.groupEvent(m) })
	for _, a := range m.Group.Alerts.Firing() {
		again(alertKey(a), func() event { return n.alertEvent(m, a) })
	}
	return steps
}

// progress is what is open and what the message has told, step by step.
type progress struct {
	message    string
	open, told map[string]bool
	earlier    map[string]bool // told by a try that failed in the middle
	steps      []step
}

func progressOf(m notifiers.Message) *progress {
	p := &progress{message: m.ID, open: setOf(m.Previous[openKey]), told: map[string]bool{}}
	if m.Previous[messageKey] == m.ID {
		p.earlier = setOf(m.Previous[toldKey])
		p.told = maps.Clone(p.earlier)
	}
	return p
}

// send adds an event unless an earlier try has sent it.
func (p *progress) send(does action, key string, e event) {
	this := entry(does, key)
	if p.earlier[this] {
		return
	}
	e.action, e.dedupKey = does, key
	p.told[this] = true
	if does == trigger {
		p.open[key] = true
	} else {
		delete(p.open, key)
	}
	p.steps = append(p.steps, step{e, notifiers.Receipt{openKey: listOf(p.open), messageKey: p.message, toldKey: listOf(p.told)}})
}

// unheard opens the group's incident, to be closed at once, when the group was over before anybody could be told: PagerDuty drops
// the end of what it does not know, and nobody would ever hear of it.
func (p *progress) unheard(m notifiers.Message, key string, e event) {
	if m.Previous == nil {
		p.send(trigger, key, e)
	}
}

// closeAllBut closes the incidents that are open and not wanted.
func (p *progress) closeAllBut(wanted map[string]bool, e event) {
	for _, key := range slices.Sorted(maps.Keys(p.open)) {
		if !wanted[key] {
			p.send(resolve, key, e)
		}
	}
}

// entry is an event as the Receipt names it.
func entry(does action, key string) string { return string(does) + ":" + key }

func groupKey(m notifiers.Message) string { return keyOf(m.Group.Key) }

// alertKey is the same for an alert in whatever group it is, so that another group_by opens nothing twice.
func alertKey(a template.Alert) string { return keyOf("alert", a.Fingerprint)[:32] }

func rank(a template.Alert) int { return alert.Severity(a.Labels["severity"]).Rank() }

// setOf are the words of a list.
func setOf(list string) map[string]bool {
	set := map[string]bool{}
	for word := range strings.FieldsSeq(list) {
		set[word] = true
	}
	return set
}

func listOf(set map[string]bool) string { return strings.Join(slices.Sorted(maps.Keys(set)), " ") }
