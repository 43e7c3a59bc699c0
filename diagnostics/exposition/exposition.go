package exposition

import (
	"bytes"
	"fmt"
	"math"
	"mime"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
)

// Limits on what is kept of one body. Agents that put a raw path or an id into a label grow without end.
const (
	// MaxSamples is how many samples are kept.
	MaxSamples = 50_000
	// MaxLabelBytes is how long the names and values of one series' labels may be together.
	MaxLabelBytes = 4 << 10
	// MaxUnreadable ends the reading of what is plainly no metrics body.
	MaxUnreadable = 1_000
	// MaxBuckets is how many buckets of a native histogram are kept; a finer one is made coarser.
	MaxBuckets = 1_000
	// OldAfter is Prometheus's lookback: a query at the time of the scrape would not see an older sample.
	OldAfter = 5 * time.Minute
)

// Sample is one series of a body with its value: a number or a native histogram.
type Sample struct {
	// Labels are those that the agent wrote, the name among them; no name is there twice, no value is empty, all is UTF-8.
	Labels labels.Labels
	// Value is the number, 0 where Histogram is not nil.
	Value     float64
	Histogram *histogram.FloatHistogram
	// Counter is whether the value counts from 0: a counter, or a part of a histogram or summary. Its TYPE says so, and where
	// there is none its name.
	Counter bool
	// Old is whether the agent itself dated the sample more than OldAfter back: it is no current value.
	Old bool
}

// Exposition is what could be read of a body.
type Exposition struct {
	Samples []Sample
	// Old is how many of the samples are old, Native how many are native histograms.
	Old, Native int
	// Dropped is how many lines or metrics could not be read, are too long, or said of one series a second thing.
	Dropped int
	// Hidden is whether some histogram of a text has no bucket but +Inf. So does text show a native histogram, whose buckets
	// only protobuf has.
	Hidden bool
	// Partial is whether there may be more than was read: what is absent may exist.
	Partial bool
	// Note says, in words for people, what is missing. Odd are oddities that cost nothing, for whoever wants to mend the agent.
	Note string
	Odd  []string
	// Why says why the body has no metrics at all; "" when it may have some.
	Why string
}

// Read reads a metrics body. ContentType is the header's value, which may be anything; now is the time of the scrape, against
// which the samples' own times are judged. The body is not kept.
func Read(body []byte, contentType string, now time.Time) Exposition {
	return read(body, contentType, now, "")
}

// ReadCut reads the beginning of a body, of which the rest did not come or was not asked for: why, in words for people. A line
// that is cut is not read: half a number is another number.
func ReadCut(body []byte, contentType string, now time.Time, why string) Exposition {
	if !isProtobuf(body, contentType) {
		body = body[:bytes.LastIndexByte(body, '\n')+1]
	}
	return read(body, contentType, now, why)
}

func read(body []byte, contentType string, now time.Time, cut string) Exposition {
	mediaType, _, err := mime.ParseMediaType(contentType)
	if isProtobuf(body, contentType) {
		r := newReader(now, len(body)/200)
		if mediaType != protobufType {
			r.odd("protobuf was sent as " + named(contentType))
		}
		r.readProtobuf(body)
		return r.finish(cut)
	}
	t := normalise(body)
	if why := t.noMetrics(); why != "" {
		return Exposition{Why: why, Partial: true}
	}
	r := newReader(now, t.lines)
	switch {
	case contentType == "":
		r.odd("the content type is missing")
	case err != nil:
		r.odd("the content type is malformed")
	case mediaType != textType && mediaType != openMetricsType:
		r.odd("text was sent as " + named(contentType))
	}
	r.readText(t, mediaType)
	return r.finish(cut)
}

func isProtobuf(body []byte, contentType string) bool {
	mediaType, _, _ := mime.ParseMediaType(contentType)
	return looksLikeProtobuf(body) && (mediaType == protobufType || !textual(body))
}

const (
	textType        = "text/plain"
	openMetricsType = "application/openmetrics-text"
	protobufType    = "application/vnd.google.protobuf"
)

