package simd_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"

	"github.com/inception-go/inception/internal/kernel/simd"
	"github.com/inception-go/inception/internal/kernel/simd/simdtest"
)

// matrix is one of an Algorithm's, in float64.
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

// transposed returns the transpose.
func (m matrix) transposed() matrix {
	t := make(matrix, len(m[0]))
	for j := range t {
		for _, row := range m {
			t[j] = append(t[j], row[j])
		}
	}
	return t
}

// matrices are those of an Algorithm: A', B' and G.
type matrices struct{ a, b, g matrix }

func matricesOf(output int, a, b float64) (m matrices) {
	m.b = matrix{
		{a * a * b * b, 0, -a*a - b*b, 0, 1, 0},
		{0, -a * b * b, -b * b, a, 1, 0},
		{0, a * b * b, -b * b, -a, 1, 0},
		{0, -b * a * a, -a * a, b, 1, 0},
		{0, b * a * a, -a * a, -b, 1, 0},
		{0, a * a * b * b, 0, -a*a - b*b, 0, 1},
	}
	m.a = matrix{
		{1, 1, 1, 1, 1, 0},
		{0, a, -a, b, -b, 0},
		{0, a * a, a * a, b * b, b * b, 0},
		{0, a * a * a, -a * a * a, b * b * b, -b * b * b, 1},
	}[:output]
	points := []float64{0, a, -a, b, -b}
	for _, p := range points {
		distance := 1.0
		for _, q := range points {
			if q != p {
				distance *= p - q
			}
		}
		m.g = append(m.g, []float64{1 / distance, p / distance, p * p / distance})
	}
	if output == simd.F4.Output {
		m.g = append(m.g, []float64{0, 0, 1})
		return m
	}
	m.b = m.b[:output+2]
	for _, rows := range []matrix{m.a, m.b} {
		for i := range rows {
			rows[i] = rows[i][:output+2]
		}
	}
	return m
}

// TestWinogradMatricesAreTheConvolution: A'[(Gg) * (B'd)] is d convolved with g, in one
// dimension.
func TestWinogradMatricesAreTheConvolution(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for output, m := range map[int]matrices{4: matricesOf(4, 5./8, 3./2), 3: matricesOf(3, 3./4, 5./2)} {
		d, g := make([]float64, output+2), []float64{r.NormFloat64(), r.NormFloat64(), r.NormFloat64()}
		for i := range d {
			d[i] = r.NormFloat64()
		}
		products := make([]float64, output+2)
		for p := range products {
			products[p] = dot(m.g[p], g) * dot(m.b[p], d)
		}
		for i := range output {
			if got, want := dot(m.a[i], products), dot(d[i:i+3], g); math.Abs(got-want) > 1e-12 {
				t.Errorf("F(%d, 3): output %d is %g, wants %g", output, i, got, want)
			}
		}
	}
}

func dot(a, b []float64) (sum float64) {
	for i := range a {
		sum += a[i] * b[i]
	}
	return sum
}

// TestWinogradTransformsAreTheirMatrices: in float64, on memory next to guard
// pages, in float32 and bf16.
func TestWinogradTransformsAreTheirMatrices(t *testing.T) {
	simdtest.Each(t, func(t *testing.T, s *simd.ISA) {
		for seed := range uint64(20) {
			r := rand.New(rand.NewPCG(17, seed))
			float := transformCase{t, &s.Transforms, matricesOf(4, 5./8, 3./2), false, r, seed%2 == 0}
			half := transformCase{t, &s.BF16.Transforms, matricesOf(3, 3./4, 5./2), true, r, seed%2 == 0}
			for _, c := range []transformCase{float, half} {
				c.in()
				c.out()
				c.weights()
			}
			widened := transformCase{t, &simd.Transforms{Algorithm: simd.F4, WinogradIn: s.BF16.Gradient.WinogradIn},
				float.matrices, true, r, seed%2 == 0}
			widened.in()
			widened.outBack(&s.BF16.Gradient)
			float.outBack(&s.Gradient)
			float.weightsBack(&s.Gradient)
			float.weightsBack(&s.BF16.Gradient)
		}
	})
}

type transformCase struct {
	*testing.T
	*simd.Transforms
	matrices
	half    bool // pixels are bf16
	r       *rand.Rand
	atStart bool // the guard page lies before the memory
}

// rounded reports whether points of the input are bf16.
func (c transformCase) rounded() bool { return c.Algorithm == simd.F3 }

// pixels are fenced values of a precision.
type pixels struct {
	first unsafe.Pointer
	bytes int
	value func(i int) float32
}

func (c transformCase) pixels(n int, half bool) pixels {
	if !half {
		floats := c.floats(n * simd.Block)
		return pixels{unsafe.Pointer(&floats[0]), simd.PixelBytes, func(i int) float32 { return floats[i] }}
	}
	values := halves(c, n*simd.Block, c.atStart, ordinary(c.r))
	return pixels{unsafe.Pointer(&values[0]), halfPixel, func(i int) float32 { return simd.Float32(values[i]) }}
}

