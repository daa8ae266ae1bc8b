package simd_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"

	"github.com/inception-go/inception/internal/kernel/simd"
	"github.com/inception-go/inception/internal/kernel/simd/simdtest"
)

// TestBF16RunsAreTheirTwin: the same bits as plain Go's, on slices next to guard
// pages, of ordinary values and of any.
func TestBF16RunsAreTheirTwin(t *testing.T) {
	kinds := map[string]func(*rand.Rand) func() uint16{"ordinary": ordinary, "tiny": tiny, "finite": finiteBits}
	simdtest.Each(t, func(t *testing.T, s *simd.ISA) {
		for name, run := range bf16Runs {
			for kind, values := range kinds {
				for blocks := range 11 {
					want := newBF16Run(t, uint64(blocks), blocks, values)
					got := newBF16Run(t, uint64(blocks), blocks, values)
					run(simd.Generic.BF16, want)
					run(s.BF16, got)
					if err := got.equal(want); err != nil {
						t.Fatalf("%s of %d blocks of %s values: %v", name, blocks, kind, err)
					}
				}
			}
		}
	})
}

// finiteBits are any but infinities and NaN.
func finiteBits(r *rand.Rand) func() uint16 {
	return func() uint16 {
		for {
			if v := uint16(r.Uint32()); v&0x7f80 != 0x7f80 {
				return v
			}
		}
	}
}

// bf16Runs are calls of each loop.
var bf16Runs = map[string]func(s *simd.BF16, c *bf16Run){
	"round": func(s *simd.BF16, c *bf16Run) { s.Round(c.a, c.wide) },
	"widen": func(s *simd.BF16, c *bf16Run) { s.Widen(c.wide, c.a, 0.7) },
	"add":   func(s *simd.BF16, c *bf16Run) { s.Add(c.wide, c.a) },
	"pair":  func(s *simd.BF16, c *bf16Run) { s.Pair(c.twice, c.a, c.b) },
	"moments": func(s *simd.BF16, c *bf16Run) {
		s.Moments(&c.sum, &c.dot, c.a)
	},
	"normalise": func(s *simd.BF16, c *bf16Run) {
		s.Normalise(c.a, c.b, (*[3][simd.Block]float32)(c.constants[:]))
	},
	"normalise in place": func(s *simd.BF16, c *bf16Run) {
		s.Normalise(c.a, c.a, (*[3][simd.Block]float32)(c.constants[:]))
	},
	"gradientSums": func(s *simd.BF16, c *bf16Run) {
		s.GradientSums(&c.sum, &c.dot, c.a, c.b, (*[3][simd.Block]float32)(c.constants[:]))
	},
	"gradientApply":             func(s *simd.BF16, c *bf16Run) { s.GradientApply(c.c, c.a, c.b, &c.constants) },
	"gradientApply over dy":     func(s *simd.BF16, c *bf16Run) { s.GradientApply(c.a, c.a, c.b, &c.constants) },
	"gradientApply over inputs": func(s *simd.BF16, c *bf16Run) { s.GradientApply(c.b, c.a, c.b, &c.constants) },
}

type bf16Run struct {
	a, b, c, twice []uint16
	wide           []float32
	constants      [5][simd.Block]float32
	sum, dot       [simd.Block]float64
}

func newBF16Run(t testing.TB, seed uint64, blocks int, values func(*rand.Rand) func() uint16) *bf16Run {
	r := rand.New(rand.NewPCG(seed, 3))
	next, atStart, n := values(r), seed%2 == 0, blocks*simd.Block
	c := &bf16Run{
		a: halves(t, n, atStart, next), b: halves(t, n, atStart, next), c: halves(t, n, atStart, next),
		twice: halves(t, 2*n, atStart, next), wide: fenced(t, n, atStart),
	}
	for i := range c.wide {
		c.wide[i] = math.Float32frombits(uint32(next())<<16 | r.Uint32N(1<<16))
	}
	for i := range c.constants {
		randomFloats(r, c.constants[i][:])
	}
	for i := range c.sum {
		c.sum[i], c.dot[i] = r.Float64(), r.Float64()
	}
	return c
}

