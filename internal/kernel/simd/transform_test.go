package simd_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"unsafe"

	"github.com/inception-go/inception/internal/kernel/simd"
	"github.com/inception-go/inception/internal/kernel/simd/simdtest"
)

// matrix is one of WinogradNumbers, in float64.
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

// TestWinogradTransformsAreTheirMatrices: in float64, on memory next to guard
// pages.
func TestWinogradTransformsAreTheirMatrices(t *testing.T) {
	simdtest.Each(t, func(t *testing.T, s *simd.ISA) {
		for seed := range uint64(20) {
			c := transformCase{t, s, rand.New(rand.NewPCG(17, seed)), seed%2 == 0}
			c.in()
			c.out()
			c.weights()
		}
	})
}

type transformCase struct {
	*testing.T
	isa     *simd.ISA
	r       *rand.Rand
	atStart bool // the guard page lies before the memory
}

func (c transformCase) floats(n int) []float32 { return randomFloats(c.r, fenced(c, n, c.atStart)) }

// check compares got(i), value i of a tile, with a transform of it.
func (c transformCase) check(
	what string, m matrix, d func(i, j int) float32, got func(i int) float32, finish func(float64) float64,
) {
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
	x := c.floats((5*width + 4*tiles + 2) * simd.Block)
	points := c.floats((35*point + tiles) * simd.Block)
	c.isa.WinogradIn(&simd.WinogradInArgs{
		Points: unsafe.Pointer(&points[0]), Point: point * simd.PixelBytes,
		X: unsafe.Pointer(&x[0]), Row: width * simd.PixelBytes, Tiles: tiles,
		Temporary: unsafe.Pointer(&c.floats(36 * simd.Block)[0]), Constants: simd.WinogradNumbers,
	})
	for at := range tiles * simd.Block {
		tile, lane := at/simd.Block, at%simd.Block
		c.check("in", winogradB, func(i, j int) float32 { return x[(i*width+4*tile+j)*simd.Block+lane] },
			func(i int) float32 { return points[(i*point+tile)*simd.Block+lane] }, same)
	}
}

func (c transformCase) out() {
	tiles, gap := 1+c.r.IntN(4), c.r.IntN(3)
	width, point := 4*tiles+c.r.IntN(3), tiles+gap
	points, bias, least := c.floats((35*point+tiles)*simd.Block), c.floats(simd.Block), c.floats(simd.Block)
	y := c.floats((3*width + 4*tiles) * simd.Block)
	c.isa.WinogradOut(&simd.WinogradOutArgs{
		Y: unsafe.Pointer(&y[0]), Row: width * simd.PixelBytes, Tiles: tiles,
		Points: unsafe.Pointer(&points[0]), Point: point * simd.PixelBytes,
		Temporary: unsafe.Pointer(&c.floats(24 * simd.Block)[0]), Constants: simd.WinogradNumbers,
		Bias: unsafe.Pointer(&bias[0]), Least: unsafe.Pointer(&least[0]),
	})
	for at := range tiles * simd.Block {
		tile, lane := at/simd.Block, at%simd.Block
		c.check("out", winogradA, func(i, j int) float32 { return points[((6*i+j)*point+tile)*simd.Block+lane] },
			func(i int) float32 { return y[(i/4*width+4*tile+i%4)*simd.Block+lane] },
			func(v float64) float64 { return max(v+float64(bias[lane]), float64(least[lane])) })
	}
}

// weights walks the taps forward or, as for gradients, backward.
func (c transformCase) weights() {
	pairs := 1 + c.r.IntN(3)
	w, points := c.floats(9*simd.Block*simd.Block), c.floats((35*pairs+1)*simd.Block*simd.Block)
	tap, first := simd.TapBytes, 0
	if c.r.IntN(2) == 0 {
		tap, first = -simd.TapBytes, 8
	}
	c.isa.WinogradWeights(&simd.WinogradWeightsArgs{
		Points: unsafe.Pointer(&points[0]), Point: pairs * simd.TapBytes,
		W: unsafe.Pointer(&w[first*simd.Block*simd.Block]), Tap: tap,
		Temporary: unsafe.Pointer(&c.floats(18 * simd.Block)[0]), Constants: simd.WinogradNumbers,
	})
	for at := range simd.Block * simd.Block {
		c.check("weights", winogradG,
			func(i, j int) float32 { return w[(first+(3*i+j)*tap/simd.TapBytes)*simd.Block*simd.Block+at] },
			func(i int) float32 { return points[i*pairs*simd.Block*simd.Block+at] }, same)
	}
}
