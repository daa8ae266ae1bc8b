package kernel

import (
	"math"
	"unsafe"

	"github.com/inception-go/inception/internal/kernel/simd"
	"github.com/inception-go/inception/internal/parallel"
)

// winogradProduct is one product by an Algorithm. Its tiles are numbered along the
// rows of tiles through all images.
type winogradProduct[E float32 | BF16] struct {
	y, x       Activation[E]
	padH, padW int
	u          []E
	bias       []float32
	least      float32
	gemm       *simd.Tiles
	transforms *simd.Transforms
	*simd.Algorithm
	pixel, tap int // bytes of a pixel, and of the weights between two blocks
	cached     int // bytes of transformed input that stay in the cache

	across, perImage, tiles int // tiles
	pieces                  int
	most                    int // tiles of a piece
}

func winogradInFloat32(y, x Map, u, bias []float32) *winogradProduct[float32] {
	return &winogradProduct[float32]{y: y, x: x, u: u, bias: bias, gemm: &active.Tiles,
		transforms: &active.Transforms, Algorithm: simd.F4, pixel: pixelBytes, tap: tapBytes, cached: cacheShare()}
}

// winogradInBF16 takes the same size of cache for all processors: the order of a tile's
// sums depends on its size.
func winogradInBF16(y, x MapBF16, u []BF16, bias []float32) *winogradProduct[BF16] {
	return &winogradProduct[BF16]{y: y, x: x, u: u, bias: bias, gemm: &active.BF16.Tiles,
		transforms: &active.BF16.Transforms, Algorithm: simd.F3, pixel: pixelBytes / 2, tap: tapBytes / 2,
		cached: cacheEnough}
}

func (p *winogradProduct[E]) run(padH, padW int, relu bool) {
	if p.y.N == 0 {
		return
	}
	p.padH, p.padW, p.least = padH, padW, float32(math.Inf(-1))
	if relu {
		p.least = 0
	}
	p.number()
	p.cut()
	parallel.For(p.pieces, func(i int) { p.piece(i*p.tiles/p.pieces, (i+1)*p.tiles/p.pieces) })
}

// number counts the tiles.
func (p *winogradProduct[E]) number() {
	p.across = winogradTiles(p.Algorithm, p.y.W)
	p.perImage = winogradTiles(p.Algorithm, p.y.H) * p.across
	p.tiles = p.y.N * p.perImage
}

// cut decides the pieces from shapes alone: few enough tiles that their
// transforms stay in the cache, but enough to reuse the weights. A small product
// is cut into a multiple of 4 pieces: with more, reading all weights more often
// costs more than further threads gain.
func (p *winogradProduct[E]) cut() {
	rows := p.gemm.TileRows[simd.MaxTileBlocks]
	if rows == 0 {
		rows = p.gemm.TileRows[1]
	}
	most := max(2*rows, p.cached/(p.Points()*p.pixel*p.x.Blocks()))
	p.pieces = (p.tiles + most - 1) / most
	if even := (p.pieces + 3) / 4 * 4; p.pieces < leastPieces && even <= p.tiles {
		p.pieces = even
	}
	p.most = (p.tiles + p.pieces - 1) / p.pieces
}

// piece computes the tiles [from, to).
func (p *winogradProduct[E]) piece(from, to int) {
	s := borrowScratch()
	defer s.release()
	cb, kb, points := p.x.Blocks(), p.y.Blocks(), p.Points()
	// The points of a window, and of a tile, are an odd number of pixels apart,
	// which spreads them over the sets of the L1 cache.
	inPoint, outPoint := (cb*p.most)|1, (simd.MaxTileBlocks*p.most)|1
	in := borrowFloats(points * (inPoint + 1) * p.pixel / floatBytes)
	defer returnFloats(in)
	out := borrowFloats((points*(outPoint+1) + 1) * Block)
	defer returnFloats(out)
	w := winogradWalk[E]{
		winogradProduct: p, scratch: s, from: from, to: to, inPoint: inPoint, outPoint: outPoint,
		in: unsafe.Pointer(&in[0]), inPixel: p.pixel, patch: elements[E](in)[points*inPoint*Block:],
		out: out[:points*outPoint*Block], temporary: out[points*outPoint*Block:],
	}
	w.transform(p.transforms.WinogradIn)
	groups := groups(p.gemm, kb, to-from)
	for group := range groups {
		k := group * kb / groups
		w.multiply(k, (group+1)*kb/groups-k)
		w.finish(k, (group+1)*kb/groups-k)
	}
}

// winogradWalk is the state of a piece.
type winogradWalk[E float32 | BF16] struct {
	*winogradProduct[E]
	scratch           *scratch
	from, to          int
	inPoint, outPoint int // pixels from one point to the next
	in                unsafe.Pointer
	inPixel           int       // bytes of a point
	patch             []E       // a window
	out, temporary    []float32 // temporary: a window, and a pixel
}

// rows calls do for each run of the piece's tiles in one row of tiles: tiles
// [j0, j1) of row i of an image, the first of which is number at of the piece.
func (w *winogradWalk[E]) rows(do func(image, i, j0, j1, at int)) {
	for t := w.from; t < w.to; {
		image, rest := t/w.perImage, t%w.perImage
		i, j := rest/w.across, rest%w.across
		end := min(w.across, j+w.to-t)
		do(image, i, j, end, t-w.from)
		t += end - j
	}
}

