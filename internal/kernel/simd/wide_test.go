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

// wideKind is a precision's wide products and those of its twin.
type wideKind struct {
	name      string
	got, want *simd.Wide
	values    func(*rand.Rand) func() uint16 // two bytes of an operand
}

// eachWide runs a test for every implementation that has wide products.
func eachWide(t *testing.T, test func(t *testing.T, k wideKind)) {
	simdtest.Each(t, func(t *testing.T, s *simd.ISA) {
		var kinds []wideKind
		if s.BF16.Wide != nil {
			for name, values := range map[string]func(*rand.Rand) func() uint16{"ordinary": ordinary, "tiny": tiny, "any": anyBits} {
				kinds = append(kinds, wideKind{"bf16 " + name, s.BF16.Wide, s.BF16.Twin().Wide, values})
			}
		}
		if s.Int8.Wide != nil {
			kinds = append(kinds, wideKind{"int8", s.Int8.Wide, s.Int8.Twin().Wide, anyBits})
		}
		for _, k := range kinds {
			t.Run(k.name, func(t *testing.T) { test(t, k) })
		}
	})
}

// equalSums compares bits, save what NaN they are.
func equalSums(t *testing.T, what string, got, want []float32) {
	t.Helper()
	for i, v := range got {
		if w := want[i]; math.Float32bits(v) != math.Float32bits(w) && (v == v || w == w) {
			t.Fatalf("%s: value %d is %x, wants %x", what, i, math.Float32bits(v), math.Float32bits(w))
		}
	}
}

// TestWideProductsAreTheirTwin in every bit, or integer, on memory between guard pages.
func TestWideProductsAreTheirTwin(t *testing.T) {
	eachWide(t, func(t *testing.T, k wideKind) {
		for pixels := 1; pixels <= simd.MaxWide; pixels++ {
			for n := 1; n <= simd.MaxWide; n++ {
				for _, count := range []int{0, 1, 5} {
					for apart := simd.WideBytes; apart <= 2*simd.WideBytes; apart += simd.WideBytes {
						what := fmt.Sprintf("%d tiles of pixels, %d blocks, batch of %d, pixels %d apart", pixels, n, count, apart)
						equalSums(t, what, k.product(t, k.got, pixels, n, count, apart), k.product(t, k.want, pixels, n, count, apart))
					}
				}
			}
		}
	})
}

// product returns the sums of a drawn call.
func (k wideKind) product(t *testing.T, w *simd.Wide, pixels, n, count, apart int) []float32 {
	r := rand.New(rand.NewPCG(uint64(count), uint64(10*pixels+n)))
	atStart, next := r.IntN(2) == 0, k.values(r)
	const weights = simd.WideBytes * simd.Block
	g := simd.GemmArgs{Count: count, APixel: apart, BBlock: (max(1, count) + r.IntN(3)) * weights}
	offsets := make([]simd.GemmOffset, count)
	for i, place := range r.Perm(count) {
		offsets[i] = simd.GemmOffset{A: i * simd.WideBytes, B: place * weights}
	}
	a := halves(t, ((pixels*simd.WidePixels-1)*apart+max(1, count)*simd.WideBytes)/2, atStart, next)
	b := halves(t, ((n-1)*g.BBlock+max(1, count)*weights)/2, atStart, next)
	c := randomFloats(r, fenced(t, pixels*n*simd.WidePixels*simd.Block, atStart))
	g.A, g.B, g.C, g.Offsets = unsafe.Pointer(&a[0]), unsafe.Pointer(&b[0]), unsafe.Pointer(&c[0]), unsafe.SliceData(offsets)
	w.Products[pixels][n](&g)
	return c
}

// TestFinishIsItsTwin, with and without bias and ReLU.
func TestFinishIsItsTwin(t *testing.T) {
	eachWide(t, func(t *testing.T, k wideKind) {
		for mode := range 4 {
			for _, pixels := range []int{0, 1, 7} {
				if got, want := k.finish(t, k.got, pixels, mode), k.finish(t, k.want, pixels, mode); !sameHalves(got, want) {
					t.Fatalf("mode %02b, %d pixels: %x, wants %x", mode, pixels, got, want)
				}
			}
		}
	})
}

func (k wideKind) finish(t *testing.T, w *simd.Wide, pixels, mode int) []uint16 {
	r := rand.New(rand.NewPCG(uint64(mode), uint64(pixels)))
	size := simd.WideBytes / w.Blocks * pixels
	atStart := r.IntN(2) == 0
	bits := func(n int) []float32 {
		floats := fenced(t, n, atStart)
		for i := range floats {
			floats[i] = math.Float32frombits(r.Uint32() >> (mode & 1 * 8)) // in bytes, also sums that are no float
		}
		return floats
	}
	sums, bias, scale := bits(max(1, pixels)*simd.Block), bits(simd.Block), fenced(t, simd.Block, atStart)
	for i := range scale {
		scale[i] = factor(r)
	}
	y := halves(t, max(2, size/2), atStart, anyBits(r))
	f := simd.FinishArgs{Y: unsafe.Pointer(&y[0]), Sums: unsafe.Pointer(&sums[0]), Pixels: pixels, Scale: unsafe.Pointer(&scale[0])}
	if mode&1 != 0 {
		f.Bias = unsafe.Pointer(&bias[0])
	}
	f.ReLU = mode >> 1
	w.Finish(&f)
	return y
}

