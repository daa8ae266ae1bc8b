package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/inception-go/inception/internal/kernel/simd"
	"github.com/inception-go/inception/internal/parallel"
)

// bf16Canary stands where nothing may be written.
const bf16Canary BF16 = 0xc641

// viewBF16 is a viewMap in bf16.
type viewBF16 struct {
	MapBF16
	memory    []BF16
	from, all int
}

func newViewBF16(r *rand.Rand, n, c, h, w int, view, fill bool) viewBF16 {
	v := viewBF16{all: c}
	if view {
		v.from = Block * r.IntN(3)
		v.all = v.from + c + Block*r.IntN(3)
	}
	v.memory = slices.Repeat([]BF16{bf16Canary}, n*v.all*h*w+2*guardFloats)
	v.MapBF16 = MapOf(v.memory[guardFloats:len(v.memory)-guardFloats], n, v.all, h, w).Channels(v.from, c)
	for n := range n {
		for cb := range c / Block {
			for i := range v.Plane(n, cb) {
				v.Plane(n, cb)[i] = simd.RoundBF16(float32(math.NaN()))
				if fill {
					v.Plane(n, cb)[i] = simd.RoundBF16(r.Float32()*2 - 1)
				}
			}
		}
	}
	return v
}

// floats returns the values in NCHW order.
func (v viewBF16) floats() []float32 {
	values := v.values()
	floats := make([]float32, len(values))
	Widen(floats, values)
	return floats
}

func (v viewBF16) check(t *testing.T, what string) {
	t.Helper()
	outside := len(v.memory) - v.N*v.C*v.H*v.W
	for _, x := range v.memory {
		if x == bf16Canary {
			outside--
		}
	}
	if outside > 0 {
		t.Fatalf("%s: wrote outside its channels", what)
	}
}

// nearBF16 is near for results that are rounded to bf16, half a unit of eight bits
// away; 0x1p-9 of a value of the largest magnitude of an exponent, 0x1p-8 of the
// least.
func nearBF16(t *testing.T, what string, got []float32, want []float64, terms int) {
	t.Helper()
	for i, v := range got {
		if !(math.Abs(float64(v)-want[i]) <= 4e-6*math.Sqrt(float64(terms)+1)*(1+math.Abs(want[i]))+0x1p-8*math.Abs(want[i])) {
			t.Fatalf("%s: value %d is %g, want %g", what, i, v, want[i])
		}
	}
}

func TestConvBF16(t *testing.T) {
	cases, r := convCases(), rand.New(rand.NewPCG(1, 2))
	cases = append(cases, convCase{Conv{C: 1024, K: 48, Window: Square(3, 1, 1)}, 1, 5, 6, true}) // the reduction is split
	count := 15
	if long {
		count = 300
	}
	for range count {
		cases = append(cases, randomConv(r))
	}
	eachISA(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(3, 4))
		for _, c := range cases {
			t.Run(c.String(), func(t *testing.T) { testConvBF16(t, r, c) })
		}
	})
}

// testConvBF16 compares with the reference on the rounded operands.
func testConvBF16(t *testing.T, r *rand.Rand, c convCase) {
	oh, ow := c.Out(c.h, c.w)
	x := newViewBF16(r, c.n, c.C, c.h, c.w, c.view, true)
	y := newViewBF16(r, c.n, c.K, oh, ow, c.view, false)
	oihw, bias := randomGuarded(r, c.K*c.C*c.R*c.S).data, randomGuarded(r, c.K).data
	for i, v := range oihw {
		oihw[i] = widen(simd.RoundBF16(v))
	}
	packed, w := make([]float32, c.WeightLen()), make([]BF16, c.WeightLen())
	PackOIHW(packed, oihw, c.K, c.C, c.R, c.S)
	RoundWeights(w, packed)

	want, xs := make([]float64, c.n*c.K*oh*ow), x.floats()
	c.reference(c.n, c.h, c.w, func(y, x, weight int) { want[y] += float64(xs[x]) * float64(oihw[weight]) })
	for i := range want {
		want[i] += float64(bias[i/(oh*ow)%c.K])
	}
	c.ForwardBF16(y.MapBF16, x.MapBF16, w, bias, false)
	nearBF16(t, "without ReLU", y.floats(), want, c.C*c.R*c.S)
	for i := range want {
		want[i] = max(0, want[i])
	}
	c.ForwardBF16(y.MapBF16, x.MapBF16, w, bias, true)
	nearBF16(t, "ForwardBF16", y.floats(), want, c.C*c.R*c.S)
	x.check(t, "x")
	y.check(t, "y")
}

