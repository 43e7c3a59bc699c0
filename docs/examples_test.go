package docs

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/alertvitals/notifier/config"
	"github.com/alertvitals/notifier/config/strict"
)

// Every example of a notifier.yml on a page, whole or in part, is one: people paste them. An example is a block of YAML of which
// all keys at the left are those of a configuration; what it needs beyond them is added.
func TestExamplesOfConfigurationsAreRight(t *testing.T) {
	pages, err := filepath.Glob("*.md")
	require.NoError(t, err)
	var keys []string
	for _, field := range strict.Fields(reflect.TypeFor[config.Config]()) {
		keys = append(keys, field.Key)
	}
	receiver := regexp.MustCompile(`\breceiver: ([\w-]+)`)
	block, key := regexp.MustCompile("(?ms)^( *)```yaml\n(.*?)^ *```"), regexp.MustCompile(`(?m)^([a-z_]+):`)
	loaded := 0
	for _, page := range append(pages, "../README.md") {
		text, err := os.ReadFile(page)
		require.NoError(t, err)
		for _, found := range block.FindAllStringSubmatch(string(text), -1) {
			example := strings.ReplaceAll("\n"+found[2], "\n"+found[1], "\n")
			var has []string
			for _, one := range key.FindAllStringSubmatch(example, -1) {
				has = append(has, one[1])
			}
			notOurs := func(key string) bool { return !slices.Contains(keys, key) }
			if len(has) == 0 || slices.ContainsFunc(has, notOurs) || strings.Contains(example, "group_by") || strings.Contains(example, "group_wait") {
				continue // another program's, or a profile
			}
			if !slices.Contains(has, "route") {
				example += "\nroute: {receiver: log}\n"
			}
			if !slices.Contains(has, "receivers") {
				named := []string{"log"}
				for _, one := range receiver.FindAllStringSubmatch(example, -1) {
					named = append(named, one[1])
				}
				slices.Sort(named)
				example += "\nreceivers:\n"
				for _, name := range slices.Compact(named) {
					example += "- {name: " + name + ", log_configs: [{}]}\n"
				}
			}
			loaded++
			_, err := config.Load(filepath.Join("..", filepath.Base(page)), []byte(example)) // the repository has what it names
			assert.NoError(t, err, "%s:\n%s", page, example)
		}
	}
	assert.GreaterOrEqual(t, loaded, 3)
}
