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
		oihw[i] = simd.Float32(simd.RoundBF16(v))
	}
	packed, w := make([]float32, c.WeightLen()), make([]BF16, c.BF16WeightLen())
	PackOIHW(packed, oihw, c.K, c.C, c.R, c.S)
	c.RoundWeights(w, packed)

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
	c.testGradientsBF16(t, r, x, packed, oihw)
	x.check(t, "x")
	y.check(t, "y")
}

// testGradientsBF16 compares the passes of training with the reference.
func (c convCase) testGradientsBF16(t *testing.T, r *rand.Rand, x viewBF16, packed, oihw []float32) {
	oh, ow := c.Out(c.h, c.w)
	y, dy := newViewBF16(r, c.n, c.K, oh, ow, c.view, false), newViewBF16(r, c.n, c.K, oh, ow, c.view, true)
	dx, dw := newViewBF16(r, c.n, c.C, c.h, c.w, c.view, false), newGuarded(c.WeightLen())
	wantY, wantDX := make([]float64, c.n*c.K*oh*ow), make([]float64, c.n*c.C*c.h*c.w)
	wantDW, xs, dys := make([]float64, len(oihw)), x.floats(), dy.floats()
	c.reference(c.n, c.h, c.w, func(y, x, weight int) {
		wantY[y] += float64(xs[x]) * float64(oihw[weight])
		wantDX[x] += float64(dys[y]) * float64(oihw[weight])
		wantDW[weight] += float64(xs[x]) * float64(dys[y])
	})
	c.ForwardRounded(y.MapBF16, x.MapBF16, packed)
	nearBF16(t, "ForwardRounded", y.floats(), wantY, c.C*c.R*c.S)
	c.BackwardDataBF16(dx.MapBF16, dy.MapBF16, packed)
	if c.hasBackwardWinogradBF16(dx.MapBF16) {
		nearWinogradBF16(t, "BackwardDataBF16", dx.floats(), wantDX, c.K)
	} else {
		nearBF16(t, "BackwardDataBF16", dx.floats(), wantDX, c.K*c.R*c.S)
	}
	c.BackwardWeightsBF16(dw.data, x.MapBF16, dy.MapBF16)
	got := make([]float32, len(oihw))
	UnpackOIHW(got, dw.data, c.K, c.C, c.R, c.S)
	near(t, "BackwardWeightsBF16", got, wantDW, c.n*oh*ow)
	for _, v := range []viewBF16{x, y, dx, dy} {
		v.check(t, "maps")
	}
	dw.check(t, "dw")
}

// TestBF16GivesTheSameBits with one thread and several, and with every implementation
// as with its twin in plain Go.
func TestBF16GivesTheSameBits(t *testing.T) {
	defer parallel.SetThreads(parallel.Threads())
	wants := map[*simd.BF16][]BF16{}
	eachISA(t, func(t *testing.T) {
		tested, twin := active, *simd.Generic
		defer func() { active = tested }()
		twin.BF16 = active.BF16.Twin()
		want := wants[twin.BF16]
		for threads := range 4 {
			if threads == 0 { // the twin, once
				if want != nil {
					continue
				}
				active = &twin
			} else {
				active = tested
			}
			parallel.SetThreads(threads)
			r := rand.New(rand.NewPCG(5, 6))
			var got []BF16
			for _, c := range convCases() {
				oh, ow := c.Out(c.h, c.w)
				x, y := newViewBF16(r, c.n, c.C, c.h, c.w, false, true), newViewBF16(r, c.n, c.K, oh, ow, false, false)
				w := make([]BF16, c.BF16WeightLen())
				c.RoundWeights(w, randomGuarded(r, c.WeightLen()).data)
				c.ForwardBF16(y.MapBF16, x.MapBF16, w, make([]float32, c.K), false)
				got = append(got, y.Data...)
				if c.R == 3 && c.S == 3 && c.StrideH == 1 && c.StrideW == 1 {
					u := make([]BF16, c.WinogradBF16Len())
					c.WinogradWeightsBF16(u, randomGuarded(r, c.WeightLen()).data)
					c.ForwardWinogradBF16(y.MapBF16, x.MapBF16, u, make([]float32, c.K), false)
					got = append(got, y.Data...)
				}
				got = append(got, c.trainingBF16(r, x, y)...)
			}
			if want == nil {
				want, wants[twin.BF16] = got, got
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s with %d threads gives other bits", ISA(), threads)
			}
		}
	})
}

