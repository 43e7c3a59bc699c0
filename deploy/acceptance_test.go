//go:build acceptance

package deploy_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// accepts runs a program that has to end well. The programs come from Debian; a missing one fails.
func accepts(t *testing.T, program string, args ...string) {
	t.Helper()
	out, err := exec.Command(program, args...).CombinedOutput()
	assert.NoError(t, err, "%s %s\n%s", program, strings.Join(args, " "), out)
}

// elsewhere is a copy of a file in which one text stands for another, as the place of a file on this machine for that in a container.
func elsewhere(t *testing.T, file, here, there string) string {
	t.Helper()
	source, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Contains(t, string(source), there)
	changed := filepath.Join(t.TempDir(), filepath.Base(file))
	require.NoError(t, os.WriteFile(changed, []byte(strings.ReplaceAll(string(source), there, here)), 0o600))
	return changed
}

// Prometheus and Alertmanager accept the files that docker-compose.yml gives them, the rules included.
func TestProgramsAcceptTheirFiles(t *testing.T) {
	rules, err := filepath.Abs("../rules")
	require.NoError(t, err)

	accepts(t, "promtool", "check", "config", elsewhere(t, "compose/prometheus.yml", rules, "/etc/prometheus/rules"))
	accepts(t, "amtool", "check-config", "compose/alertmanager.yml")
}

// systemd accepts the unit, and rates what it may do as "OK" at the worst: 2.0 of 10.
func TestSystemdAcceptsTheUnit(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "notifier")
	accepts(t, "go", "build", "-o", binary, "../cmd/notifier")
	unit := elsewhere(t, "systemd/notifier.service", binary, "/usr/local/bin/notifier")

	accepts(t, "systemd-analyze", "verify", unit)
	accepts(t, "systemd-analyze", "security", "--offline=yes", "--threshold=20", unit)
}
