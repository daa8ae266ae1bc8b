package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/inception-go/inception/internal/kernel/simd"
	"github.com/inception-go/inception/internal/kernel/simd/simdtest"
	"github.com/inception-go/inception/internal/parallel"
)

// eachISA runs a test with each implementation that this machine can run.
func eachISA(t *testing.T, test func(t *testing.T)) {
	defer func(before *simd.ISA) { active = before }(active)
	simdtest.Each(t, func(t *testing.T, s *simd.ISA) {
		active = s
		test(t)
	})
}

// long is set for the tests that take minutes.
var long = os.Getenv("INCEPTION_LONG") != ""

const canary = -12345.5

// guarded is a slice between canaries.
type guarded struct{ all, data []float32 }

const guardFloats = 64

func newGuarded(n int) guarded {
	all := make([]float32, n+2*guardFloats)
	for i := range all {
		all[i] = canary
	}
	return guarded{all, all[guardFloats : guardFloats+n : guardFloats+n]}
}

// randomGuarded holds small random values.
func randomGuarded(r *rand.Rand, n int) guarded {
	g := newGuarded(n)
	for i := range g.data {
		g.data[i] = r.Float32()*2 - 1
	}
	return g
}

func (g guarded) check(t *testing.T, what string) {
	t.Helper()
	for i, v := range g.all {
		if v != canary && (i < guardFloats || i >= len(g.all)-guardFloats) {
			t.Fatalf("%s: wrote %g at %d of %d", what, v, i-guardFloats, len(g.data))
		}
	}
}

// viewMap is a Map of c channels in guarded memory, with other channels
// before and after it if view is set.
type viewMap struct {
	Map
	memory    guarded
	from, all int
}

func newViewMap(r *rand.Rand, n, c, h, w int, view, fill bool) viewMap {
	v := viewMap{all: c}
	if view {
		v.from = Block * r.IntN(3)
		v.all = v.from + c + Block*r.IntN(3)
	}
	v.memory = newGuarded(n * v.all * h * w)
	v.Map = MapOf(v.memory.data, n, v.all, h, w).Channels(v.from, c)
	for n := range n {
		for cb := range c / Block {
			plane := v.Plane(n, cb)
			for i := range plane {
				plane[i] = float32(math.NaN())
				if fill {
					plane[i] = r.Float32()*2 - 1
				}
			}
		}
	}
	return v
}

// check fails if something outside the view was written.
func (v viewMap) check(t *testing.T, what string) {
	t.Helper()
	v.memory.check(t, what)
	whole := MapOf(v.memory.data, v.N, v.all, v.H, v.W)
	for n := range v.N {
		for cb := range v.all / Block {
			if cb >= v.from/Block && cb < (v.from+v.C)/Block {
				continue
			}
			for _, x := range whole.Plane(n, cb) {
				if x != canary {
					t.Fatalf("%s: wrote outside its channels", what)
				}
			}
		}
	}
}

// newMap returns a dense Map of zeros.
func newMap(n, c, h, w int) Map { return MapOf(make([]float32, n*c*h*w), n, c, h, w) }

func (m Activation[E]) at(n, c, h, w int) *E {
	return &m.Plane(n, c/Block)[(h*m.W+w)*Block+c%Block]
}

// values returns m in NCHW order.
func (m Activation[E]) values() []E {
	var all []E
	for n := range m.N {
		for c := range m.C {
			for h := range m.H {
				for w := range m.W {
					all = append(all, *m.at(n, c, h, w))
				}
			}
		}
	}
	return all
}

// reference is a convolution in float64, one multiplication at a time. It
// calls visit for every (output, input, weight) of a product.
func (c Conv) reference(n, h, w int, visit func(y, x, weight int)) {
	oh, ow := c.Out(h, w)
	for n := range n {
		for k := range c.K {
			for i := range oh {
				for j := range ow {
					y := ((n*c.K+k)*oh+i)*ow + j
					for ch := range c.C {
						for r := range c.R {
							for s := range c.S {
								ih, iw := i*c.StrideH+r-c.PadH, j*c.StrideW+s-c.PadW
								if ih < 0 || ih >= h || iw < 0 || iw >= w {
									continue
								}
								visit(y, ((n*c.C+ch)*h+ih)*w+iw, ((k*c.C+ch)*c.R+r)*c.S+s)
							}
						}
					}
				}
			}
		}
	}
}

// near fails unless got equals want, up to the rounding of sums of terms values.
func near(t *testing.T, what string, got []float32, want []float64, terms int) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d values, want %d", what, len(got), len(want))
	}
	tolerance := 2e-6 * math.Sqrt(float64(terms)+1) * 2
	for i, v := range got {
		if !(math.Abs(float64(v)-want[i]) <= tolerance*(1+math.Abs(want[i]))) {
			t.Fatalf("%s: value %d is %g, want %g", what, i, v, want[i])
		}
	}
}

