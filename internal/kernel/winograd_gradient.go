package kernel

import (
	"unsafe"

	"github.com/inception-go/inception/internal/kernel/simd"
	"github.com/inception-go/inception/internal/parallel"
)

const (
	// winogradPoints is how many bytes of points a piece of the gradient of weights holds at
	// once. Each is read once from the L2 or L3 cache; with fewer, sums are read and written
	// more often. It sets the order of sums, so it does not depend on the cache.
	winogradPoints = 1 << 20

	// winogradPartTiles is how many tiles pay for sums of their own, and
	// winogradManyTiles how many leave no trace of their cost.
	winogradPartTiles = 32
	winogradManyTiles = 192

	// winogradPartials is how many floats the sums of all parts may have.
	winogradPartials = 4 << 20

	// winogradRange is how many output blocks a piece has at least: they share the
	// transforms of x.
	winogradRange = 3
)

// hasWinogradGradient reports whether winogradGradient computes the gradient of weights
// faster, of n images whose results are h by w: tiles that reach far beyond save little.
func (c Conv) hasWinogradGradient(n, h, w int) bool {
	pixels := winogradTiles(simd.F4, h) * winogradTiles(simd.F4, w) * simd.F4.Output * simd.F4.Output
	return c.winogradPays(simd.F4, n, h, w) && 8*h*w >= 5*pixels
}

// hasWinogradGradientBF16 is hasWinogradGradient in bf16, where direct products take half of
// the time: less than the transforms of few blocks, which few products share, and less than
// reading and writing the sums of all points of many.
func (c Conv) hasWinogradGradientBF16(n, h, w int) bool {
	const mostBytes = 8 << 20
	return c.hasWinogradGradient(n, h, w) && c.C*c.K >= Block*(c.C+c.K) && c.WinogradLen()*floatBytes <= mostBytes
}

// winogradGradient is BackwardWeights by the transposes of the transforms of F(4x4, 3x3),
// with a quarter of its multiplications:
//
//	dw = G' [sum over tiles of (A dy A') * (B' x B)] G
//
// where * multiplies each point of a tile with that of its window. From the points on all is
// float32, of maps in bf16 too: there it is still faster than direct products of bf16.
type winogradGradient[E float32 | BF16] struct {
	*winogradProduct[E] // whose y is dy; pieces are parts of the tiles
	*simd.GradientTransforms
	ranges int // of the output blocks; a piece takes one of a part
}

func (c Conv) winogradGradient(dw []float32, x, dy Map) {
	runWinogradGradient(c, dw, winogradInFloat32(dy, x, nil, nil), &active.Gradient)
}

func (c Conv) winogradGradientBF16(dw []float32, x, dy MapBF16) {
	p := winogradInBF16(dy, x, nil, nil)
	p.Algorithm, p.gemm = simd.F4, &active.Tiles
	runWinogradGradient(c, dw, p, &active.BF16.Gradient)
}

func runWinogradGradient[E float32 | BF16](c Conv, dw []float32, p *winogradProduct[E], f *simd.GradientTransforms) {
	g := winogradGradient[E]{winogradProduct: p, GradientTransforms: f}
	g.padH, g.padW = c.PadH, c.PadW
	g.number()
	size := c.WeightLen()
	g.cut(size)
	sums := dw[:size]
	if g.pieces > 1 {
		sums = borrowFloats(g.pieces * size)
		defer returnFloats(sums)
	}
	parallel.For(g.pieces*g.ranges, func(i int) {
		part, kb := i/g.ranges, g.y.Blocks()
		from, to := i%g.ranges*kb/g.ranges, (i%g.ranges+1)*kb/g.ranges
		g.piece(sums[part*size:(part+1)*size], part, from, to-from)
	})
	if g.pieces > 1 {
		sumAll(dw[:size], sums, false)
	}
}

// cut decides the pieces from shapes alone: parts of the tiles, an even number of them, each
// with sums of its own, of size floats; and, if there are few, ranges of the output blocks,
// each of which transforms x again.
func (g *winogradGradient[E]) cut(size int) {
	parts := max(min(leastPieces, g.tiles/winogradPartTiles), min(4*leastPieces, g.tiles/winogradManyTiles))
	g.pieces = max(1, min(parts, winogradPartials/size)/2*2)
	g.ranges = min((g.y.Blocks()+winogradRange-1)/winogradRange, (leastPieces+g.pieces-1)/g.pieces)
	perTile := (g.x.Blocks() + (g.y.Blocks()+g.ranges-1)/g.ranges) * g.Points() * pixelBytes
	g.most = max(winogradLeast, winogradPoints/perTile)
}

