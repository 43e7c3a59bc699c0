package diagnostics

import (
	"sync"
	"time"
)

// textAgainFor is how long an agent whose protobuf helped nothing is asked for text.
const textAgainFor = time.Hour

// accept is what the metrics are asked for as. Text is the default: it is what people see with curl, what every agent has, and
// what can be read best when something in it is broken. Only native histograms need protobuf. No escaping parameter is sent, so
// that names come as the text format has always had them: with underscores.
// https://prometheus.io/docs/instrumenting/content_negotiation/
func accept(protobuf bool) string {
	if protobuf {
		return "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=1," +
			"text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
	}
	return "text/plain;version=0.0.4;q=1,*/*;q=0.1"
}

// format is in which format an agent is asked for its metrics: text, until that shows a histogram without buckets, as text shows
// native ones; from then on protobuf, as long as that has native histograms.
type format struct {
	mu       sync.Mutex
	wanted   bool
	notUntil time.Time
}

func (f *format) protobuf() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.wanted
}

// learn draws the conclusions from a scrape in the format that was asked for.
func (f *format) learn(protobuf bool, got scraped) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case !protobuf && got.Hidden && !got.at.Before(f.notUntil):
		f.wanted = true
	case protobuf && got.answered && got.Native == 0:
		f.wanted, f.notUntil = false, got.at.Add(textAgainFor)
	}
}
