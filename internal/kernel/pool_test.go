package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// poolCases are the pools of the networks and some that no network has.
func poolCases() []Pool {
	return []Pool{
		{Window: Window{R: 3, S: 3, StrideH: 2, StrideW: 2}},
		{Window: Window{R: 3, S: 3, StrideH: 2, StrideW: 2}, CeilMode: true},
		{Window: Window{R: 3, S: 3, StrideH: 1, StrideW: 1, PadH: 1, PadW: 1}},
		{Window: Window{R: 3, S: 3, StrideH: 1, StrideW: 1, PadH: 1, PadW: 1}, CountIncludePad: true},
		{Window: Window{R: 5, S: 5, StrideH: 3, StrideW: 3}},
		{Window: Window{R: 3, S: 3, StrideH: 2, StrideW: 2, PadH: 1, PadW: 1}, CeilMode: true, CountIncludePad: true},
		{Window: Window{R: 3, S: 3, StrideH: 2, StrideW: 2, MoreH: 1, MoreW: 1}}, // TensorFlow's SAME on even sizes
		{Window: Window{R: 3, S: 3, StrideH: 1, StrideW: 2, PadH: 1, MoreW: 1}, CountIncludePad: true},
		{Window: Window{R: 2, S: 2, StrideH: 1, StrideW: 1, MoreH: 1, MoreW: 1}, CountIncludePad: true},
		{Window: Window{R: 2, S: 4, StrideH: 1, StrideW: 3, PadH: 1, PadW: 0}},
		{Window: Window{R: 3, S: 1, StrideH: 1, StrideW: 1, PadH: 0, PadW: 0}, CountIncludePad: true},
	}
}

func TestPool(t *testing.T) {
	eachISA(t, func(t *testing.T) {
		for _, p := range poolCases() {
			for _, size := range [][2]int{{5, 5}, {6, 9}, {17, 8}} {
				t.Run(fmt.Sprintf("%+v on %v", p, size), func(t *testing.T) { testPool(t, p, size[0], size[1]) })
			}
		}
	})
}

func testPool(t *testing.T, p Pool, h, w int) {
	const n, c = 2, 32
	r := rand.New(rand.NewPCG(uint64(h), uint64(w)))
	oh, ow := p.Out(h, w)
	x, dy := newViewMap(r, n, c, h, w, true, true), newViewMap(r, n, c, oh, ow, true, true)
	y, dx := newViewMap(r, n, c, oh, ow, true, false), newViewMap(r, n, c, h, w, true, false)
	for i := range 40 { // so that maxima are shared
		*x.at(i%n, i%c, i%h, i%w) = 0.75
	}
	argmax := make([]uint8, n*c*oh*ow)

	want := p.reference(x.Map, dy.Map, true)
	p.MaxForward(y.Map, x.Map, argmax)
	p.MaxBackward(dx.Map, dy.Map, argmax)
	near(t, "max", y.values(), want.y, 1)
	near(t, "gradient of max", dx.values(), want.dx, 9)

	want = p.reference(x.Map, dy.Map, false)
	p.AvgForward(y.Map, x.Map)
	p.AvgBackward(dx.Map, dy.Map)
	near(t, "average", y.values(), want.y, 9)
	near(t, "gradient of average", dx.values(), want.dx, 9)
	for what, v := range map[string]viewMap{"x": x, "dy": dy, "y": y, "dx": dx} {
		v.check(t, what)
	}
}

type poolWant struct{ y, dx []float64 }

// reference pools one output pixel after another.
func (p Pool) reference(x, dy Map, isMax bool) poolWant {
	want := poolWant{dx: make([]float64, x.N*x.C*x.H*x.W)}
	for n := range x.N {
		for c := range x.C {
			for i := range dy.H {
				for j := range dy.W {
					best, bestAt, sum, inside, counted := math.Inf(-1), 0, 0.0, []int(nil), 0
					for r := range p.R {
						for s := range p.S {
							h, w := i*p.StrideH+r-p.PadH, j*p.StrideW+s-p.PadW
							if h < x.H+p.PadH+p.MoreH && w < x.W+p.PadW+p.MoreW {
								counted++
							}
							if h < 0 || w < 0 || h >= x.H || w >= x.W {
								continue
							}
							at, v := ((n*x.C+c)*x.H+h)*x.W+w, float64(*x.at(n, c, h, w))
							inside, sum = append(inside, at), sum+v
							if v > best {
								best, bestAt = v, at
							}
						}
					}
					g := float64(*dy.at(n, c, i, j))
					if isMax {
						want.y = append(want.y, best)
						want.dx[bestAt] += g
						continue
					}
					if !p.CountIncludePad {
						counted = len(inside)
					}
					want.y = append(want.y, sum/float64(counted))
					for _, at := range inside {
						want.dx[at] += g / float64(counted)
					}
				}
			}
		}
	}
	return want
}

