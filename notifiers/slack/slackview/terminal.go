package slackview

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"

	slackapi "github.com/slack-go/slack"
	"golang.org/x/text/width"
)

// columns is the width of what is written.
const columns = 100

// Text writes the message for a terminal, at most 100 columns wide. With color it uses ANSI sequences; none comes from the
// message itself.
func Text(w io.Writer, m Message, color bool) error {
	t := terminal{color: color}
	t.message(m, "")
	_, err := io.WriteString(w, t.out.String())
	return err
}

// terminal collects the lines.
type terminal struct {
	out   strings.Builder
	color bool
}

// bar is what stands at the left of a line: its text and its ANSI colour.
type bar struct{ text, ansi string }

func (t *terminal) message(m Message, indent string) {
	byline := m.from() + "  " + m.clock()
	if m.Edits > 0 {
		byline += "  (edited)"
	}
	t.lines(bar{text: indent}, literal(strings.TrimSpace(byline)), dim)
	if text := m.bodyText(); text != "" {
		t.lines(bar{text: indent}, parse(text), "")
	}
	t.blocks(bar{text: indent}, m.Blocks.BlockSet)
	for _, a := range m.Attachments {
		b := bar{text: indent + "┃ ", ansi: ansiColour(a.Color)}
		if len(a.Blocks.BlockSet) == 0 {
			t.lines(b, parse(a.Text), "")
		}
		t.blocks(b, a.Blocks.BlockSet)
	}
	if len(m.Replies) > 0 {
		t.lines(bar{text: indent}, literal(replies(len(m.Replies))), dim)
	}
	for _, reply := range m.Replies {
		t.message(reply, indent+"    ")
	}
}

func (t *terminal) blocks(b bar, blocks []slackapi.Block) {
	for _, block := range blocks {
		switch block := block.(type) {
		case *slackapi.HeaderBlock:
			t.lines(b, object(block.Text), strong)
		case *slackapi.SectionBlock:
			if block.Text != nil {
				t.lines(b, object(block.Text), "")
			}
			t.fields(b, block.Fields)
		case *slackapi.ContextBlock:
			for _, element := range block.ContextElements.Elements {
				if text, ok := element.(*slackapi.TextBlockObject); ok {
					t.lines(b, object(text), dim)
				}
			}
		case *slackapi.ActionBlock:
			var labels []string
			for _, button := range buttonsOf(block) {
				labels = append(labels, "["+button.Text.Text+"]")
			}
			t.lines(b, literal(strings.Join(labels, " ")), "")
		case *slackapi.ImageBlock:
			t.lines(b, literal("["+block.AltText+"]"), dim)
		case *slackapi.DividerBlock:
			t.lines(b, literal(strings.Repeat("─", columns/2)), dim)
		default:
			t.lines(b, literal("("+string(block.BlockType())+")"), dim)
		}
	}
}

// fields writes each field in one line, two to a row where they fit.
func (t *terminal) fields(b bar, fields []*slackapi.TextBlockObject) {
	const gap = 3
	var cells [][]cell
	nameWidth := 0
	for _, f := range fields {
		nameWidth = max(nameWidth, min(measure(cellsOf(object(f)[0].spans)), columns/4))
	}
	half := (columns - measure(toCells(b.text, 0)) - gap) / 2
	fits := true
	for _, f := range fields {
		lines := object(f)
		row := padded(cellsOf(lines[0].spans), nameWidth)
		for _, rest := range lines[1:] {
			row = append(append(row, toCells("  ", 0)...), quoted(rest)...)
		}
		cells = append(cells, row)
		fits = fits && measure(row) <= half
	}
	for i := 0; i < len(cells); i++ {
		row := cells[i]
		if fits && i+1 < len(cells) {
			row = append(padded(row, half+gap), cells[i+1]...)
			i++
		}
		t.wrap(b, row, "")
	}
}

func (t *terminal) lines(b bar, lines []line, ansi string) {
	for _, l := range lines {
		t.wrap(b, quoted(l), ansi)
	}
}