// convCase is a convolution and its input's size.
type convCase struct {
	Conv
	n, h, w int
	view    bool
}

func (c convCase) String() string {
	return fmt.Sprintf("%dx%dx%dx%d-%dx%dx%d,s%dx%d,p%dx%d+%dx%d,view=%v", c.n, c.C, c.h, c.w, c.K, c.R, c.S,
		c.StrideH, c.StrideW, c.PadH, c.PadW, c.MoreH, c.MoreW, c.view)
}

func randomConv(r *rand.Rand) convCase {
	for {
		c := convCase{
			Conv: Conv{C: Block * (1 + r.IntN(4)), K: Block * (1 + r.IntN(7)), Window: Window{
				R: 1 + r.IntN(5), S: 1 + r.IntN(5), StrideH: 1 + r.IntN(3), StrideW: 1 + r.IntN(3),
				PadH: r.IntN(4), PadW: r.IntN(4), MoreH: r.IntN(2), MoreW: r.IntN(2)}},
			n: 1 + r.IntN(3), h: 1 + r.IntN(19), w: 1 + r.IntN(19), view: r.IntN(2) == 0,
		}
		if r.IntN(3) == 0 {
			c.R, c.S, c.PadH, c.PadW, c.MoreH, c.MoreW = 1, 1, 0, 0, 0, 0
		}
		if r.IntN(2) == 0 {
			c.StrideH, c.StrideW = 1, 1
		}
		oh, ow := c.Out(c.h, c.w)
		macs := c.n * c.K * c.C * c.R * c.S * oh * ow
		if c.h+2*c.PadH >= c.R && c.w+2*c.PadW >= c.S && macs < 4e6 {
			return c
		}
	}
}

// convCases are shapes that cover every path through the drivers.
func convCases() []convCase {
	conv := func(k, c, r, s, stride, padH, padW int) Conv {
		return Conv{c, k, Window{r, s, stride, stride, padH, padW, 0, 0}}
	}
	return []convCase{
		{conv(64, 32, 1, 1, 1, 0, 0), 2, 9, 7, true},      // planes joined
		{conv(48, 32, 1, 7, 1, 0, 3), 1, 17, 17, true},    // tiles along columns
		{conv(48, 32, 7, 1, 1, 3, 0), 1, 17, 17, false},   // and along rows
		{conv(96, 48, 3, 3, 1, 1, 1), 2, 8, 8, true},      // padding both ways
		{conv(32, 16, 3, 3, 2, 0, 0), 1, 35, 35, false},   // phases
		{conv(32, 16, 5, 5, 1, 0, 0), 3, 5, 5, true},      // one output pixel
		{conv(112, 80, 1, 1, 1, 0, 0), 5, 1, 1, false},    // fully connected
		{conv(32, 32, 3, 3, 1, 4, 4), 1, 3, 4, false},     // rows of padding only
		{conv(16, 16, 1, 1, 3, 0, 0), 2, 10, 10, true},    // phases without taps
		{conv(16, 16, 5, 5, 1, 2, 2), 1, 2, 1, false},     // wider than the image
		{conv(16, 16, 7, 7, 1, 3, 3), 1, 2, 3, true},      // likewise
		{conv(80, 64, 1, 1, 1, 0, 0), 1, 73, 11, false},   // groups of 3 and 2
		{conv(16, 512, 3, 3, 1, 1, 1), 1, 4, 4, false},    // the reduction is split
		{conv(16, 16, 5, 5, 1, 0, 0), 2, 50, 50, false},   // weight gradients in parts
		{conv(32, 32, 3, 3, 1, 1, 1), 4, 8, 8, true},      // weight gradients by Winograd in both precisions
		{conv(16, 16, 1, 1, 1, 0, 0), 1, 100, 100, false}, // likewise, in segments
	}
}

func TestConvolutionsAreThoseOfTheReference(t *testing.T) {
	cases, r := convCases(), rand.New(rand.NewPCG(1, 2))
	count := 25
	if long {
		count = 1000
	}
	for range count {
		cases = append(cases, randomConv(r))
	}
	eachISA(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(3, 4))
		for _, c := range cases {
			t.Run(c.String(), func(t *testing.T) { testConv(t, r, c) })
		}
	})
}

