package kernel

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func TestPackRoundTrip(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, shape := range [][4]int{{16, 16, 1, 1}, {32, 48, 3, 3}, {10, 2048, 1, 1}, {24, 24, 1, 7}, {1, 3, 5, 2}} {
		k, c, rows, cols := shape[0], shape[1], shape[2], shape[3]
		oihw := randomGuarded(r, k*c*rows*cols)
		packed := newGuarded(PackedLen(k, c, rows, cols))
		back := newGuarded(len(oihw.data))
		PackOIHW(packed.data, oihw.data, k, c, rows, cols)
		UnpackOIHW(back.data, packed.data, k, c, rows, cols)
		if !slices.Equal(back.data, oihw.data) {
			t.Errorf("%v: unpacking does not undo packing", shape)
		}
		zeros := 0
		for _, v := range packed.data {
			if v == 0 {
				zeros++
			}
		}
		if want := len(packed.data) - len(oihw.data); zeros < want {
			t.Errorf("%v: %d zeros of padding, want %d", shape, zeros, want)
		}
		for _, g := range []guarded{oihw, packed, back} {
			g.check(t, "packing")
		}
	}
}

func TestPackLayout(t *testing.T) {
	const k, c, rows, cols = 32, 48, 2, 3
	oihw, packed := make([]float32, k*c*rows*cols), make([]float32, PackedLen(k, c, rows, cols))
	for i := range oihw {
		oihw[i] = float32(i)
	}
	PackOIHW(packed, oihw, k, c, rows, cols)
	const ki, ci, r, s = 21, 35, 1, 2
	got := packed[((((ki/16)*(c/16)+ci/16)*rows+r)*cols+s)*256+ci%16*16+ki%16]
	if want := oihw[((ki*c+ci)*rows+r)*cols+s]; got != want {
		t.Errorf("weight is %g, want %g", got, want)
	}
}