// trainingBF16 returns all that a case's passes of training compute, y being
// normalised between them.
func (c convCase) trainingBF16(r *rand.Rand, x, y viewBF16) (all []BF16) {
	packed, dw := randomGuarded(r, c.WeightLen()).data, make([]float32, c.WeightLen())
	dx := newViewBF16(r, c.n, c.C, c.h, c.w, false, false)
	mean, variance, dgamma, dbeta := make([]float32, c.K), make([]float32, c.K), make([]float32, c.K), make([]float32, c.K)
	norm := BatchNorm{Mean: mean, Variance: variance, Beta: make([]float32, c.K), Eps: normEps}
	c.ForwardRounded(y.MapBF16, x.MapBF16, packed)
	norm.MomentsBF16(y.MapBF16)
	z, dz := newViewBF16(r, y.N, y.C, y.H, y.W, false, false), newViewBF16(r, y.N, y.C, y.H, y.W, false, true)
	norm.ForwardBF16(z.MapBF16, y.MapBF16)
	norm.BackwardBF16(dz.MapBF16, dgamma, dbeta, dz.MapBF16, y.MapBF16, false)
	c.BackwardDataBF16(dx.MapBF16, dz.MapBF16, packed)
	if active.BF16.Pairs[1][1] != nil {
		c.BackwardWeightsBF16(dw, x.MapBF16, dz.MapBF16)
	} else { // Winograd's are float32's, whose bits are not the twin's
		c.pairedWeights(dw, x.MapBF16, dz.MapBF16)
	}
	for _, floats := range [][]float32{dw, mean, variance, dgamma, dbeta} {
		all = append(all, BF16s(floats)...)
	}
	return append(append(append(all, z.Data...), dz.Data...), dx.Data...)
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
				want[y] += float64(simd.Float32(simd.RoundBF16(images[x]))) * float64(simd.Float32(simd.RoundBF16(oihw[weight])))
			})
			for i := range want {
				want[i] = max(0, want[i]+float64(bias[i/(oh*ow)%c.K]))
			}
			nearBF16(t, fmt.Sprintf("%+v", c), y.floats(), want, c.Rows())
			y.check(t, "y")
			for n := 1; n <= 3; n++ {
				c.testGradientBF16(t, r, n)
			}
		}
	})
}

