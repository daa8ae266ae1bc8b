package kernel

import (
	"fmt"
	"math"
	"unsafe"

	"github.com/inception-go/inception/internal/parallel"
)

const (
	winogradOutput = 4 // a tile's height and width
	winogradWindow = 6 // of the input behind it
	winogradPoints = winogradWindow * winogradWindow
	winogradBytes  = 384 << 10 // of transformed input that a piece keeps in the L2 cache
	winogradLeast  = 16        // tiles below which reading the larger weights takes longer
)

// winograd holds the numbers of F(4x4, 3x3) (Lavin and Gray, "Fast Algorithms
// for Convolutional Neural Networks", arXiv 1509.09308): polynomials of degree
// 5 are multiplied by their values at 0, a, -a, b, -b and infinity. The usual
// points 1 and 2 round twice as badly as 5/8 and 3/2, whose powers are exact
// and whose spread is smaller (Barabasz et al., arXiv 1803.10986, on the choice
// of points).
//
//	B' = a2*b2      0     -a2-b2    0    1  0     A' = 1  1   1   1   1  0
//	       0     -a*b2    -b2       a    1  0          0  a  -a   b  -b  0
//	       0      a*b2    -b2      -a    1  0          0 a2  a2  b2  b2  0
//	       0     -b*a2    -a2       b    1  0          0 a3 -a3  b3 -b3  1
//	       0      b*a2    -a2      -b    1  0
//	       0     a2*b2      0    -a2-b2  0  1
//
// G's row of a point p is (1, p, p2) over the product of p's distances to the
// other points; infinity's is (0, 0, 1).
var winograd = func() *winogradConstants {
	const a, b = 0.625, 1.5
	const a2, b2 = a * a, b * b
	const overA, overB = 1 / (2 * a2 * (a2 - b2)), 1 / (2 * b2 * (b2 - a2))
	k := &winogradConstants{}
	for c := range Block {
		k.a[c], k.a2[c], k.a3[c] = a, a2, a2*a
		k.b[c], k.b2[c], k.b3[c] = b, b2, b2*b
		k.product[c], k.sum[c] = a2*b2, a2+b2
		k.g0[c] = 1 / (a2 * b2)
		k.gA[c], k.gAa[c], k.gAa2[c] = overA, overA*a, overA*a2
		k.gB[c], k.gBb[c], k.gBb2[c] = overB, overB*b, overB*b2
	}
	return k
}()

// HasWinograd reports whether ForwardWinograd computes c faster than
// ForwardBias on n images of h by w: a 3x3 with stride 1 and enough tiles to
// make up for reading four times as many weights.
func (c Conv) HasWinograd(n, h, w int) bool {
	oh, ow := c.Out(h, w)
	return c.R == 3 && c.S == 3 && c.StrideH == 1 && c.StrideW == 1 &&
		n*winogradTiles(oh)*winogradTiles(ow) >= winogradLeast
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
		*a = winogradWeightsArgs{
			points: unsafe.Pointer(&u[i*Block*Block]), point: pairs * tapBytes,
			w: unsafe.Pointer(&w[i*9*Block*Block+first]), tap: tap,
			temporary: unsafe.Pointer(&s.grow(18 * Block)[0]), constants: winograd,
		}
		active.winogradWeights(a)
		s.release()
	})
}

