package secretfile_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/alertvitals/notifier/config/secretfile"
)

func TestReadTakesWhatEditorsMakeOfASecret(t *testing.T) {
	for name, content := range map[string]string{
		"alone": "xoxb-1", "a line": "xoxb-1\n", "a line of Windows": "xoxb-1\r\n", "white space": " \n xoxb-1\t\n\n",
		"byte order mark": "\ufeffxoxb-1\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			got, err := secretfile.Read(write(t, content))
			require.NoError(t, err)
			assert.Equal(t, "xoxb-1", got)
		})
	}
}

func TestReadSaysWhatIsWrongWithTheFileAndNotWhatItHolds(t *testing.T) {
	for name, test := range map[string]struct{ content, want string }{
		"empty":           {"", " is empty"},
		"an empty line":   {"\r\n", " is empty"},
		"a mark alone":    {"\ufeff", " is empty"},
		"two lines":       {"hunter1\nhunter2\n", " has several lines; want the secret alone"},
		"UTF-16":          {"\xff\xfeh\x00u\x00n\x00t\x00", " is not UTF-8; save the file as UTF-8"},
		"UTF-16, no mark": {"h\x00u\x00n\x00t\x00", " is not UTF-8; save the file as UTF-8"},
		"Latin-1":         {"h\xfcnter", " is not UTF-8; save the file as UTF-8"},
		"control":         {"hunter\x1b[0m2", " has a control character in it; want the secret alone"},
	} {
		t.Run(name, func(t *testing.T) {
			file := write(t, test.content)
			_, err := secretfile.Read(file)
			assert.EqualError(t, err, file+test.want)
		})
	}
}

func TestReadNamesAFileThatIsNotThere(t *testing.T) {
	file := filepath.Join(t.TempDir(), "slack")
	_, err := secretfile.Read(file)
	assert.ErrorIs(t, err, os.ErrNotExist)
	assert.ErrorContains(t, err, file)
}

func TestBytesTakesAKeyThatIsNoText(t *testing.T) {
	got, err := secretfile.Bytes(write(t, "\x00a\nb\xff"))
	require.NoError(t, err)
	assert.Equal(t, []byte("\x00a\nb\xff"), got)
}

func write(t *testing.T, content string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(file, []byte(content), 0o600))
	return file
}
