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

// staleFloats puts NaN into memory that earlier calls have given back.
func staleFloats() {
	floatPool.Lock()
	defer floatPool.Unlock()
	for _, b := range floatPool.free {
		for i := range b[:cap(b)] {
			b[:cap(b)][i] = float32(math.NaN())
		}
	}
}

// winogradCases are 3x3 convolutions that cover every path through the driver.
func winogradCases(r *rand.Rand, random int) []convCase {
	conv := func(c, k, pad int) Conv { return Conv{c, k, Window{3, 3, 1, 1, pad, pad, 0, 0}} }
	cases := []convCase{
		{conv(32, 64, 1), 2, 9, 11, true},   // partial tiles at the right and below
		{conv(48, 112, 0), 3, 10, 6, true},  // one column of tiles; groups of output blocks
		{conv(16, 16, 1), 1, 1, 1, false},   // one pixel
		{conv(16, 16, 3), 1, 3, 2, false},   // rows of padding only
		{conv(160, 16, 1), 5, 17, 13, true}, // many pieces
		{conv(16, 48, 0), 1, 40, 35, false}, // runs of whole windows
	}
	for range random {
		c := convCase{
			conv(Block*(1+r.IntN(6)), Block*(1+r.IntN(7)), r.IntN(4)),
			1 + r.IntN(4), 1 + r.IntN(24), 1 + r.IntN(24), r.IntN(2) == 0,
		}
		c.PadW, c.MoreH, c.MoreW = r.IntN(4), r.IntN(2), r.IntN(2)
		if oh, ow := c.Out(c.h, c.w); oh > 0 && ow > 0 && c.h+2*c.PadH >= 3 && c.w+2*c.PadW >= 3 && c.n*c.C*c.K*oh*ow < 1e6 {
			cases = append(cases, c)
		}
	}
	return cases
}

func TestWinogradIsTheConvolution(t *testing.T) {
	random := 25
	if long {
		random = 1000
	}
	cases := winogradCases(rand.New(rand.NewPCG(11, 12)), random)
	eachISA(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(13, 14))
		for _, c := range cases {
			t.Run(c.String(), func(t *testing.T) {
				testWinograd(t, r, c)
				testWinogradBF16(t, r, c)
			})
		}
	})
}

func testWinograd(t *testing.T, r *rand.Rand, c convCase) {
	oh, ow := c.Out(c.h, c.w)
	x := newViewMap(r, c.n, c.C, c.h, c.w, c.view, true)
	y := newViewMap(r, c.n, c.K, oh, ow, c.view, false)
	oihw, bias := randomGuarded(r, c.K*c.C*9), randomGuarded(r, c.K)
	w, u := newGuarded(c.WeightLen()), newGuarded(c.WinogradLen())
	PackOIHW(w.data, oihw.data, c.K, c.C, 3, 3)
	c.WinogradWeights(u.data, w.data)
	relu := r.IntN(2) == 0

	want := c.wantForward(x.values(), oihw.data, bias.data, relu)
	staleFloats()
	c.ForwardWinograd(y.Map, x.Map, u.data, bias.data, relu)
	near(t, "ForwardWinograd", y.values(), want, 16*c.C*9)
	for _, m := range []viewMap{x, y} {
		m.check(t, "maps")
	}
	for _, g := range []guarded{w, u, bias} {
		g.check(t, "slices")
	}
}

// wantForward returns the convolution of x with a bias, in float64.
func (c convCase) wantForward(x, oihw, bias []float32, relu bool) []float64 {
	oh, ow := c.Out(c.h, c.w)
	want := make([]float64, c.n*c.K*oh*ow)
	c.reference(c.n, c.h, c.w, func(y, at, weight int) { want[y] += float64(x[at]) * float64(oihw[weight]) })
	for i := range want {
		want[i] += float64(bias[i/(oh*ow)%c.K])
		if relu {
			want[i] = max(0, want[i])
		}
	}
	return want
}

// wantBackward returns the gradient of the input, in float64.
func (c convCase) wantBackward(dy, oihw []float32) []float64 {
	want := make([]float64, c.n*c.C*c.h*c.w)
	c.reference(c.n, c.h, c.w, func(y, x, weight int) { want[x] += float64(dy[y]) * float64(oihw[weight]) })
	return want
}

