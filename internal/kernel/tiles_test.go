package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"unsafe"
)

func TestEveryTileRowCountHasATile(t *testing.T) {
	eachISA(t, func(t *testing.T) {
		s := active
		for n := range maxTileBlocks + 1 {
			for m := range maxTileRows + 1 {
				want := m >= 1 && m <= s.tileRows[n]
				if got := s.gemm[n][m] != nil; got != want {
					t.Errorf("tile of %d blocks and %d pixels: there is %t, wants %t", n, m, got, want)
				}
			}
		}
		if s.tileRows[1] == 0 || s.outer[1] == nil {
			t.Error("no tile of one block")
		}
	})
}

func TestGemmTiles(t *testing.T) {
	eachISA(t, func(t *testing.T) {
		s := active
		r := rand.New(rand.NewPCG(1, 2))
		for n := 1; n <= maxTileBlocks; n++ {
			for m := 1; m <= s.tileRows[n]; m++ {
				for _, count := range []int{0, 1, 5} {
					for mode := range 8 {
						c := newGemmCase(t, r, n, m, count, mode)
						if err := c.run(s.gemm[n][m]); err != nil {
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
	args          gemmArgs
	n, m          int
	a, b, c, bias []float32
	offsets       []gemmOffset
}

func newGemmCase(t testing.TB, r *rand.Rand, n, m, count, mode int) *gemmCase {
	g := &gemmCase{n: n, m: m}
	atStart := r.IntN(2) == 0
	stride := func(least int) int { return least + pixelBytes*r.IntN(3) }
	g.args = gemmArgs{
		count:  count,
		aPixel: stride(pixelBytes), cPixel: stride(pixelBytes),
		accumulate: mode & 1, relu: mode >> 2,
	}
	g.args.cBlock = stride(m * g.args.cPixel)
	g.args.bBlock = stride(max(1, count) * tapBytes)
	aSpan := (m-1)*g.args.aPixel + pixelBytes
	for i, place := range r.Perm(count) {
		g.offsets = append(g.offsets, gemmOffset{a: i * pixelBytes, b: place * tapBytes})
	}
	g.a = randomFloats(r, fenced(t, (aSpan+max(0, count-1)*pixelBytes)/floatBytes, atStart))
	// An empty batch reads nothing of b, but nil has no pointers beside it.
	g.b = randomFloats(r, fenced(t, max(Block, ((n-1)*g.args.bBlock+count*tapBytes)/floatBytes), atStart))
	g.c = randomFloats(r, fenced(t, ((n-1)*g.args.cBlock+(m-1)*g.args.cPixel+pixelBytes)/floatBytes, atStart))
	g.args.a, g.args.b, g.args.c = unsafe.Pointer(&g.a[0]), unsafe.Pointer(&g.b[0]), unsafe.Pointer(&g.c[0])
	if count > 0 {
		g.args.offsets = &g.offsets[0]
	}
	if mode>>1&1 != 0 {
		g.bias = randomFloats(r, fenced(t, n*Block, atStart))
		g.args.bias = unsafe.Pointer(&g.bias[0])
	}
	return g
}

// run compares C and the bytes between its pixels with the sum in float64.
func (g *gemmCase) run(tile func(*gemmArgs)) error {
	want := make([]float64, len(g.c))
	for i, v := range g.c {
		want[i] = float64(v)
	}
	for n := range g.n {
		for m := range g.m {
			for k := range Block {
				want[(n*g.args.cBlock+m*g.args.cPixel)/floatBytes+k] = g.value(n, m, k)
			}
		}
	}
	tile(&g.args)
	return closeTo(g.c, want)
}

func (g *gemmCase) value(n, m, k int) float64 {
	sum := 0.0
	if g.args.accumulate != 0 {
		sum = float64(g.c[(n*g.args.cBlock+m*g.args.cPixel)/floatBytes+k])
	}
	for _, at := range g.offsets {
		for c := range Block {
			a := g.a[(at.a+m*g.args.aPixel)/floatBytes+c]
			b := g.b[(at.b+n*g.args.bBlock)/floatBytes+c*Block+k]
			sum += float64(a) * float64(b)
		}
	}
	if g.bias != nil {
		sum += float64(g.bias[n*Block+k])
	}
	if g.args.relu != 0 {
		sum = max(sum, 0)
	}
	return sum
}

func TestGemmTilesKeepNaN(t *testing.T) {
	eachISA(t, func(t *testing.T) {
		s := active
		g := newGemmCase(t, rand.New(rand.NewPCG(3, 4)), 1, 2, 1, 4)
		g.a[0] = float32(math.NaN())
		s.gemm[1][2](&g.args)
		if !math.IsNaN(float64(g.c[0])) {
			t.Errorf("ReLU turned NaN into %v", g.c[0])
		}
	})
}

func TestOuterTiles(t *testing.T) {
	shapes := [][]int{{}, {0}, {1}, {2, 0, 7}, {8, 17, 1}}
	eachISA(t, func(t *testing.T) {
		s := active
		r := rand.New(rand.NewPCG(5, 6))
		for n, tile := range s.outer {
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
func outerCase(t *testing.T, r *rand.Rand, tile func(*outerArgs), n int, pixels []int, accumulate int) error {
	atStart := r.IntN(2) == 0
	stride := func(least int) int { return least + pixelBytes*r.IntN(3) }
	o := outerArgs{
		count: len(pixels), accumulate: accumulate,
		xPixel: stride(pixelBytes), dyPixel: stride(pixelBytes), dwBlock: stride(tapBytes),
	}
	var rows []outerRow
	var xEnd, dyEnd int
	for _, count := range pixels {
		rows = append(rows, outerRow{x: xEnd, dy: dyEnd, pixels: count})
		xEnd += count * o.xPixel
		dyEnd += count * o.dyPixel
	}
	// The strides' gaps behind the last pixel are not memory of the tile.
	xSize, dySize := max(0, xEnd-o.xPixel+pixelBytes), max(0, dyEnd-o.dyPixel+pixelBytes)
	o.dyBlock = stride(dySize)
	x := randomFloats(r, fenced(t, xSize/floatBytes, atStart))
	dy := randomFloats(r, fenced(t, ((n-1)*o.dyBlock+dySize)/floatBytes, atStart))
	dw := randomFloats(r, fenced(t, ((n-1)*o.dwBlock+tapBytes)/floatBytes, atStart))
	o.x, o.dy, o.dw = unsafe.Pointer(unsafe.SliceData(x)), unsafe.Pointer(unsafe.SliceData(dy)), unsafe.Pointer(&dw[0])
	o.rows = unsafe.SliceData(rows)

	want := make([]float64, len(dw))
	for i, v := range dw {
		want[i] = float64(v)
	}
	for b := range n {
		for ck := range Block * Block {
			at := b*o.dwBlock/floatBytes + ck
			if accumulate == 0 {
				want[at] = 0
			}
			for _, row := range rows {
				for p := range row.pixels {
					want[at] += float64(x[(row.x+p*o.xPixel)/floatBytes+ck/Block]) *
						float64(dy[(row.dy+p*o.dyPixel+b*o.dyBlock)/floatBytes+ck%Block])
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

// closeTo allows float32's rounding of sums of some hundred values around 1.
func closeTo(got []float32, want []float64) error {
	for i, v := range got {
		if diff := math.Abs(float64(v) - want[i]); !(diff <= 1e-5*(1+math.Abs(want[i]))) {
			return fmt.Errorf("value %d is %v, wants %v", i, v, want[i])
		}
	}
	return nil
}
