package docs

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/alertvitals/notifier/config"
)

// The examples with a route and receivers are whole configurations. The rule files are those of this repository.
func TestTheExamplesOfOwnAlertsWork(t *testing.T) {
	whole := 0
	for _, name := range []string{"rules-without-prometheus.md", "heartbeat.md"} {
		page, err := os.ReadFile(name)
		require.NoError(t, err)
		for _, example := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(page), -1) {
			if !strings.Contains(example[1], "receivers:") {
				continue
			}
			whole++
			_, err := config.Load("../"+name, []byte(example[1]))
			assert.NoError(t, err)
		}
	}
	assert.Equal(t, 3, whole)
}
