package chart

import (
	"bytes"
	"fmt"
	"image/png"
	"math"
	"time"
)

// Chart is what is to be drawn. Every text may hold anything: what the font lacks is left out, what is too long is cut.
type Chart struct {
	// Title says what is drawn, Subtitle of what and when: "error rate", "aster · last hour, UTC".
	Title, Subtitle string
	// Value is the newest value in words, "7.3 %"; empty where several series have one each.
	Value string
	// From and To are the ends of the time axis. Times are written in UTC.
	From, To time.Time
	// Series are drawn in this order; those beyond MostSeries are left out.
	Series []Series
	// Threshold is nil when there is none.
	Threshold *Threshold
	// Start is when the alert began to fire; zero when that is not to be marked.
	Start time.Time
	// Scale is by which steps the value axis goes, Format how a value is written; nil is plain digits.
	Scale  Scale
	Format func(float64) string
	// Empty is said when no value is known; empty is "no data".
	Empty string
}

// Series is one line.
type Series struct {
	// Name is told only where there are several.
	Name string
	// Values are evenly spaced: the first is at Chart.From, the last at Chart.To. What is not finite is not known.
	Values []float64
}

// Threshold is a line that the value should stay on one side of.
type Threshold struct {
	Value float64
	// Label says so: "alert above 5 %".
	Label string
}

// Scale is by which steps a value axis goes.
type Scale int

const (
	// Decimal steps are 1, 2 and 5, and these times a power of ten.
	Decimal Scale = iota
	// Binary steps are powers of two: for bytes.
	Binary
	// Time steps are those of a clock: for seconds.
	Time
)

// What bounds the picture. It is drawn at twice the size at which it is shown, so that it is sharp on every screen.
const (
	Width  = 960
	Height = 480
	// MostSeries is how many lines can be told apart.
	MostSeries = 4
	mostValues = 500
)

// PNG draws the chart. The picture is Width by Height pixels and has less than 100 KB. An error is a mistake in this program.
func PNG(c Chart) ([]byte, error) {
	c.Series = append([]Series(nil), c.Series[:min(len(c.Series), MostSeries)]...)
	for i, s := range c.Series {
		c.Series[i].Values = usable(s.Values)
	}
	if c.Format == nil {
		c.Format = func(v float64) string { return fmt.Sprintf("%.3g", v) }
	}
	if c.Threshold != nil && !known(c.Threshold.Value) {
		c.Threshold = nil
	}
	p, err := newPicture()
	if err != nil {
		return nil, err
	}
	p.draw(c)
	var out bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestSpeed}
	if err := encoder.Encode(&out, reduced(p.image)); err != nil {
		return nil, fmt.Errorf("encoding the chart: %w", err)
	}
	return out.Bytes(), nil
}

// usable are the values that can be drawn; what cannot be is NaN. Of too many the newest are kept.
func usable(values []float64) []float64 {
	values = append([]float64(nil), values[max(0, len(values)-mostValues):]...)
	for i, v := range values {
		if !known(v) {
			values[i] = math.NaN()
		}
	}
	return values
}

// known is whether a number can be drawn. Sums of numbers near the largest float would not be finite.
func known(v float64) bool { return !math.IsNaN(v) && math.Abs(v) < 1e300 }
