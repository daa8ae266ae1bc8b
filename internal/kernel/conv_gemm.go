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

	// bf16 has twice the sums in a slab. To keep sums in memory costs more than to
	// read weights from a larger part of the L2 cache.
	bf16SlabBytes = 256 << 10
	int8SlabBytes = 256 << 10

	// pieceMACs is the least work worth handing to a thread, some 20 us.
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
	*precision
	operands
	slab int // bytes of weights that a tile reads
	*layout
}

// operands are what a product reads and writes.
type operands struct {
	out, in operand
	weights unsafe.Pointer
	bias    []float32 // of bytes, 32-bit integers
	relu    bool
	scale   []float32 // of bytes: factors of the sums
}

// run computes the product in a direction.
func (p *product) run(v Window, d direction) {
	if p.out.n == 0 {
		return
	}
	p.layout = p.layoutOf(v, d)
	piece := func(group, part int) {
		s := borrowScratch()
		p.piece(s, group, part)
		s.release()
	}
	if p.keepsWeights() {
		parallel.For(p.lineParts*p.groups, func(i int) { piece(i%p.groups, i/p.groups) })
		return
	}
	parallel.Grid(p.groups, p.lineParts, piece)
}

// keepsWeights reports whether a thread's cache has room for the weights of all
// groups. It then goes through its parts one by one and reads the input of each once from
// farther away, else group by group.
func (p *product) keepsWeights() bool {
	return p.out.blocks*p.in.blocks*p.tapsPerBlock*p.tap <= cacheShare()
}

// cut decides the blocking from shapes alone.
func (p *product) cut() {
	blocks := p.out.blocks
	p.groups = groups(p.gemm, blocks, p.tile.count)
	widest := (blocks + p.groups - 1) / p.groups
	p.depth = max(1, min(p.in.blocks, p.slab/(widest*p.tap*p.tapsPerBlock)))
	chunks := (p.in.blocks + p.depth - 1) / p.depth
	p.depth = (p.in.blocks + chunks - 1) / chunks

	pixels := p.outer.count * p.inner.count * p.tile.count
	taps := len(p.outer.taps) * len(p.inner.taps) * len(p.tile.taps)
	work := pixels * p.in.blocks * Block * taps * widest * Block
	tiles := p.outer.count * p.inner.count * p.tilesPerLine(widest)
	parts := max(pixels/piecePixels, (leastPieces+p.groups-1)/p.groups)
	p.lineParts = max(1, min(work/pieceMACs, tiles, parts))
}

func (p *product) tilesPerLine(n int) int {
	rows := p.gemm.TileRows[n]
	return (p.tile.count + rows - 1) / rows
}

// groups returns into how many groups to cut the output blocks, for tiles
// along count pixels.
func groups(s *simd.Tiles, blocks, count int) int {
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

	w := tileWalk{product: p, args: &s.gemm, k: k, n: n, kernels: &p.gemm.Gemm[n], epilogue: p.epilogueOf(k)}
	s.gemm = simd.GemmArgs{
		APixel: p.tile.step * p.tile.inBytes,
		BBlock: p.in.blocks * p.tapsPerBlock * p.tap,
		CPixel: p.tile.gap * p.tile.outBytes,
		CBlock: p.out.plane(),
	}
	if p.rounds() {
		w.keepSums(s, to-from)
	}
	w.lookAhead(group, part, to-from)
	for c := 0; c < p.in.blocks; c += p.depth {
		w.c, w.depth = c, min(p.depth, p.in.blocks-c)
		w.first, w.last = c == 0, c+w.depth == p.in.blocks
		w.number = 0
		at := from % len(line)
		for number, left := from/len(line), to-from; left > 0; number, at = number+1, 0 {
			w.enter(number)
			end := min(len(line), at+left)
			left -= end - at
			for t := range line[at:end] {
				w.compute(&line[at+t])
				w.number++
			}
		}
	}
}

// rounds reports whether results are not sums, which are kept elsewhere.
func (p *product) rounds() bool { return p.out.pixel != pixelBytes }

// group returns the first of a group's output blocks and how many it has.
func (p *product) group(i int) (k, n int) {
	blocks := p.out.blocks
	k = i * blocks / p.groups
	return k, (i+1)*blocks/p.groups - k
}

// tileWalk is the state of a piece: the output blocks [k, k+n), the input
// blocks [c, c+depth) being summed, and the line.
type tileWalk struct {
	*product
	args        *simd.GemmArgs
	k, n        int
	c, depth    int
	first, last bool // of the reduction
	number      int  // of the tile in the piece

	kernels *[simd.MaxTileRows + 1]func(*simd.GemmArgs)

	// What follows the sums, and whether the arguments have it.
	epilogue epilogue
	ends     bool

	// Of the line: its first input, weights and output, its batches, and how many
	// entries of these belong to a tap.
	at         *line
	a, b, y    unsafe.Pointer
	lists      [][]simd.GemmOffset
	entriesTap int

	// Where results are rounded, their sums: of the one tile that is computed, or
	// of all, if the reduction is split.
	sums    []float32
	perTile int // floats; 0 if there is one

	// The weights of the next group that are fetched meanwhile.
	ahead     uintptr
	aheadLeft int // steps
}

