package chroma

import (
	"math"
	"slices"
	"testing"
)

func TestChromaIsInterpolatedAsByHand(t *testing.T) {
	for _, c := range []struct {
		across, down int
		plane        []uint8 // of 6x4 pixels
		y            int
		want         []uint8
	}{
		// (3*100+140+2)>>2 = 110, (3*140+100+1)>>2 = 130, ...
		{2, 1, []uint8{100, 140, 180, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 0, []uint8{100, 110, 130, 150, 170, 180}},
		// Above the first row lies the first row itself.
		{2, 2, []uint8{100, 140, 180, 20, 60, 100}, 0, []uint8{100, 110, 130, 150, 170, 180}},
		// Sums down are 3*100+20 = 320, 480 and 640; (3*320+480+7)>>4 = 90, (3*480+320+8)>>4 = 110.
		{2, 2, []uint8{100, 140, 180, 20, 60, 100}, 1, []uint8{80, 90, 110, 130, 150, 160}},
		{2, 2, []uint8{100, 140, 180, 20, 60, 100}, 2, []uint8{40, 50, 70, 90, 110, 120}},
		// (3*10+21+2)>>2 = 13 for the lower row of the first sample, (3*21+10+1)>>2 = 18 for the upper of the second.
		{1, 2, []uint8{10, 10, 10, 10, 10, 10, 21, 21, 21, 21, 21, 21}, 1, []uint8{13, 13, 13, 13, 13, 13}},
		{1, 2, []uint8{10, 10, 10, 10, 10, 10, 21, 21, 21, 21, 21, 21}, 2, []uint8{18, 18, 18, 18, 18, 18}},
		{4, 1, []uint8{10, 20, 30, 40, 50, 60, 70, 80}, 1, []uint8{30, 30, 30, 30, 40, 40}},
	} {
		w := (6 + c.across - 1) / c.across
		p := Plane{Pix: c.plane, Stride: w, W: w, H: 4 / c.down, Across: Ratio{1, c.across}, Down: Ratio{1, c.down}}
		got := p.Row(make([]uint8, 6), c.y)
		if !slices.Equal(got, c.want) {
			t.Errorf("1/%dx%d, row %d: %v, want %v", c.across, c.down, c.y, got, c.want)
		}
	}
}

func TestYCbCrIsConvertedAndRounded(t *testing.T) {
	for y := 0; y < 256; y += 5 {
		for cb := 0; cb < 256; cb += 17 {
			for cr := 0; cr < 256; cr += 17 {
				got := make([]uint8, 3)
				ToRGB(got, []uint8{uint8(y)}, []uint8{uint8(cb)}, []uint8{uint8(cr)})
				b, r := float64(cb-128), float64(cr-128)
				for i, want := range []float64{float64(y) + 1.402*r, float64(y) - 0.34414*b - 0.71414*r, float64(y) + 1.772*b} {
					if want = math.Max(0, math.Min(255, want)); math.Abs(float64(got[i])-want) > 0.502 {
						t.Fatalf("(%d, %d, %d): channel %d is %d, want %.3f", y, cb, cr, i, got[i], want)
					}
				}
			}
		}
	}
}
