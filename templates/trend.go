package templates

import (
	"strings"
	"time"

	"github.com/alertvitals/notifier/diagnostics"
)

// shortestTrend is how long a trend must be to be told, and fewestKnown how many of its values must be known.
const (
	shortestTrend = 15 * time.Minute
	fewestKnown   = 4
)

// notKnown stands in a trend where the value is not known: it is no bar, not even the lowest.
const notKnown = '·'

// bars are from 0 to the highest value.
var bars = []rune("▁▂▃▄▅▆▇█")

// trend draws the vital that matters most to the alert: "▁▁▂▂▁▂▆█ error rate, last hour: 0.1 % to 7.3 %"; "" when none has
// a history that is long enough to mean something, or none matters more than the others.
func trend(s *diagnostics.Snapshot, topics []string) string {
	best, rank := "", 3
	// Of an agent that has been silent for long, the hour is not the last one.
	var until time.Time
	if !s.Metrics.OK && s.TakenAt.Sub(s.Metrics.At) >= diagnostics.TrendStep {
		until = s.Metrics.At
	}
	for _, v := range s.Vitals {
		r := 2
		switch {
		case diagnostics.About(v.Topics, topics):
			r = 0
		case v.State == diagnostics.StateCritical:
			r = 1
		case v.State != diagnostics.StateWarning:
			continue
		}
		if text := trendOf(v, until); text != "" && r < rank {
			best, rank = text, r
		}
	}
	return best
}

// trendOf is the trend of one vital. It ends now, or where until is not zero at that time.
func trendOf(v diagnostics.Vital, until time.Time) string {
	values := v.Trend
	for len(values) > 0 && values[0] == nil {
		values = values[1:]
	}
	span := time.Duration(len(values)-1) * diagnostics.TrendStep
	low, high, known := 0.0, 0.0, 0
	for _, value := range values {
		if value == nil {
			continue
		}
		if known++; known == 1 {
			low, high = *value, *value
		}
		low, high = min(low, *value), max(high, *value)
	}
	// Bars are parts of the highest value, of which a negative one is none; and a line that is always 0 says nothing.
	if v.Value == nil || known < fewestKnown || span < shortestTrend || low < 0 || high == 0 {
		return ""
	}
	drawn := make([]rune, len(values))
	for i, value := range values {
		if drawn[i] = notKnown; value != nil {
			drawn[i] = bars[min(int(*value/high*float64(len(bars))), len(bars)-1)]
		}
	}
	text := string(drawn) + " " + v.Name + ", " + spanOf(span, until)
	least, most := diagnostics.Format(low, v.Unit), diagnostics.Format(high, v.Unit)
	if v.Bound == ">" && most == diagnostics.Format(*v.Value, v.Unit) {
		most = v.Bound + " " + most
	}
	if least != most {
		least += " to " + most
	}
	text += ": " + least
	if strings.ContainsRune(string(drawn), notKnown) {
		text += " (" + string(notKnown) + " not known)"
	}
	return oneLine(text)
}

// spanOf is "last hour", or how long it really is, and until when.
func spanOf(span time.Duration, until time.Time) string {
	long := ago(span)
	if span >= time.Hour-diagnostics.TrendStep {
		long = "hour"
	}
	if !until.IsZero() {
		return "the " + long + " to " + until.UTC().Format("15:04") + " UTC"
	}
	return "last " + long
}
