package kernel

import (
	"unsafe"

	"github.com/inception-go/inception/internal/kernel/simd"
	"github.com/inception-go/inception/internal/parallel"
)

// A chunk is the pixels that the taps and input blocks of a piece read one after
// another; it should stay in the L2 cache.
const chunkBytes = 192 << 10

// pairedBytes is how much memory pairs of images may take at a time.
const pairedBytes = 24 << 20

// BackwardWeights overwrites dw, packed as the weights are, with their
// gradient, given the input x and the gradient dy of the output.
func (c Conv) BackwardWeights(dw []float32, x, dy Map) {
	c.check("BackwardWeights", dy.operand("BackwardWeights"), x.operand("BackwardWeights"), len(dw))
	if c.hasWinogradGradient(dy.N, dy.H, dy.W) {
		c.winogradGradient(dw, x, dy)
		return
	}
	c.backwardWeights(inFloat32, dw, x, dy, false)
}

// BackwardWeightsBF16 is BackwardWeights in bf16: sums are float32.
func (c Conv) BackwardWeightsBF16(dw []float32, x, dy MapBF16) {
	c.check("BackwardWeightsBF16", dy.operand("BackwardWeightsBF16"), x.operand("BackwardWeightsBF16"), len(dw))
	switch {
	case x.N == 0:
		clear(dw[:c.WeightLen()])
	case active.BF16.Pairs[1][1] != nil && c.StrideH == c.StrideW:
		c.pairsGradient(x, dy).run(dw)
	case c.hasWinogradGradientBF16(dy.N, dy.H, dy.W):
		c.winogradGradientBF16(dw, x, dy)
	default:
		c.pairedWeights(dw, x, dy)
	}
}

// pairedWeights is BackwardWeightsBF16 by tiles. The images are taken in pairs, because
// the instruction adds the products of two neighbouring bf16, and the pairs of some images
// at a time are written out before.
func (c Conv) pairedWeights(dw []float32, x, dy MapBF16) {
	pairs, xFloats, dyFloats := (x.N+1)/2, x.C*x.H*x.W, dy.C*dy.H*dy.W
	parts, most := pairedParts(pairs, xFloats+dyFloats)
	memory := borrowFloats(most * (xFloats + dyFloats))
	defer returnFloats(memory)
	for part := range parts {
		from, to := 2*(part*pairs/parts), min(x.N, 2*((part+1)*pairs/parts))
		n := (to - from + 1) / 2
		px := MapOf(memory, n, x.C, x.H, x.W)
		pdy := MapOf(memory[most*xFloats:], n, dy.C, dy.H, dy.W)
		pairImages(px, x.images(from, to))
		pairImages(pdy, dy.images(from, to))
		c.backwardWeights(inBF16, dw, px, pdy, part > 0)
	}
}

// pairedParts returns into how many parts to cut pairs of so many floats each, and
// how many pairs the largest part has.
func pairedParts(pairs, floats int) (parts, most int) {
	parts = min(pairs, (pairs*floats*floatBytes+pairedBytes-1)/pairedBytes)
	return parts, (pairs + parts - 1) / parts
}

// backwardWeights runs the sum, and adds it to dw if accumulate is set. In bf16
// the maps are those of pairImages.
func (c Conv) backwardWeights(precision *precision, dw []float32, x, dy Map, accumulate bool) {
	g := gradient{
		precision: precision, x: x, dy: dy, r: c.R, s: c.S, accumulate: accumulate,
		rows: forwardDim(dy.H, x.H, c.R, c.StrideH, c.PadH),
		cols: forwardDim(dy.W, x.W, c.S, c.StrideW, c.PadW),
	}
	g.run(dw)
}

// gradient is the sum of outer products that BackwardWeights computes:
//
//	dw[k][c][r][s] = sum over images and pixels of x[c][pixel's input by (r,s)] * dy[k][pixel]
//
// Pixels are taken in segments of one row, which the tile walks; a chunk is a
// range of segments, numbered through all images.
type gradient struct {
	*precision
	x, dy      Map // of pairs of images in bf16
	r, s       int
	rows, cols dim
	accumulate bool // add to dw

	tiles       *simd.Tiles
	images      int // of which segments are counted; 1 if the columns are the images
	xPixel      int // bytes between pixels of a row
	dyPixel     int
	rowSegments int // segments in a row
	segments    int // in all
	kGroups     int
	cGroups     int
	chunk       int // segments in a chunk
	parts       int // of the segments, each with its own sum

	pattern []simd.OuterRow // by tap and segment of the first image; no pixels where the tap is outside
}

