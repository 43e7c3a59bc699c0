//go:build acceptance

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTheManualPageIsRight(t *testing.T) {
	out, err := exec.Command("groff", "-man", "-Tutf8", "-ww", "../../deploy/man/notifier.1").CombinedOutput()
	require.NoError(t, err)
	assert.NotContains(t, string(out), "warning")
	assert.Contains(t, string(out), "notifier deliveries replay --all")
}

// built is a folder with the notifier and a configuration.
func built(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	out, err := exec.Command("go", "build", "-o", filepath.Join(dir, "notifier"), ".").CombinedOutput()
	require.NoError(t, err, string(out))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "notifier.yml"), []byte("route: {receiver: oncall}\nreceivers: [{name: oncall, log_configs: [{}]}]\n"), 0o600))
	return dir
}

func TestFishCompletes(t *testing.T) {
	dir := built(t)
	for line, want := range map[string]string{
		"notifier deli": "deliveries", "notifier deliveries re": "replay", "notifier render --receiver on": "oncall",
		"notifier check-config notifier.": "notifier.yml",
	} {
		fish := exec.Command("fish", "--no-config", "-c", `notifier --completion-script-fish | source; complete -C $argv[1]`, line)
		fish.Dir, fish.Env = dir, append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"), "HOME="+dir)
		out, err := fish.CombinedOutput()
		require.NoError(t, err, string(out))
		assert.Equal(t, want, strings.TrimSpace(string(out)), line)
	}
}

func TestBashCompletes(t *testing.T) {
	dir := built(t)
	for _, tc := range [][]string{
		{"notifier|deli", "deliveries"}, {"notifier|deliveries|re", "replay"}, {"notifier|render|--receiver|on", "oncall"},
	} {
		words := strings.Split(tc[0], "|")
		script := `source <(notifier --completion-script-bash); COMP_WORDS=("$@"); COMP_CWORD=$(($#-1)); _notifier_bash_autocomplete; echo "${COMPREPLY[*]}"`
		bash := exec.Command("bash", append([]string{"--norc", "-c", script, "bash"}, words...)...)
		bash.Dir, bash.Env = dir, append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"))
		out, err := bash.CombinedOutput()
		require.NoError(t, err, string(out))
		assert.Equal(t, tc[1], strings.TrimSpace(string(out)))
	}
}