// transform fills in.
func (w *winogradWalk[E]) transform(windows func(*simd.WinogradInArgs)) {
	a := &w.scratch.winogradIn
	a.Point, a.Temporary, a.Constants = w.inPoint*w.inPixel, unsafe.Pointer(&w.temporary[0]), w.Numbers
	w.rows(func(image, i, j0, j1, at int) {
		// Windows [inside, outside) are entirely in the image.
		top := w.Output*i - w.padH
		inside, outside := min(j1, max(j0, (w.padW+w.Output-1)/w.Output)), j0
		if top >= 0 && top+w.Window <= w.x.H && w.x.W+w.padW >= w.Window {
			outside = min(j1, (w.x.W+w.padW-w.Window)/w.Output+1)
		}
		outside = max(inside, outside)
		for c := range w.x.Blocks() {
			plane := w.x.Plane(image, c)
			points := func(j int) unsafe.Pointer { return w.input(0, c*w.most+at+j-j0) }
			if inside < outside {
				a.X = unsafe.Pointer(&plane[(top*w.x.W+w.Output*inside-w.padW)*Block])
				a.Row, a.Tiles, a.Points = w.x.W*w.pixel, outside-inside, points(inside)
				windows(a)
			}
			for j := j0; j < j1; j++ {
				if j == inside {
					j = outside
				}
				if j < j1 {
					w.cutOut(w.x, plane, w.Window, top, w.Output*j-w.padW)
					a.X, a.Row, a.Tiles, a.Points = unsafe.Pointer(&w.patch[0]), w.Window*w.pixel, 1, points(j)
					windows(a)
				}
			}
		}
	})
}

// input returns where a pixel of a point of the input is.
func (w *winogradWalk[E]) input(point, pixel int) unsafe.Pointer {
	return unsafe.Add(w.in, (point*w.inPoint+pixel)*w.inPixel)
}

// cutOut copies size rows of as many pixels from a row and column of m's plane to patch,
// with zeros outside the plane.
func (w *winogradWalk[E]) cutOut(m Activation[E], plane []E, size, top, left int) {
	clear(w.patch[:size*size*Block])
	j0, j1 := max(0, -left), min(size, m.W-left)
	for i := range size {
		if h := top + i; h >= 0 && h < m.H && j0 < j1 {
			copy(w.patch[(i*size+j0)*Block:], plane[(h*m.W+left+j0)*Block:(h*m.W+left+j1)*Block])
		}
	}
}

// multiply fills out for the output blocks [k, k+n): at each point a product
// over the channels, whose pixels are the tiles.
func (w *winogradWalk[E]) multiply(k, n int) {
	s, cb, tiles := w.scratch, w.x.Blocks(), w.to-w.from
	g := &s.gemm
	*g = simd.GemmArgs{
		Offsets: s.blocks(cb, w.most*w.inPixel, w.tap), Count: cb,
		APixel: w.inPixel, BBlock: cb * w.tap,
		CPixel: pixelBytes, CBlock: w.most * pixelBytes,
	}
	calls := (tiles + w.gemm.TileRows[n] - 1) / w.gemm.TileRows[n]
	for point := range w.Points() {
		g.B = unsafe.Pointer(&w.u[(point*w.y.Blocks()+k)*cb*Block*Block])
		for i := range calls {
			from, to := i*tiles/calls, (i+1)*tiles/calls
			g.A = w.input(point, from)
			g.C = unsafe.Pointer(&w.out[(point*w.outPoint+from)*Block])
			w.gemm.Gemm[n][to-from](g)
		}
	}
}

// finish writes the output blocks [k, k+n) of the piece's tiles.
func (w *winogradWalk[E]) finish(k, n int) {
	a := &w.scratch.winogradOut
	a.Point, a.Temporary, a.Constants = w.outPoint*pixelBytes, unsafe.Pointer(&w.temporary[0]), w.Numbers
	least := w.temporary[w.Points()*Block:][:Block]
	for c := range least {
		least[c] = w.least
	}
	a.Least = unsafe.Pointer(&least[0])
	w.rows(func(image, i, j0, j1, at int) {
		top, whole := w.Output*i, w.wholeTiles(i, j0, j1)
		for block := range n {
			plane := w.y.Plane(image, k+block)
			a.Bias = unsafe.Pointer(&w.bias[(k+block)*Block])
			points := func(j int) unsafe.Pointer { return unsafe.Pointer(&w.out[(block*w.most+at+j-j0)*Block]) }
			if j0 < whole {
				a.Y = unsafe.Pointer(&plane[(top*w.y.W+w.Output*j0)*Block])
				a.Row, a.Tiles, a.Points = w.y.W*w.pixel, whole-j0, points(j0)
				w.transforms.WinogradOut(a)
			}
			for j := whole; j < j1; j++ {
				a.Y, a.Row, a.Tiles, a.Points = unsafe.Pointer(&w.patch[0]), w.Output*w.pixel, 1, points(j)
				w.transforms.WinogradOut(a)
				left := w.Output * j
				for r := range min(w.Output, w.y.H-top) {
					copy(plane[((top+r)*w.y.W+left)*Block:], w.patch[r*w.Output*Block:][:min(w.Output, w.y.W-left)*Block])
				}
			}
		}
	})
}

// wholeTiles returns the end of those of the tiles [j0, j1) of row i that lie entirely in y.
func (w *winogradWalk[E]) wholeTiles(i, j0, j1 int) int {
	if w.Output*(i+1) > w.y.H {
		return j0
	}
	return max(j0, min(j1, w.y.W/w.Output))
}
