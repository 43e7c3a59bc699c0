package chart

import (
	"fmt"
	"image"
	"image/color"
	"strings"
	"sync"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
	"golang.org/x/text/unicode/norm"
)

// The Go fonts have Latin, Greek and Cyrillic letters: https://go.dev/blog/go-fonts. They are read once.
var (
	regular = sync.OnceValues(func() (*sfnt.Font, error) { return opentype.Parse(goregular.TTF) })
	bold    = sync.OnceValues(func() (*sfnt.Font, error) { return opentype.Parse(gobold.TTF) })
)

// pen writes in one font, size and colour. It serves one picture: a face cannot be shared.
type pen struct {
	font   *sfnt.Font
	face   font.Face
	colour color.Color
	buffer sfnt.Buffer
}

func newPen(parsed func() (*sfnt.Font, error), pixels float64, colour color.Color) (*pen, error) {
	f, err := parsed()
	if err != nil {
		return nil, fmt.Errorf("reading the font: %w", err)
	}
	// At 72 dots in an inch a point is a pixel.
	face, err := opentype.NewFace(f, &opentype.FaceOptions{Size: pixels, DPI: 72, Hinting: font.HintingNone})
	if err != nil {
		return nil, fmt.Errorf("sizing the font: %w", err)
	}
	return &pen{font: f, face: face, colour: colour}, nil
}

const (
	// mostLetters is more than fits into the picture.
	mostLetters = 300
	cut         = '…'
)

// legible is what of a text can be written: a stretch that the font has no letters for, such as Chinese, is one "…".
func (p *pen) legible(text string) string {
	if len(text) > 4*mostLetters {
		text = text[:4*mostLetters]
	}
	var out strings.Builder
	missing, last := false, ' '
	for _, r := range norm.NFC.String(strings.ToValidUTF8(text, "")) {
		if r < ' ' || r == 0x7f || r == '\u00a0' {
			r = ' '
		}
		if index, err := p.font.GlyphIndex(&p.buffer, r); err != nil || index == 0 {
			r = cut
		}
		switch {
		case r == cut && missing, r == ' ' && last == ' ':
			continue
		case r != ' ':
			missing = r == cut
		}
		out.WriteRune(r)
		last = r
	}
	return strings.TrimSpace(out.String())
}

// fitting is as much of a text as has room, in pixels.
func (p *pen) fitting(text string, room float64) string {
	text = p.legible(text)
	if p.width(text) <= room {
		return text
	}
	letters := []rune(text)
	letters = letters[:min(len(letters), mostLetters)]
	for len(letters) > 0 {
		letters = letters[:len(letters)-1]
		if short := strings.TrimRight(string(letters), " …") + string(cut); p.width(short) <= room {
			return short
		}
	}
	return ""
}

// width is how many pixels a legible text takes.
func (p *pen) width(text string) float64 {
	return float64(font.MeasureString(p.face, text)) / 64
}

// write puts a legible text with the left end of its base line at the place.
func (p *pen) write(c *canvas, text string, at point) {
	d := font.Drawer{
		Dst:  c.image,
		Src:  image.NewUniform(p.colour),
		Face: p.face,
		Dot:  fixed.Point26_6{X: fixed.Int26_6(at.x * 64), Y: fixed.Int26_6(at.y * 64)},
	}
	d.DrawString(text)
}