// piece computes n output blocks from k on, of one part of the tiles.
func (g *winogradGradient[E]) piece(dw []float32, part, k, n int) {
	s := borrowScratch()
	defer s.release()
	from, to := part*g.tiles/g.pieces, (part+1)*g.tiles/g.pieces
	p := *g.winogradProduct
	chunks := (to - from + p.most - 1) / p.most
	p.most = (to - from + chunks - 1) / chunks
	cb, points := g.x.Blocks(), g.Points()
	temporary := s.grow(2 * points * Block)
	w := winogradGradientWalk[E]{GradientTransforms: g.GradientTransforms, k: k, n: n, winogradWalk: winogradWalk[E]{
		winogradProduct: &p, scratch: s, inPoint: (cb * p.most) | 1, outPoint: (n * p.most) | 1,
		inPixel: pixelBytes, patch: elements[E](temporary[:points*Block]), temporary: temporary[points*Block:],
	}}
	memory := borrowFloats(points * (w.inPoint + w.outPoint) * Block)
	defer returnFloats(memory)
	w.in, w.out = unsafe.Pointer(&memory[0]), memory[points*w.inPoint*Block:]
	w.sums = borrowFloats(points * n * cb * Block * Block)
	defer returnFloats(w.sums)
	for chunk := range chunks {
		w.from, w.to = from+chunk*(to-from)/chunks, from+(chunk+1)*(to-from)/chunks
		w.transform(g.WinogradIn)
		w.transformBack()
		w.multiply(chunk > 0)
	}
	w.finish(dw)
}

// winogradGradientWalk is the state of a piece: output blocks [k, k+n).
type winogradGradientWalk[E float32 | BF16] struct {
	winogradWalk[E] // in and out are the points of x and dy
	*simd.GradientTransforms
	k, n int
	sums []float32 // [point][n][C/16][16c][16k]
}

// transformBack fills out.
func (w *winogradGradientWalk[E]) transformBack() {
	a := &w.scratch.winogradIn
	a.Point, a.Temporary, a.Constants = w.outPoint*pixelBytes, unsafe.Pointer(&w.temporary[0]), w.Numbers
	w.rows(func(image, i, j0, j1, at int) {
		top, whole := w.Output*i, w.wholeTiles(i, j0, j1)
		for block := range w.n {
			plane := w.y.Plane(image, w.k+block)
			points := func(j int) unsafe.Pointer { return unsafe.Pointer(&w.out[(block*w.most+at+j-j0)*Block]) }
			if j0 < whole {
				a.X, a.Row = unsafe.Pointer(&plane[(top*w.y.W+w.Output*j0)*Block]), w.y.W*w.pixel
				a.Tiles, a.Points = whole-j0, points(j0)
				w.WinogradOutBack(a)
			}
			for j := whole; j < j1; j++ {
				w.cutOut(w.y, plane, w.Output, top, w.Output*j)
				a.X, a.Row, a.Tiles, a.Points = unsafe.Pointer(&w.patch[0]), w.Output*w.pixel, 1, points(j)
				w.WinogradOutBack(a)
			}
		}
	})
}

// multiply adds the products of a chunk to the sums, which they replace unless accumulate
// is set.
func (w *winogradGradientWalk[E]) multiply(accumulate bool) {
	cb, widest := w.x.Blocks(), widestOuter(w.gemm)
	groups := (w.n + widest - 1) / widest
	s := w.scratch
	s.rows = append(s.rows[:0], simd.OuterRow{Pixels: w.to - w.from})
	a := &s.outer
	*a = simd.OuterArgs{Rows: &s.rows[0], Count: 1, XPixel: pixelBytes, DYPixel: pixelBytes,
		DYBlock: w.most * pixelBytes, DWBlock: cb * tapBytes}
	if accumulate {
		a.Accumulate = 1
	}
	for point := range w.Points() {
		for group := range groups {
			k := group * w.n / groups
			a.DY = unsafe.Pointer(&w.out[(point*w.outPoint+k*w.most)*Block])
			for c := range cb {
				a.X = w.input(point, c*w.most)
				a.DW = unsafe.Pointer(&w.sums[((point*w.n+k)*cb+c)*Block*Block])
				w.gemm.Outer[(group+1)*w.n/groups-k](a)
			}
		}
	}
}

// finish makes the gradients of the sums.
func (w *winogradGradientWalk[E]) finish(dw []float32) {
	cb := w.x.Blocks()
	a := &w.scratch.winogradWeights
	*a = simd.WinogradWeightsArgs{
		Point: w.n * cb * tapBytes, Tap: tapBytes,
		Temporary: unsafe.Pointer(&w.temporary[0]), Constants: w.Numbers,
	}
	for i := range w.n * cb {
		a.Points = unsafe.Pointer(&w.sums[i*Block*Block])
		a.W = unsafe.Pointer(&dw[(w.k*cb+i)*9*Block*Block])
		w.WinogradWeightsBack(a)
	}
}
