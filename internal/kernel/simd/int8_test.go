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
	"golang.org/x/sys/cpu"
)

const (
	bytePixel = simd.Block
	byteTap   = simd.Block * simd.Block
)

// eachInt8 runs a test once per implementation of bytes. If one that the processor
// supports is missing, the test fails.
func eachInt8(t *testing.T, test func(t *testing.T, s *simd.Int8)) {
	t.Helper()
	var have []string
	simdtest.Each(t, func(t *testing.T, s *simd.ISA) { have = append(have, s.Name) })
	want := []string{"generic"}
	if slices.Contains(have, "avx512") && cpu.X86.HasAVX512VNNI {
		want = append(want, "avx512-vnni")
	}
	if slices.Contains(have, "amx") {
		want = append(want, "amx-int8")
	}
	if slices.Contains(have, "avx2") {
		want = append(want, "avx2")
		if cpu.X86.HasAVXVNNI {
			want = append(want, "avx-vnni")
		}
	}
	for _, name := range want {
		if !slices.ContainsFunc(simd.Int8s(), func(s *simd.Int8) bool { return s.Name == name }) {
			t.Errorf("the processor can run %s, but the kernels have no such implementation", name)
		}
	}
	for _, s := range simd.Int8s() {
		t.Run(s.Name, func(t *testing.T) { test(t, s) })
	}
}

// fencedAs returns n fenced values of another type, whose bytes fill whole floats.
func fencedAs[E any](t testing.TB, n int, atStart bool, value func() E) []E {
	size := int(unsafe.Sizeof(*new(E)))
	floats := fenced(t, (n*size+simd.FloatBytes-1)/simd.FloatBytes, atStart)
	s := unsafe.Slice((*E)(unsafe.Pointer(unsafe.SliceData(floats))), n)
	for i := range s {
		s[i] = value()
	}
	return s
}

// int8Case is a call of a tile of bytes. Bits of mode: accumulate, bias, rounded.
type int8Case struct {
	args    simd.GemmArgs
	n, m    int
	a       []uint8
	b       []int8
	c, bias []int32
	scale   []float32
	rounded []uint8
	offsets []simd.GemmOffset
}

// newInt8Case draws any bytes, or only the extreme ones, whose sums of two an
// instruction that saturates at 16 bits gets wrong.
func newInt8Case(t testing.TB, seed uint64, n, m, count, mode int, extreme bool) *int8Case {
	r := rand.New(rand.NewPCG(seed, uint64(100*n+m)))
	atStart := r.IntN(2) == 0
	pixel := func() uint8 { return uint8(r.Uint32()) }
	weight := func() int8 { return int8(r.Uint32()) }
	if extreme {
		pixel = func() uint8 { return 255 }
		weight = func() int8 { return []int8{-128, 127}[r.IntN(8)/7] }
	}
	sum := func() int32 { return int32(r.Uint32()) >> 8 }
	stride := func(least, unit int) int { return least + unit*r.IntN(3) }
	g := &int8Case{n: n, m: m}
	g.args = simd.GemmArgs{
		Count: count, APixel: stride(bytePixel, 4), CPixel: stride(simd.PixelBytes, simd.PixelBytes), Accumulate: mode & 1,
	}
	g.args.CBlock = stride(m*g.args.CPixel, simd.PixelBytes)
	g.args.BBlock = stride(max(1, count)*byteTap, byteTap)
	for i, place := range r.Perm(count) {
		g.offsets = append(g.offsets, simd.GemmOffset{A: i * bytePixel, B: place * byteTap})
	}
	g.a = fencedAs(t, (m-1)*g.args.APixel+max(1, count)*bytePixel, atStart, pixel)
	g.b = fencedAs(t, (n-1)*g.args.BBlock+max(1, count)*byteTap, atStart, weight)
	g.c = fencedAs(t, ((n-1)*g.args.CBlock+(m-1)*g.args.CPixel+simd.PixelBytes)/4, atStart, sum)
	g.args.A, g.args.B, g.args.C = unsafe.Pointer(&g.a[0]), unsafe.Pointer(&g.b[0]), unsafe.Pointer(&g.c[0])
	g.args.Offsets = unsafe.SliceData(g.offsets)
	if mode>>1&1 != 0 {
		g.bias = fencedAs(t, n*simd.Block, atStart, sum)
		g.args.Bias = unsafe.Pointer(&g.bias[0])
	}
	if mode>>2&1 != 0 {
		g.scale = fencedAs(t, n*simd.Block, atStart, func() float32 { return factor(r) })
		g.args.Scale = unsafe.Pointer(&g.scale[0])
		g.args.RoundedPixel = stride(bytePixel, bytePixel)
		g.args.RoundedBlock = stride(m*g.args.RoundedPixel, bytePixel)
		g.rounded = fencedAs(t, (n-1)*g.args.RoundedBlock+(m-1)*g.args.RoundedPixel+bytePixel, atStart, pixel)
		g.args.Rounded = unsafe.Pointer(&g.rounded[0])
	}
	return g
}

