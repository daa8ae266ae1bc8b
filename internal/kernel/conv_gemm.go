package kernel

import (
	"unsafe"

	"github.com/inception-go/inception/internal/parallel"
)

const (
	floatBytes = 4
	pixelBytes = Block * floatBytes         // one pixel of one channel block
	tapBytes   = Block * Block * floatBytes // the weights of one tap between two blocks

	// A slab is the weights that a tile reads; every tile of the piece uses it
	// again, from a part of the L2 cache. Longer sums gain nothing.
	slabBytes = 96 << 10

	// A sum of short sums rounds less than one long sum. Batch norm divides by
	// small deviations and so magnifies what rounding does: before it, a
	// twentieth of the speed buys back a third of the error.
	exactSlabBytes = 24 << 10

	// pieceMACs is the least work worth handing to a thread, some 20 us.
	pieceMACs = 1 << 20

	// piecePixels use a slab often enough to make up for loading it.
	piecePixels = 128

	// leastPieces is how many pieces a call should have even so, that threads
	// end together.
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

	isa       *isa
	groups    int // of output blocks
	depth     int // input blocks summed at once
	lineParts int
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
	pieces := p.groups * p.lineParts
	parallel.For(pieces, func(i int) {
		s := borrowScratch()
		p.piece(s, i/p.lineParts, i%p.lineParts)
		s.release()
	})
}

// cut decides the blocking, by shapes alone.
func (p *product) cut() {
	blocks := p.out.Blocks()
	p.groups = p.isa.groups(blocks, p.tile.count)
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
	rows := p.isa.tileRows[n]
	return (p.tile.count + rows - 1) / rows
}

// groups returns into how many groups to cut the output blocks, for tiles
// along count pixels.
func (s *isa) groups(blocks, count int) int {
	best, bestCost := 0, 0
	for n := 1; n <= min(maxTileBlocks, blocks); n++ {
		if s.tileRows[n] == 0 {
			continue
		}
		groups := (blocks + n - 1) / n
		tiles := (count + s.tileRows[n] - 1) / s.tileRows[n]
		// A tile reads n vectors and count/tiles broadcasts for each
		// multiplication step; fewer reads are better.
		cost := groups * (tiles*n + count)
		if best == 0 || cost < bestCost {
			best, bestCost = groups, cost
		}
	}
	return best
}

// piece computes one group of output blocks on one part of the tiles.
func (p *product) piece(s *scratch, group, part int) {
	blocks := p.out.Blocks()
	k := group * blocks / p.groups
	n := (group+1)*blocks/p.groups - k
	perLine := p.tilesPerLine(n)
	tiles := p.outer.count * p.inner.count * perLine
	from, to := part*tiles/p.lineParts, (part+1)*tiles/p.lineParts

	w := tileWalk{product: p, scratch: s, k: k, n: n}
	w.cleanFrom, w.cleanTo = p.tile.clean()
	s.gemm = gemmArgs{
		aPixel: p.tile.step * p.tile.inBytes,
		bBlock: p.in.Blocks() * p.tapsPerBlock * tapBytes,
		cPixel: p.tile.gap * p.tile.outBytes,
		cBlock: p.out.H * p.out.W * pixelBytes,
	}
	pixels, longer := p.tile.count/perLine, p.tile.count%perLine
	for c := 0; c < p.in.Blocks(); c += p.depth {
		w.c, w.depth = c, min(p.depth, p.in.Blocks()-c)
		w.first, w.last = c == 0, c+w.depth == p.in.Blocks()
		i := from % perLine
		for line, t := from/perLine, from; t < to; line, i = line+1, 0 {
			w.line(line)
			for ; i < perLine && t < to; i, t = i+1, t+1 {
				at := i*pixels + min(i, longer)
				w.pixels(at, (i+1)*pixels+min(i+1, longer))
			}
		}
	}
}

// tileWalk is the state of a piece: the output blocks [k, k+n), the input
// blocks [c, c+depth) being summed, and the line.
type tileWalk struct {
	*product
	scratch            *scratch
	k, n               int
	cleanFrom, cleanTo int // the pixels of a line that have all taps of the tile dim
	c, depth           int
	first, last        bool // of the reduction

	i, j            int // the line's positions along outer and inner
	ri0, ri1        int // the taps of outer and inner that it has
	rj0, rj1        int
	noTaps          bool         // it has none
	aAt, bAt, outAt int          // offsets of its first input, weights and output
	full            []gemmOffset // the batch of all its taps
}

// line prepares the tiles of a line.
func (w *tileWalk) line(line int) {
	p := w.product
	w.i, w.j = line/p.inner.count, line%p.inner.count
	w.ri0, w.ri1 = p.outer.full(w.i, w.i+1)
	w.rj0, w.rj1 = p.inner.full(w.j, w.j+1)
	w.outAt = p.outer.output(w.i) + p.inner.output(w.j) + w.k*w.scratch.gemm.cBlock
	w.noTaps = w.ri0 == w.ri1 || w.rj0 == w.rj1 || len(p.tile.taps) == 0
	if w.noTaps {
		return
	}
	w.aAt = p.outer.input(w.ri0, w.i) + p.inner.input(w.rj0, w.j) + w.c*p.in.H*p.in.W*pixelBytes
	w.bAt = (w.k*p.in.Blocks()+w.c)*p.tapsPerBlock*tapBytes + p.outer.taps[w.ri0].weight + p.inner.taps[w.rj0].weight
	w.full = w.offsets(0, len(p.tile.taps))
}