// testConv compares the three products and the folded form with the reference.
func testConv(t *testing.T, r *rand.Rand, c convCase) {
	oh, ow := c.Out(c.h, c.w)
	x := newViewMap(r, c.n, c.C, c.h, c.w, c.view, true)
	dy := newViewMap(r, c.n, c.K, oh, ow, c.view, true)
	y := newViewMap(r, c.n, c.K, oh, ow, c.view, false)
	dx := newViewMap(r, c.n, c.C, c.h, c.w, c.view, false)
	oihw := randomGuarded(r, c.K*c.C*c.R*c.S)
	w, dw := newGuarded(c.WeightLen()), newGuarded(c.WeightLen())
	bias := randomGuarded(r, c.K)
	PackOIHW(w.data, oihw.data, c.K, c.C, c.R, c.S)

	wantY := make([]float64, c.n*c.K*oh*ow)
	wantDX := make([]float64, c.n*c.C*c.h*c.w)
	wantDW := make([]float64, len(oihw.data))
	xs, dys := x.values(), dy.values()
	c.reference(c.n, c.h, c.w, func(y, x, weight int) {
		wantY[y] += float64(xs[x]) * float64(oihw.data[weight])
		wantDX[x] += float64(dys[y]) * float64(oihw.data[weight])
		wantDW[weight] += float64(xs[x]) * float64(dys[y])
	})

	c.Forward(y.Map, x.Map, w.data)
	near(t, "Forward", y.values(), wantY, c.C*c.R*c.S)
	c.BackwardData(dx.Map, dy.Map, w.data)
	near(t, "BackwardData", dx.values(), wantDX, c.K*c.R*c.S)
	c.BackwardWeights(dw.data, x.Map, dy.Map)
	got := make([]float32, len(oihw.data))
	UnpackOIHW(got, dw.data, c.K, c.C, c.R, c.S)
	near(t, "BackwardWeights", got, wantDW, c.n*oh*ow)

	c.ForwardBias(y.Map, x.Map, w.data, bias.data, true)
	for i := range wantY {
		wantY[i] = max(0, wantY[i]+float64(bias.data[i/(oh*ow)%c.K]))
	}
	near(t, "ForwardBias", y.values(), wantY, c.C*c.R*c.S)

	for _, m := range []viewMap{x, dy, y, dx} {
		m.check(t, "maps")
	}
	for _, g := range []guarded{w, dw, bias, oihw} {
		g.check(t, "slices")
	}
}

// TestConvThreads: one thread and several give the same bits.
func TestConvThreads(t *testing.T) {
	defer parallel.SetThreads(parallel.Threads())
	cases := append(convCases(), convCase{Conv{64, 96, Window{3, 3, 1, 1, 1, 1, 0, 0}}, 2, 35, 35, false})
	eachISA(t, func(t *testing.T) {
		for _, c := range cases {
			parallel.SetThreads(1)
			want := c.results()
			for threads := 2; threads <= 3; threads++ {
				parallel.SetThreads(threads)
				if got := c.results(); !slices.Equal(got, want) {
					t.Errorf("%v: %d threads give other bits than one", c, threads)
				}
			}
		}
	})
}

// results returns all numbers that a case computes.
func (c convCase) results() []float32 {
	r := rand.New(rand.NewPCG(5, 6))
	oh, ow := c.Out(c.h, c.w)
	x := newViewMap(r, c.n, c.C, c.h, c.w, false, true)
	dy := newViewMap(r, c.n, c.K, oh, ow, false, true)
	w := randomGuarded(r, c.WeightLen()).data
	y, dx, dw := newMap(c.n, c.K, oh, ow), newMap(c.n, c.C, c.h, c.w), make([]float32, len(w))
	c.Forward(y, x.Map, w)
	c.BackwardData(dx, dy.Map, w)
	c.BackwardWeights(dw, x.Map, dy.Map)
	return slices.Concat(y.Data, dx.Data, dw)
}

// TestConvConcurrent: callers on different goroutines do not disturb each other.
func TestConvConcurrent(t *testing.T) {
	c := convCase{Conv{32, 48, Window{3, 3, 1, 1, 1, 1, 0, 0}}, 1, 17, 17, false}
	want := c.results()
	for range 4 {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			if got := c.results(); !slices.Equal(got, want) {
				t.Error("a concurrent call gave other bits")
			}
		})
	}
}

func TestConvRefusesWrongShapes(t *testing.T) {
	c := Conv{16, 32, Window{3, 3, 1, 1, 1, 1, 0, 0}}
	x, y, w := newMap(1, 16, 5, 5), newMap(1, 32, 5, 5), make([]float32, c.WeightLen())
	for name, call := range map[string]func(){
		"weights": func() { c.Forward(y, x, w[1:]) },
		"output":  func() { c.Forward(newMap(1, 32, 5, 4), x, w) },
		"memory":  func() { x := x; x.Data = x.Data[1:]; c.Forward(y, x, w) },
		"bias":    func() { c.ForwardBias(y, x, w, make([]float32, 31), false) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("wrong %s passed", name)
				}
			}()
			call()
		}()
	}
}
