package picture

import (
	"math"
	"math/rand/v2"
	"testing"
)

// randomImage keeps away from black and white, which a cubic would pass and
// be cut off at.
func randomImage(w, h int) Image {
	r := rand.New(rand.NewPCG(uint64(w), uint64(h)))
	im := New(w, h)
	for i := range im.Pix {
		im.Pix[i] = uint8(60 + r.IntN(130))
	}
	return im
}

// naive resamples in float64 with both passes in one.
func naive(im Image, from Box, to window, f filter) []float64 {
	var out []float64
	weights := func(start, scale float64, at, n int) []float64 {
		stretch, w, sum := max(scale, 1), make([]float64, n), 0.0
		for i := range w {
			w[i] = f.at((float64(i) + 0.5 - (start + (float64(at)+0.5)*scale)) / stretch)
			sum += w[i]
		}
		for i := range w {
			w[i] /= sum
		}
		return w
	}
	for y := range to.size {
		rows := weights(from.Y, from.H/float64(to.h), to.y+y, im.H)
		for x := range to.size {
			columns := weights(from.X, from.W/float64(to.w), to.x+x, im.W)
			for c := range 3 {
				sum := 0.0
				for j, wy := range rows {
					for i, wx := range columns {
						sum += wy * wx * float64(im.Pix[3*(j*im.W+i)+c])
					}
				}
				out = append(out, math.Max(0, math.Min(255, sum)))
			}
		}
	}
	return out
}

func TestResampleIsWithinALevelOfExactArithmetic(t *testing.T) {
	var r Resampler
	for _, name := range []string{Bilinear, Bicubic} {
		f := filters[name]
		for _, c := range []struct {
			im   Image
			from Box
			to   window
		}{
			{randomImage(40, 30), Box{0, 0, 40, 30}, window{20, 15, 0, 0, 15}},
			{randomImage(40, 30), Box{3, 7, 21, 18}, window{12, 12, 0, 0, 12}},
			{randomImage(9, 7), Box{0, 0, 9, 7}, window{31, 24, 3, 0, 24}},
			{randomImage(64, 64), Box{5.25, 1.5, 50, 60}, window{10, 10, 2, 3, 6}},
			{randomImage(1, 1), Box{0, 0, 1, 1}, window{5, 5, 0, 0, 5}},
		} {
			got, want := r.resample(c.im, c.from, c.to, f), naive(c.im, c.from, c.to, f)
			for i, v := range got {
				if math.Abs(float64(v)-want[i]) > 1.01 {
					t.Fatalf("%s to %+v: byte %d is %d, want %.2f", name, c.to, i, v, want[i])
				}
			}
		}
	}
}

func TestSizesThatStayCopyThePixels(t *testing.T) {
	im := randomImage(16, 16)
	p := namedForTest(t, "unit", 16)
	p.CropPct = 1
	dst := make([]float32, 3*16*16)
	p.Apply(dst, im, new(Resampler))
	for c := range 3 {
		for i := range 256 {
			if want := float32(im.Pix[3*i+c]) / 255; dst[c*256+i] != want {
				t.Fatalf("channel %d, pixel %d is %g, want %g", c, i, dst[c*256+i], want)
			}
		}
	}
}

func TestIdentityResizeIsExactForBothFilters(t *testing.T) {
	im := New(9, 9)
	for i := range im.Pix {
		im.Pix[i] = uint8(i * 37) // black and white, too
	}
	var r Resampler
	for name, f := range filters {
		got := r.resample(im, Box{0, 0, 9, 9}, window{9, 9, 0, 0, 9}, f)
		for i, v := range got {
			if v != im.Pix[i] {
				t.Fatalf("%s: byte %d is %d, want %d", name, i, v, im.Pix[i])
			}
		}
		part := r.resample(im, Box{2, 3, 4, 4}, window{4, 4, 0, 0, 4}, f)
		for i, v := range part {
			if want := im.Pix[3*((3+i/12)*9+2)+i%12]; v != want {
				t.Fatalf("%s: byte %d of a crop is %d, want %d", name, i, v, want)
			}
		}
	}
}

func TestFiltersSumToOneBetweenPixels(t *testing.T) {
	for name, f := range filters {
		for at := -0.5; at <= 0.5; at += 0.125 {
			sum := 0.0
			for x := -3; x <= 3; x++ {
				sum += f.at(float64(x) + at)
			}
			if math.Abs(sum-1) > 1e-12 || f.at(f.support) != 0 || f.at(0) != 1 {
				t.Errorf("%s: weights at %g sum to %g", name, at, sum)
			}
		}
	}
}

func TestBicubicIsCutOffAtBlackAndWhite(t *testing.T) {
	im := New(8, 8)
	for i := range im.Pix {
		if i/3%8 >= 4 {
			im.Pix[i] = 255
		}
	}
	var r Resampler
	got := r.resample(im, Box{0, 0, 8, 8}, window{32, 32, 0, 0, 32}, filters[Bicubic])
	for x := 1; x < 32; x++ { // an overshoot that wraps around would go down
		if got[3*x] < got[3*(x-1)] {
			t.Fatalf("column %d is %d behind %d", x, got[3*x], got[3*(x-1)])
		}
	}
}
