package alert

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/prometheus/alertmanager/template"
	"github.com/prometheus/common/model"
)

// The two states that Alertmanager gives an alert.
const (
	StatusFiring   = "firing"
	StatusResolved = "resolved"
)

// payloadVersion is the only version of the webhook payload that Alertmanager has sent since 0.6 (2017).
const payloadVersion = "4"

// Notification is one webhook as Alertmanager posts it: a snapshot of one alert group, firing and resolved alerts mixed.
//
// Source: https://prometheus.io/docs/alerting/latest/configuration/#webhook_config. Fields that a newer Alertmanager
// adds are ignored.
type Notification struct {
	template.Data

	// Version is the payload's version, always "4".
	Version string `json:"version"`
	// GroupKey identifies the alert group within Alertmanager; it stays the same over the group's whole life.
	GroupKey string `json:"groupKey"`
	// TruncatedAlerts is how many alerts Alertmanager left out because of the receiver's max_alerts. The rest of the
	// payload, its status included, was computed without them.
	TruncatedAlerts uint64 `json:"truncatedAlerts"`
}

// Decode reads the body of an Alertmanager webhook. The error says, in words for the person who configures the sender,
// what is wrong with the body; a body that failed once fails always.
func Decode(body []byte) (Notification, error) {
	var n Notification
	if err := json.Unmarshal(body, &n); err != nil {
		return Notification{}, notOne(body)
	}
	if n.Version != payloadVersion {
		return Notification{}, fmt.Errorf("version is %q, want %q: is the sender Alertmanager, and does its receiver have no custom payload", n.Version, payloadVersion)
	}
	if n.GroupKey == "" {
		return Notification{}, errors.New("groupKey is missing: is the sender Alertmanager, and does its receiver have no custom payload")
	}
	if len(n.Alerts) == 0 {
		return Notification{}, errors.New("alerts is empty: a notification names at least one alert")
	}
	for i := range n.Alerts {
		if err := complete(&n.Alerts[i]); err != nil {
			return Notification{}, fmt.Errorf("alerts[%d]: %w", i, err)
		}
	}
	return n, nil
}

// fingerprintLength is how many digits Alertmanager's fingerprints have. A longer one is not Alertmanager's; what is
// remembered of a group holds all of its fingerprints and must stay small.
const fingerprintLength = 16

// complete checks one alert and fills what an imitation of Alertmanager may have left out.
func complete(a *template.Alert) error {
	if a.Status != StatusFiring && a.Status != StatusResolved {
		return fmt.Errorf("status is %q, want %q or %q", a.Status, StatusFiring, StatusResolved)
	}
	if len(a.Labels) == 0 {
		return errors.New("labels is empty: an alert has at least an alertname")
	}
	if a.Fingerprint == "" || len(a.Fingerprint) > fingerprintLength {
		set := make(model.LabelSet, len(a.Labels))
		for name, value := range a.Labels {
			set[model.LabelName(name)] = model.LabelValue(value)
		}
		a.Fingerprint = set.Fingerprint().String()
	}
	return nil
}

// notOne says why the body is not one payload. A decoder knows more of that than json.Unmarshal, which is faster.
func notOne(body []byte) error {
	var n Notification
	if err := json.NewDecoder(bytes.NewReader(body)).Decode(&n); err != nil {
		return describe(err)
	}
	return errors.New("the body goes on after the JSON object; send one payload in each request")
}

// describe turns an error of encoding/json into one that names the field and what was expected there.
func describe(err error) error {
	var syntax *json.SyntaxError
	var wrongType *json.UnmarshalTypeError
	switch {
	case errors.Is(err, io.EOF):
		return errors.New("the body is empty")
	case errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the body is cut off in the middle of the JSON object")
	case errors.As(err, &syntax):
		return fmt.Errorf("not JSON at byte %d: %w", syntax.Offset, syntax)
	case errors.As(err, &wrongType) && wrongType.Field == "":
		return fmt.Errorf("the body is a JSON %s, want an object", wrongType.Value)
	case errors.As(err, &wrongType):
		return fmt.Errorf("%s is a JSON %s, want a %s", wrongType.Field, wrongType.Value, wrongType.Type)
	default:
		return fmt.Errorf("not an Alertmanager payload: %w", err)
	}
}

// AlertLabels are the labels of each alert, in their order.
func (n Notification) AlertLabels() []map[string]string {
	all := make([]map[string]string, len(n.Alerts))
	for i, a := range n.Alerts {
		all[i] = a.Labels
	}
	return all
}
