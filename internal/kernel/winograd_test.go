package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"

	"github.com/inception-go/inception/internal/parallel"
)

// staleFloats puts NaN into the memory that calls before have given back.
func staleFloats() {
	floatPool.Lock()
	defer floatPool.Unlock()
	for _, b := range floatPool.free {
		for i := range b[:cap(b)] {
			b[:cap(b)][i] = float32(math.NaN())
		}
	}
}

// winogradCases are 3x3 convolutions that take each way through the driver.
func winogradCases(r *rand.Rand, random int) []convCase {
	conv := func(c, k, pad int) Conv { return Conv{c, k, Window{3, 3, 1, 1, pad, pad, 0, 0}} }
	cases := []convCase{
		{conv(32, 64, 1), 2, 9, 11, true},   // partial tiles at the right and below
		{conv(48, 112, 0), 3, 10, 6, true},  // one column of tiles; groups of output blocks
		{conv(16, 16, 1), 1, 1, 1, false},   // one pixel
		{conv(16, 16, 3), 1, 3, 2, false},   // rows of padding only
		{conv(160, 16, 1), 5, 17, 13, true}, // many pieces
		{conv(16, 48, 0), 1, 40, 35, false}, // runs of whole windows
	}
	for range random {
		c := convCase{conv(Block*(1+r.IntN(6)), Block*(1+r.IntN(7)), r.IntN(4)), 1 + r.IntN(4), 1 + r.IntN(24), 1 + r.IntN(24), r.IntN(2) == 0}
		c.PadW, c.MoreH, c.MoreW = r.IntN(4), r.IntN(2), r.IntN(2)
		if oh, ow := c.Out(c.h, c.w); oh > 0 && ow > 0 && c.h+2*c.PadH >= 3 && c.w+2*c.PadW >= 3 && c.n*c.C*c.K*oh*ow < 1e6 {
			cases = append(cases, c)
		}
	}
	return cases
}

func TestWinogradIsTheConvolution(t *testing.T) {
	random := 25
	if long {
		random = 1000
	}
	cases := winogradCases(rand.New(rand.NewPCG(11, 12)), random)
	eachISA(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(13, 14))
		for _, c := range cases {
			t.Run(c.String(), func(t *testing.T) { testWinograd(t, r, c) })
		}
	})
}

func testWinograd(t *testing.T, r *rand.Rand, c convCase) {
	oh, ow := c.Out(c.h, c.w)
	x := newViewMap(r, c.n, c.C, c.h, c.w, c.view, true)
	y := newViewMap(r, c.n, c.K, oh, ow, c.view, false)
	oihw, bias := randomGuarded(r, c.K*c.C*9), randomGuarded(r, c.K)
	w, u := newGuarded(c.WeightLen()), newGuarded(c.WinogradLen())
	PackOIHW(w.data, oihw.data, c.K, c.C, 3, 3)
	c.WinogradWeights(u.data, w.data)
	relu := r.IntN(2) == 0

	want := make([]float64, c.n*c.K*oh*ow)
	xs := x.values()
	c.reference(c.n, c.h, c.w, func(y, x, weight int) { want[y] += float64(xs[x]) * float64(oihw.data[weight]) })
	for i := range want {
		want[i] += float64(bias.data[i/(oh*ow)%c.K])
		if relu {
			want[i] = max(0, want[i])
		}
	}
	staleFloats()
	c.ForwardWinograd(y.Map, x.Map, u.data, bias.data, relu)
	near(t, "ForwardWinograd", y.values(), want, 16*c.C*9)
	for _, m := range []viewMap{x, y} {
		m.check(t, "maps")
	}
	for _, g := range []guarded{w, u, bias} {
		g.check(t, "slices")
	}
}

func TestWinogradBackwardDataIsTheGradient(t *testing.T) {
	random := 25
	if long {
		random = 1000
	}
	cases := winogradCases(rand.New(rand.NewPCG(19, 20)), random)
	eachISA(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(21, 22))
		for _, c := range cases {
			if c.PadH < c.R && c.PadW < c.S {
				t.Run(c.String(), func(t *testing.T) { testWinogradBackward(t, r, c) })
			}
		}
	})
}

// testWinogradBackward does not ask HasWinograd: small maps have the most edges.
func testWinogradBackward(t *testing.T, r *rand.Rand, c convCase) {
	oh, ow := c.Out(c.h, c.w)
	dy := newViewMap(r, c.n, c.K, oh, ow, c.view, true)
	dx := newViewMap(r, c.n, c.C, c.h, c.w, c.view, false)
	oihw, packed, transposed := randomGuarded(r, c.K*c.C*9), newGuarded(c.WeightLen()), newGuarded(c.WeightLen())
	PackOIHW(packed.data, oihw.data, c.K, c.C, 3, 3)
	transposeWeights(transposed.data, packed.data, c.K/Block, c.C/Block, 9)

	want := make([]float64, c.n*c.C*c.h*c.w)
	dys := dy.values()
	c.reference(c.n, c.h, c.w, func(y, x, weight int) { want[x] += float64(dys[y]) * float64(oihw.data[weight]) })
	staleFloats()
	c.backwardWinograd(dx.Map, dy.Map, transposed.data)
	near(t, "backwardWinograd", dx.values(), want, 16*c.K*9)
	dx.check(t, "dx")
	dy.check(t, "dy")
	transposed.check(t, "weights")
}

