package diagnostics

import (
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestStoreRenamesTheAgentsOwnLabels(t *testing.T) {
	s := &series{job: "aster", instance: "h:1"}
	got := s.own(labels.FromStrings("__name__", "a", "job", "theirs", "instance", "other", "exported_job", "older"))
	assert.Equal(t, map[string]string{
		"__name__": "a", "job": "aster", "instance": "h:1",
		"exported_job": "older", "exported_exported_job": "theirs", "exported_instance": "other",
	}, got.Map())
}

func TestStoreIsInTheOrderOfTime(t *testing.T) {
	c := newCollector(t, newFakeAgent(t).URL)
	now := time.Now().Truncate(time.Second)
	past(t, c, now.Add(-time.Minute), "a 1\n")
	past(t, c, now.Add(-2*time.Minute), "a 2\n") // came late: left out
	past(t, c, now.Add(-time.Minute), "a 3\n")   // the same moment: left out

	times, err := c.settings.Load().agents[0].series.scrapes(t.Context(), now.Add(-time.Hour), now)
	require.NoError(t, err)
	require.Len(t, times, 1)
	assert.True(t, times[0].Equal(now.Add(-time.Minute)))
}

func TestStoreDoesNotBelieveTheAgentsUp(t *testing.T) {
	c := newCollector(t, newFakeAgent(t).URL)
	now := time.Now().Truncate(time.Second)
	got := readExposition([]byte("up 1\nup{job=\"x\"} 1\nscrape_samples_scraped 7\n"), "", now)
	require.NoError(t, c.settings.Load().agents[0].series.store(t.Context(), now, time.Second, got, false))

	times, err := c.settings.Load().agents[0].series.scrapes(t.Context(), now.Add(-time.Hour), now)
	require.NoError(t, err)
	assert.Empty(t, times)
}
