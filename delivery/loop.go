package delivery

import (
	"cmp"
	"context"
	"time"

	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
	"golang.org/x/time/rate"

	"github.com/alertvitals/notifier/diagnostics"
	"github.com/alertvitals/notifier/notifiers"
	"github.com/alertvitals/notifier/templates"
)

// Snapshotter looks at the agent that labels lead to, within a deadline of its own. It returns nil when no agent is
// configured for them. Where labels should say where the agent is and
// do not, the snapshot has no Instance.
type Snapshotter interface {
	Snapshot(ctx context.Context, labels map[string]string) *diagnostics.Snapshot
	// SnapshotLater looks once more where Snapshot was Unfinished, without the deadline. It returns nil when there is nothing
	// more to be had.
	SnapshotLater(ctx context.Context, labels map[string]string) *diagnostics.Snapshot
	// Links are the addresses for people that are configured for that agent, filled in with the labels shown, for an alert that
	// began at starts and ended at ends, which is zero while it fires.
	Links(labels, shown map[string]string, starts, ends time.Time) []diagnostics.Link
	// Charts draws what the alerts are about, within the deadline; there may be none.
	Charts(ctx context.Context, alerts []diagnostics.ChartedAlert) []diagnostics.Chart
}

// Loop is how one sink of one receiver is delivered to. Fields without a default are required.
type Loop struct {
	// Cursor names the loop in the journal. It has to stay the same over restarts and changes of the configuration: a
	// loop with a new name starts at the end of the journal.
	Cursor string
	// Receiver is the receiver's name, Integration the kind of the sink ("slack"). They are metrics labels.
	Receiver    string
	Integration string
	// SendResolved is whether people are told of a group that is resolved.
	SendResolved bool
	// Way says by which route an alert with these labels comes to the receiver, "" when by none; nil says nothing.
	Way func(labels map[string]string, receiver string) string
	// Mutes is whether, at a time, the receiver is not to be told of an alert with these labels; nil mutes nothing. It is asked often.
	Mutes func(labels map[string]string, receiver string, at time.Time) (Mute, bool)
	// Redact are the labels whose values nobody is shown; agents are found by them nonetheless.
	Redact []string
	// Snapshots is nil when no agent is configured.
	Snapshots Snapshotter
	Render    func(templates.Input) templates.Content
	Sink      notifiers.Notifier
	// Tracer makes the spans of deliveries; nil makes none.
	Tracer trace.Tracer
	// Pace is how fast the sink may be asked; nil is as fast as it answers. Loops whose sinks lead to one place share it.
	Pace *rate.Limiter
	// Fallback is who is told what this loop cannot deliver. Its zero value is nobody.
	Fallback Fallback
	Limits   Limits
}

// Fallback is another receiver, which is told what could not be delivered After its notification was on disk, or at once
// when trying again cannot help.
type Fallback struct {
	Receiver string
	After    time.Duration
}

// Limits bound what a Loop uses. The zero value has the defaults.
type Limits struct {
	// Sends is how many tries are under way at once; at most half of them are for messages that have failed before.
	// Default: 16.
	Sends int
	// Entries bounds how many notifications wait; beyond it the loop reads no further until something is settled.
	// Default: 100,000. It is fixed when the loop starts.
	Entries int
	// Bytes is how much of what waits is kept in memory; the rest is read from the journal again when its turn
	// comes. Default: 64 MiB. It is fixed when the loop starts.
	Bytes int64
	// Try bounds one try, its snapshot included. Default: 30 s.
	Try time.Duration
	// Grace is how long a try that is under way may go on after the end of Run's context, because a try that is cut off
	// may be shown twice. Default: 5 s.
	Grace time.Duration
	// MaxAge is how long a notification is tried to be delivered; then it becomes a dead letter. Default: 24 h.
	MaxAge time.Duration
	// DedupeWindow is how long after a message what says nothing new is a duplicate: Alertmanager's retry after an answer
	// that was lost, or the second Alertmanager of a pair. Later it is a repeat, which people asked for with
	// repeat_interval. Default: 5 min.
	DedupeWindow time.Duration
}

func withDefaults(l Loop) *Loop {
	if l.Tracer == nil {
		l.Tracer = noop.Tracer{}
	}
	l.Limits.Sends = cmp.Or(l.Limits.Sends, 16)
	l.Limits.Entries = cmp.Or(l.Limits.Entries, 100_000)
	l.Limits.Bytes = cmp.Or(l.Limits.Bytes, 64<<20)
	l.Limits.Try = cmp.Or(l.Limits.Try, 30*time.Second)
	l.Limits.Grace = cmp.Or(l.Limits.Grace, 5*time.Second)
	l.Limits.MaxAge = cmp.Or(l.Limits.MaxAge, 24*time.Hour)
	l.Limits.DedupeWindow = cmp.Or(l.Limits.DedupeWindow, 5*time.Minute)
	return &l
}
