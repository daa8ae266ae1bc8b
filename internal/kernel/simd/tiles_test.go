package simd_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"unsafe"

	"github.com/inception-go/inception/internal/kernel/simd"
	"github.com/inception-go/inception/internal/kernel/simd/simdtest"
)

func TestEveryTileRowCountHasATile(t *testing.T) {
	simdtest.Each(t, func(t *testing.T, s *simd.ISA) {
		for n := range simd.MaxTileBlocks + 1 {
			for m := range simd.MaxTileRows + 1 {
				want := m >= 1 && m <= s.TileRows[n]
				if got := s.Gemm[n][m] != nil; got != want {
					t.Errorf("tile of %d blocks and %d pixels: there is %t, wants %t", n, m, got, want)
				}
			}
		}
		if s.TileRows[1] == 0 || s.Outer[1] == nil {
			t.Error("no tile of one block")
		}
	})
}

func TestGemmTiles(t *testing.T) {
	simdtest.Each(t, func(t *testing.T, s *simd.ISA) {
		r := rand.New(rand.NewPCG(1, 2))
		for n := 1; n <= simd.MaxTileBlocks; n++ {
			for m := 1; m <= s.TileRows[n]; m++ {
				for _, count := range []int{0, 1, 5} {
					for mode := range 8 {
						c := newGemmCase(t, r, n, m, count, mode)
						if err := c.run(s.Gemm[n][m]); err != nil {
							t.Fatalf("%d blocks, %d pixels, batch of %d, mode %03b: %v", n, m, count, mode, err)
						}
					}
				}
			}
		}
	})
}

// gemmCase is one call of a tile on buffers that end (or begin) at a guard
// page. Bits of mode: accumulate, bias, relu.
type gemmCase struct {
	args          simd.GemmArgs
	n, m          int
	a, b, c, bias []float32
	offsets       []simd.GemmOffset
}

func newGemmCase(t testing.TB, r *rand.Rand, n, m, count, mode int) *gemmCase {
	g := &gemmCase{n: n, m: m}
	atStart := r.IntN(2) == 0
	stride := func(least int) int { return least + simd.PixelBytes*r.IntN(3) }
	g.args = simd.GemmArgs{
		Count:  count,
		APixel: stride(simd.PixelBytes), CPixel: stride(simd.PixelBytes),
		Accumulate: mode & 1, ReLU: mode >> 2,
	}
	g.args.CBlock = stride(m * g.args.CPixel)
	g.args.BBlock = stride(max(1, count) * simd.TapBytes)
	aSpan := (m-1)*g.args.APixel + simd.PixelBytes
	for i, place := range r.Perm(count) {
		g.offsets = append(g.offsets, simd.GemmOffset{A: i * simd.PixelBytes, B: place * simd.TapBytes})
	}
	g.a = randomFloats(r, fenced(t, (aSpan+max(0, count-1)*simd.PixelBytes)/simd.FloatBytes, atStart))
	// An empty batch reads nothing from b, but no pointer can be computed from nil.
	g.b = randomFloats(r, fenced(t, max(simd.Block, ((n-1)*g.args.BBlock+count*simd.TapBytes)/simd.FloatBytes), atStart))
	g.c = randomFloats(r, fenced(t, ((n-1)*g.args.CBlock+(m-1)*g.args.CPixel+simd.PixelBytes)/simd.FloatBytes, atStart))
	g.args.A, g.args.B, g.args.C = unsafe.Pointer(&g.a[0]), unsafe.Pointer(&g.b[0]), unsafe.Pointer(&g.c[0])
	if count > 0 {
		g.args.Offsets = &g.offsets[0]
	}
	if mode>>1&1 != 0 {
		g.bias = randomFloats(r, fenced(t, n*simd.Block, atStart))
		g.args.Bias = unsafe.Pointer(&g.bias[0])
	}
	return g
}

// run compares C and the bytes between its pixels with the sum in float64.
func (g *gemmCase) run(tile func(*simd.GemmArgs)) error {
	want := make([]float64, len(g.c))
	for i, v := range g.c {
		want[i] = float64(v)
	}
	for n := range g.n {
		for m := range g.m {
			for k := range simd.Block {
				want[(n*g.args.CBlock+m*g.args.CPixel)/simd.FloatBytes+k] = g.value(n, m, k)
			}
		}
	}
	tile(&g.args)
	return closeTo(g.c, want)
}

