package logsink

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/alertvitals/notifier/notifiers"
	"github.com/alertvitals/notifier/notifiers/notifiertest"
)

var update = flag.Bool("update", false, "write the golden files anew")

// newLog is a sink that writes to out at a fixed time.
func newLog(t *testing.T, c Config, out *bytes.Buffer) *Notifier {
	t.Helper()
	n, err := New(c)
	require.NoError(t, err)
	n.now = func() time.Time { return time.Date(2026, 3, 1, 9, 14, 5, 0, time.UTC) }
	if out != nil {
		n.stream = out
	}
	return n
}

func TestGoldenLines(t *testing.T) {
	for _, format := range []string{JSON, Logfmt} {
		t.Run(format, func(t *testing.T) {
			var out bytes.Buffer
			n := newLog(t, Config{Format: format}, &out)
			for _, m := range []notifiers.Message{notifiertest.Firing(), notifiertest.Resolved(nil), notifiertest.Fallback(), notifiertest.Late(nil), notifiertest.Hostile("a\r\nb \"<!channel>\" \xff 警報")} {
				receipt, err := n.Notify(t.Context(), m)
				require.NoError(t, err)
				assert.Equal(t, notifiers.Receipt{}, receipt)
			}

			file := filepath.Join("testdata", "lines."+format)
			if *update {
				require.NoError(t, os.MkdirAll("testdata", 0o750))
				require.NoError(t, os.WriteFile(file, out.Bytes(), 0o600))
			}
			want, err := os.ReadFile(file)
			require.NoError(t, err)
			assert.Equal(t, string(want), out.String())
		})
	}
}

// logFile builds a sink that writes to a file, and what reads the file's lines.
func logFile(format string) func(t *testing.T) (notifiers.Notifier, func() [][]byte) {
	return func(t *testing.T) (notifiers.Notifier, func() [][]byte) {
		file := filepath.Join(t.TempDir(), "alerts.log")
		return newLog(t, Config{Format: format, Output: file}, nil), func() [][]byte {
			body, err := os.ReadFile(file)
			if !errors.Is(err, fs.ErrNotExist) {
				require.NoError(t, err)
			}
			return bytes.SplitAfter(body, []byte("\n"))
		}
	}
}

func TestP7HostileTextStaysInItsLine(t *testing.T) {
	for _, format := range []string{JSON, Logfmt} {
		t.Run(format, func(t *testing.T) {
			notifiertest.RunContent(t, logFile(format), func(t *testing.T, text string, lines [][]byte) {
				require.Len(t, lines, 4, "a line for each of the three alerts, and the end of the last")
				assert.Empty(t, lines[3])
				for _, line := range lines[:3] {
					line = bytes.TrimSuffix(line, []byte("\n"))
					assert.True(t, utf8.Valid(line))
					assert.False(t, bytes.ContainsFunc(line, unicode.IsControl))
					if format == JSON {
						var decoded struct {
							Labels map[string]string
							Note   string
						}
						require.NoError(t, json.Unmarshal(line, &decoded))
						assert.Equal(t, clean(text), decoded.Labels["team"], "nothing is lost")
						assert.Equal(t, clean(text), decoded.Note)
					}
				}
			})
		})
	}
}

func TestNotes(t *testing.T) {
	for _, format := range []string{JSON, Logfmt} {
		t.Run(format, func(t *testing.T) {
			shown := func(_ *testing.T, body []byte) string { return string(body) }
			notifiertest.RunNotes(t, logFile(format), shown)
			notifiertest.RunAmendments(t, logFile(format))
			notifiertest.RunHuge(t, logFile(format), shown)
		})
	}
}

func TestLateLinesSayNothingOfThePresent(t *testing.T) {
	var out bytes.Buffer
	m := notifiertest.Late(nil)
	m.Snapshot = notifiertest.Firing().Snapshot

	_, err := newLog(t, Config{}, &out).Notify(t.Context(), m)

	require.NoError(t, err)
	assert.Equal(t, 2, strings.Count(out.String(), `"late":true`))
	assert.NotContains(t, out.String(), `"agent"`)
}

func TestP10TheGroupsKeyIsNotWritten(t *testing.T) {
	var out bytes.Buffer
	m := notifiertest.Firing()
	m.Group.Key = `{}:{user_email="jane@example.com"}`

	_, err := newLog(t, Config{}, &out).Notify(t.Context(), m)

	require.NoError(t, err)
	assert.NotContains(t, out.String(), "jane")
	assert.Contains(t, out.String(), groupID(m.Group.Key))
}

func notify(t *testing.T, n *Notifier) {
	t.Helper()
	_, err := n.Notify(t.Context(), notifiertest.Firing())
	require.NoError(t, err)
}

func lines(t *testing.T, file string) []string {
	t.Helper()
	body, err := os.ReadFile(file)
	require.NoError(t, err)
	return strings.Split(strings.TrimSuffix(string(body), "\n"), "\n")
}

