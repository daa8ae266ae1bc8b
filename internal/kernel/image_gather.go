package kernel

// gatherer gathers the windows of a row of output pixels. Every place of a window,
// taken from all windows, is a line of the image with a stride; 16 places of 16
// windows at a time are transposed.
type gatherer struct {
	ImageConv
	h, w  int // of an image
	width int // windows, whole blocks of them
	line  int // floats of an image's line with its padding
}

func (c ImageConv) gatherer(h, w, windows int) gatherer {
	g := gatherer{ImageConv: c, h: h, w: w, width: roundUp(windows)}
	g.line = max(c.PadW+w, g.width*c.StrideW+c.S)
	return g
}

// rows returns the floats of the gathered windows, [Rows/16][width][16].
func (g gatherer) rows() int { return g.Rows() * g.width }

// floats returns how many gather needs.
func (g gatherer) floats() int { return 2*g.rows() + g.line }

// gather returns the windows of output row oh, in memory. Those beyond the last
// window have other values.
func (g gatherer) gather(memory, image []float32, oh int) []float32 {
	rows, places, line := memory[:g.rows()], memory[g.rows():2*g.rows()], memory[2*g.rows():][:g.line]
	clear(line)
	at := 0
	for channel := range imageChannels {
		for r := range g.R {
			ih := oh*g.StrideH + r - g.PadH
			if ih >= 0 && ih < g.h {
				copy(line[g.PadW:], image[(channel*g.h+ih)*g.w:][:g.w])
			} else {
				clear(line)
			}
			for s := range g.S {
				g.take(places[at/Block*Block*g.width+at%Block*Block:], line[s:])
				at++
			}
		}
	}
	for ; at < g.Rows(); at++ {
		for i := 0; i < g.width; i += Block {
			clear(places[at/Block*Block*g.width+at%Block*Block+i*Block:][:Block])
		}
	}
	for i := 0; i < len(rows); i += Block * Block {
		active.Transpose((*[Block * Block]float32)(rows[i:]), (*[Block * Block]float32)(places[i:]))
	}
	return rows
}

// take writes the floats of line at every stride to the first 16 of every 256 of
// to.
func (g gatherer) take(to, line []float32) {
	if g.StrideW == 2 {
		active.Evens(to, line[:2*g.width])
		return
	}
	for i := 0; i < g.width; i += Block {
		piece := to[i*Block:][:Block]
		for j := range piece {
			piece[j] = line[(i+j)*g.StrideW]
		}
	}
}
