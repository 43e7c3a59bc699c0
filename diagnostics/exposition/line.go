package exposition

import (
	"bytes"
	"errors"
	"math"
	"strconv"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
)

// readLines reads each line of a text by itself, in whichever format it is, and counts those that cannot be read. It is only
// for bodies that Prometheus's parser refuses, and takes more than that: names with dots, numbers beyond a float64, invalid
// UTF-8, a label name twice.
func (r *reader) readLines(body []byte) {
	// TYPE lines come first: some exporters write them after the samples, and the buckets' bounds depend on them.
	for line := range bytes.Lines(body) {
		if name, kind, ok := typeOf(line); ok {
			r.families.add(name, kind)
		}
	}
	for line := range bytes.Lines(body) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		if r.full || !r.readLine(line) && !r.drop() {
			return
		}
	}
}

// typeOf reads a line "# TYPE name kind". Its kinds are those of both formats.
func typeOf(line []byte) (name string, kind model.MetricType, ok bool) {
	line, comment := bytes.CutPrefix(bytes.TrimSpace(line), []byte("#"))
	if !comment {
		return "", "", false
	}
	line, is := bytes.CutPrefix(bytes.TrimLeft(line, " \t"), []byte("TYPE"))
	if line = bytes.TrimSpace(line); !is || len(line) == 0 {
		return "", "", false
	}
	space := bytes.LastIndexAny(line, " \t")
	if space < 0 {
		return "", "", false
	}
	name = strings.Trim(string(bytes.TrimSpace(line[:space])), `"`)
	switch kind = model.MetricType(line[space+1:]); kind {
	case model.MetricTypeCounter, model.MetricTypeGauge, model.MetricTypeHistogram, model.MetricTypeGaugeHistogram,
		model.MetricTypeSummary, model.MetricTypeInfo, model.MetricTypeStateset, model.MetricTypeUnknown:
	case "untyped":
		kind = model.MetricTypeUnknown
	default:
		return "", "", false
	}
	return name, kind, name != ""
}

// readLine keeps the sample of a line, and says whether it has one.
func (r *reader) readLine(line []byte) bool {
	pairs, rest, ok := seriesOf(line, r.pairs[:0])
	r.pairs = pairs[:0]
	if !ok {
		return false
	}
	number, rest := token(rest)
	v, infinite, ok := numberOf(number)
	if !ok {
		return false
	}
	at, dated := int64(0), false
	if len(rest) > 0 && rest[0] != '#' { // an exemplar is no part of the sample
		var stamp []byte
		stamp, rest = token(rest)
		if at, dated = timeOf(stamp); !dated || len(rest) > 0 && rest[0] != '#' {
			return false
		}
	}
	r.bounds(pairs)
	set := r.mend(pairs)
	if !fit(set) {
		return false
	}
	if infinite {
		r.infinite++
	}
	r.keep(Sample{Labels: set, Value: v}, at, dated)
	return true
}

// seriesOf reads the name and the labels at the beginning of a line, in the order in which they are written, and says what
// follows them. It appends to room.
func seriesOf(line []byte, room []labels.Label) (pairs []labels.Label, rest []byte, ok bool) {
	pairs = room
	i := 0
	for i < len(line) && nameByte(line[i], i == 0) {
		i++
	}
	if i > 0 {
		pairs = append(pairs, labels.Label{Name: model.MetricNameLabel, Value: string(line[:i])})
	}
	rest = bytes.TrimLeft(line[i:], " \t")
	if len(rest) == 0 || rest[0] != '{' {
		return pairs, rest, i > 0
	}
	for rest = rest[1:]; ; {
		rest = bytes.TrimLeft(rest, " \t,")
		if len(rest) == 0 {
			return pairs, nil, false
		}
		if rest[0] == '}' {
			return pairs, bytes.TrimLeft(rest[1:], " \t"), len(pairs) > 0
		}
		var name, text string
		if name, rest = labelAt(rest); name == "" || len(rest) == 0 {
			return pairs, nil, false
		}
		if rest[0] != '=' {
			// {"name",label="value"}: https://prometheus.io/docs/instrumenting/content_negotiation/#utf-8-names
			pairs = append(pairs, labels.Label{Name: model.MetricNameLabel, Value: name})
			if rest[0] != ',' && rest[0] != '}' {
				return pairs, nil, false
			}
			continue
		}
		if text, rest, ok = quoted(bytes.TrimLeft(rest[1:], " \t")); !ok {
			return pairs, nil, false
		}
		pairs = append(pairs, labels.Label{Name: name, Value: text})
	}
}

