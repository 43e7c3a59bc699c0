package config

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	commoncfg "github.com/prometheus/common/config"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/alertvitals/notifier/config/httpclient"
	"github.com/alertvitals/notifier/config/strict"
	"github.com/alertvitals/notifier/notifiers/email"
	"github.com/alertvitals/notifier/notifiers/forward"
	"github.com/alertvitals/notifier/notifiers/pagerduty"
	"github.com/alertvitals/notifier/notifiers/slack"
	"github.com/alertvitals/notifier/routing"
)

// Whoever pastes from alertmanager.yml is told of every key what to do with it, unless it means the same here. Alertmanager's types
// are read from its source: to import them takes what it gossips and stores with.
func TestEveryKeyOfAlertmanagerIsTakenOrExplained(t *testing.T) {
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/prometheus/alertmanager").Output()
	require.NoError(t, err)
	theirs := map[string]map[string][]string{}
	for _, pkg := range []string{"config", "config/common", "notify/pagerduty", "notify/webhook"} {
		theirs[pkg] = keysIn(t, filepath.Join(strings.TrimSpace(string(dir)), pkg))
	}
	for _, tc := range []struct {
		pkg, name string
		ours      reflect.Type
	}{
		{"config", "Config", reflect.TypeFor[Config]()},
		{"config", "GlobalConfig", reflect.TypeFor[Global]()},
		{"config", "Route", reflect.TypeFor[routing.Route]()},
		{"config", "Receiver", reflect.TypeFor[Receiver]()},
		{"config/common", "NotifierConfig", reflect.TypeFor[slack.Config]()},
		{"config", "SlackConfig", reflect.TypeFor[slack.Config]()},
		{"config", "SlackField", reflect.TypeFor[slack.Field]()},
		{"config", "SlackAction", reflect.TypeFor[slack.Action]()},
		{"config", "EmailConfig", reflect.TypeFor[email.Config]()},
		{"config", "ThreadingConfig", reflect.TypeFor[email.Threading]()},
		{"notify/pagerduty", "PagerdutyConfig", reflect.TypeFor[pagerduty.Config]()},
		{"notify/pagerduty", "PagerdutyImage", reflect.TypeFor[pagerduty.Image]()},
		{"notify/pagerduty", "PagerdutyLink", reflect.TypeFor[pagerduty.Link]()},
		{"notify/webhook", "WebhookConfig", reflect.TypeFor[forward.Config]()},
	} {
		keys := theirs[tc.pkg][tc.name]
		require.NotEmpty(t, keys, "%s.%s is not there", tc.pkg, tc.name)
		explained(t, tc.ours, keys)
	}
	var keys []string
	for _, field := range strict.Fields(reflect.TypeFor[commoncfg.HTTPClientConfig]()) {
		keys = append(keys, field.Key)
	}
	explained(t, reflect.TypeFor[httpclient.Config](), keys)
}

func explained(t *testing.T, ours reflect.Type, keys []string) {
	t.Helper()
	taken := map[string]bool{}
	for _, field := range strict.Fields(ours) {
		taken[field.Key] = true
	}
	for _, key := range keys {
		assert.True(t, taken[key] || refuse(ours, key) != "", "%s: nothing is said of %s", ours, key)
	}
}

// keysIn are the keys of all structs of a package, by the names of the structs.
func keysIn(t *testing.T, dir string) map[string][]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	require.NoError(t, err)
	tag := regexp.MustCompile(`yaml:"([a-z0-9_]+)[",]`)
	keys := map[string][]string{}
	for _, file := range files {
		tree, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		ast.Inspect(tree, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if !ok {
				return true
			}
			if of, ok := spec.Type.(*ast.StructType); ok {
				for _, field := range of.Fields.List {
					if field.Tag == nil {
						continue
					}
					if found := tag.FindStringSubmatch(field.Tag.Value); found != nil {
						keys[spec.Name.Name] = append(keys[spec.Name.Name], found[1])
					}
				}
			}
			return true
		})
	}
	return keys
}

// What is refused is not a key of our own, and is one of the type that it is refused of when that is another module's.
func TestOnlyKeysThatAreNotTakenAreRefused(t *testing.T) {
	for of, keys := range refused {
		known := map[string]bool{}
		for _, field := range strict.Fields(of) {
			known[field.Key] = true
		}
		for key, why := range keys {
			if strings.HasPrefix(of.PkgPath(), own) {
				assert.False(t, known[key], "%s has %s; take its line out of refused", of, key)
			} else {
				assert.True(t, known[key], "%s has no %s", of, key)
			}
			assert.NotEmpty(t, why)
		}
	}
}
