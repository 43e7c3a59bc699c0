package exposition

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// scrapeTime is the time of the scrapes of these tests.
var scrapeTime = time.Date(2026, 3, 1, 9, 14, 0, 0, time.UTC)

const (
	plain = "text/plain; version=0.0.4; charset=utf-8"
	om    = "application/openmetrics-text; version=1.0.0; charset=utf-8"
	pb    = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
)

// shown is a sample in one line: + after a counter's value, and "old" where it is.
func shown(s Sample) string {
	v := fmt.Sprint(s.Value)
	if s.Histogram != nil {
		v = s.Histogram.String()
	}
	if s.Counter {
		v += "+"
	}
	if s.Old {
		v += " old"
	}
	return s.Labels.String() + " " + v
}

func allShown(e Exposition) []string {
	var all []string
	for _, s := range e.Samples {
		all = append(all, shown(s))
	}
	return all
}

// badBody is a body that breaks at least one parser in common use, or that is odd.
type badBody struct {
	name, contentType, body string
	samples                 []string
	dropped                 int
	partial                 bool
	note, why               string
	odd                     []string
	// others is the most samples that a parser in common use is known to keep of such a body.
	others int
}

// badBodies are modelled on what agents and their exporters really send, and on what breaks Prometheus's own scraper, its parser
// and the older expfmt decoder. A name is that of the case in the recorded verdicts, where it has one.
func badBodies() []badBody {
	ms, s := scrapeTime.UnixMilli(), scrapeTime.Unix()
	old := scrapeTime.Add(-2 * time.Hour).UnixMilli()
	return []badBody{
		{
			name: "text", contentType: plain, body: "# HELP a x\n# TYPE a counter\na{x=\"1\"} 2\nb 3\n",
			samples: []string{`{__name__="a", x="1"} 2+`, `{__name__="b"} 3`}, others: 2,
		},
		{
			name: "openmetrics", contentType: om,
			body:    "# TYPE a counter\na_total 1.0 # {trace_id=\"x\"} 1 1.7\na_created 1.7e9\n# TYPE u unknown\nu 2\n# TYPE s_seconds gauge\n# UNIT s_seconds seconds\ns_seconds 1\n# EOF\n",
			samples: []string{`{__name__="a_total"} 1+`, `{__name__="a_created"} 1.7e+09`, `{__name__="u"} 2`, `{__name__="s_seconds"} 1`}, others: 4,
		},
		{
			name: "OM exemplars+created", contentType: om,
			body: "# TYPE h histogram\nh_bucket{le=\"1\"} 1 # {t=\"x\"} 0.5\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\nh_created 1.7e9\n# EOF\n",
			samples: []string{
				`{__name__="h_bucket", le="1.0"} 1+`, `{__name__="h_bucket", le="+Inf"} 2+`, `{__name__="h_sum"} 3+`,
				`{__name__="h_count"} 2+`, `{__name__="h_created"} 1.7e+09`,
			}, others: 5,
		},
		{
			name: "HTML with 200", contentType: "text/html;charset=utf-8", body: "\n<!doctype html>\n<html lang=\"en\"><head>",
			why: "not a metrics endpoint (HTML page)", partial: true,
		},
		{name: "JSON body", contentType: "application/json", body: "{\n\"status\":\"ok\"}\n", why: "not a metrics endpoint (JSON)", partial: true},
		{name: "JSON sent as text", contentType: plain, body: `["a"]`, why: "not a metrics endpoint (JSON)", partial: true},
		{name: "JSON lines", contentType: plain, body: "{\"a\":1}\n{\"a\":2}\n", why: "not a metrics endpoint (JSON)", partial: true},
		{name: "a JSON string", contentType: "application/json", body: `"OK"`, why: "not a metrics endpoint (JSON)", partial: true},
		{
			name: "application/json ct, text body", contentType: "application/json", body: "a 1\n", samples: []string{`{__name__="a"} 1`},
			odd: []string{`text was sent as "application/json"`}, others: 1,
		},
		{name: "prose", contentType: plain, body: "hello, this is not it\n", dropped: 1, why: "not a metrics endpoint (unreadable)", partial: true},
		{name: "null bytes alone", contentType: plain, body: "\x00\x00\x00", why: "not a metrics endpoint (unreadable)", partial: true},
		{name: "collector empty body", contentType: plain, note: "the endpoint reports no series", partial: true},
		{name: "claude direct empty (no EOL)", contentType: "text/plain", body: "# no registered metrics", note: "the endpoint reports no series", partial: true},
		{name: "claude direct (ct text/plain)", contentType: "text/plain", body: "# TYPE a counter\na 1\n", samples: []string{`{__name__="a"} 1+`}, others: 1},
		{
			name: "with # UNIT and # EOF in text", contentType: "text/plain", body: "# HELP a_s x\n# UNIT a_s s\n# TYPE a_s gauge\na_s 1\n# EOF\n",
			samples: []string{`{__name__="a_s"} 1`}, others: 1,
		},
		{name: "no EOL at end", contentType: plain, body: "a 1\nb 2", samples: []string{`{__name__="a"} 1`, `{__name__="b"} 2`}, others: 2},
		{
			name: "missing content-type", body: "a 1\n", samples: []string{`{__name__="a"} 1`},
			odd: []string{"the content type is missing"}, others: 1,
		},
		{
			name: "missing content-type, OpenMetrics", body: "# TYPE a counter\na_total 1 1.5 # {} 1\n# EOF\n", samples: []string{`{__name__="a_total"} 1+ old`},
			odd: []string{"the content type is missing"}, note: "every series is older than 5 min", partial: true, others: 1,
		},
		{
			name: "malformed content-type", contentType: "text/plain; version=0.0.4, charset=utf-8", body: "a 1\n", samples: []string{`{__name__="a"} 1`},
			odd: []string{"the content type is malformed"}, others: 1,
		},
		{
			name: "CRLF", contentType: plain, body: "# TYPE a gauge\r\na 1\r\n", samples: []string{`{__name__="a"} 1`},
			odd: []string{"the lines end with CR LF"}, others: 0,
		},
		{
			name: "BOM prefix", contentType: plain, body: "\ufeff# TYPE a gauge\na 1\n", samples: []string{`{__name__="a"} 1`},
			odd: []string{"the body begins with a byte-order mark"}, others: 0,
		},
		{
			name: "null bytes", contentType: plain, body: "a 1\n\x00b 2\n", samples: []string{`{__name__="a"} 1`, `{__name__="b"} 2`},
			odd: []string{"the body has null bytes"}, others: 1,
		},
		{name: "a space before the name", contentType: plain, body: " a 1\n\tb{x=\"1\"} 2\n", samples: []string{`{__name__="a"} 1`, `{__name__="b", x="1"} 2`}, others: 2},
		{
			name: "duplicate series", contentType: plain, body: "a 1\na 1\nb 1\nb 2\n", samples: []string{`{__name__="a"} 1`, `{__name__="b"} 1`},
			dropped: 1, partial: true, others: 2,
		},
		{
			name: "duplicate label name", contentType: plain, body: "a{x=\"2\",x=\"1\",b=\"3\"} 1\nb 2\n",
			samples: []string{`{__name__="a", b="3", x="2"} 1`, `{__name__="b"} 2`},
			odd:     []string{"1 series has a label name twice, of which the first is kept"}, others: 2,
		},
		{
			name: "duplicate label name among many", contentType: plain, body: "a{l9=\"\",l8=\"\",l7=\"\",l6=\"\",l5=\"\",l4=\"\",l3=\"\",l2=\"\",l1=\"\",k3=\"\",k2=\"\",k1=\"\",x=\"b\",x=\"a\"} 1\n",
			samples: []string{`{__name__="a", x="b"} 1`},
			odd:     []string{"1 series has a label name twice, of which the first is kept"}, others: 1,
		},
		{
			name: "family twice (two HELP/TYPE)", contentType: plain, body: "# HELP s a\n# TYPE s counter\ns{o=\"1\"} 1\n# HELP s b\n# TYPE s counter\ns{o=\"2\"} 2\n",
			samples: []string{`{__name__="s", o="1"} 1+`, `{__name__="s", o="2"} 2+`}, others: 2,
		},
		{
			name: "interleaved families", contentType: plain, body: "# TYPE a gauge\n# TYPE b counter\na{x=\"1\"} 1\nb 1\na{x=\"2\"} 2\n",
			samples: []string{`{__name__="a", x="1"} 1`, `{__name__="b"} 1+`, `{__name__="a", x="2"} 2`}, others: 3,
		},
		{name: "TYPE after sample", contentType: plain, body: "a 1\n# TYPE a counter\n", samples: []string{`{__name__="a"} 1+`}, others: 1},
		{name: "counter w/o _total", contentType: plain, body: "# TYPE claude_code_cost_usage counter\nclaude_code_cost_usage 1\n", samples: []string{`{__name__="claude_code_cost_usage"} 1+`}, others: 1},
		{name: "gauge named _total", contentType: plain, body: "# TYPE plugin_loaded_total gauge\nplugin_loaded_total 4\n", samples: []string{`{__name__="plugin_loaded_total"} 4`}, others: 1},
		{
			name: "gauge named _total, and a bad line", contentType: plain, body: "# TYPE plugin_loaded_total gauge\nplugin_loaded_total 4\n!\n",
			samples: []string{`{__name__="plugin_loaded_total"} 4`}, dropped: 1, partial: true, others: 1,
		},
		{
			name: "gauge named _count and _sum", contentType: plain, body: "# TYPE a_count gauge\na_count 4\n# TYPE b gauge\nb_sum 1\n",
			samples: []string{`{__name__="a_count"} 4`, `{__name__="b_sum"} 1`}, others: 2,
		},
		{
			name: "histogram named _total", contentType: plain,
			body:    "# TYPE vllm:iteration_tokens_total histogram\nvllm:iteration_tokens_total_sum 9\nvllm:iteration_tokens_total_bucket{le=\"8\"} 1\nvllm:iteration_tokens_total_bucket{le=\"+Inf\"} 2\nvllm:iteration_tokens_total_count 2\nvllm:iteration_tokens_total 7\n",
			samples: []string{`{__name__="vllm:iteration_tokens_total_sum"} 9+`, `{__name__="vllm:iteration_tokens_total_bucket", le="8.0"} 1+`, `{__name__="vllm:iteration_tokens_total_bucket", le="+Inf"} 2+`, `{__name__="vllm:iteration_tokens_total_count"} 2+`, `{__name__="vllm:iteration_tokens_total"} 7`}, others: 5,
		},
		{
			name: "types survive a bad line", contentType: plain,
			body:    "!!\n# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n# TYPE q summary\nq{quantile=\"1\"} 2\nq_sum 3\n# TYPE c counter\nc 1\n",
			samples: []string{`{__name__="h_bucket", le="1.0"} 1+`, `{__name__="h_bucket", le="+Inf"} 1+`, `{__name__="h_sum"} 1+`, `{__name__="h_count"} 1+`, `{__name__="q", quantile="1.0"} 2`, `{__name__="q_sum"} 3+`, `{__name__="c"} 1+`},
			dropped: 1, partial: true, others: 0,
		},
		{
			name: "truncated mid-line", contentType: plain, body: "a 1\na{x=\"2", samples: []string{`{__name__="a"} 1`}, dropped: 1, partial: true, others: 1,
		},
		{
			name: "OM without # EOF", contentType: om, body: "# TYPE a counter\na_total 1\nb 2\n", samples: []string{`{__name__="a_total"} 1+`, `{__name__="b"} 2`},
			partial: true, note: "the metrics end too early; there may be more", others: 2,
		},
		{
			name: "OM without # EOF, cut in a line", contentType: om, body: "# TYPE a counter\na_total 1 # {t=\"x\"} 1\nb{x=\"", samples: []string{`{__name__="a_total"} 1+`},
			dropped: 1, partial: true, note: "the metrics end too early; there may be more", others: 1,
		},
		{
			name: "OM with more after # EOF", contentType: om, body: "a 1\n# EOF\nb 2\n", samples: []string{`{__name__="a"} 1`, `{__name__="b"} 2`},
			partial: true, note: "the metrics end too early; there may be more", others: 2,
		},
		{
			name: "OM body, text content-type", contentType: plain, body: fmt.Sprintf("# TYPE u unknown\nu 1 %d.5\n# TYPE a counter\na_total 1 %d # {t=\"x\"} 1\n# EOF\n", s, s),
			samples: []string{`{__name__="u"} 1`, `{__name__="a_total"} 1+`}, odd: []string{"OpenMetrics was sent as text"}, others: 0,
		},
		{
			name: "OM body with whole seconds, text content-type", contentType: plain, body: fmt.Sprintf("# TYPE a counter\na_total 1 %d\n# EOF\n", s),
			samples: []string{`{__name__="a_total"} 1+`}, others: 1,
		},
		{
			name: "collector OM w/ timestamps", contentType: om, body: fmt.Sprintf("# TYPE a counter\na_total 1 %.12e\n# EOF\n", float64(ms)/1000),
			samples: []string{`{__name__="a_total"} 1+`}, others: 1,
		},
		{
			name: "text body, OM content-type", contentType: om, body: fmt.Sprintf("# TYPE a_total counter\n# a comment\na_total 1 %d\n", ms),
			samples: []string{`{__name__="a_total"} 1+`}, odd: []string{"text was sent as OpenMetrics"}, others: 1,
		},
		{
			name: "collector text 0.0.4 utf8-quoted", contentType: plain, body: "# TYPE \"claude.errors\" counter\n{\"claude.errors\",\"session.id\"=\"1\"} 2\n",
			samples: []string{`{__name__="claude.errors", "session.id"="1"} 2+`}, others: 1,
		},
		{
			name: "collector OM utf8", contentType: om, body: "# TYPE \"agent.工具.calls\" unknown\n{\"agent.工具.calls\",\"tool.name\"=\"文\"} 2\n# EOF\n",
			samples: []string{`{__name__="agent.工具.calls", "tool.name"="文"} 2`}, others: 1,
		},
		{
			name: "names with dots, not quoted", contentType: plain, body: "claude.errors{session.id=\"1\"} 2\n",
			samples: []string{`{__name__="claude.errors", "session.id"="1"} 2`}, others: 0,
		},
		{
			name: "NaN/Inf/hex/underscore values", contentType: plain, body: "a NaN\nb +Inf\nc -Inf\nd 1e400\ne 0x1p4\nf 1_000\ng -1e400\nh 5\n",
			samples: []string{`{__name__="a"} NaN`, `{__name__="b"} +Inf`, `{__name__="c"} -Inf`, `{__name__="d"} +Inf`, `{__name__="g"} -Inf`, `{__name__="h"} 5`},
			dropped: 2, partial: true, odd: []string{"2 series have values beyond any number, shown as infinite"}, others: 3,
		},
		{
			name: "old+future timestamps", contentType: plain, body: fmt.Sprintf("a 1 %d\nb 2 %d\nc 3\n", old, ms+7_200_000),
			samples: []string{`{__name__="a"} 1 old`, `{__name__="b"} 2`, `{__name__="c"} 3`}, odd: []string{"1 series is dated in the future"},
			note: "1 series is older than 5 min and left out", partial: true, others: 3,
		},
		{name: "bad-oldts", contentType: plain, body: fmt.Sprintf("a 1 %d\n", old), samples: []string{`{__name__="a"} 1 old`}, note: "every series is older than 5 min", partial: true, others: 1},
		{
			name: "invalid UTF-8 label value", contentType: plain, body: "a{x=\"\xff\xfe\"} 1\nb 2\n",
			samples: []string{`{__name__="a", x="�"} 1`, `{__name__="b"} 2`}, odd: []string{"1 series had invalid UTF-8, which is replaced"}, others: 0,
		},
		{name: "invalid UTF-8 in HELP", contentType: plain, body: "# HELP a \xff\n# TYPE a counter\na 1\n", samples: []string{`{__name__="a"} 1+`}, others: 0},
		{name: "unknown TYPE", contentType: plain, body: "# TYPE a thing\n# TYPE b counter\na 1\nb 1\n", samples: []string{`{__name__="a"} 1`, `{__name__="b"} 1+`}, others: 0},
		{
			name: "bucket missing +Inf", contentType: plain, body: "# TYPE h histogram\nh_bucket{x=\"1\",le=\"1\"} 1\nh_sum{x=\"1\"} 9\nh_count{x=\"1\"} 2\n",
			samples: []string{`{__name__="h_bucket", le="1.0", x="1"} 1+`, `{__name__="h_sum", x="1"} 9+`, `{__name__="h_count", x="1"} 2+`, `{__name__="h_bucket", le="+Inf", x="1"} 2+`},
			odd:     []string{"1 series is the bucket +Inf of a histogram that lacked it"}, others: 3,
		},
		{
			name: "JS order count,sum,bucket", contentType: "text/plain", body: "# TYPE h histogram\nh_count 2\nh_sum 9\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\n",
			samples: []string{`{__name__="h_count"} 2+`, `{__name__="h_sum"} 9+`, `{__name__="h_bucket", le="1.0"} 1+`, `{__name__="h_bucket", le="+Inf"} 2+`}, others: 4,
		},
		{
			name: "le 1 vs 1.0 mix", contentType: plain, body: "# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"2.0\"} 2\nh_bucket{le=\"+Inf\"} 2\nh_sum 9\nh_count 2\n",
			samples: []string{`{__name__="h_bucket", le="1.0"} 1+`, `{__name__="h_bucket", le="2.0"} 2+`, `{__name__="h_bucket", le="+Inf"} 2+`, `{__name__="h_sum"} 9+`, `{__name__="h_count"} 2+`}, others: 5,
		},
		{
			name: "js dup family + dup label + NaN/Inf", contentType: "text/plain",
			body:    "# HELP a x\n# TYPE a counter\na{o=\"1\"} 1\n# HELP a x\n# TYPE a counter\na{o=\"2\"} NaN\n# TYPE c counter\nc_total{s=\"a\",s=\"b\",o=\"2\"} +Inf\n",
			samples: []string{`{__name__="a", o="1"} 1+`, `{__name__="a", o="2"} NaN+`, `{__name__="c_total", o="2", s="a"} +Inf+`},
			odd:     []string{"1 series has a label name twice, of which the first is kept"}, others: 3,
		},
		{
			name: "an escaping collision, typed unknown", contentType: om, body: "# TYPE agent____calls unknown\nagent____calls 3\n# TYPE x_total unknown\nx_total 1\n# EOF\n",
			samples: []string{`{__name__="agent____calls"} 3`, `{__name__="x_total"} 1+`}, others: 2,
		},
		{
			name: "an unlimited size", contentType: plain, body: "process_virtual_memory_max_bytes 1.8446744073709552e+19\n",
			samples: []string{`{__name__="process_virtual_memory_max_bytes"} 1.8446744073709552e+19`}, others: 1,
		},
		{
			name: "bad lines among good ones", contentType: plain, body: "a 1\n!! 2\nb 3\nc{x=1} 4\nd 5 6 7\ne{x=\"\\\\\\\"\\n\"} 6\n  f\t7\n",
			samples: []string{`{__name__="a"} 1`, `{__name__="b"} 3`, `{__name__="e", x="\\\"\n"} 6`, `{__name__="f"} 7`}, dropped: 3, partial: true, others: 1,
		},
		{
			name: "labels too long", contentType: plain, body: "a{x=\"" + strings.Repeat("x", MaxLabelBytes) + "\"} 1\nb 2\n",
			samples: []string{`{__name__="b"} 2`}, dropped: 1, partial: true, note: "1 series has labels too long to keep", others: 1,
		},
	}
}