// labelAt reads a label's name, in quotes or not, and what follows it; "" when there is none.
func labelAt(text []byte) (name string, rest []byte) {
	if text[0] == '"' {
		name, rest, _ = quoted(text)
		return name, bytes.TrimLeft(rest, " \t")
	}
	n := 0
	for n < len(text) && nameByte(text[n], n == 0) {
		n++
	}
	return string(text[:n]), bytes.TrimLeft(text[n:], " \t")
}

// nameByte is whether a byte may stand in a name that is not quoted. Dots, dashes and slashes may not by the formats' rules,
// but are what exporters write that do not know them.
func nameByte(c byte, first bool) bool {
	switch {
	case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '_', c == ':', c >= 0x80:
		return true
	case c >= '0' && c <= '9', c == '.', c == '-', c == '/':
		return !first
	}
	return false
}

// quoted reads a string in quotes with its escapes: \\, \" and \n.
func quoted(text []byte) (s string, rest []byte, ok bool) {
	if len(text) == 0 || text[0] != '"' {
		return "", nil, false
	}
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			s = string(text[1:i])
			if strings.IndexByte(s, '\\') >= 0 {
				s = unescape.Replace(s)
			}
			return s, text[i+1:], true
		}
	}
	return "", nil, false
}

var unescape = strings.NewReplacer(`\\`, `\`, `\"`, `"`, `\n`, "\n")

// token is the text up to the next white space, and what follows that.
func token(text []byte) (word, rest []byte) {
	end := bytes.IndexAny(text, " \t")
	if end < 0 {
		return text, nil
	}
	return text[:end], bytes.TrimLeft(text[end:], " \t")
}

// numberOf reads a value. One that is beyond a float64 is infinite.
func numberOf(text []byte) (v float64, infinite, ok bool) {
	// Hexadecimal and underscores are Go's own.
	if len(text) == 0 || bytes.ContainsAny(text, "xXpP_") {
		return 0, false, false
	}
	v, err := strconv.ParseFloat(string(text), 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return 0, false, false
	}
	if math.IsNaN(v) {
		// A stale marker is a NaN, too, and ours to set.
		v = math.Float64frombits(value.NormalNaN)
	}
	return v, err != nil, true
}

// timeOf reads a time, in milliseconds; one in seconds with a fraction is OpenMetrics's.
func timeOf(text []byte) (at int64, ok bool) {
	if at, err := strconv.ParseInt(string(text), 10, 64); err == nil {
		return at, true
	}
	seconds, _, ok := numberOf(text)
	if !ok || math.Abs(seconds) > 1e14 || math.IsNaN(seconds) {
		return 0, false
	}
	if seconds > 1e11 {
		return int64(seconds), true // milliseconds as a float
	}
	return int64(seconds * 1000), true
}

// bounds gives the bounds of buckets and quantiles the one form that Prometheus's parser gives them: "1" is "1.0". A series
// must not change its labels with the state of the body that it is in.
func (r *reader) bounds(pairs []labels.Label) {
	for i, pair := range pairs {
		var end string
		var kind model.MetricType
		switch pair.Name {
		case model.BucketLabel:
			end, kind = "_bucket", model.MetricTypeHistogram
		case model.QuantileLabel:
			kind = model.MetricTypeSummary
		default:
			continue
		}
		for _, metric := range pairs {
			if metric.Name != model.MetricNameLabel || r.families[strings.TrimSuffix(metric.Value, end)] != kind {
				continue
			}
			if v, _, ok := numberOf([]byte(pair.Value)); ok {
				pairs[i].Value = labels.FormatOpenMetricsFloat(v)
			}
		}
	}
}
