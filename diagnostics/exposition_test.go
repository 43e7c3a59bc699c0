package diagnostics

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// scrapeTime is the time of the scrapes of these tests.
var scrapeTime = time.Date(2026, 3, 1, 9, 14, 0, 0, time.UTC)

func TestReadExposition(t *testing.T) {
	const plain, om = "text/plain; version=0.0.4", "application/openmetrics-text; version=1.0.0"
	old := scrapeTime.Add(-2 * time.Hour)
	for _, c := range []struct {
		name    string
		ct      string
		body    string
		samples string
		dropped int
		note    string
		why     string
	}{
		{name: "text", ct: plain, body: "# TYPE a counter\na{x=\"1\"} 2\nb 3\n", samples: `{__name__="a", x="1"} 2; {__name__="b"} 3`},
		{name: "no content type", body: "a 1\n", samples: `{__name__="a"} 1`},
		{name: "malformed content type", ct: "version=0.0.4, charset=utf-8", body: "a 1\n", samples: `{__name__="a"} 1`},
		{name: "no end of line", ct: plain, body: "a 1", samples: `{__name__="a"} 1`},
		{name: "CRLF and BOM", ct: plain, body: "\ufeff# TYPE a gauge\r\na 1\r\n", samples: `{__name__="a"} 1`},
		{name: "same family twice", ct: plain, body: "# HELP a x\n# TYPE a gauge\na 1\n# HELP a y\n# TYPE a gauge\na{z=\"1\"} 2\n", samples: `{__name__="a"} 1; {__name__="a", z="1"} 2`},
		{name: "OpenMetrics", ct: om, body: "# TYPE a counter\na_total 1 # {trace_id=\"x\"} 1\n# EOF\n", samples: `{__name__="a_total"} 1`},
		{name: "OpenMetrics without its end", ct: om, body: "# TYPE a counter\na_total 1\nb 2\n", samples: `{__name__="a_total"} 1; {__name__="b"} 2`},
		{name: "OpenMetrics sent as text", ct: plain, body: fmt.Sprintf("a_total 1 %d.5 # {t=\"x\"} 1\n# EOF\n", scrapeTime.Unix()), samples: `{__name__="a_total"} 1`},
		{name: "text sent as OpenMetrics", ct: om, body: "# TYPE a_total counter\n# comment\na_total 1\n", samples: `{__name__="a_total"} 1`},
		{name: "cut", ct: plain, body: "a 1\nb{x=\"", samples: `{__name__="a"} 1`, dropped: 1},
		{name: "bad lines", ct: plain, body: "a 1\n!! 2\nb 3\nc{x=\"\xff\"} 4\nd 5\n", samples: `{__name__="a"} 1; {__name__="b"} 3; {__name__="d"} 5`, dropped: 2},
		{name: "duplicate label", ct: plain, body: "a{x=\"1\",x=\"2\"} 1\nb 2\n", samples: `{__name__="b"} 2`, dropped: 1},
		{name: "same series twice", ct: plain, body: "a 1\na 1\nb 1\nb 2\n", samples: `{__name__="a"} 1; {__name__="b"} 1`, dropped: 1},
		{name: "NaN and infinity", ct: plain, body: "a NaN\nb +Inf\n", samples: `{__name__="a"} NaN; {__name__="b"} +Inf`},
		{name: "an old sample", ct: plain, body: fmt.Sprintf("a 1 %d\nb 2 %d\n", old.UnixMilli(), scrapeTime.UnixMilli()), samples: `{__name__="b"} 2`, note: "1 series are older than 5 min and left out"},
		{name: "old samples only", ct: plain, body: fmt.Sprintf("a 1 %d\n", old.UnixMilli()), note: "every series is older than 5 min"},
		{name: "quoted name", ct: plain, body: `{"a.b",x="1"} 1`, samples: `{__name__="a.b", x="1"} 1`},
		{name: "empty", ct: plain, note: "the endpoint reports no series"},
		{name: "a comment only", ct: plain, body: "# no registered metrics", note: "the endpoint reports no series"},
		{name: "HTML", ct: "text/html", body: "<!doctype html>\n<html>", why: "not a metrics endpoint (HTML page)"},
		{name: "JSON", ct: "application/json", body: `{"status":"ok"}`, why: "not a metrics endpoint (JSON)"},
		{name: "prose", ct: plain, body: "hello, this is not it\n", dropped: 1, why: "not a metrics endpoint (unreadable)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := readExposition([]byte(c.body), c.ct, scrapeTime)
			var samples []string
			for _, s := range got.samples {
				value := fmt.Sprint(s.value)
				if math.IsInf(s.value, 1) {
					value = "+Inf"
				}
				samples = append(samples, fmt.Sprintf("%s %s", s.labels, value))
			}
			assert.Equal(t, c.samples, strings.Join(samples, "; "))
			assert.Equal(t, c.dropped, got.dropped, "dropped")
			assert.Equal(t, c.note, got.note)
			assert.Equal(t, c.why, got.why)
		})
	}
}

func TestReadExpositionLimits(t *testing.T) {
	var many strings.Builder
	for i := range maxSamples + 10 {
		fmt.Fprintf(&many, "a{i=\"%d\"} 1\n", i)
	}
	got := readExposition([]byte(many.String()), "", scrapeTime)
	assert.Len(t, got.samples, maxSamples)
	assert.Equal(t, "only the first 50,000 series are kept", got.note)

	got = readExposition([]byte("a 1\n"+strings.Repeat("!\n", 100_000)+"b 1\n"), "", scrapeTime)
	assert.Len(t, got.samples, 1)
	assert.Equal(t, maxUnreadable, got.dropped)
	assert.Equal(t, "too many unreadable lines; the rest was not read", got.note)
}

func FuzzReadExposition(f *testing.F) {
	f.Add([]byte("# TYPE a counter\na{x=\"1\"} 2\nb 3 1700000000000\n"), "text/plain")
	f.Add([]byte("# TYPE a counter\na_total 1 # {t=\"x\"} 1\n# EOF\n"), "application/openmetrics-text")
	f.Add([]byte("a 1\nb{x=\"\na{x=\"1\",x=\"2\"} 1\n"), "")
	f.Fuzz(func(t *testing.T, body []byte, contentType string) {
		got := readExposition(body, contentType, scrapeTime)
		seen := map[string]bool{}
		for _, s := range got.samples {
			assert.NotEmpty(t, s.labels.Get("__name__"))
			assert.False(t, seen[s.labels.String()], "a series twice")
			seen[s.labels.String()] = true
		}
		if got.why != "" {
			assert.Empty(t, got.samples)
		}
	})
}