func quoted(l line) []cell {
	if l.quote {
		return append(toCells("│ ", 0), cellsOf(l.spans)...)
	}
	return cellsOf(l.spans)
}

// wrap writes cells in as many lines as they need, cut at spaces where there are any.
func (t *terminal) wrap(b bar, cells []cell, ansi string) {
	room := columns - measure(toCells(b.text, 0))
	for {
		end, next := cut(cells, room)
		t.row(b, cells[:end], ansi)
		for next < len(cells) && end < next && cells[next].r == ' ' {
			next++
		}
		cells = cells[next:]
		if len(cells) == 0 {
			return
		}
	}
}

// cut is where the first line of cells ends, and where the next one starts; they differ when it was cut at a space.
func cut(cells []cell, room int) (end, next int) {
	used, space := 0, -1
	for i, c := range cells {
		if used += columnsOf(c.r); used > room {
			if space > 0 {
				return space, space + 1
			}
			return max(i, 1), max(i, 1)
		}
		if c.r == ' ' && i > 0 && cells[i-1].r != ' ' {
			space = i
		}
	}
	return len(cells), len(cells)
}

// The ANSI sequences of the colours and styles: https://en.wikipedia.org/wiki/ANSI_escape_code#Select_Graphic_Rendition_parameters.
const (
	reset  = "\x1b[0m"
	dim    = "\x1b[2m"
	strong = "\x1b[1m"
)

func (t *terminal) row(b bar, cells []cell, ansi string) {
	var row strings.Builder
	row.WriteString(t.paint(b.ansi, b.text))
	for start := 0; start < len(cells); {
		end := start
		var text strings.Builder
		for ; end < len(cells) && cells[end].style == cells[start].style; end++ {
			text.WriteRune(cells[end].r)
		}
		row.WriteString(t.paint(ansi+styleANSI(cells[start].style), text.String()))
		start = end
	}
	t.out.WriteString(strings.TrimRight(row.String(), " ") + "\n")
}

func (t *terminal) paint(ansi, text string) string {
	if !t.color || ansi == "" || text == "" {
		return text
	}
	return ansi + text + reset
}

func styleANSI(s style) string {
	var ansi string
	for _, known := range []struct {
		style style
		ansi  string
	}{{bold, strong}, {italic, "\x1b[3m"}, {strike, "\x1b[9m"}, {code, "\x1b[36m"}, {mention, "\x1b[7m"}} {
		if s&known.style != 0 {
			ansi += known.ansi
		}
	}
	return ansi
}

// ansiColour is the colour #RRGGBB, "" for anything else.
func ansiColour(colour string) string {
	rgb, err := strconv.ParseUint(strings.TrimPrefix(colour, "#"), 16, 24)
	if err != nil || len(colour) != len("#RRGGBB") {
		return ""
	}
	return fmt.Sprintf("\x1b[38;2;%d;%d;%dm", rgb>>16, rgb>>8&0xff, rgb&0xff)
}

// cell is a character and how it looks.
type cell struct {
	r     rune
	style style
}

func toCells(text string, s style) []cell {
	var cells []cell
	for _, r := range text {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			r = ' ' // a message must not move the cursor
		}
		cells = append(cells, cell{r, s})
	}
	return cells
}

func cellsOf(spans []span) []cell {
	var cells []cell
	for _, s := range spans {
		cells = append(cells, toCells(s.text, s.style)...)
	}
	return cells
}

func padded(cells []cell, to int) []cell {
	return append(cells, toCells(strings.Repeat(" ", max(0, to-measure(cells))), 0)...)
}

func measure(cells []cell) int {
	n := 0
	for _, c := range cells {
		n += columnsOf(c.r)
	}
	return n
}

// columnsOf is how many columns a terminal gives the character.
func columnsOf(r rune) int {
	switch {
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	case width.LookupRune(r).Kind() == width.EastAsianWide, width.LookupRune(r).Kind() == width.EastAsianFullwidth:
		return 2
	default:
		return 1
	}
}
