package deploy_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Both images are built from a pinned one, hold no more than they need, and do not run as root.
func TestImages(t *testing.T) {
	source, err := os.ReadFile("../Dockerfile")
	require.NoError(t, err)
	stages := strings.Split("\n"+string(source), "\nFROM ")[1:]
	require.Len(t, stages, 3)
	assert.Regexp(t, `^golang:[0-9]+\.[0-9]+\.[0-9]+-[a-z]+ AS build\n`, stages[0])
	assert.Contains(t, stages[0], "CGO_ENABLED=0", "a static program needs nothing of the image")

	mod, err := os.ReadFile("../go.mod")
	require.NoError(t, err)
	needs := regexp.MustCompile(`(?m)^go ([0-9]+\.[0-9]+)`).FindStringSubmatch(string(mod))
	require.NotNil(t, needs)
	assert.Contains(t, stages[0], "golang:"+needs[1]+".", "the Go that go.mod asks for")

	for _, stage := range stages[1:] {
		assert.Regexp(t, `^scratch AS [a-z]+\n`, stage)
		assert.Contains(t, stage, "\nUSER 65532:65532\n")
		assert.Contains(t, stage, "\nHEALTHCHECK ")
	}
	assert.Regexp(t, `^scratch AS notifier\n`, stages[2], "what docker build makes when no target is named")
	assert.Contains(t, stages[2], "\nVOLUME /data\n")
	assert.Contains(t, stages[2], "--chown=65532:65532 /out/data /data\n", "else the notifier could not write there")
	assert.Contains(t, stages[2], "ca-certificates.crt", "without it no certificate of Slack's is known")

	for _, copied := range regexp.MustCompile(`/out/([a-z-]+)`).FindAllStringSubmatch(strings.Join(stages[1:], ""), -1) {
		if copied[1] == "data" {
			continue
		}
		_, err := os.Stat("../cmd/" + copied[1])
		assert.NoError(t, err, "the build makes no program %s", copied[1])
	}
}
