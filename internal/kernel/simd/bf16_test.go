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

const (
	halfPixel = simd.PixelBytes / 2
	halfTap   = simd.TapBytes / 2
)

// halves returns n fenced bf16, n being even.
func halves(t testing.TB, n int, atStart bool, value func() uint16) []uint16 {
	floats := fenced(t, (n+1)/2, atStart)
	s := unsafe.Slice((*uint16)(unsafe.Pointer(unsafe.SliceData(floats))), n)
	for i := range s {
		s[i] = value()
	}
	return s
}

func value(v uint16) float64 { return float64(math.Float32frombits(uint32(v) << 16)) }

// ordinary values lie around 1; hard ones are any bits, so that products
// overflow and underflow, or make sums around the smallest normal number.
func ordinary(r *rand.Rand) func() uint16 {
	return func() uint16 { return simd.RoundBF16(r.Float32()*2 - 1) }
}

func anyBits(r *rand.Rand) func() uint16 { return func() uint16 { return uint16(r.Uint32()) } }

func tiny(r *rand.Rand) func() uint16 {
	return func() uint16 { return uint16(r.Uint32())&0x807f | uint16(56+r.IntN(16))<<7 }
}

// bf16Case is a call of a bf16 tile. Bits of mode: accumulate, bias, relu,
// rounded.
type bf16Case struct {
	args          simd.GemmArgs
	n, m          int
	a, b, rounded []uint16
	c, bias       []float32
	offsets       []simd.GemmOffset
}

func newBF16Case(t testing.TB, seed uint64, n, m, count, mode int, values func(*rand.Rand) func() uint16) *bf16Case {
	r := rand.New(rand.NewPCG(seed, uint64(100*n+m)))
	next, atStart := values(r), r.IntN(2) == 0
	stride := func(least, unit int) int { return least + unit*r.IntN(3) }
	g := &bf16Case{n: n, m: m}
	g.args = simd.GemmArgs{
		Count: count, APixel: stride(halfPixel, halfPixel), CPixel: stride(simd.PixelBytes, simd.PixelBytes),
		Accumulate: mode & 1, ReLU: mode >> 2 & 1,
	}
	g.args.CBlock = stride(m*g.args.CPixel, simd.PixelBytes)
	g.args.BBlock = stride(max(1, count)*halfTap, halfTap)
	for i, place := range r.Perm(count) {
		g.offsets = append(g.offsets, simd.GemmOffset{A: i * halfPixel, B: place * halfTap})
	}
	g.a = halves(t, ((m-1)*g.args.APixel+max(1, count)*halfPixel)/2, atStart, next)
	g.b = halves(t, ((n-1)*g.args.BBlock+max(1, count)*halfTap)/2, atStart, next)
	g.c = fenced(t, ((n-1)*g.args.CBlock+(m-1)*g.args.CPixel+simd.PixelBytes)/simd.FloatBytes, atStart)
	for i := range g.c {
		g.c[i] = math.Float32frombits(uint32(next())<<16 | r.Uint32N(1<<16))
	}
	g.args.A, g.args.B, g.args.C = unsafe.Pointer(&g.a[0]), unsafe.Pointer(&g.b[0]), unsafe.Pointer(&g.c[0])
	g.args.Offsets = unsafe.SliceData(g.offsets)
	if mode>>1&1 != 0 {
		g.bias = randomFloats(r, fenced(t, n*simd.Block, atStart))
		g.args.Bias = unsafe.Pointer(&g.bias[0])
	}
	if mode>>3&1 != 0 {
		g.args.RoundedPixel = stride(halfPixel, halfPixel)
		g.args.RoundedBlock = stride(m*g.args.RoundedPixel, halfPixel)
		g.rounded = halves(t, ((n-1)*g.args.RoundedBlock+(m-1)*g.args.RoundedPixel+halfPixel)/2, atStart, next)
		g.args.Rounded = unsafe.Pointer(&g.rounded[0])
	}
	return g
}

// equal compares all memory bit for bit, save what NaN they are.
func (g *bf16Case) equal(want *bf16Case) error {
	for i, v := range g.c {
		if w := want.c[i]; math.Float32bits(v) != math.Float32bits(w) && (v == v || w == w) {
			return fmt.Errorf("sum %d is %x, wants %x", i, math.Float32bits(v), math.Float32bits(w))
		}
	}
	for i, v := range g.rounded {
		if w := want.rounded[i]; v != w && !(math.IsNaN(value(v)) && math.IsNaN(value(w))) {
			return fmt.Errorf("result %d is %x, wants %x", i, v, w)
		}
	}
	return nil
}

