package kernel

import (
	"fmt"
	"math"
	"unsafe"

	"github.com/inception-go/inception/internal/kernel/simd"
	"github.com/inception-go/inception/internal/parallel"
)

const (
	winogradOutput = simd.WinogradOutput
	winogradWindow = simd.WinogradWindow
	winogradPoints = winogradWindow * winogradWindow
	winogradLeast  = 16 // with fewer tiles, reading the larger weights takes too long
)

// HasWinograd reports whether ForwardWinograd computes c faster than
// ForwardBias on n images of h by w: a 3x3 with stride 1 and enough tiles.
func (c Conv) HasWinograd(n, h, w int) bool {
	oh, ow := c.Out(h, w)
	return c.winogradPays(n, oh, ow)
}

// winogradPays reports whether results of h by w make enough tiles to pay for
// reading four times as many weights.
func (c Conv) winogradPays(n, h, w int) bool {
	return c.R == 3 && c.S == 3 && c.StrideH == 1 && c.StrideW == 1 &&
		n*winogradTiles(h)*winogradTiles(w) >= winogradLeast
}

func winogradTiles(size int) int { return (size + winogradOutput - 1) / winogradOutput }

// WinogradLen returns the number of transformed weights.
func (c Conv) WinogradLen() int { return c.K * c.C * winogradPoints }

// WinogradWeights overwrites u with the transform GwG' of the packed 3x3
// weights w, [36][K/16][C/16][16c][16k].
func (c Conv) WinogradWeights(u, w []float32) {
	if c.R != 3 || c.S != 3 || len(u) < c.WinogradLen() || len(w) < c.WeightLen() {
		panic(fmt.Sprintf("kernel: WinogradWeights of %+v from %d to %d floats", c, len(w), len(u)))
	}
	winogradWeights(u, w, c.K/Block*(c.C/Block), 0, tapBytes)
}

// winogradWeights transforms the kernels between pairs of blocks, whose taps
// begin at first and are tap bytes apart.
func winogradWeights(u, w []float32, pairs, first, tap int) {
	parallel.For(pairs, func(i int) {
		s := borrowScratch()
		a := &s.winogradWeights
		*a = simd.WinogradWeightsArgs{
			Points: unsafe.Pointer(&u[i*Block*Block]), Point: pairs * tapBytes,
			W: unsafe.Pointer(&w[i*9*Block*Block+first]), Tap: tap,
			Temporary: unsafe.Pointer(&s.grow(18 * Block)[0]), Constants: simd.WinogradNumbers,
		}
		active.WinogradWeights(a)
		s.release()
	})
}

// ForwardWinograd is ForwardBias by F(4x4, 3x3), with a quarter of its
// multiplications: y's 4x4 tiles are the inverse transform of 36 products
// between transformed 6x6 windows of x and transformed weights u (see
// WinogradWeights). Its rounding error is three to five times ForwardBias's.
func (c Conv) ForwardWinograd(y, x Map, u, bias []float32, relu bool) {
	c.check("ForwardWinograd", y.operand("ForwardWinograd"), x.operand("ForwardWinograd"), len(u))
	if c.R != 3 || c.S != 3 || c.StrideH != 1 || c.StrideW != 1 || len(u) < c.WinogradLen() || len(bias) < y.C {
		panic(fmt.Sprintf("kernel: ForwardWinograd of %+v with %d weights and %d biases", c, len(u), len(bias)))
	}
	p := winogradProduct{y: y, x: x, padH: c.PadH, padW: c.PadW, u: u, bias: bias, least: float32(math.Inf(-1))}
	if relu {
		p.least = 0
	}
	p.run()
}

// backwardWinograd is BackwardData by F(4x4, 3x3): dx is dy convolved with the
// kernels rotated by 180 degrees and their channels exchanged.
func (c Conv) backwardWinograd(dx, dy Map, transposed []float32) {
	u, bias := borrowFloats(c.WinogradLen()), borrowFloats(c.C)
	defer returnFloats(u)
	defer returnFloats(bias)
	clear(bias)
	winogradWeights(u, transposed, c.K/Block*(c.C/Block), 8*Block*Block, -tapBytes)
	p := winogradProduct{
		y: dx, x: dy, padH: c.R - 1 - c.PadH, padW: c.S - 1 - c.PadW,
		u: u, bias: bias, least: float32(math.Inf(-1)),
	}
	p.run()
}