func TestWinogradBackwardDataIsTheGradient(t *testing.T) {
	random := 25
	if long {
		random = 1000
	}
	cases := winogradCases(rand.New(rand.NewPCG(19, 20)), random)
	eachISA(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(21, 22))
		for _, c := range cases {
			if c.PadH < c.R && c.PadW < c.S {
				t.Run(c.String(), func(t *testing.T) {
					testWinogradBackward(t, r, c)
					testWinogradBackwardBF16(t, r, c)
				})
			}
		}
	})
}

// testWinogradBackward does not ask HasWinograd: small maps have the most edges.
func testWinogradBackward(t *testing.T, r *rand.Rand, c convCase) {
	oh, ow := c.Out(c.h, c.w)
	dy := newViewMap(r, c.n, c.K, oh, ow, c.view, true)
	dx := newViewMap(r, c.n, c.C, c.h, c.w, c.view, false)
	oihw, packed, transposed := randomGuarded(r, c.K*c.C*9), newGuarded(c.WeightLen()), newGuarded(c.WeightLen())
	PackOIHW(packed.data, oihw.data, c.K, c.C, 3, 3)
	transposeWeights(transposed.data, packed.data, c.K/Block, c.C/Block, 9)

	want := c.wantBackward(dy.values(), oihw.data)
	staleFloats()
	c.backwardWinograd(dx.Map, dy.Map, transposed.data)
	near(t, "backwardWinograd", dx.values(), want, 16*c.K*9)
	dx.check(t, "dx")
	dy.check(t, "dy")
	transposed.check(t, "weights")
}

// TestWinogradGradientIsTheGradientOfWeights, of few tiles and of several parts of them.
func TestWinogradGradientIsTheGradientOfWeights(t *testing.T) {
	random := 15
	if long {
		random = 500
	}
	cases := winogradCases(rand.New(rand.NewPCG(29, 30)), random)
	parts := convCase{Conv{96, 80, Window{3, 3, 1, 1, 1, 1, 0, 0}}, 2, 60, 60, false}
	eachISA(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(31, 32))
		for _, c := range cases {
			t.Run(c.String(), func(t *testing.T) {
				testWinogradGradient(t, r, c)
				testWinogradGradientBF16(t, r, c)
			})
		}
		if active.Name != "generic" {
			t.Run(parts.String(), func(t *testing.T) {
				testWinogradGradient(t, r, parts)
				testWinogradGradientBF16(t, r, parts)
			})
		}
	})
}

func testWinogradGradient(t *testing.T, r *rand.Rand, c convCase) {
	oh, ow := c.Out(c.h, c.w)
	x := newViewMap(r, c.n, c.C, c.h, c.w, c.view, true)
	dy := newViewMap(r, c.n, c.K, oh, ow, c.view, true)
	dw, got := newGuarded(c.WeightLen()), make([]float32, c.K*c.C*9)
	want, xs, dys := make([]float64, len(got)), x.values(), dy.values()
	c.reference(c.n, c.h, c.w, func(y, x, weight int) { want[weight] += float64(xs[x]) * float64(dys[y]) })

	staleFloats()
	c.winogradGradient(dw.data, x.Map, dy.Map)
	UnpackOIHW(got, dw.data, c.K, c.C, 3, 3)
	near(t, "winogradGradient", got, want, 16*c.n*oh*ow)
	x.check(t, "x")
	dy.check(t, "dy")
	dw.check(t, "gradient")
}

func testWinogradGradientBF16(t *testing.T, r *rand.Rand, c convCase) {
	oh, ow := c.Out(c.h, c.w)
	x := newViewBF16(r, c.n, c.C, c.h, c.w, c.view, true)
	dy := newViewBF16(r, c.n, c.K, oh, ow, c.view, true)
	dw, got := newGuarded(c.WeightLen()), make([]float32, c.K*c.C*9)
	want, xs, dys := make([]float64, len(got)), x.floats(), dy.floats()
	c.reference(c.n, c.h, c.w, func(y, x, weight int) { want[weight] += float64(xs[x]) * float64(dys[y]) })

	staleFloats()
	c.winogradGradientBF16(dw.data, x.MapBF16, dy.MapBF16)
	UnpackOIHW(got, dw.data, c.K, c.C, 3, 3)
	near(t, "winogradGradientBF16", got, want, 16*c.n*oh*ow)
	x.check(t, "x")
	dy.check(t, "dy")
	dw.check(t, "gradient")
}