// testGradientBF16 compares the weight gradient of n images, an odd one among them
// without another, and the forward pass of training.
func (c ImageConv) testGradientBF16(t *testing.T, r *rand.Rand, n int) {
	const h, w = 13, 18
	oh, ow := c.Out(h, w)
	images, dw := randomGuarded(r, n*imageChannels*h*w).data, newGuarded(c.WeightLen())
	y, dy := newViewBF16(r, n, c.K, oh, ow, true, false), newViewBF16(r, n, c.K, oh, ow, true, true)
	oihw, packed := randomGuarded(r, c.K*imageChannels*c.R*c.S).data, make([]float32, c.WeightLen())
	PackImageWeights(packed, oihw, c.K, c.R, c.S)
	want, wantDW, dys := make([]float64, n*c.K*oh*ow), make([]float64, len(oihw)), dy.floats()
	Conv{imageChannels, c.K, c.Window}.reference(n, h, w, func(y, x, weight int) {
		image := float64(simd.Float32(simd.RoundBF16(images[x])))
		want[y] += image * float64(simd.Float32(simd.RoundBF16(oihw[weight])))
		wantDW[weight] += image * float64(dys[y])
	})
	c.ForwardRounded(y.MapBF16, images, n, h, w, packed)
	nearBF16(t, "ForwardRounded", y.floats(), want, c.Rows())
	c.BackwardWeightsBF16(dw.data, images, n, h, w, dy.MapBF16)
	got := make([]float32, len(oihw))
	UnpackImageWeights(got, dw.data, c.K, c.R, c.S)
	near(t, "BackwardWeightsBF16", got, wantDW, n*oh*ow)
	dw.check(t, "dw")
	y.check(t, "y")
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
				dyHalf := newViewBF16(r, 2, 32, oh, ow, true, true)
				dy := newMap(2, 32, oh, ow)
				WidenMap(dy, dyHalf.MapBF16)
				p.MaxForwardBF16(y.MapBF16, x.MapBF16, nil)
				got := y.floats()
				for i, v := range p.reference(wide, dy, true).y {
					if float64(got[i]) != v {
						t.Fatalf("%+v: maximum %d is %v, want %v", p, i, got[i], v)
					}
				}
				p.AvgForwardBF16(y.MapBF16, x.MapBF16)
				nearBF16(t, fmt.Sprintf("average of %+v", p), y.floats(), p.reference(wide, dy, false).y, 9)
				p.testGradientsBF16(t, x, dyHalf, p.reference(wide, dy, true), p.reference(wide, dy, false))
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

// testGradientsBF16 compares the gradients of both pools.
func (p Pool) testGradientsBF16(t *testing.T, x, dy viewBF16, maximum, average poolWant) {
	y := newViewBF16(rand.New(rand.NewPCG(1, 1)), dy.N, dy.C, dy.H, dy.W, true, false)
	dx := newViewBF16(rand.New(rand.NewPCG(2, 1)), x.N, x.C, x.H, x.W, true, false)
	argmax := make([]uint8, dy.N*dy.C*dy.H*dy.W)
	p.MaxForwardBF16(y.MapBF16, x.MapBF16, argmax)
	for i, v := range y.floats() {
		if float64(v) != maximum.y[i] {
			t.Fatalf("%+v: maximum %d is %v, want %v", p, i, v, maximum.y[i])
		}
	}
	p.MaxBackwardBF16(dx.MapBF16, dy.MapBF16, argmax)
	nearBF16(t, fmt.Sprintf("gradient of the maximum of %+v", p), dx.floats(), maximum.dx, 9)
	p.AvgBackwardBF16(dx.MapBF16, dy.MapBF16)
	nearBF16(t, fmt.Sprintf("gradient of the average of %+v", p), dx.floats(), average.dx, 9)
	dx.check(t, "dx")
	dy.check(t, "dy")
}

// TestBF16AsFloat32: what rounds only its result, or nothing, gives what float32
// gives, rounded.
func TestBF16AsFloat32(t *testing.T) {
	eachISA(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(3, 4))
		x, y := newViewBF16(r, 3, 48, 7, 5, true, true), newViewBF16(r, 3, 48, 7, 5, true, false)
		wide, wanted := newMap(3, 48, 7, 5), newMap(3, 48, 7, 5)
		WidenMap(wide, x.MapBF16)
		same := func(what string, got viewBF16, want Map) {
			t.Helper()
			rounded := MapOf(make([]BF16, len(want.Data)), want.N, want.C, want.H, want.W)
			RoundMap(rounded, want)
			if !slices.Equal(got.values(), rounded.values()) {
				t.Errorf("%s: other values than float32's, rounded", what)
			}
			got.check(t, what)
		}
		same("WidenMap", x, wide)

		vector, mean := newMap(3, 48, 1, 1), newMap(3, 48, 1, 1)
		for i := range vector.Data {
			vector.Data[i] = r.Float32() - 0.5
		}
		GlobalAvgForwardBF16(mean, x.MapBF16)
		GlobalAvgBackwardBF16(y.MapBF16, vector)
		GlobalAvgBackward(wanted, vector)
		same("gradient of the mean", y, wanted)

		small, wideSmall := newViewBF16(r, 3, 48, 2, 3, true, false), newMap(3, 48, 2, 3)
		AdaptiveAvgForwardBF16(small.MapBF16, x.MapBF16)
		AdaptiveAvgForward(wideSmall, wide)
		same("adaptive average", small, wideSmall)
		WidenMap(wideSmall, small.MapBF16)
		AdaptiveAvgBackwardBF16(y.MapBF16, small.MapBF16)
		AdaptiveAvgBackward(wanted, wideSmall)
		same("gradient of the adaptive average", y, wanted)

		flat, wideFlat := newMap(3, 48*35, 1, 1), newMap(3, 48*35, 1, 1)
		FlattenBF16(flat, x.MapBF16, 41)
		Flatten(wideFlat, wide, 41)
		if !slices.Equal(flat.Data, wideFlat.Data) {
			t.Error("Flatten: other values than float32's")
		}
		FlattenBackwardBF16(y.MapBF16, flat, 41)
		FlattenBackward(wanted, flat, 41)
		same("gradient of Flatten", y, wanted)

		other := newViewBF16(r, 3, 32, 7, 5, true, true)
		SumBF16(y.MapBF16, []Part[BF16]{{x.MapBF16, 0}, {other.MapBF16, 16}, {x.MapBF16, 0}})
		wideOther := newMap(3, 32, 7, 5)
		WidenMap(wideOther, other.MapBF16)
		Sum(wanted, []Part[float32]{{wide, 0}, {wideOther, 16}, {wide, 0}})
		same("sum", y, wanted)
	})
}

