package mailview

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestReadShowsOurMails(t *testing.T) {
	files, err := filepath.Glob("../testdata/*.eml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(t, err)

		m, err := Read(data)

		require.NoError(t, err, file)
		assert.NotEmpty(t, m.Subject, file)
		assert.NotEmpty(t, m.Text, file)
		assert.True(t, strings.HasPrefix(m.HTML, "<!doctype html>"), file)
		assert.NotContains(t, m.HTML, "cid:", file)
		assert.Equal(t, strings.HasSuffix(file, "firing.eml"), strings.Contains(m.HTML, `"data:image/png;base64,iVBOR`), file)
	}
}

func TestReadRefusesWhatIsNoMail(t *testing.T) {
	for _, data := range []string{"", "Subject: x\n\nno type", "Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\n*"} {
		_, err := Read([]byte(data))
		assert.Error(t, err, data)
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte("Subject: =?UTF-8?q?x?=\nContent-Type: multipart/alternative; boundary=b\n\n--b\nContent-Type: text/plain\n\nx\n--b--\n"))
	f.Fuzz(func(_ *testing.T, data []byte) { _, _ = Read(data) })
}
