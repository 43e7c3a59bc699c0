package deploy_test

import (
	"os"
	"os/exec"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The notifier has every flag that the unit, the image and the manual's page start it with.
func TestFlagsAreTheNotifiers(t *testing.T) {
	help, err := exec.Command("go", "run", "../cmd/notifier", "help", "serve").CombinedOutput()
	require.NoError(t, err, "%s", help)
	flag := regexp.MustCompile(`--((?:config|storage|web)\.[a-z.-]*[a-z])\b`)

	for _, file := range []string{"systemd/notifier.service", "../Dockerfile", "../docs/deploy.md"} {
		source, err := os.ReadFile(file)
		require.NoError(t, err)
		found := flag.FindAllStringSubmatch(string(source), -1)
		require.NotEmpty(t, found, file)
		for _, f := range found {
			assert.Contains(t, string(help), "--"+f[1], file)
		}
	}
}
