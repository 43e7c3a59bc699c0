package chart

import (
	"fmt"
	"image/color"
	"math"
	"time"
)

// The colours of a card that brings its own background: what it shows is as legible on a white page as on a black one.
// Each has a contrast of at least 4.5 to the background where it is text, and of 3 where it is a line that matters
// (https://www.w3.org/TR/WCAG21/#contrast-minimum, #non-text-contrast).
var (
	background = color.RGBA{0x22, 0x27, 0x30, 0xff}
	frame      = color.RGBA{0x5b, 0x66, 0x75, 0xff}
	gridColour = color.RGBA{0x39, 0x41, 0x4d, 0xff}
	baseColour = color.RGBA{0x6b, 0x77, 0x88, 0xff}
	strong     = color.RGBA{0xf5, 0xf7, 0xfa, 0xff}
	quiet      = color.RGBA{0xb4, 0xbf, 0xcc, 0xff}
	danger     = color.RGBA{0xff, 0x8f, 0x85, 0xff}
	began      = color.RGBA{0xff, 0xd8, 0x66, 0xff}
	palette    = [MostSeries]color.RGBA{
		{0x66, 0xc0, 0xff, 0xff}, {0xff, 0xb3, 0x5c, 0xff}, {0x7f, 0xe3, 0xab, 0xff}, {0xdd, 0xae, 0xff, 0xff},
	}
	// tag is behind labels that stand on lines.
	tag = color.NRGBA{0x22, 0x27, 0x30, 0xd8}
)

// Sizes, in pixels of the picture.
const (
	margin    = 28.0
	titleBase = 56.0
	underBase = 92.0
	plotTop   = 118.0
	legendTop = 40.0 // what a legend adds
	plotBase  = Height - 58.0
	lineWidth = 5.0
)

type picture struct {
	*canvas
	title, value, under, label, danger, began, empty *pen
	names                                            [MostSeries]*pen
	// left, top, right and bottom bound the plot.
	left, top, right, bottom float64
	// taken is where the label of the start is, nil when there is none.
	taken *label
}

// label is the room that one takes.
type label struct{ left, right, middle float64 }