// TestBF16TilesAreTheirTwin: the same bits as plain Go's, on ordinary values and
// on those where the instruction's rules show.
func TestBF16TilesAreTheirTwin(t *testing.T) {
	kinds := map[string]func(*rand.Rand) func() uint16{"ordinary": ordinary, "tiny": tiny, "any": anyBits}
	simdtest.Each(t, func(t *testing.T, s *simd.ISA) {
		for kind, values := range kinds {
			eachBF16Tile(t, s, func(t *testing.T, n, m, count, mode int) {
				got := newBF16Case(t, uint64(mode), n, m, count, mode, values)
				want := newBF16Case(t, uint64(mode), n, m, count, mode, values)
				s.BF16.Gemm[n][m](&got.args)
				s.BF16.Twin().Gemm[n][m](&want.args)
				if err := got.equal(want); err != nil {
					t.Fatalf("%s values, batch of %d, mode %04b: %v", kind, count, mode, err)
				}
			})
		}
	})
}

// eachBF16Tile runs a test of its own for each tile, which gives memory back.
func eachBF16Tile(t *testing.T, s *simd.ISA, do func(t *testing.T, n, m, count, mode int)) {
	for n := 1; n <= simd.MaxTileBlocks; n++ {
		for m := 1; m <= s.BF16.TileRows[n]; m++ {
			t.Run(fmt.Sprintf("%dx%d", n, m), func(t *testing.T) {
				for _, count := range []int{0, 1, 5} {
					for mode := range 16 {
						do(t, n, m, count, mode)
					}
				}
			})
		}
	}
}

// TestBF16Tiles compares with the sum in float64. A sum of k terms is off by at
// most k+2 roundings of float32, each of the terms' absolute sum; a result by half
// a unit of bf16's eight bits more.
func TestBF16Tiles(t *testing.T) {
	simdtest.Each(t, func(t *testing.T, s *simd.ISA) {
		eachBF16Tile(t, s, func(t *testing.T, n, m, count, mode int) {
			g := newBF16Case(t, 7, n, m, count, mode, ordinary)
			before, wasRounded := slices.Clone(g.c), slices.Clone(g.rounded)
			s.BF16.Gemm[n][m](&g.args)
			if err := g.check(before, wasRounded); err != nil {
				t.Fatalf("batch of %d, mode %04b: %v", count, mode, err)
			}
		})
	})
}

func (g *bf16Case) check(c []float32, rounded []uint16) error {
	wrong := func(got, want, absolute, unit float64) bool {
		terms := float64(simd.Block*len(g.offsets) + 2)
		return !(math.Abs(got-want) <= terms*absolute*0x1p-24+unit*math.Abs(want))
	}
	for n := range g.n {
		for m := range g.m {
			for k := range simd.Block {
				at := (n*g.args.CBlock+m*g.args.CPixel)/simd.FloatBytes + k
				want, absolute := g.value(c[at], n, m, k)
				got, unit := float64(g.c[at]), 0.0
				if g.rounded != nil {
					place := (n*g.args.RoundedBlock+m*g.args.RoundedPixel)/2 + k
					got, unit = value(g.rounded[place]), 0x1p-8
					rounded[place] = g.rounded[place]
				} else {
					c[at] = g.c[at]
				}
				if wrong(got, want, absolute, unit) {
					return fmt.Errorf("block %d, pixel %d, channel %d is %v, wants %v", n, m, k, got, want)
				}
			}
		}
	}
	if !slices.Equal(c, g.c) || !slices.Equal(rounded, g.rounded) {
		return fmt.Errorf("wrote between its pixels")
	}
	return nil
}

// value returns the sum in float64, and that of the terms' absolute values.
func (g *bf16Case) value(c float32, n, m, k int) (sum, absolute float64) {
	add := func(v float64) { sum, absolute = sum+v, absolute+math.Abs(v) }
	if g.args.Accumulate != 0 {
		add(float64(c))
	}
	for _, at := range g.offsets {
		for i := range simd.Block {
			a := g.a[(at.A+m*g.args.APixel)/2+i]
			b := g.b[(at.B+n*g.args.BBlock)/2+i/2*2*simd.Block+2*k+i%2]
			add(value(a) * value(b))
		}
	}
	if g.bias != nil {
		add(float64(g.bias[n*simd.Block+k]))
	}
	if g.args.ReLU != 0 {
		sum = max(sum, 0)
	}
	return sum, absolute
}