func TestReadKeepsWhatCanBeKept(t *testing.T) {
	for _, c := range badBodies() {
		t.Run(c.name, func(t *testing.T) {
			body := []byte(c.body)
			got := Read(body, c.contentType, scrapeTime)
			assert.Equal(t, c.samples, allShown(got))
			assert.Equal(t, c.dropped, got.Dropped, "dropped")
			assert.Equal(t, c.partial, got.Partial, "partial")
			assert.Equal(t, c.note, got.Note)
			assert.Equal(t, c.why, got.Why)
			assert.Equal(t, c.odd, got.Odd)
			assert.GreaterOrEqual(t, len(got.Samples), c.others, "others keep more")
			assert.Equal(t, c.body, string(body), "the body was changed")
		})
	}
}

func TestReadTellsOfHiddenBuckets(t *testing.T) {
	for body, hidden := range map[string]bool{
		"# TYPE h histogram\nh_bucket{le=\"+Inf\"} 3\nh_sum 1\nh_count 3\n":                       true,
		"h_bucket{le=\"+Inf\"} 3\nh_count 3\n":                                                    true,
		"# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 3\nh_sum 1\nh_count 3\n": false,
		"h_count 3\n": false,
	} {
		assert.Equal(t, hidden, Read([]byte(body), plain, scrapeTime).Hidden, body)
	}
}

