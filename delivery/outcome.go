package delivery

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/klauspost/compress/s2"
	"github.com/prometheus/alertmanager/template"

	"github.com/alertvitals/notifier/alert"
	"github.com/alertvitals/notifier/diagnostics"
)

// outcome is what became of a delivery: one message, or what was left out. Once sealed it is a format byte, the length of its head,
// its head as JSON, and its details as JSON in S2. A list reads heads alone. Fields may be added to both, and never change their
// meaning: they are in the journals of running systems.
type outcome struct {
	head
	details
}

// head is what a list shows, and what an outcome is found by. The fields that Delivery has for details are empty in it.
type head struct {
	Delivery

	Cursor string `json:"cursor,omitempty"`
	// Records are the numbers of the records that it settled, ascending: each as the difference to the one before it, as a varint.
	Records []byte `json:"records,omitempty"`
}

// details are what only one who asks for this delivery is shown, without personal labels.
type details struct {
	Tries    []Attempt             `json:"tries,omitempty"`
	Group    *alert.Group          `json:"group,omitempty"`
	LeftOut  int                   `json:"leftOut,omitempty"`
	Snapshot *diagnostics.Snapshot `json:"snapshot,omitempty"`
}

const (
	outcomeV1 = 1
	// mostDetails bounds what is unpacked of an outcome, in bytes: a damaged one may claim anything.
	mostDetails = 8 << 20
	// mostRecords bounds the list of records, in bytes; the newest of them stay. A record takes some two.
	mostRecords = 64 << 10
	// mostKept bounds what is kept of a group, in bytes of its JSON; longestLabel and longestText bound its texts.
	mostKept     = 16 << 10
	longestLabel = 300
	longestText  = 1000
)

var errOutcome = errors.New("it is no outcome that this program can read")

// seal is the outcome as it is stored. A snapshot without a JSON form is left out: that it was told matters more.
func (o outcome) seal() ([]byte, error) {
	h, err := json.Marshal(o.head)
	if err != nil {
		return nil, fmt.Errorf("encoding an outcome: %w", err)
	}
	d, err := json.Marshal(o.details)
	if err != nil {
		o.Snapshot = nil
		if d, err = json.Marshal(o.details); err != nil {
			return nil, fmt.Errorf("encoding an outcome: %w", err)
		}
	}
	sealed := append(make([]byte, 0, 1+binary.MaxVarintLen64+len(h)+len(d)/2), outcomeV1)
	sealed = binary.AppendUvarint(sealed, uint64(len(h)))
	sealed = append(sealed, h...)
	return append(sealed, s2.Encode(nil, d)...), nil
}

// openHead reads what a list shows of an outcome, and gives its details as they are stored.
func openHead(sealed []byte) (h head, packed []byte, err error) {
	if len(sealed) == 0 || sealed[0] != outcomeV1 {
		return head{}, nil, errOutcome
	}
	size, n := binary.Uvarint(sealed[1:])
	if n <= 0 || size > uint64(len(sealed)-1-n) {
		return head{}, nil, errOutcome
	}
	rest := sealed[1+n:]
	if json.Unmarshal(rest[:size], &h) != nil || h.ID == "" {
		return head{}, nil, errOutcome
	}
	h.Tries, h.Group, h.LeftOut, h.Snapshot, h.Webhooks = nil, nil, 0, nil, nil
	return h, rest[size:], nil
}

// openDetails reads the rest of an outcome.
func openDetails(packed []byte) (d details, err error) {
	size, err := s2.DecodedLen(packed)
	if err != nil || size > mostDetails {
		return details{}, errOutcome
	}
	text, err := s2.Decode(nil, packed)
	if err != nil || json.Unmarshal(text, &d) != nil {
		return details{}, errOutcome
	}
	return d, nil
}

// shown is a delivery with all its details.
func (o outcome) shown() Delivery {
	d := o.Delivery
	d.Tries, d.Group, d.LeftOut, d.Snapshot = o.Tries, o.Group, o.LeftOut, o.Snapshot
	d.Webhooks = webhooks(unpackRecords(o.Records))
	return d
}