// named is an agent's content type as it may be shown.
func named(contentType string) string {
	mediaType, _, err := mime.ParseMediaType(contentType)
	if err != nil || len(mediaType) > 60 {
		return "something else"
	}
	return strconv.QuoteToASCII(mediaType)
}

// reader gathers what is read of one body.
type reader struct {
	now      time.Time
	out      Exposition
	seen     map[uint64]int // the hash of a series' labels to its place in out.Samples
	families families
	pairs    []labels.Label        // room for those of one line
	builder  labels.ScratchBuilder // room for those of one series
	full     bool                  // there are more samples than MaxSamples
	gaveUp   bool                  // there are more unreadable lines than MaxUnreadable
	bad      int                   // lines that cannot be read
	cut      bool                  // the body does not end where it should
	tooLong  int                   // samples with labels beyond MaxLabelBytes
	ahead    int                   // samples dated later than now
	twice    int                   // samples with a label name twice
	mended   int                   // samples with invalid UTF-8
	infinite int                   // values beyond what a float64 holds
	added    int                   // +Inf buckets that the agent left out
	coarser  int                   // native histograms with more than MaxBuckets
}

func newReader(now time.Time, expected int) *reader {
	expected = min(expected, MaxSamples)
	return &reader{
		now: now, out: Exposition{Samples: make([]Sample, 0, expected)},
		seen: make(map[uint64]int, expected), families: families{}, builder: labels.NewScratchBuilder(16),
	}
}

// again forgets what a failed try has read.
func (r *reader) again() {
	odd := r.out.Odd
	*r = *newReader(r.now, len(r.out.Samples))
	r.out.Odd = odd
}

func (r *reader) odd(words string) { r.out.Odd = append(r.out.Odd, words) }

// drop counts what could not be read, and says whether to go on.
func (r *reader) drop() bool {
	r.out.Dropped++
	r.bad++
	r.gaveUp = r.bad >= MaxUnreadable
	return !r.gaveUp
}

// keep adds a sample whose labels are sorted, valid UTF-8 and without duplicate names. At is its own time in milliseconds.
func (r *reader) keep(s Sample, at int64, dated bool) {
	s.Labels = s.Labels.WithoutEmpty()
	if s.Labels.ByteSize() > MaxLabelBytes {
		r.tooLong++
		r.out.Dropped++
		return
	}
	if dated {
		age := r.now.Sub(time.UnixMilli(milliseconds(at)))
		s.Old = age > OldAfter
		if age < -OldAfter {
			r.ahead++
		}
	}
	hash := s.Labels.Hash()
	if place, twice := r.seen[hash]; twice {
		if !same(r.out.Samples[place], s) {
			r.out.Dropped++
		}
		return
	}
	if len(r.out.Samples) >= MaxSamples {
		r.full = true
		return
	}
	r.seen[hash] = len(r.out.Samples)
	r.out.Samples = append(r.out.Samples, s)
	if s.Old {
		r.out.Old++
	}
	if s.Histogram != nil {
		r.out.Native++
	}
}

// milliseconds makes the same of times in milliseconds, as the text format has them, and in seconds, as OpenMetrics has them,
// where either was taken for the other: before 1973 in milliseconds is now in seconds, and after 5138 is now in milliseconds.
func milliseconds(at int64) int64 {
	switch {
	case at > 0 && at < 1e11:
		return at * 1000
	case at > 1e14:
		return at / 1000
	}
	return at
}

func same(a, b Sample) bool {
	if a.Histogram != nil || b.Histogram != nil {
		return a.Histogram != nil && b.Histogram != nil && a.Histogram.Equals(b.Histogram)
	}
	return a.Value == b.Value || math.IsNaN(a.Value) && math.IsNaN(b.Value)
}

