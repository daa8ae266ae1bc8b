package kernel

import (
	"unsafe"

	"github.com/inception-go/inception/internal/kernel/simd"
	"github.com/inception-go/inception/internal/parallel"
)

const (
	floatBytes = simd.FloatBytes
	pixelBytes = simd.PixelBytes
	tapBytes   = simd.TapBytes

	// A slab is the weights that a tile reads; every tile of the piece reuses
	// it from part of the L2 cache. Longer sums gain nothing.
	slabBytes = 96 << 10

	// A sum of short sums has less rounding error than one long sum. Batch norm
	// divides by small deviations and so magnifies the error: before it, a
	// twentieth of the speed saves a third of the error.
	exactSlabBytes = 24 << 10

	// pieceMACs is the least work worth giving to a thread, about 20 us.
	pieceMACs = 1 << 20

	// piecePixels is enough pixels to make loading a slab worthwhile.
	piecePixels = 128

	// leastPieces is how many pieces a call should have at least, so that threads
	// finish together.
	leastPieces = 16
)

// product is one convolution-like sum over input blocks and taps:
//
//	out[o][position] = sum over i, taps of in[i][position's input] * weights[o][i][tap]
//
// with weights [out blocks][in blocks][taps][16][16]. One of its dims is cut
// into tiles of pixels; the other two make the lines.
type product struct {
	out, in      Map
	weights      []float32
	bias         []float32
	relu         bool
	tapsPerBlock int
	slab         int // bytes of weights that a tile reads

	outer, inner dim // a line is a position of each
	tile         dim // the direction in which a tile's pixels lie

	isa       *simd.ISA
	groups    int // of output blocks
	depth     int // input blocks summed at once
	lineParts int

	lines   []line                         // by position of inner
	tiles   [simd.MaxTileBlocks + 1][]tile // by a group's output blocks: those of a line
	ranges  []tapRange                     // of the tile dim, summed by calls
	batches [][]simd.GemmOffset            // by class of line and range
}

// run computes the product over images, rows and columns; s is the number of
// weights in a row of taps.
func (p *product) run(rows, cols dim, s int) {
	if p.out.N == 0 {
		return
	}
	p.isa = active
	images := wholeDim(p.out.N)
	images.outBytes, images.inBytes = p.out.Stride*floatBytes, p.in.Stride*floatBytes
	rows.outBytes, rows.inBytes = p.out.W*pixelBytes, p.in.W*pixelBytes
	cols.outBytes, cols.inBytes = pixelBytes, pixelBytes
	for r := range rows.taps {
		rows.taps[r].weight *= s * tapBytes
	}
	for c := range cols.taps {
		cols.taps[c].weight *= tapBytes
	}
	switch {
	case rows.count == 1 && cols.count == 1:
		// A fully connected layer: its pixels are the images.
		p.outer, p.inner, p.tile = rows, cols, images
	case rows.plain() && cols.plain():
		plane := wholeDim(rows.count * cols.count)
		plane.outBytes, plane.inBytes = pixelBytes, pixelBytes
		p.outer, p.inner, p.tile = images, wholeDim(1), plane
	case cols.padded() && !rows.padded():
		p.outer, p.inner, p.tile = images, cols, rows
	default:
		p.outer, p.inner, p.tile = images, rows, cols
	}
	p.cut()
	p.layOut()
	pieces := p.groups * p.lineParts
	parallel.For(pieces, func(i int) {
		s := borrowScratch()
		p.piece(s, i/p.lineParts, i%p.lineParts)
		s.release()
	})
}

// cut decides the blocking from shapes alone.
func (p *product) cut() {
	blocks := p.out.Blocks()
	p.groups = groups(p.isa, blocks, p.tile.count)
	widest := (blocks + p.groups - 1) / p.groups
	p.depth = max(1, min(p.in.Blocks(), p.slab/(widest*tapBytes*p.tapsPerBlock)))
	chunks := (p.in.Blocks() + p.depth - 1) / p.depth
	p.depth = (p.in.Blocks() + chunks - 1) / chunks

	pixels := p.outer.count * p.inner.count * p.tile.count
	taps := len(p.outer.taps) * len(p.inner.taps) * len(p.tile.taps)
	work := pixels * p.in.C * taps * widest * Block
	tiles := p.outer.count * p.inner.count * p.tilesPerLine(widest)
	parts := max(pixels/piecePixels, (leastPieces+p.groups-1)/p.groups)
	p.lineParts = max(1, min(work/pieceMACs, tiles, parts))
}

func (p *product) tilesPerLine(n int) int {
	rows := p.isa.TileRows[n]
	return (p.tile.count + rows - 1) / rows
}

// groups returns into how many groups to cut the output blocks, for tiles
// along count pixels.
func groups(s *simd.ISA, blocks, count int) int {
	best, bestCost := 0, 0
	for n := 1; n <= min(simd.MaxTileBlocks, blocks); n++ {
		if s.TileRows[n] == 0 {
			continue
		}
		groups := (blocks + n - 1) / n
		tiles := (count + s.TileRows[n] - 1) / s.TileRows[n]
		// For each multiplication step a tile reads n vectors and count/tiles
		// broadcasts; fewer reads are better.
		cost := groups * (tiles*n + count)
		if best == 0 || cost < bestCost {
			best, bestCost = groups, cost
		}
	}
	return best
}