// packRecords are the numbers of entries, as head.Records has them.
func packRecords(entries []entry) []byte {
	numbers := make([]uint64, 0, len(entries))
	for _, e := range entries {
		numbers = append(numbers, e.seq)
	}
	return packNumbers(numbers)
}

func packNumbers(numbers []uint64) []byte {
	slices.Sort(numbers)
	numbers = slices.Compact(numbers)
	for from := 0; ; from += (len(numbers) - from + 1) / 2 { // the older half goes until the rest fits
		var packed []byte
		before := uint64(0)
		for _, n := range numbers[from:] {
			packed, before = binary.AppendUvarint(packed, n-before), n
		}
		if len(packed) <= mostRecords {
			return packed
		}
	}
}

// unpackRecords are the numbers; what is damaged ends them.
func unpackRecords(packed []byte) (numbers []uint64) {
	before := uint64(0)
	for len(packed) > 0 {
		step, n := binary.Uvarint(packed)
		if n <= 0 || step == 0 || before+step < before {
			return numbers
		}
		before += step
		numbers = append(numbers, before)
		packed = packed[n:]
	}
	return numbers
}

// holdsRecord is whether a record is among those of an outcome.
func holdsRecord(packed []byte, record uint64) bool {
	before := uint64(0)
	for len(packed) > 0 && before < record {
		step, n := binary.Uvarint(packed)
		if n <= 0 || step == 0 {
			return false
		}
		before += step
		packed = packed[n:]
	}
	return before == record && record > 0
}

// webhooks are records as their senders know them: the answer to a webhook has its number as its ID.
func webhooks(numbers []uint64) []string {
	ids := make([]string, 0, len(numbers))
	for _, n := range numbers {
		ids = append(ids, strconv.FormatUint(n, 10))
	}
	return ids
}

// parseID parts a delivery's ID into the number of a record and what names the group at its integration; the latter is empty for
// the ID of a webhook.
func parseID(id string) (record uint64, group string, ok bool) {
	number, group, _ := strings.Cut(id, "-")
	record, err := strconv.ParseUint(number, 10, 64)
	return record, group, err == nil && record > 0 && (group != "" || number == id)
}

// names is whether a delivery goes by an ID: its own, one that it had before newer notifications were merged into it, or that of a
// webhook which it tells of.
func names(id string, d Delivery, holds func(record uint64) bool) bool {
	if d.ID == id {
		return true
	}
	record, group, ok := parseID(id)
	_, own, _ := parseID(d.ID)
	group, _, _ = strings.Cut(group, "-") // without what tells parts of the same news apart
	own, _, _ = strings.Cut(own, "-")
	return ok && (group == "" || group == own) && holds(record)
}

// kept is what is kept of a group, which was redacted before: as many alerts as there is room for, and how many more there were.
func kept(g alert.Group) (*alert.Group, int) {
	room := mostKept
	leftOut := 0
	cut := func(alerts template.Alerts) template.Alerts {
		var fitting template.Alerts
		for _, a := range alerts {
			a.Labels, a.Annotations = clipAll(a.Labels, longestLabel), clipAll(a.Annotations, longestText)
			a.GeneratorURL = ""
			if room > 0 { // a group may have thousands of alerts
				text, err := json.Marshal(a)
				if room -= len(text); err == nil && room >= 0 {
					fitting = append(fitting, a)
					continue
				}
			}
			leftOut++
		}
		return fitting
	}
	g.Key = ""
	g.GroupLabels, g.RouteLabels = clipAll(g.GroupLabels, longestLabel), clipAll(g.RouteLabels, longestLabel)
	g.Alerts, g.Gone = cut(g.Alerts), cut(g.Gone)
	return &g, leftOut
}

func clipAll(texts template.KV, most int) template.KV {
	if texts == nil {
		return nil
	}
	cut := make(template.KV, len(texts))
	for name, text := range texts {
		cut[clip(name, longestLabel)] = clip(text, most)
	}
	return cut
}