func TestBatchNormBF16(t *testing.T) {
	eachISA(t, func(t *testing.T) {
		for _, c := range normCases() {
			for _, frozen := range []bool{false, true} {
				t.Run(fmt.Sprintf("%+v frozen %t", c, frozen), func(t *testing.T) { c.testBF16(t, frozen) })
			}
		}
	})
}

// testBF16 compares with float64 on the same rounded values. The arithmetic is
// float32, and results are off by half a unit of bf16 more.
func (c normCase) testBF16(t *testing.T, frozen bool) {
	r := rand.New(rand.NewPCG(3, uint64(c.c)))
	x, dy := newViewBF16(r, c.n, c.c, c.h, c.w, c.view, true), newViewBF16(r, c.n, c.c, c.h, c.w, c.view, true)
	y, dx := newViewBF16(r, c.n, c.c, c.h, c.w, c.view, false), newViewBF16(r, c.n, c.c, c.h, c.w, c.view, false)
	norm := BatchNorm{
		Mean: randomGuarded(r, c.c).data, Variance: randomGuarded(r, c.c).data,
		Gamma: randomGuarded(r, c.c).data, Beta: randomGuarded(r, c.c).data, Eps: normEps,
	}
	dgamma, dbeta := newGuarded(c.c), newGuarded(c.c)
	if !c.scale {
		norm.Gamma = nil
	}
	if frozen {
		for i, v := range norm.Variance {
			norm.Variance[i] = 0.5 + float32(math.Abs(float64(v)))
		}
	} else {
		norm.MomentsBF16(x.MapBF16)
	}
	norm.ForwardBF16(y.MapBF16, x.MapBF16)
	norm.BackwardBF16(dx.MapBF16, dgamma.data, dbeta.data, dy.MapBF16, x.MapBF16, frozen)

	wideX, wideDY, wideY := newMap(c.n, c.c, c.h, c.w), newMap(c.n, c.c, c.h, c.w), newMap(c.n, c.c, c.h, c.w)
	WidenMap(wideX, x.MapBF16)
	WidenMap(wideDY, dy.MapBF16)
	WidenMap(wideY, y.MapBF16)
	want := c.reference(wideX, wideDY, wideY, norm, frozen)
	terms := 30 * c.n * c.h * c.w
	near(t, "mean", norm.Mean, want.mean, terms)
	near(t, "variance", norm.Variance, want.variance, terms)
	nearBF16(t, "y", y.floats(), want.y, terms)
	nearBF16(t, "dx", dx.floats(), want.dx, terms)
	near(t, "dgamma", dgamma.data[:c.c], want.dgamma, terms)
	near(t, "dbeta", dbeta.data[:c.c], want.dbeta, terms)
	for what, v := range map[string]viewBF16{"x": x, "dy": dy, "y": y, "dx": dx} {
		v.check(t, what)
	}
	dgamma.check(t, "dgamma")
	dbeta.check(t, "dbeta")
}