// nearWinogradBF16 is nearBF16 for sums of c*9 products of values between -1 and 1 by
// F(3x3, 3x3). Rounding is off by at most 2^-8/sqrt(3) of a value in the mean square. That
// of the points of windows and of weights, each multiplied by at most 3.59 by the matrices
// (at a tile's first place), and of the result add up to 0.0117 of a sum's size, which is
// sqrt(c*9)/3. Five times as much is not seen in all of these tests' values; a missing tap
// would change each by 28 times.
func nearWinogradBF16(t *testing.T, what string, got []float32, want []float64, c int) {
	t.Helper()
	off, most := 0.0, 0.0117*math.Sqrt(float64(c))
	for i, v := range got {
		d := math.Abs(float64(v) - want[i])
		if !(d <= 5*most) {
			t.Fatalf("%s: value %d is %g, want %g", what, i, v, want[i])
		}
		off += d * d
	}
	if off = math.Sqrt(off / float64(len(got))); !(off <= most) {
		t.Errorf("%s: values are off by %.3g in the mean square, by more than rounding is", what, off)
	}
}

func testWinogradBF16(t *testing.T, r *rand.Rand, c convCase) {
	oh, ow := c.Out(c.h, c.w)
	x := newViewBF16(r, c.n, c.C, c.h, c.w, c.view, true)
	y := newViewBF16(r, c.n, c.K, oh, ow, c.view, false)
	oihw, bias := randomGuarded(r, c.K*c.C*9), randomGuarded(r, c.K)
	w, u := newGuarded(c.WeightLen()), newGuarded(c.WinogradBF16Len()/2)
	PackOIHW(w.data, oihw.data, c.K, c.C, 3, 3)
	c.WinogradWeightsBF16(BF16s(u.data), w.data)
	relu := r.IntN(2) == 0

	want := c.wantForward(x.floats(), oihw.data, bias.data, relu)
	staleFloats()
	c.ForwardWinogradBF16(y.MapBF16, x.MapBF16, BF16s(u.data), bias.data, relu)
	nearWinogradBF16(t, "ForwardWinogradBF16", y.floats(), want, c.C)
	x.check(t, "x")
	y.check(t, "y")
	for _, g := range []guarded{w, u, bias} {
		g.check(t, "slices")
	}
}

func testWinogradBackwardBF16(t *testing.T, r *rand.Rand, c convCase) {
	oh, ow := c.Out(c.h, c.w)
	dy := newViewBF16(r, c.n, c.K, oh, ow, c.view, true)
	dx := newViewBF16(r, c.n, c.C, c.h, c.w, c.view, false)
	oihw, packed, transposed := randomGuarded(r, c.K*c.C*9), newGuarded(c.WeightLen()), newGuarded(c.WeightLen())
	PackOIHW(packed.data, oihw.data, c.K, c.C, 3, 3)
	transposeWeights(transposed.data, packed.data, c.K/Block, c.C/Block, 9)

	want := c.wantBackward(dy.floats(), oihw.data)
	staleFloats()
	c.backwardWinogradBF16(dx.MapBF16, dy.MapBF16, transposed.data)
	nearWinogradBF16(t, "backwardWinogradBF16", dx.floats(), want, c.K)
	dx.check(t, "dx")
	dy.check(t, "dy")
	transposed.check(t, "weights")
}

func TestWinogradKeepsNaN(t *testing.T) {
	eachISA(t, func(t *testing.T) {
		c := Conv{16, 16, Window{3, 3, 1, 1, 1, 1, 0, 0}}
		x, y := newMap(1, 16, 8, 8), newMap(1, 16, 8, 8)
		x.Data[0] = float32(math.NaN())
		c.ForwardWinograd(y, x, make([]float32, c.WinogradLen()), make([]float32, 16), true)
		if !math.IsNaN(float64(y.Data[0])) {
			t.Errorf("a NaN became %g", y.Data[0])
		}
		dw := make([]float32, c.WeightLen())
		c.winogradGradient(dw, x, newMap(1, 16, 8, 8))
		if !math.IsNaN(float64(dw[0])) {
			t.Errorf("a NaN became %g in the gradient of weights", dw[0])
		}
		half, result := MapOf(make([]BF16, len(x.Data)), 1, 16, 8, 8), MapOf(make([]BF16, len(x.Data)), 1, 16, 8, 8)
		RoundMap(half, x)
		c.ForwardWinogradBF16(result, half, make([]BF16, c.WinogradBF16Len()), make([]float32, 16), true)
		if v := simd.Float32(result.Data[0]); !math.IsNaN(float64(v)) {
			t.Errorf("a NaN in bf16 became %g", v)
		}
	})
}

