package delivery

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
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
	"github.com/alertvitals/notifier/envelope"
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
	ids       []string
	letters   map[string][]byte
	gets      int
	outcomes  []storedOutcome // the newest last
}

type storedOutcome struct {
	at   time.Time
	data []byte
}

func newMemory() *memory {
	return &memory{
		more: make(chan struct{}), positions: map[string]uint64{}, states: map[string][]byte{}, letters: map[string][]byte{},
	}
}

// add appends what a test says.
func (m *memory) add(data []byte) uint64 {
	seq, _ := m.Append(context.Background(), data)
	return seq
}

func (m *memory) Append(ctx context.Context, data []byte) (uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	seq := uint64(len(m.records) + 1)
	m.records = append(m.records, Record{Seq: seq, Time: time.Now(), Data: data})
	close(m.more)
	m.more = make(chan struct{})
	return seq, ctx.Err()
}

func (m *memory) Get(_ context.Context, seq uint64) (Record, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.gets++
	if seq == 0 || seq > uint64(len(m.records)) || m.records[seq-1].Data == nil {
		return Record{}, false, nil
	}
	return m.records[seq-1], true, nil
}

func (m *memory) Oldest(context.Context) (uint64, error) { return 1, nil }

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

func (m *memory) Positions(context.Context) (map[string]uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.positions), nil
}

func (m *memory) Forget(_ context.Context, cursor string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.positions, cursor)
	maps.DeleteFunc(m.states, func(key string, _ []byte) bool { return strings.HasPrefix(key, cursor+"\x00") })
	return nil
}

func (m *memory) Letters(_ context.Context, fn func(id string, value []byte) error) error {
	m.mu.Lock()
	ids := slices.Clone(m.ids)
	m.mu.Unlock()
	for _, id := range ids {
		if value, ok, _ := m.Letter(context.Background(), id); ok {
			if err := fn(id, value); err != nil {
				return err
			}
		}
	}
	return nil
}

func (m *memory) Letter(_ context.Context, id string) ([]byte, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	value, ok := m.letters[id]
	return value, ok, nil
}

func (m *memory) SetLetter(ctx context.Context, id string, value []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.letters[id]; !ok {
		m.ids = append(m.ids, id)
	}
	m.letters[id] = value
	return ctx.Err()
}

func (m *memory) DropLetter(_ context.Context, id string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.letters, id)
	m.ids = slices.DeleteFunc(m.ids, func(other string) bool { return other == id })
	return nil
}

func (m *memory) AddOutcomes(ctx context.Context, outcomes [][]byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, o := range outcomes {
		m.outcomes = append(m.outcomes, storedOutcome{time.Now(), slices.Clone(o)})
	}
	return ctx.Err()
}

