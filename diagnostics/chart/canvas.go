package chart

import (
	"image"
	"image/color"
	"image/draw"
	"math"

	"golang.org/x/image/vector"
)

// point is a place in the picture, in pixels from its upper left corner.
type point struct{ x, y float64 }

// canvas is an image and how to fill shapes in it. Edges are smooth.
type canvas struct {
	image *image.RGBA
	// shapes are closed, and all turn the same way: where they overlap they are one.
	shapes [][]point
}

func newCanvas(width, height int, background color.Color) *canvas {
	c := &canvas{image: image.NewRGBA(image.Rect(0, 0, width, height))}
	draw.Draw(c.image, c.image.Bounds(), image.NewUniform(background), image.Point{}, draw.Src)
	return c
}

// box paints a rectangle at once, with its edges between pixels.
func (c *canvas) box(x0, y0, x1, y1 float64, paint color.Color) {
	box := image.Rect(int(math.Round(x0)), int(math.Round(y0)), int(math.Round(x1)), int(math.Round(y1)))
	draw.Draw(c.image, box, image.NewUniform(paint), image.Point{}, draw.Over)
}

// rounded adds a rectangle with round corners.
func (c *canvas) rounded(x0, y0, x1, y1, radius float64) {
	var shape []point
	for i, corner := range []point{{x1 - radius, y0 + radius}, {x1 - radius, y1 - radius}, {x0 + radius, y1 - radius}, {x0 + radius, y0 + radius}} {
		for step := range 9 {
			angle := (float64(i) - 1 + float64(step)/8) * math.Pi / 2
			shape = append(shape, point{corner.x + radius*math.Cos(angle), corner.y + radius*math.Sin(angle)})
		}
	}
	c.shapes = append(c.shapes, shape)
}

// dot adds a circle.
func (c *canvas) dot(at point, radius float64) {
	shape := make([]point, 20)
	for i := range shape {
		angle := float64(i) * 2 * math.Pi / float64(len(shape))
		shape[i] = point{at.x + radius*math.Cos(angle), at.y + radius*math.Sin(angle)}
	}
	c.shapes = append(c.shapes, shape)
}

// line adds a line through the points, with round ends and corners.
func (c *canvas) line(width float64, points ...point) {
	for i, p := range points {
		radius := width / 2
		if i > 0 && i < len(points)-1 {
			radius -= 0.5 // smooth edges that lie on each other would show as beads
		}
		c.dot(p, radius)
		if i > 0 {
			c.stroke(width, points[i-1], p)
		}
	}
}

// dashes adds a broken line from a to b.
func (c *canvas) dashes(width, on, off float64, a, b point) {
	length := math.Hypot(b.x-a.x, b.y-a.y)
	for done := 0.0; done < length; done += on + off {
		end := min(done+on, length)
		c.stroke(width, between(a, b, done/length), between(a, b, end/length))
	}
}

func between(a, b point, part float64) point {
	return point{a.x + (b.x-a.x)*part, a.y + (b.y-a.y)*part}
}

// stroke adds one straight piece with flat ends.
func (c *canvas) stroke(width float64, a, b point) {
	length := math.Hypot(b.x-a.x, b.y-a.y)
	if length == 0 {
		return
	}
	dx, dy := (b.y-a.y)/length*width/2, -(b.x-a.x)/length*width/2
	c.shapes = append(c.shapes, []point{{a.x + dx, a.y + dy}, {b.x + dx, b.y + dy}, {b.x - dx, b.y - dy}, {a.x - dx, a.y - dy}})
}

// fill paints what was added, and begins anew.
func (c *canvas) fill(paint color.Color) {
	shapes := c.shapes
	c.shapes = c.shapes[:0]
	box := image.Rectangle{}
	for _, shape := range shapes {
		for _, p := range shape {
			box = box.Union(image.Rect(int(math.Floor(p.x))-1, int(math.Floor(p.y))-1, int(math.Ceil(p.x))+1, int(math.Ceil(p.y))+1))
		}
	}
	if box = box.Intersect(c.image.Bounds()); box.Empty() {
		return
	}
	raster := vector.NewRasterizer(box.Dx(), box.Dy())
	place := func(p point) (x, y float32) {
		return float32(p.x - float64(box.Min.X)), float32(p.y - float64(box.Min.Y))
	}
	for _, shape := range shapes {
		raster.MoveTo(place(shape[0]))
		for _, p := range shape[1:] {
			raster.LineTo(place(p))
		}
		raster.ClosePath()
	}
	raster.Draw(c.image, box, image.NewUniform(paint), image.Point{})
}
