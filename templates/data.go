package templates

import (
	amtemplate "github.com/prometheus/alertmanager/template"

	"github.com/alertvitals/notifier/alert"
	"github.com/alertvitals/notifier/diagnostics"
)

// Data is what templates see: Alertmanager's data (https://prometheus.io/docs/alerting/latest/notifications/#data), and the
// agent's state.
type Data struct {
	*amtemplate.Data

	// Snapshot is nil when no agent is configured for the alert.
	Snapshot *diagnostics.Snapshot
}

// DataOf is what templates see of a group that a receiver is told of.
func DataOf(receiver string, g alert.Group, s *diagnostics.Snapshot) Data {
	return Data{
		Data: &amtemplate.Data{
			Receiver: receiver, Status: g.Status(), Alerts: g.Alerts, NotificationReason: g.Reason,
			GroupLabels: g.GroupLabels, RouteLabels: g.RouteLabels, CommonLabels: g.CommonLabels(), CommonAnnotations: g.CommonAnnotations(),
			ExternalURL: g.ExternalURL,
		},
		Snapshot: s,
	}
}