func TestWinogradKeepsNaN(t *testing.T) {
	eachISA(t, func(t *testing.T) {
		c := Conv{16, 16, Window{3, 3, 1, 1, 1, 1, 0, 0}}
		x, y := NewMap(1, 16, 8, 8), NewMap(1, 16, 8, 8)
		x.Data[0] = float32(math.NaN())
		c.ForwardWinograd(y, x, make([]float32, c.WinogradLen()), make([]float32, 16), true)
		if !math.IsNaN(float64(y.Data[0])) {
			t.Errorf("a NaN became %g", y.Data[0])
		}
	})
}

func TestWinogradThreads(t *testing.T) {
	defer parallel.SetThreads(parallel.Threads())
	eachISA(t, func(t *testing.T) {
		for _, c := range winogradCases(nil, 0) {
			parallel.SetThreads(1)
			want := c.winograd()
			for threads := 2; threads <= 3; threads++ {
				parallel.SetThreads(threads)
				if got := c.winograd(); !slices.Equal(got, want) {
					t.Errorf("%v: %d threads give other bits than one", c, threads)
				}
			}
		}
	})
}

func (c convCase) winograd() []float32 {
	r := rand.New(rand.NewPCG(15, 16))
	oh, ow := c.Out(c.h, c.w)
	x := newViewMap(r, c.n, c.C, c.h, c.w, false, true)
	u, y := randomGuarded(r, c.WinogradLen()).data, NewMap(c.n, c.K, oh, ow)
	c.ForwardWinograd(y, x.Map, u, make([]float32, c.K), false)
	return y.Data
}

// matrix is one of winograd's, in float64.
type matrix [][]float64

// both returns m*d*m' of a square d, stored by rows, and what the sums would be
// if all their terms had one sign, of which rounding is a fraction.
func (m matrix) both(d func(i, j int) float64) (product, size []float64) {
	for _, left := range m {
		for _, right := range m {
			var sum, all float64
			for i, l := range left {
				for j, r := range right {
					sum += l * d(i, j) * r
					all += math.Abs(l * d(i, j) * r)
				}
			}
			product, size = append(product, sum), append(size, all)
		}
	}
	return product, size
}

const wa, wb = 5.0 / 8, 3.0 / 2

var (
	winogradB = matrix{ // B'
		{wa * wa * wb * wb, 0, -wa*wa - wb*wb, 0, 1, 0},
		{0, -wa * wb * wb, -wb * wb, wa, 1, 0},
		{0, wa * wb * wb, -wb * wb, -wa, 1, 0},
		{0, -wb * wa * wa, -wa * wa, wb, 1, 0},
		{0, wb * wa * wa, -wa * wa, -wb, 1, 0},
		{0, wa * wa * wb * wb, 0, -wa*wa - wb*wb, 0, 1},
	}
	winogradA = matrix{ // A'
		{1, 1, 1, 1, 1, 0},
		{0, wa, -wa, wb, -wb, 0},
		{0, wa * wa, wa * wa, wb * wb, wb * wb, 0},
		{0, wa * wa * wa, -wa * wa * wa, wb * wb * wb, -wb * wb * wb, 1},
	}
	winogradG = func() (g matrix) {
		points := []float64{0, wa, -wa, wb, -wb}
		for _, p := range points {
			distance := 1.0
			for _, q := range points {
				if q != p {
					distance *= p - q
				}
			}
			g = append(g, []float64{1 / distance, p / distance, p * p / distance})
		}
		return append(g, []float64{0, 0, 1})
	}()
)

// TestWinogradTransformsAreTheirMatrices: in float64, on memory beside guard
// pages.
func TestWinogradTransformsAreTheirMatrices(t *testing.T) {
	eachISA(t, func(t *testing.T) {
		for seed := range uint64(20) {
			c := transformCase{t, rand.New(rand.NewPCG(17, seed)), seed%2 == 0}
			c.in()
			c.out()
			c.weights()
		}
	})
}

type transformCase struct {
	*testing.T
	r       *rand.Rand
	atStart bool // the guard page lies before the memory
}

func (c transformCase) floats(n int) []float32 { return randomFloats(c.r, fenced(c, n, c.atStart)) }

// check compares got(i), value i of a tile, with a transform of it.
func (c transformCase) check(what string, m matrix, d func(i, j int) float32, got func(i int) float32, finish func(float64) float64) {
	c.Helper()
	want, size := m.both(func(i, j int) float64 { return float64(d(i, j)) })
	for i, v := range want {
		if v = finish(v); !(math.Abs(float64(got(i))-v) <= 1e-6*(1+size[i])) {
			c.Fatalf("%s: value %d is %g, wants %g", what, i, got(i), v)
		}
	}
}

