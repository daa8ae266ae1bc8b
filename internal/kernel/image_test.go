package kernel

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/inception-go/inception/internal/parallel"
)

func TestImageConv(t *testing.T) {
	cases := []struct {
		ImageConv
		n, h, w int
	}{
		{ImageConv{32, Square(3, 2, 0)}, 2, 31, 29},
		{ImageConv{64, Square(7, 2, 0)}, 1, 23, 37},
		{ImageConv{64, Window{7, 7, 2, 2, 3, 3, 0, 0}}, 1, 20, 20},
		{ImageConv{64, Window{7, 7, 2, 2, 2, 2, 1, 1}}, 1, 20, 22},
		{ImageConv{48, Window{3, 3, 1, 1, 1, 1, 0, 0}}, 3, 8, 9},
		{ImageConv{16, Window{3, 5, 1, 2, 2, 2, 0, 0}}, 1, 3, 2},
	}
	eachISA(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(1, 2))
		for _, c := range cases {
			t.Run(fmt.Sprintf("%+v", c), func(t *testing.T) { testImageConv(t, r, c.ImageConv, c.n, c.h, c.w) })
		}
	})
}

func testImageConv(t *testing.T, r *rand.Rand, c ImageConv, n, h, w int) {
	oh, ow := c.Out(h, w)
	conv := Conv{imageChannels, c.K, Window{c.R, c.S, c.StrideH, c.StrideW, c.PadH, c.PadW, c.MoreH, c.MoreW}}
	images := randomGuarded(r, n*imageChannels*h*w)
	oihw := randomGuarded(r, c.K*imageChannels*c.R*c.S)
	bias := randomGuarded(r, c.K)
	weights, dw := newGuarded(c.WeightLen()), newGuarded(c.WeightLen())
	y := newViewMap(r, n, c.K, oh, ow, true, false)
	dy := newViewMap(r, n, c.K, oh, ow, true, true)
	PackImageWeights(weights.data, oihw.data, c.K, c.R, c.S)

	wantY, wantDW := make([]float64, n*c.K*oh*ow), make([]float64, len(oihw.data))
	dys := dy.values()
	conv.reference(n, h, w, func(y, x, weight int) {
		wantY[y] += float64(images.data[x]) * float64(oihw.data[weight])
		wantDW[weight] += float64(images.data[x]) * float64(dys[y])
	})

	c.Forward(y.Map, images.data, n, h, w, weights.data)
	near(t, "Forward", y.values(), wantY, c.Rows())
	c.BackwardWeights(dw.data, images.data, n, h, w, dy.Map)
	got := make([]float32, len(oihw.data))
	UnpackImageWeights(got, dw.data, c.K, c.R, c.S)
	near(t, "BackwardWeights", got, wantDW, n*oh*ow)
	c.ForwardBias(y.Map, images.data, n, h, w, weights.data, bias.data, true)
	for i := range wantY {
		wantY[i] = max(0, wantY[i]+float64(bias.data[i/(oh*ow)%c.K]))
	}
	near(t, "ForwardBias", y.values(), wantY, c.Rows())

	y.check(t, "y")
	dy.check(t, "dy")
	for _, g := range []guarded{images, oihw, bias, weights, dw} {
		g.check(t, "slices")
	}
}

func TestImageConvThreads(t *testing.T) {
	defer parallel.SetThreads(parallel.Threads())
	c := ImageConv{32, Square(3, 2, 0)}
	r := rand.New(rand.NewPCG(1, 2))
	images := randomGuarded(r, 2*imageChannels*41*41).data
	dy := newViewMap(r, 2, 32, 20, 20, false, true)
	eachISA(t, func(t *testing.T) {
		var want []float32
		for threads := 1; threads <= 3; threads++ {
			parallel.SetThreads(threads)
			dw := make([]float32, c.WeightLen())
			c.BackwardWeights(dw, images, 2, 41, 41, dy.Map)
			if want == nil {
				want = dw
			}
			if !slices.Equal(dw, want) {
				t.Errorf("%d threads give other bits than one", threads)
			}
		}
	})
}
