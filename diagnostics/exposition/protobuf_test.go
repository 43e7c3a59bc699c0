package exposition

import (
	"encoding/binary"
	"math"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"
)

// encoded is what a real agent with native histograms answers when it is asked in a format.
func encoded(t testing.TB, accept string) (body []byte, contentType string) {
	t.Helper()
	reg := prometheus.NewRegistry()
	calls := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "agent_calls_total", Help: "x"}, []string{"tool"})
	calls.WithLabelValues("bash").Add(3)
	calls.WithLabelValues("文件").Add(4)
	pool := prometheus.NewGauge(prometheus.GaugeOpts{Name: "agent_pool_size", Help: "x"})
	pool.Set(7)
	idle := prometheus.NewSummary(prometheus.SummaryOpts{Name: "agent_idle_seconds", Help: "x", Objectives: map[float64]float64{0.5: 0.01}})
	native := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "agent_chat_seconds", Help: "x", NativeHistogramBucketFactor: 1.1}, []string{"chat"})
	both := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "agent_step_seconds", Help: "x", NativeHistogramBucketFactor: 1.1, Buckets: []float64{1, 10}})
	for i := range 100 {
		native.WithLabelValues("a").Observe(float64(i) / 10)
		native.WithLabelValues("b").Observe(float64(i))
		both.Observe(float64(i) / 10)
	}
	reg.MustRegister(calls, pool, idle, native, both)
	req := httptest.NewRequest("GET", "/metrics", nil)
	req.Header.Set("Accept", accept)
	answer := httptest.NewRecorder()
	promhttp.HandlerFor(reg, promhttp.HandlerOpts{}).ServeHTTP(answer, req)
	return answer.Body.Bytes(), answer.Header().Get("Content-Type")
}

const acceptProtobuf = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"

func TestReadProtobuf(t *testing.T) {
	body, contentType := encoded(t, acceptProtobuf)
	require.Contains(t, contentType, protobufType)
	for sentAs, odd := range map[string][]string{
		contentType: nil,
		"":          {"protobuf was sent as something else"},
		plain:       {`protobuf was sent as "text/plain"`},
	} {
		got := Read(body, sentAs, scrapeTime)
		assert.Equal(t, odd, got.Odd)
		assert.Empty(t, got.Note)
		assert.False(t, got.Partial)
		assert.Zero(t, got.Dropped)
		assert.Equal(t, 3, got.Native)
		assert.False(t, got.Hidden)
		var floats []string
		var natives []float64
		for _, s := range got.Samples {
			if s.Histogram == nil {
				floats = append(floats, shown(s))
				continue
			}
			assert.True(t, s.Counter)
			assert.NoError(t, s.Histogram.Validate())
			natives = append(natives, s.Histogram.Count, s.Histogram.Sum)
		}
		assert.InDeltaSlice(t, []float64{100, 495, 100, 4950, 100, 495}, natives, 1e-6)
		assert.ElementsMatch(t, []string{
			`{__name__="agent_calls_total", tool="bash"} 3+`, `{__name__="agent_calls_total", tool="文件"} 4+`,
			`{__name__="agent_pool_size"} 7`,
			`{__name__="agent_idle_seconds_count"} 0+`, `{__name__="agent_idle_seconds_sum"} 0+`, `{__name__="agent_idle_seconds", quantile="0.5"} NaN`,
			// A native histogram has the series of its text form, too.
			`{__name__="agent_chat_seconds_count", chat="a"} 100+`, `{__name__="agent_chat_seconds_bucket", chat="a", le="+Inf"} 100+`,
			`{__name__="agent_chat_seconds_count", chat="b"} 100+`, `{__name__="agent_chat_seconds_bucket", chat="b", le="+Inf"} 100+`,
			`{__name__="agent_chat_seconds_sum", chat="b"} 4950+`,
			`{__name__="agent_step_seconds_count"} 100+`,
			`{__name__="agent_step_seconds_bucket", le="1.0"} 11+`, `{__name__="agent_step_seconds_bucket", le="10.0"} 100+`,
			`{__name__="agent_step_seconds_bucket", le="+Inf"} 100+`,
		}, without(floats, `agent_step_seconds_sum`, `agent_chat_seconds_sum", chat="a"`))
	}
}

// without leaves out what has one of these parts.
func without(all []string, parts ...string) []string {
	var rest []string
	for _, one := range all {
		has := false
		for _, part := range parts {
			has = has || strings.Contains(one, part)
		}
		if !has {
			rest = append(rest, one)
		}
	}
	return rest
}

// What text shows of an agent is in its protobuf, with the same labels and values.
func TestReadProtobufHasWhatTextHas(t *testing.T) {
	body, contentType := encoded(t, acceptProtobuf)
	text, textType := encoded(t, "text/plain")
	inProtobuf := allShown(Read(body, contentType, scrapeTime))
	inText := Read(text, textType, scrapeTime)
	assert.True(t, inText.Hidden)
	require.NotEmpty(t, inText.Samples)
	for _, one := range allShown(inText) {
		assert.Contains(t, inProtobuf, one)
	}
}

// A body that is cut keeps every metric that came whole, wherever the cut is.
func TestReadProtobufThatIsCut(t *testing.T) {
	body, contentType := encoded(t, acceptProtobuf)
	whole := Read(body, contentType, scrapeTime)
	before := 0
	for n := 40; n < len(body); n++ {
		got := Read(body[:n], contentType, scrapeTime)
		require.GreaterOrEqual(t, len(got.Samples), before, "%d bytes", n)
		before = len(got.Samples)
		if before > 0 {
			all := allShown(whole)
			for _, one := range allShown(got) {
				require.Contains(t, all, one, "%d bytes", n)
			}
		}
	}
	assert.GreaterOrEqual(t, before, len(whole.Samples)-8, "all but the last histogram")

	got := Read(body[:len(body)-1], contentType, scrapeTime)
	assert.True(t, got.Partial)
	assert.Equal(t, "the metrics end too early; there may be more", got.Note)
}