// ForwardWinograd is ForwardBias by F(4x4, 3x3), with a quarter of its
// multiplications: y's 4x4 tiles are the inverse transform of 36 products
// between transformed 6x6 windows of x and transformed weights u (see
// WinogradWeights). It rounds some five times as much as ForwardBias.
func (c Conv) ForwardWinograd(y, x Map, u, bias []float32, relu bool) {
	c.check("ForwardWinograd", y, x, u)
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
// kernels turned by half a circle, their channels exchanged.
func (c Conv) backwardWinograd(dx, dy Map, transposed []float32) {
	u, bias := borrowFloats(c.WinogradLen()), borrowFloats(c.C)
	defer returnFloats(u)
	defer returnFloats(bias)
	clear(bias)
	winogradWeights(u, transposed, c.K/Block*(c.C/Block), 8*Block*Block, -tapBytes)
	p := winogradProduct{y: dx, x: dy, padH: c.R - 1 - c.PadH, padW: c.S - 1 - c.PadW, u: u, bias: bias, least: float32(math.Inf(-1))}
	p.run()
}

// winogradProduct is one ForwardWinograd. Its tiles are numbered along the
// rows of tiles through all images.
type winogradProduct struct {
	y, x       Map
	padH, padW int
	u, bias    []float32
	least      float32
	isa        *isa

	across, perImage, tiles int // tiles
	pieces                  int
	most                    int // tiles of a piece
}

func (p *winogradProduct) run() {
	p.isa = active
	p.across = winogradTiles(p.y.W)
	p.perImage = winogradTiles(p.y.H) * p.across
	p.tiles = p.y.N * p.perImage
	p.cut()
	parallel.For(p.pieces, func(i int) { p.piece(i*p.tiles/p.pieces, (i+1)*p.tiles/p.pieces) })
}

// cut decides the pieces, by shapes alone: few enough tiles that their
// transforms stay in the cache, but weights should serve many.
func (p *winogradProduct) cut() {
	rows := p.isa.tileRows[maxTileBlocks]
	if rows == 0 {
		rows = p.isa.tileRows[1]
	}
	most := max(2*rows, winogradBytes/(winogradPoints*pixelBytes*p.x.Blocks()))
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
	// A window's points, and a tile's, lie an odd number of pixels apart, which
	// spreads them over the sets of the L1 cache.
	inPoint, outPoint := (cb*p.most)|1, (maxTileBlocks*p.most)|1
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
	groups := p.isa.groups(kb, to-from)
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
// [j0, j1) of row i of an image, the first being number at of the piece.
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
	a.point, a.temporary, a.constants = w.inPoint*pixelBytes, unsafe.Pointer(&w.temporary[0]), winograd
	w.rows(func(image, i, j0, j1, at int) {
		// Windows [inside, outside) lie wholly in the image.
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
				a.x = unsafe.Pointer(&plane[(top*w.x.W+winogradOutput*inside-w.padW)*Block])
				a.row, a.tiles, a.points = w.x.W*pixelBytes, outside-inside, points(inside)
				w.isa.winogradIn(a)
			}
			for j := j0; j < j1; j++ {
				if j == inside {
					j = outside
				}
				if j < j1 {
					w.cutOut(plane, top, winogradOutput*j-w.padW)
					a.x, a.row, a.tiles, a.points = unsafe.Pointer(&w.patch[0]), winogradWindow*pixelBytes, 1, points(j)
					w.isa.winogradIn(a)
				}
			}
		}
	})
}

// cutOut copies the window at a row and column of a plane to patch, with zeros
// outside of it.
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
	*g = gemmArgs{
		offsets: s.blocks(cb, w.most*pixelBytes), count: cb,
		aPixel: pixelBytes, bBlock: cb * tapBytes,
		cPixel: pixelBytes, cBlock: w.most * pixelBytes,
	}
	calls := (tiles + w.isa.tileRows[n] - 1) / w.isa.tileRows[n]
	for point := range winogradPoints {
		g.b = unsafe.Pointer(&w.u[(point*w.y.Blocks()+k)*cb*Block*Block])
		for i := range calls {
			from, to := i*tiles/calls, (i+1)*tiles/calls
			g.a = unsafe.Pointer(&w.in[(point*w.inPoint+from)*Block])
			g.c = unsafe.Pointer(&w.out[(point*w.outPoint+from)*Block])
			w.isa.gemm[n][to-from](g)
		}
	}
}

// finish writes the output blocks [k, k+n) of the piece's tiles.
func (w *winogradWalk) finish(k, n int) {
	a := &w.scratch.winogradOut
	a.point, a.temporary, a.constants = w.outPoint*pixelBytes, unsafe.Pointer(&w.temporary[0]), winograd
	least := w.temporary[winogradPoints*Block:][:Block]
	for c := range least {
		least[c] = w.least
	}
	a.least = unsafe.Pointer(&least[0])
	w.rows(func(image, i, j0, j1, at int) {
		top := winogradOutput * i
		whole := j0
		if top+winogradOutput <= w.y.H {
			whole = max(j0, min(j1, w.y.W/winogradOutput))
		}
		for block := range n {
			plane := w.y.Plane(image, k+block)
			a.bias = unsafe.Pointer(&w.bias[(k+block)*Block])
			points := func(j int) unsafe.Pointer { return unsafe.Pointer(&w.out[(block*w.most+at+j-j0)*Block]) }
			if j0 < whole {
				a.y = unsafe.Pointer(&plane[(top*w.y.W+winogradOutput*j0)*Block])
				a.row, a.tiles, a.points = w.y.W*pixelBytes, whole-j0, points(j0)
				w.isa.winogradOut(a)
			}
			for j := whole; j < j1; j++ {
				a.y, a.row, a.tiles, a.points = unsafe.Pointer(&w.patch[0]), winogradOutput*pixelBytes, 1, points(j)
				w.isa.winogradOut(a)
				left := winogradOutput * j
				for r := range min(winogradOutput, w.y.H-top) {
					copy(plane[((top+r)*w.y.W+left)*Block:], w.patch[r*winogradOutput*Block:][:min(winogradOutput, w.y.W-left)*Block])
				}
			}
		}
	})
}
