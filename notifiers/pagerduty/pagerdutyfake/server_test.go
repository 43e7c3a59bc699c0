package pagerdutyfake

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const key = "0123456789abcdef0123456789abcdef"

// ask posts an event that is right but for what is changed: "payload.NAME" is within the payload.
func ask(t *testing.T, s *Server, changes map[string]any) (int, string) {
	t.Helper()
	payload := map[string]any{"summary": "x", "source": "aster", "severity": "critical"}
	event := map[string]any{"routing_key": key, "event_action": "trigger", "dedup_key": "k", "payload": payload}
	for name, value := range changes {
		if inner, ok := strings.CutPrefix(name, "payload."); ok {
			payload[inner] = value
		} else {
			event[name] = value
		}
	}
	body, err := json.Marshal(event)
	require.NoError(t, err)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/v2/enqueue", strings.NewReader(string(body))))
	return w.Code, w.Body.String()
}

func TestRefusals(t *testing.T) {
	long := func(n int) string { return strings.Repeat("x", n) }
	for name, tc := range map[string]struct {
		changes map[string]any
		says    string // "" when it is taken
	}{
		"right":                 {nil, ""},
		"the longest":           {map[string]any{"payload.summary": strings.Repeat("警", 1024), "dedup_key": long(255)}, ""},
		"an image over https":   {map[string]any{"images": []any{map[string]any{"src": "https://x/y.png"}}}, ""},
		"a resolve has no more": {map[string]any{"event_action": "resolve", "payload": nil}, ""},
		"a short key":           {map[string]any{"routing_key": "short"}, "should be 32 characters"},
		"a strange key":         {map[string]any{"routing_key": long(31) + "-"}, "non-alphanumeric"},
		"an unknown key":        {map[string]any{"routing_key": long(32)}, "Invalid routing key"},
		"no action":             {map[string]any{"event_action": ""}, "event_action"},
		"a long dedup_key":      {map[string]any{"dedup_key": long(256)}, "dedup_key"},
		"nothing to resolve":    {map[string]any{"event_action": "resolve", "dedup_key": ""}, "dedup_key"},
		"no summary":            {map[string]any{"payload.summary": " "}, "payload.summary"},
		"a long summary":        {map[string]any{"payload.summary": long(1025)}, "payload.summary"},
		"no source":             {map[string]any{"payload.source": ""}, "payload.source"},
		"another severity":      {map[string]any{"payload.severity": "page"}, "payload.severity"},
		"a strange time":        {map[string]any{"payload.timestamp": "yesterday"}, "payload.timestamp"},
		"details that are none": {map[string]any{"payload.custom_details": "x"}, "custom_details"},
		"too much":              {map[string]any{"payload.custom_details": map[string]any{"x": long(512000)}}, "512 KB"},
		"an image over http":    {map[string]any{"images": []any{map[string]any{"src": "http://x/y.png"}}}, "HTTPS"},
		"a link to a script":    {map[string]any{"links": []any{map[string]any{"href": "javascript:alert(1)"}}}, "href"},
	} {
		t.Run(name, func(t *testing.T) {
			s := New(key)

			status, answer := ask(t, s, tc.changes)

			if tc.says == "" {
				assert.Equal(t, http.StatusAccepted, status, answer)
				return
			}
			assert.Equal(t, http.StatusBadRequest, status)
			assert.Contains(t, answer, tc.says)
			assert.Empty(t, s.State().Incidents)
		})
	}
}

func TestAnIncidentBelongsToItsKeys(t *testing.T) {
	other := strings.ToUpper(key)
	s := New(key, other)
	events := func(changes ...map[string]any) {
		for _, c := range changes {
			status, answer := ask(t, s, c)
			require.Equal(t, http.StatusAccepted, status, answer)
		}
	}
	trigger, resolve := map[string]any{}, map[string]any{"event_action": "resolve"}
	elsewhere := maps.Clone(resolve)
	elsewhere["routing_key"] = other

	events(resolve)
	assert.Equal(t, 1, s.State().Dropped, "the end of what is not open")
	events(trigger, trigger, elsewhere)
	require.Len(t, s.State().Open(), 1, "another integration's event is dropped")
	assert.Equal(t, 1, s.State().Incidents[0].Notified)
	assert.Equal(t, []string{"trigger", "trigger"}, s.State().Incidents[0].Events)

	require.NoError(t, s.Acknowledge("k"))
	events(trigger)
	assert.Equal(t, Acknowledged, s.State().Incidents[0].State)
	events(resolve, trigger)
	assert.Len(t, s.State().Incidents, 2, "what is resolved is never opened again")
	require.NoError(t, s.Resolve("k"))
	require.Error(t, s.Resolve("k"))
	assert.Equal(t, 2, s.State().Dropped)
}

func TestTheRateIsLimited(t *testing.T) {
	now := time.Date(2026, 3, 1, 9, 14, 0, 0, time.UTC)
	s := New(key)
	s.Now = func() time.Time { return now }
	for range mostEvents {
		status, _ := ask(t, s, nil)
		require.Equal(t, http.StatusAccepted, status)
	}

	status, _ := ask(t, s, nil)
	assert.Equal(t, http.StatusTooManyRequests, status)
	now = now.Add(window)
	status, _ = ask(t, s, nil)
	assert.Equal(t, http.StatusAccepted, status)
}