func (c transformCase) floats(n int) []float32 { return randomFloats(c.r, fenced(c, n, c.atStart)) }

// check compares got(i), value i of a tile, with a transform of it.
func (c transformCase) check(
	what string, m matrix, d func(i, j int) float32, got func(i int) float32, rounded bool, finish func(float64) float64,
) {
	c.Helper()
	want, size := m.both(func(i, j int) float64 { return float64(d(i, j)) })
	for i, v := range want {
		v = finish(v)
		tolerance := 1e-6 * (1 + size[i])
		if rounded {
			tolerance += 0x1p-8 * math.Abs(v)
		}
		if !(math.Abs(float64(got(i))-v) <= tolerance) {
			c.Fatalf("%s: value %d is %g, wants %g", what, i, got(i), v)
		}
	}
}

func same(v float64) float64 { return v }

func (c transformCase) in() {
	output, window := c.Algorithm.Output, c.Algorithm.Window
	tiles, gap := 1+c.r.IntN(4), c.r.IntN(3)
	width, point := output*tiles+2+c.r.IntN(3), tiles+gap
	x, points := c.pixels((window-1)*width+output*tiles+2, c.half), c.pixels((window*window-1)*point+tiles, c.rounded())
	c.WinogradIn(&simd.WinogradInArgs{
		Points: points.first, Point: point * points.bytes, X: x.first, Row: width * x.bytes, Tiles: tiles,
		Temporary: unsafe.Pointer(&c.floats(window * window * simd.Block)[0]), Constants: c.Algorithm.Numbers,
	})
	for at := range tiles * simd.Block {
		tile, lane := at/simd.Block, at%simd.Block
		c.check("in", c.b, func(i, j int) float32 { return x.value((i*width+output*tile+j)*simd.Block + lane) },
			func(i int) float32 { return points.value((i*point+tile)*simd.Block + lane) }, c.rounded(), same)
	}
}

func (c transformCase) out() {
	output, window := c.Algorithm.Output, c.Algorithm.Window
	tiles, gap := 1+c.r.IntN(4), c.r.IntN(3)
	width, point := output*tiles+c.r.IntN(3), tiles+gap
	points, bias, least := c.floats(((window*window-1)*point+tiles)*simd.Block), c.floats(simd.Block), c.floats(simd.Block)
	y := c.pixels((output-1)*width+output*tiles, c.half)
	c.WinogradOut(&simd.WinogradOutArgs{
		Y: y.first, Row: width * y.bytes, Tiles: tiles,
		Points: unsafe.Pointer(&points[0]), Point: point * simd.PixelBytes,
		Temporary: unsafe.Pointer(&c.floats(window * output * simd.Block)[0]), Constants: c.Algorithm.Numbers,
		Bias: unsafe.Pointer(&bias[0]), Least: unsafe.Pointer(&least[0]),
	})
	for at := range tiles * simd.Block {
		tile, lane := at/simd.Block, at%simd.Block
		c.check("out", c.a, func(i, j int) float32 { return points[((window*i+j)*point+tile)*simd.Block+lane] },
			func(i int) float32 { return y.value((i/output*width+output*tile+i%output)*simd.Block + lane) }, c.half,
			func(v float64) float64 { return max(v+float64(bias[lane]), float64(least[lane])) })
	}
}

// weights walks the taps forward or, as for gradients, backward.
func (c transformCase) weights() {
	window, pairs := c.Algorithm.Window, 1+c.r.IntN(3)
	w, points := c.floats(9*simd.Block*simd.Block), c.floats(((window*window-1)*pairs+1)*simd.Block*simd.Block)
	tap, first := simd.TapBytes, 0
	if c.r.IntN(2) == 0 {
		tap, first = -simd.TapBytes, 8
	}
	c.WinogradWeights(&simd.WinogradWeightsArgs{
		Points: unsafe.Pointer(&points[0]), Point: pairs * simd.TapBytes,
		W: unsafe.Pointer(&w[first*simd.Block*simd.Block]), Tap: tap,
		Temporary: unsafe.Pointer(&c.floats(3 * window * simd.Block)[0]), Constants: c.Algorithm.Numbers,
	})
	for at := range simd.Block * simd.Block {
		c.check("weights", c.g,
			func(i, j int) float32 { return w[(first+(3*i+j)*tap/simd.TapBytes)*simd.Block*simd.Block+at] },
			func(i int) float32 { return points[i*pairs*simd.Block*simd.Block+at] }, false, same)
	}
}

