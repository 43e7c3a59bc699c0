package cases

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/alertvitals/notifier/config"
)

const file = `config_file: notifier.yml
tests:
  - name: critical alerts page
    labels: {severity: critical}
    receivers: [oncall, log]
  - name: data has its own
    labels: {team: data}
    receivers: [oncall]
`

func TestRun(t *testing.T) {
	suite, err := load("testdata/routes.test.yml", []byte(file))
	require.NoError(t, err)

	got := suite.Run()

	require.Len(t, got, 2)
	assert.True(t, got[0].Passed)
	assert.Equal(t, 3, got[0].Line)
	assert.False(t, got[1].Passed)
	assert.Equal(t, 6, got[1].Line)
	assert.Equal(t, []string{"oncall"}, got[1].Want)
	assert.Equal(t, []string{"data"}, got[1].Got)
	require.Len(t, got[1].Through, 1)
	assert.Equal(t, "route.routes[0]", got[1].Through[0].Place())
	assert.Equal(t, 4, got[1].Through[0].Line)
	assert.Equal(t, "testdata/notifier.yml", suite.ConfigPath)
}

// Whatever the file: it can be run, or what is wrong has a place.
func FuzzLoad(f *testing.F) {
	f.Add(file)
	f.Add("")
	f.Add("config_file: notifier.yml\ntests: [{name: a, labels: {}, time: 2026-03-14T09:26:53Z, receivers: []}]")
	f.Add("config_file: notifier.yml\ntests: [{name: a, payload: notifier.yml, receivers: [b]}, &a {name: a}, *a]\nx: y")
	f.Fuzz(func(t *testing.T, source string) {
		suite, err := load("testdata/fuzz.test.yml", []byte(source))
		if err == nil {
			for _, r := range suite.Run() {
				require.Positive(t, r.Line)
			}
			return
		}
		var wrong *config.Error
		require.ErrorAs(t, err, &wrong)
		require.NotEmpty(t, wrong.Findings)
		for _, finding := range wrong.Findings {
			require.Positive(t, finding.Line)
			require.Positive(t, finding.Column)
			require.NotEmpty(t, finding.Msg)
		}
	})
}
