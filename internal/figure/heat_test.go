package figure

import (
	"math"
	"slices"
	"testing"

	"github.com/inception-go/inception/internal/picture"
)

// grey returns a picture of one lightness.
func grey(w, h int, light uint8) picture.Image {
	im := picture.New(w, h)
	for i := range im.Pix {
		im.Pix[i] = light
	}
	return im
}

func TestHeatCoversWhereItIs(t *testing.T) {
	h := Heat{W: 2, H: 1, Values: []float32{0, 1}}
	got := h.Over(grey(8, 3, 100), false)
	if got.W != 8 || got.H != 3 {
		t.Fatalf("%dx%d", got.W, got.H)
	}
	if !slices.Equal(got.Pix[:6], []uint8{100, 100, 100, 100, 100, 100}) {
		t.Errorf("where the heat is 0 the pixels are %v", got.Pix[:6])
	}
	last := got.Pix[3*7:][:3]
	want := warm[len(warm)-1]
	for i, v := range last {
		if math.Abs(float64(v)-(0.3*100+0.7*want[i])) > 0.51 {
			t.Errorf("where it is 1 the pixel is %v", last)
		}
	}
	// Between the centres of the values the heat grows steadily.
	for x := 2; x < 6; x++ {
		a, b := got.Pix[3*x], got.Pix[3*x+3]
		if b < a {
			t.Errorf("red falls from %d to %d behind pixel %d", a, b, x)
		}
	}
}

func TestSignedHeatIsBlueAndRed(t *testing.T) {
	got := Heat{W: 3, H: 1, Values: []float32{-1, 0, 1}}.Over(grey(3, 1, 90), true)
	if p := got.Pix; p[2] <= p[0] || p[3] != 90 || p[4] != 90 || p[5] != 90 || p[6] <= p[8] {
		t.Errorf("pixels are %v", p)
	}
}

func TestHeatIsBilinearBetweenCentres(t *testing.T) {
	h := Heat{W: 2, H: 2, Values: []float32{0, 1, 2, 3}}
	rows, columns := between(2, 4), between(2, 4)
	for y, want := range [][]float64{{0, 0.25, 0.75, 1}, {0.5, 0.75, 1.25, 1.5}, {1.5, 1.75, 2.25, 2.5}, {2, 2.25, 2.75, 3}} {
		for x, v := range want {
			if got := h.at(rows[y], columns[x]); math.Abs(got-v) > 1e-9 {
				t.Errorf("(%d, %d) is %g, want %g", x, y, got, v)
			}
		}
	}
}

func TestPicturesStandSideBySide(t *testing.T) {
	got := SideBySide([]picture.Image{grey(2, 2, 10), grey(1, 2, 20)})
	var row []uint8
	for x := range 3 {
		row = append(row, got.Pix[3*(got.W+x)])
	}
	if got.W != 3 || got.H != 2 || !slices.Equal(row, []uint8{10, 10, 20}) {
		t.Errorf("%dx%d, second row %v", got.W, got.H, row)
	}
}