// TestRoundBF16 rounds every ending of values, and what lies at the borders.
func TestRoundBF16(t *testing.T) {
	from := []float32{0, -1, 1, 3, float32(math.Inf(1)), float32(math.Inf(-1)), math.MaxFloat32, 0x1p-126, -0x1p-127, 0x1.fffffep-127}
	for ending := range uint32(1 << 16) {
		from = append(from, math.Float32frombits(0x3f80<<16|ending), math.Float32frombits(0xc071<<16|ending))
	}
	from = append(from, float32(math.NaN()), math.Float32frombits(0x7f800001))
	from = append(from, make([]float32, (simd.Block-len(from)%simd.Block)%simd.Block)...)
	simdtest.Each(t, func(t *testing.T, s *simd.ISA) {
		to := make([]uint16, len(from))
		s.BF16.Round(to, from)
		for i, v := range from {
			got, low, high := value(to[i]), value(uint16(math.Float32bits(v)>>16)), value(uint16(math.Float32bits(v)>>16+1))
			want := low
			switch up := math.Float32bits(v) & 0xffff; {
			case up > 0x8000 || up == 0x8000 && math.Float32bits(v)>>16&1 == 1:
				want = high
			}
			if math.Abs(float64(v)) < 0x1p-126 {
				want = 0
			}
			if got != want && !(v != v && got != got) {
				t.Fatalf("%v becomes %v, wants %v", v, got, want)
			}
		}
	})
}

// TestBF16Pools compares the pooling loops with their twins and, where values are
// whole numbers, with what they must be.
func TestBF16Pools(t *testing.T) {
	loops := map[string]func(*simd.BF16) func(*simd.PoolArgs){
		"sum":                  func(s *simd.BF16) func(*simd.PoolArgs) { return s.PoolSum },
		"sum of three columns": func(s *simd.BF16) func(*simd.PoolArgs) { return s.PoolSum3 },
		"max of positive":      func(s *simd.BF16) func(*simd.PoolArgs) { return s.PoolMaxPositive },
		"max":                  func(s *simd.BF16) func(*simd.PoolArgs) { return s.PoolMax },
		"argmax":               func(s *simd.BF16) func(*simd.PoolArgs) { return s.PoolArgmax },
	}
	for name, loop := range loops {
		simdtest.Each(t, func(t *testing.T, s *simd.ISA) {
			for pixels := range 10 {
				for _, taps := range []int{1, 2, 6, 9} {
					for seed := range uint64(4) {
						got, want := newBF16Pool(t, seed, pixels, taps), newBF16Pool(t, seed, pixels, taps)
						if name == "max of positive" {
							got.positive()
							want.positive()
						}
						if name == "sum of three columns" {
							if taps < 6 {
								continue
							}
							got.rows(t)
							want.rows(t)
						}
						loop(s.BF16)(&got.args)
						loop(simd.Generic.BF16)(&want.args)
						if !slices.Equal(got.y, want.y) || !slices.Equal(got.x, want.x) || !slices.Equal(got.argmax, want.argmax) {
							t.Fatalf("%s of %d pixels, %d taps, seed %d: %v, wants %v", name, pixels, taps, seed, got.y, want.y)
						}
						for at, y := range got.y {
							if v := got.reference(name, at); value(y) != v {
								t.Fatalf("%s of %d pixels, %d taps: value %d is %v, wants %v", name, pixels, taps, at, value(y), v)
							}
							if name == "argmax" && got.argmax[at] != got.firstMaximum(at, y) {
								t.Fatalf("%d pixels, %d taps: maximum %d is tap %d, wants %d", pixels, taps, at, got.argmax[at],
									got.firstMaximum(at, y))
							}
						}
					}
				}
			}
		})
	}
}

type bf16Pool struct {
	args simd.PoolArgs
	x, y []uint16
	taps []simd.PoolTap

	argmax []uint8
}

func newBF16Pool(t testing.TB, seed uint64, pixels, taps int) *bf16Pool {
	r := rand.New(rand.NewPCG(seed, uint64(taps)))
	p := &bf16Pool{args: simd.PoolArgs{Count: taps, Pixels: pixels, XPixel: halfPixel * (1 + r.IntN(3)), Scale: 0.25}}
	for i, place := range r.Perm(taps) {
		p.taps = append(p.taps, simd.PoolTap{Offset: place * halfPixel, Index: 3 * i})
	}
	whole := func() uint16 { return simd.RoundBF16(float32(r.IntN(9) - 4)) }
	p.x = halves(t, (max(0, pixels-1)*p.args.XPixel+taps*halfPixel)/2, seed%2 == 0, whole)
	p.y = halves(t, pixels*simd.Block, seed%2 == 0, whole)
	p.argmax = make([]uint8, pixels*simd.Block)
	p.args.X, p.args.Y, p.args.Taps = unsafe.Pointer(&p.x[0]), unsafe.Pointer(unsafe.SliceData(p.y)), &p.taps[0]
	p.args.Argmax = unsafe.Pointer(unsafe.SliceData(p.argmax))
	return p
}