func (c transformCase) outBack(f *simd.GradientTransforms) {
	output, window := c.Algorithm.Output, c.Algorithm.Window
	tiles, gap := 1+c.r.IntN(4), c.r.IntN(3)
	width, point := output*tiles+c.r.IntN(3), tiles+gap
	x, points := c.pixels((output-1)*width+output*tiles, c.half), c.pixels((window*window-1)*point+tiles, false)
	f.WinogradOutBack(&simd.WinogradInArgs{
		Points: points.first, Point: point * points.bytes, X: x.first, Row: width * x.bytes, Tiles: tiles,
		Temporary: unsafe.Pointer(&c.floats(window * output * simd.Block)[0]), Constants: c.Algorithm.Numbers,
	})
	for at := range tiles * simd.Block {
		tile, lane := at/simd.Block, at%simd.Block
		c.check("out, back", c.a.transposed(),
			func(i, j int) float32 { return x.value((i*width+output*tile+j)*simd.Block + lane) },
			func(i int) float32 { return points.value((i*point+tile)*simd.Block + lane) }, false, same)
	}
}

func (c transformCase) weightsBack(f *simd.GradientTransforms) {
	window, pairs := c.Algorithm.Window, 1+c.r.IntN(3)
	w, points := c.floats(9*simd.Block*simd.Block), c.floats(((window*window-1)*pairs+1)*simd.Block*simd.Block)
	f.WinogradWeightsBack(&simd.WinogradWeightsArgs{
		Points: unsafe.Pointer(&points[0]), Point: pairs * simd.TapBytes, W: unsafe.Pointer(&w[0]), Tap: simd.TapBytes,
		Temporary: unsafe.Pointer(&c.floats(3 * window * simd.Block)[0]), Constants: c.Algorithm.Numbers,
	})
	for at := range simd.Block * simd.Block {
		c.check("weights, back", c.g.transposed(),
			func(i, j int) float32 { return points[(window*i+j)*pairs*simd.Block*simd.Block+at] },
			func(i int) float32 { return w[i*simd.Block*simd.Block+at] }, false, same)
	}
}

// TestBF16TransformsAreTheirTwin in every bit, of ordinary and tiny values.
func TestBF16TransformsAreTheirTwin(t *testing.T) {
	simdtest.Each(t, func(t *testing.T, s *simd.ISA) {
		for kind, values := range map[string]func(*rand.Rand) func() uint16{"ordinary": ordinary, "tiny": tiny} {
			for seed := range uint64(10) {
				results := func(f *simd.Transforms) []uint32 {
					r := rand.New(rand.NewPCG(23, seed))
					next := values(r)
					floats := func(n int) []float32 {
						list := make([]float32, n*simd.Block)
						for i := range list {
							list[i] = simd.Float32(next())
						}
						return list
					}
					return transformed(f, 1+r.IntN(4), halves(t, 5*20*simd.Block, false, next), floats)
				}
				if got, want := results(&s.BF16.Transforms), results(&s.BF16.Twin().Transforms); !slices.Equal(got, want) {
					t.Errorf("%s values, seed %d: other bits than the twin's", kind, seed)
				}
			}
		}
	})
}

// transformed returns the bits of the three transforms of F(3x3, 3x3), of so many tiles.
func transformed(f *simd.Transforms, tiles int, x []uint16, floats func(pixels int) []float32) (bits []uint32) {
	const width = 20
	window := f.Algorithm.Window
	temporary := unsafe.Pointer(&floats(window * window)[0])
	points, y := make([]uint16, window*window*tiles*simd.Block), make([]uint16, 3*width*simd.Block)
	f.WinogradIn(&simd.WinogradInArgs{
		Points: unsafe.Pointer(&points[0]), Point: tiles * halfPixel, X: unsafe.Pointer(&x[0]), Row: width * halfPixel,
		Tiles: tiles, Temporary: temporary, Constants: f.Algorithm.Numbers,
	})
	least := make([]float32, simd.Block)
	f.WinogradOut(&simd.WinogradOutArgs{
		Y: unsafe.Pointer(&y[0]), Row: width * halfPixel, Points: unsafe.Pointer(&floats(window * window * tiles)[0]),
		Point: tiles * simd.PixelBytes, Tiles: tiles, Temporary: temporary, Constants: f.Algorithm.Numbers,
		Bias: unsafe.Pointer(&floats(1)[0]), Least: unsafe.Pointer(&least[0]),
	})
	weights := make([]float32, window*window*simd.Block*simd.Block)
	f.WinogradWeights(&simd.WinogradWeightsArgs{
		Points: unsafe.Pointer(&weights[0]), Point: simd.TapBytes, W: unsafe.Pointer(&floats(9 * simd.Block)[0]),
		Tap: simd.TapBytes, Temporary: temporary, Constants: f.Algorithm.Numbers,
	})
	for _, v := range slices.Concat(points, y) {
		bits = append(bits, uint32(v))
	}
	for _, v := range weights {
		bits = append(bits, math.Float32bits(v))
	}
	return bits
}