// factor is one that makes most results bytes, now and then one that makes ties, or
// one that nothing reasonable would have.
func factor(r *rand.Rand) float32 {
	switch r.IntN(12) {
	case 0:
		return 0x1p-13
	case 1:
		return []float32{0, -1, math.MaxFloat32, float32(math.Inf(1)), float32(math.NaN()), 0x1p-149, 1e6}[r.IntN(7)]
	}
	return 1e-6 + 1e-4*r.Float32()
}

// value is a sum, computed in 64 bits, and its result.
func (g *int8Case) value(before []int32, n, m, k int) (sum int32, result uint8) {
	all := int64(0)
	if g.args.Accumulate != 0 {
		all += int64(before[(n*g.args.CBlock+m*g.args.CPixel)/4+k])
	}
	for _, at := range g.offsets {
		for c := range simd.Block {
			a := g.a[at.A+m*g.args.APixel+c]
			b := g.b[at.B+n*g.args.BBlock+c/4*4*simd.Block+4*k+c%4]
			all += int64(a) * int64(b)
		}
	}
	if g.bias != nil {
		all += int64(g.bias[n*simd.Block+k])
	}
	if g.rounded != nil {
		scaled := float64(float32(float64(float32(all)) * float64(g.scale[n*simd.Block+k])))
		if scaled > 0 {
			result = uint8(math.RoundToEven(min(scaled, 255)))
		}
	}
	return int32(all), result
}

// TestInt8Tiles: exactly the sums of 64-bit integers, and nothing else is written.
func TestInt8Tiles(t *testing.T) {
	eachInt8(t, func(t *testing.T, s *simd.Int8) {
		for n := 1; n <= simd.MaxTileBlocks; n++ {
			for m := 1; m <= s.TileRows[n]; m++ {
				t.Run(fmt.Sprintf("%dx%d", n, m), func(t *testing.T) { testInt8Tile(t, s, n, m) })
			}
		}
	})
}

func testInt8Tile(t *testing.T, s *simd.Int8, n, m int) {
	for _, count := range []int{0, 1, 5} {
		for mode := range 8 {
			for _, extreme := range []bool{false, true} {
				g := newInt8Case(t, uint64(mode), n, m, count, mode, extreme)
				c, rounded := slices.Clone(g.c), slices.Clone(g.rounded)
				for n := range n {
					for m := range m {
						for k := range simd.Block {
							sum, result := g.value(c, n, m, k)
							if g.rounded != nil {
								rounded[n*g.args.RoundedBlock+m*g.args.RoundedPixel+k] = result
							} else {
								c[(n*g.args.CBlock+m*g.args.CPixel)/4+k] = sum
							}
						}
					}
				}
				s.Gemm[n][m](&g.args)
				if !slices.Equal(g.c, c) || !slices.Equal(g.rounded, rounded) {
					t.Fatalf("batch of %d, mode %03b, extreme %v:\n%v %v, wants\n%v %v", count, mode, extreme,
						g.c, g.rounded, c, rounded)
				}
			}
		}
	}
}

func TestRoundByte(t *testing.T) {
	for v, want := range map[float32]uint8{
		-1: 0, 0: 0, 0.5: 0, 0.50001: 1, 1.5: 2, 2.5: 2, 254.5: 254, 254.50002: 255, 255.5: 255, 1e30: 255,
		float32(math.Inf(1)): 255, float32(math.Inf(-1)): 0,
	} {
		if got := simd.RoundByte(v); got != want {
			t.Errorf("%v becomes %d, wants %d", v, got, want)
		}
	}
	if got := simd.RoundByte(float32(math.NaN())); got != 0 {
		t.Errorf("NaN becomes %d", got)
	}
}

// TestInt8Pools compares the pooling loops with what they must be, also where pixels
// are neighbours.
func TestInt8Pools(t *testing.T) {
	eachInt8(t, func(t *testing.T, s *simd.Int8) {
		loops := map[string]func(*simd.PoolArgs){"sum": s.PoolSum, "sum of three columns": s.PoolSum3, "max": s.PoolMax}
		for name, loop := range loops {
			for pixels := range 11 {
				for _, taps := range []int{1, 2, 3, 6, 9, 255, simd.MaxByteTaps} {
					for seed := range uint64(4) {
						p := newInt8Pool(t, seed, pixels, taps)
						if name == "sum of three columns" {
							if taps%3 != 0 {
								continue
							}
							p.rows(t)
						}
						want := slices.Clone(p.y)
						for at := range want {
							if row, pixel := at/p.args.YRow, at%p.args.YRow/bytePixel; row < p.args.Rows && pixel < pixels {
								want[at] = p.reference(name, row, pixel, at%bytePixel)
							}
						}
						loop(&p.args)
						if !slices.Equal(p.y, want) {
							t.Fatalf("%s of %d pixels, %d taps, seed %d: %v, wants %v", name, pixels, taps, seed, p.y, want)
						}
					}
				}
			}
		}
	})
}

