package envelope

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/alertvitals/notifier/alert"
)

// Envelope is one record.
type Envelope struct {
	// To are the receivers by name, each with the indexes of the alerts that it is told of, ascending; none means all of them.
	To map[string][]int `json:"to,omitempty"`
	// Key is the group's key, and Severity how bad it is for each receiver, "" standing for the others. They are in Body, too;
	// here they are found without decoding it.
	Key      string                    `json:"key,omitempty"`
	Severity map[string]alert.Severity `json:"severity,omitempty"`
	// Trace is the W3C traceparent of the span that put the record here, "" without one. Deliveries go on with its trace.
	Trace string `json:"trace,omitempty"`
	// Again is set when Body is a message that could not be delivered before, and nil when it is a webhook's body.
	Again *Again `json:"again,omitempty"`
	// Body is the payload as Alertmanager sent it, or with Again the JSON of an alert.Group.
	Body []byte `json:"-"`
}

// Again is why a message is told once more.
type Again struct {
	// Delivery is the ID of the delivery that failed.
	Delivery string `json:"delivery"`
	// Cursor is the one integration that is told, for a replay; empty when To says who is.
	Cursor string `json:"cursor,omitempty"`
	// From is the receiver that could not be told, when the message goes to that receiver's fallback.
	From string `json:"from,omitempty"`
	// Reason is why it could not, from the closed set of the metrics.
	Reason string `json:"reason,omitempty"`
	// Accepted is when the notification was put on disk the first time.
	Accepted time.Time `json:"accepted,omitzero"`
	// Asked is when an operator asked that it be told once more although it was not dead; zero for all else.
	Asked time.Time `json:"asked,omitzero"`
}

// Of is the envelope of a webhook's body, which says n, for the receivers that Address gave.
func Of(n alert.Notification, to map[string][]int, body []byte) Envelope {
	e := Envelope{To: to, Key: n.GroupKey, Severity: map[string]alert.Severity{}, Body: body}
	if whole, ok := n.Choose(nil); ok {
		e.Severity[""] = whole.Severity()
	}
	for receiver, alerts := range to {
		if alerts == nil {
			continue // the whole
		}
		part, ok := n.Choose(alerts)
		if severity := part.Severity(); ok && severity != e.Severity[""] {
			e.Severity[receiver] = severity
		}
	}
	return e
}

// OfGroup is the envelope of a message that is told again, to one receiver unless again names a cursor.
func OfGroup(g alert.Group, receiver string, again Again) (Envelope, error) {
	body, err := json.Marshal(g)
	if err != nil {
		return Envelope{}, fmt.Errorf("encoding a message that is told again: %w", err)
	}
	e := Envelope{Key: g.Key, Severity: map[string]alert.Severity{"": g.Severity()}, Again: &again, Body: body}
	if again.Cursor == "" {
		e.To = map[string][]int{receiver: nil}
	}
	return e, nil
}

// SeverityFor is how bad it is for a receiver.
func (e Envelope) SeverityFor(receiver string) alert.Severity {
	if s, own := e.Severity[receiver]; own {
		return s
	}
	return e.Severity[""]
}

// version is the first byte of every record. A record that begins otherwise was written by a program that does not exist yet.
const version = 1

// Seal is the record.
func (e Envelope) Seal() ([]byte, error) { return e.AppendSealed(nil) }

// AppendSealed appends the record to a slice.
func (e Envelope) AppendSealed(record []byte) ([]byte, error) {
	header, err := e.header()
	if err != nil {
		return nil, fmt.Errorf("encoding the address of a notification: %w", err)
	}
	record = slices.Grow(record, 1+binary.MaxVarintLen64+len(header)+len(e.Body))
	record = append(record, version)
	record = binary.AppendUvarint(record, uint64(len(header)))
	record = append(record, header...)
	return append(record, e.Body...), nil
}