// winogradProduct is one ForwardWinograd. Its tiles are numbered along the
// rows of tiles through all images.
type winogradProduct struct {
	y, x       Map
	padH, padW int
	u, bias    []float32
	least      float32
	isa        *simd.ISA

	across, perImage, tiles int // tiles
	pieces                  int
	most                    int // tiles of a piece
}

func (p *winogradProduct) run() {
	if p.y.N == 0 {
		return
	}
	p.isa = active
	p.across = winogradTiles(p.y.W)
	p.perImage = winogradTiles(p.y.H) * p.across
	p.tiles = p.y.N * p.perImage
	p.cut()
	parallel.For(p.pieces, func(i int) { p.piece(i*p.tiles/p.pieces, (i+1)*p.tiles/p.pieces) })
}

// cut decides the pieces from shapes alone: few enough tiles that their
// transforms stay in the cache, but enough to reuse the weights. A small product
// is cut into a multiple of 4 pieces: with more, reading all weights more often
// costs more than further threads gain.
func (p *winogradProduct) cut() {
	rows := p.isa.TileRows[simd.MaxTileBlocks]
	if rows == 0 {
		rows = p.isa.TileRows[1]
	}
	most := max(2*rows, winogradBytes()/(winogradPoints*pixelBytes*p.x.Blocks()))
	p.pieces = (p.tiles + most - 1) / most
	if even := (p.pieces + 3) / 4 * 4; p.pieces < leastPieces && even <= p.tiles {
		p.pieces = even
	}
	p.most = (p.tiles + p.pieces - 1) / p.pieces
}

// piece computes the tiles [from, to).
func (p *winogradProduct) piece(from, to int) {
	s := borrowScratch()
	defer s.release()
	cb, kb := p.x.Blocks(), p.y.Blocks()
	// The points of a window, and of a tile, are an odd number of pixels apart,
	// which spreads them over the sets of the L1 cache.
	inPoint, outPoint := (cb*p.most)|1, (simd.MaxTileBlocks*p.most)|1
	memory := borrowFloats((winogradPoints*(inPoint+outPoint) + 3*winogradPoints) * Block)
	defer returnFloats(memory)
	w := winogradWalk{
		winogradProduct: p, scratch: s, from: from, to: to, inPoint: inPoint, outPoint: outPoint,
		in:        memory,
		out:       memory[winogradPoints*inPoint*Block:],
		patch:     memory[winogradPoints*(inPoint+outPoint)*Block:],
		temporary: memory[(winogradPoints*(inPoint+outPoint)+winogradPoints)*Block:],
	}
	w.transform()
	groups := groups(&p.isa.Tiles, kb, to-from)
	for group := range groups {
		k := group * kb / groups
		w.multiply(k, (group+1)*kb/groups-k)
		w.finish(k, (group+1)*kb/groups-k)
	}
}

// winogradWalk is the state of a piece.
type winogradWalk struct {
	*winogradProduct
	scratch           *scratch
	from, to          int
	inPoint, outPoint int // pixels from one point to the next
	in, out           []float32
	patch, temporary  []float32 // 36 pixels and 36 pixels
}

// rows calls do for each run of the piece's tiles in one row of tiles: tiles
// [j0, j1) of row i of an image, the first of which is number at of the piece.
func (w *winogradWalk) rows(do func(image, i, j0, j1, at int)) {
	for t := w.from; t < w.to; {
		image, rest := t/w.perImage, t%w.perImage
		i, j := rest/w.across, rest%w.across
		end := min(w.across, j+w.to-t)
		do(image, i, j, end, t-w.from)
		t += end - j
	}
}

// transform fills in.
func (w *winogradWalk) transform() {
	a := &w.scratch.winogradIn
	a.Point, a.Temporary, a.Constants = w.inPoint*pixelBytes, unsafe.Pointer(&w.temporary[0]), simd.WinogradNumbers
	w.rows(func(image, i, j0, j1, at int) {
		// Windows [inside, outside) are entirely in the image.
		top := winogradOutput*i - w.padH
		inside, outside := min(j1, max(j0, (w.padW+winogradOutput-1)/winogradOutput)), j0
		if top >= 0 && top+winogradWindow <= w.x.H && w.x.W+w.padW >= winogradWindow {
			outside = min(j1, (w.x.W+w.padW-winogradWindow)/winogradOutput+1)
		}
		outside = max(inside, outside)
		for c := range w.x.Blocks() {
			plane := w.x.Plane(image, c)
			points := func(j int) unsafe.Pointer { return unsafe.Pointer(&w.in[(c*w.most+at+j-j0)*Block]) }
			if inside < outside {
				a.X = unsafe.Pointer(&plane[(top*w.x.W+winogradOutput*inside-w.padW)*Block])
				a.Row, a.Tiles, a.Points = w.x.W*pixelBytes, outside-inside, points(inside)
				w.isa.WinogradIn(a)
			}
			for j := j0; j < j1; j++ {
				if j == inside {
					j = outside
				}
				if j < j1 {
					w.cutOut(plane, top, winogradOutput*j-w.padW)
					a.X, a.Row, a.Tiles, a.Points = unsafe.Pointer(&w.patch[0]), winogradWindow*pixelBytes, 1, points(j)
					w.isa.WinogradIn(a)
				}
			}
		}
	})
}

