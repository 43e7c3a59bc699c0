package delivery

import (
	"errors"
	"time"

	"github.com/prometheus/alertmanager/template"

	"github.com/alertvitals/notifier/alert"
)

// Delivery is one message to one integration, as an operator sees it. It holds no secret and no personal label.
type Delivery struct {
	// ID names the delivery in logs, in the API and on the command line.
	ID     string `json:"id"`
	Status Status `json:"status"`
	// Receiver and Integration ("slack") say who is told. Both are empty for a record that could not be read.
	Receiver    string `json:"receiver,omitempty"`
	Integration string `json:"integration,omitempty"`
	// Alertname is the name that the alerts share, State is "firing" or "resolved", Severity the highest of what fires.
	Alertname   string      `json:"alertname,omitempty"`
	State       string      `json:"state,omitempty"`
	Severity    string      `json:"severity,omitempty"`
	GroupLabels template.KV `json:"groupLabels,omitempty"`
	// Notifications is how many accepted notifications are merged in the message.
	Notifications int `json:"notifications"`
	// Accepted is when the newest of them was put on disk.
	Accepted time.Time `json:"accepted"`
	// Attempts is how many tries failed since the start of the notifier; Next is when the next one comes, zero when it
	// is under way or there is none.
	Attempts int       `json:"attempts"`
	Next     time.Time `json:"next,omitzero"`
	// Reason and Error say why the last try failed, Failed when.
	Reason string    `json:"reason,omitempty"`
	Error  string    `json:"error,omitempty"`
	Failed time.Time `json:"failed,omitzero"`
	// Muted is why it waits, or a part of it, when a time interval has it wait.
	Muted *Mute `json:"muted,omitempty"`
	// Group is what is told; only Show gives it.
	Group *alert.Group `json:"group,omitempty"`
}

// Status is how far a delivery has come.
type Status string

const (
	// Pending waits for its first try.
	Pending Status = "pending"
	// Retrying is after a try that failed and before another one.
	Retrying Status = "retrying"
	// Dead could not be delivered and is kept as a dead letter.
	Dead Status = "dead"
)

// Query selects deliveries. Its zero value selects all.
type Query struct {
	Receiver  string
	Status    Status
	Alertname string
	// Before selects what was accepted before this time. With AfterID it selects what List gives after the delivery of that ID,
	// which was accepted at this time: many are accepted at once.
	Before  time.Time
	AfterID string
	// Limit is the greatest number of deliveries; 0 is no limit.
	Limit int
}

var (
	// ErrNotFound says that there is no delivery of that ID, or no more: what was delivered is not listed.
	ErrNotFound = errors.New("there is no such delivery: it was delivered, replayed, or never was")
	// ErrNotDead says that a delivery still goes on by itself.
	ErrNotDead = errors.New("the delivery still goes on by itself: only dead letters are replayed")
	// ErrUnreadable says that a record is kept that this program cannot read.
	ErrUnreadable = errors.New("the record is still unreadable; keep it for a newer version, or let it age away")
	// ErrGoneIntegration says that the configuration has the integration no more that a dead letter was for.
	ErrGoneIntegration = errors.New("the configuration no longer has the receiver that this dead letter was for; add it again, then replay")
)
