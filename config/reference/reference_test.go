package reference

import (
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/alertvitals/notifier/config"
	"github.com/alertvitals/notifier/config/strict"
)

var update = flag.Bool("update", false, "write docs/configuration.md and notifier.example.yml anew")

const root = "../.."

// What operators read says the same as what reads their file. It fails as well when a key has no description.
func TestWhatIsGeneratedIsUpToDate(t *testing.T) {
	for name, write := range map[string]func(string) (string, error){"docs/configuration.md": Page, "notifier.example.yml": Example} {
		want, err := write(root)
		require.NoError(t, err)
		file := filepath.Join(root, name)
		if *update {
			require.NoError(t, os.WriteFile(file, []byte(want), 0o600))
		}
		got, err := os.ReadFile(file)
		require.NoError(t, err)
		assert.Equal(t, want, string(got), "%s is stale; run go generate ./config", name)
	}
}

func TestTheExampleIsAConfiguration(t *testing.T) {
	cfg, err := config.LoadFile(filepath.Join(root, "notifier.example.yml"))
	require.NoError(t, err)

	shown := strings.ReplaceAll(cfg.String(), "url: <secret>", "url: http://x/")
	again, err := config.Load("shown.yml", []byte(shown))
	require.NoError(t, err, "and so is what GET /api/v1/config shows of it")
	assert.Equal(t, cfg.String(), again.String())
}

// Taking the # away from any line leaves a key that there is, with a value that it can have.
func TestEveryCommentedKeyOfTheExampleIsRight(t *testing.T) {
	text, err := Example(root)
	require.NoError(t, err)
	live := regexp.MustCompile(`(?m)^( *)#([^#])`).ReplaceAllString(text, "$1$2")
	require.Greater(t, strings.Count(live, ":"), strings.Count(regexp.MustCompile(`(?m)^ *#.*\n`).ReplaceAllString(text, ""), ":")+100)

	var cfg config.Config
	doc := strict.Read("example", []byte(live), &cfg, strict.Options{})

	require.NoError(t, doc.Err(nil))
}

func TestTheExampleHasEveryKeyOnce(t *testing.T) {
	text, err := Example(root)
	require.NoError(t, err)
	all, err := (&source{root: root}).sections()
	require.NoError(t, err)
	inlined := 0
	for _, one := range all {
		if one.of == reflect.TypeFor[config.Config]() {
			continue
		}
		for _, k := range one.keys {
			assert.Regexp(t, `(?m)^ *#? *(- )?`+k.name+`:`, text)
			inlined++
		}
	}
	require.Greater(t, inlined, 120)
	assert.Equal(t, 1, strings.Count(text, "client_secret_file:"))
	assert.Equal(t, 1, strings.Count(text, "thread_by_date:"))
}

func TestAKeyWithoutADescriptionIsAnError(t *testing.T) {
	type undescribed struct {
		Key string `yaml:"key"`
	}
	_, err := (&source{root: root}).keys(reflect.TypeFor[undescribed]())

	require.ErrorContains(t, err, "has to begin with Key: it is what docs/configuration.md says of key")
}

func TestWrapped(t *testing.T) {
	assert.Equal(t, []string{"a bc", "defghij", "k"}, wrapped("a bc defghij k", 5))
}
