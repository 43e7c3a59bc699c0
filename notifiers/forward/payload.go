package forward

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"

	"github.com/prometheus/alertmanager/template"

	"github.com/alertvitals/notifier/alert"
	"github.com/alertvitals/notifier/diagnostics"
	"github.com/alertvitals/notifier/notifiers"
)

// payload is what is posted: Alertmanager's payload, then our own. Fields may be added, and never change their meaning.
//
// Source: https://prometheus.io/docs/alerting/latest/configuration/#webhook_config.
type payload struct {
	template.Data

	Version         string `json:"version"`
	GroupKey        string `json:"groupKey"`
	TruncatedAlerts uint64 `json:"truncatedAlerts"`

	// Snapshot is the agent; absent when there is none.
	Snapshot *diagnostics.Snapshot `json:"snapshot,omitempty"`
	// Gone are alerts that fired while nobody could be told, and of which Alertmanager then said no more.
	Gone template.Alerts `json:"gone,omitempty"`
	// Note says that the message comes late, or instead of another receiver's.
	Note string `json:"note,omitempty"`
	// Amends is whether the message only brings the snapshot that was not ready for the one before.
	Amends bool `json:"amends,omitempty"`
	// Late is what tells of the past.
	Late *late `json:"late,omitempty"`
}

// late is a message of the past. It stands apart, in a group of its own that says that nothing fires: whoever reads the payload as
// Alertmanager's must not take it for the present.
type late struct {
	GroupKey string          `json:"groupKey"`
	Status   string          `json:"status"`
	Alerts   template.Alerts `json:"alerts"`
}

// payloadOf is what is posted for a message.
func (n *Notifier) payloadOf(m notifiers.Message) payload {
	alerts := m.Group.Alerts
	if firing := alerts.Firing(); !n.config.SendsResolved() && len(firing) > 0 {
		alerts = firing // as Alertmanager does; of a group that is over there is nothing else to say
	}
	alerts, cut := n.firstOf(alerts)
	p := payload{
		Data: template.Data{
			Receiver:           regexp.QuoteMeta(m.Receiver), // as Alertmanager does
			Status:             m.Group.Status(),
			Alerts:             complete(alerts),
			NotificationReason: m.Group.Reason,
			GroupLabels:        orEmpty(m.Group.GroupLabels),
			RouteLabels:        orEmpty(m.Group.RouteLabels),
			CommonLabels:       alert.Group{Alerts: alerts}.CommonLabels(),
			CommonAnnotations:  alert.Group{Alerts: alerts}.CommonAnnotations(),
			ExternalURL:        m.Group.ExternalURL,
		},
		Version:         "4",
		GroupKey:        keyOfGroup(m),
		TruncatedAlerts: m.Group.Truncated + cut,
		Snapshot:        m.Snapshot,
		Gone:            complete(m.Group.Gone),
		Note:            m.Content.Note,
		Amends:          m.Amends,
	}
	if m.Late {
		p.Late = &late{p.GroupKey, p.Status, p.Alerts}
		p.GroupKey += "#late-" + m.ID
		p.Status, p.Alerts, p.TruncatedAlerts, p.Snapshot = alert.StatusResolved, template.Alerts{}, 0, nil
		p.CommonLabels, p.CommonAnnotations = template.KV{}, template.KV{}
	}
	return p
}

// firstOf are as many alerts as a payload may hold, in their order, and how many are left out: those that are resolved first.
func (n *Notifier) firstOf(alerts template.Alerts) (kept template.Alerts, cut uint64) {
	most := n.config.MaxAlerts
	if most == 0 || uint64(len(alerts)) <= most {
		return alerts, 0
	}
	cut = uint64(len(alerts)) - most
	spare := max(int(most)-len(alerts.Firing()), 0) // how many resolved ones there is room for
	for _, a := range alerts {
		fires := a.Status == alert.StatusFiring
		if uint64(len(kept)) < most && (fires || spare > 0) {
			kept = append(kept, a)
			if !fires {
				spare--
			}
		}
	}
	return kept, cut
}

// keyOfGroup tells groups apart. Without a key that may be shown a digest does.
func keyOfGroup(m notifiers.Message) string {
	if m.GroupKey != "" {
		return m.GroupKey
	}
	sum := sha256.Sum256([]byte(m.Group.Key))
	return hex.EncodeToString(sum[:])
}

// complete gives every alert its labels and annotations, if need be none: Alertmanager never says null.
func complete(alerts template.Alerts) template.Alerts {
	alerts = slices.Clone(alerts)
	for i := range alerts {
		alerts[i].Labels, alerts[i].Annotations = orEmpty(alerts[i].Labels), orEmpty(alerts[i].Annotations)
	}
	return alerts
}

func orEmpty(kv template.KV) template.KV {
	if kv == nil {
		return template.KV{}
	}
	return kv
}

// body is the JSON. A snapshot that has none (a NaN) is left out: the alerts matter more.
func (n *Notifier) body(m notifiers.Message) ([]byte, error) {
	p := n.payloadOf(m)
	text, err := encode(p)
	if err != nil && p.Snapshot != nil {
		p.Snapshot = nil
		text, err = encode(p)
	}
	return text, err
}

// encode is JSON in which "<" takes one byte and not six.
func encode(p payload) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(p); err != nil {
		return nil, fmt.Errorf("encoding the payload: %w", err)
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}
