package envelope

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/prometheus/alertmanager/template"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/alertvitals/notifier/alert"
)

const webhook = `{"version":"4","groupKey":"k","truncatedAlerts":2,"alerts":[
	{"status":"firing","fingerprint":"f0","labels":{"alertname":"A","severity":"critical"}},
	{"status":"firing","fingerprint":"f1","labels":{"alertname":"A","severity":"warning"}},
	{"status":"resolved","fingerprint":"f2","labels":{"alertname":"A","severity":"warning"}}]}`

func seal(t *testing.T, e Envelope) []byte {
	t.Helper()
	record, err := e.Seal()
	require.NoError(t, err)
	return record
}

// message is the body of a message that is told again.
func message(t *testing.T, g alert.Group) []byte {
	t.Helper()
	body, err := json.Marshal(g)
	require.NoError(t, err)
	return body
}

func TestOpenGivesWhatWasSealed(t *testing.T) {
	for name, e := range map[string]Envelope{
		"nobody":        {Body: []byte(webhook)},
		"some of it":    {To: map[string][]int{"slack": {0, 2}, "log": {1}}, Body: []byte(webhook)},
		"all of it":     {To: map[string][]int{"slack": nil}, Body: []byte(webhook)},
		"a hostile key": {To: map[string][]int{"\"\n\x00 <!channel> 警報": {0}}, Body: []byte(webhook)},
		"traced":        {To: map[string][]int{"a": nil}, Trace: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", Body: []byte(webhook)},
		"binary":        {To: map[string][]int{"a": nil}, Body: []byte{0, 1, 255, '\n'}},
		"a replay": {Again: &Again{
			Delivery: "7-abc", Cursor: "oncall/slack/0", Reason: "expired", Accepted: time.Date(2026, 3, 1, 3, 10, 0, 1, time.UTC),
		}, Body: []byte(`{}`)},
		"a fallback": {To: map[string][]int{"ops": nil}, Again: &Again{Delivery: "7-abc", From: "oncall", Reason: "auth"}, Body: []byte(`{}`)},
		"long":       {To: map[string][]int{"a": make([]int, 5000)}, Body: make([]byte, 1<<20)},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Open(seal(t, e))

			require.NoError(t, err)
			assert.Equal(t, e, got)
		})
	}
}

func TestABodyMayBeEmpty(t *testing.T) {
	got, err := Open(seal(t, Envelope{To: map[string][]int{"a": nil}}))

	require.NoError(t, err)
	assert.Empty(t, got.Body)
	assert.True(t, got.For("a", ""))
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	whole := seal(t, Envelope{To: map[string][]int{"slack": {0}}, Body: []byte(webhook)})
	for name, tc := range map[string]struct {
		record []byte
		want   string
	}{
		"nothing":             {nil, "its first byte"},
		"of another version":  {append([]byte{2}, whole[1:]...), "its first byte"},
		"a bare payload":      {[]byte(webhook), "its first byte"},
		"only its version":    {whole[:1], "cut off in its address"},
		"half an address":     {whole[:10], "cut off in its address"},
		"a length that lies":  {append([]byte{version}, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01), "cut off in its address"},
		"a length too long":   {append([]byte{version}, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), "cut off in its address"},
		"no JSON":             {[]byte{version, 3, 'a', 'b', 'c'}, "reading the address of a record"},
		"an empty address":    {[]byte{version, 0}, "reading the address of a record"},
		"an address of words": {append([]byte{version, 14}, `{"to":{"a":7}}`...), "reading the address of a record"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Open(tc.record)

			require.ErrorContains(t, err, tc.want)
		})
	}
}

// Every cut of a record in front of its body is seen. One in the body is the decoder's to see: the journal gives whole records.
func TestOpenSeesEveryCutInTheAddress(t *testing.T) {
	record := seal(t, Envelope{To: map[string][]int{"slack": {0}}, Body: []byte(webhook)})
	for end := range len(record) - len(webhook) {
		_, err := Open(record[:end])
		require.Error(t, err, end)
	}
}

func FuzzOpen(f *testing.F) {
	for _, e := range []Envelope{
		{To: map[string][]int{"slack": {0, 2}, "log": nil}, Body: []byte(webhook)},
		{Again: &Again{Cursor: "c", From: "oncall"}, Body: []byte(`{"key":"k","alerts":[{"status":"firing"}]}`)},
	} {
		record, err := e.Seal()
		require.NoError(f, err)
		f.Add(record)
	}
	f.Add([]byte{version, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01})
	f.Add([]byte{version, 14, '{', '"', 't', 'o', '"', ':', '{', '"', 'a', '"', ':', '[', ']', '}', '}'})
	f.Fuzz(func(t *testing.T, record []byte) {
		e, err := Open(record)
		if err != nil {
			require.NotEmpty(t, err.Error())
			return
		}
		for receiver := range e.To {
			_ = e.For(receiver, "c")
			if g, wrong := e.Group(receiver); wrong == nil {
				require.NotEmpty(t, g.Key)
				require.NotEmpty(t, g.Alerts)
				_, _, _ = g.Status(), g.Severity(), g.Lead()
			}
		}
		again, err := e.Seal()
		require.NoError(t, err)
		back, err := Open(again)
		require.NoError(t, err)
		require.Equal(t, len(e.To), len(back.To))
		require.Equal(t, e.Body, back.Body)
	})
}