func TestAFileThatIsRotatedAwayIsMadeAnew(t *testing.T) {
	file := filepath.Join(t.TempDir(), "alerts.log")
	n := newLog(t, Config{Output: file}, nil)

	notify(t, n)
	notify(t, n)
	require.NoError(t, os.Rename(file, file+".1"))
	notify(t, n)

	assert.Len(t, lines(t, file+".1"), 4)
	assert.Len(t, lines(t, file), 2)
	info, err := os.Stat(file)
	require.NoError(t, err)
	assert.Zero(t, info.Mode().Perm()&0o007, "labels are not for everybody")
}

func TestALineThatWasCutOffIsLeftAlone(t *testing.T) {
	file := filepath.Join(t.TempDir(), "alerts.log")
	require.NoError(t, os.WriteFile(file, []byte(`{"time":"2026-03-01T09:`), 0o600))

	notify(t, newLog(t, Config{Output: file}, nil))

	got := lines(t, file)
	require.Len(t, got, 3)
	assert.Equal(t, `{"time":"2026-03-01T09:`, got[0])
	assert.True(t, json.Valid([]byte(got[1])))
}

func TestConcurrentMessagesKeepTheirLines(t *testing.T) {
	file := filepath.Join(t.TempDir(), "alerts.log")
	n := newLog(t, Config{Output: file}, nil)
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			_, err := n.Notify(t.Context(), notifiertest.Firing())
			assert.NoError(t, err)
		})
	}
	all.Wait()

	got := lines(t, file)
	assert.Len(t, got, 100)
	for _, line := range got {
		assert.True(t, json.Valid([]byte(line)))
	}
}

// brokenWriter is a full disk.
type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

// A pipe that nobody reads must not keep a try from ending: neither the one that writes nor those that wait for it.
func TestAStreamThatNobodyReadsEndsWithItsContext(t *testing.T) {
	n := newLog(t, Config{}, nil)
	reader, writer := io.Pipe()
	n.stream = writer
	ctx, cancel := context.WithCancel(t.Context())
	cancel()

	for range 2 {
		_, err := n.Notify(ctx, notifiertest.Firing())

		var failed *notifiers.Error
		require.ErrorAs(t, err, &failed)
		assert.Equal(t, notifiers.Timeout, failed.Reason)
		assert.False(t, failed.Permanent)
	}
	require.NoError(t, reader.Close()) // lets the write end
	n.turn <- <-n.turn                 // the next test writes to the same output
}

func TestAPipeNeedsNoSync(t *testing.T) {
	n := newLog(t, Config{Output: "/dev/null"}, nil)

	_, err := n.Notify(t.Context(), notifiertest.Firing())

	require.NoError(t, err)
}

func TestErrors(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "logs")
	require.NoError(t, os.Mkdir(dir, 0o700))
	missing := newLog(t, Config{Output: filepath.Join(dir, "alerts.log")}, nil)
	require.NoError(t, os.Remove(dir))
	full := newLog(t, Config{}, nil)
	full.stream = brokenWriter{}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()

	for name, tc := range map[string]struct {
		ctx    context.Context
		n      *Notifier
		reason notifiers.Reason
		is     error
	}{
		"directory gone": {t.Context(), missing, notifiers.Server, fs.ErrNotExist},
		"disk full":      {t.Context(), full, notifiers.Server, nil},
		"cancelled":      {cancelled, full, notifiers.Timeout, context.Canceled},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := tc.n.Notify(tc.ctx, notifiertest.Firing())

			var e *notifiers.Error
			require.ErrorAs(t, err, &e)
			assert.Equal(t, tc.reason, e.Reason)
			assert.False(t, e.Permanent)
			if tc.is != nil {
				require.ErrorIs(t, err, tc.is)
			}
		})
	}
}

func TestConfig(t *testing.T) {
	dir := t.TempDir()
	for config, path := range map[string]string{
		"{}": "-", "{format: logfmt, output: stderr, send_resolved: false}": "-", "output: " + dir + "/a.log": "-",
		"{output: a.log, max_size: 10MB, max_files: 0}": "-", "max_size: -1MB": "max_size", "max_files: -1": "max_files",
		"format: xml": "format", "output: " + dir: "output", "output: " + dir + "/no/a.log": "output",
	} {
		t.Run(config, func(t *testing.T) {
			var c Config
			require.NoError(t, yaml.UnmarshalWithOptions([]byte(config), &c, yaml.Strict()))

			problems := c.Validate()
			_, err := New(c)

			if path == "-" {
				assert.Empty(t, problems)
				assert.NoError(t, err)
				return
			}
			require.Len(t, problems, 1)
			assert.Equal(t, path, problems[0].Path)
			assert.Error(t, err)
		})
	}
	no := false
	assert.True(t, Config{}.SendsResolved())
	assert.False(t, Config{SendResolved: &no}.SendsResolved())
}

func TestStreams(t *testing.T) {
	for output, want := range map[string]*os.File{"": os.Stdout, Stdout: os.Stdout, Stderr: os.Stderr} {
		n, err := New(Config{Output: output})
		require.NoError(t, err)
		assert.Equal(t, want, n.stream)
	}
}

func TestShort(t *testing.T) {
	assert.Equal(t, "aster", short("aster"))
	assert.Equal(t, "x"+strings.Repeat("警", 166)+"…", short("x"+strings.Repeat("警", 200)))
	assert.True(t, utf8.ValidString(short(strings.Repeat("\x80", 1000))))
}
