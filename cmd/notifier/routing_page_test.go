package main

import (
	"bytes"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Every file on the page about routing is written, every command on it is run, and says what the page says.
func TestTheRoutingPageIsTrue(t *testing.T) {
	page, err := os.ReadFile("../../docs/routing.md")
	require.NoError(t, err)
	t.Chdir(t.TempDir())

	files := regexp.MustCompile("(?ms)^```yaml\n# (\\S+)\n(.*?)^```$").FindAllStringSubmatch(string(page), -1)
	require.Len(t, files, 4)
	for _, file := range files {
		require.NoError(t, os.WriteFile(file[1], []byte("# "+file[1]+"\n"+file[2]), 0o600))
	}
	consoles := regexp.MustCompile("(?ms)^```console\n(.*?)^```$").FindAllStringSubmatch(string(page), -1)
	require.Len(t, consoles, 5)
	for _, console := range consoles {
		for _, command := range strings.Split("\n"+console[1], "\n$ notifier ")[1:] {
			line, want, _ := strings.Cut(command, "\n")
			t.Run(line, func(t *testing.T) {
				var stdout, stderr bytes.Buffer
				code := run(strings.Fields(line), &stdout, &stderr)

				assert.Equal(t, strings.Contains(want, "failed"), code == exitNo, stderr.String())
				assert.Equal(t, strings.TrimSuffix(want, "\n"), strings.TrimSuffix(stdout.String(), "\n"))
			})
		}
	}
}
