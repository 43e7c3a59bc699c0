//go:build acceptance

package alertmanager

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alertvitals/notifier/routing"
	"github.com/alertvitals/notifier/routing/routingtest"
)

// A tree leads an alert to the receivers that amtool names, in their order: as it is, and when it was imported.
func TestRoutesAgreeWithAmtool(t *testing.T) {
	amtool := routingtest.Build(t, "github.com/prometheus/alertmanager/cmd/amtool")
	for _, c := range routingtest.Generate(5, 200, 3) {
		source := routingtest.Alertmanager(c.Route)
		file := filepath.Join(t.TempDir(), "alertmanager.yml")
		require.NoError(t, os.WriteFile(file, []byte(source), 0o600))
		tree, err := routing.New(c.Route)
		require.NoError(t, err)
		imported := routesOf(t, file, source)
		for _, labels := range c.Labels {
			args := []string{"config", "routes", "test", "--config.file=" + file}
			for name, value := range labels {
				args = append(args, strconv.Quote(name)+"="+strconv.Quote(value))
			}
			output, err := exec.CommandContext(t.Context(), amtool, args...).Output()
			require.NoError(t, err, "%q", args)
			want := routingtest.Once(strings.Split(strings.TrimSuffix(string(output), "\n"), ","))
			require.Equal(t, want, tree.Match(labels), "%v\n%s", labels, source)
			require.Equal(t, want, imported.Match(labels), "%v\n%s", labels, source)
		}
	}
}
