package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What Grafana is given is what is written here: go generate ./dashboards.
func TestTheFilesAreUpToDate(t *testing.T) {
	files, err := filepath.Glob("../*.json")
	require.NoError(t, err)
	assert.Len(t, files, len(boards()))
	for _, b := range boards() {
		want, err := b.json()
		require.NoError(t, err)
		got, err := os.ReadFile(filepath.Join("..", b.name+".json"))
		require.NoError(t, err)
		assert.True(t, string(want) == string(got), "%s.json: run go generate ./dashboards", b.name)
	}
}
