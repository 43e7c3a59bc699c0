package chart

import (
	"cmp"
	"image"
	"image/color"
	"slices"
)

// mostColours is what a PNG's palette has room for.
const mostColours = 256

// reduced is the image with a palette, which makes it four times smaller to compress. Of colours that are so alike that they
// share a place one stands for all: smooth edges lose a shade, plain areas lose nothing.
func reduced(img *image.RGBA) *image.Paletted {
	counts := map[uint32]int{}
	last, run := uint32(0), 0
	for i := 0; i < len(img.Pix); i += 4 {
		if c := packed(img.Pix[i:]); c != last {
			counts[last] += run
			last, run = c, 0
		}
		run++
	}
	counts[last] += run
	delete(counts, 0) // what stood for "none yet"
	colours := make([]uint32, 0, len(counts))
	for c := range counts {
		colours = append(colours, c)
	}
	slices.SortFunc(colours, func(a, b uint32) int { return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b)) })
	var places map[uint32]uint8
	var palette color.Palette
	for mask, fits := uint32(0), false; !fits; mask = mask<<1 | 0x010101 {
		palette, places, fits = grouped(colours, mask)
	}
	out := image.NewPaletted(img.Bounds(), palette)
	last = 0
	place := uint8(0)
	for i := range out.Pix {
		if c := packed(img.Pix[4*i:]); c != last {
			last, place = c, places[c]
		}
		out.Pix[i] = place
	}
	return out
}

// ownPlaces is how many of the most frequent colours are kept as they are: there are far fewer plain areas than that.
const ownPlaces = 96

// grouped gives each colour its place in a palette: the most frequent one of its own, the others one for all that differ only
// in the masked bits; fits is false when it takes too many. The colours begin with the most frequent.
func grouped(colours []uint32, mask uint32) (palette color.Palette, places map[uint32]uint8, fits bool) {
	places = make(map[uint32]uint8, len(colours))
	groups := map[uint32]uint8{}
	for i, c := range colours {
		place, known := groups[c&^mask]
		if !known || i < ownPlaces {
			if len(palette) == mostColours {
				return nil, nil, false
			}
			place = uint8(len(palette))
			groups[c&^mask] = place
			palette = append(palette, color.RGBA{uint8(c >> 16), uint8(c >> 8), uint8(c), 0xff})
		}
		places[c] = place
	}
	return palette, places, true
}

// packed is an opaque pixel as one number.
func packed(pixel []uint8) uint32 {
	return 0xff000000 | uint32(pixel[0])<<16 | uint32(pixel[1])<<8 | uint32(pixel[2])
}
