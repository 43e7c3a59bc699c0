package exposition

import (
	"errors"
	"io"
	"math"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// strict is what Prometheus's own parser reads of a text; ok is whether it takes all of it. Samples whose labels it takes and a
// database would not are left out.
func strict(body []byte, format string) (samples []Sample, ok bool) {
	parser, err := textparse.New(append([]byte(nil), body...), format, labels.NewSymbolTable(), textparse.ParserOptions{})
	for err == nil {
		var entry textparse.Entry
		if entry, err = parser.Next(); err != nil || entry != textparse.EntrySeries {
			continue
		}
		var set labels.Labels
		raw, _, v := parser.Series()
		parser.Labels(&set)
		if raw[0] == ' ' || raw[0] == '\t' { // as reader.add
			set = renamed(set, strings.TrimLeft(set.Get(model.MetricNameLabel), " \t"), "")
		}
		if fit(set) && set.WithoutEmpty().ByteSize() <= MaxLabelBytes {
			samples = append(samples, Sample{Labels: set.WithoutEmpty(), Value: v})
		}
	}
	return samples, errors.Is(err, io.EOF)
}

func FuzzRead(f *testing.F) {
	for _, c := range badBodies() {
		f.Add([]byte(c.body), c.contentType)
	}
	body, contentType := encoded(f, acceptProtobuf)
	f.Add(body, contentType)
	f.Add(message("h", 4, nativeOf(3, 3), nativeOf(2, 200)), pb)
	f.Fuzz(func(t *testing.T, body []byte, contentType string) {
		if len(body) > 64<<10 {
			return
		}
		before := string(body)
		got := Read(body, contentType, scrapeTime)
		require.Equal(t, before, string(body), "the body was changed")
		require.LessOrEqual(t, len(got.Samples), MaxSamples)
		kept := map[string]Sample{}
		for _, s := range got.Samples {
			require.True(t, fit(s.Labels), "%s", s.Labels)
			require.LessOrEqual(t, s.Labels.ByteSize(), uint64(MaxLabelBytes+256)) // +Inf buckets are ours
			_, twice := kept[s.Labels.String()]
			require.False(t, twice, "%s is there twice", s.Labels)
			kept[s.Labels.String()] = s
			if s.Histogram != nil {
				require.NoError(t, s.Histogram.Validate())
			}
		}
		if got.Why != "" {
			assert.Empty(t, got.Samples)
			return
		}
		if looksLikeProtobuf(body) {
			return
		}
		// Whatever a strict parser takes whole is kept.
		text := normalise(body)
		taken, ok := strict(text.body, textType)
		if other, also := strict(text.body, openMetricsType); also && (!ok || strings.Contains(contentType, openMetricsType)) {
			taken, ok = other, true
		}
		if !ok {
			return
		}
		first := map[string]bool{}
		for _, s := range taken {
			key := s.Labels.String()
			if first[key] {
				continue // the first value counts
			}
			first[key] = true
			_, is := kept[key]
			require.True(t, is, "%s is not kept", key)
			if got.Dropped == 0 && len(got.Odd) == 0 {
				require.Equal(t, math.Float64bits(s.Value), math.Float64bits(kept[key].Value), key)
			}
		}
	})
}

// unspaced is a value right after a name, as in "a-1": Prometheus's parser takes it, and the reader for bad bodies takes it for a
// name with a dash, as agents write that.
var unspaced = regexp.MustCompile(`(^|[\s,{}"])[a-zA-Z_:][\w:]*[-./\x{80}-\x{10ffff}]`)

// FuzzReadLine gives single lines to the reader for bad bodies: it takes what Prometheus's parser takes.
func FuzzReadLine(f *testing.F) {
	for _, line := range []string{
		`a 1`, `a{x="1",y="2",} 2 1700000000000`, `{"a.b","c d"="e\"\\\n"} +Inf`, `a{x="1"y=""} nan -5`, `  a{ } 0`, `a_total 1 17.5 # {t="x"} 1 2`,
	} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		if strings.ContainsAny(line, "\n\x00\r") || len(line) > MaxLabelBytes || unspaced.MatchString(line) {
			return
		}
		for _, format := range []string{textType, openMetricsType} {
			body := line + "\n"
			if format == openMetricsType {
				body += "# EOF\n"
			}
			taken, ok := strict([]byte(body), format)
			if !ok || len(taken) != 1 {
				continue
			}
			r := newReader(scrapeTime, 1)
			r.readLines([]byte(body))
			got := r.finish("")
			require.Len(t, got.Samples, 1, "%s takes it", format)
			require.Equal(t, taken[0].Labels.String(), got.Samples[0].Labels.String(), format)
			require.Equal(t, math.Float64bits(taken[0].Value), math.Float64bits(got.Samples[0].Value), format)
		}
	})
}
