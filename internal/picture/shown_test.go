package picture

import (
	"math"
	"testing"
)

// What Shown says the input shows is what the input shows: resampling that part
// alone gives the input's pixels, up to what a filter sees beyond the edge.
func TestShownIsWhatTheInputShows(t *testing.T) {
	for _, size := range [][2]int{{400, 300}, {300, 401}, {64, 64}, {1000, 90}} {
		im := New(size[0], size[1])
		for i := range im.Pix {
			x, y := i/3%im.W, i/3/im.W
			im.Pix[i] = uint8(127 + 60*math.Sin(float64(x)/31) + 60*math.Sin(float64(y)/23))
		}
		for _, name := range []string{"torchvision", "inception", "unit"} {
			p, err := NamedPreprocess(name, 60)
			if err != nil {
				t.Fatal(err)
			}
			p.CropPct = 0.8
			var r Resampler
			input := make([]float32, 3*60*60)
			p.Apply(input, im, &r)
			again := make([]float32, 3*60*60)
			p.Normalise(again, r.Resample(im, p.Shown(im), 60, p.Interpolation), false)
			worst := 0.0
			for i, v := range input {
				worst = max(worst, math.Abs(float64(v-again[i])*p.Std[0]))
			}
			if worst > 0.05 {
				t.Errorf("%dx%d, %s: pixels differ by %.3f", im.W, im.H, name, worst)
			}
		}
	}
}

func TestPartsKeepTheirShape(t *testing.T) {
	im := New(40, 30)
	for _, c := range []struct {
		from       Box
		side, w, h int
	}{
		{Box{0, 0, 40, 30}, 80, 80, 60}, {Box{10, 0, 10, 30}, 15, 5, 15}, {Box{0, 0, 40, 1}, 10, 10, 1},
	} {
		if got := im.Part(c.from, c.side); got.W != c.w || got.H != c.h || got.Validate() != nil {
			t.Errorf("%v at %d is %dx%d, want %dx%d", c.from, c.side, got.W, got.H, c.w, c.h)
		}
	}
}
