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

// byteCanaries stand where nothing may be written: a pattern, because any single
// value is likely.
var byteCanaries = []uint8{0xc6, 0x41, 0x17, 0x9d, 0x5e}

// viewInt8 is a viewMap in bytes.
type viewInt8 struct {
	MapInt8
	memory, before []uint8
}

func newViewInt8(r *rand.Rand, n, c, h, w int, view, fill bool) viewInt8 {
	from, all := 0, c
	if view {
		from = Block * r.IntN(3)
		all = from + c + Block*r.IntN(3)
	}
	size := n*all*h*w + 2*guardFloats
	v := viewInt8{memory: slices.Repeat(byteCanaries, size/len(byteCanaries)+1)[:size]}
	v.before = slices.Clone(v.memory)
	v.MapInt8 = MapOf(v.memory[guardFloats:size-guardFloats], n, all, h, w).Channels(from, c)
	if fill {
		v.each(func(plane []uint8) {
			for i := range plane {
				plane[i] = uint8(r.Uint32())
			}
		})
		copy(v.before, v.memory)
	}
	return v
}

func (v viewInt8) each(do func(plane []uint8)) {
	for n := range v.N {
		for block := range v.Blocks() {
			do(v.Plane(n, block))
		}
	}
}

func (v viewInt8) clear() { v.each(func(plane []uint8) { clear(plane) }) }

// check fails if something outside the view was written.
func (v viewInt8) check(t *testing.T, what string) {
	t.Helper()
	inside := MapOf(v.memory[guardFloats:len(v.memory)-guardFloats], v.N, v.Stride/v.H/v.W, v.H, v.W)
	before := inside
	before.Data = v.before[guardFloats:]
	from := (cap(inside.Data) - cap(v.Data)) / v.H / v.W
	for n := range v.N {
		for block := range inside.Blocks() {
			if at := block * Block; at >= from && at < from+v.C {
				copy(before.Plane(n, block), inside.Plane(n, block))
			}
		}
	}
	if !slices.Equal(v.memory, v.before) {
		t.Fatalf("%s: wrote outside its channels", what)
	}
}

// randomInt8Weights are weights [k][c][r][s], bias and scale, some results of which
// lie outside bytes.
func randomInt8Weights(r *rand.Rand, c Conv) (oihw []int8, w Int8Weights) {
	oihw = make([]int8, c.K*c.C*c.R*c.S)
	for i := range oihw {
		oihw[i] = int8(r.Uint32())
	}
	w.Bias, w.Scale = make([]int32, roundUp(c.K)), make([]float32, roundUp(c.K))
	for k := range c.K {
		w.Bias[k] = int32(r.IntN(200_000) - 100_000)
		w.Scale[k] = (0.5 + r.Float32()) / (90 * 150 * float32(math.Sqrt(float64(c.C*c.R*c.S))))
	}
	return oihw, w
}

// expectInt8 turns sums into results.
func expectInt8(sums []int64, w Int8Weights, plane int) []uint8 {
	want := make([]uint8, len(sums))
	for i, sum := range sums {
		k := i / plane % len(w.Bias)
		want[i] = simd.RoundByte(float32(sum+int64(w.Bias[k])) * w.Scale[k])
	}
	return want
}

// eachInt8 runs a test with each implementation of bytes that this machine has.
func eachInt8(t *testing.T, test func(t *testing.T)) {
	defer func(before *simd.ISA) { active = before }(active)
	for _, s := range simd.Int8s() {
		isa := *simd.Generic
		isa.Int8 = s
		active = &isa
		t.Run(s.Name, test)
	}
}

func TestConvInt8(t *testing.T) {
	cases, r := convCases(), rand.New(rand.NewPCG(1, 2))
	cases = append(cases, convCase{Conv{C: 1536, K: 48, Window: Square(3, 1, 1)}, 1, 5, 6, true}) // the reduction is split
	count := 15
	if long {
		count = 300
	}
	for range count {
		cases = append(cases, randomConv(r))
	}
	for _, c := range cases {
		t.Run(c.String(), func(t *testing.T) { testConvInt8(t, r, c) })
	}
}

