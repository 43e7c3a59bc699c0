//go:build acceptance

package main

import (
	"context"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestPictures plays the demonstration and photographs what its stand-in for Slack shows and what the mail looks like, firing and
// resolved, in Chromium. With -update the pictures of the README are written.
func TestPictures(t *testing.T) {
	d, err := startDemo(t.Context(), t.TempDir())
	require.NoError(t, err)
	defer func() { assert.NoError(t, d.stop()) }()
	require.NoError(t, pause(t.Context(), demoWell))

	require.NoError(t, d.fallIll(t.Context()))
	photograph(t, d.slackURL, "slack-firing.png", 820, 650)
	photograph(t, d.mailURL, "mail-firing.png", 700, 960)

	require.NoError(t, d.recover(t.Context()))
	photograph(t, d.slackURL, "slack-resolved.png", 820, 500)
	photograph(t, d.mailURL, "mail-resolved.png", 700, 640)
}

func photograph(t *testing.T, url, name string, width, height int) {
	t.Helper()
	dir := t.TempDir()
	picture := filepath.Join(dir, name)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	chromium := exec.CommandContext(ctx, "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
		"--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
		"--hide-scrollbars", "--force-device-scale-factor=2", "--user-data-dir="+filepath.Join(dir, "profile"),
		"--screenshot="+picture, "--window-size="+strconv.Itoa(width)+","+strconv.Itoa(height), url)
	out, err := chromium.CombinedOutput()
	require.NoError(t, err, "chromium: %s", out)

	file, err := os.Open(picture)
	require.NoError(t, err)
	defer file.Close()
	decoded, err := png.Decode(file)
	require.NoError(t, err)
	assert.Equal(t, 2*width, decoded.Bounds().Dx())

	if *update {
		data, err := os.ReadFile(picture)
		require.NoError(t, err)
		require.NoError(t, os.MkdirAll("../../docs/pictures", 0o750))
		require.NoError(t, os.WriteFile(filepath.Join("../../docs/pictures", name), data, 0o600))
	}
}
