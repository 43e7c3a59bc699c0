package diagnostics

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"mime"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
)

// Limits on one metrics body. Agents that put a raw path or an id into a label grow without end.
const (
	maxBodyBytes = 16 << 20
	maxSamples   = 50_000
	// maxUnreadable ends the reading line by line of what is plainly no metrics body.
	maxUnreadable = 1_000
	// staleAfter is Prometheus's lookback: an older sample would not be seen by a query at the time of the scrape either.
	staleAfter = 5 * time.Minute
)

// sample is one series of a metrics body with its value.
type sample struct {
	labels labels.Labels
	value  float64
	// counter is whether the value counts from 0: a counter, or a part of a histogram or summary.
	counter bool
}

// exposition is what could be read of a metrics body.
type exposition struct {
	samples []sample
	// dropped is how many lines were unreadable, or said of one series two different things.
	dropped int
	// old is how many samples the agent itself dated more than five minutes back.
	old int
	// note says what is odd about the body, in words for people; why says that it is no metrics body at all.
	note, why string
}

// incomplete is whether a part of the body was not read, or is not kept.
func (e exposition) incomplete() bool { return e.dropped > 0 || e.note != "" || e.why != "" }

// readExposition reads a metrics body in the Prometheus text format or in OpenMetrics
// (https://prometheus.io/docs/instrumenting/exposition_formats/). When the body as a whole is not valid it keeps the lines
// that are. Now is the time of the scrape, against which the samples' own times are judged.
func readExposition(body []byte, contentType string, now time.Time) exposition {
	body = normalise(body)
	trimmed := bytes.TrimSpace(body)
	mediaType, _, _ := mime.ParseMediaType(contentType)
	switch {
	case len(trimmed) == 0:
		return exposition{note: "the endpoint reports no series"}
	case trimmed[0] == '<':
		return exposition{why: "not a metrics endpoint (HTML page)"}
	case (trimmed[0] == '{' || trimmed[0] == '[') && json.Valid(trimmed):
		return exposition{why: "not a metrics endpoint (JSON)"}
	case mediaType == "application/vnd.google.protobuf":
		return exposition{why: "answered protobuf, which was not asked for"}
	}
	r := newReader(now)
	format := "text/plain"
	if mediaType == "application/openmetrics-text" {
		format = mediaType
	}
	if !r.readAll(body, format) {
		r = newReader(now)
		r.readLines(body, format)
	}
	switch {
	case r.full:
		r.out.note = "only the first 50,000 series are kept"
	case len(r.out.samples) == 0 && r.out.old > 0:
		r.out.note = "every series is older than 5 min"
	case len(r.out.samples) == 0 && r.out.dropped > 0:
		r.out.why = "not a metrics endpoint (unreadable)"
	case r.gaveUp:
		r.out.note = "too many unreadable lines; the rest was not read"
	case len(r.out.samples) == 0:
		r.out.note = "the endpoint reports no series"
	case r.out.old > 0:
		r.out.note = fmt.Sprintf("%s series are older than 5 min and left out", Format(float64(r.out.old), Short))
	}
	return r.out
}

// normalise makes the line ends and the end of the body what the parser needs.
func normalise(body []byte) []byte {
	body = bytes.TrimPrefix(body, []byte("\ufeff"))
	body = bytes.ReplaceAll(body, []byte("\r\n"), []byte("\n"))
	if len(body) > 0 && body[len(body)-1] != '\n' {
		body = append(bytes.Clone(body), '\n')
	}
	return body
}

type reader struct {
	now time.Time
	// types are those that the body's TYPE lines give, by the family's name.
	types  map[string]model.MetricType
	out    exposition
	seen   map[uint64]int // the hash of a series' labels to its place in out.samples
	full   bool
	gaveUp bool
}

func newReader(now time.Time) reader {
	return reader{now: now, types: map[string]model.MetricType{}, seen: map[uint64]int{}}
}

// counts is whether a series of this name counts from 0. Its TYPE says so, and only where there is none its name does: some
// agents have gauges whose names end in _total or _count.
func (r *reader) counts(name string) bool {
	if kind, typed := r.types[name]; typed && kind != model.MetricTypeUnknown {
		return kind == model.MetricTypeCounter
	}
	for _, end := range []string{"_total", "_count", "_sum", "_bucket"} {
		family, fits := strings.CutSuffix(name, end)
		if !fits {
			continue
		}
		kind, typed := r.types[family]
		return !typed || kind == model.MetricTypeUnknown || kind == model.MetricTypeCounter ||
			kind == model.MetricTypeHistogram || kind == model.MetricTypeSummary
	}
	return false
}

// readAll reads a whole body, and says whether all of it was valid.
func (r *reader) readAll(body []byte, format string) bool {
	// Only protobuf needs options that could fail; an error here means that no parser fits.
	parser, err := textparse.New(body, format, labels.NewSymbolTable(), textparse.ParserOptions{})
	if parser == nil {
		return false
	}
	for err == nil && !r.full {
		var entry textparse.Entry
		entry, err = parser.Next()
		switch {
		case err != nil:
		case entry == textparse.EntryType:
			name, kind := parser.Type()
			r.types[string(name)] = kind
		case entry == textparse.EntrySeries:
			r.add(parser)
		}
	}
	return r.full || errors.Is(err, io.EOF)
}

// readLines reads each line as a body of its own, in either format, and counts those that neither can read.
func (r *reader) readLines(body []byte, format string) {
	other := "application/openmetrics-text"
	if format == other {
		other = "text/plain"
	}
	for line := range bytes.Lines(body) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		if r.full {
			return
		}
		if !r.readLine(line, format) && !r.readLine(line, other) {
			if r.out.dropped++; r.out.dropped >= maxUnreadable {
				r.gaveUp = true
				return
			}
		}
	}
}

func (r *reader) readLine(line []byte, format string) bool {
	body := append(bytes.Clone(line), '\n')
	if format != "text/plain" {
		body = append(body, "# EOF\n"...)
	}
	one := newReader(r.now)
	if !one.readAll(body, format) {
		return false
	}
	for _, s := range one.out.samples {
		r.keep(s)
	}
	r.out.dropped += one.out.dropped
	r.out.old += one.out.old
	return true
}

// add keeps the parser's current sample.
func (r *reader) add(parser textparse.Parser) {
	var set labels.Labels
	_, timestamp, value := parser.Series()
	parser.Labels(&set)
	if _, twice := set.HasDuplicateLabelNames(); twice || set.Get(model.MetricNameLabel) == "" || !set.IsValid(model.UTF8Validation) {
		r.out.dropped++
		return
	}
	if timestamp != nil && r.now.Sub(time.UnixMilli(*timestamp)) > staleAfter {
		r.out.old++
		return
	}
	r.keep(sample{labels: set, value: value, counter: r.counts(set.Get(model.MetricNameLabel))})
}

func (r *reader) keep(s sample) {
	hash := s.labels.Hash()
	if place, twice := r.seen[hash]; twice {
		if first := r.out.samples[place].value; first != s.value && !(math.IsNaN(first) && math.IsNaN(s.value)) {
			r.out.dropped++
		}
		return
	}
	if len(r.out.samples) >= maxSamples {
		r.full = true
		return
	}
	r.seen[hash] = len(r.out.samples)
	r.out.samples = append(r.out.samples, s)
}
