package simd_test

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/inception-go/inception/internal/kernel/simd"
	"github.com/inception-go/inception/internal/kernel/simd/simdtest"
)

// TestRuns compares every memory-bound loop with its plain Go twin, on slices
// next to guard pages.
func TestRuns(t *testing.T) {
	for name, run := range runCases {
		t.Run(name, func(t *testing.T) {
			simdtest.Each(t, func(t *testing.T, s *simd.ISA) {
				for blocks := range 11 {
					for variant := range 2 {
						want := runCase{t: t, r: rand.New(rand.NewPCG(uint64(blocks), 7)), blocks: blocks, variant: variant}
						got := want
						got.r = rand.New(rand.NewPCG(uint64(blocks), 7))
						run(&simd.Generic.Runs, &want)()
						run(&s.Runs, &got)()
						if err := got.equal(&want); err != nil {
							t.Fatalf("%d blocks, variant %d: %v", blocks, variant, err)
						}
					}
				}
			})
		})
	}
}

// runCases makes calls of each loop in up to two variants, on random values.
var runCases = map[string]func(s *simd.Runs, c *runCase) func(){
	"moments": func(s *simd.Runs, c *runCase) func() {
		sum, sq, x := c.sums(), c.sums(), c.floats()
		return func() { s.Moments(sum, sq, x) }
	},
	"normalise": func(s *simd.Runs, c *runCase) func() {
		y, x, k := c.floats(), c.floats(), &[3][simd.Block]float32{*c.channels(), *c.channels(), *c.channels()}
		return func() { s.Normalise(y, x, k) }
	},
	"normalise in place": func(s *simd.Runs, c *runCase) func() {
		x, k := c.floats(), &[3][simd.Block]float32{*c.channels(), *c.channels(), *c.channels()}
		return func() { s.Normalise(x, x, k) }
	},
	"gradientSums": func(s *simd.Runs, c *runCase) func() {
		sum, dot, dy, x := c.sums(), c.sums(), c.floats(), c.floats()
		k := &[3][simd.Block]float32{*c.channels(), *c.channels(), *c.channels()}
		return func() { s.GradientSums(sum, dot, dy, x, k) }
	},
	"gradientApply": func(s *simd.Runs, c *runCase) func() {
		dx, dy, x := c.floats(), c.floats(), c.floats()
		k := &[5][simd.Block]float32{*c.channels(), *c.channels(), *c.channels(), *c.channels(), *c.channels()}
		return func() { s.GradientApply(dx, dy, x, k) }
	},
	"axpy": func(s *simd.Runs, c *runCase) func() {
		y, x := c.floats(), c.floats()
		return func() { s.Axpy(y, x, 0.3) }
	},
	"scale": func(s *simd.Runs, c *runCase) func() {
		x := c.floats()
		return func() { s.Scale(x, -1) }
	},
	"lerp": func(s *simd.Runs, c *runCase) func() {
		y, x := c.floats(), c.floats()
		return func() { s.Lerp(y, x, 0.3) }
	},
	"momentum": func(s *simd.Runs, c *runCase) func() {
		w, g, mom := c.floats(), c.floats(), c.floats()
		return func() { s.Momentum(w, g, mom, 0.01, 0.9) }
	},
	"rmsProp": func(s *simd.Runs, c *runCase) func() {
		w, g, ms, mom := c.floats(), c.floats(), c.positive(), c.floats()
		return func() { s.RMSProp(w, g, ms, mom, 0.01, 0.1, 0.9, 0.5) }
	},
	"adam": func(s *simd.Runs, c *runCase) func() {
		w, g, m, v := c.floats(), c.floats(), c.floats(), c.positive()
		return func() { s.Adam(w, g, m, v, 0.01, 0.1, 0.1, 0.1) }
	},
}

// runCase makes a loop's arguments and keeps them for comparison.
type runCase struct {
	t               testing.TB
	r               *rand.Rand
	blocks, variant int

	slices [][]float32
	wide   []*[simd.Block]float64
}