// equal compares all memory bit for bit, save what NaN they are.
func (c *bf16Run) equal(want *bf16Run) error {
	for i, got := range [][]uint16{c.a, c.b, c.c, c.twice} {
		for j, v := range got {
			w := [][]uint16{want.a, want.b, want.c, want.twice}[i][j]
			if v != w && !(math.IsNaN(value(v)) && math.IsNaN(value(w))) {
				return fmt.Errorf("slice %d: value %d is %x, wants %x", i, j, v, w)
			}
		}
	}
	for i, v := range c.wide {
		if w := want.wide[i]; math.Float32bits(v) != math.Float32bits(w) && (v == v || w == w) {
			return fmt.Errorf("float %d is %v, wants %v", i, v, w)
		}
	}
	same := func(a, b float64) bool { return a == b || a != a && b != b }
	for i := range c.sum {
		if !same(c.sum[i], want.sum[i]) || !same(c.dot[i], want.dot[i]) {
			return fmt.Errorf("sums %d are %v and %v, want %v and %v", i, c.sum[i], c.dot[i], want.sum[i], want.dot[i])
		}
	}
	return nil
}

// TestBF16Runs compares with float64. A result is off by half a unit of its eight
// bits, and by a few roundings of float32 of the terms that it is the sum of.
func TestBF16Runs(t *testing.T) {
	simdtest.Each(t, func(t *testing.T, s *simd.ISA) {
		r := rand.New(rand.NewPCG(9, 9))
		const n = 40 * simd.Block
		c := newBF16Run(t, 1, n/simd.Block, ordinary)
		near := func(what string, got, want, absolute float64) {
			t.Helper()
			if !(math.Abs(got-want) <= 0x1p-8*math.Abs(want)+4*0x1p-24*absolute) {
				t.Fatalf("%s is %v, wants %v", what, got, want)
			}
		}
		y, dx, half := make([]uint16, n), make([]uint16, n), make([]uint16, n)
		s.BF16.Normalise(y, c.b, (*[3][simd.Block]float32)(c.constants[:]))
		s.BF16.GradientApply(dx, c.a, c.b, &c.constants)
		var sum, dot, first, second, wantSum, wantDot, wantFirst, wantSecond [simd.Block]float64
		s.BF16.GradientSums(&sum, &dot, c.a, c.b, (*[3][simd.Block]float32)(c.constants[:]))
		s.BF16.Moments(&first, &second, c.b)
		s.BF16.Round(half, c.wide)
		for i := range n {
			lane := i % simd.Block
			k := func(j int) float64 { return float64(c.constants[j][lane]) }
			x, g := value(c.b[i]), value(c.a[i])
			normalised := (x-k(2))*k(0) + k(1)
			if math.Abs(normalised) < 1e-6 {
				t.Fatalf("value %d is too near to zero to be told from it: choose another seed than %v", i, r)
			}
			near("normalised", value(y[i]), max(0, normalised), 4)
			if normalised < 0 {
				g = 0
			}
			near("gradient", value(dx[i]), k(0)*g+k(3)*(x-k(2))+k(4), 4)
			near("rounded", value(half[i]), float64(c.wide[i]), 0)
			wantSum[lane] += g
			wantDot[lane] += g * (x - k(2))
			wantFirst[lane] += x
			wantSecond[lane] += x * x
		}
		for lane := range sum {
			for i, got := range []float64{sum[lane], first[lane], second[lane], dot[lane]} {
				// Terms are at most 2, and sums of eight of them are float32.
				want := []float64{wantSum[lane], wantFirst[lane], wantSecond[lane], wantDot[lane]}[i]
				if !(math.Abs(got-want) <= 8*0x1p-24*2*n/simd.Block) {
					t.Fatalf("sum %d of channel %d is %v, wants %v", i, lane, got, want)
				}
			}
		}
	})
}

// TestBF16Packs compares both packings of a tap's weights with what they mean.
func TestBF16Packs(t *testing.T) {
	simdtest.Each(t, func(t *testing.T, s *simd.ISA) {
		for seed := range uint64(2) {
			from := randomFloats(rand.New(rand.NewPCG(seed, 9)), fenced(t, simd.Block*simd.Block, seed == 0))
			for i, pack := range []func(*[256]uint16, *[256]float32){s.BF16.PackPairs, s.BF16.PackTransposed} {
				to := halves(t, simd.Block*simd.Block, seed == 0, func() uint16 { return 0 })
				pack((*[256]uint16)(to), (*[256]float32)(from))
				for c := range simd.Block {
					for k := range simd.Block {
						at := c/2*2*simd.Block + 2*k + c%2
						if i == 1 {
							at = k/2*2*simd.Block + 2*c + k%2
						}
						if want := simd.RoundBF16(from[c*simd.Block+k]); to[at] != want {
							t.Fatalf("packing %d: row %d, column %d is %x, wants %x", i, c, k, to[at], want)
						}
					}
				}
			}
		}
	})
}

