package picture

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// The ways for weights that are not negative give the same bits as the general
// one, which looks at bounds.
func TestPositiveWeightsGiveTheSameBits(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, name := range []string{Bilinear, BilinearTF1} {
		for range 60 {
			im := New(1+rng.IntN(90), 1+rng.IntN(90))
			for i := range im.Pix {
				if im.Pix[i] = uint8(rng.IntN(256)); rng.IntN(2) == 0 {
					im.Pix[i] = uint8(255 * rng.IntN(2))
				}
			}
			w, h := 1+rng.IntN(70), 1+rng.IntN(70)
			var r Resampler
			got := r.scale(im, im.whole(), window{w: w, h: h}, w, h, filters[name])
			if !r.columns.positive || !r.rows.positive {
				t.Fatalf("%s has a negative weight", name)
			}
			r.columns.positive, r.rows.positive = false, false
			middle := make([]uint8, im.H*3*w)
			for y := range im.H {
				r.columns.across(middle[y*3*w:][:3*w], im.Pix[3*y*im.W:][:3*im.W])
			}
			want := make([]uint8, 3*w*h)
			for y := range h {
				r.rows.down(want[y*3*w:][:3*w], middle, y, 0)
			}
			if !slices.Equal(got, want) {
				t.Fatalf("%s: %dx%d to %dx%d differs", name, im.W, im.H, w, h)
			}
		}
	}
}