func (m *memory) Outcomes(_ context.Context, fn func(stored time.Time, outcome []byte) error) error {
	m.mu.Lock()
	outcomes := slices.Clone(m.outcomes)
	m.mu.Unlock()
	for _, o := range slices.Backward(outcomes) {
		if err := fn(o.at, o.data); err != nil {
			return err
		}
	}
	return nil
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

func (m *memory) States(_ context.Context, cursor string, fn func(value []byte) error) error {
	m.mu.Lock()
	var values [][]byte
	for key, value := range m.states {
		if strings.HasPrefix(key, cursor+"\x00") {
			values = append(values, value)
		}
	}
	m.mu.Unlock()
	for _, value := range values {
		if err := fn(value); err != nil {
			return err
		}
	}
	return nil
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
	append      func()
	addOutcomes func(n int) error
	most        int // bytes of a record or a letter; 0 is no bound
}

func (h hooked) Append(ctx context.Context, data []byte) (uint64, error) {
	if h.most > 0 && len(data) > h.most {
		return 0, errors.New("the record is too large")
	}
	if h.append != nil {
		h.append()
	}
	return h.Journal.Append(ctx, data)
}

func (h hooked) SetLetter(ctx context.Context, id string, value []byte) error {
	if h.most > 0 && len(value) > h.most {
		return errors.New("the letter is too large")
	}
	return h.Journal.SetLetter(ctx, id, value)
}

func (h hooked) AddOutcomes(ctx context.Context, outcomes [][]byte) error {
	if h.addOutcomes != nil {
		if err := h.addOutcomes(len(outcomes)); err != nil {
			return err
		}
	}
	return h.Journal.AddOutcomes(ctx, outcomes)
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

func (s snapshots) Links(_, _ map[string]string, _, _ time.Time) []diagnostics.Link { return nil }

func (s snapshots) Snapshot(_ context.Context, labels map[string]string) *diagnostics.Snapshot {
	return s(labels)
}

func (s snapshots) Charts(_ context.Context, alerts []diagnostics.ChartedAlert) []diagnostics.Chart {
	return []diagnostics.Chart{{Title: alerts[0].Labels["alertname"], PNG: []byte("png")}}
}

func (s snapshots) SnapshotLater(context.Context, map[string]string) *diagnostics.Snapshot {
	return nil
}

// told is the answer of a sink that took a message and has no receipt for it.
func told() (receipt notifiers.Receipt, err error) { return receipt, nil }

var errDown = &notifiers.Error{Reason: notifiers.Server, Err: errors.New("status 500")}

// testLoop delivers what webhook seals for the receiver "people".
func testLoop(s notifiers.Notifier) Loop {
	return Loop{
		Cursor: "people/fake/0", Receiver: "people", Integration: "fake", SendResolved: true,
		Render: func(in templates.Input) templates.Content { return templates.Content{Title: in.Group.Name()} },
		Sink:   s,
	}
}

// loopFor is testLoop for another receiver.
func loopFor(receiver string, s notifiers.Notifier) Loop {
	l := testLoop(s)
	l.Receiver, l.Cursor = receiver, Cursor(receiver, l.Integration, 0)
	return l
}

var quiet = slog.New(slog.DiscardHandler)

// world is a set of loops that run on a journal.
type world struct {
	*Loops

	metrics *Metrics
	cancel  context.CancelFunc
	done    chan error
}

// start runs loops.
func start(t testing.TB, j Journal, logger *slog.Logger, loops ...Loop) *world {
	t.Helper()
	metrics := NewMetrics(nil)
	w := &world{Loops: NewLoops(j, metrics, logger), metrics: metrics, done: make(chan error, 1)}
	require.NoError(t, w.Apply(t.Context(), loops))
	ctx, cancel := context.WithCancel(t.Context())
	w.cancel = cancel
	go func() { w.done <- w.Run(ctx) }()
	return w
}

func (w *world) end() error {
	w.cancel()
	return <-w.done
}

// series are the metrics of the loop of "people".
func (w *world) series() series { return w.metrics.of("people", "fake") }

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

// sameWebhook says the same each time. What is critical goes to people.
func sameWebhook(group, reason string, alerts ...template.Alert) []byte {
	return hidden(group, reason, 0, alerts...)
}

// hidden is a webhook that leaves out some alerts.
func hidden(group, reason string, truncated uint64, alerts ...template.Alert) []byte {
	body, err := json.Marshal(map[string]any{
		"version": "4", "groupKey": group, "notification_reason": reason, "alerts": alerts, "truncatedAlerts": truncated,
	})
	if err != nil {
		panic(fmt.Sprintf("encoding a test's webhook: %v", err))
	}
	n, err := alert.Decode(body)
	if err != nil {
		panic(fmt.Sprintf("decoding a test's webhook: %v", err))
	}
	record, err := envelope.Of(n, envelope.Address(n, func(labels map[string]string) []string {
		if labels["severity"] == "info" {
			return []string{"log"}
		}
		return []string{"log", "people"}
	}), body).Seal()
	if err != nil {
		panic(fmt.Sprintf("sealing a test's webhook: %v", err))
	}
	return record
}

// since is the alert with another start, until with an end, too.
func since(a template.Alert, at time.Time) template.Alert {
	a.StartsAt = at
	return a
}

func until(a template.Alert, at time.Time) template.Alert {
	a.EndsAt = at
	return a
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

// downUntilUp is a sink that answers as a broken service until up is set.
func downUntilUp() (s *sink, up *atomic.Bool) {
	up = new(atomic.Bool)
	return &sink{notify: func(context.Context, int, notifiers.Message) (notifiers.Receipt, error) {
		if up.Load() {
			return told()
		}
		return nil, errDown
	}}, up
}