// epilogue is what follows the sums of a group's output blocks.
type epilogue struct {
	bias, scale unsafe.Pointer
	relu        int
}

// lookAhead spreads the fetching of the next group's weights over the parts of
// this one: of few images each weight is used a few times, and waiting for it takes
// a tenth of their time.
func (w *tileWalk) lookAhead(group, part, tiles int) {
	const line, most = 64, 4     // bytes; lines of a step
	w.ahead = uintptr(w.weights) // fetching from no memory at all would look for it in the page table each time
	if group+1 == w.groups {
		return
	}
	k, n := w.group(group + 1)
	block := w.in.blocks * w.tapsPerBlock * w.tap
	from, to := n*block*part/w.lineParts, n*block*(part+1)/w.lineParts
	steps := tiles * w.in.blocks * len(w.outer.taps) * len(w.inner.taps) * len(w.tile.taps)
	if steps == 0 {
		return
	}
	lines := max(1, ((to-from)/line+steps-1)/steps)
	if lines > most {
		return
	}
	w.ahead = uintptr(w.weights) + uintptr(k*block+from)
	w.aheadLeft = (to - from) / (lines * line)
	w.args.AheadStep = lines * line
}

// keepSums makes room for the sums of so many tiles.
func (w *tileWalk) keepSums(s *scratch, tiles int) {
	g, floats := w.args, w.n*w.gemm.TileRows[w.n]*Block
	g.RoundedPixel, g.RoundedBlock = g.CPixel, g.CBlock
	g.CPixel, g.CBlock = pixelBytes, w.gemm.TileRows[w.n]*pixelBytes
	if w.product.depth < w.in.blocks {
		w.perTile = floats
		floats *= tiles
	}
	w.sums = s.grow(floats)
}

// epilogueOf returns the epilogue of the output blocks from k on.
func (p *product) epilogueOf(k int) (e epilogue) {
	if p.bias != nil {
		e.bias = unsafe.Pointer(&p.bias[k*Block])
	}
	if p.relu {
		e.relu = 1
	}
	if p.scale != nil {
		e.scale = unsafe.Pointer(&p.scale[k*Block])
	}
	return e
}

// enter moves to the line with a number.
func (w *tileWalk) enter(number int) {
	p := w.product
	i, j := number/p.inner.count, number%p.inner.count
	l := &p.lines[j]
	w.at = l
	w.a = unsafe.Add(p.in.data, l.a+i*p.outer.step*p.outer.inBytes+w.c*p.in.plane())
	w.b = unsafe.Add(p.weights, l.b+(w.k*p.in.blocks+w.c)*p.tapsPerBlock*p.tap)
	w.y = unsafe.Add(p.out.data, l.out+i*p.outer.gap*p.outer.outBytes+w.k*p.out.plane())
	if l.taps > 0 {
		w.lists = p.batches[l.class*len(p.ranges):]
		w.entriesTap = w.depth * l.taps
	}
}

// compute adds the current input blocks to the pixels of a tile. A tap that
// only some of them have makes a call of its own, and those come first,
// because the last call applies bias and ReLU and rounds. Without a call that
// reaches all pixels, one without taps does.
func (w *tileWalk) compute(t *tile) {
	if t.whole && w.at.taps > 0 {
		w.call(t, &t.calls[0], w.first, w.last)
		return
	}
	nothing := tileCall{from: t.from, to: t.to, out: w.tile.output(t.from)}
	if w.first {
		w.call(t, &nothing, true, false)
	}
	covered := t.covered && w.at.taps > 0
	if w.at.taps > 0 {
		for i := range t.calls {
			w.call(t, &t.calls[i], false, w.last && covered && i == len(t.calls)-1)
		}
	}
	if w.last && !covered && (w.bias != nil || w.relu || w.rounds()) {
		w.call(t, &nothing, false, true)
	}
}

// call runs the kernel.
func (w *tileWalk) call(t *tile, c *tileCall, overwrite, last bool) {
	g := w.args
	g.Count = 0
	if c.taps > 0 {
		g.Offsets, g.Count = &w.lists[c.batch][0], w.entriesTap*c.taps
		g.A, g.B = unsafe.Add(w.a, c.a), unsafe.Add(w.b, c.b)
	}
	if out := unsafe.Add(w.y, c.out); w.sums == nil {
		g.C = out
	} else {
		g.C, g.Rounded = unsafe.Pointer(&w.sums[w.number*w.perTile+(c.from-t.from)*Block]), nil
		if last {
			g.Rounded = out
		}
	}
	g.Ahead = w.ahead
	if w.aheadLeft -= g.Count; w.aheadLeft < 0 {
		g.AheadStep = 0
	}
	w.ahead += uintptr(g.Count * g.AheadStep)
	g.Accumulate = 1
	if overwrite {
		g.Accumulate = 0
	}
	if w.ends != last {
		w.ends = last
		g.Bias, g.ReLU, g.Scale = nil, 0, nil
		if last {
			g.Bias, g.ReLU, g.Scale = w.epilogue.bias, w.epilogue.relu, w.epilogue.scale
		}
	}
	w.kernels[c.to-c.from](g)
}
