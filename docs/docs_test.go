package docs

import (
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A promise whose test was renamed or dropped is no promise; a test that carries a promise's number stands on the page.
func TestGuaranteesNameTestsThatExist(t *testing.T) {
	page, err := os.ReadFile("guarantees.md")
	require.NoError(t, err)
	declared := regexp.MustCompile(`(?m)^func (Test[A-Z][A-Za-z0-9]*)\(`)
	exists := map[string]bool{}
	root := os.DirFS("..")
	err = fs.WalkDir(root, ".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := fs.ReadFile(root, path)
		for _, name := range declared.FindAllStringSubmatch(string(source), -1) {
			exists[name[1]] = true
		}
		return err
	})
	require.NoError(t, err)

	sections := strings.Split(string(page), "\n## ")
	for number := 1; number <= 11; number++ {
		title, body, _ := strings.Cut(sections[number], "\n")
		require.True(t, strings.HasPrefix(title, fmt.Sprintf("P%d. ", number)), title)
		named := regexp.MustCompile("`(Test[A-Z][A-Za-z0-9]*)`").FindAllStringSubmatch(body, -1)
		assert.NotEmpty(t, named, "%s: no test is named", title)
		for _, name := range named {
			assert.True(t, exists[name[1]], "%s: there is no test %s", title, name[1])
		}
	}
	promise := regexp.MustCompile(`^TestP[0-9]`)
	for name := range exists {
		if promise.MatchString(name) {
			assert.Contains(t, string(page), "`"+name+"`", "a test of a promise that the page does not name")
		}
	}
}