func TestAddress(t *testing.T) {
	n, err := alert.Decode([]byte(webhook))
	require.NoError(t, err)
	for name, tc := range map[string]struct {
		match func(labels map[string]string) []string
		want  map[string][]int
	}{
		"nobody":          {func(map[string]string) []string { return nil }, map[string][]int{}},
		"one for all":     {func(map[string]string) []string { return []string{"log"} }, map[string][]int{"log": nil}},
		"by severity":     {func(l map[string]string) []string { return []string{l["severity"]} }, map[string][]int{"critical": {0}, "warning": {1, 2}}},
		"some by several": {func(l map[string]string) []string { return []string{"log", l["severity"]} }, map[string][]int{"log": nil, "critical": {0}, "warning": {1, 2}}},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, tc.want, Address(n, tc.match))
		})
	}
}

func TestFor(t *testing.T) {
	webhook := Envelope{To: map[string][]int{"slack": {0}, "log": nil}}
	replay := Envelope{Again: &Again{Cursor: "slack/1"}}
	fallback := Envelope{To: map[string][]int{"ops": nil}, Again: &Again{From: "slack"}}
	for _, tc := range []struct {
		e                Envelope
		receiver, cursor string
		want             bool
	}{
		{webhook, "slack", "slack/0", true},
		{webhook, "log", "log/0", true},
		{webhook, "other", "other/0", false},
		{replay, "slack", "slack/1", true},
		{replay, "slack", "slack/0", false}, // the other integration of the receiver was told
		{fallback, "ops", "ops/0", true},
		{fallback, "slack", "slack/0", false},
		{Envelope{}, "slack", "slack/0", false},
	} {
		assert.Equal(t, tc.want, tc.e.For(tc.receiver, tc.cursor), "%+v for %s", tc.e, tc.cursor)
	}
}

func TestGroupIsTheReceiversPart(t *testing.T) {
	e := Envelope{To: map[string][]int{"some": {1, 2}, "all": nil}, Body: []byte(webhook)}

	some, err := e.Group("some")
	require.NoError(t, err)
	all, err := e.Group("all")
	require.NoError(t, err)

	assert.Equal(t, "k", some.Key)
	assert.Equal(t, uint64(2), some.Truncated)
	require.Len(t, some.Alerts, 2)
	assert.Equal(t, "f1", some.Alerts[0].Fingerprint)
	assert.Len(t, all.Alerts, 3)
}

// Routes that were computed by Address lead to the same alerts after a round trip.
func TestP2WhatWasAddressedIsToldAfterARoundTrip(t *testing.T) {
	n, err := alert.Decode([]byte(webhook))
	require.NoError(t, err)
	match := func(labels map[string]string) []string { return []string{"log", labels["severity"]} }
	e, err := Open(seal(t, Envelope{To: Address(n, match), Body: []byte(webhook)}))
	require.NoError(t, err)

	told := map[string][]string{}
	for receiver := range e.To {
		g, err := e.Group(receiver)
		require.NoError(t, err)
		for _, a := range g.Alerts {
			told[receiver] = append(told[receiver], a.Fingerprint)
		}
	}

	assert.Equal(t, map[string][]string{"log": {"f0", "f1", "f2"}, "critical": {"f0"}, "warning": {"f1", "f2"}}, told)
}

func TestGroupOfAMessageThatIsToldAgain(t *testing.T) {
	gone := template.Alert{Status: alert.StatusFiring, Fingerprint: "f1", Labels: template.KV{"alertname": "B"}}
	g := alert.Group{
		Key: "k", Truncated: 1, Reason: "new alerts added", GroupLabels: template.KV{"a": "b"}, ExternalURL: "http://alertmanager:9093",
		Alerts: template.Alerts{{
			Status: alert.StatusResolved, Fingerprint: "f0", Labels: template.KV{"alertname": "A"}, Annotations: template.KV{"summary": "s"},
			StartsAt: time.Date(2026, 3, 1, 9, 14, 0, 0, time.UTC), EndsAt: time.Date(2026, 3, 1, 9, 41, 0, 5, time.UTC), GeneratorURL: "http://p",
		}},
		Gone: template.Alerts{gone},
	}
	e, err := Open(seal(t, Envelope{Again: &Again{Cursor: "c"}, Body: message(t, g)}))
	require.NoError(t, err)

	got, err := e.Group("whoever")

	require.NoError(t, err)
	assert.Equal(t, g, got, "nothing of the message is lost")
}

func TestGroupSaysWhatIsWrong(t *testing.T) {
	again := &Again{Cursor: "c"}
	for name, tc := range map[string]struct {
		e    Envelope
		want string
	}{
		"no payload":              {Envelope{To: map[string][]int{"a": nil}, Body: []byte("x")}, "reading a notification: not JSON"},
		"no such alert":           {Envelope{To: map[string][]int{"a": {7, math.MaxInt, -1}}, Body: []byte(webhook)}, "of its 3 alerts none is one of"},
		"no message":              {Envelope{Again: again, Body: []byte("x")}, "reading a message that is told again: invalid character"},
		"a message of no group":   {Envelope{Again: again, Body: message(t, alert.Group{Alerts: template.Alerts{{}}})}, "names no group or no alert"},
		"a message of no alert":   {Envelope{Again: again, Body: message(t, alert.Group{Key: "k"})}, "names no group or no alert"},
		"a webhook as a message":  {Envelope{Again: again, Body: []byte(webhook)}, "names no group or no alert"},
		"a message as no webhook": {Envelope{To: map[string][]int{"a": nil}, Body: message(t, alert.Group{Key: "k"})}, "reading a notification"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := tc.e.Group("a")

			require.ErrorContains(t, err, tc.want)
		})
	}
}