func same(v float64) float64 { return v }

func (c transformCase) in() {
	tiles, gap := 1+c.r.IntN(4), c.r.IntN(3)
	width, point := 4*tiles+2+c.r.IntN(3), tiles+gap
	x := c.floats((5*width + 4*tiles + 2) * Block)
	points := c.floats((35*point + tiles) * Block)
	active.winogradIn(&winogradInArgs{
		points: unsafe.Pointer(&points[0]), point: point * pixelBytes,
		x: unsafe.Pointer(&x[0]), row: width * pixelBytes, tiles: tiles,
		temporary: unsafe.Pointer(&c.floats(36 * Block)[0]), constants: winograd,
	})
	for at := range tiles * Block {
		tile, lane := at/Block, at%Block
		c.check("in", winogradB, func(i, j int) float32 { return x[(i*width+4*tile+j)*Block+lane] },
			func(i int) float32 { return points[(i*point+tile)*Block+lane] }, same)
	}
}

func (c transformCase) out() {
	tiles, gap := 1+c.r.IntN(4), c.r.IntN(3)
	width, point := 4*tiles+c.r.IntN(3), tiles+gap
	points, bias, least := c.floats((35*point+tiles)*Block), c.floats(Block), c.floats(Block)
	y := c.floats((3*width + 4*tiles) * Block)
	active.winogradOut(&winogradOutArgs{
		y: unsafe.Pointer(&y[0]), row: width * pixelBytes, tiles: tiles,
		points: unsafe.Pointer(&points[0]), point: point * pixelBytes,
		temporary: unsafe.Pointer(&c.floats(24 * Block)[0]), constants: winograd,
		bias: unsafe.Pointer(&bias[0]), least: unsafe.Pointer(&least[0]),
	})
	for at := range tiles * Block {
		tile, lane := at/Block, at%Block
		c.check("out", winogradA, func(i, j int) float32 { return points[((6*i+j)*point+tile)*Block+lane] },
			func(i int) float32 { return y[(i/4*width+4*tile+i%4)*Block+lane] },
			func(v float64) float64 { return max(v+float64(bias[lane]), float64(least[lane])) })
	}
}

// weights walks the taps forward or, as for gradients, backward.
func (c transformCase) weights() {
	pairs := 1 + c.r.IntN(3)
	w, points := c.floats(9*Block*Block), c.floats((35*pairs+1)*Block*Block)
	tap, first := tapBytes, 0
	if c.r.IntN(2) == 0 {
		tap, first = -tapBytes, 8
	}
	active.winogradWeights(&winogradWeightsArgs{
		points: unsafe.Pointer(&points[0]), point: pairs * tapBytes,
		w: unsafe.Pointer(&w[first*Block*Block]), tap: tap,
		temporary: unsafe.Pointer(&c.floats(18 * Block)[0]), constants: winograd,
	})
	for at := range Block * Block {
		c.check("weights", winogradG, func(i, j int) float32 { return w[(first+(3*i+j)*tap/tapBytes)*Block*Block+at] },
			func(i int) float32 { return points[i*pairs*Block*Block+at] }, same)
	}
}

func BenchmarkWinograd(b *testing.B) {
	for _, size := range []struct{ n, c, k, h, pad int }{
		{8, 32, 32, 149, 0}, {8, 32, 64, 147, 1}, {8, 80, 192, 73, 0}, {8, 64, 96, 35, 1}, {8, 96, 96, 35, 1}, {8, 448, 384, 8, 1},
		{1, 32, 32, 149, 0}, {1, 32, 64, 147, 1}, {1, 80, 192, 73, 0}, {1, 64, 96, 35, 1}, {1, 96, 96, 35, 1}, {1, 448, 384, 8, 1},
	} {
		c := Conv{size.c, size.k, Window{3, 3, 1, 1, size.pad, size.pad, 0, 0}}
		oh, ow := c.Out(size.h, size.h)
		x, y := NewMap(size.n, c.C, size.h, size.h), NewMap(size.n, c.K, oh, ow)
		w, u, bias := make([]float32, c.WeightLen()), make([]float32, c.WinogradLen()), make([]float32, c.K)
		flops := 2 * float64(size.n*c.C*c.K*9*oh*ow)
		for name, run := range map[string]func(){
			"direct":   func() { c.ForwardBias(y, x, w, bias, true) },
			"winograd": func() { c.ForwardWinograd(y, x, u, bias, true) },
		} {
			b.Run(fmt.Sprintf("%dx%d-%dx%d/%s", size.n, c.C, c.K, size.h, name), func(b *testing.B) {
				for b.Loop() {
					run()
				}
				b.ReportMetric(flops*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
			})
		}
	}
}
