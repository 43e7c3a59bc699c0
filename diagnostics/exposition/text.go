package exposition

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
)

// text is a body as Prometheus's parser needs it.
type text struct {
	body []byte // ends with a line break
	// trimmed is the body without white space around it.
	trimmed []byte
	lines   int
	// nulls, crlf and bom are what was taken out.
	nulls, crlf, bom bool
}

var (
	byteOrderMark = []byte("\ufeff")
	end           = []byte("# EOF")
)

// normalise makes the begin, the line ends and the end of a body what the parser needs. Null bytes end the text for
// Prometheus's lexer, silently; they become spaces.
func normalise(body []byte) text {
	var t text
	body, t.bom = bytes.CutPrefix(body, byteOrderMark)
	t.nulls = bytes.IndexByte(body, 0) >= 0
	if t.nulls {
		body = bytes.ReplaceAll(body, []byte{0}, []byte{' '})
	}
	t.crlf = bytes.Contains(body, []byte("\r\n"))
	if t.crlf {
		body = bytes.ReplaceAll(body, []byte("\r\n"), []byte("\n"))
	}
	t.trimmed = bytes.TrimSpace(body)
	if len(body) > 0 && body[len(body)-1] != '\n' {
		// Into room of its own: what follows the body in memory is not ours.
		body = append(bytes.Clone(body), '\n')
	}
	t.body, t.lines = body, bytes.Count(body, []byte("\n"))
	return t
}

// noMetrics is why a text is plainly no metrics body; "" when it may be one.
func (t text) noMetrics() string {
	if len(t.trimmed) == 0 {
		if t.nulls {
			return notMetrics + "(unreadable)"
		}
		return ""
	}
	switch t.trimmed[0] {
	case '<':
		return notMetrics + "(HTML page)"
	case '{', '[', '"':
		line, _, _ := bytes.Cut(t.trimmed, []byte("\n"))
		// A metrics line may begin with a brace, too: {"name",label="value"} 1.
		if json.Valid(line) || json.Valid(t.trimmed) {
			return notMetrics + "(JSON)"
		}
	}
	return ""
}

// textual is whether a body begins as text does.
func textual(body []byte) bool {
	for _, c := range body[:min(len(body), 16)] {
		if c < ' ' && c != '\n' && c != '\r' && c != '\t' {
			return false
		}
	}
	return true
}

// readText reads the text format or OpenMetrics. The media type says which is tried first.
func (r *reader) readText(t text, mediaType string) {
	ends := bytes.HasSuffix(t.trimmed, end)
	first, second := textType, openMetricsType
	if mediaType == openMetricsType || mediaType != textType && ends {
		first, second = second, first
	}
	if t.bom {
		r.odd("the body begins with a byte-order mark")
	}
	if t.crlf {
		r.odd("the lines end with CR LF")
	}
	if t.nulls {
		r.odd("the body has null bytes")
	}
	read := first
	if !r.readAll(t, first) {
		r.again()
		if read = second; !r.readAll(t, second) {
			r.again()
			read = ""
			r.readLines(t.body)
		}
	}
	switch {
	case mediaType == openMetricsType && !ends && !r.full && !r.gaveUp && !r.looksLikeText():
		// Whoever writes OpenMetrics says where it ends, so that one knows of an end that is missing.
		r.cut = true
	case mediaType == openMetricsType && read == textType:
		r.odd("text was sent as OpenMetrics")
	case mediaType == textType && read == openMetricsType:
		r.odd("OpenMetrics was sent as text")
	}
}

// looksLikeText is whether the TYPE lines have the text format's names of counters, which end in _total.
func (r *reader) looksLikeText() bool {
	for name, kind := range r.families {
		if kind == model.MetricTypeCounter && strings.HasSuffix(name, "_total") {
			return true
		}
	}
	return false
}

// readAll reads a whole text in one format with Prometheus's parser, and says whether all of it was valid.
func (r *reader) readAll(t text, format string) bool {
	body := t.body
	if format == textType && len(body) > 0 {
		// The parser appends a line break; so it writes the one that is there and copies nothing.
		body = body[: len(body)-1 : len(body)]
	}
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
			r.families.add(string(name), kind)
		case entry == textparse.EntrySeries:
			r.add(parser)
		}
	}
	return r.full || errors.Is(err, io.EOF)
}

// add keeps the parser's current sample.
func (r *reader) add(parser textparse.Parser) {
	raw, at, value := parser.Series()
	var set labels.Labels
	parser.Labels(&set)
	if raw[0] == ' ' || raw[0] == '\t' {
		// The parser takes white space at the beginning of a line for a part of the name.
		set = renamed(set, strings.TrimLeft(set.Get(model.MetricNameLabel), " \t"), "")
		raw = bytes.TrimLeft(raw, " \t")
	}
	if !fit(set) {
		// Sorting may have changed which of two values was first.
		pairs, _, ok := seriesOf(raw, nil)
		if ok {
			r.bounds(pairs)
			set = r.mend(pairs)
		}
		if !ok || !fit(set) {
			r.out.Dropped++
			return
		}
	}
	if at != nil {
		r.keep(Sample{Labels: set, Value: value}, *at, true)
	} else {
		r.keep(Sample{Labels: set, Value: value}, 0, false)
	}
}
