//go:build acceptance

package deploy_test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Each program accepts the file that docker-compose.yml gives it. The programs come from Debian; a missing one fails.
func TestProgramsAcceptTheirFiles(t *testing.T) {
	rules, err := filepath.Glob("../rules/*.yml")
	require.NoError(t, err)
	require.NotEmpty(t, rules)

	for _, command := range [][]string{
		{"promtool", "check", "config", "--syntax-only", "compose/prometheus.yml"},
		append([]string{"promtool", "check", "rules"}, rules...),
		{"amtool", "check-config", "compose/alertmanager.yml"},
	} {
		t.Run(strings.Join(command[:3], " "), func(t *testing.T) {
			out, err := exec.Command(command[0], command[1:]...).CombinedOutput()

			assert.NoError(t, err, string(out))
		})
	}
}