func testConvInt8(t *testing.T, r *rand.Rand, c convCase) {
	oh, ow := c.Out(c.h, c.w)
	x := newViewInt8(r, c.n, c.C, c.h, c.w, c.view, true)
	y := newViewInt8(r, c.n, c.K, oh, ow, c.view, false)
	oihw, w := randomInt8Weights(r, c.Conv)
	sums, xs := make([]int64, c.n*c.K*oh*ow), x.values()
	c.reference(c.n, c.h, c.w, func(y, x, weight int) { sums[y] += int64(xs[x]) * int64(oihw[weight]) })
	want := expectInt8(sums, w, oh*ow)
	eachInt8(t, func(t *testing.T) {
		w.W = make([]int8, c.Int8WeightLen())
		c.PackInt8(w.W, oihw, c.K, c.C)
		y.clear()
		c.ForwardInt8(y.MapInt8, x.MapInt8, w)
		if !slices.Equal(y.values(), want) {
			t.Fatalf("results are %v, want %v", y.values(), want)
		}
		x.check(t, "x")
		y.check(t, "y")
	})
}

func TestInt8GivesTheSameWithAnyThreads(t *testing.T) {
	defer parallel.SetThreads(parallel.Threads())
	var want []uint8
	for threads := 1; threads <= 3; threads++ {
		parallel.SetThreads(threads)
		r := rand.New(rand.NewPCG(5, 6))
		var got []uint8
		for _, c := range convCases() {
			oh, ow := c.Out(c.h, c.w)
			x, y := newViewInt8(r, c.n, c.C, c.h, c.w, false, true), newViewInt8(r, c.n, c.K, oh, ow, false, false)
			oihw, w := randomInt8Weights(r, c.Conv)
			w.W = make([]int8, c.Int8WeightLen())
			c.PackInt8(w.W, oihw, c.K, c.C)
			c.ForwardInt8(y.MapInt8, x.MapInt8, w)
			got = append(got, y.Data...)
		}
		if want == nil {
			want = got
		}
		if !slices.Equal(got, want) {
			t.Errorf("%d threads give something else", threads)
		}
	}
}

// TestImageConvInt8 on sizes around the loops' units, with and without padding.
func TestImageConvInt8(t *testing.T) {
	same := ImageConv{64, Square(7, 2, 0).Same(30, 29)}
	r := rand.New(rand.NewPCG(1, 2))
	for _, c := range []ImageConv{{32, Square(3, 2, 0)}, {64, Square(7, 2, 3)}, same, {48, Square(3, 1, 1)}, {16, Square(5, 3, 2)}} {
		for _, size := range [][2]int{{21, 29}, {30, 32}, {9, 7}, {33, 45}} {
			t.Run(fmt.Sprintf("%+v of %v", c, size), func(t *testing.T) { testImageConvInt8(t, r, c, size[0], size[1]) })
		}
	}
}

func testImageConvInt8(t *testing.T, r *rand.Rand, c ImageConv, h, w int) {
	const n = 2
	oh, ow := c.Out(h, w)
	how := ByteImage{Scale: [3]float32{100, 127, 90}, Offset: [3]float32{127.25, 128, 100}}
	images := randomGuarded(r, n*imageChannels*h*w).data
	oihw, weights := randomInt8Weights(r, Conv{imageChannels, c.K, c.Window})
	weights.W = make([]int8, c.Int8WeightLen())
	c.PackImageInt8(weights.W, oihw, c.K)
	y := newViewInt8(r, n, c.K, oh, ow, true, false)
	// The same on an image with the padding in it.
	pad := func(size, pad, more int) int { return size + 2*pad + more }
	high, wide := pad(h, c.PadH, c.MoreH), pad(w, c.PadW, c.MoreW)
	bytes := make([]uint8, n*imageChannels*high*wide)
	for i := range bytes {
		colour, y, x := i/(high*wide)%imageChannels, i/wide%high-c.PadH, i%wide-c.PadW
		v := float32(0)
		if y >= 0 && y < h && x >= 0 && x < w {
			v = images[(i/(high*wide)*h+y)*w+x]
		}
		bytes[i] = simd.RoundByte(float32(v*how.Scale[colour]) + how.Offset[colour])
	}
	plain := c.Window
	plain.PadH, plain.PadW, plain.MoreH, plain.MoreW = 0, 0, 0, 0
	sums := make([]int64, n*c.K*oh*ow)
	Conv{imageChannels, c.K, plain}.reference(n, high, wide, func(y, x, weight int) {
		sums[y] += int64(bytes[x]) * int64(oihw[weight])
	})
	want := expectInt8(sums, weights, oh*ow)
	eachInt8(t, func(t *testing.T) {
		y.clear()
		c.ForwardInt8(y.MapInt8, images, n, h, w, how, weights)
		if !slices.Equal(y.values(), want) {
			t.Fatalf("results are %v, want %v", y.values(), want)
		}
		y.check(t, "y")
	})
}