// header is the JSON of all but Body. Every webhook has one, so those that are not told again are spelt out here, which takes
// a fifth of the time.
func (e Envelope) header() ([]byte, error) {
	if e.Again != nil {
		return json.Marshal(e)
	}
	header := append(make([]byte, 0, 256), `{"key":`...)
	header = appendString(header, e.Key)
	if len(e.To) > 0 {
		header = append(header, `,"to":{`...)
		for i, receiver := range slices.Sorted(maps.Keys(e.To)) {
			header = appendName(header, i, receiver)
			header = appendNumbers(header, e.To[receiver])
		}
		header = append(header, '}')
	}
	if len(e.Severity) > 0 {
		header = append(header, `,"severity":{`...)
		for i, receiver := range slices.Sorted(maps.Keys(e.Severity)) {
			header = appendName(header, i, receiver)
			header = appendString(header, string(e.Severity[receiver]))
		}
		header = append(header, '}')
	}
	if e.Trace != "" {
		header = append(header, `,"trace":`...)
		header = appendString(header, e.Trace)
	}
	return append(header, '}'), nil
}

func appendName(to []byte, i int, name string) []byte {
	if i > 0 {
		to = append(to, ',')
	}
	return append(appendString(to, name), ':')
}

func appendNumbers(to []byte, numbers []int) []byte {
	if numbers == nil {
		return append(to, "null"...)
	}
	to = append(to, '[')
	for i, n := range numbers {
		if i > 0 {
			to = append(to, ',')
		}
		to = strconv.AppendInt(to, int64(n), 10)
	}
	return append(to, ']')
}

// appendString appends a JSON string.
func appendString(to []byte, s string) []byte {
	start := len(to)
	to = append(to, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			to = append(to, '\\', c)
		case c < 0x20 || c >= 0x7f:
			quoted, err := json.Marshal(s) // it knows the rest
			if err != nil {
				return append(to[:start], `""`...) // a string always has a JSON form
			}
			return append(to[:start], quoted...)
		default:
			to = append(to, c)
		}
	}
	return append(to, '"')
}

// Open reads a record. Body is a part of it, not a copy. The error is for whoever damaged the disk: a record that failed
// once fails always.
func Open(record []byte) (Envelope, error) {
	if len(record) == 0 || record[0] != version {
		return Envelope{}, errors.New("reading a record: its first byte is not that of a version that this program knows")
	}
	length, n := binary.Uvarint(record[1:])
	if n <= 0 || length > uint64(len(record)-1-n) {
		return Envelope{}, errors.New("reading a record: it is cut off in its address")
	}
	rest := record[1+n:]
	var e Envelope
	if err := json.Unmarshal(rest[:length], &e); err != nil {
		return Envelope{}, fmt.Errorf("reading the address of a record: %w", err)
	}
	e.Body = rest[length:]
	return e, nil
}

// Address is whom the alerts of a notification go to: match gives the receivers of one alert's
// labels, each once.
func Address(n alert.Notification, match func(labels map[string]string) []string) map[string][]int {
	to := map[string][]int{}
	for i, a := range n.Alerts {
		for _, receiver := range match(a.Labels) {
			to[receiver] = append(to[receiver], i)
		}
	}
	for receiver, alerts := range to {
		if len(alerts) == len(n.Alerts) {
			to[receiver] = nil
		}
	}
	return to
}

// For is whether the receiver is told of this record, which may be for one of its integrations alone.
func (e Envelope) For(receiver, cursor string) bool {
	if e.Again != nil && e.Again.Cursor != "" {
		return e.Again.Cursor == cursor
	}
	_, mine := e.To[receiver]
	return mine
}

// Group is what the receiver is told. The error says what is wrong with Body; it never passes.
func (e Envelope) Group(receiver string) (alert.Group, error) {
	if e.Again != nil {
		var g alert.Group
		if err := json.Unmarshal(e.Body, &g); err != nil {
			return alert.Group{}, fmt.Errorf("reading a message that is told again: %w", err)
		}
		if g.Key == "" || len(g.Alerts) == 0 {
			return alert.Group{}, errors.New("reading a message that is told again: it names no group or no alert")
		}
		return g, nil
	}
	n, err := alert.Decode(e.Body)
	if err != nil {
		return alert.Group{}, fmt.Errorf("reading a notification: %w", err)
	}
	g, ok := n.Choose(e.To[receiver])
	if !ok {
		return alert.Group{}, fmt.Errorf("reading a notification: of its %d alerts none is one of %v", len(n.Alerts), e.To[receiver])
	}
	return g, nil
}

// Key is the same for every record that tells the same delivery again to the same end.
func (a Again) Key() string {
	if !a.Asked.IsZero() { // who asks twice is told twice
		return a.Delivery + " " + a.Asked.Format(time.RFC3339Nano)
	}
	return a.Delivery + " " + a.From
}
