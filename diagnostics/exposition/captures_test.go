//go:build captures

package exposition

import (
	"bufio"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestReadCaptures reads the bodies of real agents and exporters as they were sent. Of each it keeps at least what Prometheus's
// parser is recorded to have kept, and drops nothing.
func TestReadCaptures(t *testing.T) {
	dir := os.Getenv("CAPTURES")
	require.NotEmpty(t, dir, "CAPTURES must name the directory of the captures")
	for _, c := range []struct {
		file, headers string
		samples       int // that others keep
		native        int
		why, note     string
		odd           int
	}{
		{file: "aster/metrics.txt", headers: "aster/metrics.headers", samples: 803},
		{file: "aster/metrics.chat-traffic.txt", headers: "aster/metrics.headers"},
		{file: "aster/metrics.openmetrics.txt", headers: "aster/metrics.openmetrics.headers", samples: 1173},
		{file: "aster/metrics.pb", headers: "aster/metrics.protobuf.headers"},
		{file: "opencode/metrics.html", headers: "opencode/metrics.headers", why: "not a metrics endpoint (HTML page)"},
		{file: "claude-code/direct.prom-nounit.txt", headers: "claude-code/direct.prom-nounit.headers", samples: 25},
		{file: "claude-code/direct.prom-unit.txt", headers: "claude-code/direct.prom-unit.headers", samples: 25},
		{file: "claude-code/direct.prom-empty.txt", headers: "claude-code/direct.prom-empty.headers", samples: 1},
		{file: "claude-code/direct.prom-dup.txt", headers: "claude-code/direct.prom-dup.headers", samples: 44, odd: 1},
		{file: "claude-code/coll.empty.txt", headers: "claude-code/coll.empty.headers", note: "the endpoint reports no series"},
		{file: "claude-code/coll.8890.after-expiry.txt", headers: "claude-code/coll.8890.headers", note: "the endpoint reports no series"},
		{file: "claude-code/coll.8889.txt", headers: "claude-code/coll.8889.headers", samples: 194},
		{file: "claude-code/coll.8889.pb", headers: "claude-code/coll.8889.pb.headers", samples: 100},
		{file: "claude-code/coll.8890.om.txt", headers: "claude-code/coll.8890.om.headers", samples: 194},
		{file: "claude-code/coll.8890.txt", headers: "claude-code/coll.8890.headers", samples: 194},
		{file: "native-histograms/metrics.pb", headers: "native-histograms/metrics.pb.headers", samples: 6 + 2, native: 2},
		{file: "native-histograms/metrics.om.utf8.txt", samples: 20, odd: 1},
		{file: "opencode-otel-plugin/c8889.txt", headers: "opencode-otel-plugin/c8889.headers", samples: 1},
		{file: "opencode-otel-plugin/c8890.om.txt", headers: "opencode-otel-plugin/c8890.om.headers", samples: 1},
		{file: "python-client/metrics.txt", samples: 1, odd: 1},
		{file: "seed1-agent-sdk/metrics.openmetrics.txt", samples: 1, odd: 1},
	} {
		t.Run(c.file, func(t *testing.T) {
			body, err := os.ReadFile(filepath.Join(dir, c.file))
			require.NoError(t, err)
			contentType, asked := "", time.Now()
			if c.headers != "" {
				headers, err := os.ReadFile(filepath.Join(dir, c.headers))
				require.NoError(t, err)
				answer, err := http.ReadResponse(bufio.NewReader(strings.NewReader(strings.TrimSpace(string(headers))+"\r\n\r\n")), nil)
				require.NoError(t, err)
				contentType = answer.Header.Get("Content-Type")
				answer.Body.Close()
			}
			got := Read(body, contentType, asked)
			t.Log(len(got.Samples), got.Old, got.Native, got.Hidden, got.Note, got.Odd)
			assert.GreaterOrEqual(t, len(got.Samples), c.samples)
			assert.Equal(t, c.native, got.Native)
			assert.Zero(t, got.Dropped)
			assert.Equal(t, c.why, got.Why)
			if got.Old == 0 {
				assert.Equal(t, c.note, got.Note)
			}
			assert.Len(t, got.Odd, c.odd)
			// Cut anywhere, it never keeps more than whole, nor what the whole has not; the last line may be cut in its number.
			for n := len(body) / 7; c.why == "" && n < len(body); n += 1 + len(body)/7 {
				part := Read(body[:n], contentType, asked)
				assert.LessOrEqual(t, len(part.Samples), len(got.Samples)+1)
			}
		})
	}
}