// TestBF16GivesTheSameBits with one thread and several, and with every
// implementation.
func TestBF16GivesTheSameBits(t *testing.T) {
	defer parallel.SetThreads(parallel.Threads())
	var want []BF16
	eachISA(t, func(t *testing.T) {
		for threads := 1; threads <= 3; threads++ {
			parallel.SetThreads(threads)
			r := rand.New(rand.NewPCG(5, 6))
			var got []BF16
			for _, c := range convCases() {
				oh, ow := c.Out(c.h, c.w)
				x, y := newViewBF16(r, c.n, c.C, c.h, c.w, false, true), newViewBF16(r, c.n, c.K, oh, ow, false, false)
				w := make([]BF16, c.WeightLen())
				RoundWeights(w, randomGuarded(r, len(w)).data)
				c.ForwardBF16(y.MapBF16, x.MapBF16, w, make([]float32, c.K), false)
				got = append(got, y.Data...)
			}
			if want == nil {
				want = got
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s with %d threads gives other bits", ISA(), threads)
			}
		}
	})
}

func TestImageConvBF16(t *testing.T) {
	eachISA(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(1, 2))
		for _, c := range []ImageConv{{32, Square(3, 2, 0)}, {64, Square(7, 2, 3)}, {48, Square(3, 1, 1)}} {
			const n, h, w = 2, 21, 29
			oh, ow := c.Out(h, w)
			images, oihw, bias := randomGuarded(r, n*imageChannels*h*w).data, randomGuarded(r, c.K*imageChannels*c.R*c.S).data, randomGuarded(r, c.K).data
			packed, weights := make([]float32, c.WeightLen()), make([]BF16, c.WeightLen())
			PackImageWeights(packed, oihw, c.K, c.R, c.S)
			RoundWeights(weights, packed)
			y := newViewBF16(r, n, c.K, oh, ow, true, false)
			c.ForwardBF16(y.MapBF16, images, n, h, w, weights, bias, true)
			want := make([]float64, n*c.K*oh*ow)
			Conv{imageChannels, c.K, c.Window}.reference(n, h, w, func(y, x, weight int) {
				want[y] += float64(widen(simd.RoundBF16(images[x]))) * float64(widen(simd.RoundBF16(oihw[weight])))
			})
			for i := range want {
				want[i] = max(0, want[i]+float64(bias[i/(oh*ow)%c.K]))
			}
			nearBF16(t, fmt.Sprintf("%+v", c), y.floats(), want, c.Rows())
			y.check(t, "y")
		}
	})
}

func TestPoolBF16(t *testing.T) {
	eachISA(t, func(t *testing.T) {
		for _, p := range poolCases() {
			for _, size := range [][2]int{{5, 5}, {6, 9}, {17, 8}} {
				r := rand.New(rand.NewPCG(uint64(size[0]), 1))
				oh, ow := p.Out(size[0], size[1])
				x, y := newViewBF16(r, 2, 32, size[0], size[1], true, true), newViewBF16(r, 2, 32, oh, ow, true, false)
				wide := newMap(2, 32, size[0], size[1])
				for n := range 2 {
					for block := range 2 {
						Widen(wide.Plane(n, block), x.Plane(n, block))
					}
				}
				dy := newMap(2, 32, oh, ow)
				p.MaxForwardBF16(y.MapBF16, x.MapBF16)
				got := y.floats()
				for i, v := range p.reference(wide, dy, true).y {
					if float64(got[i]) != v {
						t.Fatalf("%+v: maximum %d is %v, want %v", p, i, got[i], v)
					}
				}
				p.AvgForwardBF16(y.MapBF16, x.MapBF16)
				nearBF16(t, fmt.Sprintf("average of %+v", p), y.floats(), p.reference(wide, dy, false).y, 9)
				x.check(t, "x")
				y.check(t, "y")
				mean, wanted := newMap(2, 32, 1, 1), newMap(2, 32, 1, 1)
				GlobalAvgForwardBF16(mean, x.MapBF16)
				GlobalAvgForward(wanted, wide)
				if !slices.Equal(mean.Data, wanted.Data) {
					t.Fatalf("means are %v, want %v", mean.Data, wanted.Data)
				}
			}
		}
	})
}