func newPicture() (*picture, error) {
	p := &picture{canvas: newCanvas(Width, Height, background), top: plotTop, right: Width - margin, bottom: plotBase}
	var err error
	pens := []struct {
		pen    **pen
		bold   bool
		size   float64
		colour color.Color
	}{
		{&p.title, true, 36, strong},
		{&p.value, true, 44, strong},
		{&p.under, false, 25, quiet},
		{&p.label, false, 25, quiet},
		{&p.danger, false, 25, danger},
		{&p.began, false, 25, began},
		{&p.empty, false, 32, quiet},
		{&p.names[0], false, 25, palette[0]},
		{&p.names[1], false, 25, palette[1]},
		{&p.names[2], false, 25, palette[2]},
		{&p.names[3], false, 25, palette[3]},
	}
	for _, one := range pens {
		font := regular
		if one.bold {
			font = bold
		}
		if *one.pen, err = newPen(font, one.size, one.colour); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func (p *picture) draw(c Chart) {
	p.heading(c)
	if nothing(c.Series) || !c.To.After(c.From) {
		p.nothing(c)
		p.border()
		return
	}
	if len(c.Series) > 1 {
		p.legend(c.Series)
		p.top += legendTop
	}
	a := newAxis(c.Series, c.Threshold, c.Scale)
	p.valueAxis(a, c.Format)
	p.timeAxis(c.From, c.To)
	p.gaps(a, c)
	p.firing(c)
	if c.Threshold != nil && !a.above && !a.below {
		y := p.y(a, c.Threshold.Value)
		p.dashes(3.5, 16, 11, point{p.left, y}, point{p.right, y})
		p.fill(danger)
	}
	for i, s := range c.Series {
		p.curve(a, i, s.Values, len(c.Series) == 1)
	}
	p.start(a, c)
	if c.Threshold != nil {
		p.threshold(a, c)
	}
	p.border()
}

func nothing(series []Series) bool {
	for _, s := range series {
		for _, v := range s.Values {
			if known(v) {
				return false
			}
		}
	}
	return true
}

func (p *picture) heading(c Chart) {
	room := Width - 2*margin
	if c.Value != "" {
		value := p.value.fitting(c.Value, room/2)
		width := p.value.width(value)
		p.value.write(p.canvas, value, point{Width - margin - width, titleBase + 4})
		room -= width + 24
	}
	p.title.write(p.canvas, p.title.fitting(c.Title, room), point{margin, titleBase})
	p.under.write(p.canvas, p.under.fitting(c.Subtitle, Width-2*margin), point{margin, underBase})
}

// nothing says that there is nothing to draw.
func (p *picture) nothing(c Chart) {
	text := c.Empty
	if text == "" {
		text = "no data"
	}
	text = p.empty.fitting(text, Width-4*margin)
	middle := (p.top + Height - margin) / 2
	p.rounded(margin, p.top, Width-margin, Height-margin, 12)
	p.fill(color.NRGBA{gridColour.R, gridColour.G, gridColour.B, 0x60})
	p.empty.write(p.canvas, text, point{(Width - p.empty.width(text)) / 2, middle + 10})
}

func (p *picture) border() {
	const w = 2
	p.box(0, 0, Width, w, frame)
	p.box(0, Height-w, Width, Height, frame)
	p.box(0, 0, w, Height, frame)
	p.box(Width-w, 0, Width, Height, frame)
}

func (p *picture) legend(series []Series) {
	x, y := margin, plotTop+14
	room := (Width-2*margin)/float64(len(series)) - 44
	for i, s := range series {
		p.marker(i, point{x + 12, y - 9})
		name := p.names[i].fitting(s.Name, room)
		if name == "" {
			name = fmt.Sprint(i + 1)
		}
		p.names[i].write(p.canvas, name, point{x + 30, y})
		x += 30 + p.names[i].width(name) + 30
	}
}

// marker is the sign of a series: nobody depends on its colour alone.
func (p *picture) marker(i int, at point) {
	const r = 9.0
	switch i {
	case 0:
		p.dot(at, r)
	case 1:
		p.shapes = append(p.shapes, []point{{at.x - r + 1, at.y - r + 1}, {at.x + r - 1, at.y - r + 1}, {at.x + r - 1, at.y + r - 1}, {at.x - r + 1, at.y + r - 1}})
	case 2:
		p.shapes = append(p.shapes, []point{{at.x, at.y - r - 1}, {at.x + r + 1, at.y + r - 1}, {at.x - r - 1, at.y + r - 1}})
	default:
		p.shapes = append(p.shapes, []point{{at.x, at.y - r - 2}, {at.x + r + 2, at.y}, {at.x, at.y + r + 2}, {at.x - r - 2, at.y}})
	}
	p.fill(palette[i])
}

func (p *picture) valueAxis(a axis, format func(float64) string) {
	labels := make([]string, len(a.ticks))
	widest := 0.0
	for i, tick := range a.ticks {
		labels[i] = p.label.fitting(format(tick), Width/4)
		widest = max(widest, p.label.width(labels[i]))
	}
	p.left = math.Round(margin + widest + 14)
	for _, tick := range a.ticks {
		y := math.Round(p.y(a, tick))
		p.box(p.left, y-1, p.right, y+1, gridColour)
	}
	zero := math.Round(p.y(a, 0))
	p.box(p.left, zero-1.5, p.right, zero+1.5, baseColour)
	for i, tick := range a.ticks {
		p.label.write(p.canvas, labels[i], point{p.left - 14 - p.label.width(labels[i]), p.y(a, tick) + 8})
	}
}

func (p *picture) timeAxis(from, to time.Time) {
	layout := "15:04"
	if to.Sub(from) > 24*time.Hour {
		layout = "2 Jan 15:04"
	}
	end := 0.0
	for _, t := range timeTicks(from, to) {
		x := p.x(from, to, t)
		text := t.UTC().Format(layout)
		width := p.label.width(text)
		at := min(max(x-width/2, margin), Width-margin-width)
		if at < end+20 {
			continue
		}
		end = at + width
		p.box(math.Round(x)-1, p.bottom, math.Round(x)+1, p.bottom+8, baseColour)
		p.label.write(p.canvas, text, point{at, p.bottom + 36})
	}
}

func (p *picture) x(from, to, t time.Time) float64 {
	return p.left + (p.right-p.left)*float64(t.Sub(from))/float64(to.Sub(from))
}

func (p *picture) y(a axis, v float64) float64 { return p.bottom - (p.bottom-p.top)*a.part(v) }

// at is where the i-th of n values is from left to right.
func (p *picture) at(i, n int) float64 {
	if n < 2 {
		return p.right
	}
	return p.left + (p.right-p.left)*float64(i)/float64(n-1)
}

// gaps says of a long stretch that nothing is known of it.
func (p *picture) gaps(a axis, c Chart) {
	n := len(c.Series[0].Values)
	unknown := func(i int) bool {
		for _, s := range c.Series {
			if len(s.Values) != n || known(s.Values[i]) {
				return false
			}
		}
		return true
	}
	const text = "no data"
	width, base := p.label.width(text), (p.top+p.bottom)/2+8
	if c.Threshold != nil && math.Abs(p.y(a, c.Threshold.Value)-base+8) < 30 {
		base += 48
	}
	for i := 0; i < n; i++ {
		first := i
		for i < n && unknown(i) {
			i++
		}
		if i == first {
			continue
		}
		left, right := p.at(max(first-1, 0), n), p.at(min(i, n-1), n)
		p.box(left, p.top, right, p.bottom, color.NRGBA{gridColour.R, gridColour.G, gridColour.B, 0x70})
		if right-left > width+16 {
			p.label.write(p.canvas, text, point{(left + right - width) / 2, base})
		}
	}
}

func (p *picture) curve(a axis, series int, values []float64, alone bool) {
	n := len(values)
	var last point
	for i := 0; i < n; i++ {
		var points []point
		for ; i < n && known(values[i]); i++ {
			points = append(points, point{p.at(i, n), p.y(a, values[i])})
		}
		if len(points) == 0 {
			continue
		}
		last = points[len(points)-1]
		if alone && len(points) > 1 {
			p.area(a, points)
		}
		p.line(lineWidth, points...)
		if len(points) == 1 {
			p.dot(points[0], lineWidth)
		}
		p.fill(palette[series])
	}
	if n > 0 && known(values[n-1]) {
		p.marker(series, last)
	}
}

// area is what lies between the line and 0.
func (p *picture) area(a axis, points []point) {
	zero := p.y(a, 0)
	shape := append([]point{{points[0].x, zero}}, points...)
	p.shapes = append(p.shapes, append(shape, point{points[len(points)-1].x, zero}))
	p.fill(color.NRGBA{palette[0].R, palette[0].G, palette[0].B, 0x24})
}

// firing shades the time since the alert began.
func (p *picture) firing(c Chart) {
	if c.Start.Before(c.From) || c.Start.After(c.To) {
		return
	}
	x := p.x(c.From, c.To, c.Start)
	p.box(x, p.top, p.right, p.bottom, color.NRGBA{began.R, began.G, began.B, 0x16})
}

// start marks when the alert began; of an earlier time than the picture shows it says so.
func (p *picture) start(a axis, c Chart) {
	if c.Start.IsZero() || c.Start.After(c.To) {
		return
	}
	layout := "15:04"
	if c.To.Sub(c.Start) > 20*time.Hour {
		layout = "2 Jan 15:04"
	}
	text := "fired " + c.Start.UTC().Format(layout)
	if c.Start.Before(c.From) {
		text = "← " + text
		p.tagged(p.began, text, p.left+10, p.top+26)
		p.taken = &label{p.left + 10, p.left + 10 + p.began.width(text), p.top + 18}
		return
	}
	x := math.Round(p.x(c.From, c.To, c.Start))
	p.box(x-1.5, p.top-4, x+1.5, p.bottom, began)
	width := p.began.width(text)
	at := x + 12
	if at+width > p.right {
		at = x - 12 - width
	}
	best, y := -1.0, 0.0
	for _, base := range []float64{p.top + 26, p.bottom - 16, (p.top + p.bottom) / 2} {
		if free := min(p.free(a, c, at, at+width, base-8), 40); free > best {
			best, y = free, base
		}
	}
	p.tagged(p.began, text, at, y)
	p.taken = &label{at, at + width, y - 8}
}

// tagged writes a label that stays legible on lines.
func (p *picture) tagged(pen *pen, text string, x, y float64) {
	p.rounded(x-7, y-24, x+pen.width(text)+7, y+9, 6)
	p.fill(tag)
	pen.write(p.canvas, text, point{x, y})
}

// threshold names the dashed line, on the side where the values leave it room, or says where it would be.
func (p *picture) threshold(a axis, c Chart) {
	text := c.Threshold.Label
	switch {
	case a.above:
		text = "↑ " + text
	case a.below:
		text = "↓ " + text
	}
	text = p.danger.fitting(text, (p.right-p.left)*0.6)
	width := p.danger.width(text)
	if a.above || a.below {
		y := p.top + 60
		if a.below {
			y = p.bottom - 14
		}
		p.tagged(p.danger, text, p.left+10, y)
		return
	}
	y := p.y(a, c.Threshold.Value)
	best, bestX, bestY := -1.0, 0.0, 0.0
	for _, base := range []float64{y - 12, y + 30} {
		if base-24 < p.top || base+9 > p.bottom {
			continue
		}
		for _, x := range []float64{p.left + 12, p.right - 16 - width, (p.left + p.right - width) / 2} {
			if free := p.free(a, c, x, x+width, base-8); free > best+4 {
				best, bestX, bestY = free, x, base
			}
		}
	}
	if best < 0 {
		bestX, bestY = p.left+12, max(y-12, p.top+26)
	}
	p.tagged(p.danger, text, bestX, bestY)
}

// free is how far what is drawn stays away from a label whose middle is at this height.
func (p *picture) free(a axis, c Chart, left, right, middle float64) float64 {
	free := p.bottom - p.top
	for _, s := range c.Series {
		n := len(s.Values)
		for i, v := range s.Values {
			if x := p.at(i, n); known(v) && x > left-12 && x < right+12 {
				free = min(free, math.Abs(p.y(a, v)-middle))
			}
		}
	}
	if l := p.taken; l != nil && l.right > left-12 && l.left < right+12 {
		free = min(free, math.Abs(l.middle-middle)/4) // worse than to lie on a line
	}
	if !c.Start.Before(c.From) && left < p.x(c.From, c.To, c.Start) && right > p.x(c.From, c.To, c.Start) {
		free = min(free, 12)
	}
	return free
}