// sameHalves compares bf16 or pairs of bytes; all NaN are one.
func sameHalves(got, want []uint16) bool {
	return slices.EqualFunc(got, want, func(a, b uint16) bool {
		return a == b || math.IsNaN(value(a)) && math.IsNaN(value(b))
	})
}

func TestInterleaveIsItsTwin(t *testing.T) {
	eachWide(t, func(t *testing.T, k wideKind) {
		for blocks := 1; blocks <= k.got.Blocks; blocks++ {
			for _, pixels := range []int{0, 1, 9} {
				if got, want := k.interleave(t, k.got, blocks, pixels), k.interleave(t, k.want, blocks, pixels); !slices.Equal(got, want) {
					t.Fatalf("%d blocks, %d pixels: %x, wants %x", blocks, pixels, got, want)
				}
			}
		}
	})
}

func (k wideKind) interleave(t *testing.T, w *simd.Wide, blocks, pixels int) []uint16 {
	r := rand.New(rand.NewPCG(uint64(blocks), uint64(pixels)))
	atStart, pixel := r.IntN(2) == 0, simd.WideBytes/w.Blocks
	apart := max(1, pixels)*pixel + pixel*r.IntN(3)
	from := halves(t, ((blocks-1)*apart+max(1, pixels)*pixel)/2, atStart, anyBits(r))
	to := halves(t, max(1, pixels)*simd.WideBytes/2, atStart, anyBits(r))
	w.Interleave(&simd.InterleaveArgs{To: unsafe.Pointer(&to[0]), From: unsafe.Pointer(&from[0]), Apart: apart, Blocks: blocks, Pixels: pixels})
	return to
}

// TestPairsAreTheirTwin in every bit, and near the sum in float64.
func TestPairsAreTheirTwin(t *testing.T) {
	simdtest.Each(t, func(t *testing.T, s *simd.ISA) {
		if s.BF16.Pairs[1][1] == nil {
			t.Skip("has none")
		}
		for kind, values := range map[string]func(*rand.Rand) func() uint16{"ordinary": ordinary, "tiny": tiny, "any": anyBits} {
			for rows := 1; rows <= simd.MaxPairsBlocks; rows++ {
				for columns := 1; columns <= simd.MaxPairsBlocks; columns++ {
					for mode := range 6 {
						what := fmt.Sprintf("%s values, %d blocks of rows, %d of columns, %d steps, accumulate %d", kind, rows, columns, mode/2, mode%2)
						got := newPairs(t, rows, columns, mode/2, mode%2, values)
						want := newPairs(t, rows, columns, mode/2, mode%2, values)
						before := slices.Clone(got.c)
						s.BF16.Pairs[rows][columns](&got.args)
						s.BF16.Twin().Pairs[rows][columns](&want.args)
						equalSums(t, what, got.c, want.c)
						if kind == "ordinary" {
							got.check(t, what, before)
						}
					}
				}
			}
		}
	})
}

type pairsCase struct {
	args          simd.PairsArgs
	rows, columns int
	a, b          []uint16
	c             []float32
}

func newPairs(t *testing.T, rows, columns, steps, accumulate int, values func(*rand.Rand) func() uint16) *pairsCase {
	r := rand.New(rand.NewPCG(uint64(steps), uint64(10*rows+columns)))
	atStart, next := r.IntN(2) == 0, values(r)
	positions := steps * simd.PairsStep
	p := &pairsCase{rows: rows, columns: columns}
	p.args = simd.PairsArgs{Steps: steps, Accumulate: accumulate,
		ARow: (positions + simd.PairsStep*r.IntN(3)) * simd.FloatBytes, BRow: simd.PixelBytes * (1 + r.IntN(2))}
	p.args.ABlock = simd.Block*p.args.ARow + simd.PixelBytes*r.IntN(3)
	p.args.BBlock = positions*p.args.BRow + simd.PixelBytes*r.IntN(3)
	size := func(all int) int { return max(simd.PixelBytes, all) / 2 }
	p.a = halves(t, size((rows-1)*p.args.ABlock+(simd.Block-1)*p.args.ARow+positions*simd.FloatBytes), atStart, next)
	p.b = halves(t, size((columns-1)*p.args.BBlock+max(0, positions-1)*p.args.BRow+simd.PixelBytes), atStart, next)
	p.c = randomFloats(r, fenced(t, rows*columns*simd.Block*simd.Block, atStart))
	p.args.A, p.args.B, p.args.C = unsafe.Pointer(&p.a[0]), unsafe.Pointer(&p.b[0]), unsafe.Pointer(&p.c[0])
	return p
}

// check allows a rounding of float32 of the terms' absolute sum for each of them.
func (p *pairsCase) check(t *testing.T, what string, before []float32) {
	t.Helper()
	for at, got := range p.c {
		i, j := at/(simd.Block*simd.Block)/p.columns, at/(simd.Block*simd.Block)%p.columns
		row, column := at/simd.Block%simd.Block, at%simd.Block
		sum := float64(p.args.Accumulate) * float64(before[at])
		absolute, terms := math.Abs(sum), 2*simd.PairsStep*p.args.Steps
		for q := range terms {
			product := value(p.a[(i*p.args.ABlock+row*p.args.ARow)/2+q]) *
				value(p.b[(j*p.args.BBlock+q/2*p.args.BRow)/2+2*column+q%2])
			sum += product
			absolute += math.Abs(product)
		}
		if !(math.Abs(float64(got)-sum) <= float64(terms+1)*absolute*0x1p-24) {
			t.Fatalf("%s: sum %d is %v, wants %v", what, at, got, sum)
		}
	}
}