func (g *gemmCase) value(n, m, k int) float64 {
	sum := 0.0
	if g.args.Accumulate != 0 {
		sum = float64(g.c[(n*g.args.CBlock+m*g.args.CPixel)/simd.FloatBytes+k])
	}
	for _, at := range g.offsets {
		for c := range simd.Block {
			a := g.a[(at.A+m*g.args.APixel)/simd.FloatBytes+c]
			b := g.b[(at.B+n*g.args.BBlock)/simd.FloatBytes+c*simd.Block+k]
			sum += float64(a) * float64(b)
		}
	}
	if g.bias != nil {
		sum += float64(g.bias[n*simd.Block+k])
	}
	if g.args.ReLU != 0 {
		sum = max(sum, 0)
	}
	return sum
}

func TestGemmTilesKeepNaN(t *testing.T) {
	simdtest.Each(t, func(t *testing.T, s *simd.ISA) {
		g := newGemmCase(t, rand.New(rand.NewPCG(3, 4)), 1, 2, 1, 4)
		g.a[0] = float32(math.NaN())
		s.Gemm[1][2](&g.args)
		if !math.IsNaN(float64(g.c[0])) {
			t.Errorf("ReLU turned NaN into %v", g.c[0])
		}
	})
}

func TestOuterTiles(t *testing.T) {
	shapes := [][]int{{}, {0}, {1}, {2, 0, 7}, {8, 17, 1}}
	simdtest.Each(t, func(t *testing.T, s *simd.ISA) {
		r := rand.New(rand.NewPCG(5, 6))
		for n, tile := range s.Outer {
			if tile == nil {
				continue
			}
			for _, pixels := range shapes {
				for accumulate := range 2 {
					if err := outerCase(t, r, tile, n, pixels, accumulate); err != nil {
						t.Fatalf("%d blocks, rows of %v, accumulate %d: %v", n, pixels, accumulate, err)
					}
				}
			}
		}
	})
}

// outerCase compares one call of an outer tile with the sum in float64.
func outerCase(t *testing.T, r *rand.Rand, tile func(*simd.OuterArgs), n int, pixels []int, accumulate int) error {
	atStart := r.IntN(2) == 0
	stride := func(least int) int { return least + simd.PixelBytes*r.IntN(3) }
	o := simd.OuterArgs{
		Count: len(pixels), Accumulate: accumulate,
		XPixel: stride(simd.PixelBytes), DYPixel: stride(simd.PixelBytes), DWBlock: stride(simd.TapBytes),
	}
	var rows []simd.OuterRow
	var xEnd, dyEnd int
	for _, count := range pixels {
		rows = append(rows, simd.OuterRow{X: xEnd, DY: dyEnd, Pixels: count})
		xEnd += count * o.XPixel
		dyEnd += count * o.DYPixel
	}
	// The strides' gaps after the last pixel do not belong to the tile.
	xSize, dySize := max(0, xEnd-o.XPixel+simd.PixelBytes), max(0, dyEnd-o.DYPixel+simd.PixelBytes)
	o.DYBlock = stride(dySize)
	x := randomFloats(r, fenced(t, xSize/simd.FloatBytes, atStart))
	dy := randomFloats(r, fenced(t, ((n-1)*o.DYBlock+dySize)/simd.FloatBytes, atStart))
	dw := randomFloats(r, fenced(t, ((n-1)*o.DWBlock+simd.TapBytes)/simd.FloatBytes, atStart))
	o.X, o.DY, o.DW = unsafe.Pointer(unsafe.SliceData(x)), unsafe.Pointer(unsafe.SliceData(dy)), unsafe.Pointer(&dw[0])
	o.Rows = unsafe.SliceData(rows)

	want := make([]float64, len(dw))
	for i, v := range dw {
		want[i] = float64(v)
	}
	for b := range n {
		for ck := range simd.Block * simd.Block {
			at := b*o.DWBlock/simd.FloatBytes + ck
			if accumulate == 0 {
				want[at] = 0
			}
			for _, row := range rows {
				for p := range row.Pixels {
					want[at] += float64(x[(row.X+p*o.XPixel)/simd.FloatBytes+ck/simd.Block]) *
						float64(dy[(row.DY+p*o.DYPixel+b*o.DYBlock)/simd.FloatBytes+ck%simd.Block])
				}
			}
		}
	}
	tile(&o)
	return closeTo(dw, want)
}

func randomFloats(r *rand.Rand, s []float32) []float32 {
	for i := range s {
		s[i] = r.Float32()*2 - 1
	}
	return s
}

// closeTo allows float32's rounding of sums of a few hundred values around 1.
func closeTo(got []float32, want []float64) error {
	for i, v := range got {
		if diff := math.Abs(float64(v) - want[i]); !(diff <= 1e-5*(1+math.Abs(want[i]))) {
			return fmt.Errorf("value %d is %v, wants %v", i, v, want[i])
		}
	}
	return nil
}
