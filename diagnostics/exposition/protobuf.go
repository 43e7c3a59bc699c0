package exposition

import (
	"encoding/binary"
	"errors"
	"io"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
	"google.golang.org/protobuf/encoding/protowire"
)

// The fields of the messages that are looked at here, by
// https://github.com/prometheus/client_model/blob/master/io/prometheus/client/metrics.proto.
const (
	familyName   protowire.Number = 1
	familyType   protowire.Number = 3
	familyMetric protowire.Number = 4
	metricLabel  protowire.Number = 1
	labelName    protowire.Number = 1
	labelValue   protowire.Number = 2
)

// maxMetricBytes is how long one metric may be: a histogram with a thousand buckets and as many exemplars is shorter. The parser
// takes many times the memory of what it reads.
const maxMetricBytes = 256 << 10

// looksLikeProtobuf is whether a body begins as a delimited MetricFamily does: its length, then its name.
func looksLikeProtobuf(body []byte) bool {
	size, n := protowire.ConsumeVarint(body)
	if n < 0 || size < 3 {
		return false
	}
	number, kind, tag := protowire.ConsumeTag(body[n:])
	if tag < 0 || number != familyName || kind != protowire.BytesType {
		return false
	}
	name, n := protowire.ConsumeBytes(body[n+tag:])
	return n >= 0 && len(name) > 0 && uint64(len(name)) < size && nameByte(name[0], true)
}

// family is a MetricFamily as far as it could be taken apart.
type family struct {
	message []byte   // all of it
	header  []byte   // its name and type alone, as fields
	metrics [][]byte // each a Metric
	whole   bool
}

// readProtobuf reads delimited MetricFamily messages. Of a body that ends too early it keeps all metrics that came whole.
func (r *reader) readProtobuf(body []byte) {
	all, whole := split(body)
	r.cut = !whole
	if whole && fits(all) && r.readMessages(body) {
		return
	}
	r.again()
	r.cut = !whole
	for _, f := range all {
		if r.full || r.gaveUp {
			return
		}
		if !f.whole || !fits([]family{f}) || !r.readMessages(delimited(f.message)) {
			// What was kept of it comes once more and is the same.
			r.readMetrics(f)
		}
	}
}

// split takes a body apart without reading the metrics, and says whether it is whole.
func split(body []byte) (all []family, whole bool) {
	for len(body) > 0 {
		size, n := protowire.ConsumeVarint(body)
		if n < 0 {
			return all, false
		}
		body = body[n:]
		ends := size <= uint64(len(body))
		f := familyOf(body[:min(size, uint64(len(body)))])
		f.whole = f.whole && ends
		all = append(all, f)
		if !ends {
			return all, false
		}
		body = body[size:]
	}
	return all, true
}

func familyOf(message []byte) family {
	f := family{message: message}
	for len(message) > 0 {
		number, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			return f
		}
		m := protowire.ConsumeFieldValue(number, kind, message[n:])
		if m < 0 {
			return f
		}
		field, value := message[:n+m], message[n:n+m]
		message = message[n+m:]
		switch {
		case number == familyName && kind == protowire.BytesType, number == familyType && kind == protowire.VarintType:
			f.header = append(f.header, field...)
		case number == familyMetric && kind == protowire.BytesType:
			metric, _ := protowire.ConsumeBytes(value)
			f.metrics = append(f.metrics, metric)
		}
	}
	f.whole = true
	return f
}

// fits is whether no metric is too long to be given to the parser.
func fits(all []family) bool {
	for _, f := range all {
		for _, metric := range f.metrics {
			if len(metric) > maxMetricBytes {
				return false
			}
		}
	}
	return true
}

func delimited(message []byte) []byte {
	return append(binary.AppendUvarint(make([]byte, 0, len(message)+binary.MaxVarintLen64), uint64(len(message))), message...)
}

// readMetrics reads a family metric by metric and counts those that cannot be read.
func (r *reader) readMetrics(f family) {
	for _, metric := range f.metrics {
		if r.full {
			return
		}
		one := protowire.AppendTag(append([]byte(nil), f.header...), familyMetric, protowire.BytesType)
		one = protowire.AppendBytes(one, r.mendMetric(metric))
		if (len(metric) > maxMetricBytes || !r.readMessages(delimited(one))) && !r.drop() {
			return
		}
	}
	if f.whole && len(f.metrics) == 0 && len(f.message) > 0 {
		r.drop()
	}
}