// The sizes are what PyTorch's MaxPool2d gives.
func TestPoolOut(t *testing.T) {
	for _, c := range []struct {
		pool     Pool
		in, want int
	}{
		{Pool{Window: Window{R: 3, S: 3, StrideH: 2, StrideW: 2}}, 112, 55},
		{Pool{Window: Window{R: 3, S: 3, StrideH: 2, StrideW: 2}, CeilMode: true}, 112, 56},
		{Pool{Window: Window{R: 3, S: 3, StrideH: 2, StrideW: 2}, CeilMode: true}, 113, 56},
		{Pool{Window: Window{R: 2, S: 2, StrideH: 2, StrideW: 2}, CeilMode: true}, 7, 4},
		{Pool{Window: Window{R: 2, S: 2, StrideH: 3, StrideW: 3, PadH: 1, PadW: 1}, CeilMode: true}, 5, 2},
		{Pool{Window: Window{R: 3, S: 3, StrideH: 1, StrideW: 1, PadH: 1, PadW: 1}}, 35, 35},
	} {
		if h, w := c.pool.Out(c.in, c.in); h != c.want || w != c.want {
			t.Errorf("%+v of %d gives %dx%d, want %d", c.pool, c.in, h, w, c.want)
		}
	}
}

func TestGlobalAvg(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	x, dy := newViewMap(r, 3, 32, 5, 7, true, true), newViewMap(r, 3, 32, 1, 1, true, true)
	y, dx := newViewMap(r, 3, 32, 1, 1, true, false), newViewMap(r, 3, 32, 5, 7, true, false)
	GlobalAvgForward(y.Map, x.Map)
	GlobalAvgBackward(dx.Map, dy.Map)
	var want, wantDX []float64
	for n := range 3 {
		for c := range 32 {
			sum := 0.0
			for i := range 35 {
				sum += float64(*x.at(n, c, i/7, i%7))
				wantDX = append(wantDX, float64(*dy.at(n, c, 0, 0))/35)
			}
			want = append(want, sum/35)
		}
	}
	near(t, "mean", y.values(), want, 1)
	near(t, "gradient", dx.values(), wantDX, 1)
	y.check(t, "y")
	dx.check(t, "dx")
}

// The windows of 14 to 4 are those of PyTorch's AdaptiveAvgPool2d: four wide,
// at 0, 3, 7 and 10.
func TestAdaptiveAvg(t *testing.T) {
	for _, c := range []struct {
		h, w   int
		starts []int // of rows
		ends   []int
	}{
		{14, 8, []int{0, 3, 7, 10}, []int{4, 7, 11, 14}},
		{6, 4, []int{0, 1, 3, 4}, []int{2, 3, 5, 6}},
		{3, 12, []int{0, 0, 1, 2}, []int{1, 2, 3, 3}},
	} {
		r := rand.New(rand.NewPCG(5, uint64(c.h)))
		x, dy := newViewMap(r, 2, 32, c.h, c.w, true, true), newViewMap(r, 2, 32, 4, 4, true, true)
		y, dx := newViewMap(r, 2, 32, 4, 4, true, false), newViewMap(r, 2, 32, c.h, c.w, true, false)
		AdaptiveAvgForward(y.Map, x.Map)
		AdaptiveAvgBackward(dx.Map, dy.Map)
		want, wantDX := []float64(nil), make([]float64, 2*32*c.h*c.w)
		for i := range 2 * 32 {
			for row := range 4 {
				for j := range 4 {
					left, right := j*c.w/4, (j+1)*c.w/4 // every w here is a multiple of 4
					sum, area := 0.0, float64((c.ends[row]-c.starts[row])*(right-left))
					for h := c.starts[row]; h < c.ends[row]; h++ {
						for w := left; w < right; w++ {
							sum += float64(*x.at(i/32, i%32, h, w))
							wantDX[(i*c.h+h)*c.w+w] += float64(*dy.at(i/32, i%32, row, j)) / area
						}
					}
					want = append(want, sum/area)
				}
			}
		}
		near(t, "mean", y.values(), want, 1)
		near(t, "gradient", dx.values(), wantDX, 1)
		y.check(t, "y")
		dx.check(t, "dx")
	}
}