func (c *runCase) floats() []float32 {
	s := randomFloats(c.r, fenced(c.t, c.blocks*simd.Block, c.variant == 1))
	c.slices = append(c.slices, s)
	return s
}

func (c *runCase) positive() []float32 {
	s := c.floats()
	for i, v := range s {
		s[i] = max(v, 0)
	}
	return s
}

func (c *runCase) channels() *[simd.Block]float32 {
	return (*[simd.Block]float32)(randomFloats(c.r, fenced(c.t, simd.Block, c.variant == 1)))
}

func (c *runCase) sums() *[simd.Block]float64 {
	var s [simd.Block]float64
	for i := range s {
		s[i] = c.r.Float64()
	}
	c.wide = append(c.wide, &s)
	return &s
}

func (c *runCase) equal(want *runCase) error {
	for i, s := range c.slices {
		for j, v := range s {
			if w := want.slices[i][j]; !(math.Abs(float64(v-w)) <= 1e-6) {
				return fmt.Errorf("slice %d: value %d is %v, wants %v", i, j, v, w)
			}
		}
	}
	for i, s := range c.wide {
		for j, v := range s {
			if w := want.wide[i][j]; !(math.Abs(v-w) <= 1e-13) {
				return fmt.Errorf("sum %d: value %d is %v, wants %v", i, j, v, w)
			}
		}
	}
	return nil
}

func TestTranspose(t *testing.T) {
	simdtest.Each(t, func(t *testing.T, s *simd.ISA) {
		for seed := range uint64(2) {
			from := randomFloats(rand.New(rand.NewPCG(seed, 9)), fenced(t, simd.Block*simd.Block, seed == 0))
			to := fenced(t, simd.Block*simd.Block, seed == 0)
			s.Transpose((*[simd.Block * simd.Block]float32)(to), (*[simd.Block * simd.Block]float32)(from))
			for i, v := range to {
				if want := from[i%simd.Block*simd.Block+i/simd.Block]; v != want {
					t.Fatalf("row %d, column %d is %v, wants %v", i/simd.Block, i%simd.Block, v, want)
				}
			}
		}
	})
}

func TestEvensTakesEverySecondValueOfEachBlock(t *testing.T) {
	simdtest.Each(t, func(t *testing.T, s *simd.ISA) {
		for blocks := range 4 {
			for _, atStart := range []bool{true, false} {
				from := randomFloats(rand.New(rand.NewPCG(1, 9)), fenced(t, 2*blocks*simd.Block, atStart))
				to := fenced(t, max(0, (blocks-1)*simd.Block+1)*simd.Block, atStart)
				s.Evens(to, from)
				for i, v := range to {
					want := float32(0)
					if i/simd.Block%simd.Block == 0 {
						want = from[2*(i/simd.Block+i%simd.Block)]
					}
					if v != want {
						t.Fatalf("%d blocks: value %d is %v, wants %v", blocks, i, v, want)
					}
				}
			}
		}
	})
}

func TestRunsKeepNaN(t *testing.T) {
	simdtest.Each(t, func(t *testing.T, s *simd.ISA) {
		x := make([]float32, simd.Block)
		x[3] = float32(math.NaN())
		s.Normalise(x, x, new([3][simd.Block]float32))
		if x[3] == x[3] {
			t.Errorf("ReLU turned NaN into %v", x[3])
		}
	})
}

// BenchmarkRuns measures the loops on slices in the L2 cache and in memory.
func BenchmarkRuns(b *testing.B) {
	for _, size := range []int{64 << 10, 32 << 20} {
		eachISABench(b, func(b *testing.B, s *simd.ISA) {
			for _, name := range slices.Sorted(maps.Keys(runCases)) {
				b.Run(fmt.Sprintf("%s/%dK", name, size>>10), func(b *testing.B) {
					c := runCase{t: b, r: rand.New(rand.NewPCG(1, 2)), blocks: size / simd.PixelBytes, variant: 1}
					call := runCases[name](&s.Runs, &c)
					b.SetBytes(int64(size * len(c.slices)))
					for b.Loop() {
						call()
					}
				})
			}
		})
	}
}