// bytesField and numberField are fields of a message.
func bytesField(number protowire.Number, content ...[]byte) []byte {
	var all []byte
	for _, one := range content {
		all = append(all, one...)
	}
	return protowire.AppendBytes(protowire.AppendTag(nil, number, protowire.BytesType), all)
}

func numberField(number protowire.Number, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(nil, number, protowire.VarintType), v)
}

func label(name, value string) []byte {
	return bytesField(metricLabel, bytesField(labelName, []byte(name)), bytesField(labelValue, []byte(value)))
}

func gaugeOf(v float64) []byte {
	return bytesField(2, protowire.AppendFixed64(protowire.AppendTag(nil, 1, protowire.Fixed64Type), math.Float64bits(v)))
}

func message(name string, kind uint64, metrics ...[]byte) []byte {
	all := append(bytesField(familyName, []byte(name)), numberField(familyType, kind)...)
	for _, one := range metrics {
		all = append(all, bytesField(familyMetric, one)...)
	}
	return append(binary.AppendUvarint(nil, uint64(len(all))), all...)
}

// nativeOf is a histogram of so many buckets, whose span says that there are others.
func nativeOf(buckets, said int) []byte {
	span := bytesField(12, numberField(1, protowire.EncodeZigZag(1)), numberField(2, uint64(said)))
	var deltas []byte
	for i := range buckets {
		delta := int64(0)
		if i == 0 {
			delta = 1
		}
		deltas = protowire.AppendVarint(deltas, protowire.EncodeZigZag(delta))
	}
	return bytesField(7, numberField(1, uint64(buckets)), numberField(5, protowire.EncodeZigZag(3)), span, bytesField(13, deltas))
}

func join(parts ...[]byte) []byte {
	var all []byte
	for _, one := range parts {
		all = append(all, one...)
	}
	return all
}

func TestReadProtobufThatIsBad(t *testing.T) {
	const gauge, histogram = 1, 4
	good := message("good", gauge, gaugeOf(5))
	for _, c := range []struct {
		name    string
		body    []byte
		samples []string
		dropped int
		odd     []string
		why     string
	}{
		{
			"invalid UTF-8", join(message("a", gauge, join(label("x", "\xff"), gaugeOf(1)), join(label("x", "2"), gaugeOf(2))), good),
			[]string{`{__name__="a", x="�"} 1`, `{__name__="a", x="2"} 2`, `{__name__="good"} 5`},
			0,
			[]string{"1 series had invalid UTF-8, which is replaced"},
			"",
		},
		{
			"a label twice", join(message("a", gauge, join(label("x", "2"), label("x", "1"), gaugeOf(1))), good),
			[]string{`{__name__="a", x="2"} 1`, `{__name__="good"} 5`},
			0,
			[]string{"1 series has a label name twice, of which the first is kept"},
			"",
		},
		{
			// Prometheus's parser looks at the first histogram's spans only, and panics.
			"spans that lie", join(message("h", histogram, nativeOf(3, 3), join(label("x", "1"), nativeOf(2, 200))), good),
			[]string{`{__name__="good"} 5`, `{__name__="h_bucket", le="+Inf"} 3+`, `{__name__="h_count"} 3+`, `{__name__="h_sum"} 0+`},
			1, nil, "",
		},
		{"a type that there is not", join(message("a", 99, gaugeOf(1)), good), []string{`{__name__="good"} 5`}, 1, nil, ""},
		{
			"too many buckets", join(message("h", histogram, nativeOf(3*MaxBuckets, 3*MaxBuckets)), good),
			[]string{`{__name__="good"} 5`, `{__name__="h_bucket", le="+Inf"} 3000+`, `{__name__="h_count"} 3000+`, `{__name__="h_sum"} 0+`},
			0,
			[]string{"1 series is a native histogram that was too fine, and was made coarser"},
			"",
		},
		{"a huge metric", join(message("h", histogram, nativeOf(maxMetricBytes, maxMetricBytes)), good), []string{`{__name__="good"} 5`}, 1, nil, ""},
		{"the same twice", join(good, message("good", gauge, gaugeOf(6))), []string{`{__name__="good"} 5`}, 1, nil, ""},
		{"garbage", join(message("a", gauge, []byte{0xff, 0xff, 0xff})), nil, 1, nil, "not a metrics endpoint (unreadable)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := Read(c.body, pb, scrapeTime)
			var floats []string
			for _, s := range got.Samples {
				if s.Histogram == nil {
					floats = append(floats, shown(s))
				} else {
					assert.LessOrEqual(t, len(s.Histogram.PositiveBuckets), MaxBuckets)
				}
			}
			assert.ElementsMatch(t, c.samples, floats)
			assert.Equal(t, c.dropped, got.Dropped)
			assert.Equal(t, c.odd, got.Odd)
			assert.Equal(t, c.why, got.Why)
		})
	}
}

func TestReadTextSentAsProtobuf(t *testing.T) {
	got := Read([]byte("a 1\n"), pb, scrapeTime)
	assert.Equal(t, []string{`{__name__="a"} 1`}, allShown(got))
	assert.Equal(t, []string{`text was sent as "application/vnd.google.protobuf"`}, got.Odd)
	assert.Equal(t, "the endpoint reports no series", Read(nil, pb, scrapeTime).Note)
}
