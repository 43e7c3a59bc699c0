// Package deploy_test checks the files that docker-compose.yml mounts.
package deploy_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/assert"
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

func TestComposeMountsOnlyWhatExists(t *testing.T) {
	source, err := os.ReadFile("../docker-compose.yml")
	require.NoError(t, err)
	var compose struct {
		Services map[string]struct {
			Volumes []string `yaml:"volumes"`
		} `yaml:"services"`
		Volumes map[string]any `yaml:"volumes"`
	}
	require.NoError(t, yaml.Unmarshal(source, &compose))
	require.Len(t, compose.Services, 4)

	for name, service := range compose.Services {
		for _, volume := range service.Volumes {
			from, _, _ := strings.Cut(volume, ":")
			if strings.HasPrefix(from, "./") {
				_, err := os.Stat(filepath.Join("..", from))
				assert.NoError(t, err, "%s mounts %s", name, volume)
				continue
			}
			assert.Contains(t, compose.Volumes, from, "%s mounts %s", name, volume)
		}
	}
}