func TestReadHasLimits(t *testing.T) {
	var many strings.Builder
	for i := range MaxSamples + 10 {
		fmt.Fprintf(&many, "a{i=\"%d\"} 1\n", i)
	}
	for _, last := range []string{"", "!\n"} {
		got := Read([]byte(many.String()+last), plain, scrapeTime)
		assert.Len(t, got.Samples, MaxSamples)
		assert.Equal(t, "only the first 50,000 series are kept", got.Note)
		assert.True(t, got.Partial)
	}

	got := Read([]byte("a 1\n"+strings.Repeat("!\n", 100_000)+"b 1\n"), plain, scrapeTime)
	assert.Len(t, got.Samples, 1)
	assert.Equal(t, MaxUnreadable, got.Dropped)
	assert.Equal(t, "too many unreadable lines; the rest was not read", got.Note)
}

// The body's room in memory behind its end belongs to somebody else.
func TestReadWritesNothing(t *testing.T) {
	room := []byte("a 1\nb 2XYZ")
	for _, contentType := range []string{plain, om, ""} {
		Read(room[:7], contentType, scrapeTime)
		require.Equal(t, "a 1\nb 2XYZ", string(room))
	}
}

func TestMilliseconds(t *testing.T) {
	s := scrapeTime.Unix()
	for _, at := range []int64{s, s * 1000, s * 1000 * 1000} {
		assert.Equal(t, s*1000, milliseconds(at))
	}
	assert.Equal(t, int64(0), milliseconds(0))
	assert.Equal(t, int64(-5), milliseconds(-5))
}

func TestThousands(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1_002_003: "1,002,003"} {
		assert.Equal(t, want, thousands(n))
	}
}