func (g *gradient) run(dw []float32) {
	if g.x.N == 0 {
		clear(dw)
		return
	}
	g.tiles = g.tilesOf(active)
	g.cut()
	g.layOut()
	if g.parts == 1 {
		parallel.For(g.kGroups*g.cGroups, func(i int) { g.piece(dw, i, 0) })
		return
	}
	size := g.dy.C * g.x.C * g.r * g.s
	partial := borrowFloats(g.parts * size)
	defer returnFloats(partial)
	parallel.Grid(g.kGroups*g.cGroups, g.parts, func(group, part int) {
		g.piece(partial[part*size:(part+1)*size], group, part)
	})
	sumAll(dw[:size], partial, g.accumulate)
}

const sumRun = 1024 // floats that one piece adds

// sumAll is sumParts of all of dst.
func sumAll(dst, partial []float32, accumulate bool) {
	size := len(dst)
	parallel.For((size+sumRun-1)/sumRun, func(i int) {
		sumParts(dst, partial, i*sumRun, min(size, (i+1)*sumRun), accumulate)
	})
}

// sumParts adds partial sums in their order: dst[i] for i in [from, to), which
// they replace unless accumulate is set.
func sumParts(dst, partial []float32, from, to int, accumulate bool) {
	out, first := dst[from:to], 0
	if !accumulate {
		copy(out, partial[from:to])
		first = len(dst)
	}
	for at := first; at < len(partial); at += len(dst) {
		active.Axpy(out, partial[at+from:at+to], 1)
	}
}

// cut decides the blocking from shapes alone.
func (g *gradient) cut() {
	g.images, g.xPixel, g.dyPixel = g.x.N, g.cols.step*pixelBytes, pixelBytes
	switch {
	case g.rows.count == 1 && g.cols.count == 1 && !g.rows.padded() && !g.cols.padded():
		// A fully connected layer: its pixels are the images.
		g.images, g.xPixel, g.dyPixel = 1, g.x.Stride*floatBytes, g.dy.Stride*floatBytes
		g.cols.count, g.cols.size, g.cols.step = g.x.N, g.x.N+g.s-1, 1
	case g.rows.plain() && g.cols.plain():
		g.cols = wholeDim(g.rows.count * g.cols.count)
		g.rows = wholeDim(1)
	}
	const segment = 256
	g.rowSegments = (g.cols.count + segment - 1) / segment
	g.segments = g.images * g.rows.count * g.rowSegments

	widest := widestOuter(g.tiles)
	taps, blocks := g.r*g.s, g.x.Blocks()
	g.kGroups = (g.dy.Blocks() + widest - 1) / widest
	// Many taps reuse a chunk of dy; if there are few, several input blocks do.
	each := min(blocks, (5+taps)/taps)
	g.cGroups = (blocks + each - 1) / each
	pixels := (g.cols.count + g.rowSegments - 1) / g.rowSegments
	g.chunk = max(1, chunkBytes/((each+widest)*pixelBytes*pixels))
	chunks := (g.segments + g.chunk - 1) / g.chunk
	g.parts = max(1, min(chunks, leastPieces/(g.kGroups*g.cGroups)))
}

// layOut fills the pattern.
func (g *gradient) layOut() {
	xRow, dyRow := g.x.W*pixelBytes, g.dy.W*pixelBytes
	g.pattern = make([]simd.OuterRow, 0, g.r*g.s*g.rows.count*g.rowSegments)
	for r := range g.r {
		for s := range g.s {
			for row := range g.rows.count {
				top, bottom := g.rows.inside(r, row, row+1)
				for segment := range g.rowSegments {
					lo, hi := g.cols.inside(s, segment*g.cols.count/g.rowSegments, (segment+1)*g.cols.count/g.rowSegments)
					if top == bottom {
						hi = lo
					}
					g.pattern = append(g.pattern, simd.OuterRow{
						X:      (g.rows.taps[r].start+g.rows.step*row)*xRow + g.cols.taps[s].start*pixelBytes + lo*g.xPixel,
						DY:     row*dyRow + lo*g.dyPixel,
						Pixels: hi - lo,
					})
				}
			}
		}
	}
}