// piece computes one group of output blocks on one part of the tiles.
func (p *product) piece(s *scratch, group, part int) {
	k, n := p.group(group)
	line := p.tiles[n]
	tiles := p.outer.count * p.inner.count * len(line)
	from, to := part*tiles/p.lineParts, (part+1)*tiles/p.lineParts

	w := tileWalk{product: p, gemm: &s.gemm, k: k, n: n}
	s.gemm = simd.GemmArgs{
		APixel: p.tile.step * p.tile.inBytes,
		BBlock: p.in.Blocks() * p.tapsPerBlock * tapBytes,
		CPixel: p.tile.gap * p.tile.outBytes,
		CBlock: p.out.H * p.out.W * pixelBytes,
	}
	for c := 0; c < p.in.Blocks(); c += p.depth {
		w.c, w.depth = c, min(p.depth, p.in.Blocks()-c)
		w.first, w.last = c == 0, c+w.depth == p.in.Blocks()
		at := from % len(line)
		for number, left := from/len(line), to-from; left > 0; number, at = number+1, 0 {
			w.enter(number)
			end := min(len(line), at+left)
			left -= end - at
			for t := range line[at:end] {
				w.compute(&line[at+t])
			}
		}
	}
}

// group returns the first of a group's output blocks and how many it has.
func (p *product) group(i int) (k, n int) {
	blocks := p.out.Blocks()
	k = i * blocks / p.groups
	return k, (i+1)*blocks/p.groups - k
}

// tileWalk is the state of a piece: the output blocks [k, k+n), the input
// blocks [c, c+depth) being summed, and the line.
type tileWalk struct {
	*product
	gemm        *simd.GemmArgs
	k, n        int
	c, depth    int
	first, last bool // of the reduction

	at              *line
	aAt, bAt, outAt int // offsets of the line's first input, weights and output
}

// enter moves to the line with a number.
func (w *tileWalk) enter(number int) {
	p := w.product
	i, j := number/p.inner.count, number%p.inner.count
	w.at = &p.lines[j]
	w.aAt = w.at.a + i*p.outer.step*p.outer.inBytes + w.c*p.in.H*p.in.W*pixelBytes
	w.bAt = w.at.b + (w.k*p.in.Blocks()+w.c)*p.tapsPerBlock*tapBytes
	w.outAt = w.at.out + i*p.outer.gap*p.outer.outBytes + w.k*w.gemm.CBlock
}

// compute adds the current input blocks to the pixels of a tile. A tap that only
// some of the pixels have needs its own call, and such calls come first, because
// the last call applies bias and ReLU.
func (w *tileWalk) compute(t *tile) {
	if t.whole && w.at.taps > 0 {
		w.call(&t.calls[0], w.first, w.last)
		return
	}
	if w.first {
		w.clear(t)
	}
	if w.at.taps > 0 {
		for i := range t.calls {
			w.call(&t.calls[i], false, w.last && t.covered && i == len(t.calls)-1)
		}
	}
	if w.last && !(t.covered && w.at.taps > 0) {
		w.epilogue(t)
	}
}

// call runs the kernel.
func (w *tileWalk) call(c *tileCall, overwrite, last bool) {
	g, p := w.gemm, w.product
	taps := p.ranges[c.taps]
	first := &p.tile.taps[taps.first]
	g.Offsets = &p.batches[w.at.class*len(p.ranges)+c.taps][0]
	g.Count = w.depth * w.at.taps * (taps.end - taps.first)
	g.A = unsafe.Add(unsafe.Pointer(&p.in.Data[0]), w.aAt+(first.start+p.tile.step*c.from)*p.tile.inBytes)
	g.B = unsafe.Add(unsafe.Pointer(&p.weights[0]), w.bAt+first.weight)
	g.C = w.pixel(c.from)
	g.Accumulate = 1
	if overwrite {
		g.Accumulate = 0
	}
	g.Bias, g.ReLU = nil, 0
	if last {
		if p.bias != nil {
			g.Bias = unsafe.Pointer(&p.bias[w.k*Block])
		}
		if p.relu {
			g.ReLU = 1
		}
	}
	p.isa.Gemm[w.n][c.to-c.from](g)
}

// pixel returns the address of output block k at the tile's position i.
func (w *tileWalk) pixel(i int) unsafe.Pointer {
	return unsafe.Add(unsafe.Pointer(&w.product.out.Data[0]), w.outAt+w.tile.output(i))
}

// clear zeroes a tile.
func (w *tileWalk) clear(t *tile) {
	w.eachPixel(t, func(_ int, y *[Block]float32) { *y = [Block]float32{} })
}

// epilogue applies bias and ReLU where no call did.
func (w *tileWalk) epilogue(t *tile) {
	if w.bias == nil && !w.relu {
		return
	}
	w.eachPixel(t, func(k int, y *[Block]float32) {
		for i := range y {
			if w.bias != nil {
				y[i] += w.bias[k*Block+i]
			}
			if w.relu {
				y[i] = max(y[i], 0)
			}
		}
	})
}

func (w *tileWalk) eachPixel(t *tile, do func(k int, y *[Block]float32)) {
	base := w.pixel(t.from)
	for n := range w.n {
		for i := range t.to - t.from {
			do(w.k+n, (*[Block]float32)(unsafe.Add(base, n*w.gemm.CBlock+i*w.gemm.CPixel)))
		}
	}
}
