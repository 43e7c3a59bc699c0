package chart

import (
	"bytes"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the golden files anew")

var now = time.Date(2026, 11, 21, 9, 17, 0, 0, time.UTC)

func percent(v float64) string { return fmt.Sprintf("%.3g %%", v*100) }

// wave has 61 values around a middle.
func wave(middle, height, length float64) []float64 {
	values := make([]float64, 61)
	for i := range values {
		values[i] = middle + height*math.Sin(float64(i)/length)
	}
	return values
}

func withGap(values []float64, from, to int) []float64 {
	for i := from; i < to; i++ {
		values[i] = math.NaN()
	}
	return values
}

// examples are charts as people see them.
func examples() map[string]Chart {
	errors := wave(0.002, 0.0015, 3)
	for i := 51; i <= 60; i++ {
		errors[i] += 0.0075 * float64(i-50)
	}
	base := Chart{
		Title: "error rate", Subtitle: "aster · last hour, UTC", Value: "7.3 %", From: now.Add(-time.Hour), To: now, Format: percent,
		Series: []Series{{Values: errors}}, Threshold: &Threshold{0.05, "alert above 5 %"}, Start: now.Add(-3 * time.Minute),
	}
	gap := base
	gap.Series = []Series{{Values: withGap(append([]float64(nil), errors...), 15, 33)}}
	gap.Series[0].Values[24] = 0.03
	ended := base
	ended.Value, ended.Series = "", []Series{{Values: withGap(append([]float64(nil), errors...), 54, 61)}}
	empty := base
	empty.Series, empty.Value, empty.Empty = nil, "", "not reported by this agent"
	several := base
	several.Title, several.Value, several.Format, several.Threshold = "APICallFailures", "", nil, &Threshold{30, "alert above 30"}
	several.Start = now.Add(-40 * time.Minute)
	several.Series = []Series{{"Bash", wave(20, 0, 1)}, {"Grep", wave(30, 8, 6)}, {"Read", wave(40, 16, 7)}, {"Übersetzung", withGap(wave(50, 24, 8), 30, 40)}}
	far := base
	far.Threshold, far.Start = &Threshold{5, "alert above 500 %"}, now.Add(-3*time.Hour)
	memory := base
	memory.Title, memory.Value, memory.Scale, memory.Threshold = "memory", "412 MiB", Binary, nil
	memory.Format = func(v float64) string { return fmt.Sprintf("%g MiB", v/(1<<20)) }
	memory.Series = []Series{{Values: wave(390<<20, 20<<20, 30)}}
	hostile := several
	hostile.Title = "Fehler 错误 🔥🔥 \x1b[31m\u202e<!channel> " + strings.Repeat("long ", 100)
	hostile.Subtitle, hostile.Value = strings.Repeat("長", 5000), strings.Repeat("9", 300)
	hostile.Series[0].Name, hostile.Series[1].Name = strings.Repeat("x", 10_000), "\xff\x00"
	hostile.Threshold = &Threshold{30, strings.Repeat("above ", 100)}
	return map[string]Chart{
		"error-rate": base, "gap": gap, "ended": ended, "empty": empty, "several": several, "far-threshold": far, "memory": memory, "hostile": hostile,
	}
}

// TestGolden compares pictures by what is seen: floats, and with them the shades of edges, differ between processors.
func TestGolden(t *testing.T) {
	for name, c := range examples() {
		got, err := PNG(c)
		require.NoError(t, err, name)
		again, err := PNG(c)
		require.NoError(t, err, name)
		assert.Equal(t, got, again, "%s: the same chart gives the same bytes", name)
		assert.Less(t, len(got), 100_000, name)
		file := filepath.Join("testdata", name+".png")
		if *update {
			require.NoError(t, os.WriteFile(file, got, 0o644))
		}
		want, err := os.ReadFile(file)
		require.NoError(t, err, "run with -update")
		assert.Less(t, different(decode(t, want), decode(t, got)), Width*Height/1000, "%s differs: run with -update, and look at it", name)
	}
}

func decode(t *testing.T, data []byte) image.Image {
	t.Helper()
	img, err := png.Decode(bytes.NewReader(data))
	require.NoError(t, err)
	require.Equal(t, image.Rect(0, 0, Width, Height), img.Bounds())
	return img
}

// different is how many pixels differ visibly.
func different(a, b image.Image) int {
	n := 0
	for y := range Height {
		for x := range Width {
			if distance(a.At(x, y), b.At(x, y)) > 0.1 {
				n++
			}
		}
	}
	return n
}

// distance is how far colours are from each other: 0..1.
func distance(a, b color.Color) float64 {
	r, g, bl, _ := a.RGBA()
	r2, g2, bl2, _ := b.RGBA()
	return max(math.Abs(float64(r)-float64(r2)), math.Abs(float64(g)-float64(g2)), math.Abs(float64(bl)-float64(bl2))) / 0xffff
}

// coloured are the columns in which the plot has a pixel of this colour.
func coloured(img image.Image, c color.Color) map[int]bool {
	columns := map[int]bool{}
	for x := range Width {
		for y := int(plotTop); y < int(plotBase); y++ {
			if distance(img.At(x, y), c) < 0.1 {
				columns[x] = true
			}
		}
	}
	return columns
}

func TestP9NoLineCrossesAGap(t *testing.T) {
	c := Chart{Title: "t", From: now.Add(-time.Hour), To: now, Series: []Series{{Values: withGap(wave(5, 2, 9), 20, 41)}}}
	c.Series[0].Values[25] = math.Inf(1)
	drawn, err := PNG(c)
	require.NoError(t, err)
	columns := coloured(decode(t, drawn), palette[0])
	p, err := newPicture()
	require.NoError(t, err)
	p.valueAxis(newAxis(c.Series, nil, Decimal), func(v float64) string { return fmt.Sprintf("%.3g", v) })
	for x := int(p.left) + 1; x < int(p.right); x++ {
		inGap := float64(x) > p.at(19, 61)+lineWidth && float64(x) < p.at(41, 61)-lineWidth
		known := float64(x) < p.at(19, 61) || float64(x) > p.at(41, 61)
		if inGap {
			assert.False(t, columns[x], "column %d is in the gap", x)
		} else if known {
			assert.True(t, columns[x], "column %d is known", x)
		}
	}
}

func TestP9NothingKnownSaysSo(t *testing.T) {
	base := Chart{Title: "t", From: now.Add(-time.Hour), To: now}
	var pictures [][]byte
	for _, series := range [][]Series{nil, {}, {{Name: "a"}}, {{Values: []float64{math.NaN(), math.Inf(1), math.Inf(-1), 1e301}}}} {
		c := base
		c.Series = series
		drawn, err := PNG(c)
		require.NoError(t, err)
		assert.Empty(t, coloured(decode(t, drawn), palette[0]), "there is no line")
		pictures = append(pictures, drawn)
	}
	for _, drawn := range pictures[1:] {
		assert.Equal(t, pictures[0], drawn)
	}
	c := base
	c.Empty = "no traffic"
	drawn, err := PNG(c)
	require.NoError(t, err)
	assert.NotEqual(t, pictures[0], drawn, "it says why")
}

func TestAxis(t *testing.T) {
	one := func(values ...float64) []Series { return []Series{{Values: values}} }
	for name, c := range map[string]struct {
		series    []Series
		threshold *Threshold
		scale     Scale
		ticks     []float64
		above     bool
	}{
		"begins with 0":              {one(400, 412), nil, Decimal, []float64{0, 100, 200, 300, 400}, false},
		"nothing but 0":              {one(0, 0), nil, Decimal, []float64{0, 0.5, 1}, false},
		"shows a threshold":          {one(0, 30), &Threshold{Value: 50}, Decimal, []float64{0, 20, 40}, false},
		"a threshold above nothing":  {one(0, 0), &Threshold{Value: 50}, Decimal, []float64{0, 20, 40}, false},
		"points to a far threshold":  {one(0, 1), &Threshold{Value: 50}, Decimal, []float64{0, 0.5, 1}, true},
		"negative":                   {one(-10, 10), nil, Decimal, []float64{-10, -5, 0, 5, 10}, false},
		"bytes by powers of two":     {one(412 << 20), nil, Binary, []float64{0, 128 << 20, 256 << 20, 384 << 20}, false},
		"minutes by those of clocks": {one(290), nil, Time, []float64{0, 120, 240}, false},
		"days":                       {one(86400 * 9), nil, Time, []float64{0, 2 * 86400, 4 * 86400, 6 * 86400, 8 * 86400}, false},
	} {
		a := newAxis(c.series, c.threshold, c.scale)
		assert.InDeltaSlice(t, c.ticks, a.ticks, 1e-9, name)
		assert.Equal(t, c.above, a.above, name)
		for _, s := range c.series {
			for _, v := range s.Values {
				assert.True(t, a.part(v) >= 0 && a.part(v) < 1, "%s: %v is within the picture", name, v)
			}
		}
	}
}

func TestTimeTicks(t *testing.T) {
	ticks := timeTicks(now.Add(-time.Hour), now)
	require.Len(t, ticks, 6)
	assert.Equal(t, "08:20", ticks[0].Format("15:04"))
	assert.Equal(t, "09:10", ticks[5].Format("15:04"))
	assert.Empty(t, timeTicks(now, now))
}

func TestLegible(t *testing.T) {
	p, err := newPen(regular, 20, color.White)
	require.NoError(t, err)
	for in, want := range map[string]string{
		"error rate":            "error rate",
		"Ошибки Fehlerquote µs": "Ошибки Fehlerquote µs",
		"e\u0301te\u0301":       "été",
		"错误":                    "…",
		"a 错误 🔥🔥 b":             "a … b",
		"\x1b[31mred\u202e":     "[31mred…",
		"\xffok":                "ok",
		"":                      "",
	} {
		assert.Equal(t, want, p.legible(in), "%q", in)
	}
	long := p.fitting(strings.Repeat("word ", 100_000), 300)
	assert.True(t, strings.HasSuffix(long, "…") && p.width(long) <= 300)
	assert.Empty(t, p.fitting("word", 1))
}

// TestContrast keeps what must be read legible: on the card, and the card's edge on a page as dark as the card.
func TestContrast(t *testing.T) {
	luminance := func(c color.RGBA) float64 {
		linear := func(v uint8) float64 {
			if s := float64(v) / 255; s <= 0.04045 {
				return s / 12.92
			} else {
				return math.Pow((s+0.055)/1.055, 2.4)
			}
		}
		return 0.2126*linear(c.R) + 0.7152*linear(c.G) + 0.0722*linear(c.B)
	}
	contrast := func(a, b color.RGBA) float64 {
		high, low := max(luminance(a), luminance(b)), min(luminance(a), luminance(b))
		return (high + 0.05) / (low + 0.05)
	}
	for _, text := range append([]color.RGBA{strong, quiet, danger, began}, palette[:]...) {
		assert.GreaterOrEqual(t, contrast(text, background), 4.5, "%v", text)
	}
	assert.GreaterOrEqual(t, contrast(baseColour, background), 3.0)
	slackLight, slackDark := color.RGBA{0xff, 0xff, 0xff, 0xff}, color.RGBA{0x1a, 0x1d, 0x21, 0xff}
	assert.GreaterOrEqual(t, contrast(frame, slackDark), 2.5)
	assert.GreaterOrEqual(t, contrast(background, slackLight), 10.0)
}

func TestSizeIsBounded(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	c := examples()["several"]
	for len(c.Series) < 50 {
		c.Series = append(c.Series, Series{Name: "x"})
	}
	for i := range c.Series {
		c.Series[i].Values = make([]float64, 20_000)
		for j := range c.Series[i].Values {
			c.Series[i].Values[j] = random.Float64()
		}
	}
	drawn, err := PNG(c)
	require.NoError(t, err)
	assert.Less(t, len(drawn), 100_000)
}

func FuzzPNG(f *testing.F) {
	f.Add("error rate", "5 %", 0.05, 1.0, 2.0, 3.0, int64(60), int64(-3), 0)
	f.Add("错误", "\xff", math.Inf(1), math.NaN(), 1e308, -1e308, int64(0), int64(1<<40), 1)
	f.Add("", "", -1.0, 5e-324, 1e299, -1e299, int64(-5), int64(0), 2)
	f.Fuzz(func(t *testing.T, title, label string, limit, a, b, c float64, minutes, start int64, scale int) {
		minutes %= 1 << 30
		drawn, err := PNG(Chart{
			Title: title, Subtitle: label, Value: label, From: now.Add(-time.Duration(minutes) * time.Minute), To: now,
			Series:    []Series{{title, []float64{a, b, math.NaN(), c}}, {label, []float64{b, a}}},
			Threshold: &Threshold{limit, label}, Start: now.Add(time.Duration(start%(1<<30)) * time.Minute), Scale: Scale(scale % 3), Empty: label,
		})
		require.NoError(t, err)
		assert.Less(t, len(drawn), 100_000)
	})
}

// BenchmarkPNG says how long one chart takes: a page may wait for several.
func BenchmarkPNG(b *testing.B) {
	for _, name := range []string{"error-rate", "several"} {
		c := examples()[name]
		b.Run(name, func(b *testing.B) {
			size := 0
			for b.Loop() {
				drawn, err := PNG(c)
				if err != nil {
					b.Fatal(err)
				}
				size = len(drawn)
			}
			b.ReportMetric(float64(size), "bytes")
		})
	}
}
