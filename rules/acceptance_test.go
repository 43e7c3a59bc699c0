//go:build acceptance

package rules_test

import (
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// promtool runs the unit tests that TestRules runs with the library. It comes from Debian's prometheus package; a missing one fails.
func TestPromtool(t *testing.T) {
	for pattern, command := range map[string][]string{
		"*.yml":       {"check", "rules"},
		"tests/*.yml": {"test", "rules"},
	} {
		files, err := filepath.Glob(pattern)
		require.NoError(t, err)
		require.NotEmpty(t, files)
		out, err := exec.Command("promtool", append(command, files...)...).CombinedOutput()
		assert.NoError(t, err, string(out))
		assert.NotContains(t, string(out), "FAILED")
		assert.NotContains(t, string(out), "duplicate rule")
	}
}
