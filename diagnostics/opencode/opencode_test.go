package opencode

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var since = time.UnixMilli(1_795_000_000_000)

func TestSessionsThatChangedLately(t *testing.T) {
	const body = `[
		{"id":"ses_old","time":{"updated":1794999999999}},
		{"id":"ses_a","title":"x","time":{"updated":1795000000000}},
		{"id":"ses_c","time":{"updated":1795000000002}},
		{"id":"../config","time":{"updated":1795000000003}},
		{"id":"","time":{"updated":1795000000003}},
		{"id":"ses_b","time":{"updated":1795000000001}}]`
	ids, err := Sessions([]byte(body), since, 5)
	require.NoError(t, err)
	assert.Equal(t, []string{"ses_c", "ses_b", "ses_a"}, ids)
	ids, err = Sessions([]byte(body), since, 2)
	require.NoError(t, err)
	assert.Equal(t, []string{"ses_c", "ses_b"}, ids)

	for _, wrong := range []string{``, `{"planted":1}`, `["planted"]`, `[{"id":1}]`, `<html>planted`} {
		_, err := Sessions([]byte(wrong), since, 5)
		require.Error(t, err, wrong)
		assert.NotContains(t, err.Error(), "planted")
	}
}

// reply is an assistant's message that began some seconds after since.
func reply(at int, more string) string {
	created := since.UnixMilli() + int64(at)*1000
	return fmt.Sprintf(`{"info":{"role":"assistant","time":{"created":%d%s`, created, more)
}

// took ends a reply's time, and its info.
func took(at int, seconds float64) string {
	return fmt.Sprintf(`,"completed":%d}}`, since.UnixMilli()+int64(at)*1000+int64(seconds*1000))
}

// shown are the samples as text, in order.
func shown(r *Replies) []string {
	var all []string
	for _, s := range r.Samples() {
		labels, _ := json.Marshal(s.Labels)
		all = append(all, fmt.Sprintf("%s%s %g", strings.TrimPrefix(s.Name, "opencode_recent_"), labels, s.Value))
	}
	slices.Sort(all)
	return all
}

func TestReplies(t *testing.T) {
	r := NewReplies(since)
	require.NoError(t, r.Add([]byte(`[
		{"info":{"role":"user","time":{"created":1795000001000}},"parts":[{"type":"text","text":"planted"}]},
		`+reply(-1, took(-1, 9))+`},
		`+reply(1, took(1, 2))+`,"parts":[{"type":"text","text":"planted"},
			{"type":"tool","tool":"bash","state":{"status":"error","error":"planted"}},
			{"type":"tool","tool":"bash","state":{"status":"completed","output":"planted"}},
			{"type":"tool","tool":"read","state":{"status":"running"}},
			{"type":"tool","tool":"planted tool","state":{"status":"completed"}}]},
		`+reply(2, took(2, 4))+`},
		`+reply(3, `}}`)+`},
		`+reply(4, `},"error":{"name":"APIError","data":{"message":"planted","statusCode":529,"isRetryable":true}}}`)+`},
		`+reply(5, `},"error":{"name":"ProviderAuthError","data":{"providerID":"planted"}}}`)+`},
		`+reply(6, `},"error":{"name":"planted error <b>","data":{"statusCode":1e9}}}`)+`},
		`+reply(7, `},"error":{"name":"MessageAbortedError","data":{}}}`)+`}]`)))
	require.NoError(t, r.Add([]byte(`[`+reply(8, took(8, 60))+`}]`)))

	assert.Equal(t, []string{
		`errors{"error":"APIError 529"} 1`,
		`errors{"error":"ProviderAuthError"} 1`,
		`errors{"error":"other"} 1`,
		`replies{"result":"failed"} 3`,
		`replies{"result":"ok"} 3`,
		`reply_seconds{"quantile":"0.5"} 4`,
		`reply_seconds{"quantile":"0.95"} 60`,
		`reply_seconds{"quantile":"0.99"} 60`,
		`tool_calls{"result":"failed","tool":"bash"} 1`,
		`tool_calls{"result":"ok","tool":"bash"} 1`,
		`tool_calls{"result":"ok","tool":"other"} 1`,
	}, shown(r))
}

func TestWithoutRepliesNothingIsSaidOfTheirTime(t *testing.T) {
	r := NewReplies(since)
	require.NoError(t, r.Add([]byte(`[]`)))
	assert.Equal(t, []string{`replies{"result":"failed"} 0`, `replies{"result":"ok"} 0`}, shown(r))
}

func TestKindsAreBounded(t *testing.T) {
	r := NewReplies(since)
	var messages, parts []string
	for i := range 100 {
		messages = append(messages, reply(1, fmt.Sprintf(`},"error":{"name":"E%c","data":{"statusCode":%d}}}`, 'a'+i%26, 400+i))+`}`)
		parts = append(parts, fmt.Sprintf(`{"type":"tool","tool":"t%d","state":{"status":"completed"}}`, i))
	}
	messages = append(messages, reply(1, took(1, 1))+`,"parts":[`+strings.Join(parts, ",")+`]}`)
	require.NoError(t, r.Add([]byte(`[`+strings.Join(messages, ",")+`]`)))
	assert.Len(t, r.errors, mostKinds+1)
	assert.Len(t, r.tools, mostKinds+1)
	assert.InDelta(t, 80, r.errors["other"], 0)
}

func FuzzReplies(f *testing.F) {
	f.Add([]byte(`[` + reply(1, took(1, 2)) + `,"parts":[{"type":"tool","tool":"bash","state":{"status":"error"}}]}]`))
	f.Add([]byte(`[` + reply(4, `},"error":{"name":"APIError","data":{"statusCode":529}}}`) + `}]`))
	f.Add([]byte(`[{"id":"ses_a","time":{"updated":1795000000000}}]`))
	f.Fuzz(func(t *testing.T, body []byte) {
		ids, _ := Sessions(body, since, 5)
		for _, id := range ids {
			assert.Regexp(t, sessionID, id)
		}
		r := NewReplies(since)
		if r.Add(body) != nil {
			return
		}
		for _, s := range r.Samples() {
			assert.GreaterOrEqual(t, s.Value, 0.0)
			assert.Contains(t, Names(), s.Name)
			for _, value := range s.Labels {
				assert.Regexp(t, `^[A-Za-z0-9_. -]{1,64}$`, value)
			}
		}
	})
}
