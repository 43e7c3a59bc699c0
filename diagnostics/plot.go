package diagnostics

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/alertvitals/notifier/diagnostics/chart"
)

// unknownValue is a gap in a line.
var unknownValue = math.NaN()

// plot is a chart before it is drawn: what package chart draws, in the words of the vitals.
type plot struct {
	// name is what is drawn, of whose it is; own is whether it is the alert's own expression, source who knows it.
	name, of, source string
	own              bool
	unit             Unit
	// value is the newest value in words, "" when it is not known.
	value   string
	lines   []chart.Series
	moments moments
	start   time.Time
	// remark qualifies the values; empty says why there are none.
	remark, empty string
	threshold     *chart.Threshold
}

// fewestCharted is of how many moments something must be known before a chart shows how it went.
const fewestCharted = 5

// worthALook is whether some line is more than a few dots.
func (p *plot) worthALook() bool {
	return slices.ContainsFunc(p.lines, func(line chart.Series) bool {
		known := 0
		for _, v := range line.Values {
			if finite(v) {
				known++
			}
		}
		return known >= fewestCharted
	})
}

// limit marks from where on a value is bad.
func (p *plot) limit(word, op string, limit float64) {
	side := map[string]string{">": "above", ">=": "from", "<": "below", "<=": "up to", "==": "at", "!=": "unless at"}[op]
	p.threshold = &chart.Threshold{Value: limit, Label: word + " " + side + " " + Format(limit, p.unit)}
}

func (p *plot) draw() (Chart, error) {
	scale := map[Unit]chart.Scale{Bytes: chart.Binary, Seconds: chart.Time}[p.unit]
	under := []string{p.of, "last hour, UTC"}
	if p.own {
		under = []string{p.of, "the alert's expression, " + p.source, "UTC"}
	}
	if p.remark != "" {
		under = append(under, p.remark)
	}
	png, err := chart.PNG(chart.Chart{
		Title:     p.name,
		Subtitle:  strings.Join(under, " · "),
		Value:     p.value,
		From:      p.moments.first,
		To:        p.moments.last(),
		Series:    p.lines,
		Threshold: p.threshold,
		Start:     p.start,
		Scale:     scale,
		Format:    func(v float64) string { return Format(v, p.unit) },
		Empty:     p.empty,
	})
	if err != nil {
		return Chart{}, fmt.Errorf("drawing %q: %w", p.name, err)
	}
	return Chart{Title: p.name + ", last hour", Alt: p.alt(), PNG: png}, nil
}

// alt says what the picture shows: "error rate of aster in the last hour: 0.1 % to 7.6 %, now 7.3 %; warning above 5 %; fired
// 09:14 UTC; 13 min are not known".
func (p *plot) alt() string {
	what := p.name + " of " + p.of + " in the last hour"
	if p.own {
		what = "the expression of " + what + ", " + p.source
	}
	var parts []string
	for _, line := range p.lines {
		low, high, unknown := math.Inf(1), math.Inf(-1), 0
		for _, v := range line.Values {
			if finite(v) {
				low, high = min(low, v), max(high, v)
			} else {
				unknown++
			}
		}
		if unknown == len(line.Values) {
			continue
		}
		text := Format(low, p.unit)
		if most := Format(high, p.unit); most != text {
			text += " to " + most
		}
		if line.Name != "" {
			text = line.Name + " " + text
		}
		if last := line.Values[len(line.Values)-1]; finite(last) {
			now := p.value
			if now == "" {
				now = Format(last, p.unit)
			}
			text += ", now " + now
		}
		if unknown > 0 {
			text += ", " + Format((time.Duration(unknown)*p.moments.step).Seconds(), Seconds) + " are not known"
		}
		parts = append(parts, text)
	}
	if len(parts) == 0 {
		return what + ": " + p.empty
	}
	if p.threshold != nil {
		parts = append(parts, p.threshold.Label)
	}
	if p.remark != "" {
		parts = append(parts, p.remark)
	}
	if !p.start.IsZero() {
		parts = append(parts, "fired "+p.start.UTC().Format("15:04")+" UTC")
	}
	return what + ": " + strings.Join(parts, "; ")
}
