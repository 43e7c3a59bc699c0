package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	commoncfg "github.com/prometheus/common/config"
	exporterweb "github.com/prometheus/exporter-toolkit/web"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/alertvitals/notifier/config"
	"github.com/alertvitals/notifier/config/httpclient"
	"github.com/alertvitals/notifier/notifiers/email/smtpfake"
)

// The examples are pasted: each is loaded by whom it is for, with files where it says that they are.
func TestTheExamplesOfSecurityWork(t *testing.T) {
	page, err := os.ReadFile("security.md")
	require.NoError(t, err)
	dir := t.TempDir()
	certificate, key, err := smtpfake.Certificate()
	require.NoError(t, err)
	for _, name := range []string{"notifier/tls/notifier", "notifier/tls/ca", "notifier/tls/me", "alertmanager/tls/ca", "alertmanager/tls/alertmanager"} {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name+".pem"), certificate, 0o600))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name+".key"), key, 0o600))
	}
	for _, name := range []string{"notifier/tokens", "notifier/my-token", "alertmanager/notifier-token", "alertmanager/notifier-password"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte("0123456789abcdef0123456789abcdef\n"), 0o600))
	}
	count := map[string]int{}
	for _, example := range regexp.MustCompile("(?s)```yaml (\\w+)\n(.*?)```").FindAllStringSubmatch(string(page), -1) {
		text := strings.ReplaceAll(example[2], "/etc/", dir+"/")
		file := filepath.Join(dir, "example.yml")
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		count[example[1]]++
		switch example[1] {
		case "notifier":
			cfg, err := config.LoadFile(file)
			require.NoError(t, err)
			assert.True(t, cfg.Web.Guards())
			require.NoError(t, cfg.Web.Check())
		case "web":
			require.NoError(t, exporterweb.Validate(file))
		case "alertmanager":
			var cfg struct {
				Receivers []struct {
					Name           string
					WebhookConfigs []struct {
						URL        string
						HTTPConfig httpclient.Config `yaml:"http_config"`
					} `yaml:"webhook_configs"`
				}
			}
			require.NoError(t, yaml.UnmarshalWithOptions([]byte(text), &cfg, yaml.Strict()))
			common := cfg.Receivers[0].WebhookConfigs[0].HTTPConfig.Common()
			require.NoError(t, common.Validate())
			_, err := commoncfg.NewClientFromConfig(common, "alertmanager")
			require.NoError(t, err)
		case "client":
			cfg, _, err := commoncfg.LoadHTTPConfigFile(file)
			require.NoError(t, err)
			_, err = commoncfg.NewClientFromConfig(*cfg, "notifier")
			require.NoError(t, err)
		default:
			t.Errorf("nobody loads an example for %s", example[1])
		}
	}
	assert.Equal(t, map[string]int{"notifier": 1, "web": 2, "alertmanager": 3, "client": 1}, count)
}
