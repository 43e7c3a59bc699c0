package notifiers

import (
	"context"

	"github.com/alertvitals/notifier/alert"
	"github.com/alertvitals/notifier/diagnostics"
	"github.com/alertvitals/notifier/templates"
)

// Notifier is one sink: one integration of one receiver.
type Notifier interface {
	// Notify tries once. It never sleeps, retries, logs or changes its config, and returns nil only when the far side
	// took the message. It returns when ctx ends. An error that is not an *Error means: try again. A Receipt beside an error
	// says that the try came half way, as when some of several recipients were told: it is kept, and the next message of the
	// group, which may be the same one again, gets it as Previous. It is safe for concurrent use; for one group, calls come
	// one after the other.
	Notify(ctx context.Context, m Message) (Receipt, error)
}

// Message is what a sink is asked to tell.
type Message struct {
	// ID names the delivery; it is the same for every try of one message.
	ID string
	// Receiver is the receiver's name in the configuration.
	Receiver string
	Group    alert.Group
	// GroupKey is Group.Key without the values of personal labels. It is the same for the group's whole life, and may be shown.
	GroupKey string
	// Routes are by which route of the tree, as it is now, each alert came, by its fingerprint: {}/{team="data"}. It is "" for one
	// that came as a fallback.
	Routes map[string]string
	// Content is what people should read. Its texts are plain and untrusted: the sink escapes them for its service.
	Content templates.Content
	// Draw makes Content.Charts, which takes a moment: only a sink that shows pictures asks for them (WithCharts). nil is no charts.
	Draw func(ctx context.Context) []templates.Image `json:"-"`
	// Heard is told what the far side answered, for whoever asks later where the message went: the name that it gave the message
	// ("ts", "message_id"), the status of its answer. A try that fails may tell something, too. nil is nobody who asks.
	Heard func(name, value string) `json:"-"`
	// Snapshot is the agent's state, nil when no agent is configured for the alert.
	Snapshot *diagnostics.Snapshot
	// Previous is the Receipt of the last message of this group, nil when there is none: the group is new, or was
	// resolved before.
	Previous Receipt
	// Late is whether the message tells of the past: people know newer news of the group. The sink shows it beside the
	// group's living message, which it neither edits nor closes. Its Receipt is not kept, unless an error is beside it: the
	// group's next message goes on from Previous.
	Late bool
	// Amends is whether the message only completes the group's last one, with vitals that were not ready for it in time. It
	// has no news: a sink that edits does so and pings nobody, one that cannot may leave it out by answering with Previous.
	// Its Receipt is kept like any other.
	Amends bool
}

// WithCharts is the message with its charts drawn.
func (m Message) WithCharts(ctx context.Context) Message {
	if m.Draw != nil {
		m.Content.Charts, m.Draw = m.Draw(ctx), nil
	}
	return m
}

// Hear tells Heard, when there is somebody. value holds no secret: what the far side itself said is checked to be what it should
// be before it is told.
func (m Message) Hear(name, value string) {
	if m.Heard != nil && value != "" {
		m.Heard(name, value)
	}
}

// Receipt is what a sink needs to know of this message when the next one of the group comes, such as Slack's channel and
// timestamp. Only the sink that made it reads it. It is stored as it is, so it holds no secret.
type Receipt map[string]string