// widestOuter returns the most output blocks that an outer tile takes.
func widestOuter(s *simd.Tiles) int {
	widest := 1
	for n := 2; n <= simd.MaxTileBlocks; n++ {
		if s.Outer[n] != nil {
			widest = n
		}
	}
	return widest
}

// piece sums one group of output blocks and input blocks over one part of
// the segments.
func (g *gradient) piece(dw []float32, group, part int) {
	s := borrowScratch()
	defer s.release()
	kb, cb := g.dy.Blocks(), g.x.Blocks()
	kg, cg := group/g.cGroups, group%g.cGroups
	w := outerWalk{gradient: g, scratch: s, dw: dw,
		k: kg * kb / g.kGroups, c: cg * cb / g.cGroups}
	w.n, w.cEnd = (kg+1)*kb/g.kGroups-w.k, (cg+1)*cb/g.cGroups
	s.outer = simd.OuterArgs{
		XPixel: g.xPixel, DYPixel: g.dyPixel,
		DYBlock: g.dy.H * g.dy.W * pixelBytes,
		DWBlock: cb * g.r * g.s * tapBytes,
	}
	from, to := part*g.segments/g.parts, (part+1)*g.segments/g.parts
	overwrite := !g.accumulate || g.parts > 1
	for at := from; at < to; at += g.chunk {
		for r := range g.r {
			for c := range g.s {
				w.tap(r, c, at, min(to, at+g.chunk), overwrite && at == from)
			}
		}
	}
}

// outerWalk is the state of a piece: output blocks [k, k+n), input blocks
// [c, cEnd).
type outerWalk struct {
	*gradient
	scratch *scratch
	dw      []float32
	k, n    int
	c, cEnd int
}

// tap adds the segments [from, to) to the weights of tap (r, s).
func (w *outerWalk) tap(r, s, from, to int, first bool) {
	rows := w.segmentRows(r, s, from, to)
	g := &w.scratch.outer
	g.Accumulate = 1
	if first {
		g.Accumulate = 0
	}
	for c := w.c; c < w.cEnd; c++ {
		at := ((w.k*w.x.Blocks()+c)*w.r*w.gradient.s + r*w.gradient.s + s) * Block * Block
		if len(rows) == 0 {
			if first {
				for n := range w.n {
					clear(w.dw[at+n*g.DWBlock/floatBytes:][:Block*Block])
				}
			}
			continue
		}
		g.Rows, g.Count = &rows[0], len(rows)
		g.DW = unsafe.Pointer(&w.dw[at])
		g.X = unsafe.Pointer(&w.x.Data[c*w.x.H*w.x.W*Block])
		g.DY = unsafe.Pointer(&w.dy.Data[w.k*w.dy.H*w.dy.W*Block])
		w.tiles.Outer[w.n](g)
	}
}

// segmentRows lists the pixels of the segments [from, to) that tap (r, s) has.
func (w *outerWalk) segmentRows(r, s, from, to int) []simd.OuterRow {
	rows := w.scratch.rows[:0]
	perImage := w.rows.count * w.rowSegments
	pattern := w.pattern[(r*w.gradient.s+s)*perImage:][:perImage]
	for at := from; at < to; {
		image, first := at/perImage, at%perImage
		end := min(perImage, first+to-at)
		x, dy := image*w.x.Stride*floatBytes, image*w.dy.Stride*floatBytes
		for _, row := range pattern[first:end] {
			if row.Pixels > 0 {
				rows = append(rows, simd.OuterRow{X: row.X + x, DY: row.DY + dy, Pixels: row.Pixels})
			}
		}
		at += end - first
	}
	w.scratch.rows = rows
	return rows
}
