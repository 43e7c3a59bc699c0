package delivery

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/alertmanager/template"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/alertvitals/notifier/alert"
	"github.com/alertvitals/notifier/diagnostics"
	"github.com/alertvitals/notifier/notifiers"
	"github.com/alertvitals/notifier/templates"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		deliverUntilKilled(dir, os.Getenv(childStops))
		return
	}
	goleak.VerifyTestMain(m)
}

var (
	_ Journal            = onDisk{}
	_ Journal            = (*memory)(nil)
	_ Journal            = hooked{}
	_ notifiers.Notifier = (*sink)(nil)
	_ Snapshotter        = snapshots(nil)
)

// memory is a journal that forgets everything with the test.
type memory struct {
	mu        sync.Mutex
	records   []Record
	more      chan struct{} // closed when a record is added
	positions map[string]uint64
	states    map[string][]byte
}

func newMemory() *memory {
	return &memory{more: make(chan struct{}), positions: map[string]uint64{}, states: map[string][]byte{}}
}

func (m *memory) Append(data []byte) uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	seq := uint64(len(m.records) + 1)
	m.records = append(m.records, Record{Seq: seq, Time: time.Now(), Data: data})
	close(m.more)
	m.more = make(chan struct{})
	return seq
}

func (m *memory) Read(ctx context.Context, after uint64, fn func(Record) error) error {
	for {
		m.mu.Lock()
		more, records := m.more, m.records[after:]
		m.mu.Unlock()
		for _, r := range records {
			if err := fn(r); err != nil {
				return err
			}
			after = r.Seq
		}
		select {
		case <-ctx.Done():
			return nil
		case <-more:
		}
	}
}

func (m *memory) Last(context.Context) (uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return uint64(len(m.records)), nil
}

func (m *memory) Position(_ context.Context, cursor string) (uint64, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	seq, ok := m.positions[cursor]
	return seq, ok, nil
}

func (m *memory) SetPosition(ctx context.Context, cursor string, seq uint64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.positions[cursor] = seq
	return ctx.Err()
}

func (m *memory) State(_ context.Context, cursor, group string) ([]byte, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	value, ok := m.states[cursor+"\x00"+group]
	return value, ok, nil
}

func (m *memory) SetState(ctx context.Context, cursor, group string, value []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.states[cursor+"\x00"+group] = value
	return ctx.Err()
}

// hooked is a journal whose writes can be watched, refused and held up.
type hooked struct {
	Journal
	setState    func(group string) error
	setPosition func(seq uint64) error
	state       func() error
}

func (h hooked) SetState(ctx context.Context, cursor, group string, value []byte) error {
	if h.setState != nil {
		if err := h.setState(group); err != nil {
			return err
		}
	}
	return h.Journal.SetState(ctx, cursor, group, value)
}

func (h hooked) SetPosition(ctx context.Context, cursor string, seq uint64) error {
	if h.setPosition != nil {
		if err := h.setPosition(seq); err != nil {
			return err
		}
	}
	return h.Journal.SetPosition(ctx, cursor, seq)
}

func (h hooked) State(ctx context.Context, cursor, group string) ([]byte, bool, error) {
	if h.state != nil {
		if err := h.state(); err != nil {
			return nil, false, err
		}
	}
	return h.Journal.State(ctx, cursor, group)
}

// sink records each try, and answers what notify says.
type sink struct {
	mu     sync.Mutex
	tries  []try
	sent   []notifiers.Message
	notify func(ctx context.Context, n int, m notifiers.Message) (notifiers.Receipt, error)
}

type try struct {
	at      time.Time
	message notifiers.Message
}

func (s *sink) Notify(ctx context.Context, m notifiers.Message) (receipt notifiers.Receipt, err error) {
	s.mu.Lock()
	s.tries = append(s.tries, try{time.Now(), m})
	n := len(s.tries)
	s.mu.Unlock()
	if s.notify != nil {
		receipt, err = s.notify(ctx, n, m)
	}
	if err == nil {
		s.mu.Lock()
		s.sent = append(s.sent, m)
		s.mu.Unlock()
	}
	return receipt, err
}

func (s *sink) told() (groups []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.sent {
		groups = append(groups, m.Group.Key)
	}
	return groups
}

type snapshots func(labels map[string]string) *diagnostics.Snapshot

func (s snapshots) Snapshot(_ context.Context, labels map[string]string) *diagnostics.Snapshot {
	return s(labels)
}

// told is the answer of a sink that took a message and has no receipt for it.
func told() (receipt notifiers.Receipt, err error) { return receipt, nil }

var errDown = &notifiers.Error{Reason: notifiers.Server, Err: errors.New("status 500")}

// testLoop delivers what is critical.
func testLoop(j Journal, s notifiers.Notifier) Loop {
	return Loop{
		Cursor: "people/fake/0", Receiver: "people", Integration: "fake", SendResolved: true,
		Journal: j,
		Routes: func(labels map[string]string) []string {
			if labels["severity"] == "critical" {
				return []string{"log", "people"}
			}
			return []string{"log"}
		},
		Render: func(in templates.Input) templates.Content { return templates.Content{Title: in.Group.Name()} },
		Sink:   s,
		Logger: slog.New(slog.DiscardHandler),
	}
}

// start runs the loop; the returned function ends it and gives its error.
func start(t testing.TB, l Loop) (stop func() error) {
	t.Helper()
	require.NoError(t, l.Prepare(t.Context()))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()
	return func() error {
		cancel()
		return <-done
	}
}

func firing(name string) template.Alert {
	return template.Alert{
		Status: alert.StatusFiring, Labels: template.KV{"alertname": name, "severity": "critical"}, Fingerprint: "fp-" + name,
	}
}

func resolved(name string) template.Alert {
	a := firing(name)
	a.Status = alert.StatusResolved
	return a
}

// startsAt makes every webhook of the tests say something else than the one before, as if its alerts fired anew.
var startsAt atomic.Int64

func webhook(group string, alerts ...template.Alert) []byte {
	alerts = slices.Clone(alerts)
	for i := range alerts {
		alerts[i].StartsAt = time.Unix(startsAt.Add(1), 0).UTC()
	}
	return sameWebhook(group, "", alerts...)
}

// sameWebhook says the same each time.
func sameWebhook(group, reason string, alerts ...template.Alert) []byte {
	body, err := json.Marshal(map[string]any{"version": "4", "groupKey": group, "notification_reason": reason, "alerts": alerts})
	if err != nil {
		panic(fmt.Sprintf("encoding a test's webhook: %v", err))
	}
	return body
}

// pass lets d pass in a synctest bubble, and what happens then come to rest.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (s *sink) tried() []try {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.tries)
}

func (s *sink) messages() []notifiers.Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.sent)
}

func (m *memory) at(cursor string) uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.positions[cursor]
}