// pixels adds the current input blocks to the pixels [from, to) of the line.
func (w *tileWalk) pixels(from, to int) {
	if from >= w.cleanFrom && to <= w.cleanTo && !w.noTaps {
		w.call(w.full, 0, from, to, w.first, w.last)
		return
	}
	w.edge(from, to)
}

// edge is pixels where some of them lack a tap. The taps that all pixels have
// make one call; each other tap makes one of its own on the pixels that have
// it, and comes first, because the last call applies bias and ReLU.
func (w *tileWalk) edge(from, to int) {
	if w.first {
		w.clear(from, to)
	}
	dim, full, end := &w.tile, 0, 0
	if !w.noTaps {
		full, end = dim.full(from, to)
		for t := range dim.taps {
			if lo, hi := dim.inside(t, from, to); lo < hi && (t < full || t >= end) {
				w.call(w.offsets(t, t+1), t, lo, hi, false, false)
			}
		}
	}
	if full < end {
		w.call(w.offsets(full, end), full, from, to, false, w.last)
	} else if w.last {
		w.epilogue(from, to)
	}
}

// call runs the kernel on pixels [from, to) for a batch that begins at tap t.
func (w *tileWalk) call(batch []gemmOffset, t, from, to int, overwrite, last bool) {
	g, p := &w.scratch.gemm, w.product
	tap := &p.tile.taps[t]
	g.offsets, g.count = &batch[0], len(batch)
	g.a = unsafe.Add(unsafe.Pointer(&p.in.Data[0]), w.aAt+(tap.start+p.tile.step*from)*p.tile.inBytes)
	g.b = unsafe.Add(unsafe.Pointer(&p.weights[0]), w.bAt+tap.weight)
	g.c = w.pixel(from)
	g.accumulate = 1
	if overwrite {
		g.accumulate = 0
	}
	g.bias, g.relu = nil, 0
	if last {
		if p.bias != nil {
			g.bias = unsafe.Pointer(&p.bias[w.k*Block])
		}
		if p.relu {
			g.relu = 1
		}
	}
	p.isa.gemm[w.n][to-from](g)
}

// pixel returns the address of output block k at the tile's position i.
func (w *tileWalk) pixel(i int) unsafe.Pointer {
	return unsafe.Add(unsafe.Pointer(&w.product.out.Data[0]), w.outAt+w.tile.output(i))
}

// offsetList is a batch of the gemm, with what it was made for. It counts
// from its first entry, so it serves every tile that has the same taps.
type offsetList struct {
	ri0, ri1, rj0, rj1 int
	depth              int
	entries            []gemmOffset
}

// offsets returns the batch over the current blocks and taps, in the order of
// the weights in memory as far as the dims allow.
func (w *tileWalk) offsets(t0, t1 int) []gemmOffset {
	list := w.scratch.list(w.product, t0*len(w.tile.taps)+t1-1)
	if len(list.entries) > 0 && list.depth == w.depth && list.ri0 == w.ri0 && list.ri1 == w.ri1 &&
		list.rj0 == w.rj0 && list.rj1 == w.rj1 {
		return list.entries
	}
	*list = offsetList{w.ri0, w.ri1, w.rj0, w.rj1, w.depth, list.entries[:0]}
	plane := w.in.H * w.in.W * pixelBytes
	var origin gemmOffset
	for c := range w.depth {
		for i := w.ri0; i < w.ri1; i++ {
			for j := w.rj0; j < w.rj1; j++ {
				for t := t0; t < t1; t++ {
					at := gemmOffset{
						a: w.outer.input(i, 0) + w.inner.input(j, 0) + w.tile.input(t, 0) + c*plane,
						b: w.outer.taps[i].weight + w.inner.taps[j].weight + w.tile.taps[t].weight +
							c*w.tapsPerBlock*tapBytes,
					}
					if len(list.entries) == 0 {
						origin = at
					}
					list.entries = append(list.entries, gemmOffset{at.a - origin.a, at.b - origin.b})
				}
			}
		}
	}
	return list.entries
}

// clear zeroes the pixels [from, to) of the output blocks.
func (w *tileWalk) clear(from, to int) {
	w.eachPixel(from, to, func(_ int, y *[Block]float32) { *y = [Block]float32{} })
}

// epilogue applies bias and ReLU where no call could.
func (w *tileWalk) epilogue(from, to int) {
	if w.bias == nil && !w.relu {
		return
	}
	w.eachPixel(from, to, func(k int, y *[Block]float32) {
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

func (w *tileWalk) eachPixel(from, to int, do func(k int, y *[Block]float32)) {
	g := &w.scratch.gemm
	base := w.pixel(from)
	for n := range w.n {
		for i := range to - from {
			do(w.k+n, (*[Block]float32)(unsafe.Add(base, n*g.cBlock+i*g.cPixel)))
		}
	}
}