// cutOut copies the window at a row and column of a plane to patch, with zeros
// outside the plane.
func (w *winogradWalk) cutOut(plane []float32, top, left int) {
	clear(w.patch[:winogradPoints*Block])
	j0, j1 := max(0, -left), min(winogradWindow, w.x.W-left)
	for i := range winogradWindow {
		if h := top + i; h >= 0 && h < w.x.H && j0 < j1 {
			copy(w.patch[(i*winogradWindow+j0)*Block:], plane[(h*w.x.W+left+j0)*Block:(h*w.x.W+left+j1)*Block])
		}
	}
}

// multiply fills out for the output blocks [k, k+n): at each point a product
// over the channels, whose pixels are the tiles.
func (w *winogradWalk) multiply(k, n int) {
	s, cb, tiles := w.scratch, w.x.Blocks(), w.to-w.from
	g := &s.gemm
	*g = simd.GemmArgs{
		Offsets: s.blocks(cb, w.most*pixelBytes, tapBytes), Count: cb,
		APixel: pixelBytes, BBlock: cb * tapBytes,
		CPixel: pixelBytes, CBlock: w.most * pixelBytes,
	}
	calls := (tiles + w.isa.TileRows[n] - 1) / w.isa.TileRows[n]
	for point := range winogradPoints {
		g.B = unsafe.Pointer(&w.u[(point*w.y.Blocks()+k)*cb*Block*Block])
		for i := range calls {
			from, to := i*tiles/calls, (i+1)*tiles/calls
			g.A = unsafe.Pointer(&w.in[(point*w.inPoint+from)*Block])
			g.C = unsafe.Pointer(&w.out[(point*w.outPoint+from)*Block])
			w.isa.Gemm[n][to-from](g)
		}
	}
}

// finish writes the output blocks [k, k+n) of the piece's tiles.
func (w *winogradWalk) finish(k, n int) {
	a := &w.scratch.winogradOut
	a.Point, a.Temporary, a.Constants = w.outPoint*pixelBytes, unsafe.Pointer(&w.temporary[0]), simd.WinogradNumbers
	least := w.temporary[winogradPoints*Block:][:Block]
	for c := range least {
		least[c] = w.least
	}
	a.Least = unsafe.Pointer(&least[0])
	w.rows(func(image, i, j0, j1, at int) {
		top := winogradOutput * i
		whole := j0
		if top+winogradOutput <= w.y.H {
			whole = max(j0, min(j1, w.y.W/winogradOutput))
		}
		for block := range n {
			plane := w.y.Plane(image, k+block)
			a.Bias = unsafe.Pointer(&w.bias[(k+block)*Block])
			points := func(j int) unsafe.Pointer { return unsafe.Pointer(&w.out[(block*w.most+at+j-j0)*Block]) }
			if j0 < whole {
				a.Y = unsafe.Pointer(&plane[(top*w.y.W+winogradOutput*j0)*Block])
				a.Row, a.Tiles, a.Points = w.y.W*pixelBytes, whole-j0, points(j0)
				w.isa.WinogradOut(a)
			}
			for j := whole; j < j1; j++ {
				a.Y, a.Row, a.Tiles, a.Points = unsafe.Pointer(&w.patch[0]), winogradOutput*pixelBytes, 1, points(j)
				w.isa.WinogradOut(a)
				left := winogradOutput * j
				for r := range min(winogradOutput, w.y.H-top) {
					copy(plane[((top+r)*w.y.W+left)*Block:], w.patch[r*winogradOutput*Block:][:min(winogradOutput, w.y.W-left)*Block])
				}
			}
		}
	})
}
