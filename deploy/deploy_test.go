// Package deploy_test checks what the notifier is deployed with: docker-compose.yml with every file that it mounts, the images, and
// systemd's unit. Nothing is started; package e2e does that.
package deploy_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alertvitals/notifier/config"
)

func TestNotifierAcceptsItsConfiguration(t *testing.T) {
	_, err := config.LoadFile("compose/notifier.yml")

	require.NoError(t, err)
}

// The README's notifier.yml is what a newcomer pastes.
func TestNotifierAcceptsTheConfigurationOfTheReadme(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	require.NoError(t, err)
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(readme), -1)
	require.Len(t, blocks, 2)
	dedented := strings.ReplaceAll("\n"+blocks[1][1], "\n   ", "\n")

	_, err = config.Load("README.md", []byte(dedented))

	require.NoError(t, err)
}
