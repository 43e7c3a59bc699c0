package delivery

import (
	"errors"
	"time"

	"github.com/prometheus/alertmanager/template"

	"github.com/alertvitals/notifier/alert"
	"github.com/alertvitals/notifier/diagnostics"
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
	// Settled is when the far side took the message, or when it was decided that none is sent.
	Settled time.Time `json:"settled,omitzero"`
	// Routes are by which routes of the tree the alerts came to the receiver, as the tree was at the last try.
	Routes []string `json:"routes,omitempty"`
	// Attempts is how many tries failed, those before a restart included as far as they were written down; Next is when the next
	// one comes, zero when it is under way or there is none.
	Attempts int       `json:"attempts"`
	Next     time.Time `json:"next,omitzero"`
	// Reason and Error say why the last try failed, Failed when. Of what is suppressed Reason says why.
	Reason string    `json:"reason,omitempty"`
	Error  string    `json:"error,omitempty"`
	Failed time.Time `json:"failed,omitzero"`
	// Muted is why it waits, or a part of it, when a time interval has it wait; or why it is suppressed.
	Muted *Mute `json:"muted,omitempty"`
	// Note is what a person should know beside that, in words.
	Note string `json:"note,omitempty"`
	// ShownBy is the ID under which it was told what this one has: that of an earlier delivery whose words it repeats, or of the
	// notification that a replay became.
	ShownBy string `json:"shownBy,omitempty"`
	// Replays is the delivery that an operator had told again by this one.
	Replays string `json:"replays,omitempty"`
	// InsteadOf says for whom this receiver stands in as the fallback; HandedOver is the fallback that was told in this one's stead.
	InsteadOf  *InsteadOf `json:"insteadOf,omitempty"`
	HandedOver string     `json:"handedOver,omitempty"`

	// The rest is given by Show alone.

	// Webhooks are the IDs of the notifications that are merged in the message, with which their senders were answered.
	Webhooks []string `json:"webhooks,omitempty"`
	// Tries are the first five and the newest fifteen, the one that succeeded included.
	Tries []Attempt `json:"tries,omitempty"`
	// Group is what is told. Of what is over a part is kept; LeftOut is how many alerts are not.
	Group   *alert.Group `json:"group,omitempty"`
	LeftOut int          `json:"leftOut,omitempty"`
	// Snapshot is the agent as the message showed it.
	Snapshot *diagnostics.Snapshot `json:"snapshot,omitempty"`
}

// InsteadOf is whom a fallback stands in for.
type InsteadOf struct {
	Receiver string `json:"receiver"`
	// Delivery is the ID of the message that could not be delivered there, Reason why not: empty when it only waited too long.
	Delivery string `json:"delivery"`
	Reason   string `json:"reason,omitempty"`
}

// Status is how far a delivery has come.
type Status string

const (
	// Pending waits for its first try.
	Pending Status = "pending"
	// Retrying is after a try that failed and before another one.
	Retrying Status = "retrying"
	// Sent was taken by the far side.
	Sent Status = "sent"
	// Dead could not be delivered and is kept as a dead letter.
	Dead Status = "dead"
	// Suppressed is not told, on purpose: Reason says why.
	Suppressed Status = "suppressed"
)

// Statuses are all of them.
var Statuses = []Status{Pending, Retrying, Sent, Dead, Suppressed}

// Why a delivery is suppressed.
const (
	// ReasonDuplicate says what was told just before: ShownBy is that.
	ReasonDuplicate = "duplicate"
	// ReasonUnwanted is an end, of which the receiver does not want to hear (send_resolved: false).
	ReasonUnwanted = "unwanted"
	// ReasonMuted fired and ended while it was muted.
	ReasonMuted = "muted"
	// ReasonReplayed was a dead letter, which was told again.
	ReasonReplayed = "replayed"
	// ReasonGone was dropped from the journal for its age before it could be delivered.
	ReasonGone = "gone"
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
	// ErrNotFound says that there is no delivery of that ID, or no more: what is over is kept for a while only.
	ErrNotFound = errors.New("there is no such delivery: it never was, or what became of it is kept no longer")
	// ErrNotDead says that a delivery still goes on by itself.
	ErrNotDead = errors.New("the delivery still goes on by itself: what is over can be replayed")
	// ErrReplayed says that a dead letter was replayed before.
	ErrReplayed = errors.New("it was replayed already; show it to see as what, and replay that")
	// ErrGoneRecords says that a delivery cannot be replayed because what it told is not in the journal any more.
	ErrGoneRecords = errors.New("what it told is not kept any more, so it cannot be told again")
	// ErrWebhook says that the ID is that of a webhook, which may be several deliveries.
	ErrWebhook = errors.New("this is the ID of a webhook; show it to see its deliveries, and replay one of those")
	// ErrUnreadable says that a record is kept that this program cannot read.
	ErrUnreadable = errors.New("the record is still unreadable; keep it for a newer version, or let it age away")
	// ErrGoneIntegration says that the configuration has the integration no more that a dead letter was for.
	ErrGoneIntegration = errors.New("the configuration no longer has the receiver that this dead letter was for; add it again, then replay")
)