// mendMetric is a metric whose labels the parser takes: valid UTF-8.
func (r *reader) mendMetric(metric []byte) []byte {
	var pairs []labels.Label
	var rest []byte
	for left := metric; len(left) > 0; {
		number, kind, n := protowire.ConsumeTag(left)
		m := -1
		if n >= 0 {
			m = protowire.ConsumeFieldValue(number, kind, left[n:])
		}
		if m < 0 {
			return metric
		}
		if number == metricLabel && kind == protowire.BytesType {
			label, _ := protowire.ConsumeBytes(left[n:])
			pairs = append(pairs, labelOf(label))
		} else {
			rest = append(rest, left[:n+m]...)
		}
		left = left[n+m:]
	}
	var mended []byte
	r.mend(pairs).Range(func(l labels.Label) {
		label := protowire.AppendString(protowire.AppendTag(nil, labelName, protowire.BytesType), l.Name)
		label = protowire.AppendString(protowire.AppendTag(label, labelValue, protowire.BytesType), l.Value)
		mended = protowire.AppendBytes(protowire.AppendTag(mended, metricLabel, protowire.BytesType), label)
	})
	return append(mended, rest...)
}

func labelOf(message []byte) labels.Label {
	var l labels.Label
	for len(message) > 0 {
		number, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			break
		}
		m := protowire.ConsumeFieldValue(number, kind, message[n:])
		if m < 0 {
			break
		}
		if kind == protowire.BytesType {
			text, _ := protowire.ConsumeBytes(message[n:])
			switch number {
			case labelName:
				l.Name = string(text)
			case labelValue:
				l.Value = string(text)
			}
		}
		message = message[n+m:]
	}
	return l
}

// readMessages reads delimited messages with Prometheus's parser, and says whether all of it was valid.
func (r *reader) readMessages(body []byte) (ok bool) {
	defer func() {
		// The parser does not check every histogram's spans before it uses them, and panics on some that a hostile agent can
		// send (model/textparse, case EntryHistogram).
		if recover() != nil {
			ok = false
		}
	}()
	parser, err := textparse.New(body, protobufType, labels.NewSymbolTable(), textparse.ParserOptions{
		KeepClassicOnClassicAndNativeHistograms: true,
	})
	if parser == nil {
		return false
	}
	var native []nativeSample
	for err == nil && !r.full {
		var entry textparse.Entry
		entry, err = parser.Next()
		switch {
		case err != nil:
		case entry == textparse.EntryType:
			name, kind := parser.Type()
			r.families.add(string(name), kind)
		case entry == textparse.EntrySeries:
			var set labels.Labels
			_, at, v := parser.Series()
			parser.Labels(&set)
			if !fit(set) {
				return false
			}
			r.keep(Sample{Labels: set, Value: v}, orZero(at), at != nil)
		case entry == textparse.EntryHistogram:
			s := nativeSample{}
			parser.Labels(&s.Labels)
			_, at, whole, fractions := parser.Histogram()
			s.at, s.dated = orZero(at), at != nil
			if s.Histogram = fractions; whole != nil {
				s.Histogram = whole.ToFloat(nil)
			}
			if !fit(s.Labels) || !r.bucketsKept(s.Histogram) {
				return false
			}
			r.keep(s.Sample, s.at, s.dated)
			native = append(native, s)
		}
	}
	for _, s := range native {
		r.keepParts(s)
	}
	return r.full || errors.Is(err, io.EOF)
}

type nativeSample struct {
	Sample

	at    int64
	dated bool
}

func orZero(at *int64) int64 {
	if at == nil {
		return 0
	}
	return *at
}

// bucketsKept makes a histogram with too many buckets coarser, and says whether it is one that can be kept.
func (r *reader) bucketsKept(h *histogram.FloatHistogram) bool {
	if h == nil || h.Validate() != nil {
		return false
	}
	for n := 0; len(h.PositiveBuckets)+len(h.NegativeBuckets) > MaxBuckets; n++ {
		if h.UsesCustomBuckets() || h.Schema <= histogram.ExponentialSchemaMin {
			return false
		}
		if h.ReduceResolution(h.Schema-1) != nil {
			return false
		}
		if n == 0 {
			r.coarser++
		}
	}
	return true
}

// keepParts gives a native histogram that has no classic form the series that its text form has: its count, its sum and the
// bucket that holds everything. So nothing disappears when an agent is asked for protobuf instead of text.
func (r *reader) keepParts(s nativeSample) {
	if s.Histogram.CounterResetHint == histogram.GaugeType {
		return
	}
	name := s.Labels.Get(model.MetricNameLabel)
	for _, part := range []struct {
		name, le string
		value    float64
	}{
		{name + "_count", "", s.Histogram.Count},
		{name + "_sum", "", s.Histogram.Sum},
		{name + "_bucket", "+Inf", s.Histogram.Count},
	} {
		set := renamed(s.Labels, part.name, part.le)
		if _, has := r.seen[set.Hash()]; !has {
			r.keep(Sample{Labels: set, Value: part.value}, s.at, s.dated)
		}
	}
}