// finish judges the samples by the types that the whole body gave, and puts what was odd into words. Cut is why there is no more
// of the body; "" when this is all that the agent sent.
func (r *reader) finish(cut string) Exposition {
	out := &r.out
	if r.cut && cut == "" {
		cut = "the metrics end too early; there may be more"
	}
	r.judge()
	oddly := func(n int, one, many string) {
		if n > 0 {
			r.odd(counted(n, one, many))
		}
	}
	oddly(r.twice, "has a label name twice, of which the first is kept", "have a label name twice, of which the first is kept")
	oddly(r.mended, "had invalid UTF-8, which is replaced", "had invalid UTF-8, which is replaced")
	oddly(r.infinite, "has a value beyond any number, shown as infinite", "have values beyond any number, shown as infinite")
	oddly(r.ahead, "is dated in the future", "are dated in the future")
	oddly(r.added, "is the bucket +Inf of a histogram that lacked it", "are the bucket +Inf of histograms that lacked it")
	oddly(r.coarser, "is a native histogram that was too fine, and was made coarser", "are native histograms that were too fine, and were made coarser")

	var notes []string
	none := len(out.Samples) == 0
	switch {
	case none && out.Dropped > 0:
		out.Why = notMetrics + "(unreadable)"
	case none:
		notes = append(notes, "the endpoint reports no series")
	case out.Old == len(out.Samples):
		notes = append(notes, "every series is older than 5 min")
	case out.Old > 0:
		notes = append(notes, counted(out.Old, "is older than 5 min and left out", "are older than 5 min and left out"))
	}
	if r.full {
		notes = append(notes, "only the first "+thousands(MaxSamples)+" series are kept")
	}
	if r.gaveUp && !none {
		notes = append(notes, "too many unreadable lines; the rest was not read")
	}
	if cut != "" && !none {
		notes = append(notes, cut)
	}
	if r.tooLong > 0 && !none {
		notes = append(notes, counted(r.tooLong, "has labels too long to keep", "have labels too long to keep"))
	}
	out.Note = strings.Join(notes, "; ")
	out.Partial = none || out.Dropped > 0 || out.Old > 0 || r.full || r.gaveUp || cut != ""
	return *out
}

const notMetrics = "not a metrics endpoint "

func counted(n int, one, many string) string {
	if n == 1 {
		return "1 series " + one
	}
	return thousands(n) + " series " + many
}

// thousands is a count as people read it: 50,000.
func thousands(n int) string {
	if n < 1000 {
		return strconv.Itoa(n)
	}
	return fmt.Sprintf("%s,%03d", thousands(n/1000), n%1000)
}

// mend is a set of labels without what makes it invalid: of a name that is there twice the first value is kept, as in the
// order in which the agent wrote them, and what is no UTF-8 is replaced. It may change the pairs.
func (r *reader) mend(pairs []labels.Label) labels.Labels {
	r.builder.Reset()
	var twice, mended bool
	valid := func(s string) string {
		if utf8.ValidString(s) {
			return s
		}
		mended = true
		return strings.ToValidUTF8(s, "\ufffd")
	}
	before := func(i int, name string) bool {
		return slices.ContainsFunc(pairs[:i], func(l labels.Label) bool { return l.Name == name })
	}
	if len(pairs) > 32 {
		names := make(map[string]int, len(pairs))
		for i, pair := range pairs {
			if _, known := names[valid(pair.Name)]; !known {
				names[valid(pair.Name)] = i
			}
		}
		before = func(i int, name string) bool { return names[name] < i }
	}
	for i := range pairs {
		pairs[i].Name = valid(pairs[i].Name)
		if before(i, pairs[i].Name) {
			twice = true
			continue
		}
		r.builder.Add(pairs[i].Name, valid(pairs[i].Value))
	}
	if twice {
		r.twice++
	}
	if mended {
		r.mended++
	}
	r.builder.Sort()
	return r.builder.Labels()
}

// fit is whether labels are as the samples' must be.
func fit(set labels.Labels) bool {
	_, twice := set.HasDuplicateLabelNames()
	return !twice && set.Get(model.MetricNameLabel) != "" && set.IsValid(model.UTF8Validation)
}
