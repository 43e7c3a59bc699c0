package alert

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Every payload below testdata/alertmanager was posted by a real Alertmanager of the version that its folder names.
func TestDecodeReadsEveryCapturedPayload(t *testing.T) {
	files, err := filepath.Glob("testdata/alertmanager/*/*.json")
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(files), 18, "the captured payloads are missing")

	for _, file := range files {
		t.Run(file, func(t *testing.T) {
			body, err := os.ReadFile(file)
			require.NoError(t, err)

			n, err := Decode(body)

			require.NoError(t, err)
			assert.NotEmpty(t, n.GroupKey)
			for _, a := range n.Alerts {
				assert.NotEmpty(t, a.Labels["alertname"])
				assert.Len(t, a.Fingerprint, 16)
				assert.False(t, a.StartsAt.IsZero())
			}
			if !strings.Contains(file, "truncated") {
				assert.Equal(t, n.Status, wholeGroup(t, n).Status(), "recomputed status of a group that is not truncated")
			}
		})
	}
}

func TestDecodeKeepsWhatAlertmanagerSaid(t *testing.T) {
	body, err := os.ReadFile("testdata/alertmanager/0.34/truncated-05-firing.json")
	require.NoError(t, err)

	n, err := Decode(body)

	require.NoError(t, err)
	assert.Equal(t, `{}/{case="truncated"}:{alertname="PoolNearCapacity"}`, n.GroupKey)
	assert.Equal(t, uint64(3), n.TruncatedAlerts)
	assert.Equal(t, "first notification", n.NotificationReason)
	assert.Equal(t, "http://alertmanager:9093", n.ExternalURL)
	assert.Equal(t, "PoolNearCapacity", n.GroupLabels["alertname"])
	require.Len(t, n.Alerts, 2)
	assert.Equal(t, "aster-0:8080", n.Alerts[0].Labels["instance"])
	assert.Equal(t, "d04be2799320293c", n.Alerts[0].Fingerprint)
}

const minimal = `{"version":"4","groupKey":"k","alerts":[{"status":"firing","labels":{"alertname":"A"}}]}`

func TestDecodeIgnoresFieldsOfTheFuture(t *testing.T) {
	n, err := Decode([]byte(`{"version":"4","groupKey":"k","mood":{"x":[1,2]},"alerts":[{"status":"firing","labels":{"a":"b"},"colour":7}]}`))

	require.NoError(t, err)
	assert.Equal(t, "b", n.Alerts[0].Labels["a"])
}

func TestDecodeFillsAMissingFingerprint(t *testing.T) {
	n, err := Decode([]byte(minimal))
	require.NoError(t, err)

	other, err := Decode([]byte(strings.Replace(minimal, `"A"`, `"B"`, 1)))
	require.NoError(t, err)

	assert.Len(t, n.Alerts[0].Fingerprint, 16)
	assert.NotEqual(t, n.Alerts[0].Fingerprint, other.Alerts[0].Fingerprint)
}

func TestDecodeBoundsFingerprints(t *testing.T) {
	n, err := Decode([]byte(strings.Replace(minimal, `"labels"`, `"fingerprint":"`+strings.Repeat("<", 1000)+`","labels"`, 1)))

	require.NoError(t, err)
	assert.Len(t, n.Alerts[0].Fingerprint, 16)
}

func TestDecodeSaysWhatIsWrong(t *testing.T) {
	for name, tc := range map[string]struct{ body, want string }{
		"empty":           {``, "the body is empty"},
		"blank":           {"  \n", "the body is empty"},
		"cut off":         {`{"version":"4"`, "cut off in the middle"},
		"not json":        {`alert=1`, "not JSON at byte 1"},
		"html":            {`<!doctype html>`, "not JSON at byte 1"},
		"array":           {`[1]`, "the body is a JSON array, want an object"},
		"string":          {`"hi"`, "the body is a JSON string, want an object"},
		"null":            {`null`, `version is "", want "4"`},
		"wrong type":      {`{"version":"4","groupKey":"k","alerts":{}}`, "alerts is a JSON object"},
		"numeric version": {`{"version":4}`, "version is a JSON number"},
		"old version":     {`{"version":"3","groupKey":"k"}`, `version is "3", want "4"`},
		"custom payload":  {`{"text":"hi"}`, "custom payload"},
		"no group key":    {`{"version":"4","alerts":[{"status":"firing","labels":{"a":"b"}}]}`, "groupKey is missing"},
		"no alerts":       {`{"version":"4","groupKey":"k"}`, "alerts is empty"},
		"no labels":       {`{"version":"4","groupKey":"k","alerts":[{"status":"firing"}]}`, "alerts[0]: labels is empty"},
		"bad status":      {`{"version":"4","groupKey":"k","alerts":[{"status":"on","labels":{"a":"b"}}]}`, `alerts[0]: status is "on"`},
		"bad time":        {strings.Replace(minimal, `"labels"`, `"startsAt":"yesterday","labels"`, 1), "not an Alertmanager payload"},
		"two objects":     {minimal + minimal, "goes on after the JSON object"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Decode([]byte(tc.body))

			require.Error(t, err)
			assert.Contains(t, err.Error(), tc.want)
		})
	}
}

func FuzzDecode(f *testing.F) {
	files, err := filepath.Glob("testdata/alertmanager/*/*.json")
	require.NoError(f, err)
	for _, file := range files {
		body, err := os.ReadFile(file)
		require.NoError(f, err)
		f.Add(body)
	}
	f.Add([]byte(minimal))
	f.Fuzz(func(t *testing.T, body []byte) {
		n, err := Decode(body)
		if err != nil {
			require.NotEmpty(t, err.Error())
			return
		}
		g := wholeGroup(t, n)
		_, _, _, _ = g.Severity(), g.Since(), g.Until(), g.Name()
		_, _ = g.CommonLabels(), g.CommonAnnotations()
		firing := g.Truncated > 0
		for _, a := range n.Alerts {
			require.NotEmpty(t, a.Fingerprint)
			firing = firing || a.Status == StatusFiring
		}
		require.Equal(t, firing, g.Status() == StatusFiring)
	})
}