// rows makes the taps rows of three neighbours, of windows one pixel apart; the
// last window ends where memory does.
func (p *bf16Pool) rows(t testing.TB) {
	r := rand.New(rand.NewPCG(uint64(len(p.taps)), 1))
	last := len(p.taps)/3 - 1
	p.args.XPixel = halfPixel
	for i := range p.taps {
		p.taps[i].Offset = ((last-i/3)*5 + i%3) * halfPixel
	}
	p.x = halves(t, (max(0, p.args.Pixels-1)+last*5+3)*simd.Block, true, func() uint16 {
		return simd.RoundBF16(float32(r.IntN(9) - 4))
	})
	p.args.X = unsafe.Pointer(&p.x[0])
}

func (p *bf16Pool) reference(name string, at int) float64 {
	sum, largest := 0.0, math.Inf(-1)
	for _, tap := range p.taps {
		v := value(p.x[(tap.Offset+at/simd.Block*p.args.XPixel)/2+at%simd.Block])
		sum, largest = sum+v, max(largest, v)
	}
	if name[:3] != "sum" {
		return largest
	}
	return sum / 4
}

// positive makes all values positive.
func (p *bf16Pool) positive() {
	for i := range p.x {
		p.x[i] &= 0x7fff
	}
}

// TestBF16PoolMaxPositiveRefuses what has another order: a negative value, a
// negative zero, a NaN, at any tap, pixel and channel.
func TestBF16PoolMaxPositiveRefuses(t *testing.T) {
	simdtest.Each(t, func(t *testing.T, s *simd.ISA) {
		for at := range 9 * simd.Block {
			for _, odd := range []uint16{0xbf80, 0x8000, 0xff80, 0x7fc0, 0x7f81} {
				p := newBF16Pool(t, 3, 5, 9)
				p.positive()
				p.x[0] = 0x7f80
				s.BF16.PoolMaxPositive(&p.args)
				if p.args.Negative != 0 {
					t.Fatal("refuses infinity")
				}
				p.x[at+at%5*p.args.XPixel/2] = odd
				s.BF16.PoolMaxPositive(&p.args)
				if p.args.Negative == 0 {
					t.Fatalf("takes %x at %d", odd, at)
				}
			}
		}
	})
}

// firstMaximum returns the index of the first tap with value y.
func (p *bf16Pool) firstMaximum(at int, y uint16) uint8 {
	i := slices.IndexFunc(p.taps, func(tap simd.PoolTap) bool {
		return value(p.x[(tap.Offset+at/simd.Block*p.args.XPixel)/2+at%simd.Block]) == value(y)
	})
	return uint8(p.taps[i].Index)
}

// TestBF16MaximumsGradient compares with the twin and with adding one value after
// another.
func TestBF16MaximumsGradient(t *testing.T) {
	simdtest.Each(t, func(t *testing.T, s *simd.ISA) {
		for pixels := range 10 {
			for _, taps := range []int{1, 2, 9} {
				for seed := range uint64(4) {
					pool := func() *poolCase { return newPoolCase(t, seed, pixels, taps) }
					got, want, plain := pool(), pool(), pool()
					half := halves(t, pixels*simd.Block, seed%2 == 0, ordinary(rand.New(rand.NewPCG(seed, 1))))
					got.args.Y, want.args.Y = unsafe.Pointer(unsafe.SliceData(half)), unsafe.Pointer(unsafe.SliceData(half))
					for i, v := range half {
						plain.y[i] = simd.Float32(v)
					}
					s.BF16.PoolMaxBack(&got.args)
					simd.Generic.BF16.PoolMaxBack(&want.args)
					simd.Generic.PoolMaxBack(&plain.args)
					if !slices.Equal(got.x, want.x) || !slices.Equal(got.x, plain.x) {
						t.Fatalf("%d pixels, %d taps, seed %d: %v, wants %v", pixels, taps, seed, got.x, plain.x)
					}
				}
			}
		}
	})
}