// TestBF16OuterTiles compares the weight gradient's tiles bit for bit with their
// twins, and with float64: k terms of one sum are off by at most k roundings of
// their absolute sum.
func TestBF16OuterTiles(t *testing.T) {
	simdtest.Each(t, func(t *testing.T, s *simd.ISA) {
		for n := 1; n <= simd.MaxTileBlocks; n++ {
			for _, pixels := range [][]int{{}, {0}, {1}, {2, 0, 7}, {8, 17, 1}} {
				for accumulate := range 2 {
					for kind, values := range map[string]func(*rand.Rand) func() uint16{"ordinary": ordinary, "any": anyBits} {
						got, want := newBF16Outer(t, n, pixels, accumulate, values), newBF16Outer(t, n, pixels, accumulate, values)
						before := slices.Clone(got.dw)
						s.BF16.Outer[n](&got.args)
						simd.Generic.BF16.Outer[n](&want.args)
						for i, v := range got.dw {
							if w := want.dw[i]; math.Float32bits(v) != math.Float32bits(w) && (v == v || w == w) {
								t.Fatalf("%d blocks, rows of %v, %s values: %d is %v, wants %v", n, pixels, kind, i, v, w)
							}
						}
						if kind == "ordinary" {
							got.check(t, before)
						}
					}
				}
			}
		}
	})
}

type bf16Outer struct {
	args  simd.OuterArgs
	n     int
	rows  []simd.OuterRow
	x, dy []uint16
	dw    []float32
}

func newBF16Outer(
	t testing.TB, n int, pixels []int, accumulate int, values func(*rand.Rand) func() uint16,
) *bf16Outer {
	r := rand.New(rand.NewPCG(uint64(n), uint64(len(pixels))))
	atStart, next := r.IntN(2) == 0, values(r)
	stride := func(least int) int { return least + simd.PixelBytes*r.IntN(3) }
	c := &bf16Outer{n: n, args: simd.OuterArgs{
		Count: len(pixels), Accumulate: accumulate,
		XPixel: stride(simd.PixelBytes), DYPixel: stride(simd.PixelBytes), DWBlock: stride(simd.TapBytes),
	}}
	o := &c.args
	var xEnd, dyEnd int
	for _, count := range pixels {
		c.rows = append(c.rows, simd.OuterRow{X: xEnd, DY: dyEnd, Pixels: count})
		xEnd += count * o.XPixel
		dyEnd += count * o.DYPixel
	}
	xSize, dySize := max(0, xEnd-o.XPixel+simd.PixelBytes), max(0, dyEnd-o.DYPixel+simd.PixelBytes)
	o.DYBlock = stride(dySize)
	c.x, c.dy = halves(t, xSize/2, atStart, next), halves(t, ((n-1)*o.DYBlock+dySize)/2, atStart, next)
	c.dw = randomFloats(r, fenced(t, ((n-1)*o.DWBlock+simd.TapBytes)/simd.FloatBytes, atStart))
	o.X, o.DY, o.DW = unsafe.Pointer(unsafe.SliceData(c.x)), unsafe.Pointer(unsafe.SliceData(c.dy)), unsafe.Pointer(&c.dw[0])
	o.Rows = unsafe.SliceData(c.rows)
	return c
}

func (o *bf16Outer) check(t *testing.T, before []float32) {
	t.Helper()
	want, absolute := make([]float64, len(before)), make([]float64, len(before))
	for i, v := range before {
		want[i] = float64(v)
	}
	terms := 1
	for _, row := range o.rows {
		terms += 2 * row.Pixels
	}
	for b := range o.n {
		for ck := range simd.Block * simd.Block {
			at := b*o.args.DWBlock/simd.FloatBytes + ck
			if o.args.Accumulate == 0 {
				want[at] = 0
			}
			absolute[at] = math.Abs(want[at])
			for _, row := range o.rows {
				for p := range 2 * row.Pixels {
					product := value(o.x[(row.X+p/2*o.args.XPixel)/2+ck/simd.Block*2+p%2]) *
						value(o.dy[(row.DY+p/2*o.args.DYPixel+b*o.args.DYBlock)/2+ck%simd.Block*2+p%2])
					want[at] += product
					absolute[at] += math.Abs(product)
				}
			}
		}
	}
	for i, v := range o.dw {
		if !(math.Abs(float64(v)-want[i]) <= float64(terms)*absolute[i]*0x1p-24) {
			t.Fatalf("%d blocks: weight %d is %v, wants %v", o.n, i, v, want[i])
		}
	}
}