func TestPoolInt8(t *testing.T) {
	eachInt8(t, func(t *testing.T) {
		for _, p := range poolCases() {
			for _, size := range [][2]int{{5, 5}, {6, 9}, {17, 8}} {
				for _, factor := range []float32{1, 0.75, 1.5} {
					testPoolInt8(t, p, size[0], size[1], factor)
				}
			}
		}
	})
}

func testPoolInt8(t *testing.T, p Pool, h, w int, factor float32) {
	r := rand.New(rand.NewPCG(uint64(h), 1))
	oh, ow := p.Out(h, w)
	x, y := newViewInt8(r, 2, 32, h, w, true, true), newViewInt8(r, 2, 32, oh, ow, true, false)
	wide, dy := newMap(2, 32, h, w), newMap(2, 32, oh, ow)
	Dequantise(wide, x.MapInt8, 1)
	p.MaxForwardInt8(y.MapInt8, x.MapInt8, factor)
	got := y.values()
	for i, v := range p.reference(wide, dy, true).y {
		if want := simd.RoundByte(float32(v) * factor); got[i] != want {
			t.Fatalf("%+v, times %v: maximum %d is %d, want %d", p, factor, i, got[i], want)
		}
	}
	p.AvgForwardInt8(y.MapInt8, x.MapInt8, factor)
	got = y.values()
	for i, v := range p.reference(wide, dy, false).y {
		// The divisor and the product are rounded to float32.
		if v *= float64(factor); math.Abs(float64(got[i])-min(v, 255)) > 0.5+v*0x1p-22 {
			t.Fatalf("%+v, times %v: average %d is %d, want %v", p, factor, i, got[i], v)
		}
	}
	x.check(t, "x")
	y.check(t, "y")
}

// TestInt8Rescaling also takes planes longer than one turn of sums.
func TestInt8Rescaling(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	x, y := newViewInt8(r, 2, 32, 19, 31, true, true), newViewInt8(r, 2, 32, 19, 31, true, false)
	wide, mean, want := newMap(2, 32, 19, 31), newMap(2, 32, 1, 1), newMap(2, 32, 1, 1)
	const scale = 0.037
	Dequantise(wide, x.MapInt8, scale)
	GlobalAvgForwardInt8(mean, x.MapInt8, scale)
	GlobalAvgForward(want, wide)
	for i, v := range mean.Data {
		if math.Abs(float64(v-want.Data[i])) > 1e-6*float64(want.Data[i]) {
			t.Fatalf("mean %d is %v, want %v", i, v, want.Data[i])
		}
	}
	Quantise(y.MapInt8, wide, 1/float32(scale))
	if !slices.Equal(y.values(), x.values()) {
		t.Fatal("bytes do not survive float32")
	}
	Rescale(y.MapInt8, x.MapInt8, 0.4)
	got := y.values()
	for i, v := range x.values() {
		if got[i] != simd.RoundByte(float32(v)*0.4) {
			t.Fatalf("%d times 0.4 is %d", v, got[i])
		}
	}
	y.check(t, "y")
}

func TestInt8Refusals(t *testing.T) {
	c := Conv{C: 16, K: 16, Window: Square(1, 1, 0)}
	x := MapOf(make([]uint8, 16), 1, 16, 1, 1)
	full := Int8Weights{make([]int8, 256), make([]int32, 16), make([]float32, 16)}
	for name, w := range map[string]Int8Weights{
		"weights": {full.W[:255], full.Bias, full.Scale},
		"bias":    {full.W, full.Bias[:15], full.Scale},
		"scale":   {full.W, full.Bias, nil},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("was taken")
				}
			}()
			c.ForwardInt8(x, x, w)
		})
	}
	if most := int64(MaxInt8Terms)*255*128 + MaxInt8Bias; most > math.MaxInt32 {
		t.Error("sums overflow")
	}
}
