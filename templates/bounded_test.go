package templates

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/alertvitals/notifier/alert"
)

// A template that would fill the memory is cut where its text is more than anybody takes, and so at the trial.
func TestATemplateWithoutEndIsCut(t *testing.T) {
	const source = `{{ range 1000000000000 }}é{{ end }}`
	require.NoError(t, standard.Try(source))
	require.NoError(t, standard.TryHTML(source))
	for name, text := range map[string]func(string, Data) (string, error){"text": standard.Text, "HTML": standard.HTML} {
		made, err := text(`x`+source, DataOf("r", alert.Group{}, nil))
		require.NoError(t, err, name)
		assert.Equal(t, "x"+strings.Repeat("é", mostText/2-1), made, name)
	}

	file := filepath.Join(t.TempDir(), "own.tmpl")
	require.NoError(t, os.WriteFile(file, []byte(`{{ define "notifier.title" }}`+source+`{{ end }}`), 0o600))
	own, err := Load([]string{file})
	require.NoError(t, err)
	assert.Empty(t, own.TryStandard())
}