type int8Pool struct {
	args simd.PoolArgs
	x, y []uint8
	taps []simd.PoolTap
}

func newInt8Pool(t testing.TB, seed uint64, pixels, taps int) *int8Pool {
	r := rand.New(rand.NewPCG(seed, uint64(taps)))
	p := &int8Pool{args: simd.PoolArgs{
		Count: taps, Pixels: pixels, XPixel: bytePixel * (1 + r.IntN(3)), Scale: (0.5 + r.Float32()) / float32(taps),
		Rows: 1 + int(seed)%3, XRow: bytePixel * r.IntN(4), YRow: bytePixel * (pixels + 1 + r.IntN(2)),
	}}
	if seed == 3 {
		p.args.Scale = 0.5 // ties
	}
	for _, place := range r.Perm(taps) {
		p.taps = append(p.taps, simd.PoolTap{Offset: place * bytePixel})
	}
	any := func() uint8 { return uint8(r.Uint32()) }
	p.x = fencedAs(t, p.reach()+taps*bytePixel, seed%2 == 0, any)
	p.y = fencedAs(t, (p.args.Rows-1)*p.args.YRow+pixels*bytePixel, seed%2 == 0, any)
	p.args.X, p.args.Y, p.args.Taps = unsafe.Pointer(&p.x[0]), unsafe.Pointer(unsafe.SliceData(p.y)), &p.taps[0]
	return p
}

// rows makes the taps rows of three neighbours, of windows one pixel apart; the
// last window ends where memory does.
func (p *int8Pool) rows(t testing.TB) {
	r := rand.New(rand.NewPCG(uint64(len(p.taps)), 1))
	last := len(p.taps)/3 - 1
	p.args.XPixel = bytePixel
	for i := range p.taps {
		p.taps[i].Offset = ((last-i/3)*5 + i%3) * bytePixel
	}
	p.x = fencedAs(t, p.reach()+(last*5+3)*bytePixel, false, func() uint8 { return uint8(r.Uint32()) })
	p.args.X = unsafe.Pointer(&p.x[0])
}

// reach is the distance from the first window to the last one.
func (p *int8Pool) reach() int {
	return (p.args.Rows-1)*p.args.XRow + max(0, p.args.Pixels-1)*p.args.XPixel
}

func (p *int8Pool) reference(name string, row, pixel, lane int) uint8 {
	sum, largest := 0, uint8(0)
	for _, tap := range p.taps {
		v := p.x[tap.Offset+row*p.args.XRow+pixel*p.args.XPixel+lane]
		sum, largest = sum+int(v), max(largest, v)
	}
	if name == "max" {
		return largest
	}
	return uint8(math.RoundToEven(min(255, float64(float32(sum)*p.args.Scale))))
}

// TestImageBytes also sees that rounding happens between the product and the sum.
func TestImageBytes(t *testing.T) {
	eachInt8(t, func(t *testing.T, s *simd.Int8) {
		for _, pixels := range []int{0, 16, 48} {
			for seed := range uint64(8) {
				r := rand.New(rand.NewPCG(seed, 1))
				values := []float32{0, 1, -1, 1e30, -1e30, float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1))}
				from := fencedAs(t, 3*pixels, seed%2 == 0, func() float32 {
					if r.IntN(8) == 0 {
						return values[r.IntN(len(values))]
					}
					return float32(r.IntN(256))/127.5 - 1
				})
				to := fencedAs(t, pixels, seed%2 == 0, func() [4]uint8 { return [4]uint8{7, 7, 7, 7} })
				g := simd.ImageBytesArgs{
					To: unsafe.Pointer(unsafe.SliceData(to)), From: unsafe.Pointer(unsafe.SliceData(from)),
					Plane: pixels * simd.FloatBytes, Pixels: pixels, Scale: [3]float32{127.5, 100, 50},
					Offset: [3]float32{127.5, 100.25, 128},
				}
				s.ImageBytes(&g)
				for i, got := range to {
					var want [4]uint8
					for colour := range 3 {
						v := float32(float64(from[colour*pixels+i]) * float64(g.Scale[colour]))
						want[colour] = simd.RoundByte(float32(float64(v) + float64(g.Offset[colour])))
					}
					if got != want {
						t.Fatalf("pixel %d is %v, wants %v", i, got, want)
					}
				}
			}
		}
	})
}