func TestWinogradThreads(t *testing.T) {
	defer parallel.SetThreads(parallel.Threads())
	eachISA(t, func(t *testing.T) {
		cases := winogradCases(nil, 0)
		if active.Name != "generic" { // which would take long for many parts of the gradient
			cases = append(cases, convCase{Conv{32, 32, Window{3, 3, 1, 1, 1, 1, 0, 0}}, 8, 40, 40, false})
		}
		for _, c := range cases {
			parallel.SetThreads(1)
			want := c.winograd()
			for threads := 2; threads <= 3; threads++ {
				parallel.SetThreads(threads)
				if got := c.winograd(); !slices.Equal(got, want) {
					t.Errorf("%v: %d threads give other bits than one", c, threads)
				}
			}
		}
	})
}

func (c convCase) winograd() []float32 {
	r := rand.New(rand.NewPCG(15, 16))
	oh, ow := c.Out(c.h, c.w)
	x := newViewMap(r, c.n, c.C, c.h, c.w, false, true)
	u, y := randomGuarded(r, c.WinogradLen()).data, newMap(c.n, c.K, oh, ow)
	c.ForwardWinograd(y, x.Map, u, make([]float32, c.K), false)
	dw, dwBF16 := make([]float32, c.WeightLen()), make([]float32, c.WeightLen())
	c.winogradGradient(dw, x.Map, y)
	half, dy := MapOf(make([]BF16, len(x.Data)), c.n, c.C, c.h, c.w), MapOf(make([]BF16, len(y.Data)), c.n, c.K, oh, ow)
	RoundMap(half, x.Map)
	RoundMap(dy, y)
	c.winogradGradientBF16(dwBF16, half, dy)
	return slices.Concat(y.Data, dw, dwBF16)
}

func BenchmarkWinograd(b *testing.B) {
	for _, size := range []struct{ n, c, k, h, pad int }{
		{8, 32, 32, 149, 0}, {8, 32, 64, 147, 1}, {8, 80, 192, 73, 0},
		{8, 64, 96, 35, 1}, {8, 96, 96, 35, 1}, {8, 448, 384, 8, 1},
		{1, 32, 32, 149, 0}, {1, 32, 64, 147, 1}, {1, 80, 192, 73, 0},
		{1, 64, 96, 35, 1}, {1, 96, 96, 35, 1}, {1, 448, 384, 8, 1},
		{32, 448, 384, 8, 1}, {64, 32, 32, 12, 1}, {64, 96, 96, 5, 1},
	} {
		c := Conv{size.c, size.k, Window{3, 3, 1, 1, size.pad, size.pad, 0, 0}}
		oh, ow := c.Out(size.h, size.h)
		x, y := newMap(size.n, c.C, size.h, size.h), newMap(size.n, c.K, oh, ow)
		w, u, bias := make([]float32, c.WeightLen()), make([]float32, c.WinogradLen()), make([]float32, c.K)
		half, result := MapOf(make([]BF16, len(x.Data)), x.N, x.C, x.H, x.W), MapOf(make([]BF16, len(y.Data)), y.N, y.C, y.H, y.W)
		rounded := make([]BF16, c.BF16WeightLen())
		flops := 2 * float64(size.n*c.C*c.K*9*oh*ow)
		for name, run := range map[string]func(){
			"gradient direct":   func() { c.backwardWeights(inFloat32, w, x, y, false) },
			"gradient winograd": func() { c.winogradGradient(w, x, y) },

			"direct":   func() { c.ForwardBias(y, x, w, bias, true) },
			"winograd": func() { c.ForwardWinograd(y, x, u, bias, true) },

			"bf16 gradient direct":   func() { c.pairedWeights(w, half, result) },
			"bf16 gradient winograd": func() { c.winogradGradientBF16(w, half, result) },

			"bf16 direct":   func() { c.ForwardBF16(result, half, rounded, bias, true) },
			"bf16 winograd": func() { c.ForwardWinogradBF16(result, half, BF16s(u), bias, true) },
		} {
			b.Run(fmt.Sprintf("%dx%d-%dx%d/%s", size.n, c.C, c.K, size.h, name), func(b *testing.B) {
				for b.Loop() {
					run()
				}
				b.ReportMetric(flops*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
			})
		}
	}
}
