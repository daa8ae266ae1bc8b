package picture

import (
	"math"
	"slices"
	"testing"
)

// grey returns a picture of grey pixels.
func grey(w int, values ...uint8) Image {
	im := New(w, len(values)/w)
	for i, v := range values {
		im.Pix[3*i], im.Pix[3*i+1], im.Pix[3*i+2] = v, v, v
	}
	return im
}

func TestTF1sBilinearIsAsByHand(t *testing.T) {
	for _, c := range []struct {
		name string
		im   Image
		size int
		want []uint8 // grey
	}{
		// Output x lies at input 1.5x, whatever is between: 0, 1.5 and 3 of 0 to 4.
		{"down", grey(4, 10, 20, 40, 80, 10, 20, 40, 80, 10, 20, 40, 80, 90, 100, 120, 160), 2, []uint8{10, 40, 10, 40}},
		// Half as large: 0, 0.5, 1 and 1.5; beyond the last pixel lies the last.
		{"up", grey(2, 10, 20, 30, 60), 4, []uint8{10, 15, 20, 20, 20, 30, 40, 40, 30, 45, 60, 60, 30, 45, 60, 60}},
		// 0 and 1.5.
		{"down by a half", grey(3, 0, 100, 200, 0, 100, 200, 40, 140, 240), 2, []uint8{0, 150, 20, 170}},
		{"the same size", grey(2, 1, 2, 3, 4), 2, []uint8{1, 2, 3, 4}},
	} {
		var r Resampler
		got := r.resample(c.im, Box{0, 0, float64(c.im.W), float64(c.im.H)}, window{c.size, c.size, 0, 0, c.size}, filters[BilinearTF1])
		var values []uint8
		for i := 0; i < len(got); i += 3 {
			values = append(values, got[i])
		}
		if !slices.Equal(values, c.want) {
			t.Errorf("%s: %v, want %v", c.name, values, c.want)
		}
	}
}

// slimEval is slim's preprocess_for_eval (inception_preprocessing.py), written
// down in float64: central_crop(0.875), resize_bilinear without align_corners,
// and 2(x - 0.5).
func slimEval(im Image, size int) []float64 {
	sides := func(n int) (first, length int) {
		first = int((float64(n) - float64(n)*0.875) / 2)
		return first, n - 2*first
	}
	x0, w := sides(im.W)
	y0, h := sides(im.H)
	lerp := func(out, in int) (low, high int, share float64) {
		at := float64(out) * float64(in) / float64(size)
		low = int(at)
		return low, min(low+1, in-1), at - float64(low)
	}
	values := make([]float64, 3*size*size)
	for y := range size {
		top, bottom, down := lerp(y, h)
		for x := range size {
			left, right, across := lerp(x, w)
			for c := range 3 {
				at := func(x, y int) float64 { return float64(im.Pix[3*((y0+y)*im.W+x0+x)+c]) / 255 }
				upper := at(left, top)*(1-across) + at(right, top)*across
				lower := at(left, bottom)*(1-across) + at(right, bottom)*across
				values[(c*size+y)*size+x] = 2 * (upper*(1-down) + lower*down - 0.5)
			}
		}
	}
	return values
}

func TestInceptionsInputsAreSlims(t *testing.T) {
	for _, size := range [][2]int{{17, 11}, {16, 16}, {100, 73}, {33, 250}, {400, 300}, {1, 1}} {
		im := randomImage(size[0], size[1])
		p := namedForTest(t, "inception", 32)
		got := make([]float32, 3*32*32)
		p.Apply(got, im, new(Resampler))
		sum := 0.0
		for i, want := range slimEval(im, 32) {
			off := math.Abs(float64(got[i])-want) / 2 * 255
			sum += off
			if off > 1.01 { // two roundings to 8 bits
				t.Fatalf("%v: value %d is %g, want %g", size, i, got[i], want)
			}
		}
		if mean := sum / float64(len(got)); mean > 0.4 {
			t.Errorf("%v: off by %.2f levels on average", size, mean)
		}
	}
}
