package alert

import (
	"slices"
	"time"

	"github.com/prometheus/alertmanager/template"
)

// Group is what one receiver is told of one Notification: the alerts of it that route to that receiver. Its status,
// severity and common labels are those of its own alerts, so a notification that splits over receivers tells each the
// truth about its part.
type Group struct {
	// Key is Alertmanager's groupKey.
	Key string `json:"key"`
	// Alerts are in the order in which Alertmanager sent them.
	Alerts template.Alerts `json:"alerts"`
	// Gone are alerts that fired while nobody could be told, and of which Alertmanager then said no more without ever having
	// called them resolved: they were silenced or inhibited, or max_alerts hides them.
	Gone template.Alerts `json:"gone,omitempty"`
	// Truncated is how many alerts of the notification nobody told us about.
	Truncated uint64 `json:"truncated,omitempty"`
	// Reason is Alertmanager's notification_reason ("first notification", "repeat interval elapsed", …); empty before
	// Alertmanager 0.32.
	Reason      string      `json:"reason,omitempty"`
	GroupLabels template.KV `json:"groupLabels,omitempty"`
	// RouteLabels are those that Alertmanager's route gives its notifications; empty before Alertmanager 0.34.
	RouteLabels template.KV `json:"routeLabels,omitempty"`
	// ExternalURL is Alertmanager's own address, for people.
	ExternalURL string `json:"externalURL,omitempty"`
}

// Choose is the part of the notification that consists of the alerts with these indexes, or of all when there are none. ok is
// false when no alert has one of them.
func (n Notification) Choose(indexes []int) (g Group, ok bool) {
	if indexes == nil {
		g.Alerts = n.Alerts
	}
	for _, i := range indexes {
		if i >= 0 && i < len(n.Alerts) {
			g.Alerts = append(g.Alerts, n.Alerts[i])
		}
	}
	if len(g.Alerts) == 0 {
		return Group{}, false
	}
	g.Key = n.GroupKey
	g.Truncated = n.TruncatedAlerts
	g.Reason = n.NotificationReason
	g.GroupLabels = n.GroupLabels
	g.RouteLabels = n.RouteLabels
	g.ExternalURL = n.ExternalURL
	return g, true
}

// Status is "resolved" only when every alert of the group is known to be resolved: a truncated group counts as firing,
// because Alertmanager cuts the list before it looks at the alerts' states.
func (g Group) Status() string {
	if g.Truncated > 0 || len(g.Alerts.Firing()) > 0 {
		return StatusFiring
	}
	return StatusResolved
}

// Telling are the alerts that a summary of the group speaks of: those that fire, or all of them when none does.
func (g Group) Telling() template.Alerts {
	if firing := g.Alerts.Firing(); len(firing) > 0 {
		return firing
	}
	return g.Alerts
}

// Severity is the highest severity among the firing alerts, or among all of them when none fires.
func (g Group) Severity() Severity {
	var highest Severity
	for i, a := range g.Telling() {
		if s := Severity(a.Labels["severity"]); i == 0 || s.Rank() > highest.Rank() {
			highest = s
		}
	}
	return highest
}

// Since is when the oldest firing alert started, or the oldest alert when none fires; zero when no alert says.
func (g Group) Since() time.Time {
	var since time.Time
	for _, a := range g.Telling() {
		if !a.StartsAt.IsZero() && (since.IsZero() || a.StartsAt.Before(since)) {
			since = a.StartsAt
		}
	}
	return since
}

// Until is when the last of the resolved alerts ended; zero when none has.
func (g Group) Until() time.Time {
	var until time.Time
	for _, a := range g.Alerts.Resolved() {
		if a.EndsAt.After(until) {
			until = a.EndsAt
		}
	}
	return until
}

// CommonLabels are the labels that every alert of the group has with the same value.
func (g Group) CommonLabels() template.KV {
	return common(g.Alerts, func(a template.Alert) template.KV { return a.Labels })
}

// CommonAnnotations are the annotations that every alert of the group has with the same value.
func (g Group) CommonAnnotations() template.KV {
	return common(g.Alerts, func(a template.Alert) template.KV { return a.Annotations })
}

func common(alerts template.Alerts, of func(template.Alert) template.KV) template.KV {
	shared := template.KV{}
	if len(alerts) == 0 {
		return shared
	}
	for name, value := range of(alerts[0]) {
		if !slices.ContainsFunc(alerts[1:], func(a template.Alert) bool { return of(a)[name] != value }) {
			shared[name] = value
		}
	}
	return shared
}

// Repeated is whether Alertmanager says that it sends the group only because repeat_interval has passed. It says so since
// 0.32.
func (g Group) Repeated() bool { return g.Reason == "repeat interval elapsed" }

// Lead is the alert that stands for the group where one has to: the first that fires, or the first when none does.
func (g Group) Lead() template.Alert { return g.Telling()[0] }

// OneJob is whether all alerts have the same job label, so that what is seen of one's agent may be said of all.
func (g Group) OneJob() bool {
	return !slices.ContainsFunc(g.Alerts, func(a template.Alert) bool { return a.Labels["job"] != g.Alerts[0].Labels["job"] })
}

// Name is the alertname that the alerts share, or the group label of that name, or "" when they have several.
func (g Group) Name() string {
	if name := g.CommonLabels()["alertname"]; name != "" {
		return name
	}
	return g.GroupLabels["alertname"]
}
